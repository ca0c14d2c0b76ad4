"""Examples to batches: encoded, padded, prefetched, and the same for the same seed."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from rnnzoo.data.categorical import Indices, take
from rnnzoo.data.fingerprints import digest, fingerprint_examples

# Small batches are made several at a time: the maximum number, and their bytes.
POOL, POOL_BYTES = 32, 2**18


class Examples(Protocol):
    """An endless stream of examples with random access to its batches."""

    def batch(self, size: int, seed: int, index: int) -> tuple[Sequence, Sequence]:
        """Returns `size` raw inputs and targets, the same for the same arguments."""
        ...


class Source(Protocol):
    """A finite set of examples with random access, in memory or in a file."""

    lengths: np.ndarray  # of every input, in any unit: characters, words, steps

    def __len__(self) -> int:
        """Returns the number of examples."""
        ...

    def rows(self, indices: Indices) -> tuple[Sequence, Sequence]:
        """Returns the raw inputs and targets at these indices."""
        ...


class Pairs:
    """Inputs, such as texts, and as many targets in memory as a `Source`.

    Lengths are those of the inputs, unless given in another unit.

    Example:
        >>> from rnnzoo.data.pipeline import Pairs
        >>> pairs = Pairs(["a quiet triumph", "dull"], ["positive", "negative"])
        >>> pairs.rows([1])
        (['dull'], ['negative'])
    """

    def __init__(self, inputs: Sequence, targets: Sequence, lengths: Any = None):
        if len(inputs) != len(targets) or not len(inputs):
            raise ValueError(
                "There must be one target for each input, and at least one of them. "
                f"Received: {len(inputs)} inputs and {len(targets)} targets"
            )
        self.inputs, self.targets = inputs, targets
        self.lengths = np.array(list(map(len, inputs)) if lengths is None else lengths)

    def __len__(self) -> int:
        """Returns the number of examples."""
        return len(self.inputs)

    def rows(self, indices: Indices) -> tuple[Sequence, Sequence]:
        """Returns the inputs and targets at these indices."""
        return take(self.inputs, indices), take(self.targets, indices)

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of the examples and a hash of them."""
        return {"examples": len(self), "hash": digest(self.inputs, self.targets)}


class Subset:
    """The examples of a `Source` at some indices; nothing is copied."""

    def __init__(self, source: Source, indices: Indices):
        self.source, self.indices = source, np.asarray(indices)
        self.lengths = source.lengths[self.indices]

    def __len__(self) -> int:
        """Returns the number of examples."""
        return len(self.indices)

    def rows(self, indices: Indices) -> tuple[Sequence, Sequence]:
        """Returns the inputs and targets at these indices."""
        return self.source.rows(self.indices[np.asarray(indices, int)])

    def fingerprint(self) -> dict[str, Any]:
        """Returns the source's fingerprint, and a hash of the indices."""
        return {**fingerprint_examples(self.source), "part": digest(self.indices)}


def split(source: Source, count: int, seed: int = 0) -> tuple[Subset, Subset]:
    """Splits a source at random into the rest and `count` examples; neither is empty.

    Example:
        >>> from rnnzoo.data.pipeline import Pairs, split
        >>> rest, part = split(Pairs(list("abcd"), list("abcd")), 1)
        >>> len(rest), len(part)
        (3, 1)
    """
    if not 0 < count < len(source):
        raise ValueError(
            f"A part must have from 1 to {len(source) - 1} of the {len(source)} "
            f"examples. Received: count={count}"
        )
    order = np.random.default_rng(seed).permutation(len(source))
    return Subset(source, order[count:]), Subset(source, order[:count])


def split_by_class(
    source: Source, labels: np.ndarray, fraction: float, limit: int, seed: int = 0
) -> tuple[Subset, Subset]:
    """Splits a source into the rest and a fraction of each class, at least one.

    A class of one example stays in the rest, whole.

    Args:
        source: The source.
        labels: Numbers of the classes of its examples.
        fraction: Fraction of each class in the second part.
        limit: Examples of the second part at most; about, for very many classes.
        seed: Random seed.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.data.pipeline import Pairs, split_by_class
        >>> labels = np.array([0, 0, 0, 1, 1, 2])
        >>> rest, part = split_by_class(Pairs("abcdef", labels), labels, 0.1, 100)
        >>> len(rest), sorted(labels[part.indices].tolist())
        (4, [0, 1])
    """
    random, is_held_out = np.random.default_rng(seed), np.zeros(len(labels), bool)
    fraction = min(fraction, limit / len(labels))
    for number in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == number))
        count = max(round(fraction * len(rows)), 1) if len(rows) > 1 else 0
        is_held_out[rows[:count]] = True
    if not is_held_out.any():
        raise ValueError(
            "One class at least must have two examples, one to learn from and one to "
            f"validate. Received: {len(labels)} examples of as many classes"
        )
    order = random.permutation(len(labels))
    return (
        Subset(source, order[~is_held_out[order]]),
        Subset(source, order[is_held_out[order]]),
    )


