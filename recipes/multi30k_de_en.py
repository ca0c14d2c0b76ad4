"""Translates German captions of pictures into English: Multi30k.

    rnnzoo train multi30k_de_en

As `multi30k_en_de`, in the other direction.

Result (weights `translator.multi30k_de_en`, seed 0, 100.9 minutes on one core of those
that results.csv names, shared with other work): BLEU 41.25 with a beam of 5 and 39.54
greedy on the captions of test_2016_flickr; 40.99 on the validation captions.
"""

import dataclasses
from typing import ClassVar

from rnnzoo.recipes.multi30k_en_de import Multi30kEnDe


@dataclasses.dataclass(kw_only=True)
class Multi30kDeEn(Multi30kEnDe):
    """Translates captions from German into English with GRUs and attention."""

    published: ClassVar[dict] = {}
    languages: ClassVar[tuple[str, str]] = ("de", "en")


RECIPE = Multi30kDeEn
