"""Decoding: which token comes next, and next after that, for any model that writes."""

from rnnzoo.decoding.options import STOP_LIMIT, check_settings, settings
from rnnzoo.decoding.sampling import keys, keys_in_graph
from rnnzoo.decoding.writer import Writer

__all__ = [
    "STOP_LIMIT",
    "Writer",
    "check_settings",
    "keys",
    "keys_in_graph",
    "settings",
]
