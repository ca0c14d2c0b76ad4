"""A bag of n-grams beside a recurrent network, and joint training of both."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.errors import check_number

# Learning-rate multiplier of the bag, relative to the network beside it.
PACE = 10.0
# Initial weight of the evidence in an adapted bag, times PACE.
FIRST_BELIEF = 0.3
LOWEST, HIGHEST = -(2**31), 2**31 - 1


@keras.saving.register_keras_serializable("rnnzoo")
class NgramBag(keras.layers.Layer):
    r"""Scores a sequence of tokens by its n-grams, each of which has a learned vector.

    Beside a recurrent network ("wide and deep", Cheng et al., arXiv:1606.07792), it
    learns the meaning of `not worth` from a few examples.

    A sequence of $T$ tokens with the set of n-grams $G$ gets
    $10 \sum_{g \in G} r_g \odot v_g / \sqrt{T}$, where $v_g$ is learned, ten times
    faster than the network. The layer returns each token's contribution to this score:
    an n-gram counts at its first occurrence, for its tokens in equal parts.

    At first $r_g$ is 1, and all n-grams share the table, by hash. After `adapt`, the
    most frequent n-grams have their own rows, others have none, and $r_g$ is the
    log-likelihood ratio of the n-gram between classes: a naive Bayes classifier whose
    weights are then learned (Wang and Manning, "Baselines and bigrams", ACL 2012).

    Inputs: token ids `[batch, time]`, 0 for padding. Outputs: `[batch, time, units]`;
    the sum over time is the score.

    Args:
        units: Size of a vector, such as the number of classes except the first, whose
            score is 0.
        max_n: Maximum length of n-grams, in tokens; shorter ones count too.
        rows: Number of rows in the table.
        dropout: Fraction of n-grams dropped in training.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.ngrams import NgramBag
        >>> bag = NgramBag(units=1, max_n=2, rows=1000)
        >>> ids, labels = np.array([[5, 17, 3], [5, 8, 0]]), np.array([0, 1])
        >>> tuple(bag(ids).shape)
        (2, 3, 1)
        >>> bag.adapt([(ids, labels)], min_count=1)
        7
        >>> scores = keras.ops.sum(bag(ids), axis=1)
        >>> bool(scores[0, 0] < 0 < scores[1, 0])
        True
    """

    def __init__(
        self,
        units: int,
        *,
        max_n: int = 3,
        rows: int = 2**19,
        dropout: float = 0.0,
        **layer_options: Any,
    ):
        super().__init__(**layer_options)
        check_number("units", units, minimum=1, whole=True)
        check_number("max_n", max_n, minimum=1, whole=True)
        check_number("rows", rows, minimum=2, below=2**31, whole=True)
        check_number("dropout", dropout, minimum=0, below=1)
        self.units, self.max_n = units, max_n
        self.rows, self.dropout = rows, dropout
        if dropout:
            self.seed_generator = keras.random.SeedGenerator()

    def build(self, inputs_shape: tuple) -> None:
        """Creates the table."""
        shape, fixed = (self.rows, self.units), {"trainable": False, "dtype": "int32"}
        self.table = self.add_weight(shape, "zeros", name="table")
        self.evidence = self.add_weight(shape, "ones", trainable=False, name="evidence")
        # The hash code of each row's n-gram, or the lowest that may use the row: at
        # first codes at equal distances.
        rows, step = self.rows, 2**32 // self.rows
        self.codes = self.add_weight(
            (self.rows,),
            lambda shape, dtype: ops.cast(LOWEST + np.arange(rows) * step, dtype),
            name="codes",
            **fixed,
        )
        self.adapted = self.add_weight((), "zeros", name="adapted", **fixed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns each token's share of the score; shapes as in the class."""
        batch, time = ops.shape(inputs)
        inputs = ops.cast(inputs, "int32")
        shares = 0.0
        for n, (codes, counts) in enumerate(self._ngrams(inputs), 1):
            rows, found = self._look_up(codes)
            vectors = ops.take(self.table, rows, axis=0)
            vectors = vectors * ops.take(self.evidence, rows, axis=0)
            counts = ops.cast(ops.logical_and(counts, found), self.compute_dtype)
            vectors = ops.cast(vectors, self.compute_dtype) * counts[:, :, None]
            if self.dropout and training:
                vectors = keras.random.dropout(
                    vectors,
                    self.dropout,
                    noise_shape=(batch, time, 1),
                    seed=self.seed_generator,
                )
            for place in range(n):  # of a token in the n-gram
                moved = ops.pad(vectors, ((0, 0), (place, 0), (0, 0)))[:, :time]
                shares = shares + moved / n
        length = ops.sum(ops.cast(inputs != 0, self.compute_dtype), axis=1)
        return shares * (PACE / ops.sqrt(ops.maximum(length, 1.0)))[:, None, None]

    def adapt(self, batches: Iterable, min_count: int = 2) -> int:
        """Gives frequent n-grams new rows, weighted by naive Bayes; returns how many.

        Args:
            batches: Pairs of token ids `[batch, time]` and numbers of classes
                `[batch]`, in `0..units`.
            min_count: In how many sequences an n-gram must occur to have a row.
        """
        if not self.built:
            self.build((None, None))
        classes, codes, labels = self.units + 1, [], []
        for ids, numbers in batches:
            numbers = np.asarray(numbers)
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
                raise ValueError(
                    f"Classes must be in 0..{self.units}, as the layer has units="
                    f"{self.units}. Received: {numbers.min()}..{numbers.max()}"
                )
            for found, counts in self._ngrams(ops.cast(ids, "int32")):
                found, counts = map(ops.convert_to_numpy, (found, counts))
                codes.append(found[counts])
                labels.append(np.repeat(numbers, counts.sum(axis=1)).astype("int32"))
        codes, labels = np.concatenate(codes), np.concatenate(labels)
        order = np.argsort(codes, kind="stable")
        codes, labels = codes[order], labels[order]
        starts = np.flatnonzero(np.diff(codes, prepend=codes[:1] - 1))
        totals = np.diff(starts, append=len(codes))
        frequent = np.flatnonzero(totals >= min_count)
        if len(frequent) > self.rows:
            frequent = np.sort(np.argsort(-totals, kind="stable")[: self.rows])
        # Of each n-gram, in how many sequences of each class it is; none are zero.
        counts = np.ones((len(frequent), classes))
        for number in range(classes):
            seen = np.add.reduceat(labels == number, starts, dtype="int64")
            counts[:, number] += seen[frequent]
        ratios = np.log(counts / counts.sum(axis=0))
        evidence = np.ones(self.evidence.shape, "float32")
        evidence[: len(frequent)] = ratios[:, 1:] - ratios[:, :1]
        table = np.zeros(self.table.shape, "float32")
        table[: len(frequent)] = FIRST_BELIEF / PACE
        rows = np.full(self.rows, HIGHEST, "int64")
        rows[: len(frequent)] = codes[starts[frequent]]
        self.table.assign(table)
        self.evidence.assign(evidence)
        self.codes.assign(rows.astype("int32"))
        self.adapted.assign(1)
        return len(frequent)

    def _ngrams(self, inputs: Any) -> list[tuple]:
        return hash_ngrams(inputs, self.max_n)

    def _look_up(self, codes: Any) -> tuple:
        rows, same = look_up(self.codes, self.rows, codes)
        return rows, ops.logical_or(same, self.adapted == 0)

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns `(batch, time, units)`."""
        return (*inputs_shape, self.units)


def hash_ngrams(inputs: Any, max_n: int) -> list[tuple]:
    """Returns the n-gram's code at each token, and whether it counts, per n.

    An n-gram counts at its first occurrence in a sequence, if none of it is padding.
    """
    time = ops.shape(inputs)[1]
    padded = ops.pad(inputs, ((0, 0), (0, max_n - 1)))
    code, found = ops.zeros_like(inputs), []
    for n in range(1, max_n + 1):
        last = padded[:, n - 1 : n - 1 + time]
        # 32 bits, whatever overflows; the last multiplier mixes all of them.
        code = code * 1_000_003 + last
        mixed = (code + n * 15_485_863) * -1_640_531_527
        mixed = ops.where(last != 0, mixed, HIGHEST)
        counts = ops.logical_and(_is_first(mixed), mixed != HIGHEST)
        found.append((mixed, counts))
    return found


def look_up(known: Any, count: int, codes: Any) -> tuple:
    """Returns the rows of codes among `count` sorted ones, and whether they are there.

    For a code that is not known, the row of the one before it.
    """
    rows = ops.zeros_like(codes)
    for bit in reversed(range((count - 1).bit_length())):  # binary search
        further = rows + 2**bit
        code = ops.take(known, ops.minimum(further, count - 1), axis=0)
        further_is_right = ops.logical_and(further < count, code <= codes)
        rows = ops.where(further_is_right, further, rows)
    return rows, ops.take(known, rows, axis=0) == codes


def _is_first(codes: Any) -> Any:
    order = ops.argsort(codes, axis=1)  # equal ones stay in order
    arranged = ops.take_along_axis(codes, order, axis=1)
    new = arranged[:, 1:] != arranged[:, :-1]
    # No padding of truth values, for which ONNX Runtime has no operation.
    new = ops.concatenate([ops.ones_like(codes[:, :1], dtype="bool"), new], axis=1)
    return ops.take_along_axis(new, ops.argsort(order, axis=1), axis=1)


@keras.saving.register_keras_serializable("rnnzoo")
class BranchDropout(keras.layers.Layer):
    """Averages the outputs of two branches, each trained to answer alone.

    Trained jointly, the branch that learns faster would leave nothing to the other
    (Neverova et al., "ModDrop", arXiv:1501.00102).

    Inputs: two tensors `[batch, units]`. Outputs: `[batch, units]`; their weighted
    mean, or in training one of them in each row, sampled at random.

    Args:
        share: Fraction of the training examples that the second branch answers; 0 to
            train the mean itself.
        weight: Weight of the second branch in the mean; the first has `1 - weight`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.ngrams import BranchDropout
        >>> paths = [np.array([[1.0]]), np.array([[3.0]])]
        >>> float(BranchDropout(share=0.3)(paths)[0, 0])
        2.0
    """

    def __init__(self, share: float = 0.0, weight: float = 0.5, **layer_options: Any):
        super().__init__(**layer_options)
        check_number("share", share, minimum=0, below=1)
        check_number("weight", weight, minimum=0, below=1)
        self.share, self.weight = share, weight
        if share:
            self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: list, training: bool = False) -> Any:
        """Returns the mean, or in training one of the two for each example."""
        first, second = inputs
        if not (self.share and training):
            return (1 - self.weight) * first + self.weight * second
        shape = (ops.shape(first)[0], 1)
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        return ops.where(drawn < self.share, second, first)
