"""Translates English captions of pictures into German: Multi30k.

    rnnzoo train multi30k_en_de

The folder `multi30k` in that of all data sets (TFDS_DATA_DIR, or else
`~/tensorflow_datasets`) must hold `train`, `val` and `test_2016_flickr`, each as `.en`
and `.de`: raw texts of `data/task1/raw` of github.com/multi30k/dataset, unpacked.

A bidirectional encoder of two layers of GRUs and a decoder of two with attention train
on 29,000 captions; choices were made on the 1,014 of validation, and the 1,000 of
test_2016_flickr are for the final figures. These are sacreBLEU's on the texts as they
are, with the signature

    nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0

Result (weights `translator.multi30k_en_de`, seed 0, 95.7 minutes on one core of those
that results.csv names, shared with other work): BLEU 38.26 with a beam of 5 and 37.39
greedy; in lower case 38.65 and 37.84, where Caglayan et al. (2017) have 38.1 for a GRU
with attention. On the validation captions it is 37.91.
"""

import dataclasses
import functools
import pathlib
from typing import ClassVar

from rnnzoo.recipes._translation import TranslationRecipe
from rnnzoo.training.recipe import option


@dataclasses.dataclass(kw_only=True)
class Multi30kEnDe(TranslationRecipe):
    """Translates captions from English into German with GRUs and attention."""

    trained_on = "Multi30k (Elliott et al., 2016, arXiv:1605.00459), its 29,000 pairs"
    licence = "non-commercial research, as the texts"
    languages: ClassVar[tuple[str, str]] = ("en", "de")

    published: ClassVar[dict] = {
        "bleu_lower_case": (
            38.1,
            "Caglayan et al., WMT 2017, arXiv:1707.04481: a GRU with attention, "
            "tokens in lower case",
        ),
    }

    epochs: int = option(14)

    @functools.cached_property
    def parts(self) -> tuple:
        """The pairs of train and of val."""
        return tuple(read_captions(split, self.languages) for split in ("train", "val"))

    def data_files(self) -> list[pathlib.Path]:
        """Returns the files of both languages."""
        return [*find_captions("train"), *find_captions("val")]

    def test_examples(self) -> tuple:
        """Returns the captions of test_2016_flickr and their translations."""
        return read_captions("test_2016_flickr", self.languages)

    def golden_inputs(self) -> list:
        """Returns captions of our own."""
        captions = {
            "en": [
                "Two dogs are playing in the snow.",
                "A woman in a red coat is waiting for the bus.",
                "Three children sit on a wall and eat ice cream.",
            ],
            "de": [
                "Zwei Hunde spielen im Schnee.",
                "Eine Frau in einem roten Mantel wartet auf den Bus.",
                "Drei Kinder sitzen auf einer Mauer und essen Eis.",
            ],
        }
        return [*captions[self.languages[0]], ""]


def find_captions(
    split: str, languages: tuple[str, str] = ("en", "de")
) -> list[pathlib.Path]:
    """Returns the files of a split's captions in two languages."""
    from rnnzoo.data.text import original_file

    source = "data/task1/raw of github.com/multi30k/dataset, unpacked,"
    return [original_file("multi30k", f"{split}.{one}", source) for one in languages]


def read_captions(split: str, languages: tuple[str, str]) -> tuple[list, list]:
    """Reads the captions of a split, such as `"train"`, in two languages."""
    from rnnzoo.data.parallel import read_pairs

    sources, targets = find_captions(split, languages)
    return read_pairs(sources, targets)


RECIPE = Multi30kEnDe
