"""How often sorters are right, and whether their confidence says so.

    python benchmarks/confidence.py

Lists are of families that no sorter was calibrated on, 10,000 of each, of the maximum
length. Trainings name the permutations among them, and uniform and normal real numbers.
A sorter is sure of an answer to which it gives a probability of 0.99 or more. Writes
benchmarks/confidence.csv, the table of docs/sorting.md, and a reliability diagram (Guo
et al., arXiv:1706.04599), docs/confidence.png: for answers of similar confidence, how
many are right.
"""

from typing import Any

import numpy as np
from harness import Benchmark, make_figure

COUNT, SURE = 10_000, 0.99
WEIGHTS = {
    "sorter.integers_32": "sorter()",
    "sorter.naturals_32": 'sorter("naturals_32"), as trained before',
    "real_sorter.reals_32": "real_sorter()",
}


def draw_lists(name: str) -> dict[str, list]:
    """Returns lists by family for listed weights."""
    from rnnzoo.data.synthetic import list_families, real_families

    if name.startswith("real_sorter"):
        return real_families(32, COUNT, seed=2**20)
    groups = ("common", "invented")
    lists = [list_families(32, 32, COUNT, seed=2**20, group=g) for g in groups]
    return lists[0] | lists[1]


def draw(measured: dict[str, tuple]) -> Any:
    """Returns the reliability diagrams of all weights, side by side."""
    from rnnzoo.analysis.classification import calibration_bins

    figure = make_figure(9.6, 3.6)
    axes = figure.subplots(1, len(measured), sharey=True)
    for axis, (name, (confidence, right)) in zip(axes, measured.items(), strict=True):
        bins = [one for one in calibration_bins(confidence, right) if one.count]
        counts, means, shares = map(np.array, zip(*bins, strict=True))
        # The standard error of a share of so many answers.
        errors = np.sqrt(np.maximum(shares * (1 - shares), 1e-9) / counts)
        axis.plot([0, 1], [0, 1], color="0.7", linestyle="--")
        axis.errorbar(means, shares, 2 * errors, marker="o", linestyle="-", capsize=2)
        for place, share, count in zip(means, shares, counts, strict=True):
            axis.annotate(
                f"{count:,}",
                (place, share),
                (0, 6 if share < 0.5 else -6),
                textcoords="offset points",
                fontsize=7,
                rotation=90,
                ha="center",
                va="bottom" if share < 0.5 else "top",
            )
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("confidence")
        axis.set_xlim(-0.05, 1.05)
        axis.set_ylim(-0.05, 1.08)
    axes[0].set_ylabel("share of whole lists that are right")
    return figure


def main() -> None:
    """Measures, prints and writes the table and the picture."""
    benchmark = Benchmark(__file__, __doc__, quick={"COUNT": 200})
    benchmark.parse()
    import rnnzoo

    rows, measured = [], {}
    for name in WEIGHTS:
        model = getattr(rnnzoo, name.split(".")[0])(name)
        everything = []
        for family, lists in draw_lists(name).items():
            answers, confidence = model.sort(lists, return_confidence=True)
            pairs = zip(answers, lists, strict=True)
            right = np.array([answer == sorted(row) for answer, row in pairs])
            confidence = np.array(confidence)
            sure = confidence >= SURE
            rows.append(
                [
                    name,
                    family,
                    f"{right.mean():.4f}",
                    f"{confidence.mean():.4f}",
                    f"{sure.mean():.4f}",
                    f"{right[sure].mean():.5f}" if sure.any() else "",
                ]
            )
            print(*rows[-1], flush=True)
            everything.append((confidence, right))
        measured[WEIGHTS[name]] = tuple(
            map(np.concatenate, zip(*everything, strict=True))
        )
    header = ["weights", "family", "right", "mean_confidence", "sure", "right_of_sure"]
    benchmark.write(header, rows, "sorting.md")
    benchmark.save(draw(measured))


if __name__ == "__main__":
    main()
