"""Where a classifier goes wrong: F1, confusion, calibration."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnzoo.analysis.confusion import draw_confusion
from rnnzoo.tokens.labels import check_classes
from rnnzoo.writing import save_figure

NUM_BINS = 15


class CalibrationBin(NamedTuple):
    """Count, mean confidence and accuracy of answers in one interval; NaN if none."""

    count: int
    confidence: float
    accuracy: float


@dataclasses.dataclass(frozen=True, eq=False)
class ClassificationReport:
    """How good a classifier's answers are; `print` shows it as a table.

    Attributes:
        classes: Names of the classes.
        accuracy: Fraction of the examples whose most likely class is the true one.
        precision: For each class, the fraction of its answers that are right; 0 if
            there are none.
        recall: For each class, the fraction of its examples that are recognized; 0 if
            there are none.
        f1: For each class, the harmonic mean of the two; 0 where both are 0.
        confusion: Counts `[true class, answered class]`, int64.
        calibration_error: Expected calibration error: mean difference between
            confidence and accuracy over 15 intervals weighted by their answers.
        bins: Those intervals: of confidence above `i / 15`, up to `(i + 1) / 15`.
        negative_log_likelihood: Mean over examples of minus the logarithm of the true
            class's probability (at least 1e-38, so that it is finite), in nats.
    """

    classes: list[str]
    accuracy: float
    precision: dict[str, float]
    recall: dict[str, float]
    f1: dict[str, float]
    confusion: np.ndarray
    calibration_error: float
    bins: list[CalibrationBin]
    negative_log_likelihood: float

    @property
    def macro_f1(self) -> float:
        """Mean of F1 over the classes that examples have."""
        has_examples = self.confusion.sum(axis=1) > 0
        return float(np.array(list(self.f1.values()))[has_examples].mean())

    def figures(self) -> dict[str, float]:
        """Returns the figures by name, ready for `json.dumps`."""
        return {
            "accuracy": self.accuracy,
            **{f"f1_{name}": value for name, value in self.f1.items()},
            "macro_f1": self.macro_f1,
            "calibration_error": self.calibration_error,
            "negative_log_likelihood": self.negative_log_likelihood,
        }

    def __str__(self) -> str:
        """Returns the report as a table."""
        from rich.cells import cell_len

        width = max(map(cell_len, ["class", *self.classes]))
        lines = [f"class{' ' * (width - 5)}  precision  recall     f1  examples"]
        for name, count in zip(self.classes, self.confusion.sum(axis=1), strict=True):
            lines.append(
                f"{name}{' ' * (width - cell_len(name))}  {self.precision[name]:9.3f}"
                f"  {self.recall[name]:6.3f}  {self.f1[name]:5.3f}  {count:8,}"
            )
        figures = {
            "accuracy": self.accuracy,
            "macro F1": self.macro_f1,
            "calibration error": self.calibration_error,
            "negative log-likelihood": self.negative_log_likelihood,
        }
        lines += [f"{name:23}  {value:9.3f}" for name, value in figures.items()]
        return "\n".join(lines)


def classification_report(
    labels: Any, probabilities: Any, classes: Sequence[str]
) -> ClassificationReport:
    """Measures the answers of a classifier, and whether its confidence is justified.

    The answer is the first of the most likely classes; its probability is the
    confidence (Guo et al., 2017, arXiv:1706.04599).

    Args:
        labels: The true classes as numbers `[examples]`, integers from 0.
        probabilities: Probabilities `[examples, classes]`, not logits.
        classes: Names of the classes, in the order of the probabilities.

    Raises:
        TypeError: If labels are not integers, or classes not a list of names.
        ValueError: If shapes do not match, there is no example, a label is not a class,
            or a row is not a distribution over the classes.

    Example:
        >>> from rnnzoo.analysis import classification_report
        >>> report = classification_report(
        ...     [0, 0, 1, 1],
        ...     [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]],
        ...     classes=["negative", "positive"])
        >>> report.accuracy
        0.75
        >>> report.confusion.tolist()
        [[1, 1], [0, 2]]
        >>> print(report)
        class     precision  recall     f1  examples
        negative      1.000   0.500  0.667         2
        positive      0.667   1.000  0.800         2
        accuracy                     0.750
        macro F1                     0.733
        calibration error            0.300
        negative log-likelihood      0.400
    """
    if not isinstance(classes, (list, tuple)) or not all(
        isinstance(name, str) for name in classes
    ):
        raise TypeError(
            f"classes must be a list of names. Received: classes={classes!r}"
        )
    classes = check_classes(classes)
    probabilities = _check_probabilities(probabilities, len(classes))
    labels = _check_labels(labels, *probabilities.shape)
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), "int64")
    np.add.at(confusion, (labels, answers), 1)
    right = confusion.diagonal()
    answered, present = confusion.sum(axis=0), confusion.sum(axis=1)

    def by_class(parts: np.ndarray, totals: np.ndarray) -> dict[str, float]:
        return dict(zip(classes, _ratio(parts, totals).tolist(), strict=True))

    bins = calibration_bins(probabilities.max(axis=1), answers == labels)
    likelihoods = probabilities[np.arange(len(labels)), labels]
    likelihoods = np.maximum(likelihoods, np.finfo("float32").tiny)
    return ClassificationReport(
        classes=classes,
        accuracy=float(right.sum() / len(labels)),
        precision=by_class(right, answered),
        recall=by_class(right, present),
        f1=by_class(2 * right, answered + present),
        confusion=confusion,
        calibration_error=calibration_error(bins),
        bins=bins,
        negative_log_likelihood=float(np.log(1 / likelihoods).mean()),
    )


def plot_confusion(report: ClassificationReport, path: str | os.PathLike) -> None:
    """Draws the confusion matrix: counts, and shares of each true class in percent.

    Args:
        report: What `classification_report` returned.
        path: The PNG file to write; `OSError` if it cannot be written.

    Example:
        >>> from rnnzoo.analysis import classification_report, plot_confusion
        >>> report = classification_report([0, 1], [[0.9, 0.1], [0.2, 0.8]], ["a", "b"])
        >>> plot_confusion(report, "confusion.png")
    """
    _check_report(report)
    draw_confusion(report.confusion, report.classes, path)


def plot_calibration(report: ClassificationReport, path: str | os.PathLike) -> None:
    """Draws accuracy against confidence, and how many answers have which confidence.

    A calibrated classifier's bars reach the diagonal, an overconfident one's end below
    (Guo et al., 2017, figure 1).

    Args:
        report: What `classification_report` returned.
        path: The PNG file to write; `OSError` if it cannot be written.

    Example:
        >>> from rnnzoo.analysis import classification_report, plot_calibration
        >>> report = classification_report([0, 1], [[0.9, 0.1], [0.2, 0.8]], ["a", "b"])
        >>> plot_calibration(report, "calibration.png")
    """
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    _check_report(report)
    figure = Figure(figsize=(5, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    blue, orange = "#2f6fb0", "#d55e00"
    centres, width = (np.arange(NUM_BINS) + 0.5) / NUM_BINS, 0.92 / NUM_BINS
    counts, confidence, accuracy = map(np.array, zip(*report.bins, strict=True))
    upper.bar(centres, accuracy, width, color=blue, label="accuracy")
    upper.bar(
        centres,
        confidence - accuracy,
        width,
        bottom=accuracy,
        facecolor=(*to_rgb(orange), 0.25),
        edgecolor=orange,
        hatch="////",
        label="gap to the confidence",
    )
    upper.plot([0, 1], [0, 1], "--", color="#444", linewidth=1, label="calibrated")
    upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    upper.set_title(
        f"Expected calibration error {report.calibration_error:.3f}", pad=30
    )
    lower.bar(centres, counts / counts.sum(), width, color="#9a9a9a")
    mean = np.nansum(counts * confidence) / counts.sum()
    lower.axvline(report.accuracy, color=blue, label="accuracy")
    lower.axvline(mean, color=orange, linestyle="--", label="mean confidence")
    lower.set(xlabel="confidence of the answer", ylabel="share of answers")
    lower.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    # Bars can be anywhere, so the legend is above them.
    above: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1)}
    for axis in (upper, lower):
        axis.legend(**above, ncols=3, frameon=False, fontsize="small")
        axis.grid(alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def _check_report(report: Any) -> None:
    if not isinstance(report, ClassificationReport):
        raise TypeError(
            "report must be what classification_report, or report(source) of a "
            f"classifier, returns. Received: a {type(report).__name__}"
        )


def _check_probabilities(probabilities: Any, num_classes: int) -> np.ndarray:
    expected = f"probabilities must be numbers [examples, {num_classes} classes]"
    try:
        array = np.asarray(probabilities, "float64")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{expected}, with as many in each row. Received: {error}"
        ) from error
    if array.ndim != 2 or array.shape[1] != num_classes or not len(array):
        raise ValueError(
            f"{expected}: a row for each of one or more examples, a column for each "
            f"name in classes. Received: shape {array.shape}"
        )
    # Rounded to bfloat16, the probabilities of many classes miss 1 by this much.
    wrong = ~(array >= 0).all(axis=1) | ~(np.abs(array.sum(axis=1) - 1) < 0.02)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            "Each row of probabilities must be a distribution: no NaN, none below 0, "
            "and 1 in sum. Turn logits into probabilities with keras.ops.softmax. "
            f"Received: {wrong.sum()} of {len(array)} rows that are none; row {row} is "
            f"{np.array2string(array[row], threshold=8, precision=4)}"
        )
    return np.minimum(array, 1)


def _check_labels(labels: Any, num_examples: int, num_classes: int) -> np.ndarray:
    expected = (
        f"labels must be class numbers from 0 to {num_classes - 1}, one for each row "
        "of probabilities"
    )
    try:
        array = np.asarray(labels)
    except ValueError as error:
        raise ValueError(f"{expected}. Received: {error}") from error
    if array.shape != (num_examples,):
        raise ValueError(
            f"{expected}. Received: shape {array.shape} for {num_examples} rows"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"{expected}. A classifier's class_numbers(labels) turns names into "
            f"numbers. Received: {labels[0]!r} ({array.dtype})"
        )
    wrong = (array < 0) | (array >= num_classes)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{expected}. Received: {wrong.sum()} others; row {row} is {array[row]}"
        )
    return array


def calibration_bins(
    confidence: np.ndarray, is_right: np.ndarray
) -> list[CalibrationBin]:
    """Sorts answers into 15 intervals of confidence, each with its upper end."""
    edges = np.linspace(0, 1, NUM_BINS + 1)
    bins = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(bins, minlength=NUM_BINS)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, confidence, NUM_BINS) / counts
        accuracy = np.bincount(bins, is_right, NUM_BINS) / counts
    columns = (column.tolist() for column in (counts, means, accuracy))
    return list(map(CalibrationBin._make, zip(*columns, strict=True)))


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Returns the mean difference of confidence and accuracy, weighted by answers."""
    gaps = [b.count * abs(b.accuracy - b.confidence) for b in bins if b.count]
    return float(sum(gaps) / sum(b.count for b in bins))


def _ratio(parts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    return parts / np.maximum(totals, 1)  # nothing of nothing is 0
