"""Translates German captions of pictures into English: Multi30k.

    rnnzoo train multi30k_de_en

As `multi30k_en_de`, the other way round.
"""

import dataclasses
from typing import ClassVar

from rnnzoo.recipes.multi30k_en_de import Multi30kEnDe


@dataclasses.dataclass(kw_only=True)
class Multi30kDeEn(Multi30kEnDe):
    """Translates captions from German into English with GRUs and attention."""

    published: ClassVar[dict] = {}
    languages: ClassVar[tuple[str, str]] = ("de", "en")
