"""The three shapes of a sequence model, as functional Keras models."""