class Shuffled:
    """A source as endless `Examples`: shuffled every epoch, in length buckets.

    An epoch drops the remainder that does not fill a batch.

    Args:
        source: The source of the examples.
        pool: Number of batches whose examples are sorted together; 1 for none.

    Example:
        >>> from rnnzoo.data.pipeline import Pairs, Shuffled
        >>> texts = ["a", "bb", "a long text", "a longer text"]
        >>> examples = Shuffled(Pairs(texts, texts))
        >>> texts, targets = examples.batch(2, seed=0, index=0)
        >>> texts[0] in ("a", "a long text") and texts == targets
        True
    """

    def __init__(self, source: Source, pool: int = 50):
        self.source, self.pool = source, pool
        # Two pipelines may be in different epochs.
        self._epoch = functools.lru_cache(2)(self._epoch)

    def batches_per_epoch(self, size: int) -> int:
        """Returns the number of batches of this size per epoch."""
        return max(1, len(self.source) // size)

    def fingerprint(self) -> dict[str, Any]:
        """Returns the source's fingerprint."""
        return fingerprint_examples(self.source)

    def batch(self, size: int, seed: int, index: int) -> tuple[Sequence, Sequence]:
        """Returns `size` raw inputs and targets, the same for the same arguments."""
        epoch, step = divmod(index, self.batches_per_epoch(size))
        return self.source.rows(self._epoch(size, seed, epoch)[step])

    def _epoch(self, size: int, seed: int, epoch: int) -> np.ndarray:
        random = np.random.default_rng((seed, epoch))
        order = random.permutation(len(self.source))
        order = np.resize(order, self.batches_per_epoch(size) * size)
        for start in range(0, len(order), self.pool * size):
            part = order[start : start + self.pool * size]
            part[:] = part[np.argsort(self.source.lengths[part], kind="stable")]
        return random.permutation(order.reshape(-1, size))


def padding_share(examples: Examples, encode: Callable, size: int, seed: int) -> float:
    """Returns the fraction of padding in 20 batches of `size` examples, encoded."""
    batches = (encode(*examples.batch(size, seed, index)) for index in range(20))
    # Of several inputs, the first.
    ids = [tf.nest.flatten(inputs)[0] for inputs, _ in batches]
    return sum(np.count_nonzero(a == 0) for a in ids) / sum(a.size for a in ids)


def padding_line(examples: Examples, encode: Callable, size: int, seed: int) -> str:
    """Returns a line about the fraction of padding; none for real values."""
    if tf.nest.flatten(encode(*examples.batch(size, seed, 0)))[0].ndim > 2:
        return ""  # a zero need not be padding
    line = f"Padding: {padding_share(examples, encode, size, seed):.1%} of the steps"
    if isinstance(examples, Shuffled):
        plain = padding_share(Shuffled(examples.source, 1), encode, size, seed)
        line += f" in batches of similar length; {plain:.1%} in batches of any"
    return line


def evaluation_batches(
    inputs: Sequence,
    targets: Sequence,
    encode: Callable[[Any, Any], tuple],
    *,
    batch_size: int,
    length: int | None = None,
) -> tf.data.Dataset:
    """Returns a finite `tf.data.Dataset` of batches, from short to long; see `batches`.

    The last batch may be smaller than `batch_size`.
    """
    order = np.argsort([len(one) for one in inputs], kind="stable")
    encoded = []
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        arrays = encode(take(inputs, part), take(targets, part))
        encoded.append(tf.nest.map_structure(lambda a: _pad(a, length), arrays))
    signature = tf.nest.map_structure(
        lambda a: tf.TensorSpec((None, length, *a.shape[2:])[: a.ndim], a.dtype),
        encoded[0],
    )
    data = tf.data.Dataset.from_generator(lambda: encoded, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(encoded)))


