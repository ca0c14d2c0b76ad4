"""Logistic regression on n-grams beside a network, and the mixture of both."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.errors import check_number
from rnnzoo.layers.ngrams import HIGHEST, hash_ngrams, look_up

# Read before and after each sequence, and in place of tokens that are folded to it.
EDGE = -1


@keras.saving.register_keras_serializable("rnnzoo")
class NgramRegression(keras.layers.Layer):
    r"""Scores a sequence of tokens by logistic regression on its n-grams.

    The classic of text classification (Wang and Manning, "Baselines and bigrams", ACL
    2012): each n-gram $g$ of the sequence counts once, with its inverse document
    frequency $i_g$, and the vector of all has length 1. Class $c$ gets
    $\sum_g i_g w_{gc} / \sqrt{\sum_g i_g^2}$, where $w$ is solved before training
    (`rnnzoo.layers.logistic`), and fixed by `set_table`; before that all is 0. N-grams
    without a row count for nothing.

    A sequence begins and ends with an edge; `set_folds` makes other tokens edges too,
    as white space is one for characters, or equal, as upper and lower case.

    The layer returns each token's contribution to the scores: an n-gram counts at its
    first occurrence, for its tokens in equal parts.

    Inputs: token ids `[batch, time]`, 0 for padding. Outputs: `[batch, time, units]`;
    the sum over time is the score.

    Args:
        units: Number of classes.
        max_n: Maximum length of n-grams, in tokens; shorter ones count too.
        rows: Number of rows in the table.
        vocabulary_size: Number of token ids, padding included.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.ngram_regression import NgramRegression
        >>> layer = NgramRegression(units=2, max_n=2, rows=4, vocabulary_size=20)
        >>> ids = np.array([[5, 17, 3], [5, 8, 0]])
        >>> codes = np.intersect1d(*[layer.codes_of(row)[0] for row in ids])
        >>> layer.set_table(codes[:1], np.ones(1), np.array([[0.5, -0.5]]))
        >>> keras.ops.convert_to_numpy(layer(ids)).sum(axis=1).tolist()
        [[0.5, -0.5], [0.5, -0.5]]
    """

    def __init__(
        self,
        units: int,
        *,
        max_n: int,
        rows: int,
        vocabulary_size: int,
        **layer_options: Any,
    ):
        super().__init__(trainable=False, **layer_options)
        check_number("units", units, minimum=1, whole=True)
        check_number("max_n", max_n, minimum=1, whole=True)
        check_number("rows", rows, minimum=2, below=2**31, whole=True)
        self.units, self.max_n, self.rows = units, max_n, rows
        self.vocabulary_size = vocabulary_size

    def build(self, inputs_shape: tuple) -> None:
        """Creates the table."""
        rows, size = self.rows, self.vocabulary_size
        fixed: dict[str, Any] = {"trainable": False}
        self.table = self.add_weight((rows, self.units), "zeros", name="table", **fixed)
        self.rarity = self.add_weight((rows,), "zeros", name="rarity", **fixed)
        self.codes = self.add_weight(
            (rows,),
            lambda shape, dtype: ops.full(shape, HIGHEST, dtype),
            name="codes",
            dtype="int32",
            **fixed,
        )
        # Of each token, the one that it is read as.
        self.folds = self.add_weight(
            (size,),
            lambda shape, dtype: ops.arange(size, dtype=dtype),
            name="folds",
            dtype="int32",
            **fixed,
        )

    def call(self, inputs: Any) -> Any:
        """Returns each token's share of the scores; shapes as in the class."""
        batch, time = ops.shape(inputs)
        inputs = ops.cast(inputs, "int32")
        folded = self._fold(inputs)
        shares, norms = 0.0, 0.0
        for n, (codes, counts) in enumerate(hash_ngrams(folded, self.max_n), 1):
            rows, found = look_up(self.codes, self.rows, codes)
            is_known = ops.cast(ops.logical_and(counts, found), self.compute_dtype)
            rarity = ops.take(self.rarity, rows, axis=0) * is_known
            norms = norms + ops.sum(rarity * rarity, axis=1)
            vectors = ops.take(self.table, rows, axis=0) * rarity[:, :, None]
            for place in range(n):  # of a token in the n-gram
                moved = ops.pad(vectors, ((0, 0), (place, 0), (0, 0)))[:, : time + 2]
                shares = shares + moved / n
        shares = shares / ops.sqrt(ops.maximum(norms, 1e-12))[:, None, None]
        # What the edges say is said by the tokens beside them.
        first = shares[:, 1:2] + shares[:, :1]
        last = ops.pad(shares[:, -1:], ((0, 0), (time - 1, 0), (0, 0)))
        return ops.concatenate([first, shares[:, 2:-1]], axis=1) + last

    def _fold(self, inputs: Any) -> Any:
        """Returns ids `[batch, time + 2]` between edges, with their folds."""
        folded = ops.take(self.folds, inputs, axis=0)
        folded = ops.where(inputs == 0, 0, folded)
        folded = ops.pad(folded, ((0, 0), (1, 1)))
        is_token = ops.pad(ops.cast(inputs != 0, "int32"), ((0, 0), (1, 1)))
        before = ops.pad(is_token[:, :-1], ((0, 0), (1, 0)), constant_values=0)
        after = ops.pad(is_token[:, 1:], ((0, 0), (0, 1)), constant_values=0)
        is_edge = ops.logical_and(is_token == 0, (before + after) > 0)
        return ops.where(is_edge, EDGE, folded)

    def set_folds(self, folds: np.ndarray) -> None:
        """Sets the id that each id is read as; `EDGE` for an edge."""
        if not self.built:
            self.build((None, None))
        self.folds.assign(np.asarray(folds, "int32"))

    def set_table(
        self, codes: np.ndarray, rarity: np.ndarray, kernel: np.ndarray
    ) -> None:
        """Sets the codes, inverse document frequencies and weights of n-grams."""
        if not self.built:
            self.build((None, None))
        check_number("number of n-grams", len(codes), maximum=self.rows, whole=True)
        order = np.argsort(codes, kind="stable")
        found = np.full(self.rows, HIGHEST, "int64")
        found[: len(codes)] = codes[order]
        frequencies = np.zeros(self.rows, "float32")
        frequencies[: len(codes)] = rarity[order]
        table = np.zeros((self.rows, self.units), "float32")
        table[: len(codes)] = kernel[order]
        self.codes.assign(found.astype("int32"))
        self.rarity.assign(frequencies)
        self.table.assign(table)

    def codes_of(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the codes of a sequence's n-grams, and which have an edge inside.

        `ids` are those of one sequence, without padding; each n-gram is there once, and
        the edge alone is none.
        """
        folds = (
            np.arange(self.vocabulary_size)
            if not self.built
            else np.asarray(self.folds)
        )
        line = np.concatenate([[EDGE], folds[ids[ids != 0]], [EDGE]]).astype("int32")
        code, codes, crosses = np.zeros_like(line), [], []
        with np.errstate(over="ignore"):
            for n in range(1, min(self.max_n, len(line)) + 1):
                last = line[n - 1 :]
                code = code[: len(last)] * np.int32(1_000_003) + last
                mixed = code + np.int32(n * 15_485_863)
                mixed = mixed * np.int32(-1_640_531_527)
                is_inside = np.zeros(len(last), bool)
                for place in range(1, n - 1):
                    is_inside |= line[place : place + len(last)] == EDGE
                is_ngram = (last != EDGE) if n == 1 else np.ones(len(last), bool)
                codes.append(mixed[is_ngram])
                crosses.append(is_inside[is_ngram])
        found, places = np.unique(np.concatenate(codes), return_index=True)
        is_free = found != HIGHEST
        return found[is_free], np.concatenate(crosses)[places][is_free]

    def compute_output_shape(self, inputs_shape: tuple) -> tuple:
        """Returns `(batch, time, units)`."""
        return (*inputs_shape, self.units)


class NgramFeatures:
    """The n-grams of texts as features of a regression, in a sparse matrix.

    Args:
        layer: The `NgramRegression` whose n-grams they are.
        sequences: Token ids of each training text.
        limit: Number of n-grams at most, the most frequent ones.

    Attributes:
        codes: Those of the features, in order.
        rarity: Inverse document frequency of each.
        matrix: `[sequences, features]`, each row of length 1.
    """

    def __init__(self, layer: NgramRegression, sequences: list, limit: int):
        import scipy.sparse

        self.layer = layer
        found = [layer.codes_of(ids) for ids in sequences]
        codes = np.concatenate([codes for codes, _ in found])
        crosses = np.concatenate([crosses for _, crosses in found])
        known, places, counts = np.unique(
            codes, return_inverse=True, return_counts=True
        )
        # An n-gram of several words that is there once says nothing of other texts.
        is_useful = np.ones(len(known), bool)
        is_useful[places[crosses]] = False
        is_useful |= counts > 1
        if is_useful.sum() > limit:
            ranking = np.argsort(-(counts * is_useful), kind="stable")
            is_useful[ranking[limit:]] = False
        self.codes = known[is_useful]
        total, frequency = len(sequences), counts[is_useful]
        # As scikit-learn has it.
        self.rarity = (np.log((1 + total) / (1 + frequency)) + 1).astype("float32")
        columns = np.where(is_useful, np.cumsum(is_useful) - 1, -1)[places]
        lengths = [len(codes) for codes, _ in found]
        rows = np.repeat(np.arange(total), lengths)[columns >= 0]
        columns = columns[columns >= 0]
        matrix = scipy.sparse.csr_matrix(
            (self.rarity[columns], (rows, columns)), shape=(total, len(self.codes))
        )
        norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        scale = scipy.sparse.diags(1 / np.maximum(norms, 1e-6))
        self.matrix = scipy.sparse.csr_matrix(scale @ matrix, dtype="float32")


@keras.saving.register_keras_serializable("rnnzoo")
class LogitMixture(keras.layers.Layer):
    """Adds the logits of a network and of a regression beside it, each weighted.

    In training it returns the network's alone, which learns as if it were: the
    regression is solved before. The logarithms of the classes' frequencies are added
    there, so that the network itself need not learn them, and all classes count the
    same in its answers (Menon et al., "Long-tail learning via logit adjustment",
    arXiv:2007.07314). The weights are chosen on held-out examples
    (`rnnzoo.layers.logistic.mixing_weights`); at first the network alone counts.

    Inputs: two tensors `[batch, units]`. Outputs: `[batch, units]`.

    Attributes:
        shares: Weights of the network's logits and of the regression's.
        bias: Added to the regression's logits.
        frequencies: Logarithms of the classes' frequencies; at first 0.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.ngram_regression import LogitMixture
        >>> mixture = LogitMixture()
        >>> logits = [np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]])]
        >>> _ = mixture(logits)
        >>> _ = mixture.shares.assign([1.0, 0.5])
        >>> mixture(logits).numpy().tolist()
        [[1.0, 1.5]]
    """

    def build(self, inputs_shape: list) -> None:
        """Creates the weights."""
        fixed: dict[str, Any] = {"trainable": False}
        size = inputs_shape[1][1:]
        self.bias = self.add_weight(size, "zeros", name="bias", **fixed)
        self.frequencies = self.add_weight(size, "zeros", name="frequencies", **fixed)
        self.shares = self.add_weight(
            (2,),
            lambda shape, dtype: ops.cast([1.0, 0.0], dtype),
            name="shares",
            **fixed,
        )

    def call(self, inputs: list, training: bool = False) -> Any:
        """Returns the weighted sum; in training, the first with the frequencies."""
        first, second = inputs
        if training:
            return first + self.frequencies
        return self.shares[0] * first + self.shares[1] * (second + self.bias)
