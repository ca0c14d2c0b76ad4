"""Where a classifier goes wrong: F1, confusion, calibration."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

NUM_BINS = 15
# The colours of the picture of calibration.
_ACCURACY, _GAP = "#2f6fb0", "#d55e00"


class CalibrationBin(NamedTuple):
    """The answers whose confidence is in one interval.

    Attributes:
        count: How many there are.
        confidence: Their mean confidence; NaN if there are none.
        accuracy: Fraction of them that is right; NaN if there are none.
    """

    count: int
    confidence: float
    accuracy: float


@dataclasses.dataclass(frozen=True, eq=False)
class ClassificationReport:
    """How good a classifier's answers are; made by `classification_report`.

    `print` shows it as a table.

    Attributes:
        classes: Names of the classes.
        accuracy: Fraction of the examples whose most likely class is the true one.
        precision: For each class, the fraction of its answers that are right; 0 where
            there is none.
        recall: For each class, the fraction of its examples that are recognized; 0
            where there is none.
        f1: For each class, the harmonic mean of the two; 0 where both are 0.
        confusion: Counts `[true class, answered class]`, int64.
        calibration_error: Expected calibration error: mean difference between the
            confidence of answers and the accuracy at that confidence, over 15 intervals
            weighted by their answers.
        bins: Those intervals: of confidence above `i / 15`, up to `(i + 1) / 15`.
        negative_log_likelihood: Mean over examples of minus the logarithm of the true
            class's probability, in nats. A probability below 1e-38 counts as that much,
            so that one example does not make it infinite.
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
        """Mean of F1 over the classes."""
        return float(np.mean(list(self.f1.values())))

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
    """Measures the answers of a classifier, and whether its confidence is earned.

    The answer is the most likely class (the first of equally likely ones), and its
    probability is the confidence.

    Args:
        labels: The true classes as numbers `[examples]`, integers from 0.
        probabilities: Probabilities `[examples, classes]`, not logits.
        classes: Names of the classes, in the order of the probabilities.

    Returns:
        A `ClassificationReport`; `plot_confusion` and `plot_calibration` draw it.

    Raises:
        TypeError: If labels are not integers, or classes no list of names.
        ValueError: If shapes do not fit each other, there is no example, a label is no
            class, or a row is not a distribution over the classes.

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

    References:
        Guo et al., "On calibration of modern neural networks", ICML 2017,
        arXiv:1706.04599: the calibration error and its picture.
    """
    classes = _checked_classes(classes)
    probabilities = _checked_probabilities(probabilities, len(classes))
    labels = _checked_labels(labels, *probabilities.shape)
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), "int64")
    np.add.at(confusion, (labels, answers), 1)
    right = confusion.diagonal()
    precision = _ratio(right, confusion.sum(axis=0))
    recall = _ratio(right, confusion.sum(axis=1))
    f1 = _ratio(2 * right, confusion.sum(axis=0) + confusion.sum(axis=1))

    def by_class(values: np.ndarray) -> dict[str, float]:
        return dict(zip(classes, values.tolist(), strict=True))

    bins = _calibration_bins(probabilities.max(axis=1), answers == labels)
    gaps = [b.count * abs(b.accuracy - b.confidence) for b in bins if b.count]
    likelihoods = probabilities[np.arange(len(labels)), labels]
    smallest = np.finfo("float32").tiny
    return ClassificationReport(
        classes=classes,
        accuracy=float(right.sum() / len(labels)),
        precision=by_class(precision),
        recall=by_class(recall),
        f1=by_class(f1),
        confusion=confusion,
        calibration_error=float(sum(gaps) / len(labels)),
        bins=bins,
        negative_log_likelihood=float(
            np.log(1 / np.maximum(likelihoods, smallest)).mean()
        ),
    )


