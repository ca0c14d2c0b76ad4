"""Trains a tagger on annotated sentences of your own: a label per word, or spans.

    rnnzoo train own_tags --data=train.conll
    rnnzoo train own_tags --data=train.conllu --column=XPOS
    rnnzoo train own_tags --data=annotated.jsonl
    rnnzoo train own_tags --data=seq.in --tags=seq.out --intents=label
    rnnzoo evaluate runs/own_tags/best.keras --data=test.conll

The data are CoNLL columns, CoNLL-U, JSON lines with spans, or parallel files
(`rnnzoo.data.tagged`); the format and the scheme of the tags are found in them. Tags
that break their scheme are counted and repaired. A tenth of the sentences is kept for
validation, unless `--validation` names a file; `--test` is measured once, at the end.

The model reads words by their characters too, so that it has something to say of words
that it has not seen (Ma and Hovy, 2016, arXiv:1603.01354), and gives probabilities to
whole sequences of tags (Huang et al., 2015, arXiv:1508.01991). What it has to beat is
the most frequent tag of each word. Where the default weights of a tagger know most of
the words, as in English, training starts from them, with new scores for the new tags.
"""

import dataclasses
import functools
import pathlib
import shlex
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnzoo.errors import shorten
from rnnzoo.training.recipe import Recipe, option

# An epoch of few sentences has this many steps at least.
FEWEST_STEPS = 30
# Sentences are learned in pieces of at most so many words.
LONGEST = 150
# Training starts from these weights where they know such a share of the words.
DEFAULT_WEIGHTS, KNOWN_SHARE = "ewt_upos", 0.8


