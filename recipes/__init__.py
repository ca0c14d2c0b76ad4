"""Preset training recipes, one file each: one model on one data set."""
