"""Curricula: from easy examples to difficult ones."""


def curriculum_length(first: int, last: int, index: int, batches: int) -> int:
    """Returns a length that grows linearly from `first` to `last` over `batches`."""
    if index >= batches:
        return last
    return min(last, first + int(max(index, 0) / batches * (last - first)))
