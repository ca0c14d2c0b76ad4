"""What the recipes for languages share: text, vocabulary, model, measures."""

import dataclasses
import functools
import math
from typing import Any

from rnnzoo.training.recipe import Recipe, option

# Options that are arguments of the model.
SETTINGS = (
    "tokens",
    "max_length",
    "embedding_dim",
    "units",
    "num_layers",
    "cell",
    "dropout",
    "weight_dropout",
    "tied_weights",
)

# What figures are of.
UNITS = {"characters": "character", "bytes": "byte", "subwords": "subword"}
# Windows are cut of characters where they are a symbol or more; else of words.
CUT_ANYWHERE = ("characters", "bytes")


@dataclasses.dataclass(kw_only=True)
class LanguageRecipe(Recipe):
    """Trains a language model on a long text; subclasses say on which."""

    steps_per_epoch: int = option(
        0, "batches per epoch; 0 for as many symbols as the text has"
    )
    batch_size: int = option(64, "pieces per batch, over all devices")
    learning_rate: float = option(2e-3, "highest learning rate, after warm-up")
    ema_momentum: float = option(0.99, "momentum of the average of the weights")
    max_length: int = option(256, "symbols of a window in validation, or elsewhere")
    piece: int = option(128, "symbols of a piece where the state is carried")
    carried: bool = option(
        True, "each batch goes on where the one before ended; else windows anywhere"
    )
    tokens: str = option(
        "characters", "characters, bytes, subwords, words or whitespace"
    )
    vocabulary_size: int = option(10_000, "most frequent symbols that are known")
    embedding_dim: int = option(128, "size of the vector that stands for a symbol")
    units: int = option(512, "size of each layer's state")
    num_layers: int = option(2, "recurrent layers")
    cell: str = option("lstm", "simple, gru or lstm")
    dropout: float = option(0.4, "share of features dropped in training")
    weight_dropout: float = option(
        0.0, "share of the weights between states dropped in training"
    )
    tied_weights: bool = option(False, "the head's weights are the symbols' vectors")

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The text to train on, and the text to validate on."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    @property
    def test_text(self) -> str:
        """The text that the figures are of."""
        return self.texts[1]

    @functools.cached_property
    def symbols(self) -> tuple:
        """Both texts as what windows are cut of: characters, or lists of words."""
        from rnnzoo.models.language import TOKENS

        if self.tokens in CUT_ANYWHERE:
            return self.texts
        return tuple(map(TOKENS[self.tokens].split, self.texts))

    @property
    def joint(self) -> str:
        """What stands between symbols."""
        from rnnzoo.models.language import TOKENS

        return TOKENS[self.tokens].joint

    def vocabulary(self) -> Any:
        """Returns the most frequent symbols of the training text."""
        from rnnzoo.models.language import TOKENS

        options = {"lossless": True} if self.tokens == "subwords" else {}
        learn = TOKENS[self.tokens].learn
        return learn([self.texts[0]], self.vocabulary_size, **options)

    def model(self) -> Any:
        """Returns an untrained model that knows the symbols of the training text."""
        from rnnzoo import language_model
        from rnnzoo.errors import check_choice
        from rnnzoo.models.language import TOKENS

        check_choice("tokens", self.tokens, TOKENS)
        return language_model(
            weights=None,
            vocabulary=None if self.tokens == "bytes" else self.vocabulary(),
            **{name: getattr(self, name) for name in SETTINGS},
        )

    def examples(self) -> Any:
        """Returns pieces of the training text: of streams, or at random places."""
        from rnnzoo.data.text import Streams, Windows

        text = self.symbols[0]
        if self.carried:
            return Streams(text, min(self.piece, self.max_length), self.joint)
        return Windows(text, self.max_length, self.joint)

    def prepare(self, model: Any, devices: Any) -> None:
        """Lets the model carry its state from batch to batch."""
        if not self.carried:
            return
        if devices.has_several_machines:
            raise ValueError(
                "The state is not carried on several machines, each of which would "
                "have to save its own: train on windows with --no-carried. Received: "
                "carried=True"
            )
        model.carry_state(self.batch_size // devices.strategy.num_replicas_in_sync)

    def validation_examples(self) -> tuple:
        """Returns the text to validate on, cut into windows."""
        from rnnzoo.data.text import windows

        return windows(self.symbols[1], self.max_length, self.joint)

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns what a symbol of the whole text of the figures costs.

        The state is carried over the whole text; and, for comparison, begins anew with
        every window.
        """
        from rnnzoo.data.text import windows

        unit, text = UNITS.get(self.tokens, "word"), self.test_text
        symbols = text if self.tokens in CUT_ANYWHERE else model.tokens.split(text)
        halves = windows(symbols, self.max_length, self.joint)
        parts = list(map(self.joint.join, zip(*halves, strict=True)))
        figures = {}
        for name, texts in progress(
            [("", [text]), (f"_in_windows_of_{model.max_length}", parts)]
        ):
            scores = model.score(texts)
            nats = sum(score["nats"] for score in scores)
            mean = nats / sum(score["symbols"] for score in scores)
            figures[f"nats_per_{unit}{name}"] = mean
        first = figures[f"nats_per_{unit}"]
        figures[f"bits_per_{unit}"] = first / math.log(2)
        figures["perplexity"] = math.exp(first)
        return figures
