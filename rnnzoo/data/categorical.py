"""Labels as numbers of categories, whose names are kept once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

# Numbers of rows, in any order.
Indices = Sequence[int] | np.ndarray


class Categorical(Sequence):
    """A list of names that are stored as numbers, like `pandas.Categorical`.

    Args:
        codes: The number of each label in `categories`, int32 `[labels]`.
        categories: The names.

    Example:
        >>> from rnnzoo.data.categorical import Categorical
        >>> labels = Categorical([1, 0, 1], ["bad", "good"])
        >>> labels, labels[0], labels.take([1]).codes.tolist()
        (['good', 'bad', 'good'], 'good', [0])
    """

    def __init__(self, codes: Any, categories: Sequence[Any]):
        self.codes, self.categories = np.asarray(codes, "int32"), categories

    def __len__(self) -> int:
        """Returns the number of labels."""
        return len(self.codes)

    def __getitem__(self, index: Any) -> Any:
        """Returns the name of a label, or some labels for a slice."""
        if isinstance(index, slice):
            return Categorical(self.codes[index], self.categories)
        return self.categories[int(self.codes[index])]

    def __iter__(self) -> Iterator[str]:
        """Yields the names."""
        return (self.categories[code] for code in self.codes)

    def __eq__(self, other: object) -> bool:
        """Compares the names with those of another sequence."""
        return isinstance(other, (list, Categorical)) and list(self) == list(other)

    def __repr__(self) -> str:
        """Returns the names as a list is shown."""
        return repr(list(self))

    def take(self, indices: Indices) -> "Categorical":
        """Returns the labels with these numbers, in this order."""
        return Categorical(self.codes[np.asarray(indices, int)], self.categories)


def take(rows: Sequence, indices: Indices) -> Sequence:
    """Returns the elements of a sequence with these numbers, in this order."""
    if isinstance(rows, Categorical):
        return rows.take(indices)
    return [rows[index] for index in indices]
