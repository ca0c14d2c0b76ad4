"""A linear-chain conditional random field: the best sequence of tags, not of each."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.errors import check_number, shorten
from rnnzoo.layers.crf_products import find_possible, multiply_paths
from rnnzoo.layers.keras_internals import get_mask, run_steps

# Scores of forbidden transitions, and of paths that do not exist.
FORBIDDEN, NO_PATH = -1e4, -1e9


@keras.saving.register_keras_serializable("rnnzoo")
class LinearChainCRF(keras.layers.Layer):
    r"""A linear-chain conditional random field over the tags of a sequence.

    The probability of tags $y$ of a sequence with emission scores $e$ is (Lafferty,
    McCallum and Pereira, ICML 2001)

    $$p(y) = \frac{1}{Z} \exp\Big(\sum_t e_{t, y_t} + \sum_t A_{y_{t-1}, y_t}
    + b_{y_T}\Big)$$

    where $A$ has a score for each transition, also of the start of a sequence to each
    tag, and $b$ one for each tag that a sequence ends with. The layer keeps $A$ and
    $b$, and returns the emissions as they are; its methods compute with them. Sums are
    over logarithms, normalized at every step, in float32 whatever the layers before
    compute in: marginals of sequences of any length are exact.

    Inputs and outputs of the call: emissions `[batch, time, num_tags]`, with a mask
    `[batch, time]` if there is padding, which must be at the end.

    Args:
        num_tags: Number of tags.
        forbidden: Pairs of a tag and one that must not follow it; `None` for the first
            is the start of a sequence, and for the second its end.
        **layer_options: Options of `keras.layers.Layer`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.crf import LinearChainCRF
        >>> crf = LinearChainCRF(2, forbidden=[(0, 0)])
        >>> emissions = crf(np.array([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]))
        >>> tags, scores = crf.decode(emissions)
        >>> np.array(tags).tolist()
        [[0, 1, 0]]
        >>> np.array(crf.marginals(emissions)).shape
        (1, 3, 2)
    """

    def __init__(
        self,
        num_tags: int,
        forbidden: Iterable[tuple[int | None, int | None]] = (),
        **layer_options: Any,
    ):
        super().__init__(**{**layer_options, "dtype": "float32"})
        check_number("num_tags", num_tags, minimum=1, whole=True)
        self.num_tags, self.forbidden = num_tags, [tuple(pair) for pair in forbidden]
        self.supports_masking = True
        self.penalties = np.zeros((num_tags + 1, num_tags + 1), "float32")
        for pair in self.forbidden:
            first, second = (num_tags if tag is None else tag for tag in pair)
            if not (0 <= first <= num_tags and 0 <= second <= num_tags):
                raise ValueError(
                    f"forbidden must be pairs of tags from 0 to {num_tags - 1}, or of "
                    f"None for the start or the end. Received: {shorten(pair)}"
                )
            self.penalties[first, second] = FORBIDDEN

    def build(self, inputs_shape: tuple) -> None:
        """Creates the scores of transitions; the last row is of the start."""
        shape = (self.num_tags + 1, self.num_tags)
        self.transitions = self.add_weight(shape, "zeros", name="transitions")
        self.ends = self.add_weight((self.num_tags,), "zeros", name="ends")

    def call(self, inputs: Any) -> Any:
        """Returns the emissions, which Keras gives the mask."""
        return ops.convert_to_tensor(inputs)

    def get_scores(self) -> tuple:
        """Returns the scores of transitions and ends, forbidden ones far below."""
        size = self.num_tags
        transitions = ops.convert_to_tensor(self.transitions) + self.penalties[:, :size]
        return transitions, ops.convert_to_tensor(self.ends) + self.penalties[:size, -1]

    def log_likelihood(self, emissions: Any, tags: Any, mask: Any = None) -> Any:
        """Returns the logarithm of the probability of each row's tags, `[batch]`.

        Its gradient is that of the formula, observed less expected counts, without
        going back through the loops. It cannot be differentiated twice.

        Args:
            emissions: Scores `[batch, time, num_tags]`.
            tags: Tags from 0, `[batch, time]`; those of padding may be any.
            mask: `[batch, time]`, true at real steps; `None` for that of the emissions,
                if they have one.
        """
        emissions, mask = self._prepare(emissions, mask)
        transitions, ends = self.get_scores()
        real = ops.cast(mask, "float32")

        # The score of the tags.
        tags = ops.cast(tags, "int32")
        chosen = ops.one_hot(tags, self.num_tags) * real[..., None]
        before = ops.pad(tags[:, :-1], ((0, 0), (1, 0)), constant_values=self.num_tags)
        places = ops.take(
            ops.reshape(transitions, (-1,)), before * self.num_tags + tags
        )
        score = ops.sum(chosen * emissions, axis=(1, 2)) + ops.sum(
            places * real, axis=1
        )
        is_last = real - ops.pad(real[:, 1:], ((0, 0), (0, 1)))
        score += ops.sum(ops.take(ends, tags) * is_last, axis=1)

        # The logarithm of the sum over all tags, and its gradient.
        fixed = ops.stop_gradient(transitions)
        given = ops.stop_gradient(emissions), fixed, ops.stop_gradient(ends), mask
        total, shares, counts, last = self._count_paths(*given)
        linear = (
            ops.sum(shares * emissions * real[..., None], axis=(1, 2))
            + ops.sum(counts * transitions, axis=(1, 2))
            + ops.sum(last * ends, axis=1)
        )
        return score - linear - ops.stop_gradient(total - linear)

    def log_normalizer(self, emissions: Any, mask: Any = None) -> Any:
        """Returns the logarithm of Z, `[batch]`: a score less it is a log-probability.

        Args:
            emissions: Scores `[batch, time, num_tags]`.
            mask: As of `log_likelihood`.
        """
        emissions, mask = self._prepare(emissions, mask)
        transitions, ends = self.get_scores()
        return self._read_forward(emissions, transitions, ends, mask)[1]

    def marginals(self, emissions: Any, mask: Any = None) -> Any:
        """Returns the probability of each tag at each step, `[batch, time, num_tags]`.

        Args:
            emissions: Scores `[batch, time, num_tags]`.
            mask: As of `log_likelihood`. At padding, probabilities are zero.
        """
        emissions, mask = self._prepare(emissions, mask)
        transitions, ends = self.get_scores()
        beliefs, _, last = self._read_forward(emissions, transitions, ends, mask)
        shares, _ = self._read_backward(beliefs, last, transitions, mask, False)
        return shares * ops.cast(mask, "float32")[..., None]

    def _prepare(self, emissions: Any, mask: Any) -> tuple:
        mask = get_mask(emissions) if mask is None else mask
        emissions = ops.cast(emissions, "float32")
        if mask is None:
            mask = ops.ones_like(emissions[..., 0], dtype="bool")
        return emissions, ops.cast(mask, "bool")

    def _count_paths(
        self, emissions: Any, transitions: Any, ends: Any, mask: Any
    ) -> tuple:
        """Returns the logarithm of Z, and expected tags, transitions and last tags.

        Products of matrices are many times as fast as sums of logarithms. They are
        used unless numbers could become too small for them.
        """

        def exact() -> tuple:
            beliefs, total, last = self._read_forward(
                emissions, transitions, ends, mask
            )
            shares, counts = self._read_backward(beliefs, last, transitions, mask, True)
            return total, shares, counts, last

        possible = find_possible(self.penalties)
        if possible is None:
            return exact()
        *fast, is_safe = multiply_paths(emissions, transitions, ends, mask, possible)
        return ops.cond(is_safe, lambda: tuple(fast), exact)

    def _read_forward(
        self, emissions: Any, transitions: Any, ends: Any, mask: Any
    ) -> tuple:
        """Adds up all paths to each tag (the forward algorithm).

        Returns the logarithms of the probabilities of the tag before each step, given
        what came before, `[batch, time, num_tags + 1]`, the last of them that of the
        start; the logarithm of Z, `[batch]`; and the probabilities of the last tag.
        """

        def step(inputs: Any, states: list) -> tuple:
            (scores, is_real), (belief, total) = _split(inputs), states
            paths = ops.logsumexp(belief[:, :, None] + transitions, axis=1) + scores
            norm = ops.logsumexp(paths, axis=1, keepdims=True)
            new = ops.pad(paths - norm, ((0, 0), (0, 1)), constant_values=NO_PATH)
            new = ops.where(is_real, new, belief)
            return belief, [new, total + ops.where(is_real, norm, 0.0)]

        zero = emissions[:, 0, :1] * 0.0
        start = ops.concatenate([emissions[:, 0] * 0.0 + NO_PATH, zero], axis=1)
        inputs = _join(emissions, mask)
        beliefs, (belief, total) = run_steps(step, inputs, [start, zero])
        final = belief[:, :-1] + ends
        norm = ops.logsumexp(final, axis=1, keepdims=True)
        return beliefs, (total + norm)[:, 0], ops.exp(final - norm)

    def _read_backward(
        self, beliefs: Any, last: Any, transitions: Any, mask: Any, with_counts: bool
    ) -> tuple:
        """Smooths from the last step to the first, by Bayes' rule.

        Returns each tag's probability at each step, `[batch, time, num_tags]`, and how
        often each transition is expected, `[batch, num_tags + 1, num_tags]`.
        """

        def step(inputs: Any, states: list) -> tuple:
            (belief, is_real), (share, *counts) = _split(inputs), states
            # Of the tag before, given each tag of this step.
            before = ops.softmax(belief[:, :, None] + transitions, axis=1)
            pairs = before * share[:, None, :]
            new = ops.where(is_real, ops.sum(pairs, axis=2)[:, :-1], share)
            if with_counts:
                counts = [counts[0] + ops.where(is_real[..., None], pairs, 0.0)]
            return share, [new, *counts]

        states = [last]
        if with_counts:
            states.append(last[:, None, :] * ops.zeros_like(transitions))
        inputs = _join(beliefs, mask)
        shares, states = run_steps(step, inputs, states, backwards=True)
        return shares, states[1] if with_counts else None

    def decode(self, emissions: Any, mask: Any = None, n_best: int = 1) -> tuple:
        """Returns the most probable sequences of tags (the Viterbi algorithm).

        Args:
            emissions: Scores `[batch, time, num_tags]`.
            mask: As of `log_likelihood`.
            n_best: How many sequences of each row, the best first (list Viterbi).

        Returns:
            Tags `[batch, time]`, int32, 0 at padding, and their scores `[batch]`. With
            more than one, `[batch, n_best, time]` and `[batch, n_best]`: scores below
            -1e8 are of sequences that do not exist.
        """
        check_number("n_best", n_best, minimum=1, whole=True)
        emissions, mask = self._prepare(emissions, mask)
        transitions, ends = self.get_scores()
        tags, ranks = self.num_tags, n_best
        own = np.arange(tags * ranks, dtype="int32").reshape(tags, ranks)

        def step(inputs: Any, states: list) -> tuple:
            (emission, is_real), (scores, total) = _split(inputs), states
            # [batch, tag before, rank, tag], then [batch, tag, tag before and rank].
            paths = scores[..., None] + transitions[:, None]
            paths = ops.reshape(paths, (-1, (tags + 1) * ranks, tags))
            best, pointers = _find_best(ops.transpose(paths, (0, 2, 1)), ranks)
            best = ops.maximum(best + emission[..., None], NO_PATH)
            top = ops.max(best, axis=(1, 2), keepdims=True)
            best = ops.where(best > NO_PATH / 2, best - top, NO_PATH)
            best = ops.pad(best, ((0, 0), (0, 1), (0, 0)), constant_values=NO_PATH)
            is_real = is_real[..., None]
            pointers = ops.where(is_real, pointers, own)
            total = total + ops.where(is_real, top, 0.0)
            return pointers, [ops.where(is_real, best, scores), total]

        zero = emissions[:, 0, :1, None] * 0.0
        none = np.full((tags + 1, ranks), NO_PATH, "float32")
        none[-1, 0] = 0.0
        inputs = _join(emissions, mask)
        pointers, (scores, total) = run_steps(step, inputs, [zero + none, zero])
        final = scores[:, :-1] + ends[:, None]
        final = ops.reshape(final, (-1, 1, tags * ranks))
        best, places = _find_best(final, ranks)
        exists = best[:, 0] > NO_PATH / 2
        best = ops.where(exists, best[:, 0] + total[:, 0], NO_PATH)

        def step_back(pointers: Any, states: list) -> tuple:
            (places,) = states
            # Gathering along an axis has no operator in some exports.
            is_chosen = ops.equal(places[..., None], own.ravel())
            before = ops.reshape(pointers, (-1, 1, tags * ranks))
            before = ops.max(ops.where(is_chosen, before, 0), axis=-1)
            return places // ranks, [before]

        found, _ = run_steps(step_back, pointers, [places[:, 0]], backwards=True)
        found = ops.where(mask[..., None], ops.cast(found, "int32"), 0)
        found = ops.transpose(found, (0, 2, 1))
        return (found[:, 0], best[:, 0]) if n_best == 1 else (found, best)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {"num_tags": self.num_tags, "forbidden": self.forbidden}
        return {**super().get_config(), **own}


def _join(steps: Any, mask: Any) -> Any:
    return ops.concatenate([steps, ops.cast(mask, "float32")[..., None]], axis=-1)


def _split(inputs: Any) -> tuple:
    """Returns what is at a step, and whether it is one, `[batch, 1]`."""
    return inputs[:, :-1], inputs[:, -1:] > 0


def _find_best(scores: Any, count: int) -> tuple:
    """Returns the best scores of the last axis, and their places as int32."""
    size = scores.shape[-1]
    if count == 1:
        best = ops.max(scores, axis=-1, keepdims=True)
        # Not ops.argmax, whose care for negative zeros has no operator in ONNX.
        numbers = np.arange(size, dtype="int32")
        places: Any = ops.where(ops.equal(scores, best), numbers, size)
        places = ops.min(places, axis=-1, keepdims=True)
    else:
        if size < count:
            scores = ops.pad(
                scores, ((0, 0), (0, 0), (0, count - size)), constant_values=NO_PATH
            )
        best, places = ops.top_k(scores, count)
        places = ops.minimum(places, size - 1)
    return best, ops.cast(places, "int32")
