"""Series of measurements: which class one is of."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.models.classifier import Classifier
from rnnzoo.tokens import ScaledSteps, check_in_graph
from rnnzoo.tokens.labels import check_classes
from rnnzoo.weights import factory

DIGITS = tuple("0123456789")


@keras.saving.register_keras_serializable("rnnzoo")
class SeriesClassifier(Classifier):
    """A classifier of real-valued series: pen strokes, sound, sensors.

    A bidirectional recurrent network reads one or more numbers a step; the mean and the
    maximum of its outputs over all steps go to a linear layer. Series may have any
    length. With `pen_digits` it reads a handwritten digit as eight points of the pen,
    from 0 to 100 (Alimoglu and Alpaydin, 1998); with `japanese_vowels` it says which of
    nine men spoke, from twelve cepstrum coefficients a step (Kudo et al., 2000).

    Shapes of the graph: scaled numbers and a 1, `[batch, time, features + 1]`, zeros =
    padding at the end, to logits `[batch, classes]`. `classify`, `answer`, `fit` and
    `evaluate` take series and names of classes.

    Args:
        classes: Names of the classes. With weights for other classes, the model gets a
            fresh head. Default: the ten digits.
        means: The mean of each feature; the default is for coordinates of a pen.
        scales: The standard deviation of each feature.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.

    Example:
        >>> from rnnzoo import series_classifier
        >>> model = series_classifier()
        >>> digit = [[0, 89], [27, 100], [42, 75], [29, 45], [15, 15], [37, 0],
        ...          [69, 2], [100, 6]]
        >>> model.classify([digit, digit]), model.classify("0 89, 27 100, 42 75")
        (['2', '2'], '7')
    """

    TASK = "series-classification"
    RENAMED_ARGUMENTS = {"spreads": "scales"}
    INPUTS = "series"
    BATCH_SIZE = 256

    def __init__(
        self,
        *,
        classes: Iterable[Any] = DIGITS,
        means: Sequence[float] = (50.0, 50.0),
        scales: Sequence[float] = (35.0, 35.0),
        units: int = 64,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.2,
    ):
        self.classes = self.arguments["classes"] = check_classes(classes)
        tokens = ScaledSteps(means, scales)
        super().__init__(
            features=tokens.features + 1,
            num_classes=len(self.classes),
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

    def check_inputs(self, inputs: Any) -> tuple[list, bool]:
        """Returns the series of one raw input or a batch, and whether it was a batch.

        Args:
            inputs: Steps of numbers, `[time, features]` (`[time]` for one feature), as
                a list, array, tensor or text; or a batch of these, of any lengths.

        Raises:
            TypeError, ValueError: If something is not a number (bools are not) or not
                finite, or a series is empty or has other features; names every row.
        """
        is_text = isinstance(inputs, str)
        rows, is_batch = self.tokens.rows([inputs] if is_text else inputs, self.INPUTS)
        return self.tokens.check(rows, self.INPUTS), is_batch and not is_text

    def sample_texts(self) -> list[str]:
        """Returns series of various lengths to try an export on."""
        random = np.random.default_rng(0)
        means, scales = np.array(self.tokens.means), np.array(self.tokens.scales)
        series = [
            means + scales * random.standard_normal((length, len(means)))
            for length in (2, 1, 8, 30)
        ]
        return [" ".join(f"{v:.3f}" for v in one.flat) for one in series]

    def tokens_in_graph(self, text: Any) -> Any:
        """Returns the scaled numbers of strings `[batch]`, in the graph."""
        numbers = self.tokens.parse(text)
        lengths = numbers.row_lengths()
        lengths = check_in_graph(lengths, lengths > 0, "A series must have a step.")
        return self.tokens(type(numbers).from_row_lengths(numbers.values, lengths))


series_classifier = factory(SeriesClassifier, "series_classifier", weights="pen_digits")