@dataclasses.dataclass(kw_only=True)
class OwnTags(Recipe, model="tagger"):
    """Trains a tagger on annotated sentences of a file."""

    trained_on = "annotated sentences of a user's own"
    licence = "that of the sentences, and of the weights that it began with"
    shows_samples = False

    epochs: int = option(30)
    patience: int = option(4)
    batch_size: int = option(16, "sentences per batch, over all devices")
    steps_per_epoch: int = option(
        0, "batches per epoch; 0 for a pass over the sentences, or 30 if that is more"
    )
    learning_rate: float = option(4e-3)
    warmup_steps: int = option(50)
    data: str = option(
        "", "annotated sentences: columns (CoNLL, CoNLL-U), jsonl with spans, or words"
    )
    validation: str = option(
        "", "more of them to validate on; default: a tenth of data"
    )
    test: str = option("", "more of them to measure the finished model on")
    tags: str = option("", "a file of tags, if data has only words, line by line")
    intents: str = option(
        "", "a file of an intent per line, or its key in a jsonl file"
    )
    column: str = option(
        "", "column of the tags: a number from 1, or a name; default: UPOS or the last"
    )
    word_column: str = option("", "column of the words; default: FORM or the first")
    text: str = option("text", "key of the texts in a jsonl file")
    scheme: str = option("auto", "of the tags: plain, iob1, iob2, iobes, or auto")
    broken: str = option(
        "repair", "what to do with tags that break their scheme: repair or refuse"
    )
    encoding: str = option("utf-8", "how the file's characters are encoded")
    skip_bad_rows: bool = option(False, "report and skip lines that cannot be used")
    vocabulary_size: int = option(
        20_000, "most frequent words that are known", minimum=1
    )
    weights: str = option(
        "auto",
        "listed weights or a .keras file to start from; none for none; auto for the "
        "default weights if they know most of the words",
    )

    def open_file(self, path: str, tags: str = "", intents: str = "") -> Any:
        """Returns annotated sentences of a file, which are read as those of `data`."""
        from rnnzoo.data.tagged import TaggedSentences
        from rnnzoo.tokens.spelled import word_offsets

        source = TaggedSentences(
            path,
            tags=tags,
            intents=intents,
            column=self.column,
            words=self.word_column,
            text=self.text,
            scheme=self.scheme,
            encoding=self.encoding,
            split=word_offsets,
            broken=self.broken,
            skip_bad_rows=self.skip_bad_rows,
        )
        if source.report:
            print(source.report)
        return source

    @functools.cached_property
    def source(self) -> Any:
        """The annotated sentences of the file."""
        if not self.data:
            raise ValueError(
                "Say which file holds the annotated sentences: --data=train.conll. "
                f"Received: data={self.data!r}"
            )
        return self.open_file(self.data, self.tags, self.intents)

    def data_files(self) -> list[str]:
        """Returns the files of the sentences."""
        paths = [str(path) for path in self.source.paths]
        return [*paths, *filter(None, [self.validation])]

    @functools.cached_property
    def parts(self) -> tuple:
        """Training and validation parts: a tenth of the sentences is held out."""
        from rnnzoo.data.pipeline import Subset
        from rnnzoo.data.sentence_parts import hold_out

        if self.validation:
            return self.source, self.open_file(self.validation)
        rest, part = hold_out(self.source)
        return Subset(self.source, rest), Subset(self.source, part)

    @functools.cached_property
    def names(self) -> tuple[list[str], list[str]]:
        """All tags and all intents, of the validation part too."""
        from rnnzoo.data.schemes import PREFIXES, split_tag

        sources = [self.source]
        if self.validation:
            sources.append(self.parts[1])
        tags = {tag for source in sources for tag in source.tag_names}
        if self.source.scheme != "plain":
            # A label may have longer and shorter spans than those in the file.
            labels = {split_tag(tag)[1] for tag in tags} - {""}
            letters = PREFIXES[self.source.scheme]
            tags |= {"O", *(f"{one}-{name}" for name in labels for one in letters)}
        if len(tags) < 2:
            raise ValueError(
                "A tagger needs two different tags at least: name another column with "
                f"--column, or the scheme with --scheme. Received: data={self.data!r}, "
                f"in which all tags are {shorten(next(iter(tags)))}"
            )
        intents = {name for source in sources for name in source.intent_names}
        order = sorted(tags, key=lambda tag: (tag != "O", tag))
        return order, sorted(intents)

    @property
    def judge(self) -> str:
        """The metric that is highest at the best epoch: F1, if there are spans."""
        return "" if self.source.scheme == "plain" else "span_f1"

    @functools.cached_property
    def words(self) -> list[list[str]]:
        """The words of the sentences to learn from."""
        return self.pieces[0].rows(range(len(self.pieces[0])))[0]

    @functools.cached_property
    def start(self) -> str | None:
        """The weights that training begins with; `None` for none.

        The default weights have sizes of their own, and know some words.
        """
        import rnnzoo
        from rnnzoo.tokens.spelled import measure_coverage
        from rnnzoo.weights import read_settings

        if self.weights != "auto":
            return None if self.weights == "none" else self.weights
        if {*self.changed_settings()} - {*rnnzoo.tagger.model_class.REPLACEABLE}:
            return None
        known = read_settings(rnnzoo.tagger, DEFAULT_WEIGHTS, {})[1]
        share = measure_coverage(self.words, known["vocabulary"], known["lowered"])
        return DEFAULT_WEIGHTS if share >= KNOWN_SHARE else None

    def model(self) -> Any:
        """Returns the tagger for these tags and words, maybe with trained weights."""
        from rnnzoo.models.tagging import Tagger
        from rnnzoo.recipes._tagging import begin_with

        tags, intents = self.names
        settings = {"tags": tags, "scheme": self.source.scheme, "intents": intents}
        settings["vocabulary"] = Tagger.learn_vocabulary(
            self.words, self.vocabulary_size
        )
        if self.start is None:
            characters = Tagger.learn_characters(self.words)
            return self.build(characters=characters, **settings)
        settings |= {"dropout": self.dropout, "token_dropout": self.token_dropout}
        return begin_with(self.start, **{**self.changed_settings(), **settings})

    def changed_settings(self) -> dict[str, Any]:
        """Returns the model's settings that differ from the recipe's defaults."""
        own = ("tags", "intents", "scheme", "vocabulary", "characters")
        found = super().changed_settings()
        return {name: value for name, value in found.items() if name not in own}

    @functools.cached_property
    def pieces(self) -> tuple:
        """Both parts, with long sentences in pieces, which need less memory."""
        from rnnzoo.data.sentence_parts import cut_sentences

        return tuple(cut_sentences(part, LONGEST) for part in self.parts)

    def examples(self) -> Any:
        """Returns the training part, shuffled, in batches of similar length."""
        from rnnzoo.data.pipeline import Shuffled

        return Shuffled(self.pieces[0])

    def validation_examples(self) -> tuple:
        """Returns the validation part."""
        return self.pieces[1].rows(range(len(self.pieces[1])))

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: one pass over the sentences, or several over few."""
        if self.steps_per_epoch:
            return self.steps_per_epoch
        return max(self.examples().batches_per_epoch(self.batch_size), FEWEST_STEPS)

    def introduce(self, model: Any, say: Callable[[str], None]) -> None:
        """Says what the file holds, what is to be beaten, and how long it takes."""
        from rnnzoo.analysis.tag_baseline import MostFrequentTag
        from rnnzoo.analysis.tagging import tagging_report
        from rnnzoo.data.schemes import split_tag
        from rnnzoo.models.tag_reports import split_targets

        training, validation = self.parts
        source, (tags, intents) = self.source, self.names
        scheme = source.scheme
        line = f"Sentences: {len(source):,} of {int(sum(source.lengths)):,} words"
        if scheme == "plain":
            say(f"{line}, {len(tags)} tags: {shorten(', '.join(tags), str, 300)}")
        else:
            labels = sorted({split_tag(tag)[1] for tag in tags} - {""})
            names = shorten(", ".join(labels), str, 300)
            converted = ""
            if source.file_scheme != scheme:
                converted = f", converted from {source.file_scheme}"
            say(f"{line}, {len(labels)} labels of spans: {names}")
            say(f"Scheme: {scheme}{converted}")
        if intents:
            say(f"Intents: {shorten(', '.join(intents), str, 300)}")
        if len(training) == len(source) == len(validation):
            say("Split: too few sentences to hold some out; validated on those learned")
        else:
            say(
                f"Split: {len(training):,} sentences to learn from, "
                f"{len(validation):,} to validate"
            )
        if self.start is not None:
            say(f"Training starts from the weights {self.start}")
        words, targets = validation.rows(np.arange(len(validation)))
        true, _ = split_targets(targets)
        there, tagged = training.rows(np.arange(len(training)))
        baseline = MostFrequentTag(there, split_targets(tagged)[0], scheme)
        report = tagging_report(words, true, baseline.tag(words), scheme)
        figures = f"token accuracy {report.token_accuracy:.3f}"
        if scheme != "plain":
            figures = f"span F1 {report.micro.f1:.3f}, {figures}"
        say(f"Baseline, most frequent tag of the word: {figures}")
        seconds = self._estimate_seconds(model)
        say(
            f"At most {self.epochs} epochs of {self.steps} steps, about "
            f"{max(seconds, 1):.0f} s each; fewer if {self.patience} in a row do not "
            "help"
        )

    def _estimate_seconds(self, model: Any) -> float:
        """Estimates the seconds of an epoch by a batch that is only read."""
        times = []
        words, _ = self.examples().batch(self.batch_size, self.seed, 0)
        for _ in range(2):  # the first compiles
            begin = time.monotonic()
            model.tag_words(words)
            times.append(time.monotonic() - begin)
        validation = len(self.pieces[1]) / self.batch_size
        return times[-1] * (3 * self.steps + validation)

    def report(self, model: Any, progress: Any = iter) -> Any:
        """Returns the report on the test file, or else on the validation part."""
        from rnnzoo.models.tag_reports import report_tags

        part = self.open_file(self.test) if self.test else self.parts[1]
        return report_tags(model, part, progress, self.parts[0])

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns F1 of spans, accuracy of words and the baseline's."""
        return self.report(model, progress).figures()

    def conclude(
        self, model: Any, run: pathlib.Path, progress: Any, say: Callable[[str], None]
    ) -> None:
        """Says how good the best epoch is, draws it, and says what to do with it."""
        from rnnzoo.analysis.tagging import plot_tag_confusion
        from rnnzoo.writing import write_text

        report = self.report(model)
        write_text(run / "report.txt", f"{report}\n")
        plot_tag_confusion(report, run / "confusion.png")
        say(f"Best epoch: {progress.best_epoch} of {progress.epoch}")
        say(f"On the {'test' if self.test else 'validation'} sentences:")
        say(str(report))
        say(f"Written: {run / 'report.txt'}, {run / 'confusion.png'}")
        best = shlex.quote(str(run / "best.keras"))
        words, _ = self.parts[1].rows([0])
        text = " ".join(words[0])
        text = shorten(text if text[:1] != "-" else "a text", str, 60)
        folder = shlex.quote(str(pathlib.Path("served") / run.name))
        say("Next:")
        say(f"  rnnzoo evaluate {best} --data=FILE")
        say(f"  rnnzoo answer {best} {shlex.quote(text)}")
        say(f"  rnnzoo export {best} --to={folder}")


RECIPE = OwnTags
