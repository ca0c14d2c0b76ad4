"""Writes Turkish: stories of Ömer Seyfettin and poems of Yunus Emre, by character.

    rnnzoo train turkish_language --data=turkish

The folder holds two texts in UTF-8, of authors in the public domain:
`omer_seyfettin_hikayeler.clean.txt` (stories, 210,898 characters) and `yunus_emre.txt`
(poems, 114,857 characters). Two LSTMs of 384 units read characters as they are, so that
ı and i, İ and I are four letters; the vocabulary has the whole alphabet, also Ğ, with
which no word begins. They train on the first nine tenths of each text and are measured
on the last.

Result (weights `language_model.turkish`, seed 0, 40.0 minutes on one core of those that
results.csv names, shared with other work): 1.63584 nats per character over the whole of
the last tenths, with the state carried; 1.67535 in windows of 256 characters, each of
which resets the state. With a dropout of 0.5 it was 1.697 and 1.740, and the training
loss was still above that.
"""

import dataclasses
import functools
import pathlib
from typing import Any

from rnnzoo.recipes._language import LanguageRecipe
from rnnzoo.training.recipe import option

ALPHABET = "abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZâîûÂÎÛ"
FILES = ("omer_seyfettin_hikayeler.clean.txt", "yunus_emre.txt")


@dataclasses.dataclass(kw_only=True)
class TurkishLanguage(LanguageRecipe):
    """Models Turkish prose and verse with two LSTMs over characters."""

    trained_on = (
        "stories of Ömer Seyfettin (1884-1920) and poems of Yunus Emre (about 1240 to "
        "1321), the first nine tenths of each"
    )
    licence = "Apache-2.0; the authors are in the public domain, editions unstated"

    epochs: int = option(24)
    batch_size: int = option(32)
    units: int = option(384)
    dropout: float = option(0.3)
    data: str = option("turkish", "folder that holds the two texts")

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The first nine tenths of both texts, and the last tenths."""
        from rnnzoo.data.text import read_text

        texts = [read_text(pathlib.Path(self.data, name)) for name in FILES]
        first = [text[: len(text) * 9 // 10] for text in texts]
        last = [text[len(text) * 9 // 10 :] for text in texts]
        return "\n".join(first), "\n".join(last)

    def data_files(self) -> list[pathlib.Path]:
        """Returns the files of the two texts."""
        return [pathlib.Path(self.data, name) for name in FILES]

    def vocabulary(self) -> Any:
        """Returns the characters of the texts, and the rest of the alphabet."""
        found = super().vocabulary()
        if self.tokens != "characters":
            return found
        return found + [letter for letter in ALPHABET if letter not in found]

    def golden_inputs(self) -> list:
        """Returns prompts of our own."""
        return ["İstanbul", "Bir gün ", "ışık", "Gönül", ""]


RECIPE = TurkishLanguage
