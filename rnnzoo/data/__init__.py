"""Data: files, public data sets, generated examples, and input pipelines."""
