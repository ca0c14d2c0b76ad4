"""Trains a classifier on labelled texts of your own.

    rnnzoo train own_texts --data=reviews.csv --text=review --label=stars

The data are a .csv, .tsv, .jsonl or .txt file or a folder with a sub-folder per label
(`rnnzoo.data.files`); classes are the labels in it. A tenth of each class is kept for
validation, on which `rnnzoo evaluate runs/own_texts/best.keras` measures.

The model is two in one. A logistic regression on n-grams is solved before the first
step: of words, or of characters where cross-validation finds them better (names, codes,
languages without spaces, and most short texts). Beside it a recurrent network learns;
where texts are read as words, it begins as the body of the classifier of film reviews,
whose layers learn at lower rates the farther they are from the output (Howard and
Ruder, 2018, arXiv:1801.06146), with a head that is solved too (Kumar et al., 2022,
arXiv:2202.10054). The weights of the two answers are chosen on validation, and the
untrained model is kept if no epoch is better: the answer is the regression's where the
network adds nothing.

In both all classes count the same, so that rare ones are found: rows of the regression
have weights, and the network learns what frequencies do not tell (Menon et al., 2021,
arXiv:2007.07314). With `--balance` its rows are weighed, too, instead.

Tried and worse: n-grams of which each has the same weight, divided by the root of the
text's length; weights of both answers that few validation texts choose freely.
"""

import csv
import dataclasses
import functools
from typing import Any

import numpy as np

from rnnzoo.errors import closest, shorten
from rnnzoo.recipes._text_reports import ReportingRecipe
from rnnzoo.training.recipe import option

# Of few texts, an epoch is several passes or these steps, what is less; of many, it
# ends before one.
PASSES, FEWEST_STEPS, MOST_STEPS = 8, 40, 1000


