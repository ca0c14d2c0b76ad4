"""Options of decoding."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from rnnzoo.errors import check_number

# Symbols that are remembered to find stop strings in.
STOP_LIMIT = 64


def check_settings(
    *,
    max_length: int,
    temperature: float,
    top_k: int,
    top_p: float,
    repetition_penalty: float,
    beam_width: int = 0,
    n_best: int = 1,
) -> None:
    """Refuses settings of a generation that are out of range.

    Raises:
        TypeError: If one is not a number.
        ValueError: If one is out of its range.
    """
    check_number("max_length", max_length, minimum=0, whole=True)
    check_number("temperature", temperature, minimum=0)
    check_number("top_k", top_k, minimum=0, whole=True)
    check_number("top_p", top_p, minimum=0, maximum=1)
    check_number("beam_width", beam_width, minimum=0, whole=True)
    check_number("n_best", n_best, minimum=1, whole=True)
    check_number("repetition_penalty", repetition_penalty, minimum=1e-3)
    if n_best > max(beam_width, 1):
        raise ValueError(
            "n_best answers need a beam at least as wide: give beam_width too. "
            f"Received: n_best={n_best}, beam_width={beam_width}"
        )


def settings(
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    stop: Sequence[Sequence[int]] = (),
) -> dict:
    """Returns the settings of a generation as the tensors that the loops take.

    Args:
        temperature: What logits are divided by; 0 for the likeliest token always.
        top_k: Only so many of the likeliest tokens can be drawn (Fan et al., 2018); 0
            for all.
        top_p: Only the likeliest tokens can be drawn, as many as make this probability
            (Holtzman et al., 2020).
        repetition_penalty: Logits of tokens that occurred already are divided by it if
            positive, and multiplied if negative (Keskar et al., 2019).
        stop: Sequences of token ids that end a text.

    Raises:
        ValueError: If a stop sequence has more than `STOP_LIMIT` tokens.

    References:
        - Fan, Lewis and Dauphin, "Hierarchical neural story generation", ACL 2018,
          arXiv:1805.04833.
        - Holtzman et al., "The curious case of neural text degeneration", ICLR 2020,
          arXiv:1904.09751.
        - Keskar et al., "CTRL: a conditional transformer language model for
          controllable generation", 2019, arXiv:1909.05858, section 4.1.
    """
    stops = np.full((len(stop), STOP_LIMIT), -1, "int32")
    for row, ids in zip(stops, stop, strict=True):
        if len(ids) > STOP_LIMIT:
            raise ValueError(
                f"A stop string must have at most {STOP_LIMIT} symbols. Received: one "
                f"of {len(ids)}"
            )
        row[STOP_LIMIT - len(ids) :] = ids
    return {
        "temperature": tf.constant(temperature, tf.float32),
        "top_k": tf.constant(top_k, tf.int32),
        "top_p": tf.constant(top_p, tf.float32),
        "repetition_penalty": tf.constant(repetition_penalty, tf.float32),
        "stops": tf.constant(stops),
    }
