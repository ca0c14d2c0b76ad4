"""Greedy decoding with an encoder-decoder that has no tokens of its own."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.decoding.options import GREEDY
from rnnzoo.decoding.writer import Writer, compile_for_python


def decode_greedily(
    model: Any, source: Any, *, start: int, end: int, max_length: int
) -> np.ndarray:
    """Writes the most likely token at every step, feeding each to the next.

    Args:
        model: A `many_to_one_to_many` with `decoder="autoregressive"` and a
            `target_vocabulary_size`.
        source: Encoded source, as the graph takes it: token ids `[batch, time]` or
            values `[batch, time, features]`.
        start: Token id that begins every target.
        end: Token id that ends it; rows that have ended are padded with 0.
        max_length: Maximum number of tokens to write, `end` included.

    Returns:
        Token ids `[batch, at most max_length]`, int32, without `start`.

    Raises:
        ValueError: If the model is not an autoregressive writer of tokens.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_one_to_many
        >>> from rnnzoo.decoding import decode_greedily
        >>> model = many_to_one_to_many(vocabulary_size=9, target_vocabulary_size=9,
        ...                             decoder="autoregressive", units=8)
        >>> source = np.array([[3, 4, 5], [6, 7, 0]])
        >>> decode_greedily(model, source, start=1, end=2, max_length=4).shape[0]
        2
    """
    if not model.is_autoregressive or model.input["target"].dtype != "int32":
        raise ValueError(
            "decode_greedily needs decoder='autoregressive' and a "
            "target_vocabulary_size; with decoder='summary', predict() gives the "
            f"answer. Received: {model.name!r}, which is no such model"
        )
    # Beside the attributes that Keras tracks: a graph is traced once per model.
    graphs = vars(model).setdefault("_greedy_graphs", {})
    if end not in graphs:
        graphs[end] = _compile(model, end)
    return graphs[end](source, start, max_length).numpy()


def _compile(model: Any, end: int) -> Callable:
    """Returns the graph from a source, a start token and a count to tokens."""
    memory_spec = model.state_spec()

    def step(tokens: Any, decoder: list, memory: dict) -> tuple:
        outputs, after = model.step(tokens, {"decoder": decoder, **memory})
        return outputs, after["decoder"]

    writer = Writer(
        step,
        memory_spec.pop("decoder"),
        model.output_shape[-1],
        end=end,
        memory_spec=memory_spec,
    )

    def write(source: Any, start: Any, count: Any) -> tf.Tensor:
        memory = dict(model.begin(source))
        decoder = memory.pop("decoder")
        batch = tf.shape(source)[0]
        state = writer.initial_state(
            tf.fill([batch], start),
            decoder,
            tf.zeros([batch], tf.uint64),
            memory=memory,
        )
        return writer.sample(state, GREEDY.to_tensors(), count)[0]

    source, *_ = keras.tree.flatten(model.inputs)
    number = tf.TensorSpec((), tf.int32)
    spec = tf.TensorSpec(source.shape, source.dtype)
    return compile_for_python(write, spec, number, number)
