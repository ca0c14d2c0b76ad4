"""Decoding: how a model that predicts the next token writes a text."""

from rnnzoo.decoding.encoder_decoder import EncoderDecoderWriter, decode_greedily
from rnnzoo.decoding.options import (
    GREEDY,
    STOP_LIMIT,
    DecodingKeywords,
    DecodingOptions,
)
from rnnzoo.decoding.sampling import make_keys
from rnnzoo.decoding.state import DecodingState
from rnnzoo.decoding.writer import Writer

__all__ = [
    "GREEDY",
    "STOP_LIMIT",
    "DecodingKeywords",
    "DecodingOptions",
    "DecodingState",
    "EncoderDecoderWriter",
    "Writer",
    "decode_greedily",
    "make_keys",
]
