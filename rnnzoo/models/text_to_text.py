"""Models that read a text and write the text that answers it."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.decoding import GREEDY, DecodingState, EncoderDecoderWriter
from rnnzoo.layers.attention import SCORES
from rnnzoo.layers.bridge import DoubledTokens
from rnnzoo.tokens.characters import Characters
from rnnzoo.tokens.checks import check_texts

# "none" and not None, which means an argument that is not given to a factory.
ATTENTION = (*SCORES, "none")
# Texts per batch, and characters of a batch.
ROWS, STEPS = 256, 2**15


class TextToText(ManyToOneToMany):
    """Base of models that read a text and write another up to an end symbol.

    Args:
        tokens: The tokens of both texts, made with `start=True`: their start symbol
            comes before every text, and ends those that are written.
        attention: As that of `many_to_one_to_many`, or `"none"`.
        **architecture: Its other arguments.
    """

    def __init__(self, *, tokens: Any, attention: str, **architecture: Any):
        super().__init__(
            vocabulary_size=tokens.vocabulary_size,
            target_vocabulary_size=tokens.vocabulary_size,
            decoder="autoregressive",
            attention=None if attention == "none" else attention,
            **architecture,
        )
        self.tokens = tokens

    def check(self, texts: Any, name: str = "texts") -> list[str]:
        """Returns texts as a list of strings; errors name the argument `name`."""
        return check_texts(texts, name)

    def longest_answers(self, lengths: Any) -> Any:
        """Returns the maximum lengths of the answers to texts of these lengths."""
        raise NotImplementedError

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts texts, and their answers in `targets`, to token ids `[batch, time]`.

        Returns:
            A dict of `source` and `target`, the decoder's input; and the next token at
            each step, or `None` without targets.
        """
        start = self.tokens.start_id
        source = self.tokens.encode(self.check(inputs))
        if targets is None:
            target = np.full((len(source), 1), start, "int32")
            return {"source": source, "target": target}, None
        written = self.tokens.encode(check_texts(targets, "targets"))
        if len(source) != len(written):
            raise ValueError(
                "There must be as many targets as texts. Received: "
                f"{len(source)} texts and {len(written)} targets"
            )
        following = np.pad(written[:, 1:], [(0, 0), (0, 1)])
        ends = np.count_nonzero(written, axis=1) - 1
        following[np.arange(len(ends)), ends] = start
        return {"source": source, "target": written}, following

    def start_decoding(self, source: Any) -> tuple[DecodingState, Any]:
        """Reads token ids; returns `writer`'s state and the maximum length."""
        lengths = tf.math.count_nonzero(source, axis=1, dtype=tf.int32) - 1
        # A blank text has no answer: it ends at once.
        limits = tf.where(lengths > 0, self.longest_answers(lengths), 0)
        state = self.writer.read_source(source, self.tokens.start_id, limits)
        return state, tf.reduce_max(tf.concat([[0], limits], 0)) + 1

    @functools.cached_property
    def writer(self) -> EncoderDecoderWriter:
        """Decodes the answers."""
        tokens = self.tokens
        return EncoderDecoderWriter(self, tokens.start_id, [tokens.UNKNOWN])


class CharacterSeq2Seq(TextToText):
    """Base of models that write the one right answer to a text, by characters."""

    def __init__(self, *, vocabulary: str, double_source: bool, **architecture: Any):
        self.doubled = DoubledTokens(name="doubled") if double_source else None
        tokens = Characters(vocabulary, start=True)
        super().__init__(tokens=tokens, **architecture)

    def check_in_graph(self, text: Any) -> Any:
        """Returns strings `[batch]`; stops the graph where `check` refuses them."""
        return text

    def warn_unfamiliar(self, texts: list[str]) -> None:
        """Warns of texts that are unlike those of the training."""

    def run_encoder(self, source: Any) -> tuple:
        """Reads the source once, or twice."""
        if self.doubled is not None:
            source = self.doubled(source)
        return super().run_encoder(source)

    def answer(self, inputs: Any) -> Any:
        """Answers a text, or each text of a batch; models say more."""
        if isinstance(inputs, (str, bytes)):
            return self.answer([inputs])[0]
        texts = self.check(inputs)
        self.warn_unfamiliar(texts)
        answers = [""] * len(texts)
        for rows in group_by_length([len(text) + 1 for text in texts], STEPS, ROWS):
            source = self.tokens.encode([texts[row] for row in rows])
            found = self.tokens.decode(self._decode_texts(source).numpy())
            for row, text in zip(rows, found, strict=True):
                answers[row] = text
        return answers

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        ids = self._decode_graph(self.tokens(self.check_in_graph(text)))
        return {"text": self.tokens.format(ids)}

    def _decode_graph(self, source: Any) -> Any:
        state, count = self.start_decoding(source)
        return self.writer.sample(state, GREEDY.to_tensors(), count)[0]

    @functools.cached_property
    def _decode_texts(self) -> Callable:
        return compile_graph(self._decode_graph, ((None, None), "int32"))
