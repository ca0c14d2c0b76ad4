"""A bag of n-grams beside a recurrent network, and how the two learn together."""

from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_number


@keras.saving.register_keras_serializable("rnnzoo")
class NgramBag(keras.layers.Layer):
    r"""Scores a sequence of tokens by its n-grams, each of which has a learned vector.

    Use it beside a recurrent network that classifies texts ("wide and deep"): a linear
    model of short phrases learns what `not worth` means from a few examples, and leaves
    to the recurrence what depends on order and distance. N-grams share a table through
    a hash of their tokens (the hashing trick), so that all of them have a place.

    A sequence of $T$ tokens with n-grams $g$ gets $10 \sum_g v_{h(g)} / \sqrt{T}$: the
    factor lets the vectors learn ten times as fast as the network beside them, as rare
    phrases need. So that the score can be told apart by words, the layer returns each
    token's share of it: the vector of an n-gram counts for its tokens in equal parts.

    Inputs: token ids `[batch, time]`, 0 for padding.

    Outputs: `[batch, time, units]`; the sum over time is the score. Padding has zeros.

    Args:
        units: Size of a vector, such as the number of classes.
        max_n: Longest n-gram, in tokens; shorter ones count too.
        buckets: Number of vectors in the table.
        dropout: Share of n-grams dropped in training.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.ngrams import NgramBag
        >>> bag = NgramBag(units=2, max_n=3, buckets=1000)
        >>> tuple(bag(np.array([[5, 17, 3, 0]])).shape)
        (1, 4, 2)

    References:
        - Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic
          classification", ACL 2012.
        - Joulin et al., "Bag of tricks for efficient text classification", EACL 2017,
          arXiv:1607.01759, on hashed n-grams.
        - Cheng et al., "Wide and deep learning for recommender systems", 2016,
          arXiv:1606.07792.
    """

    def __init__(
        self,
        units: int,
        *,
        max_n: int = 3,
        buckets: int = 2**20,
        dropout: float = 0.0,
        **layer_options: Any,
    ):
        """Sets up; the class says what the arguments mean."""
        super().__init__(**layer_options)
        check_number("units", units, minimum=1, whole=True)
        check_number("max_n", max_n, minimum=1, whole=True)
        check_number("buckets", buckets, minimum=1, below=2**31, whole=True)
        check_number("dropout", dropout, minimum=0, below=1)
        self.units = units
        self.max_n = max_n
        self.buckets = buckets
        self.dropout = dropout
        if dropout:
            self.seed_generator = keras.random.SeedGenerator()

    def build(self, inputs_shape: tuple) -> None:
        """Creates the table."""
        self.table = self.add_weight(
            shape=(self.buckets, self.units), initializer="zeros", name="table"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns each token's share of the score; shapes as in the class."""
        batch, time = ops.shape(inputs)
        inputs = ops.cast(inputs, "int32")
        padded = ops.pad(inputs, ((0, 0), (0, self.max_n - 1)))
        code, shares = ops.zeros_like(inputs), 0.0
        for n in range(1, self.max_n + 1):
            last = padded[:, n - 1 : n - 1 + time]
            # 32 bits, whatever overflows; the multipliers are primes.
            code = code * 1_000_003 + last
            bucket = ops.mod(code + n * 15_485_863, self.buckets)
            vectors = ops.cast(ops.take(self.table, bucket, axis=0), self.compute_dtype)
            vectors = vectors * ops.cast(last != 0, self.compute_dtype)[:, :, None]
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
        return shares * (10.0 / ops.sqrt(ops.maximum(length, 1.0)))[:, None, None]

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns `(batch, time, units)`."""
        return (*inputs_shape, self.units)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "max_n": self.max_n,
            "buckets": self.buckets,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable("rnnzoo")
class PathMean(keras.layers.Layer):
    """Averages the answers of two paths, each of which learns to answer alone.

    Trained together, the path that learns sooner would leave the other nothing to do.
    Here, in training, every example goes through one of them, drawn at random. The mean
    then is that of an ensemble, whose members err in different ways.

    Inputs: two tensors `[batch, units]`.

    Outputs: `[batch, units]`; their mean, or in training one of them in each row.

    Args:
        share: Share of the training examples that the second path answers; 0 to train
            the mean itself.

    Raises:
        ValueError: If `share` is not in `[0, 1)`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.ngrams import PathMean
        >>> float(PathMean(share=0.3)([np.array([[1.0]]), np.array([[3.0]])])[0, 0])
        2.0

    References:
        Neverova et al., "ModDrop: adaptive multi-modal gesture recognition", IEEE TPAMI
        2016, arXiv:1501.00102, on dropping whole inputs in training.
    """

    def __init__(self, share: float = 0.0, **layer_options: Any):
        """Sets up; the class says what the arguments mean."""
        super().__init__(**layer_options)
        check_number("share", share, minimum=0, below=1)
        self.share = share
        if share:
            self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: list, training: bool = False) -> Any:
        """Returns the mean, or in training one of the two for each example."""
        first, second = inputs
        if not (self.share and training):
            return (first + second) / 2
        shape = (ops.shape(first)[0], 1)
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        return ops.where(drawn < self.share, second, first)

    def compute_output_shape(self, inputs_shape: list) -> tuple:
        """Returns the shape of either."""
        return inputs_shape[0]

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "share": self.share}
