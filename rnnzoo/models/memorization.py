"""Memorization: digits in, the same digits out in the same or another order."""

import re
from typing import Any

import keras
import numpy as np

from rnnzoo.errors import check_choice, shorten
from rnnzoo.models.familiarity import training_options, warn_unfamiliar
from rnnzoo.models.text_to_text import ATTENTION, CharacterSeq2Seq
from rnnzoo.tokens.checks import check_in_graph, check_texts, refuse_rows
from rnnzoo.weights import factory

DIGITS, _DIGITS = "0123456789", re.compile("[0-9]*")
# Without attention: longest memory of the untrained gates, in steps.
MEMORY = 60


@keras.saving.register_keras_serializable("rnnzoo")
class Memorizer(CharacterSeq2Seq):
    """A model that reads digits and writes them from memory.

    An encoder reads a string of digits; a decoder copies it, reverses it, or writes it
    twice, digit by digit, as the examples show (Zaremba and Sutskever, 2014,
    arXiv:1410.4615; longer: Dehghani et al., 2019, arXiv:1807.03819). Without attention
    everything passes through the encoder's final state. With attention, a bidirectional
    encoder keeps a vector per digit, and the decoder attends to the one to write next.

    Shapes of the graph: `{"source": ..., "target": ...}`, token ids `[batch, time]`, 0
    = padding at the end, a start symbol first, to logits `[batch, target time, tokens]`
    of the next target token. `fit` and `evaluate` take texts and answers.

    Args:
        attention: `"additive"`, `"multiplicative"`, or `"none"`: then the decoder has
            only the encoder's final state.
        reverse_source: Whether the digits are read from their end.
        double_source: Whether the digits are read twice.
        embedding_dim: Size of the vector that stands for a digit.
        units: Size of each layer's state, of each direction's in the encoder. Default
            96.
        num_layers: Layers of the encoder, and of the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.

    Example:
        >>> from rnnzoo import memorizer
        >>> memorizer("reverse").answer("3141")
        '1413'
        >>> model = memorizer(weights=None, attention="none", units=16)
        >>> history = model.fit(["12", "345"], ["21", "543"], verbose=0)
    """

    TASK = "memorization"

    def __init__(
        self,
        *,
        attention: str = "multiplicative",
        reverse_source: bool = False,
        double_source: bool = False,
        embedding_dim: int = 32,
        units: int = 96,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.0,
    ):
        check_choice("attention", attention, ATTENTION)
        has_gates, is_alone = cell != "simple", attention == "none"
        super().__init__(
            vocabulary=DIGITS,
            attention=attention,
            reverse_source=reverse_source,
            double_source=double_source,
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=not is_alone,
            dropout=dropout,
            chrono_steps=MEMORY if is_alone and has_gates else None,
        )

    def check(self, texts: Any, name: str = "texts") -> list[str]:
        """Returns texts of digits as a list of strings; refuses any other."""
        texts = check_texts(texts, name)
        refuse_rows(
            texts,
            f"{name} must be of digits, such as '3141'.",
            lambda t: [] if _DIGITS.fullmatch(t) else [(ValueError, shorten(t))],
            have_positions=False,
        )
        return texts

    def check_in_graph(self, text: Any) -> Any:
        """Returns strings `[batch]` that are of digits only."""
        import tensorflow as tf

        is_right = tf.strings.regex_full_match(text, _DIGITS.pattern)
        message = "A text must be of digits, such as '3141'."
        return check_in_graph(text, is_right, message)

    def warn_unfamiliar(self, texts: list[str]) -> None:
        """Warns of more digits than in training."""
        options = training_options(self, "memorize_digits") or {}
        if limit := options.get("max_length", options.get("length")):
            trained_on = f"at most {limit} digits"
            warn_unfamiliar(texts, lambda text: len(text) <= limit, trained_on)

    def longest_answers(self, lengths: Any) -> Any:
        """Returns twice as many, and one."""
        return 2 * lengths + 1

    def answer(self, inputs: Any) -> Any:
        """Writes the digits of a text, or of each text of a batch, from memory.

        Args:
            inputs: A string of digits, or a list, tuple, array or tensor of them;
                answers to more digits than in training are poor.

        Raises:
            TypeError: If something is not a string.
            ValueError: If a text has other characters than digits; names each.

        Example:
            >>> from rnnzoo import memorizer
            >>> memorizer().answer("3141")
            '3141'
            >>> memorizer("reverse").answer(["3141", ""])
            ['1413', '']
        """
        return super().answer(inputs)

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        lengths = [4, 1, 0, 9, 16, 30]
        return ["".join(map(str, random.integers(0, 10, n))) for n in lengths]


memorizer = factory(Memorizer, "memorizer", weights="copy")
