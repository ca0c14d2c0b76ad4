"""Sorts lists of whole numbers from 1 to 32, of any length from 1 to 32.

    rnnzoo train sort_naturals
"""

import dataclasses
from typing import Any

from rnnzoo.training import Recipe, option


@dataclasses.dataclass(kw_only=True)
class SortNaturals(Recipe):
    """Sorts lists of whole numbers with a GRU that reads and a GRU that writes."""

    epochs: int = option(40, "rounds of steps, validation and checkpoint")
    steps_per_epoch: int = option(500, "batches per epoch")
    batch_size: int = option(64, "lists per batch, over all devices")
    learning_rate: float = option(6e-3, "highest learning rate, after warm-up")
    warmup_steps: int = option(300, "steps over which the learning rate rises from 0")
    averaging: float = option(0.99, "momentum of the average of the weights")
    max_value: int = option(32, "numbers are from 1 to this")
    max_length: int = option(32, "lists have at most this many numbers")
    units: int = option(128, "size of each network's state")
    num_layers: int = option(1, "layers in each network")
    cell: str = option("gru", "simple, gru or lstm")
    curriculum: int = option(1500, "steps until lists have their full length")

    def model(self) -> Any:
        """Returns an untrained sorter."""
        from rnnzoo import sorter

        return sorter(
            weights=None,
            max_value=self.max_value,
            max_length=self.max_length,
            units=self.units,
            num_layers=self.num_layers,
            cell=self.cell,
        )

    def examples(self) -> Any:
        """Returns lists of many kinds, short ones first."""
        from rnnzoo.data.synthetic import Sorting

        return Sorting(
            self.max_value, self.max_length, growing_batches=self.curriculum
        )

    def validation_examples(self) -> tuple:
        """Returns 1,000 uniform random lists of the full length."""
        from rnnzoo.data.synthetic import uniform_lists

        lists = uniform_lists(1000, self.max_value, self.max_length, seed=2**32)
        return lists, [sorted(row) for row in lists]

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns exact match on random lists of every length and on structured ones."""
        from rnnzoo.data.synthetic import structured_lists, uniform_lists

        def exact_match(lists: list) -> float:
            answers = model.sort(lists)
            return sum(map(_is_sorted_copy, lists, answers)) / len(lists)

        top, longest = model.tokens.maximum, model.max_length
        sets = {f"length_{longest}": uniform_lists(100_000, top, longest, seed=1)}
        for length in range(1, longest + 1):
            lists = uniform_lists(2000, top, length, seed=2 + length)
            sets[f"each_length.{length}"] = lists
        for kind, lists in structured_lists(top, longest).items():
            sets[kind] = lists
        figures = {name: exact_match(sets[name]) for name in progress(sets)}
        lengths = [name for name in figures if name.startswith("each_length.")]
        figures["worst_length"] = min(figures.pop(name) for name in lengths)
        return figures


def _is_sorted_copy(numbers: list, answer: list) -> bool:
    return sorted(numbers) == answer
