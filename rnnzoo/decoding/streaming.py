"""Streaming: a text in chunks of whole characters, as it is written."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnnzoo.decoding.options import DecodingOptions
from rnnzoo.decoding.state import DecodingState, remove_stops
from rnnzoo.decoding.writer import Writer

# Tokens of the first chunk, and of the others.
FIRST_CHUNK, CHUNK = 2, 16


def stream_text(
    writer: Writer,
    tokens: Any,
    state: DecodingState,
    options: DecodingOptions,
    stops: Any,
) -> Iterator[str]:
    """Yields the continuation of one text in chunks.

    What may be the beginning of a stop string, or of a character, is held back until
    that is known.

    Args:
        writer: The writer.
        tokens: The tokens of the model.
        state: The state after the prompt, of one row.
        options: The options of sampling.
        stops: Token ids of the stop strings; see `encode_stops`.
    """
    stops = np.asarray(stops)
    tensors = options.to_tensors(stops)
    held: list[int] = []
    left, size, separator = options.max_length or 0, FIRST_CHUNK, ""
    while left:
        size = min(left, size)
        found, state = writer.sample(state, tensors, size)
        held += found.numpy()[0].tolist()
        left -= size
        if np.asarray(state.ended)[0]:
            left = 0
            left_ids = np.asarray(remove_stops(np.array([held], "int32"), stops))
            held = left_ids[left_ids > 0].tolist()
        keep = count_partial_stop(held, stops) if left else 0
        keep = max(keep, len(find_incomplete(tokens, held)))
        ready, held = held[: len(held) - keep], held[len(held) - keep :]
        if text := tokens.decode([ready])[0]:
            yield separator + text
            separator = tokens.separator
        size = CHUNK


def find_incomplete(tokens: Any, ids: Any) -> list[int]:
    """Returns the last ids if they are the beginning of a character."""
    ids = [int(token) for token in ids if token >= 0]
    return ids[tokens.complete_prefix(ids) :]


def count_partial_stop(ids: Sequence[int], stops: np.ndarray) -> int:
    """Returns how many ids at the end of a text may be the beginning of a stop."""
    rows = [row[row >= 0].tolist() for row in stops]
    return max(
        (
            size
            for stop in rows
            for size in range(1, min(len(stop), len(ids) + 1))
            if list(ids[-size:]) == stop[:size]
        ),
        default=0,
    )
