"""Sums over all paths of a linear chain by products of matrices, where they are exact.

Probabilities are normalized at every step, not their logarithms (Rabiner, 1989, section
V.A): a step is a product with the matrix of the exponentials of transitions. What is
less than a float32 can hold is lost. `multiply_paths` says whether anything was that
could matter.
"""

from typing import Any

import numpy as np
from keras import ops

from rnnzoo.layers.keras_internals import run_steps

# No sum may be less: what is lost below 1e-38 is then no part of it.
SMALLEST = 1e-30
# Steps after which it must be settled which tags are possible; IOBES needs 3.
MOST_STEPS = 8


def find_possible(penalties: np.ndarray) -> np.ndarray | None:
    """Returns which tags are possible at each step, `[steps, tags]`.

    The last row is of all later steps. `None` if there are more than `MOST_STEPS`.

    Args:
        penalties: Zero for each allowed pair `[tags + 1, tags + 1]`; the last row is of
            the start, the last column of the end.
    """
    allowed = penalties[:, :-1] == 0
    rows = [allowed[-1]]
    for _ in range(MOST_STEPS):
        row = (rows[-1][:, None] & allowed[:-1]).any(axis=0)
        if (row == rows[-1]).all():
            return np.array(rows)
        rows.append(row)
    return None


def multiply_paths(
    emissions: Any, transitions: Any, ends: Any, mask: Any, possible: np.ndarray
) -> tuple:
    """Returns sums over paths, and whether they are exact.

    Args:
        emissions: Scores `[batch, time, num_tags]`.
        transitions: Scores `[num_tags + 1, num_tags]`; the last row is of the start.
        ends: Scores of last tags, `[num_tags]`.
        mask: `[batch, time]`, true at real steps.
        possible: What `find_possible` returned.

    Returns:
        The logarithm of Z, `[batch]`; each tag's probability at each step; how often
        each transition is expected, `[batch, num_tags + 1, num_tags]`; the
        probabilities of the last tag; and whether all of these are exact.
    """
    highest, highest_end = ops.max(transitions), ops.max(ends)
    factors = ops.exp(transitions - highest)
    tops = ops.max(emissions, axis=-1, keepdims=True)
    evidence = ops.exp(emissions - tops)
    real = ops.cast(mask, "float32")[..., None]
    size = emissions.shape[-1]

    def step(inputs: Any, states: list) -> tuple:
        weights, is_real = inputs[:, :-1], inputs[:, -1:] > 0
        belief = states[0]
        new = ops.matmul(belief, factors) * weights
        norm = ops.sum(new, axis=-1, keepdims=True)
        new = ops.pad(ops.divide_no_nan(new, norm), ((0, 0), (0, 1)))
        new = ops.where(is_real, new, belief)
        return ops.concatenate([belief, norm], axis=-1), [new]

    zero = emissions[:, 0] * 0.0
    start = ops.concatenate([zero, zero[:, :1] + 1.0], axis=-1)
    found, (belief,) = run_steps(
        step, ops.concatenate([evidence, real], axis=-1), [start]
    )
    beliefs, norms = found[..., :-1], found[..., -1:]
    sums = ops.matmul(beliefs, factors)
    final = belief[:, :-1] * ops.exp(ends - highest_end)
    last_sum = ops.sum(final, axis=-1, keepdims=True)
    last = ops.divide_no_nan(final, last_sum)
    steps = ops.log(ops.maximum(norms, SMALLEST)) + tops + highest
    total = ops.sum(steps * real, axis=(1, 2)) + highest_end
    total += ops.log(ops.maximum(last_sum, SMALLEST))[:, 0]

    def step_back(inputs: Any, states: list) -> tuple:
        belief, sum_ = inputs[:, :size], inputs[:, size:-1]
        share = states[0]
        ratio = ops.divide_no_nan(share, sum_)
        new = belief * ops.matmul(ratio, ops.transpose(factors[:-1]))
        return share, [ops.where(inputs[:, -1:] > 0, new, share)]

    inputs = ops.concatenate([beliefs[..., :-1], sums, real], axis=-1)
    shares, _ = run_steps(step_back, inputs, [last], backwards=True)
    ratios = ops.divide_no_nan(shares, sums) * real
    counts = ops.matmul(ops.transpose(beliefs, (0, 2, 1)), ratios) * factors

    # A sum is also zero where no path leads to a tag.
    places = ops.cast(ops.cumsum(real[..., 0], axis=1) - 1.0, "int32")
    places = ops.clip(places, 0, len(possible) - 1)
    is_possible = ops.take(ops.convert_to_tensor(possible), places, axis=0)
    is_real = real > 0
    is_small = ops.logical_and(ops.logical_and(is_possible, is_real), sums < SMALLEST)
    is_stuck = ops.logical_and(is_real, norms < SMALLEST)
    unsafe = ops.any(is_small) | ops.any(is_stuck) | ops.any(last_sum < SMALLEST)
    return total, shares, counts, last, ops.logical_not(unsafe)
