"""Analysis: where a model goes wrong, what its answers come from, and gradients."""

from rnnzoo.analysis.attribution import explain
from rnnzoo.analysis.classification import (
    ClassificationReport,
    classification_report,
    plot_calibration,
    plot_confusion,
)
from rnnzoo.analysis.explanation import Explanation, plot_attention
from rnnzoo.analysis.gradients import gradient_norms, plot_unrolled

__all__ = [
    "ClassificationReport",
    "Explanation",
    "classification_report",
    "explain",
    "gradient_norms",
    "plot_attention",
    "plot_calibration",
    "plot_confusion",
    "plot_unrolled",
]