@dataclasses.dataclass(kw_only=True)
class OwnTexts(ReportingRecipe):
    """Trains a classifier of texts on labelled texts of a file."""

    trained_on = "texts of a user's own"
    licence = "that of the texts, and of the weights that it began with"
    keeps_untrained = True
    shows_samples = False

    epochs: int = option(12)
    patience: int = option(2)
    batch_size: int = option(32)
    unfreeze: bool = option(False)
    tokens: str = option(
        "auto",
        "what texts are read as: words, characters, bytes, subwords or whitespace; "
        "auto chooses words or characters by cross-validation",
    )
    ngrams: int = option(
        -1,
        "longest n-gram of the regression; -1 for 2 words or 5 characters, 0 for none",
        minimum=-1,
    )
    ngram_rows: int = option(262_144, "number of n-grams at most")
    ngram_scores: str = option("solved")
    data: str = option("", "a .csv, .tsv, .jsonl or .txt file, or a folder per label")
    text: str = option("text", "name of the texts' column")
    label: str = option("label", "name of the labels' column")
    classes: str = option(
        "", "all labels, separated by commas: their order in tables and pictures"
    )
    balance: bool = option(
        False,
        "weigh rows in the network's loss so that all classes count the same, instead "
        "of telling it how frequent they are",
    )
    encoding: str = option("utf-8", "how the file's characters are encoded")
    separator: str = option("", "of columns: semicolon, tab, pipe or a character")
    skip_bad_rows: bool = option(False, "report and skip rows that cannot be used")

    @functools.cached_property
    def source(self) -> Any:
        """The labelled texts of the file."""
        from rnnzoo.data.files import open_with_bar

        if not self.data:
            raise ValueError(
                "Say which file or folder holds the texts: --data=reviews.csv. "
                f"Received: data={self.data!r}"
            )
        source = open_with_bar(
            self.data,
            text=self.text,
            label=self.label,
            encoding=self.encoding,
            separator=self.separator or None,
            skip_bad_rows=self.skip_bad_rows,
        )
        if source.report:
            print(source.report)
        if len(source.classes) < 2:
            raise ValueError(
                "A classifier needs texts of two classes at least: add rows with "
                f"another label, or name another column with --label. Received: "
                f"data={self.data!r}, in which all {len(source)} labels are "
                f"{shorten(source.classes[0])}"
            )
        return source

    def data_files(self) -> list[str]:
        """Returns the file or the folder of the texts."""
        return [self.data]

    def class_names(self) -> list[str]:
        """Returns the labels of the file, in the order of the option `classes`."""
        found = self.source.classes
        if not self.classes:
            return found
        (names,) = csv.reader([self.classes], skipinitialspace=True)
        names = [name.strip() for name in names]
        missing = [name for name in found if name not in names]
        unknown = [name for name in names if name not in found]
        if missing or unknown or len(set(names)) < len(names):
            wrong = []
            if missing:
                wrong.append(f"without {shorten(', '.join(missing), str, 300)}")
            if unknown:
                hint = closest(unknown[0], found)
                wrong.append(f"{shorten(unknown[0])} is no label of the file.{hint}")
            raise ValueError(
                "classes must name every label of the file once, separated by commas: "
                f"{shorten(', '.join(found), str, 500)}. Received: "
                f"classes={shorten(self.classes)}"
                + (f", {'; '.join(wrong)}" if wrong else ", with one twice")
            )
        return names

    @functools.cached_property
    def parts(self) -> tuple:
        """Training and validation parts: a tenth of each class, if it has two texts."""
        from rnnzoo.data.pipeline import split_by_class

        return split_by_class(self.source, self.source.labels, 0.1, 10_000)

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: one pass over the texts, within limits."""
        if self.steps_per_epoch:
            return self.steps_per_epoch
        passes = PASSES * len(self.parts[0]) // self.batch_size
        steps = self.examples().batches_per_epoch(self.batch_size)
        return min(max(steps, min(passes, FEWEST_STEPS)), MOST_STEPS)

    @functools.cached_property
    def body(self) -> Any:
        """The trained classifier whose body the model begins with, or `None`.

        The default weights do not serve other tokens than words, or other sizes.
        """
        from rnnzoo import text_classifier
        from rnnzoo.models.text_start import BODY_SETTINGS

        asked = {name: getattr(self, name) for name in BODY_SETTINGS}
        changed = {**self.changed_settings(), "tokens": self.tokens}
        if self.weights == "none":
            return None
        if self.weights == "imdb":
            if self.tokens not in ("auto", "words") or set(changed) & set(asked):
                return None
        body = text_classifier(self.weights)
        for name in ("tokens", *BODY_SETTINGS):
            own = body.arguments[name]
            if name in changed and changed[name] not in ("auto", own):
                raise ValueError(
                    f"The weights {self.weights!r} have {name}={own!r}: leave {name} "
                    "out, or train without them (--weights=none). Received: "
                    f"{name}={changed[name]!r} where the weights have {own!r}"
                )
        return body

    @functools.cached_property
    def start(self) -> Any:
        """The tokens and solved regressions that the model begins with."""
        from rnnzoo.models import text_start
        from rnnzoo.tokens import TOKENS

        if self.tokens not in ("auto", *TOKENS):
            raise ValueError(
                f"tokens must be auto, {', '.join(TOKENS)}."
                f"{closest(self.tokens, ['auto', *TOKENS])} Received: "
                f"tokens={self.tokens!r}"
            )
        body, training = self.body, self.parts[0]
        rows = np.linspace(
            0, len(training) - 1, min(len(training), text_start.TEXT_LIMIT)
        )
        order = np.sort(training.indices[rows.astype(int)])
        texts, labels = self.source.rows(order)
        kinds = [self.tokens]
        if self.tokens == "auto":
            kinds = text_start.choose_kinds(texts)
            if body is not None and self.weights != "imdb":
                kinds = [body.arguments["tokens"]]
        names = {name: number for number, name in enumerate(self.class_names())}
        return text_start.choose_start(
            texts,
            np.array([names[name] for name in labels]),
            len(names),
            kinds=kinds,
            body=body,
            vocabulary_size=self.vocabulary_size,
            new_words=self.new_words,
            max_n=None if self.ngrams < 1 else self.ngrams,
            max_ngrams=self.ngram_rows,
            max_length=self.max_length,
            normalize=self.normalize,
        )

    def model(self) -> Any:
        """Returns the classifier with solved regressions, and a trained body if any."""
        from rnnzoo.models.text_start import BODY_SETTINGS

        start, body = self.start, self.body
        settings = start.settings()
        if not self.ngrams:
            settings |= {"ngrams": 0, "ngram_rows": self.ngram_rows}
        if start.head is not None:
            settings |= {name: body.arguments[name] for name in BODY_SETTINGS}
        model = self.build(classes=self.class_names(), **settings)
        start.apply(model, body if start.head is not None else None)
        if self.ngrams and not self.balance:
            counts = np.array(
                list(self.count_classes(self.parts[0]).values()), "float32"
            )
            frequencies = np.log(np.maximum(counts, 0.5) / counts.sum())
            model.get_layer("paths").frequencies.assign(frequencies)
        return model

    def optimizer(self, model: Any) -> Any:
        """Returns Adam, with a rate per layer where the body is trained."""
        from rnnzoo.training import finetuning
        from rnnzoo.training.recipe import Recipe

        if self.start.head is None:
            return Recipe.optimizer(self, model)
        return finetuning.layerwise_adam(
            model,
            decay=self.layer_decay,
            unfreeze_steps=self.steps if self.unfreeze else 0,
            **self.optimizer_options(),
        )

    def class_weights(self) -> dict[str, float] | None:
        """Returns weights with which every class counts the same, with `balance`."""
        if not self.balance:
            return None
        counts = self.count_classes(self.parts[0])
        total = sum(counts.values()) / len(counts)
        return {name: total / max(count, 1) for name, count in counts.items()}

    def callbacks(self, model: Any, validation: Any) -> list:
        """Returns what chooses the weights of both answers, and measures macro F1."""
        from rnnzoo.training.mixtures import ChooseShares

        prior = self.start.shares if self.ngrams else None
        return [ChooseShares(model, validation, prior)]


RECIPE = OwnTexts
