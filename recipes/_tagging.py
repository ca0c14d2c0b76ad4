"""What the recipes of taggers share: data, vocabulary, model, measures."""

import dataclasses
import functools
import pathlib
from typing import Any

from rnnzoo.training.recipe import Recipe, option


@dataclasses.dataclass(kw_only=True)
class TaggingRecipe(Recipe, model="tagger"):
    """Trains a tagger on annotated sentences; subclasses say on which."""

    epochs: int = option(20)
    steps_per_epoch: int = option(
        0, "batches per epoch; 0 for one pass over the sentences"
    )
    batch_size: int = option(32)
    learning_rate: float = option(3e-3)
    warmup_steps: int = option(200)
    ema_momentum: float = option(0.998)
    vocabulary_size: int = option(
        30_000, "most frequent words that are known", minimum=1
    )
    min_count: int = option(2, "how often a known word is there at least", minimum=1)
    sentences: int = option(
        0,
        "train on as many sentences, the first of a permutation; 0 for all",
        minimum=0,
    )

    weights: str = option(
        "none", "listed weights or a .keras file to start from; none for none"
    )
    layer_decay: float = option(
        1.0, "how much slower each layer before another learns, from weights", minimum=1
    )

    def read_part(self, part: str) -> Any:
        """Returns the `rnnzoo.data.tagged.TaggedSentences` of a part of the data."""
        raise NotImplementedError(f"{type(self).__name__} must say what it reads")

    @functools.cached_property
    def _parts(self) -> dict[str, Any]:
        return {}

    def part(self, name: str) -> Any:
        """Returns what `read_part` does, and reads it once."""
        if name not in self._parts:
            self._parts[name] = self.read_part(name)
        return self._parts[name]

    @functools.cached_property
    def annotated(self) -> Any:
        """The sentences that were annotated, all or as many as are asked for."""
        import numpy as np

        from rnnzoo.data.pipeline import Subset

        source = self.part("train")
        if not self.sentences:
            return source
        order = np.random.default_rng(self.seed).permutation(len(source))
        return Subset(source, order[: self.sentences])

    @functools.cached_property
    def training(self) -> Any:
        """The sentences to train on."""
        return self.annotated

    @functools.cached_property
    def tag_settings(self) -> dict[str, Any]:
        """The tags of all training sentences, what they mean, and the intents."""
        source = self.part("train")
        return {
            "tags": source.tag_names,
            "scheme": source.scheme,
            "intents": source.intent_names,
        }

    @functools.cached_property
    def sentences_to_know(self) -> list[list[str]]:
        """The sentences whose words are known.

        They are the annotated ones: made ones have rare words more often.
        """
        return self.annotated.rows(range(len(self.annotated)))[0]

    @functools.cached_property
    def words(self) -> list[str]:
        """The words to know."""
        from rnnzoo.models.tagging import Tagger

        found = self.sentences_to_know
        return Tagger.learn_vocabulary(found, self.vocabulary_size, self.min_count)

    def model(self) -> Any:
        """Returns a tagger for the words of the training part, maybe with weights."""
        from rnnzoo.models.tagging import Tagger

        settings = {**self.tag_settings, "vocabulary": self.words}
        if self.weights == "none":
            characters = Tagger.learn_characters(self.sentences_to_know)
            return self.build(**settings, characters=characters)
        settings |= {"dropout": self.dropout, "token_dropout": self.token_dropout}
        return begin_with(self.weights, **settings)

    def optimizer(self, model: Any) -> Any:
        """Returns Adam, with a rate per layer if training starts from weights."""
        from rnnzoo.training import finetuning

        if self.weights == "none" or self.layer_decay == 1:
            return super().optimizer(model)
        options = self.optimizer_options()
        return finetuning.layerwise_adam(model, decay=self.layer_decay, **options)

    @functools.cached_property
    def steps(self) -> int:
        """Batches per epoch: one pass over the sentences, or several over few."""
        return self.steps_per_epoch or max(super().steps, 20)

    def examples(self) -> Any:
        """Returns the training part, shuffled, in batches of similar length."""
        from rnnzoo.data.pipeline import Shuffled

        return Shuffled(self.training)

    def validation_examples(self) -> tuple:
        """Returns the sentences to validate on."""
        source = self.part("valid")
        return source.rows(range(len(source)))

    def static_length(self, model: Any) -> int:
        """Returns the number of words of the longest sentence, and its intent."""
        return int(max(self.training.lengths)) + bool(model.intents)

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the figures of the test part."""
        return self.measure(model, "test")

    def measure(self, model: Any, part: str) -> dict[str, float]:
        """Returns the figures of a part of the data.

        The share of words that have their tag; of spans that are right in label and
        place, the F1; of sentences with their intent; and of those all right.
        """
        import numpy as np

        from rnnzoo.analysis.tagging import score_spans

        source = self.part(part)
        found, said = zip(*model.label(source.words), strict=True)
        pairs = list(zip(source.tags, found, strict=True))
        same = [np.equal(true, mine) for true, mine in pairs]
        figures = {"accuracy": float(np.concatenate(same).mean())}
        right = np.array([one.all() for one in same])
        if model.scheme != "plain":
            _, micro, _ = score_spans(source.tags, found, model.scheme)
            figures = {"span_f1": micro.f1, **figures}
        if model.intents:
            intents = np.array(said) == np.array(source.intents)
            figures["intent_accuracy"] = float(intents.mean())
            right &= intents
        return {**figures, "sentence_accuracy": float(right.mean())}


def begin_with(weights: str, vocabulary: list[str], **settings: Any) -> Any:
    """Returns a tagger with trained weights, which knows more words than before."""
    from rnnzoo import tagger
    from rnnzoo.weights import read_settings

    known = read_settings(tagger, weights, {})[1]["vocabulary"]
    more = dict.fromkeys([*known, *vocabulary])
    return tagger(weights, vocabulary=[*more], **settings)


def find_folder(data: str, name: str, files: tuple[str, ...]) -> pathlib.Path:
    """Returns the folder of a data set; an error says which files it must hold."""
    folder = pathlib.Path(data).expanduser()
    missing = [one for one in files if not (folder / one).exists()]
    if missing:
        raise FileNotFoundError(
            f"The folder must hold the files of {name} ({', '.join(files)}): say where "
            f"it is with --data=FOLDER. Received: data={data!r}, without "
            f"{missing[0]!r}"
        )
    return folder
