"""Layers that Keras does not already have."""
