"""Public calls, right and wrong: tests/test_types.py checks them and runs none.

A line that must be an error says which one in its comment; all others must be clean.
"""

import pathlib

from typing_extensions import assert_type

import rnnzoo
from rnnzoo import language_model, list_models, load, many_to_one, sorter, translator
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.models.language import LanguageModel
from rnnzoo.models.sorting import Sorter
from rnnzoo.models.translation import Translator

# Factories return their classes, whose methods and attributes are known.
assert_type(sorter(), Sorter)
assert_type(sorter("naturals_32"), Sorter)
assert_type(sorter(weights=None, max_value=64, units=512, cell="lstm"), Sorter)
assert_type(translator("multi30k_en_de"), Translator)
assert_type(language_model(), LanguageModel)
assert_type(many_to_one(vocabulary_size=9, num_classes=2, units=8), ManyToOne)
assert_type(list_models(), list[str])
assert_type(rnnzoo.__version__, str)
sorter().sort([3, 1, 2])
translator().translate("Good morning.", beam_width=5)
language_model().generate("ROMEO:", temperature=0.7, seed=1)
load("mine.keras")
load(pathlib.Path("mine.keras"))

# What an editor must underline.
sorter(untis=3)  # error: No parameter named "untis"
sorter(max_value="a")  # error: "max_value" of type "int"
sorter(None, 64)  # error: Expected 1 positional argument
sorter(weights=3)  # error: "weights" of type "str | None"
translator(layers=2)  # error: No parameter named "layers"
many_to_one(vocabulary_size=9, unit=8)  # error: No parameter named "unit"
sorter().sort()  # error: Argument missing for parameter "numbers"
translator().translate("Hi.", beam=5)  # error: No parameter named "beam"
rnnzoo.sorterr()  # error: "sorterr" is not a known attribute
list_models("sorter", of=1)  # error: No parameter named "of"
from rnnzoo import sort  # error: "sort" is unknown import symbol  # noqa: E402, F401
