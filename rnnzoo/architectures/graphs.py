"""Graphs that answer in Python, compiled once for inputs of all sizes."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from rnnzoo.tokens.graphs import compile_for_python


def compile_graph(function: Callable, *inputs: Any) -> Callable:
    """Compiles a function of tensors once, for inputs of all sizes.

    `inputs` has shape and dtype, or a structure of `tf.TensorSpec`, of each argument.
    Backends other than TensorFlow call the function directly.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    specs = [tf.TensorSpec(*x) if isinstance(x, tuple) else x for x in inputs]
    return compile_for_python(function, *specs)


def get_state_spec(state: Any) -> Any:
    """Returns the `tf.TensorSpec` of every tensor of a state."""
    return keras.tree.map_structure(
        lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype), state
    )
