"""Models from any tokens to any: what `many_to_one_to_many` builds with them."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.decoding import GREEDY, DecodingState, EncoderDecoderWriter
from rnnzoo.errors import shorten
from rnnzoo.models.any_tokens import AnyTokens, load_tokens
from rnnzoo.models.text_to_text import ROWS, STEPS
from rnnzoo.tokens.checks import PADDING, Problem, refuse_rows
from rnnzoo.tokens.numbers import Numbers, parse_numbers
from rnnzoo.tokens.raw import are_texts, make_raw_input, split_number_rows
from rnnzoo.tokens.text import TextTokens


class TargetTokens:
    """Token ids of what a decoder writes, texts or numbers, and back.

    Args:
        tokens: A tokenizer of texts, or `Numbers`.
        has_ends: Whether a start symbol begins what is written, and ends it.
    """

    def __init__(self, tokens: Any, has_ends: bool):
        self.tokens, self.is_text = tokens, isinstance(tokens, TextTokens)
        if not (self.is_text or type(tokens) is Numbers):
            raise TypeError(
                "target_tokens must be tokens of texts, or Numbers. Received: "
                f"{shorten(tokens)}"
            )
        if self.is_text and tokens.start != has_ends:
            raise ValueError(
                "The target's tokens are made with start=True for "
                "decoder='autoregressive', whose answers have any length, and with "
                "start=False for decoder='summary'. Received: "
                f"start={tokens.start}, decoder="
                f"{('summary', 'autoregressive')[has_ends]!r}"
            )
        if getattr(tokens, "max_length", None):
            raise ValueError(
                "What is written is not cut: make the target's tokens without "
                f"max_length. Received: max_length={tokens.max_length}"
            )
        self.raw = make_raw_input(tokens)
        self.has_ends, self.size = has_ends, tokens.vocabulary_size
        if has_ends and not self.is_text:
            self.size += 1  # numbers have no start symbol of their own
        self.start_id = self.size - 1
        self.forbidden = [tokens.UNKNOWN] if self.is_text else []

    def encode(self, targets: Any) -> np.ndarray:
        """Converts targets to ids `[rows, time]`, which begin with the start symbol."""
        if self.is_text:
            rows, _ = self.raw.split(targets)
            return self.raw.encode(rows)
        rows, _ = split_number_rows(targets, "targets", parse_numbers)
        ids = self.tokens.encode(rows, name="targets")
        if not self.has_ends:
            return ids
        return np.pad(ids, [(0, 0), (1, 0)], constant_values=self.start_id)

    def decode(self, ids: np.ndarray) -> list:
        """Converts ids that were written to texts, or to lists of numbers."""
        if self.is_text:
            return self.tokens.decode(ids)
        real = (ids != PADDING) & (ids != (self.start_id if self.has_ends else -1))
        numbers = self.tokens.decode(ids)
        return [row[kept].tolist() for row, kept in zip(numbers, real, strict=True)]

    def format(self, ids: Any) -> Any:
        """Formats ids as strings `[batch]`, in the graph."""
        if self.has_ends and not self.is_text:
            ids = tf.where(tf.equal(ids, self.start_id), PADDING, ids)
        return self.tokens.format(ids)


@keras.saving.register_keras_serializable("rnnzoo")
class SequenceToSequence(AnyTokens, ManyToOneToMany):
    """A model that reads a sequence and writes another, of `many_to_one_to_many`.

    With `decoder="autoregressive"` an answer ends at an end symbol; with `"summary"` it
    has a token for each token of the source, or `output_length` of them. Texts are
    answered with texts.

    Args:
        tokens: What reads the source: of `rnnzoo.tokens`.
        target_tokens: What reads and writes the target: tokens of texts, or `Numbers`;
            by default `tokens`.
        decoder: `"autoregressive"`, whose target's tokens of texts are made with
            `start=True`; or `"summary"`.
        output_length: Of an autoregressive decoder, the maximum number of tokens of an
            answer, by default twice those of the source and 20; of another, the number.
        **architecture: Other arguments of `many_to_one_to_many`.

    Example:
        >>> from rnnzoo import many_to_one_to_many
        >>> from rnnzoo.tokens import Characters
        >>> letters = Characters("abc", start=True)
        >>> model = many_to_one_to_many(tokens=letters, decoder="autoregressive",
        ...                             units=8)
        >>> history = model.fit(["ab", "c"], ["ba", "c"], verbose=0)
        >>> isinstance(model.answer("ab"), str)
        True
    """

    def __init__(
        self,
        *,
        tokens: Any,
        target_tokens: Any = None,
        decoder: str = "summary",
        output_length: int | None = None,
        **architecture: Any,
    ):
        for name in ("target_vocabulary_size", "target_features"):
            if architecture.pop(name, None) is not None:
                raise ValueError(
                    f"target_tokens bring {name}: leave it out. Received: {name}"
                )
        target_tokens = load_tokens(target_tokens)
        architecture = self.read_tokens(
            ManyToOneToMany,
            tokens,
            architecture,
            target_tokens=target_tokens,
            decoder=decoder,
            output_length=output_length,
        )
        has_ends = decoder == "autoregressive"
        tokens = self.arguments["tokens"]
        self.targets = TargetTokens(
            tokens if target_tokens is None else target_tokens, has_ends
        )
        for name in ("target_vocabulary_size", "target_features"):
            self.arguments.pop(name, None)
            architecture.pop(name, None)
        if "vocabulary_size" in architecture and target_tokens is None:
            architecture["vocabulary_size"] = self.targets.size
        super().__init__(
            **architecture
            | {
                "target_vocabulary_size": self.targets.size,
                "decoder": decoder,
                "output_length": None if has_ends else output_length,
            }
        )
        self.tokens, self.output_length = tokens, output_length

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts sources, and targets, to arrays.

        Returns:
            With an autoregressive decoder, a dict of `source` and `target`, the
            decoder's input, and the next token at each step, or `None`; with another
            decoder, the source and the target.

        Raises:
            TypeError, ValueError: If something cannot be read, or a summary decoder's
                target has another length than its answer.
        """
        rows, _ = self.raw.split(inputs)
        source = self.raw.encode(rows)
        written = None
        if targets is not None:
            written = self.targets.encode(self.match_targets(rows, targets, "targets"))
        if not self.is_autoregressive:
            if written is not None:
                written = self._fit_length(rows, source, written)
            return source, written
        start = self.targets.start_id
        if written is None:
            return self._with_start(source), None
        following = np.pad(written[:, 1:], [(0, 0), (0, 1)])
        ends = np.count_nonzero(written, axis=1) - 1
        following[np.arange(len(ends)), ends] = start
        return {"source": source, "target": written}, following

    def _with_start(self, source: np.ndarray) -> dict:
        start = np.full((len(source), 1), self.targets.start_id, "int32")
        return {"source": source, "target": start}

    def _fit_length(self, rows: list, source: np.ndarray, written: np.ndarray) -> Any:
        """Returns targets as long as answers; refuses those of other lengths."""
        wanted = self._lengths(self.raw.count_steps(rows, source))
        lengths = iter(zip(np.count_nonzero(written, axis=1), wanted, strict=True))

        def find_problems(row: Any) -> list[Problem]:
            found, steps = next(lengths)
            if found == steps:
                return []
            return [
                (ValueError, f"{found} tokens in the target, {steps} in the answer")
            ]

        expected = (
            "targets of decoder='summary' must be as long as what is answered "
            "(decoder='autoregressive' writes any length)."
        )
        refuse_rows(rows, expected, find_problems, have_positions=False)
        width = int(self.output_length or source.shape[1])
        return np.pad(written, [(0, 0), (0, max(0, width - written.shape[1]))])

    def _lengths(self, steps: Any) -> Any:
        """Returns the lengths of a summary decoder's answers to sources of `steps`."""
        return steps if self.output_length is None else 0 * steps + self.output_length

    def answer(self, inputs: Any) -> Any:
        """Writes the answer to an input, or to each input of a batch.

        Returns:
            A text, or a list of numbers where the target is `Numbers`; also a text
            where the input is one.
        """
        is_text = isinstance(inputs, str) or are_texts(inputs)
        rows, is_batch = self.raw.split(inputs)
        answers: list = [None] * len(rows)
        for group in group_by_length([len(row) for row in rows], STEPS, ROWS):
            batch = [rows[row] for row in group]
            for row, answer in zip(group, self._answer_batch(batch), strict=True):
                is_spelled = is_text and isinstance(answer, list)
                answers[row] = " ".join(map(str, answer)) if is_spelled else answer
        return answers if is_batch else answers[0]

    def _answer_batch(self, rows: list) -> list:
        source = self.raw.encode(rows)
        lengths = self.raw.count_steps(rows, source)
        ids = self._answer_ids(
            keras.ops.convert_to_tensor(source),
            keras.ops.convert_to_tensor(lengths, "int32"),
        )
        return self.targets.decode(keras.ops.convert_to_numpy(ids))

    def _decode_graph(self, source: Any, lengths: Any) -> Any:
        """Returns the ids of the answers to sources of these lengths."""
        if not self.is_autoregressive:
            logits = self(source, training=False)
            # The first class is padding, which is not answered.
            ids = tf.argmax(logits[..., 1:], axis=-1, output_type=tf.int32) + 1
            real = tf.sequence_mask(self._lengths(lengths), tf.shape(ids)[1])
            return tf.where(real, ids, PADDING)
        state, count = self._start(source, lengths)
        return self.writer.sample(state, GREEDY.to_tensors(), count)[0]

    def _start(self, source: Any, lengths: Any) -> tuple[DecodingState, Any]:
        limits = 2 * lengths + 20
        if self.output_length is not None:
            limits = 0 * lengths + self.output_length
        state = self.writer.read_source(source, self.targets.start_id, limits)
        return state, tf.reduce_max(tf.concat([[0], limits], 0)) + 1

    @functools.cached_property
    def writer(self) -> EncoderDecoderWriter:
        """Decodes the answers."""
        forbidden = [PADDING, *self.targets.forbidden]
        return EncoderDecoderWriter(self, self.targets.start_id, forbidden)

    @functools.cached_property
    def _answer_ids(self) -> Callable:
        source = keras.tree.flatten(self.input)[0]
        if isinstance(self.input, dict):
            source = self.input["source"]
        return compile_graph(
            self._decode_graph, (source.shape, source.dtype), ((None,), "int32")
        )

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the text of each answer, in the graph."""
        lengths = tf.cast(self.raw.count_in_graph(text), tf.int32)
        ids = self._decode_graph(self.raw.parse(text), lengths)
        return {"text": self.targets.format(ids)}
