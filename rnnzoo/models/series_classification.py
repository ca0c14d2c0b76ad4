"""Series of measurements: which class one is of."""

import collections
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras

from rnnzoo.errors import check_number
from rnnzoo.models.classifier import Classifier
from rnnzoo.tokens import ScaledSteps
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

    def stream(
        self, steps: Iterable[Any], *, window: int, step: int | None = None
    ) -> Iterator[tuple[int, str, float]]:
        """Answers a recording that goes on, window by window, as its steps come.

        Only one window is in memory, which is the state. A window is read in both
        directions, so each answer is that of `classify` for the window.

        Args:
            steps: The steps, each a number, or a list of one number per feature; any
                iterable, such as a generator that reads a sensor.
            window: Steps of a window, as in training.
            step: Steps between two answers; `None` for as many as a window has.

        Yields:
            The number of steps that have come, the class, and its probability.

        Example:
            >>> from rnnzoo import series_classifier
            >>> pen = iter([[0, 89], [27, 100], [42, 75], [29, 45], [15, 15], [37, 0],
            ...             [69, 2], [100, 6]])
            >>> for end, name, _ in series_classifier().stream(pen, window=8):
            ...     print(end, name)
            8 2
        """
        check_number("window", window, minimum=1, whole=True)
        step = window if step is None else step
        check_number("step", step, minimum=1, whole=True)
        return self._stream(steps, window, step)

    def _stream(
        self, steps: Iterable[Any], window: int, step: int
    ) -> Iterator[tuple[int, str, float]]:
        state: collections.deque = collections.deque(maxlen=window)
        for count, one in enumerate(steps, 1):
            state.append(one)
            if count >= window and (count - window) % step == 0:
                shares = self.probabilities([list(state)])[0]
                best = int(shares.argmax())
                yield count, self.classes[best], float(shares[best])


series_classifier = factory(SeriesClassifier, "series_classifier", weights="pen_digits")
