"""Graph functions that Python calls compiled, and exports contain."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def compile_for_python(function: Callable, *signature: Any) -> Callable:
    """Returns a graph function that Python calls compiled, and other graphs trace.

    Args:
        function: Takes and returns tensors.
        *signature: For each argument, its structure of `tf.TensorSpec`.
    """
    graph = tf.function(function, input_signature=signature, autograph=False)

    def call(*arguments: Any) -> Any:
        return graph(*arguments) if tf.executing_eagerly() else function(*arguments)

    return call
