"""Many-to-one-to-many on characters: a text in, the text that answers it out."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo import generation
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.architectures.sequence_model import compiled
from rnnzoo.exporting import Signature
from rnnzoo.tokens import Characters, checked_texts

# Texts that are answered at a time, and characters that these may have in all.
ROWS, STEPS = 256, 2**15


@keras.saving.register_keras_serializable("rnnzoo")
class DoubledTokens(keras.layers.Layer):
    """Puts each sequence of tokens twice, one after the other; padding stays last.

    Inputs: token ids `[batch, time]`, 0 = padding. Outputs: `[batch, 2 * time]`.
    """

    def call(self, tokens: Any) -> Any:
        """Returns every real token twice."""
        length = ops.sum(ops.cast(ops.not_equal(tokens, 0), "int32"), 1, keepdims=True)
        place = ops.arange(2 * ops.shape(tokens)[1])[None]
        twice = ops.take_along_axis(tokens, place % ops.maximum(length, 1), axis=1)
        return ops.where(place < 2 * length, twice, 0)

    def compute_output_shape(self, tokens_shape: tuple) -> tuple:
        """Returns `(batch, 2 * time)`."""
        batch, time = tokens_shape
        return (batch, None if time is None else 2 * time)


class CharacterMachine(ManyToOneToMany):
    """Base of models that read a text and write the one right text that answers it.

    An encoder reads the characters, and an autoregressive decoder writes characters
    until it writes the end: always the likeliest, and what it reads of its own answer
    is what it wrote itself. Subclasses say which texts there are, and how long an
    answer may be.

    Attributes:
        tokens: The characters: `rnnzoo.tokens.Characters`. Their start symbol stands
            before every text, and ends answers.
    """

    def __init__(
        self,
        *,
        vocabulary: str,
        attention: str,
        double_source: bool,
        **architecture: Any,
    ):
        """Builds the architecture; arguments are those of `many_to_one_to_many`.

        Args:
            vocabulary: The characters that are known.
            attention: As there, or `"none"`.
            double_source: Whether the encoder reads each text twice.
            architecture: Other arguments.
        """
        tokens = Characters(vocabulary, start=True)
        self.doubled = DoubledTokens(name="doubled") if double_source else None
        super().__init__(
            vocabulary_size=tokens.vocabulary_size,
            target_vocabulary_size=tokens.vocabulary_size,
            decoder="autoregressive",
            attention=None if attention == "none" else attention,
            **architecture,
        )
        self.tokens = tokens

    def check(self, texts: Any, name: str = "texts") -> list[str]:
        """Returns a batch of texts as a list of strings; refuses what is none.

        Args:
            texts: What to check.
            name: What messages call it.
        """
        return checked_texts(texts, name)

    def check_in_graph(self, text: Any) -> Any:
        """Returns strings `[batch]`; stops the graph where `check` refuses them."""
        return text

    def longest_answers(self, lengths: Any) -> Any:
        """Returns how many characters the answers to texts of such lengths may have."""
        raise NotImplementedError

    def read(self, source: Any) -> tuple:
        """Reads the source, twice if the model does so; as `ManyToOneToMany.read`."""
        return super().read(source if self.doubled is None else self.doubled(source))

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Turns texts into token ids `[batch, time]`, int32.

        Args:
            inputs: Texts.
            targets: Their answers; `None` if they are not known.

        Returns:
            A dict of `source` and `target`, what is read and what was written before
            each step: without targets, the start symbol. And what comes next at each
            step, or `None`.
        """
        start = self.tokens.start_id
        source = self.tokens.encode(self.check(inputs))
        if targets is None:
            target = np.full((len(source), 1), start, "int32")
            return {"source": source, "target": target}, None
        written = self.tokens.encode(checked_texts(targets, "targets"))
        if len(source) != len(written):
            raise ValueError(
                "There must be one answer for each text. Received: "
                f"{len(source)} texts and {len(written)} targets"
            )
        following = np.pad(written[:, 1:], [(0, 0), (0, 1)])
        ends = np.count_nonzero(written, axis=1) - 1
        following[np.arange(len(ends)), ends] = start
        return {"source": source, "target": written}, following

    def answer(self, inputs: Any) -> Any:
        """Answers a text, or each text of a batch; models say more."""
        if isinstance(inputs, (str, bytes)):
            return self.answer([inputs])[0]
        texts = self.check(inputs)
        answers = [""] * len(texts)
        order = np.argsort([len(text) for text in texts], kind="stable")
        while len(order):
            # The longest is the last, and memory grows with it.
            size = max(1, min(ROWS, STEPS // (len(texts[order[-1]]) + 1)))
            rows, order = order[-size:], order[:-size]
            written = self._write_answers(
                self.tokens.encode([texts[row] for row in rows])
            )
            found = self.tokens.decode(ops.convert_to_numpy(written))
            for row, text in zip(rows, found, strict=True):
                answers[row] = text
        return answers

    def signatures(self) -> dict[str, Signature]:
        """Returns the ways to call an export: texts, and tokens with what was written.

        `tokens` gives logits of what comes next after every token of the target, for
        callers that write in their own way.
        """

        def logits(source: Any, target: Any) -> dict:
            inputs = {"source": source, "target": target}
            return {"outputs": self(inputs, training=False)}

        texts = self.sample_texts()
        ids = ((None, None), "int32")
        return super().signatures() | {
            "tokens": Signature(
                graph=logits,
                inputs={"source": ids, "target": ids},
                answers=logits,
                examples=[
                    self.encode(part, self.answer(part))[0]
                    for part in (texts[:2], texts[:4])
                ],
            )
        }

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        ids = self._answers_in_graph(self.tokens(self.check_in_graph(text)))
        return {"text": self.tokens.write(ids)}

    def _answers_in_graph(self, source: Any) -> Any:
        """Writes the answers to token ids `[batch, time]`, in the graph."""
        import tensorflow as tf

        lengths = tf.math.count_nonzero(source, axis=1, dtype=tf.int32) - 1
        # To an empty text there is no answer.
        limits = tf.where(lengths > 0, self.longest_answers(lengths), 0)
        rows = tf.size(lengths)
        begun = self._writer.begin_in_graph(
            tf.fill([rows], self.tokens.start_id),
            self.begin(source),
            tf.cast(tf.zeros_like(lengths), tf.uint64),
            tf.zeros((rows, self.tokens.vocabulary_size), tf.bool),
        )
        count = tf.reduce_max(tf.concat([[0], limits], 0))
        ids, _ = self._writer.write_in_graph(
            begun, generation.settings(temperature=0.0), count
        )
        is_kept = tf.range(tf.shape(ids)[1]) < limits[:, None]
        return tf.where(is_kept & tf.not_equal(ids, self.tokens.start_id), ids, 0)

    @functools.cached_property
    def _write_answers(self) -> Callable:
        """The compiled graph from a source to the tokens of its answers."""
        return compiled(self._answers_in_graph, ((None, None), "int32"))

    @functools.cached_property
    def _writer(self) -> generation.Writer:
        import tensorflow as tf

        state = self.begin(ops.full((1, 1), self.tokens.start_id, "int32"))
        specs = {}
        for name, part in state.items():
            # All but the decoder's state has time.
            free = 1 if name == "decoder" else 2
            specs[name] = keras.tree.map_structure(
                lambda t, n=free: tf.TensorSpec((None,) * n + t.shape[n:], t.dtype),
                part,
            )
        return generation.Writer(
            self.step,
            specs,
            self.tokens.vocabulary_size,
            forbidden=[self.tokens.UNKNOWN],
            end=self.tokens.start_id,
        )
