"""Graphs that Python calls compiled, and the processes that can run them."""

import os
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# Whether this process has computed, and whether one did that it was forked from.
_HISTORY = {"has_run": False, "is_fork": False}


def check_process() -> None:
    """Refuses to compute in a process forked from one that did, which would hang.

    TensorFlow's threads are not in the fork, whose work they would have to do. They
    start with the first model that is built.

    Raises:
        RuntimeError: In such a process.
    """
    if _HISTORY["is_fork"]:
        raise RuntimeError(
            "A process that was forked after a model was built has none of "
            "TensorFlow's threads, and would hang. Start processes with "
            "multiprocessing.get_context('spawn'), or build models only after the fork "
            f"(docs/serving.md). Received: process {os.getpid()}, forked from "
            f"{os.getppid()}"
        )
    _HISTORY["has_run"] = True


def check_backend(what: str) -> None:
    """Refuses what only Keras' TensorFlow backend can do, with a `ValueError`."""
    if (backend := keras.backend.backend()) != "tensorflow":
        raise ValueError(
            f"{what} needs Keras' TensorFlow backend: set KERAS_BACKEND=tensorflow "
            "before Python starts (docs/devices.md says what other backends can do). "
            f"Received: backend={backend!r}"
        )


def _note_fork() -> None:
    _HISTORY["is_fork"] = _HISTORY["has_run"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def compile_for_python(function: Callable, *signature: Any) -> Callable:
    """Returns a graph function that Python calls compiled, and other graphs trace."""
    graph = tf.function(function, input_signature=signature, autograph=False)
    traced = []

    def call(*arguments: Any) -> Any:
        if not tf.executing_eagerly():
            return function(*arguments)
        check_process()
        if not traced:
            # Not by calling it: TensorFlow would warn of the graphs of many models.
            traced.append(graph.get_concrete_function())
        return graph(*arguments)

    call.graph = graph  # pyright: ignore[reportFunctionMemberAccess]
    return call
