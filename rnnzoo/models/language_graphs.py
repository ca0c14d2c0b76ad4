"""What a language model computes: graphs that Python calls and exports contain."""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.decoding import DecodingOptions, DecodingState, Writer, make_keys
from rnnzoo.decoding.compiling import compile_for_python
from rnnzoo.decoding.state import encode_stops, remove_stops, replace_rows, select_rows
from rnnzoo.models.stateful_training import StatefulModel

# Rows of a batch, and symbols of each that are read at a time.
ROWS, CHUNK = 64, 512


class LanguageGraphs(StatefulModel):
    """Base of language models: reads texts, continues them, and measures them.

    Each graph function is called compiled in Python, and traced in an export. Python
    reads long texts in chunks, so that memory is bounded; an export reads them at once.
    """

    @functools.cached_property
    def writer(self) -> Writer:
        """Decodes, from the state after a prompt."""
        return Writer(
            self.step,
            self.state_spec,
            self.tokens.vocabulary_size - 1,
            forbidden=[self.tokens.UNKNOWN],
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
        """Reads what comes next in each text, up to its last token.

        Args:
            state: The state before.
            ids: Token ids `[batch, time]`, 0 at the end of shorter rows.

        Returns:
            The logits `[batch, time, symbols]` that predicted these tokens, and the
            next state.
        """
        is_real = ids > 0
        inputs = tf.concat([state.token[:, None], ids[:, :-1]], axis=1)
        logits, after = self.read(tf.where(is_real, inputs, 0), state.state)
        count = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32)
        last = tf.gather(ids, tf.maximum(count - 1, 0), batch_dims=1)
        size = self.tokens.vocabulary_size - 1
        found = tf.math.bincount(ids, minlength=size, maxlength=size, axis=-1) > 0
        return logits, state._replace(
            token=tf.where(count > 0, last, state.token),
            state=after,
            # A stop string is not one if a prompt comes in between.
            recent=tf.where(count[:, None] > 0, -1, state.recent),
            seen=state.seen | found,
        )

    def measure_tokens(
        self, state: DecodingState, ids: Any
    ) -> tuple[Any, DecodingState]:
        """Returns the loss of each row of tokens in nats, `[batch]`, and the state."""
        logits, state = self.read_tokens(state, ids)
        nats = keras.losses.sparse_categorical_crossentropy(
            ids, logits, from_logits=True, ignore_class=0
        )
        return keras.ops.sum(keras.ops.cast(nats, "float64"), axis=1), state

    def sample_tokens(
        self, state: DecodingState, options: DecodingOptions, stops: Any
    ) -> tuple[Any, DecodingState]:
        """Returns sampled tokens `[batch, time]`, without stops, and the state."""
        tensors = options.to_tensors(stops)
        tokens, state = self.writer.sample(state, tensors, options.max_length)
        return remove_stops(tokens, stops), state

    def search_tokens(
        self, state: DecodingState, options: DecodingOptions, stops: Any
    ) -> tuple[Any, Any]:
        """Returns tokens `[batch, beam_width, time]` of a beam, and scores."""
        tokens, scores = self.writer.search(
            state,
            options.to_tensors(stops),
            options.max_length,
            options.beam_width,
            options.length_penalty,
        )
        shape = tf.shape(tokens)
        rows = tf.reshape(tokens, (shape[0] * shape[1], shape[2]))
        rows = remove_stops(rows, stops)
        return tf.reshape(rows, shape), scores

    def read_prompts_graph(self, text: Any, seed: Any = 0) -> DecodingState:
        """Returns the state after strings `[batch]`, in the graph."""
        state = self.start(make_keys(text, seed))
        return self.read_tokens(state, self.encode_graph(text))[1]

    def encode_graph(self, text: Any) -> tf.Tensor:
        """Returns the tokens of strings `[batch]`, at least one step, in the graph."""
        return tf.pad(self.tokens(text)[:, 1:], [[0, 0], [0, 1]])

    def generate_graph(self, text: Any, options: DecodingOptions) -> dict:
        """Continues strings `[batch]` as `generate`, in the graph."""
        state = self.read_prompts_graph(text, options.seed)
        stops = encode_stops(self.tokens, options.stop)
        tokens, _ = self.sample_tokens(state, options, stops)
        return {"text": self.tokens.format(tokens)}

    def search_graph(self, text: Any, options: DecodingOptions) -> dict:
        """Continues strings `[batch]` with the best text of a beam, in the graph."""
        state = self.read_prompts_graph(text)
        stops = encode_stops(self.tokens, options.stop)
        tokens, scores = self.search_tokens(state, options, stops)
        return {"text": self.tokens.format(tokens[:, 0]), "score": scores[:, 0]}

    def score_graph(self, text: Any) -> dict:
        """Measures how well strings `[batch]` are predicted, as `score`."""
        ids = self.encode_graph(text)
        state = self.start(tf.zeros(tf.shape(ids)[:1], tf.uint64))
        nats, _ = self.measure_tokens(state, ids)
        symbols = tf.math.count_nonzero(ids, axis=1)
        mean = nats / tf.cast(symbols, nats.dtype)
        return score_figures(nats, symbols, mean, tf.exp(mean))

    def read_prompts(
        self, texts: list[str], seed: int | None, state: DecodingState | None = None
    ) -> Iterator[DecodingState]:
        """Yields the states after prompts of any length, `ROWS` prompts at a time.

        Args:
            texts: The prompts.
            seed: Random seed; `None` for a new one, or that of the state.
            state: The state that they continue; `None` for the initial one.
        """
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
                before = select_rows(state, rows)
                before = before._replace(ended=np.zeros(len(rows), bool))
                if keys is not None:
                    steps = np.zeros(len(rows), "uint64")
                    before = before._replace(keys=keys[rows], step=steps)
            parts = [texts[row] for row in rows]
            for *_, after in self.read_in_chunks(self.read_chunk, parts, before):
                before = after
            yield before

    def read_in_chunks(
        self, function: Callable, texts: Sequence[str], state: DecodingState
    ) -> Iterator[tuple]:
        """Reads texts of any length in bounded memory.

        Args:
            function: `read_chunk` or `measure_chunk`.
            texts: The texts, which continue what the state has read.
            state: The state before.

        Yields:
            Rows, their token ids in a chunk, what the function returned for them, and
            the state of all rows after it.
        """
        for rows, ids in encode_chunks(self.tokens, texts):
            output, part = function(select_rows(state, rows), ids)
            state = replace_rows(state, rows, part)
            yield rows, ids, output, state

    @functools.cached_property
    def read_chunk(self) -> Callable:
        """`read_tokens` for Python, without logits."""

        def read(state: DecodingState, ids: Any) -> tuple:
            return (), self.read_tokens(state, ids)[1]

        spec = tf.TensorSpec((None, None), tf.int32)
        return compile_for_python(read, self.writer.state_spec, spec)

    @functools.cached_property
    def measure_chunk(self) -> Callable:
        """`measure_tokens` for Python."""
        spec = tf.TensorSpec((None, None), tf.int32)
        return compile_for_python(self.measure_tokens, self.writer.state_spec, spec)


def encode_chunks(tokens: Any, texts: Sequence[str]) -> Iterator[tuple]:
    """Yields the rows that have not ended and their next tokens `[rows, time]`."""
    parts = [tokens.chunks(text, CHUNK) for text in texts]
    for batch in itertools.zip_longest(*parts, fillvalue=""):
        ids = tokens.encode(batch)[:, 1:]
        # On a GPU, no row may be without any step.
        rows = np.flatnonzero(np.count_nonzero(ids, axis=1))
        if len(rows):
            yield rows, ids[rows]


def score_figures(nats: Any, symbols: Any, mean: Any, perplexity: Any) -> dict:
    """Returns the figures of scores by name, arrays or tensors."""
    return {
        "nats": nats,
        "symbols": symbols,
        "nats_per_symbol": mean,
        "bits_per_symbol": mean / math.log(2),
        "perplexity": perplexity,
    }
