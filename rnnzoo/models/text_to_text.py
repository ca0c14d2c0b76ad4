"""Many-to-one-to-many on texts: a text in, the text that answers it out."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from rnnzoo import decoding
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.layers.attention import SCORES
from rnnzoo.layers.bridge import DoubledTokens
from rnnzoo.tokens.characters import Characters
from rnnzoo.tokens.checks import check_texts

# "none" and not None, which in a factory is an argument that is not given.
ATTENTION = (*SCORES, "none")
# Texts that are answered at a time, and characters that these may have in all.
ROWS, STEPS = 256, 2**15


class TextToText(ManyToOneToMany):
    """Base of models that read a text and write another until they write its end.

    An encoder reads the text's tokens, and an autoregressive decoder reads what it
    wrote itself. Subclasses say which tokens and texts there are, and how long an
    answer may be.

    Attributes:
        tokens: The tokens of both texts, made with `start=True`: their start symbol
            stands before every text, and ends those that are written.
    """

    tokens: Any

    def check(self, texts: Any, name: str = "texts") -> list[str]:
        """Returns a batch of texts as a list of strings; refuses what is none.

        Args:
            texts: What to check.
            name: What messages call it.
        """
        return check_texts(texts, name)

    def longest_answers(self, lengths: Any) -> Any:
        """Returns how many tokens the answers to so many tokens may have, `[batch]`."""
        raise NotImplementedError

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

    def begun_in_graph(self, source: Any) -> tuple:
        """Reads token ids `[batch, time]`, in the graph.

        Returns:
            What `_writer` goes on from, and how many tokens it has to write at most.
        """
        import tensorflow as tf

        lengths = tf.math.count_nonzero(source, axis=1, dtype=tf.int32) - 1
        # To a blank text there is no answer: it ends at once.
        limits = tf.where(lengths > 0, self.longest_answers(lengths), 0)
        memory = dict(self.begin(source))
        begun = self._writer.begin_in_graph(
            tf.fill(tf.shape(limits), self.tokens.start_id),
            {"decoder": memory.pop("decoder"), "left": limits},
            tf.zeros_like(limits, tf.uint64),
            tf.zeros((tf.size(limits), self.tokens.vocabulary_size), tf.bool),
            memory,
        )
        return begun, tf.reduce_max(tf.concat([[0], limits], 0)) + 1

    @functools.cached_property
    def _writer(self) -> decoding.Writer:
        """What writes the answers; its state counts how many tokens are left."""
        import tensorflow as tf

        memory_spec = self.state_spec()
        return decoding.Writer(
            self._write_one,
            {
                "decoder": memory_spec.pop("decoder"),
                "left": tf.TensorSpec((None,), tf.int32),
            },
            self.tokens.vocabulary_size,
            forbidden=[self.tokens.UNKNOWN],
            end=self.tokens.start_id,
            memory_spec=memory_spec,
        )

    def _write_one(self, tokens: Any, state: dict, memory: dict) -> tuple:
        """Makes a step, and lets nothing but the end follow when none are left."""
        import tensorflow as tf

        left = state["left"]
        logits, after = self.step(tokens, {"decoder": state["decoder"], **memory})

        def only_the_end() -> tf.Tensor:
            is_end = tf.range(logits.shape[-1]) == self.tokens.start_id
            return tf.where((left[:, None] > 0) | is_end, logits, -np.inf)

        logits = tf.cond(tf.reduce_any(left <= 0), only_the_end, lambda: logits)
        return logits, {"decoder": after["decoder"], "left": left - 1}


class CharacterSeq2Seq(TextToText):
    """Base of models that write the one right answer to a text, by characters.

    They write always the likeliest character.
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

    def check_in_graph(self, text: Any) -> Any:
        """Returns strings `[batch]`; stops the graph where `check` refuses them."""
        return text

    def read(self, source: Any) -> tuple:
        """Reads the source, twice if the model does so; as `ManyToOneToMany.read`."""
        return super().read(source if self.doubled is None else self.doubled(source))

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

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with the same text as `answer`, in the graph."""
        ids = self._answers_in_graph(self.tokens(self.check_in_graph(text)))
        return {"text": self.tokens.format(ids)}

    def _answers_in_graph(self, source: Any) -> Any:
        """Writes the answers to token ids `[batch, time]`, in the graph."""
        begun, count = self.begun_in_graph(source)
        settings = decoding.settings(temperature=0.0)
        return self._writer.write_in_graph(begun, settings, count)[0]

    @functools.cached_property
    def _write_answers(self) -> Callable:
        """The compiled graph from a source to the tokens of its answers."""
        return compile_graph(self._answers_in_graph, ((None, None), "int32"))
