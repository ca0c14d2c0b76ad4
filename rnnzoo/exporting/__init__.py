"""Exporting: a model as a folder that servers and other languages run."""
