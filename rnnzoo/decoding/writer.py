"""Writing: which token comes next, and the one after it, for any model that writes.

A model brings a step function, from the last tokens `[batch]` and a state to logits
`[batch, vocabulary]` and the next state. Each loop here is one graph for prompts,
batches and options of every size: Python calls it compiled, an export traces it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.decoding.options import GREEDY, STOP_LIMIT
from rnnzoo.decoding.sampling import (
    FORBIDDEN,
    NO_TEXT,
    choose_branch,
    fold_constants,
    keep_ended,
    sample_tokens,
    top_tokens,
    uniform_numbers,
)
from rnnzoo.decoding.state import DecodingState
from rnnzoo.decoding.stops import find_stop
from rnnzoo.tokens.graphs import check_backend, compile_for_python

WRITING = "Writing texts and patterns"


class Writer:
    """Writes tokens with a step function: by sampling, greedily, or with a beam.

    Its methods take and return tensors, in Python and inside a graph.

    Args:
        step: From token ids `[batch]`, int32, and a state to logits
            `[batch, vocabulary_size]` and the next state, of the same structure.
        state_spec: The state's structure, of `tf.TensorSpec` whose first dimension is
            the batch, `None`.
        vocabulary_size: Number of logits.
        forbidden: Token ids that are never written; 0, padding, always is one.
        end: Token id that ends a text; `None` if there is none.
        memory_spec: What never changes while a text is written, such as an encoder's
            sequence: a dict of `tf.TensorSpec`. The step function then takes it as its
            third argument, with one row per text, also in a beam.
        pieces: What each token adds to a text, to find stop strings in it; without
            them, there are no stops.
        separator: What stands between two pieces.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo.decoding import DecodingOptions, Writer
        >>> # After token k comes k + 1; the state counts the steps.
        >>> def step(ids, count):
        ...     return tf.one_hot(ids + 1, 9) * 100.0, count + 1
        >>> writer = Writer(step, tf.TensorSpec((None,), tf.int32), 9)
        >>> state = writer.initial_state([1, 3], tf.zeros(2, tf.int32), keys=[0, 0])
        >>> options = DecodingOptions().to_tensors()
        >>> tokens, state = writer.sample(state, options, 4)
        >>> tokens.numpy()
        array([[2, 3, 4, 5],
               [4, 5, 6, 7]], dtype=int32)
        >>> writer.sample(state, options, 1)[0].numpy()
        array([[6],
               [8]], dtype=int32)
    """

    def __init__(
        self,
        step: Callable,
        state_spec: Any,
        vocabulary_size: int,
        forbidden: Sequence[int] = (0,),
        end: int | None = None,
        memory_spec: Any = (),
        pieces: Sequence[str | bytes] = (),
        separator: str = "",
    ):
        check_backend(WRITING)
        has_memory = not isinstance(memory_spec, tuple)
        self.step = step if has_memory else lambda token, state, _: step(token, state)
        self.vocabulary_size = vocabulary_size
        self.end = -1 if end is None else end
        blocked = np.zeros(vocabulary_size, "float32")
        blocked[[0, *forbidden]] = FORBIDDEN
        self.blocked, self.allowed = blocked, int(np.count_nonzero(blocked == 0))
        self.pieces, self.separator = list(pieces), separator

        def spec(dtype: Any, *shape: int | None) -> tf.TensorSpec:
            return tf.TensorSpec(shape, dtype)

        self.state_spec = DecodingState(
            token=spec(tf.int32, None),
            state=state_spec,
            memory=memory_spec,
            keys=spec(tf.uint64, None),
            step=spec(tf.uint64, None),
            recent=spec(tf.int32, None, STOP_LIMIT),
            seen=spec(tf.bool, None, vocabulary_size),
            ended=spec(tf.bool, None),
        )
        options = tf.nest.map_structure(tf.TensorSpec.from_tensor, GREEDY.to_tensors())
        options["stops"] = spec(tf.string, None)
        inputs = self.state_spec, options, spec(tf.int32)
        self._sample = compile_for_python(self._sample_graph, *inputs)
        self._search = compile_for_python(
            self._search_graph, *inputs, spec(tf.int32), spec(tf.float32)
        )

    def initial_state(
        self, token: Any, state: Any, keys: Any, seen: Any = None, memory: Any = ()
    ) -> DecodingState:
        """Returns the state before the first step.

        Args:
            token: The token `[batch]` to read first, such as a start symbol.
            state: The model's state before it reads that token.
            keys: Keys of the random numbers `[batch]`; see `make_keys`.
            seen: Which tokens have occurred, bool `[batch, vocabulary_size]`; or
                `None`.
            memory: What the step function takes beside the state.
        """
        token = tf.convert_to_tensor(token, tf.int32)
        keys = tf.convert_to_tensor(keys, tf.uint64)
        batch = tf.size(token)
        if seen is None:
            seen = tf.zeros((batch, self.vocabulary_size), tf.bool)
        return DecodingState(
            token=token,
            state=state,
            memory=memory,
            keys=keys,
            step=tf.zeros_like(keys),
            recent=tf.fill([batch, STOP_LIMIT], -1),
            seen=seen,
            ended=tf.zeros_like(token, tf.bool),
        )

    def sample(self, state: DecodingState, options: dict, count: Any) -> tuple:
        """Writes tokens, by sampling or greedily.

        Args:
            state: What `initial_state` or another call returned.
            options: What `DecodingOptions.to_tensors` returned.
            count: Maximum number of tokens to write.

        Returns:
            Token ids `[batch, at most count]`, int32, 0 after the end of a text; and
            the next state. Several calls write what one call writes.
        """
        return self._sample(state, options, count)

    def search(
        self,
        state: DecodingState,
        options: dict,
        count: Any,
        width: Any,
        length_penalty: Any = 1.0,
    ) -> tuple:
        """Writes the most likely texts, as far as a beam search finds them.

        A text's score is its log-probability over its length to the power of
        `length_penalty` (Wu et al., 2016, arXiv:1609.08144, section 7).

        Args:
            state: As in `sample`.
            options: As in `sample`.
            count: As in `sample`.
            width: Number of hypotheses per text.
            length_penalty: 0 prefers short texts, 1 scores by the mean log-probability.

        Returns:
            Token ids `[batch, width, at most count]`, int32, best first, 0 after the
            end; and scores `[batch, width]`, `NO_TEXT` where there is no text.
        """
        return self._search(state, options, count, width, length_penalty)

    def _sample_graph(self, state: DecodingState, options: dict, count: Any) -> tuple:
        options = fold_constants(options)
        memory = state.memory

        def is_unfinished(index: tf.Tensor, now: DecodingState, tokens: Any) -> Any:
            return (index < count) & ~tf.reduce_all(now.ended)

        def write_one(index: tf.Tensor, now: DecodingState, tokens: Any) -> tuple:
            logits, after = self.step(now.token, now.state, memory)
            logits = self._adjust(logits, now.seen, options)
            numbers = uniform_numbers(now.keys, now.step)
            sampled = sample_tokens(logits, numbers, options, self.allowed)
            recent, stopped = self._update_recent(now.recent, sampled, options)
            following = now._replace(
                token=sampled,
                state=after,
                step=now.step + 1,
                recent=recent,
                seen=self._update_seen(now.seen, sampled),
                ended=stopped | tf.equal(sampled, self.end),
            )
            following = keep_ended(now.ended, now, following)
            written = tf.where(now.ended, 0, sampled)
            written = tf.where(tf.range(count) == index, written[:, None], tokens)
            return index + 1, following, written

        tokens = tf.zeros((tf.shape(state.token)[0], count), tf.int32)
        before = 0, state._replace(memory=()), tokens  # the memory does not change
        length, after, tokens = tf.while_loop(is_unfinished, write_one, before)
        return tokens[:, :length], after._replace(memory=memory)

    def _search_graph(
        self, state: Any, options: dict, count: Any, width: Any, length_penalty: Any
    ) -> tuple:
        options = fold_constants(options)
        batch, size = tf.shape(state.token)[0], self.vocabulary_size
        choices = tf.minimum(width, size)  # more are never among the best
        # One hypothesis at first, or all would stay the same.
        first = tf.range(width)[None] > 0
        totals = tf.where(first, FORBIDDEN, tf.zeros((batch, 1)))
        beams = state._replace(memory=(), keys=(), step=())
        beams = tf.nest.map_structure(lambda t: tf.repeat(t, width, axis=0), beams)
        first_row = tf.repeat(tf.range(batch) * width, width)
        has_stops = tf.not_equal(tf.size(options["stops"]), 0)
        is_penalised = tf.not_equal(options["repetition_penalty"], 1.0)

        def is_unfinished(index: tf.Tensor, now: DecodingState, *others: Any) -> Any:
            return (index < count) & ~tf.reduce_all(now.ended)

        def write_one(
            index: Any, now: Any, totals: Any, lengths: Any, scores: Any, tokens: Any
        ) -> tuple:
            logits, after = self.step(now.token, now.state, state.memory)
            logits = self._adjust(logits, now.seen, options)
            added, token = top_tokens(tf.nn.log_softmax(logits), choices)
            # A text that has ended is continued by nothing, at no cost.
            ended = now.ended[:, None]
            nothing = tf.where(tf.range(choices) == 0, 0.0, FORBIDDEN)
            added = tf.where(ended, nothing, added)
            token = tf.where(ended, 0, token)
            lengths += tf.cast(tf.reshape(~now.ended, (batch, width)), tf.float32)
            totals = totals[..., None] + tf.reshape(added, (batch, width, choices))
            normal = totals / lengths[..., None] ** length_penalty
            normal = tf.where(totals > FORBIDDEN / 2, normal, NO_TEXT)
            flat = (batch, width * choices)
            scores, best = tf.math.top_k(tf.reshape(normal, flat), k=width)
            totals = tf.gather(tf.reshape(totals, flat), best, batch_dims=1)
            token = tf.gather(tf.reshape(token, flat), best, batch_dims=1)
            parents = best // choices
            lengths = tf.gather(lengths, parents, batch_dims=1)
            tokens = tf.gather(tokens, parents, batch_dims=1)
            tokens = tf.where(tf.range(count) == index, token[..., None], tokens)
            for tensor in (totals, lengths, scores):
                tensor.set_shape(beams_shape)  # known if the width is a constant
            tokens.set_shape((*beams_shape, *tokens.shape[2:]))
            parents = first_row + tf.reshape(parents, [-1])
            token = tf.reshape(token, [-1])

            def of_parents(part: tf.Tensor) -> tf.Tensor:
                return tf.gather(part, parents)

            # What is there for some options only costs nothing with the others.
            recent, stopped = choose_branch(
                has_stops,
                lambda: self._update_recent(of_parents(now.recent), token, options),
                lambda: (now.recent, tf.zeros_like(token, tf.bool)),
            )
            following = now._replace(
                token=token,
                state=tf.nest.map_structure(of_parents, after),
                recent=recent,
                seen=choose_branch(
                    is_penalised,
                    lambda: self._update_seen(of_parents(now.seen), token),
                    lambda: now.seen,
                ),
                ended=of_parents(now.ended) | stopped | (token == self.end),
            )
            return index + 1, following, totals, lengths, scores, tokens

        beams_shape = totals.shape
        lengths = tf.zeros((batch, width))
        tokens = tf.zeros((batch, width, count), tf.int32)
        scores = tf.where(first, NO_TEXT, tf.zeros((batch, 1)))
        before = 0, beams, totals, lengths, scores, tokens
        length, *_, scores, tokens = tf.while_loop(is_unfinished, write_one, before)
        return tokens[..., :length], scores

    def _adjust(self, logits: tf.Tensor, seen: tf.Tensor, options: dict) -> Any:
        logits = tf.cast(logits, tf.float32)
        penalty = options["repetition_penalty"]

        def penalise() -> tf.Tensor:
            less = tf.where(logits > 0, logits / penalty, logits * penalty)
            return tf.where(seen, less, logits)

        logits = choose_branch(tf.equal(penalty, 1.0), lambda: logits, penalise)
        return logits + self.blocked

    def _update_seen(self, seen: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
        size = self.vocabulary_size
        return seen | tf.one_hot(token, size, True, False, dtype=tf.bool)

    def _update_recent(self, recent: tf.Tensor, token: tf.Tensor, options: dict) -> Any:
        recent = tf.concat([recent[:, 1:], token[:, None]], axis=1)
        stops, nothing = options["stops"], tf.zeros_like(token, tf.bool)
        if not self.pieces:
            return recent, nothing

        def find() -> tf.Tensor:
            return find_stop(recent, stops, tf.constant(self.pieces), self.separator)

        is_needed = tf.not_equal(tf.size(stops), 0)
        return recent, choose_branch(is_needed, find, lambda: nothing)
