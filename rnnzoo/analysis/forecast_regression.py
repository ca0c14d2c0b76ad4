"""Ridge regression from the past of a series to what follows, in closed form."""

from collections.abc import Sequence

import numpy as np

# Penalties that are tried, in numbers of windows' worth of a feature.
# Short series need large ones: the largest leave little but the mean.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)


def solve_ridge(
    inputs: np.ndarray, targets: np.ndarray, penalties: Sequence[float] = PENALTIES
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns kernel `[features, outputs]` and bias `[outputs]` for each penalty.

    Args:
        inputs: `[rows, features]`.
        targets: `[rows, outputs]`, NaN for gaps, which are taken for the mean.
        penalties: Multiples of the mean square of the inputs and the number of rows.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis.forecast_regression import solve_ridge
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> ((kernel, bias),) = solve_ridge(x, 3 * x + 1, penalties=[1e-9])
        >>> kernel.round(3).tolist(), bias.round(3).tolist()
        ([[3.0]], [1.0])
    """
    inputs = np.asarray(inputs, "float64")
    targets = np.asarray(targets, "float64")
    known = ~np.isnan(targets)
    means = np.where(known, targets, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    targets = np.where(known, targets, means)
    center = inputs.mean(axis=0)
    inner = inputs - center
    gram, product = inner.T @ inner, inner.T @ (targets - means)
    unit = max(float(np.trace(gram)) / max(len(gram), 1), 1e-12)
    found = []
    for penalty in penalties:
        matrix = gram + penalty * unit * np.eye(len(gram))
        kernel = np.linalg.solve(matrix, product)
        found.append((kernel, means - center @ kernel))
    return found


def choose_regression(
    training: tuple, validation: tuple, units: np.ndarray | float = 1.0
) -> tuple:
    """Returns error, kernel and bias of the penalty that suits validation best.

    Args:
        training: Inputs and targets.
        validation: Inputs and targets; the mean absolute error of these decides.
        units: What the errors of each row of validation are multiplied by.
    """
    inputs, targets = (np.asarray(part, "float64") for part in validation)
    found = []
    for kernel, bias in solve_ridge(*training):
        error = np.abs(inputs @ kernel + bias - targets) * units
        found.append((float(np.nanmean(error)), kernel, bias))
    return min(found, key=lambda one: one[0])
