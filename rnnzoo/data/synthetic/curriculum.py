"""Curricula: from easy examples to difficult ones."""

from rnnzoo.errors import check_number


def curriculum_length(first: int, last: int, index: int, batches: int) -> int:
    """Returns a length that grows linearly from `first` to `last` over `batches`."""
    if index >= batches:
        return last
    return min(last, first + int(max(index, 0) / batches * (last - first)))


class LengthCurriculum:
    """Base class of examples whose largest length grows over `curriculum_steps`."""

    first_length = 4
    max_length: int
    curriculum_steps: int

    def __post_init__(self):
        """Checks the arguments."""
        check_number("max_length", self.max_length, minimum=1, whole=True)
        check_number("curriculum_steps", self.curriculum_steps, minimum=0, whole=True)

    def longest(self, index: int) -> int:
        """Returns the largest length in a batch."""
        first, last = self.first_length, self.max_length
        return curriculum_length(first, last, index, self.curriculum_steps)
