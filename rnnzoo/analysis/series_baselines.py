"""What a classifier of series has to beat: the nearest series, and random kernels."""

from collections.abc import Sequence

import numpy as np

# Steps that all series are stretched to; kernels, and their weights.
STEPS, KERNELS, WIDTH = 96, 400, 9
# Penalties of the regression, of which cross-validation chooses.
PENALTIES = np.logspace(-2, 4, 7)


def resample(series: Sequence[np.ndarray], steps: int = STEPS) -> np.ndarray:
    """Returns series `[time]` or `[time, features]` as `[series, steps, features]`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis.series_baselines import resample
        >>> resample([np.array([[0.0], [2.0]])], 3)[0, :, 0]
        array([0., 1., 2.])
    """
    places = np.linspace(0, 1, steps)
    series = [np.asarray(one).reshape(len(one), -1) for one in series]
    return np.stack(
        [
            np.stack(
                [np.interp(places, np.linspace(0, 1, len(x)), c) for c in x.T], axis=1
            )
            for x in series
        ]
    )


def nearest_neighbour(
    known: Sequence[np.ndarray], labels: np.ndarray, asked: Sequence[np.ndarray]
) -> np.ndarray:
    """Returns for each series the label of the nearest known one, once stretched.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis.series_baselines import nearest_neighbour
        >>> up, down = np.array([[0.0], [1.0]]), np.array([[1.0], [0.0], [0.0]])
        >>> nearest_neighbour([up, down], np.array([7, 8]), [up + 0.1])
        array([7])
    """
    left, right = resample(known), resample(asked)
    mean, scale = left.mean((0, 1)), left.std((0, 1))
    scale = np.where(scale > 0, scale, 1)
    left = ((left - mean) / scale).reshape(len(left), -1)
    right = ((right - mean) / scale).reshape(len(right), -1)
    squares = (left**2).sum(1) - 2 * right @ left.T
    return labels[squares.argmin(axis=1)]


def random_kernels(
    known: Sequence[np.ndarray], labels: np.ndarray, asked: Sequence[np.ndarray]
) -> np.ndarray:
    """Returns labels by a ridge regression on random convolutions.

    Of each kernel's outputs, the maximum and the share above 0 are read (Dempster et
    al., 2020, ROCKET, arXiv:1910.13051); leave-one-out errors choose the penalty.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.analysis.series_baselines import random_kernels
        >>> up, down = np.arange(9.0)[:, None], np.arange(9.0)[::-1, None]
        >>> random_kernels([up, up, down, down], np.array([1, 1, 2, 2]), [up * 1.1])
        array([1])
    """
    left, right = resample(known), resample(asked)
    mean, scale = left.mean((0, 1)), left.std((0, 1))
    scale = np.where(scale > 0, scale, 1)
    left, right = (left - mean) / scale, (right - mean) / scale
    x, y = _convolve(left), _convolve(right)
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-8, scale, 1)
    x, y = (x - mean) / scale, (y - mean) / scale
    names = np.unique(labels)
    targets = np.where(labels[:, None] == names, 1.0, -1.0)
    offset = targets.mean(0)
    values, vectors = np.linalg.eigh(x @ x.T)
    rotated = vectors.T @ (targets - offset)
    best, weights = np.inf, np.zeros((x.shape[1], len(names)))
    for penalty in PENALTIES:
        shrunk = 1 / (np.maximum(values, 0) + penalty)
        dual = vectors @ (shrunk[:, None] * rotated)
        # Errors of each row, left out (the inverse's diagonal).
        errors = dual / ((vectors**2) @ shrunk)[:, None]
        if (errors**2).mean() < best:
            best, weights = (errors**2).mean(), x.T @ dual
    return names[(y @ weights + offset).argmax(axis=1)]


def _convolve(series: np.ndarray) -> np.ndarray:
    random, found = np.random.default_rng(0), []
    steps, features = series.shape[1:]
    for _ in range(KERNELS):
        weights = random.normal(size=WIDTH)
        weights -= weights.mean()
        dilation = int(2 ** random.uniform(0, np.log2((steps - 1) / (WIDTH - 1))))
        mixture = random.normal(size=features)
        bias = random.uniform(-1, 1)
        signal = series @ mixture
        length = steps - dilation * (WIDTH - 1)
        outputs = np.full((len(series), length), bias)
        for place, weight in enumerate(weights):
            outputs += weight * signal[:, place * dilation : place * dilation + length]
        found += [outputs.max(axis=1), (outputs > 0).mean(axis=1)]
    return np.stack(found, axis=1)