def plot_confusion(report: ClassificationReport, path: str | os.PathLike) -> None:
    """Draws the confusion matrix: counts, and shares of each true class in percent.

    Args:
        report: What `classification_report` returned.
        path: The PNG file to write.

    Raises:
        OSError: If the file cannot be written.

    Example:
        >>> from rnnzoo.analysis import classification_report, plot_confusion
        >>> report = classification_report([0, 1], [[0.9, 0.1], [0.2, 0.8]], ["a", "b"])
        >>> plot_confusion(report, "confusion.png")
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    number = len(report.classes)
    totals = report.confusion.sum(axis=1, keepdims=True)
    shares = _ratio(report.confusion, totals)
    names = [fit_label(name) for name in report.classes]
    widest = max(len(f"{report.confusion.max():,}"), 4)
    side = number * (max(0.6, 0.085 * widest) if number > 4 else 1.2)
    # The matrix fills the figure; what is around it is added when saving.
    figure = Figure(figsize=(side, side))
    axis = figure.add_axes((0, 0, 1, 1))
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = 11 if number <= 4 else 8
    for row in range(number):
        for column in range(number):
            count, share = report.confusion[row, column], shares[row, column]
            percent = "<1%" if share < 0.005 else f"{share:.0%}"
            axis.text(
                column,
                row,
                f"{count:,}\n{percent}" if count else "0",
                ha="center",
                va="center",
                fontsize=size,
                color="white" if share > 0.55 else "#1a1a1a" if count else "#757575",
            )
    is_turned = number > 4 or max(map(len, names)) > 12
    # A dollar sign in a name begins no formula.
    axis.set_xticks(range(number), names, parse_math=False)
    axis.set_yticks(range(number), names, parse_math=False)
    if is_turned:
        for label in axis.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axis.set_xticks(np.arange(1, number) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, number) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=1.5)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)
    axis.set(xlabel="answered class", ylabel="true class")
    axis.set_title(f"{report.accuracy:.1%} of {totals.sum():,} right", pad=12)
    bar = figure.colorbar(
        image,
        cax=figure.add_axes((1 + 0.2 / side, 0, 0.16 / side, 1)),
        format=PercentFormatter(1),
        label="share of the true class",
    )
    bar.outline.set_visible(False)
    figure.savefig(path, dpi=120, bbox_inches="tight", pad_inches=0.15)


def plot_calibration(report: ClassificationReport, path: str | os.PathLike) -> None:
    """Draws accuracy against confidence, and how many answers have which confidence.

    A calibrated classifier's bars reach the diagonal: of the answers with a confidence
    of 0.8, eight in ten are right. Bars below it show too much confidence, bars above
    it too little.

    Args:
        report: What `classification_report` returned.
        path: The PNG file to write.

    Raises:
        OSError: If the file cannot be written.

    Example:
        >>> from rnnzoo.analysis import classification_report, plot_calibration
        >>> report = classification_report([0, 1], [[0.9, 0.1], [0.2, 0.8]], ["a", "b"])
        >>> plot_calibration(report, "calibration.png")

    References:
        Guo et al., "On calibration of modern neural networks", ICML 2017,
        arXiv:1706.04599, figure 1.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(5, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    edges = np.linspace(0, 1, NUM_BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    counts, confidence, accuracy = map(np.array, zip(*report.bins, strict=True))
    width = 0.92 / NUM_BINS
    upper.bar(centres, accuracy, width, color=_ACCURACY, label="accuracy")
    upper.bar(
        centres,
        confidence - accuracy,
        width,
        bottom=accuracy,
        facecolor=(*to_rgb(_GAP), 0.25),
        edgecolor=_GAP,
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
    lower.axvline(report.accuracy, color=_ACCURACY, label="accuracy")
    lower.axvline(mean, color=_GAP, linestyle="--", label="mean confidence")
    lower.set(xlabel="confidence of the answer", ylabel="share of answers")
    lower.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for axis in (upper, lower):
        # Above, as bars can be anywhere.
        axis.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=3,
            frameon=False,
            fontsize="small",
        )
        axis.grid(alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _checked_classes(classes: Any) -> list[str]:
    """Returns names of classes as a list."""
    if not isinstance(classes, (list, tuple)) or not all(
        isinstance(name, str) for name in classes
    ):
        raise TypeError(
            f"classes must be a list of names. Received: classes={classes!r}"
        )
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise ValueError(
            "classes must be at least two different names. Received: "
            f"classes={list(classes)!r}"
        )
    return list(classes)


def _checked_probabilities(probabilities: Any, num_classes: int) -> np.ndarray:
    """Returns distributions over the classes, float64 `[examples, classes]`."""
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


def _checked_labels(labels: Any, num_examples: int, num_classes: int) -> np.ndarray:
    """Returns numbers of classes `[examples]`."""
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


def _calibration_bins(
    confidence: np.ndarray, is_right: np.ndarray
) -> list[CalibrationBin]:
    """Sorts answers into intervals of confidence, each with its upper end."""
    edges = np.linspace(0, 1, NUM_BINS + 1)
    bins = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(bins, minlength=NUM_BINS)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, confidence, NUM_BINS) / counts
        accuracy = np.bincount(bins, is_right, NUM_BINS) / counts
    columns = (counts.tolist(), means.tolist(), accuracy.tolist())
    return [CalibrationBin(*values) for values in zip(*columns, strict=True)]


def _ratio(parts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Divides; nothing of nothing is 0."""
    return parts / np.maximum(totals, 1)


def fit_label(name: str) -> str:
    """Returns a name that fits beside a picture."""
    return name if len(name) <= 28 else name[:27] + "…"
