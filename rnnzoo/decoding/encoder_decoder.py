"""Decoding with an autoregressive encoder-decoder."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.decoding.options import GREEDY
from rnnzoo.decoding.sampling import FORBIDDEN
from rnnzoo.decoding.state import DecodingState
from rnnzoo.decoding.writer import WRITING, Writer
from rnnzoo.errors import check_number
from rnnzoo.tokens.graphs import check_backend, compile_for_python


class EncoderDecoderWriter(Writer):
    """A writer whose state counts how many tokens each text may still have.

    Args:
        model: What `decode_greedily` takes.
        end: Token id that ends a text.
        forbidden: Token ids that are never written.
    """

    def __init__(self, model: Any, end: int, forbidden: Sequence[int] = (0,)):
        check_backend(WRITING)  # before the model is traced
        self.model = model
        memory_spec = model.state_spec()
        decoder_spec = memory_spec.pop("decoder")
        super().__init__(
            self.decode_step,
            {"decoder": decoder_spec, "left": tf.TensorSpec((None,), tf.int32)},
            model.output_shape[-1],
            forbidden,
            end,
            memory_spec,
        )

    def read_source(self, source: Any, start: Any, limits: Any) -> DecodingState:
        """Returns the state after a source, in the graph; `limits` are `[batch]`."""
        memory = dict(self.model.begin(source))
        return self.initial_state(
            tf.fill(tf.shape(limits), start),
            {"decoder": memory.pop("decoder"), "left": limits},
            tf.zeros_like(limits, tf.uint64),
            memory=memory,
        )

    def decode_step(self, tokens: Any, state: dict, memory: dict) -> tuple:
        """Runs the decoder's next step; allows only the end when no token is left."""
        left = state["left"]
        before = {"decoder": state["decoder"], **memory}
        logits, after = self.model.step(tokens, before)

        def force_end() -> tf.Tensor:
            is_end = tf.range(logits.shape[-1]) == self.end
            return tf.where((left[:, None] > 0) | is_end, logits, FORBIDDEN)

        logits = tf.cond(tf.reduce_any(left <= 0), force_end, lambda: logits)
        return logits, {"decoder": after["decoder"], "left": left - 1}


def decode_greedily(
    model: Any, source: Any, *, start: int, end: int, max_length: int
) -> np.ndarray:
    """Writes the most likely token at every step, feeding each to the next.

    Args:
        model: A `many_to_one_to_many` with `decoder="autoregressive"` and a
            `target_vocabulary_size`.
        source: Token ids `[batch, time]` or values `[batch, time, features]`.
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
    sizes = {"start": start, "end": end, "max_length": max_length}
    for name, value in sizes.items():
        check_number(name, value, minimum=0, whole=True)
    # Beside the attributes that Keras tracks.
    graphs = vars(model).setdefault("_greedy_graphs", {})
    if end not in graphs:
        graphs[end] = _compile(EncoderDecoderWriter(model, end))
    return graphs[end](source, start, max_length).numpy()


def _compile(writer: EncoderDecoderWriter) -> Callable:
    def write(source: Any, start: Any, count: Any) -> tf.Tensor:
        limits = tf.fill([tf.shape(source)[0]], count)
        state = writer.read_source(source, start, limits)
        return writer.sample(state, GREEDY.to_tensors(), count)[0]

    source, *_ = keras.tree.flatten(writer.model.inputs)
    number = tf.TensorSpec((), tf.int32)
    spec = tf.TensorSpec(source.shape, source.dtype)
    return compile_for_python(write, spec, number, number)
