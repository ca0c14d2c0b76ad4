"""Series of measurements: which class one is of."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.data.pipeline import Pairs
from rnnzoo.errors import check_number
from rnnzoo.models.classifier import Classifier
from rnnzoo.tokens import ScaledSteps
from rnnzoo.tokens.gaps import GappedSteps
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
        gaps: Whether numbers may be missing, NaN: read as the mean, and marked.
        window: Steps of the windows that a recording was cut into, for `stream`.
        step: Steps from one window to the next.

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
        gaps: bool = False,
        window: int | None = None,
        step: int | None = None,
    ):
        self.classes = self.arguments["classes"] = check_classes(classes)
        tokens = (GappedSteps if gaps else ScaledSteps)(means, scales)
        for name, value in {"window": window, "step": step}.items():
            if value is not None:
                check_number(name, value, minimum=1, whole=True)
        super().__init__(
            features=tokens.features * (1 + gaps) + 1,
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
        self, chunks: Iterable[Any], window: int | None = None, step: int | None = None
    ) -> Iterator[str]:
        """Yields the class of each window of a recording, as its steps come.

        Args:
            chunks: Series of any lengths, one after the other, or single steps.
            window: Steps of a window; `None` for that of the training.
            step: Steps from one window to the next; `None` for that of the training,
                or else a whole window.

        Raises:
            ValueError: If there is no window, or a step is no numbers.

        Example:
            >>> from rnnzoo import series_classifier
            >>> model = series_classifier()
            >>> digit = [[0, 89], [27, 100], [42, 75], [29, 45], [15, 15], [37, 0],
            ...          [69, 2], [100, 6]]
            >>> list(model.stream([digit[:5], digit[5:], digit], window=8))
            ['2', '2']
        """
        window = window or self.arguments["window"]
        if window is None:
            raise ValueError(
                "A recording is read in windows: say how many steps one has, as in "
                "stream(chunks, window=100). Received: window=None"
            )
        check_number("window", window, minimum=1, whole=True)
        step = step or self.arguments["step"] or window
        check_number("step", step, minimum=1, whole=True)

        def read() -> Iterator[str]:
            held, skipped = np.zeros((0, self.tokens.features)), 0
            for chunk in chunks:
                steps = np.asarray(chunk, "float64").reshape(-1, self.tokens.features)
                held = np.concatenate([held, steps[skipped:]])
                skipped = max(skipped - len(steps), 0)
                while len(held) >= window:
                    yield self.classify([held[:window]])[0]
                    skipped = max(step - len(held), 0)
                    held = held[step:]

        return read()

    def answer_file(
        self,
        path: Any,
        *,
        id: str | None = None,
        time: str | None = None,
        label: str | None = None,
        encoding: str = "utf-8",
        separator: str | None = None,
    ) -> Any:
        """Returns the class of each series of a file, as a table.

        Args:
            path: A file or folder; see `rnnzoo.data.series_files.read_series_file`.
            id: The column that says which series a row is of.
            time: The column by which the rows of a series are sorted.
            label: A column of classes, which is not read.
            encoding: The encoding of text files.
            separator: What separates columns.
        """
        import pandas as pd

        found = self.read_file(
            path, id, time, label, False, encoding=encoding, separator=separator
        )
        shares = self.probabilities(found.series)
        names = [self.classes[number] for number in shares.argmax(axis=1)]
        name = id or ("begin" if self.arguments["window"] else "series")
        table = {name: found.names, "answer": names}
        table["probability"] = shares.max(axis=1).astype("float64")
        return pd.DataFrame(table)

    def read_file(
        self,
        path: Any,
        id: str | None = None,
        time: str | None = None,
        label: str | None = None,
        needs_labels: bool = True,
        **options: Any,
    ) -> Any:
        """Returns the series of a file as the model was trained on.

        Raises:
            ValueError: If they have another number of features.
        """
        from rnnzoo.data.series_files import read_series_file

        window, step = self.arguments["window"] or 0, self.arguments["step"] or 0
        found = read_series_file(
            path,
            id=id,
            time=time,
            label=label,
            window=window,
            step=step,
            needs_labels=needs_labels,
            **options,
        )
        count = found.series[0].shape[1]
        if count != self.tokens.features:
            raise ValueError(
                f"The model reads {self.tokens.features} numbers a step. Received: "
                f"{count}, {', '.join(found.features[:20])}"
            )
        return found

    def evaluate_file(self, path: Any, progress: Any = iter, **names: Any) -> Any:
        """Returns the `rnnzoo.analysis.ClassificationReport` of series of a file."""
        found = self.read_file(path, **names)
        return self.report(Pairs(found.series, found.labels), progress)


series_classifier = factory(SeriesClassifier, "series_classifier", weights="pen_digits")
