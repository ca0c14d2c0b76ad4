"""Writing: which token comes next, and next after that, for any model that writes.

A model brings a step function, from the tokens `[batch]` that were written last and a
state to logits `[batch, vocabulary]` and the next state. The state is all that is kept
of what was read and written: nothing is ever read twice. Each loop here is one compiled
graph, for prompts, batches and settings of every size.

What is random depends on a key and the step alone, not on the batch: see `keys`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.decoding.options import STOP_LIMIT, settings
from rnnzoo.decoding.sampling import (
    choose_branch,
    fold_constants,
    keep_ended,
    sample_tokens,
    top_tokens,
    uniform_numbers,
)


class Writer:
    """Writes tokens with a step function: at random, greedily, or with a beam.

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
            third argument. In a beam its rows are the texts, of which each has several
            rows of tokens and state, one after the other.

    Example:
        >>> import tensorflow as tf
        >>> from rnnzoo import decoding
        >>> # After token k comes k + 1; the state counts the steps.
        >>> def step(ids, count):
        ...     return tf.one_hot(ids + 1, 9) * 100.0, count + 1
        >>> writer = decoding.Writer(step, tf.TensorSpec((None,), tf.int32), 9)
        >>> begun = writer.begin([1, 3], tf.zeros(2, tf.int32), keys=[0, 0])
        >>> tokens, after = writer.write(begun, 4, decoding.settings())
        >>> tokens
        array([[2, 3, 4, 5],
               [4, 5, 6, 7]], dtype=int32)
        >>> writer.write(after, 1, decoding.settings())[0]
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
    ):
        has_memory = not isinstance(memory_spec, tuple)
        self.step = step if has_memory else lambda token, state, _: step(token, state)
        self.vocabulary_size = vocabulary_size
        self.end = -1 if end is None else end
        blocked = np.zeros(vocabulary_size, "float32")
        blocked[[0, *forbidden]] = -np.inf
        self.blocked = blocked

        def spec(dtype: Any, *shape: int | None) -> tf.TensorSpec:
            return tf.TensorSpec(shape, dtype)

        begun = {
            "token": spec(tf.int32, None),
            "state": state_spec,
            "memory": memory_spec,
            "keys": spec(tf.uint64, None),
            "step": spec(tf.uint64, None),
            "recent": spec(tf.int32, None, STOP_LIMIT),
            "seen": spec(tf.bool, None, vocabulary_size),
            "ended": spec(tf.bool, None),
        }
        chosen = tf.nest.map_structure(tf.TensorSpec.from_tensor, settings())
        chosen["stops"] = spec(tf.int32, None, STOP_LIMIT)
        count, width = spec(tf.int32), spec(tf.int32)
        self._write = tf.function(
            self.write_in_graph, input_signature=[begun, chosen, count], autograph=False
        )
        self._search = tf.function(
            self.search_in_graph,
            input_signature=[begun, chosen, count, width, spec(tf.float32)],
            autograph=False,
        )

    def begin(
        self,
        token: Any,
        state: Any,
        keys: Any,
        seen: np.ndarray | None = None,
        memory: Any = (),
    ) -> dict:
        """Returns what `write` and `search` go on from.

        Args:
            token: The token `[batch]` that is read first: the last of a prompt, or a
                start symbol.
            state: The state before that token is read.
            keys: Keys of the random numbers `[batch]`; see `keys`.
            seen: Which tokens have occurred, bool `[batch, vocabulary_size]`, for
                the repetition penalty.
            memory: What the step function takes beside the state.
        """
        token = np.asarray(token, "int32")
        batch = len(token)
        if seen is None:
            seen = np.zeros((batch, self.vocabulary_size), bool)
        return {
            "token": token,
            "state": state,
            "memory": memory,
            "keys": np.asarray(keys, "uint64"),
            "step": np.zeros(batch, "uint64"),
            "recent": np.full((batch, STOP_LIMIT), -1, "int32"),
            "seen": seen,
            "ended": np.zeros(batch, bool),
        }

    def write(self, begun: dict, count: int, settings: dict) -> tuple[np.ndarray, dict]:
        """Writes tokens, drawn at random or the likeliest.

        Args:
            begun: What `begin` or another call returned.
            count: Largest number of tokens to write.
            settings: What `settings` returned.

        Returns:
            Token ids `[batch, at most count]`, int32, 0 after the end of a text; and
            what to go on from. In pieces it writes what it writes at once.
        """
        tokens, after = self._write(
            tf.nest.map_structure(tf.convert_to_tensor, begun),
            settings,
            tf.constant(count, tf.int32),
        )
        return tokens.numpy(), after

    def search(
        self,
        begun: dict,
        count: int,
        settings: dict,
        width: int,
        length_penalty: float = 1.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Writes the texts that are likeliest as a whole, as far as a beam finds them.

        At every step, the `width` best beginnings of each text are kept. A text's score
        is its log-probability over its length to the power of `length_penalty` (Wu et
        al., 2016): with 1, the mean log-probability of a token. Temperature and what
        else makes random texts have no part in it.

        Args:
            begun: What `begin` or `write` returned.
            count: Largest number of tokens to write.
            settings: What `settings` returned.
            width: Number of beginnings that are kept.
            length_penalty: 0 prefers short texts, 1 and more long ones.

        Returns:
            Token ids `[batch, width, at most count]`, int32, best first, 0 after the
            end; and scores `[batch, width]`, minus infinity where there are fewer
            texts.

        References:
            Wu et al., "Google's neural machine translation system", 2016,
            arXiv:1609.08144, section 7.
        """
        tokens, scores = self._search(
            tf.nest.map_structure(tf.convert_to_tensor, begun),
            settings,
            tf.constant(count, tf.int32),
            tf.constant(width, tf.int32),
            tf.constant(length_penalty, tf.float32),
        )
        return tokens.numpy(), scores.numpy()

    def begin_in_graph(
        self, token: Any, state: Any, keys: Any, seen: Any, memory: Any = ()
    ) -> dict:
        """Returns what `begin` does, of tensors."""
        return {
            "token": token,
            "state": state,
            "memory": memory,
            "keys": keys,
            "step": tf.zeros_like(keys),
            "recent": tf.fill([tf.size(token), STOP_LIMIT], -1),
            "seen": seen,
            "ended": tf.zeros_like(token, tf.bool),
        }

    def write_in_graph(self, begun: dict, settings: dict, count: tf.Tensor) -> tuple:
        """Does what `write` does, in the graph."""
        settings = fold_constants(settings)
        memory = begun["memory"]
        begun = {**begun, "memory": ()}  # it does not change

        def goes_on(index: tf.Tensor, now: dict, tokens: tf.Tensor) -> tf.Tensor:
            return (index < count) & ~tf.reduce_all(now["ended"])

        def write_one(index: tf.Tensor, now: dict, tokens: tf.Tensor) -> tuple:
            logits, state = self.step(now["token"], now["state"], memory)
            logits = self._adjusted(logits, now["seen"], settings)
            drawn = sample_tokens(
                logits, uniform_numbers(now["keys"], now["step"]), settings
            )
            written = tf.where(now["ended"], 0, drawn)
            after = {
                "token": drawn,
                "state": state,
                "memory": (),
                "keys": now["keys"],
                "step": now["step"] + 1,
                **self._remembered(now, drawn, settings),
            }
            after = keep_ended(now["ended"], now, after)
            written = tf.where(tf.range(count) == index, written[:, None], tokens)
            return index + 1, after, written

        tokens = tf.zeros((tf.shape(begun["token"])[0], count), tf.int32)
        length, after, tokens = tf.while_loop(goes_on, write_one, (0, begun, tokens))
        return tokens[:, :length], {**after, "memory": memory}

    def search_in_graph(
        self,
        begun: dict,
        settings: dict,
        count: tf.Tensor,
        width: tf.Tensor,
        length_penalty: tf.Tensor | float = 1.0,
    ) -> tuple:
        """Does what `search` does, in the graph."""
        settings = fold_constants(settings)
        batch, size = tf.shape(begun["token"])[0], self.vocabulary_size
        # More tokens than that of one beginning are never among the best.
        choices = tf.minimum(width, size)
        # One beginning at first, or all would be the same for ever.
        totals = tf.where(tf.range(width)[None] > 0, -np.inf, tf.zeros((batch, 1)))
        beams = {
            name: begun[name] for name in ("token", "state", "recent", "seen", "ended")
        }
        beams = tf.nest.map_structure(lambda t: tf.repeat(t, width, axis=0), beams)
        first_row = tf.repeat(tf.range(batch) * width, width)
        has_stops = tf.not_equal(tf.size(settings["stops"]), 0)
        is_penalised = tf.not_equal(settings["repetition_penalty"], 1.0)

        def goes_on(index: tf.Tensor, now: dict, *others: tf.Tensor) -> tf.Tensor:
            return (index < count) & ~tf.reduce_all(now["ended"])

        def write_one(
            index: tf.Tensor,
            now: dict,
            totals: tf.Tensor,
            lengths: tf.Tensor,
            scores: tf.Tensor,
            tokens: tf.Tensor,
        ) -> tuple:
            logits, state = self.step(now["token"], now["state"], begun["memory"])
            logits = self._adjusted(logits, now["seen"], settings)
            added, token = top_tokens(tf.nn.log_softmax(logits), choices)
            # A text that has ended goes on with nothing, at no cost.
            ended = now["ended"][:, None]
            nothing = tf.where(tf.range(choices) == 0, 0.0, -np.inf)
            added = tf.where(ended, nothing, added)
            token = tf.where(ended, 0, token)
            lengths += tf.cast(tf.reshape(~now["ended"], (batch, width)), tf.float32)
            added = tf.reshape(added, (batch, width, choices))
            totals = totals[..., None] + added
            normal = totals / lengths[..., None] ** length_penalty
            normal = tf.reshape(normal, (batch, width * choices))
            scores, best = tf.math.top_k(normal, k=width)
            totals = tf.reshape(totals, (batch, width * choices))
            totals = tf.gather(totals, best, batch_dims=1)
            token = tf.reshape(token, (batch, width * choices))
            token = tf.gather(token, best, batch_dims=1)
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

            # What is there for some settings only costs nothing with the others.
            recent, stopped = choose_branch(
                has_stops,
                lambda: self._stopped(of_parents(now["recent"]), token, settings),
                lambda: (now["recent"], tf.zeros_like(token, tf.bool)),
            )
            after = {
                "token": token,
                "state": tf.nest.map_structure(of_parents, state),
                "recent": recent,
                "seen": choose_branch(
                    is_penalised,
                    lambda: self._seen(of_parents(now["seen"]), token),
                    lambda: now["seen"],
                ),
                "ended": of_parents(now["ended"]) | stopped | (token == self.end),
            }
            return index + 1, after, totals, lengths, scores, tokens

        beams_shape = totals.shape
        lengths = tf.zeros((batch, width))
        tokens = tf.zeros((batch, width, count), tf.int32)
        length, _, _, _, scores, tokens = tf.while_loop(
            goes_on,
            write_one,
            (0, beams, totals, lengths, totals, tokens),
        )
        return tokens[..., :length], scores

    def _adjusted(self, logits: tf.Tensor, seen: tf.Tensor, settings: dict) -> Any:
        """Returns logits with what was written made less likely, or impossible."""
        logits = tf.cast(logits, tf.float32) + self.blocked
        penalty = settings["repetition_penalty"]

        def penalised() -> tf.Tensor:
            less = tf.where(logits > 0, logits / penalty, logits * penalty)
            return tf.where(seen, less, logits)

        return choose_branch(tf.equal(penalty, 1.0), lambda: logits, penalised)

    def _remembered(self, now: dict, token: tf.Tensor, settings: dict) -> dict:
        """Returns what is kept of written tokens beside the state."""
        recent, stopped = self._stopped(now["recent"], token, settings)
        return {
            "recent": recent,
            "seen": self._seen(now["seen"], token),
            "ended": stopped | tf.equal(token, self.end),
        }

    def _stopped(self, recent: tf.Tensor, token: tf.Tensor, settings: dict) -> tuple:
        """Returns the tokens written last, and whether they end with a stop string."""
        recent = tf.concat([recent[:, 1:], token[:, None]], axis=1)
        same = tf.equal(settings["stops"], recent[:, None]) | (settings["stops"] < 0)
        return recent, tf.reduce_any(tf.reduce_all(same, axis=2), axis=1)

    def _seen(self, seen: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
        """Returns which tokens have occurred, with one more."""
        return seen | tf.one_hot(
            token, self.vocabulary_size, True, False, dtype=tf.bool
        )
