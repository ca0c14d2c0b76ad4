"""How large the weights of `parity_by_hand("logistic")` must be, and what they give.

    python benchmarks/by_hand.py

Logistic units never reach 0 or 1, and what an output lacks goes into the next step. For
each weight this finds the largest distance of any output from its bit, over all inputs
of any length, by iterating the worst case: with a distance of `m` before, the distance
after is `g(m)` where the new parity is 0 and `1 - g(1 + m)` where it is 1, whichever
the old one was, if `g(s)` is the output for an input and last output that add up to
`s`. It prints the table, and writes it to benchmarks/by_hand.csv, with what the network
itself makes of 10,000 random bits.
"""

import math

import numpy as np
from harness import Benchmark

WEIGHTS = (4, 6, 8, 9, 10, 12, 15, 20, 30)
STEPS = 100_000


def output(weight: float, total: float) -> float:
    """Returns the output for an input and a last output with this sum."""

    def logistic(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    either, both = logistic(weight * (total - 0.5)), logistic(weight * (total - 1.5))
    return logistic(weight * (either - both - 0.5))


def largest_distance(weight: float) -> tuple[float, int]:
    """Returns the largest distance, and the steps until it is a half, or -1."""
    distance = 0.0
    for step in range(1, STEPS + 1):
        before = distance
        distance = max(output(weight, before), 1 - output(weight, 1 + before))
        if distance >= 0.5:
            return distance, step
        if distance == before:
            break
    return distance, -1


def smallest_weight() -> float:
    """Returns the smallest weight whose distance stays below a half for ever."""
    low, high = 1.0, 30.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        if largest_distance(middle)[1] == -1:
            high = middle
        else:
            low = middle
    return high


def main() -> None:
    """Measures, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__, quick={"WEIGHTS": (4, 20), "STEPS": 100})
    benchmark.parse()
    from rnnzoo import parity_by_hand

    bits = np.random.default_rng(0).integers(0, 2, 10_000)
    parities = np.cumsum(bits) % 2
    rows = []
    for weight in sorted([*WEIGHTS, round(smallest_weight() + 5e-4, 3)]):
        distance, steps = largest_distance(weight)
        model = parity_by_hand("logistic", weight=weight)
        source = model.encode([bits])[0]
        values = model.read_in_chunks(source)
        wrong = np.flatnonzero((values[0, :, 0] > 0) != parities)
        first = int(wrong[0]) + 1 if len(wrong) else -1
        rows.append([weight, f"{distance:.3g}", steps, first])
        print(*rows[-1])
    benchmark.write(
        ["weight", "largest_distance", "wrong_after_steps", "first_wrong_of_10000"],
        rows,
    )


if __name__ == "__main__":
    main()
