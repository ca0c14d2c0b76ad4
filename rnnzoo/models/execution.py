"""Execution: a short program in, what it prints out."""

import re
from typing import Any

import keras

from rnnzoo.data.synthetic import CHARACTERS, Programs
from rnnzoo.errors import check_choice
from rnnzoo.models.familiarity import training_options, warn_unfamiliar
from rnnzoo.models.text_to_text import ATTENTION, CharacterSeq2Seq
from rnnzoo.weights import factory

# Maximum length of an answer: numbers of 9 digits and 3 products need fewer.
LONGEST = 20
# The programs of `rnnzoo.data.synthetic`, with any expressions of their characters.
_EXPRESSION = r"[0-9a-z+\-*<> ()]+"
_PROGRAM = re.compile(
    rf"(?:[a-z]={_EXPRESSION}\n|for x in range\([0-9]+\):[a-z][+-]={_EXPRESSION}\n)*"
    rf"print\({_EXPRESSION}\)"
)


@keras.saving.register_keras_serializable("rnnzoo")
class Executor(CharacterSeq2Seq):
    """A model that reads a short Python program and writes what it prints.

    An encoder reads the program character by character; a decoder starts from its
    state and writes the printed number digit by digit (Zaremba and Sutskever,
    "Learning to execute", 2014, arXiv:1410.4615).

    Shapes of the graph: `{"source": ..., "target": ...}`, token ids `[batch, time]`, 0
    = padding at the end, a start symbol first, to logits `[batch, target time, tokens]`
    of the next target token. `fit` and `evaluate` take programs and their output.

    Args:
        attention: `"additive"`, `"multiplicative"`, or `"none"`: then the decoder has
            only the encoder's final state, as in the paper.
        reverse_source: Whether the program is read from its end.
        double_source: Whether the program is read twice.
        embedding_dim: Size of the vector that stands for a character.
        units: Size of each layer's state, of each direction's in an encoder that
            attention looks at.
        num_layers: Layers of the encoder, and of the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.

    Example:
        >>> from rnnzoo import executor
        >>> executor().answer("print((5+3))")
        '8'
        >>> model = executor(weights=None, units=16)
        >>> history = model.fit(["print(12)", "print((1-2))"], ["12", "-1"], verbose=0)
    """

    TASK = "program-execution"

    def __init__(
        self,
        *,
        attention: str = "none",
        reverse_source: bool = False,
        double_source: bool = False,
        embedding_dim: int = 32,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.0,
    ):
        check_choice("attention", attention, ATTENTION)
        super().__init__(
            vocabulary=CHARACTERS,
            attention=attention,
            reverse_source=reverse_source,
            double_source=double_source,
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=attention != "none",
            dropout=dropout,
        )

    def longest_answers(self, lengths: Any) -> Any:
        """Returns enough for any number."""
        return 0 * lengths + LONGEST

    def answer(self, inputs: Any) -> Any:
        r"""Predicts the output of a program, or of each program of a batch.

        Characters of no program of `rnnzoo.data.synthetic.Programs` are unknown tokens,
        and an empty text has the empty answer. Listed weights warn of other texts than
        such programs, and of longer numbers than those that they were trained on.

        Args:
            inputs: A string such as `"print((5+3))"`, with line ends between
                statements, or a list, tuple, array or tensor of them; anything else is
                a `TypeError`.

        Example:
            >>> from rnnzoo import executor
            >>> executor().answer("print((5+3))")
            '8'
        """
        return super().answer(inputs)

    def warn_unfamiliar(self, texts: list[str]) -> None:
        """Warns of texts that are no programs, and of numbers with too many digits."""
        options = training_options(self, "execute_programs")
        if options is None or options.get("scrambled"):
            return
        digits = options["length"]
        longest = re.compile(rf"[0-9]{{{digits + 2}}}")

        def is_familiar(text: str) -> bool:
            is_program = _PROGRAM.fullmatch(text) and not longest.search(text)
            return not text or bool(is_program)

        trained_on = (
            f"programs such as 'a=7\\nprint((a*5))', of numbers up to {digits} digits"
        )
        warn_unfamiliar(texts, is_familiar, trained_on)

    def sample_texts(self) -> list[str]:
        """Returns programs of various lengths to try an export on."""
        programs, _ = Programs(nesting=3, curriculum="mix").batch(6, seed=0, index=0)
        return ["print((5+3))", "print(12)", *programs]


executor = factory(Executor, "executor", weights="combined")
