"""Series of measurements: which class one is of."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.many_to_one import ManyToOne, NamedClasses
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.tokens import ScaledSteps, check_in_graph
from rnnzoo.tokens.labels import check_classes
from rnnzoo.weights import factory

DIGITS = tuple("0123456789")


@keras.saving.register_keras_serializable("rnnzoo")
class SeriesClassifier(NamedClasses, ManyToOne):
    """A classifier of real-valued series: pen strokes, sound, sensors.

    A bidirectional recurrent network reads one or more numbers a step; the mean and the
    maximum of its outputs over all steps go to a linear layer. Series may have any
    length. With `pen_digits` it reads a handwritten digit as the eight points that the
    pen went through, x and y from 0 to 100; with `japanese_vowels` it says which of
    nine men spoke, from twelve cepstrum coefficients a step.

    Shapes of the graph: scaled numbers and a 1, `[batch, time, features + 1]`, zeros =
    padding at the end, to logits `[batch, classes]`. `classify`, `answer`, `fit` and
    `evaluate` take series and names of classes.

    Args:
        classes: Names of the classes. Default: the ten digits.
        means: The usual value of each number of a step: as many as there are numbers.
            Default: 50 for both coordinates of a pen.
        spreads: How far from it they usually are. Default: 35 for both.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"` or `"lstm"`.
        dropout: Share of features dropped in training.

    Attributes:
        classes: Names of the classes, in the order of the graph's outputs.
        tokens: How numbers are scaled.

    Raises:
        ValueError: If there are no such weights, they contradict an argument, or an
            argument is outside its range.

    Example:
        >>> from rnnzoo import series_classifier
        >>> model = series_classifier()
        >>> model.classify([[0, 89], [27, 100], [42, 75], [29, 45], [15, 15], [37, 0],
        ...                 [69, 2], [100, 6]])
        '2'

    References:
        - Alimoglu and Alpaydin, "Pen-based recognition of handwritten digits", UCI
          machine learning repository, 1998.
        - Kudo, Toyama and Shimbo, "Japanese vowels", UCI machine learning repository,
          2000.
    """

    def __init__(
        self,
        *,
        classes: Sequence[str] = DIGITS,
        means: Sequence[float] = (50.0, 50.0),
        spreads: Sequence[float] = (35.0, 35.0),
        units: int = 64,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.2,
    ):
        self.classes = self.arguments["classes"] = check_classes(classes)
        tokens = ScaledSteps(means, spreads)
        super().__init__(
            features=tokens.values + 1,
            num_classes=len(classes),
            units=units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=True,
            dropout=dropout,
            pooling="mean_max",
            padding_value=0.0,
        )
        self.tokens = tokens
        self.arguments |= tokens.get_config()

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Turns series into scaled numbers `[batch, time, features + 1]`."""
        source = self.tokens.encode(self.tokens.rows(inputs, "series")[0], "series")
        if targets is None:
            return source, None
        return source, self.numbers_for(targets, len(source), "series")

    def classify(self, series: Any, probabilities: bool = False) -> Any:
        """Names the class of a series, or of each series of a batch.

        Args:
            series: Steps of numbers, `[time, features]`, as a list, array or tensor; or
                a batch: a list of these, of any lengths, or an array of three
                dimensions. With one number a step, a series is a list of numbers.
            probabilities: Whether to return each class's probability.

        Returns:
            The name of the likeliest class, or a dict from every class to its
            probability; a list of these for a batch.

        Raises:
            TypeError: If something is no number (bools are not).
            ValueError: If a number is not finite, a series is empty, or its steps do
                not have as many numbers as the model reads. Either message names every
                bad row of a batch; nothing is answered then.

        Example:
            >>> from rnnzoo import series_classifier
            >>> digit = [[0, 89], [27, 100], [42, 75], [29, 45], [15, 15], [37, 0],
            ...          [69, 2], [100, 6]]
            >>> series_classifier().classify([digit, digit])
            ['2', '2']
        """
        rows, is_batch = self.tokens.rows(series, "series")
        arrays = self.tokens.check(rows, "series")
        order = np.argsort([len(array) for array in arrays], kind="stable")
        answers: list = [None] * len(arrays)
        for start in range(0, len(order), 256):
            part = order[start : start + 256]
            source = self.tokens.encode([arrays[index] for index in part], "series")
            for index, shares in zip(part, self._probabilities(source), strict=True):
                shares = [float(share) for share in shares]
                answers[index] = dict(zip(self.classes, shares, strict=True))
        if not probabilities:
            answers = [max(shares, key=shares.get) for shares in answers]
        return answers if is_batch else answers[0]

    @functools.cached_property
    def _probabilities(self) -> Any:
        def probabilities(source: Any) -> Any:
            return keras.ops.softmax(self(source, training=False))

        shape = (None, None, self.tokens.values + 1)
        graph = compile_graph(probabilities, (shape, "float32"))
        return lambda source: keras.ops.convert_to_numpy(graph(source))

    def sample_texts(self) -> list[str]:
        """Returns series of various lengths to try an export on."""
        random = np.random.default_rng(0)
        means, spreads = np.array(self.tokens.means), np.array(self.tokens.spreads)
        series = [
            means + spreads * random.standard_normal((length, len(means)))
            for length in (2, 1, 8, 30)
        ]
        return [" ".join(f"{v:.3f}" for v in one.ravel()) for one in series]

    def answer_in_graph(self, text: Any) -> dict:
        """Names the class of strings `[batch]`, in the graph: see `named_classes`."""
        numbers = self.tokens.parse(text)
        lengths = numbers.row_lengths()
        lengths = check_in_graph(lengths, lengths > 0, "A series must have a step.")
        numbers = type(numbers).from_row_lengths(numbers.values, lengths)
        return self.named_classes(self(self.tokens(numbers), training=False))

    def answer(self, inputs: Any) -> Any:
        """Names the class of a series, or of each of a batch, as `classify`.

        Args:
            inputs: What `classify` takes; or the numbers as text, step after step, or a
                list of such texts.

        Example:
            >>> from rnnzoo import series_classifier
            >>> model = series_classifier(weights=None, units=8)
            >>> model.answer("47 100, 27 81, 57 37, 26 0") in model.classes
            True
        """
        if isinstance(inputs, str):
            return self.classify([inputs])[0]
        return self.classify(inputs)


series_classifier = factory(SeriesClassifier, "series_classifier", weights="pen_digits")
