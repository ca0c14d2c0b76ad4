"""What a language model computes: graphs that Python calls and exports contain."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.architectures.graphs import get_state_spec
from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.decoding import DecodingOptions, DecodingState, Writer, make_keys
from rnnzoo.decoding.state import replace_rows, select_rows
from rnnzoo.decoding.stops import (
    count_partial_stop,
    encode_stops,
    truncate_at_stop,
    truncate_texts,
)
from rnnzoo.tokens.graphs import compile_for_python

# Rows of a batch, and symbols of each that are read at a time.
ROWS, CHUNK = 64, 512
# Tokens of the first chunk of a stream, and of the others.
FIRST_WRITTEN, WRITTEN = 2, 16
IDS = tf.TensorSpec((None, None), tf.int32)


@dataclasses.dataclass
class CarriedState:
    """The state that training carries, in an object that Keras does not look into."""

    variables: list  # not weights, and not in files


class LanguageGraphs(ManyToMany):
    """Base of language models: reads texts, continues them, and measures them.

    Python reads long texts in chunks, in bounded memory. Training can carry the state
    from batch to batch (Williams and Peng, Neural Computation 2, 1990).
    """

    tokens: Any
    _carried: CarriedState | None = None

    @functools.cached_property
    def state_spec(self) -> list:
        """The state's structure, of `tf.TensorSpec` with any batch size."""
        return get_state_spec(self.recurrence.get_initial_state(1))

    def carry_state(self, batch_size: int) -> None:
        """Makes each training step start from the final state of the previous one.

        Row `r` of a batch must continue row `r` of the previous batch, as those of
        `rnnzoo.data.text.Streams`; or begin with the start symbol.

        Args:
            batch_size: Rows of every batch; under `tf.distribute`, of a replica's part.
        """
        self._carried = CarriedState(
            [
                tf.Variable(
                    np.zeros((batch_size, *spec.shape[1:]), "float32"),
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                )
                for spec in keras.tree.flatten(self.state_spec)
            ]
        )

    def compute_training_outputs(self, x: Any) -> Any:
        """Returns logits or features, and carries the state."""
        if self._carried is None:
            return super().compute_training_outputs(x)
        is_first = keras.ops.equal(x[:, :1], self.tokens.start_id)
        initial = self.recurrence.get_initial_state(keras.ops.shape(x)[0])
        variables = self._carried.variables
        before = [
            keras.ops.where(is_first, new, keras.ops.cast(old, new.dtype))
            for new, old in zip(keras.tree.flatten(initial), variables, strict=True)
        ]
        before = keras.tree.pack_sequence_as(initial, before)
        read = self.read_features if self.learns_from_features else self.read
        outputs, after = read(x, before, training=True)
        for variable, state in zip(variables, keras.tree.flatten(after), strict=True):
            variable.assign(keras.ops.cast(keras.ops.stop_gradient(state), "float32"))
        return outputs

    def unsaved_variables(self) -> list:
        """Returns the states of dropout, and the state that is carried."""
        carried = self._carried.variables if self._carried else []
        parts = [getattr(variable, "values", (variable,)) for variable in carried]
        return super().unsaved_variables() + list(itertools.chain(*parts))

    @functools.cached_property
    def writer(self) -> Writer:
        """Decodes, from the state after a prompt."""
        return Writer(
            self.step,
            self.state_spec,
            self.tokens.vocabulary_size - 1,
            forbidden=[self.tokens.UNKNOWN],
            pieces=self.tokens.pieces[:-1],
            separator=self.tokens.separator,
        )

    @functools.cached_property
    def start(self) -> Callable:
        """The initial state of texts with these keys of random numbers `[batch]`."""

        def start(keys: Any) -> DecodingState:
            batch = tf.size(keys)
            return self.writer.initial_state(
                tf.fill([batch], self.tokens.start_id),
                self.recurrence.get_initial_state(batch),
                keys,
            )

        return compile_for_python(start, tf.TensorSpec((None,), tf.uint64))

    def read_tokens(self, state: DecodingState, ids: Any) -> tuple[Any, DecodingState]:
        """Reads ids `[batch, time]`; returns logits that predict them, and a state."""
        features, state = self.read_token_features(state, ids)
        return self.head(features), state

    def read_token_features(
        self, state: DecodingState, ids: Any
    ) -> tuple[Any, DecodingState]:
        """Reads as `read_tokens`; returns what the head takes, and a state."""
        is_real = ids > 0
        inputs = tf.concat([state.token[:, None], ids[:, :-1]], axis=1)
        features, after = self.read_features(
            tf.where(is_real, inputs, 0), state.state, training=False
        )
        count = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32)
        last = tf.gather(ids, tf.maximum(count - 1, 0), batch_dims=1)
        size = self.tokens.vocabulary_size - 1
        found = tf.math.bincount(ids, minlength=size, maxlength=size, axis=-1) > 0
        return features, state._replace(
            token=tf.where(count > 0, last, state.token),
            state=after,
            # A stop string is not one if a prompt comes in between.
            recent=tf.where(count[:, None] > 0, -1, state.recent),
            seen=state.seen | found,
        )

    def measure_tokens(self, state: DecodingState, ids: Any) -> tuple:
        """Returns the loss of each row of tokens in nats, `[batch]`, and the state."""
        logits, state = self.read_tokens(state, ids)
        nats = keras.losses.sparse_categorical_crossentropy(
            ids, logits, from_logits=True, ignore_class=0
        )
        return keras.ops.sum(keras.ops.cast(nats, "float64"), axis=1), state

    def sample_tokens(
        self, state: DecodingState, options: DecodingOptions, stops: Any
    ) -> tuple:
        """Returns sampled tokens `[batch, time]` up to a stop, and the state."""
        return self.writer.sample(state, options.to_tensors(stops), options.max_length)

    def search_tokens(
        self, state: DecodingState, options: DecodingOptions, stops: Any
    ) -> tuple:
        """Returns tokens `[batch, beam_width, time]` of a beam, and scores."""
        width, penalty = options.beam_width, options.length_penalty
        return self.writer.search(
            state, options.to_tensors(stops), options.max_length, width, penalty
        )

    def stream_chunks(
        self, state: DecodingState, options: DecodingOptions, stops: Any
    ) -> Iterator[str]:
        """Yields one text's continuation in chunks; possible stops are held back."""
        tensors = options.to_tensors(stops)
        # Tokens of a character that is not complete, and text that may begin a stop.
        ids: list[int] = []
        held, separator = "", ""
        left, size = options.max_length or 0, FIRST_WRITTEN
        while left:
            size = min(left, size)
            found, state = self.writer.sample(state, tensors, size)
            ids += found.numpy()[0].tolist()
            left = 0 if np.asarray(state.ended)[0] else left - size
            cut = len(ids) - len(self.find_incomplete(ids) if left else ())
            ready, ids = ids[:cut], ids[cut:]
            if text := self.tokens.decode([ready])[0]:
                held += separator + text
                separator = self.tokens.separator
            (text,) = truncate_texts([held], stops)
            # Bytes that are no character may stand within a stop.
            left, held = (left if text == held else 0), text
            cut = len(held) - (count_partial_stop(held, stops) if left else 0)
            if cut:
                yield held[:cut]
            held, size = held[cut:], WRITTEN

    def find_incomplete(self, ids: Any) -> list[int]:
        """Returns the last ids if they are the beginning of a character."""
        ids = [int(token) for token in ids if token >= 0]
        return ids[self.tokens.complete_prefix(ids) :]

    def encode_graph(self, text: Any) -> tf.Tensor:
        """Returns the tokens of strings `[batch]`, at least one step, in the graph."""
        return tf.pad(self.tokens(text)[:, 1:], [[0, 0], [0, 1]])

    def generate_graph(
        self, text: Any, options: DecodingOptions, is_beam: bool = False
    ) -> dict:
        """Continues strings `[batch]` as `generate`, in the graph."""
        state = self.start(make_keys(text, options.seed))
        _, state = self.read_tokens(state, self.encode_graph(text))
        stops = encode_stops(self.tokens, options.stop)
        if is_beam:
            tokens, scores = self.search_tokens(state, options, stops)
            texts = truncate_at_stop(self.tokens.format(tokens[:, 0]), stops)
            return {"text": texts, "score": scores[:, 0]}
        tokens, _ = self.sample_tokens(state, options, stops)
        return {"text": truncate_at_stop(self.tokens.format(tokens), stops)}

    def score_graph(self, text: Any) -> dict:
        """Measures how well strings `[batch]` are predicted, as `score`."""
        ids = self.encode_graph(text)
        state = self.start(tf.zeros(tf.shape(ids)[:1], tf.uint64))
        nats, _ = self.measure_tokens(state, ids)
        return score_figures(nats, tf.math.count_nonzero(ids, axis=1))

    def read_prompts(
        self, texts: list[str], seed: int | None, state: DecodingState | None = None
    ) -> Iterator[DecodingState]:
        """Yields the states after prompts of any length, `ROWS` prompts at a time."""
        if state is not None and len(state.token) != len(texts):
            raise ValueError(
                "A state continues as many prompts as it was created from. Received: "
                f"{len(texts)} prompts and a state of {len(state.token)}"
            )
        if seed is None and state is None:
            seed = np.random.randint(2**31)
        keys = None if seed is None else np.asarray(make_keys(texts, seed))
        for start in range(0, len(texts), ROWS):
            rows = np.arange(start, min(start + ROWS, len(texts)))
            if state is None:
                before = self.start(np.asarray(keys)[rows])
            else:
                changes = {"ended": np.zeros(len(rows), bool)}
                if keys is not None:
                    changes |= {"keys": keys[rows], "step": np.zeros_like(keys[rows])}
                before = select_rows(state, rows)._replace(**changes)
            parts = [texts[row] for row in rows]
            for *_, after in self.read_in_chunks(self.read_chunk, parts, before):
                before = after
            yield before

    def read_in_chunks(
        self, function: Callable, texts: Sequence[str], state: DecodingState
    ) -> Iterator[tuple]:
        """Continues a state with texts of any length in bounded memory.

        Yields:
            Rows, their token ids in a chunk, the function's result, and the next state.
        """
        parts = [self.tokens.chunks(text, CHUNK) for text in texts]
        for batch in itertools.zip_longest(*parts, fillvalue=""):
            ids = self.tokens.encode(batch)[:, 1:]
            # On a GPU, no row may be without any step.
            rows = np.flatnonzero(np.count_nonzero(ids, axis=1))
            if len(rows):
                output, part = function(select_rows(state, rows), ids[rows])
                state = replace_rows(state, rows, part)
                yield rows, ids[rows], output, state

    @functools.cached_property
    def read_chunk(self) -> Callable:
        """`read_tokens` for Python, without the logits."""

        def read(state: DecodingState, ids: Any) -> tuple:
            return (), self.read_tokens(state, ids)[1]

        return compile_for_python(read, self.writer.state_spec, IDS)

    @functools.cached_property
    def measure_chunk(self) -> Callable:
        """`measure_tokens` for Python."""
        return compile_for_python(self.measure_tokens, self.writer.state_spec, IDS)


def score_figures(nats: Any, symbols: Any) -> dict:
    """Returns the figures of scores by name, from arrays or tensors."""
    mean = nats / tf.cast(symbols, tf.float64)
    return {
        "nats": nats,
        "symbols": symbols,
        "nats_per_symbol": mean,
        "bits_per_symbol": mean / math.log(2),
        "perplexity": tf.exp(mean),
    }
