"""Logistic regression, solved rather than trained, and what chooses its settings."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnnzoo.errors import check_number

# Inverse strengths of the penalty that are tried.
STRENGTHS = (1.0, 3.0, 10.0, 30.0)


def solve_logistic(
    features: Any,
    labels: np.ndarray,
    num_classes: int,
    *,
    inverse_penalty: float = 1.0,
    weights: np.ndarray | None = None,
    max_steps: int = 100,
) -> tuple[np.ndarray, np.ndarray]:
    """Solves a multinomial logistic regression with L2 penalty by L-BFGS.

    As scikit-learn's `LogisticRegression`, whose `C` is `inverse_penalty`: it minimizes
    `C` times the sum of the cross-entropies plus half the squared norm of the kernel.

    Args:
        features: `[rows, features]`, an array or a matrix of `scipy.sparse`.
        labels: Numbers of classes `[rows]`, from 0.
        num_classes: Number of classes.
        inverse_penalty: Larger values fit the rows more closely.
        weights: Weight of each row; default: those of `balance`, with which every class
            counts the same.
        max_steps: Steps of the solver at most.

    Returns:
        Kernel `[features, num_classes]` and bias `[num_classes]`, float32. The bias of
        a class without a row is so low that it is never the answer.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.logistic import solve_logistic
        >>> features = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.2]])
        >>> kernel, bias = solve_logistic(features, np.array([0, 1, 1]), 2)
        >>> (features @ kernel + bias).argmax(axis=1).tolist()
        [0, 1, 1]
    """
    import scipy.optimize
    import scipy.sparse

    check_number("inverse_penalty", inverse_penalty, above=0)
    count, size = features.shape
    weights = balance(labels, num_classes) if weights is None else weights
    scale = np.asarray(weights, "float32")[:, None] / count
    shrinkage = 1 / (inverse_penalty * count)
    targets = np.eye(num_classes, dtype="float32")[labels]
    is_seen = targets.any(axis=0)
    sparse = scipy.sparse.issparse(features)
    features = features.astype("float32")
    transposed = features.T.tocsr() if sparse else features.T

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        kernel, bias = np.split(flat.astype("float32").reshape(-1, num_classes), [size])
        logits = np.where(is_seen, features @ kernel + bias, -np.inf)
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        totals = shares.sum(axis=1, keepdims=True)
        right = logits[np.arange(count), labels][:, None]
        loss = float((scale * (np.log(totals) - right)).sum())
        loss += shrinkage / 2 * float(np.vdot(kernel, kernel))
        error = scale * (shares / totals - targets)
        gradient = [transposed @ error + shrinkage * kernel, error.sum(axis=0)[None]]
        return loss, np.concatenate(gradient).astype("float64").ravel()

    found = scipy.optimize.minimize(
        objective,
        np.zeros((size + 1) * num_classes),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_steps, "gtol": 1e-5, "maxcor": 10},
    )
    kernel, bias = np.split(found.x.astype("float32").reshape(-1, num_classes), [size])
    return kernel, np.where(is_seen, bias[0], bias[0].min() - 20).astype("float32")


def balance(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns weights of rows with which every class counts the same; 1 in the mean.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.logistic import balance
        >>> balance(np.array([0, 0, 0, 1]), 2).round(2).tolist()
        [0.67, 0.67, 0.67, 2.0]
    """
    counts = np.bincount(labels, minlength=num_classes)
    weights = 1 / counts[labels]
    return weights / weights.mean()


def compact_features(features: Any) -> np.ndarray:
    """Returns at most as many features as rows, with the same inner products.

    A regression on them has the same answers: for few rows of very many features.
    """
    products = (features @ features.T).toarray().astype("float64")
    products[np.diag_indices(len(products))] += 1e-5
    return np.linalg.cholesky(products).astype("float32")


def stratified_folds(
    labels: np.ndarray, count: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yields which rows are held out, `count` times: each row once, classes in parts.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.logistic import stratified_folds
        >>> for held_out in stratified_folds(np.array([0, 1, 0, 1]), 2):
        ...     print(held_out.sum())
        2
        2
    """
    random, folds, place = np.random.default_rng(seed), np.zeros(len(labels), int), 0
    for number in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == number))
        folds[rows] = (place + np.arange(len(rows))) % count
        place += len(rows)
    for fold in range(count):
        if (folds == fold).any() and (folds != fold).any():
            yield folds == fold


def held_out_logits(
    features: np.ndarray, labels: np.ndarray, num_classes: int, strength: float
) -> np.ndarray:
    """Returns logits of each row by a regression on others: cross-validation."""
    logits = np.zeros((len(labels), num_classes), "float32")
    for held_out in stratified_folds(labels, 5 if len(labels) < 1500 else 3):
        kernel, bias = solve_logistic(
            features[~held_out],
            labels[~held_out],
            num_classes,
            inverse_penalty=strength,
            max_steps=50,
        )
        logits[held_out] = features[held_out] @ kernel + bias
    return logits


def choose_strength(
    features: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    strengths: Sequence[float] = STRENGTHS,
) -> tuple[float, np.ndarray]:
    """Chooses the penalty by cross-validation; returns it and the held-out logits.

    Another than the first must be clearly better: of few rows, none is.
    """
    best: tuple = ()
    for strength in strengths:
        logits = held_out_logits(features, labels, num_classes, strength)
        score = score_answers(labels, logits)
        if not best or score > best[0] + 0.25 / np.sqrt(len(labels)):
            best = score, strength, logits
    return best[1:]


def score_answers(labels: np.ndarray, logits: np.ndarray) -> float:
    """Returns the mean of accuracy and macro F1 of the most likely classes."""
    answers, scores = logits.argmax(axis=1), []
    for number in np.unique(labels):
        is_class, is_answer = labels == number, answers == number
        right = (is_class & is_answer).sum()
        scores.append(2 * right / (is_class.sum() + is_answer.sum()))
    return float(((answers == labels).mean() + np.mean(scores)) / 2)


def cross_entropy(labels: np.ndarray, logits: np.ndarray) -> float:
    """Returns the mean cross-entropy in nats, in which every class counts the same."""
    logits = logits - logits.max(axis=1, keepdims=True)
    right = logits[np.arange(len(labels)), labels]
    losses = np.log(np.exp(logits).sum(axis=1)) - right
    return float((balance(labels, logits.shape[1]) * losses).mean())


def mixing_weights(
    first: np.ndarray,
    second: np.ndarray,
    labels: np.ndarray,
    prior: tuple[float, float],
    strength: float = 5.0,
) -> tuple[float, float]:
    """Returns the weights, from 0, of two kinds of logits whose sum predicts labels.

    They minimize the cross-entropy, in which every class counts the same, plus
    `strength` times the squared distance from `prior`: few rows do not move them.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.logistic import mixing_weights
        >>> labels = np.arange(200) % 2
        >>> useful, useless = 4.0 * np.eye(2)[labels], np.zeros((200, 2))
        >>> weights = mixing_weights(useless, useful, labels, prior=(1.0, 0.0))
        >>> weights[1] > 0.3
        True
    """
    import scipy.optimize

    def loss(pair: np.ndarray) -> float:
        total = cross_entropy(labels, pair[0] * first + pair[1] * second) * len(labels)
        return total + strength * float(np.sum((pair - prior) ** 2))

    found = scipy.optimize.minimize(
        loss, np.array(prior), method="L-BFGS-B", bounds=[(0, 20)] * 2
    )
    return float(found.x[0]), float(found.x[1])
