"""Ways to call an export of a forecaster."""

from typing import Any

import numpy as np
import tensorflow as tf

from rnnzoo.architectures.signature import Signature


def draw_rows(model: Any, *lengths: int) -> list[np.ndarray]:
    """Returns random rows with pasts of these lengths, `[time, features]`."""
    random, tokens = np.random.default_rng(0), model.tokens
    found = []
    for length in lengths:
        steps = length + (0 if tokens.is_past else model.horizon)
        row = np.round(random.standard_normal((steps, tokens.features)) * 3, 3)
        if tokens.has_time:
            place = 1 + len(tokens.means)
            row[:, place] = 1.7e9 + 3600 * np.arange(steps)
        if tokens.has_id:
            row[:, -1] = random.integers(len(model.series_numbers or ()) + 1)
        found.append(row)
    return found


def values_signature(model: Any) -> Signature:
    """Returns the signature from values and covariates, NaN for gaps, to quantiles.

    Where there are times, a float32 cannot hold their seconds: `days` are whole
    days since 1970 on the local clock, and `seconds` those of the day.
    """
    tokens, has_time = model.tokens, model.tokens.has_time
    width = tokens.features - has_time

    def run(values: Any, lengths: Any, days: Any = None, seconds: Any = None) -> Any:
        parts = [values]
        if has_time:
            count = 1 + len(tokens.means)
            parts = [values[..., :count], seconds[..., None], values[..., count:]]
        steps = tokens.encode_in_graph(tf.concat(parts, axis=-1), lengths)
        if has_time:
            place = 2 + len(tokens.means)
            real = steps[..., -1:]
            clock = tf.stack([days, seconds], axis=-1)
            clock = tf.where(real > 0, clock, tf.constant(0.0))
            parts = [steps[..., :place], clock, steps[..., place + 2 :]]
            steps = tf.concat(parts, axis=-1)
        return model.name_outputs(model(steps, training=False))

    def draw(*lengths: int) -> dict:
        rows = draw_rows(model, *lengths)
        time = 1 + len(tokens.means)
        values = np.zeros((len(rows), max(map(len, rows)), width), "float32")
        clock = np.zeros((2, *values.shape[:2]), "float32")
        for place, row in enumerate(rows):
            kept = np.delete(row, time, axis=1) if has_time else row
            values[place, : len(row)] = kept
            if has_time:
                clock[:, place, : len(row)] = np.divmod(row[:, time], 86_400)
        values[0, 1, 0] = np.nan
        found = {
            "values": values,
            "lengths": np.array([len(row) for row in rows], "int32"),
        }
        if has_time:
            found |= {"days": clock[0], "seconds": clock[1]}
        return found

    inputs: dict[str, tuple] = {
        "values": ((None, None, width), "float32"),
        "lengths": ((None,), "int32"),
    }
    if has_time:
        names = ("days", "seconds")
        inputs |= {name: ((None, None), "float32") for name in names}
    return Signature(
        graph=run,
        inputs=inputs,
        answers=run,
        examples=[draw(3, 5), draw(7, 1, model.context + 3)],
    )