def batches(
    examples: Examples,
    encode: Callable[[Any, Any], tuple],
    *,
    batch_size: int,
    seed: int,
    first: int = 0,
    count: int | None = None,
    length: int | None = None,
) -> tf.data.Dataset:
    """Returns a `tf.data.Dataset` of encoded batches.

    Batch `i` is the same whether training began at 0 or at `i`: a resumed run equals an
    uninterrupted one. Batches `(inputs, targets)` have the shapes of `encode`; the
    batch size is static, time only with `length`.

    Args:
        examples: The examples, such as `rnnzoo.data.synthetic.Sorting`.
        encode: Converts raw inputs and targets to arrays, such as a model's `encode`.
        batch_size: Examples per batch, over all devices.
        seed: Random seed of the examples.
        first: Index of the first batch.
        count: Number of batches; `None` for infinitely many.
        length: Pads sequences to this many steps, as XLA needs it on a TPU; `None` pads
            to the longest of each batch. A longer sequence is a `ValueError`.

    Example:
        >>> from rnnzoo import sorter
        >>> from rnnzoo.data.pipeline import batches
        >>> from rnnzoo.data.synthetic import Sorting
        >>> model = sorter(weights=None, max_value=9, max_length=4, units=8)
        >>> data = batches(Sorting(9, 4), model.encode, batch_size=2, seed=0, count=3)
        >>> [tuple(inputs.shape) for inputs, targets in data]
        [(2, 4), (2, 4), (2, 4)]
    """

    def encoded(number: int) -> tuple:
        return encode(*examples.batch(batch_size, seed, number))

    def flatten(arrays: tuple) -> list[np.ndarray]:
        return [_pad(array, length) for array in tf.nest.flatten(arrays)]

    sample = encoded(first)
    flat_sample = flatten(sample)
    # Calls from TensorFlow to Python would take longer than some batches.
    size = sum(array.nbytes for array in flat_sample)
    pool = max(1, min(POOL, POOL_BYTES // max(size, 1)))
    end = tf.int64.max if count is None else first + count

    def draw(index: np.ndarray) -> list[np.ndarray]:
        # A pool of batches, and the steps of each of their arrays.
        numbers = range(int(index), min(int(index) + pool, end))
        pooled = [flatten(encoded(number)) for number in numbers]
        steps = [[a.shape[1] if a.ndim > 1 else 0 for a in batch] for batch in pooled]
        steps = np.array(steps, "int32")
        stacked = [
            np.stack([_pad(batch[place], longest) for batch in pooled])
            for place, longest in enumerate(steps.max(axis=0))
        ]
        return [*stacked, steps]

    def load(index: tf.Tensor) -> tuple:
        kinds = [*(array.dtype for array in flat_sample), tf.int32]
        arrays = tf.numpy_function(draw, [index], kinds, stateful=False)
        for array, like in zip(arrays[:-1], flat_sample, strict=True):
            array.set_shape([None] * (like.ndim + 1))
        arrays[-1].set_shape([None, len(flat_sample)])
        return tuple(arrays)

    def cut(*arrays: tf.Tensor) -> Any:
        # The padding of the pool is removed.
        *cropped, steps = arrays
        for place, like in enumerate(flat_sample):
            if like.ndim > 1:
                cropped[place] = cropped[place][:, : steps[place]]
            # Batch and features are fixed, time is not.
            shape = (*like.shape[:1], length, *like.shape[2:])
            cropped[place].set_shape(shape[: like.ndim])
        return tf.nest.pack_sequence_as(sample, cropped)

    # In a single thread: Python runs one at a time, and switching takes time. (With
    # autotune, TensorFlow would run several calls of `load` at once.)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.autotune.enabled = False
    pools = tf.data.Dataset.range(first, end, pool).map(load)
    return pools.unbatch().map(cut).prefetch(4).with_options(options)


def _pad(array: np.ndarray, length: int | None) -> np.ndarray:
    # Pads `[batch, time, ...]` with zeros in time; `[batch]` is unchanged.
    if length is None or array.ndim < 2:
        return array
    if array.shape[1] == length:
        return array
    if array.shape[1] > length:
        raise ValueError(
            "length must be at least that of the longest sequence. Received: "
            f"length={length} and a sequence of {array.shape[1]} steps"
        )
    padded = np.zeros((len(array), length, *array.shape[2:]), array.dtype)
    padded[:, : array.shape[1]] = array
    return padded
