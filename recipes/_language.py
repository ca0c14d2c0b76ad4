"""Base of the language recipes: text, vocabulary, examples, figures."""

import dataclasses
import functools
import math
from typing import Any

from rnnzoo.training.recipe import Recipe, option

# What figures are per.
UNITS = {"characters": "character", "bytes": "byte", "subwords": "subword"}
# Tokens of at most a character: windows are cut between characters, else between words.
CUT_ANYWHERE = ("characters", "bytes")


@dataclasses.dataclass(kw_only=True)
class LanguageRecipe(Recipe, model="language_model"):
    """Trains a language model on a long text, which subclasses provide."""

    steps_per_epoch: int = option(0, "batches per epoch; 0 for one pass over the text")
    learning_rate: float = option(2e-3)
    ema_momentum: float = option(0.99)
    stateful: bool = option(
        True, "carry the state from batch to batch; else train on random windows"
    )
    bptt_steps: int = option(
        128,
        "tokens per batch and row with stateful: the steps of truncated BPTT",
        minimum=2,
    )
    random_lengths: bool = option(
        False, "with stateful: other numbers of tokens, around bptt_steps, per batch"
    )
    averaged_sgd: bool = option(
        False,
        "descend without Adam, at a constant rate of about 30; when validation has "
        "stopped improving, average the weights (NT-ASGD)",
    )
    vocabulary_size: int = option(10_000, "largest size of the vocabulary", minimum=1)

    @functools.cached_property
    def texts(self) -> tuple[str, str]:
        """The training text and the validation text."""
        raise NotImplementedError(f"{type(self).__name__} must say what it trains on")

    @property
    def test_text(self) -> str:
        """The text that `evaluate` measures on; default: the validation text."""
        return self.texts[1]

    @functools.cached_property
    def symbols(self) -> tuple:
        """Both texts as windows are cut from them: characters, or lists of words."""
        from rnnzoo.tokens import TOKENS

        if self.tokens in CUT_ANYWHERE:
            return self.texts
        return tuple(map(TOKENS[self.tokens].split, self.texts))

    @property
    def separator(self) -> str:
        """What stands between two symbols."""
        from rnnzoo.tokens import TOKENS

        return TOKENS[self.tokens].separator

    def vocabulary(self) -> Any:
        """Returns the most frequent tokens of the training text."""
        from rnnzoo.tokens import TOKENS

        options = {"lossless": True} if self.tokens == "subwords" else {}
        learn = TOKENS[self.tokens].learn
        return learn([self.texts[0]], self.vocabulary_size, **options)

    def model(self) -> Any:
        """Returns an untrained model with the vocabulary of the training text."""
        from rnnzoo.errors import check_choice
        from rnnzoo.tokens import TOKENS

        check_choice("tokens", self.tokens, TOKENS)
        return self.build(
            vocabulary=None if self.tokens == "bytes" else self.vocabulary()
        )

    def examples(self) -> Any:
        """Returns segments of parallel streams, or windows at random places."""
        from rnnzoo.data.text import Streams, Windows

        text = self.symbols[0]
        if self.stateful:
            length = min(self.bptt_steps, self.max_length)
            return Streams(text, length, self.separator, self.random_lengths)
        return Windows(text, self.max_length, self.separator)

    def prepare(self, model: Any, devices: Any) -> None:
        """Makes the model carry its state from batch to batch."""
        if not self.stateful:
            return
        if devices.has_several_machines:
            raise ValueError(
                "The state is not carried on several machines, each of which would "
                "have to save its own: train on windows with --no-stateful. Received: "
                "stateful=True"
            )
        model.carry_state(self.batch_size // devices.strategy.num_replicas_in_sync)

    def static_length(self, model: Any) -> int:
        """Returns the most symbols of a row."""
        longest = self.bptt_steps * 5 // 4 if self.random_lengths else 0
        return max(super().static_length(model), longest)

    def optimizer(self, model: Any) -> Any:
        """Returns Adam; or gradient descent, which averages the weights at the end."""
        from rnnzoo.training.averaging import AveragedSGD

        if not self.averaged_sgd:
            return super().optimizer(model)
        return AveragedSGD(self.learning_rate, global_clipnorm=self.clip_norm)

    def callbacks(self, model: Any, validation: Any) -> list:
        """Returns what lets the averaging begin."""
        from rnnzoo.training.averaging import BeginAverage

        return [BeginAverage()] if self.averaged_sgd else []

    def validation_examples(self) -> tuple:
        """Returns the validation text, cut into windows."""
        from rnnzoo.data.text import windows

        return windows(self.symbols[1], self.max_length, self.separator)

    def evaluate(self, model: Any, progress: Any = iter) -> dict[str, float]:
        """Returns the loss per token of the test text, and its perplexity.

        The state is carried over the whole text; for comparison, one figure has the
        loss if it is reset at the start of every window.
        """
        from rnnzoo.data.text import windows

        unit, text = UNITS.get(self.tokens, "word"), self.test_text
        symbols = text if self.tokens in CUT_ANYWHERE else model.tokens.split(text)
        halves = windows(symbols, self.max_length, self.separator)
        parts = list(map(self.separator.join, zip(*halves, strict=True)))
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
