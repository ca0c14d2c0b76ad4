"""What every classifier has: names of classes, answers in batches, reports."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo import analysis
from rnnzoo import weights as weight_files
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.data.pipeline import Source
from rnnzoo.tokens import check_texts
from rnnzoo.tokens.labels import check_classes, class_numbers, to_python


class Classifier(ManyToOne):
    """Base of models that answer with the name of one of `classes`.

    A subclass has a constructor with the argument `classes`, which it keeps in
    `self.classes` and `self.arguments`, and sets `tokens`: that is all for texts.
    Others say how raw inputs are checked (`check_inputs`). The base then has `classify`
    and `probabilities` for any number of inputs, `report`, `explain`, exports, and a
    fresh head for other classes.

    Attributes:
        classes: Names of the classes, in the order of the graph's outputs.
        tokens: What turns raw inputs into arrays; see `rnnzoo.tokens`.
    """

    REPLACEABLE = ("classes",)
    # What messages call several inputs, and how many are answered at a time.
    INPUTS = "texts"
    BATCH_SIZE = 64
    classes: list[str]
    tokens: Any

    def check_inputs(self, inputs: Any) -> tuple[list, bool]:
        """Returns the rows of one raw input or a batch, and whether it was a batch.

        Raises:
            TypeError: If something is not a text; names every such row.
        """
        if isinstance(inputs, (str, bytes)) or getattr(inputs, "shape", None) == ():
            return check_texts([to_python(inputs)], self.INPUTS), False
        return check_texts(inputs, self.INPUTS), True

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts raw inputs to inputs of the graph, and labels to class indices.

        Args:
            inputs: Raw inputs, as `classify` takes them.
            targets: Names of classes, as many; `None` for none. Others than strings are
                compared as text, so that the class "3" may be given as 3.

        Raises:
            ValueError: If there are not as many labels, or one is not a class.
        """
        rows, _ = self.check_inputs(inputs)
        if targets is not None:
            if len(targets) != len(rows):
                raise ValueError(
                    f"There must be as many labels as {self.INPUTS}. Received: "
                    f"{len(rows)} {self.INPUTS} and {len(targets)} labels"
                )
            targets = self.class_numbers(targets)
        return self.tokens.encode_checked(rows), targets

    def class_numbers(self, labels: Sequence) -> np.ndarray:
        """Converts names of classes to numbers; see `rnnzoo.tokens.class_numbers`."""
        return class_numbers(labels, self.classes)

    def classify(self, inputs: Any, probabilities: bool = False) -> Any:
        """Names the class of an input, or of each input of a batch.

        Memory does not grow with the number of inputs. Of a text that is longer than
        the model's `max_length`, the first half of that many tokens and the last half
        are read, and a warning says of how many texts that is true. An empty text is
        answered as one unknown token.

        Args:
            inputs: A text, or a list, tuple, array or tensor of texts; a series of
                numbers or a batch of them for models of series.
            probabilities: Whether to return each class's probability.

        Returns:
            The name of the most likely class, or a dict from every class to its
            probability; a list of these for a batch.

        Raises:
            TypeError: If something is of the wrong type; names every such row. Nothing
                is answered then.
            ValueError: If an input cannot be used; names every such row too.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> model = sentiment_classifier()
            >>> model.classify("A quiet triumph.")
            'positive'
            >>> model.classify(["What a bore!", "Go and see it."])
            ['negative', 'positive']
        """
        rows, is_batch = self.check_inputs(inputs)
        shares = self._measure(rows)
        if probabilities:
            answers = [
                dict(zip(self.classes, map(float, row), strict=True)) for row in shares
            ]
        else:
            answers = [self.classes[number] for number in shares.argmax(axis=1)]
        return answers if is_batch else answers[0]

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Returns the probability of each class, `[inputs, classes]`, float32."""
        return self._measure(self.check_inputs(inputs)[0])

    def answer(self, inputs: Any) -> Any:
        """Names the class of an input, or of each input of a batch, as `classify`.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> sentiment_classifier().answer("A quiet triumph.")
            'positive'
        """
        return self.classify(inputs)

    def _measure(self, rows: list) -> np.ndarray:
        """Returns the probabilities of checked rows; warns of those read in part."""
        shares, truncated = self._measure_batches(rows)
        self._warn_of_truncated(truncated, len(rows))
        return shares

    def _measure_batches(self, rows: list) -> tuple[np.ndarray, int]:
        """Returns the probabilities of checked rows, and how many were truncated."""
        order = np.argsort([len(row) for row in rows], kind="stable")
        shares = np.zeros((len(rows), len(self.classes)), "float32")
        truncated = 0
        for start in range(0, len(rows), self.BATCH_SIZE):
            part = order[start : start + self.BATCH_SIZE]
            batch = [rows[index] for index in part]
            tokens = self.tokens.encode_checked(batch)
            truncated += self._count_truncated(batch, tokens)
            shares[part] = keras.ops.convert_to_numpy(self._probabilities(tokens))
        return shares, truncated

    @functools.cached_property
    def _probabilities(self) -> Callable:
        """The compiled `probabilities_in_graph`."""
        tokens = (self.input_shape, self.inputs[0].dtype)
        return compile_graph(self.probabilities_in_graph, tokens)

    def _count_truncated(self, rows: list, tokens: np.ndarray) -> int:
        """Returns how many texts have more tokens than were read."""
        limit = getattr(self.tokens, "max_length", None)
        if limit is None or tokens.shape[1] < limit:
            return 0
        full = [row for row, ids in zip(rows, tokens, strict=True) if ids[-1]]
        return sum(self.tokens.count(text) > limit for text in full)

    def _warn_of_truncated(self, truncated: int, count: int) -> None:
        """Warns if some of `count` texts were not read whole."""
        if truncated:
            limit, units = self.tokens.max_length, f"{self.tokens.kind}s"
            half = limit // 2
            warnings.warn(
                f"{truncated} of {count} texts have more than {limit} {units}: their "
                f"first {limit - half} and last {half} were read",
                stacklevel=4,
            )

    def report(self, source: Source, progress: Callable = iter) -> Any:
        """Measures the model on labelled inputs, which memory need not hold.

        Args:
            source: The inputs and the names of their classes, such as
                `rnnzoo.data.pipeline.Pairs` or `rnnzoo.data.files.LabelledFile`.
            progress: Wraps an iterable to show progress, as `tqdm` would.

        Returns:
            A `rnnzoo.analysis.ClassificationReport`.

        Raises:
            ValueError: If a label is not a class of the model.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> from rnnzoo.data.pipeline import Pairs
            >>> reviews = Pairs(["Superb.", "What a bore!"], ["positive", "negative"])
            >>> sentiment_classifier().report(reviews).accuracy
            1.0
        """
        order = np.argsort(source.lengths, kind="stable")
        numbers = np.zeros(len(source), "int32")
        shares = np.zeros((len(source), len(self.classes)), "float32")
        truncated = 0
        for start in progress(range(0, len(source), 1024)):
            part = order[start : start + 1024]
            inputs, labels = source.rows(part)
            numbers[part] = self.class_numbers(labels)
            shares[part], count = self._measure_batches(self.check_inputs(inputs)[0])
            truncated += count
        self._warn_of_truncated(truncated, len(source))
        return analysis.classification_report(numbers, shares, self.classes)

    def explain(
        self, example: Any, method: str = "occlusion", target_class: str | None = None
    ) -> analysis.Explanation:
        """Says which tokens of an input made the answer; see `rnnzoo.analysis.explain`.

        Args:
            example: One text, or one series.
            method: `"occlusion"`, or `"gradient"`: faster, and less exact.
            target_class: Name of the class to explain; `None` for the one answered.

        Returns:
            An `Explanation`: it prints, colours a terminal (`to_terminal`), shows in
            notebooks, and writes HTML (`save_html`).

        Raises:
            TypeError: If `example` is a batch, or of the wrong type.
            ValueError: If there is no such `method` or `target_class`.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> sentiment_classifier().explain("What a bore!").top(1)[0][0]
            'bore'
        """
        return analysis.explain(self, example, method, target_class)

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        tokens, limit = self.tokens, getattr(self.tokens, "max_length", None)
        lengths = [1, 7, 30, 200, *([limit + 1, 2 * limit] if limit else [])]
        rows = [random.integers(2, tokens.vocabulary_size, size) for size in lengths]
        unknown = "zweihundert .\N{GRINNING FACE}"
        return [
            "A quiet triumph.",
            "What a bore!<br />It's long.",
            *(f"{text} {unknown}" for text in tokens.decode(rows)),
        ]

    def probabilities_in_graph(self, tokens: Any) -> Any:
        """Returns the probabilities `[batch, classes]` of what the graph takes.

        `classify` and exports answer with this.
        """
        return keras.ops.softmax(self(tokens, training=False))

    def tokens_in_graph(self, text: Any) -> Any:
        """Returns what the graph takes for strings `[batch]`, in the graph."""
        return self.tokens(text)

    def answer_in_graph(self, text: Any) -> dict:
        """Names the classes of strings `[batch]`, in the graph of an export.

        Returns:
            `label` and its `probability`, `[batch]`; all `labels` and their
            `probabilities`, `[batch, classes]`.
        """
        import tensorflow as tf

        shares = self.probabilities_in_graph(self.tokens_in_graph(text))
        classes = tf.constant([name.encode() for name in self.classes])
        return {
            "label": tf.gather(classes, tf.argmax(shares, axis=1)),
            "probability": tf.reduce_max(shares, axis=1),
            "labels": tf.repeat(classes[None], tf.shape(shares)[0], axis=0),
            "probabilities": shares,
        }

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does, in Python, for a batch of texts."""
        shares = self.probabilities(text)
        return {
            "label": [self.classes[number] for number in shares.argmax(axis=1)],
            "probability": shares.max(axis=1),
            "labels": [self.classes] * len(shares),
            "probabilities": shares,
        }

    def with_classes(self, classes: Sequence[str]) -> Any:
        """Returns a copy with a fresh head for other classes.

        Args:
            classes: Names of the classes. Those that the model has already: it is
                returned as it is.

        Raises:
            ValueError: If `classes` are fewer than two, or one is there twice.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> model = sentiment_classifier()
            >>> model.with_classes(["angry", "calm", "happy"]).classes
            ['angry', 'calm', 'happy']
        """
        classes = check_classes(classes)
        return self if classes == self.classes else self._copy_with(classes=classes)

    def with_vocabulary(self, vocabulary: Sequence[str]) -> Any:
        """Returns a copy that knows other words, or other characters.

        The vectors of words that it knew are carried over. The vector of a new word is
        at first that of the unknown word, and n-grams with it are unseen ones.

        Args:
            vocabulary: The words to know, such as `model.tokens.vocabulary` and more. A
                model with n-grams must keep all that it knew.

        Raises:
            ValueError: If a word is there twice, one is left out that must not be, or
                the model reads bytes or subwords, whose vocabulary cannot change.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> model = sentiment_classifier()
            >>> words = [*model.tokens.vocabulary, "rnnzoo"]
            >>> model.with_vocabulary(words).tokens.vocabulary[-1]
            'rnnzoo'
        """
        vocabulary = list(vocabulary)
        if vocabulary == self.arguments.get("vocabulary"):
            return self
        return self._copy_with(vocabulary=vocabulary)

    def _copy_with(self, **changes: Any) -> Any:
        """Builds a model with other arguments and the weights that fit."""
        adapt = self.weight_adapter(self.arguments, changes)
        new = type(self)(**{**self.get_config(), **changes})
        new.card = {"body": self.card.get("name") or self.card}
        for weight, old in zip(new.weights, self.get_weights(), strict=True):
            own = keras.ops.convert_to_numpy(weight)
            weight.assign(adapt(weight.path.split("/")[0], old, own))
        return new

    @classmethod
    def from_file(cls, path: Any, config: dict, changes: dict) -> Any:
        """Builds a model with other arguments and what fits of a file's weights.

        Args:
            path: The file.
            config: The file's arguments.
            changes: Those of `REPLACEABLE` that are other than in the file.
        """
        adapt = cls.weight_adapter(config, changes)
        model = cls(**{**config, **changes})
        weight_files.copy_weights(path, model, adapt)
        return model

    @classmethod
    def weight_adapter(cls, config: dict, changes: dict) -> Callable:
        """Returns what carries weights over to a model with other arguments.

        Args:
            config: The arguments of the model that has the weights.
            changes: Those of `REPLACEABLE` that are other.

        Returns:
            A function of a layer's name, its old values, and the values that the new
            model has, to those that it gets.
        """
        rows: list[int] = []
        if "vocabulary" in changes:
            known, words = config["vocabulary"], list(changes["vocabulary"])
            if not isinstance(known, list):
                raise ValueError(
                    "The vocabulary of subwords and bytes cannot change: build an "
                    "untrained model for others. Received: vocabulary, for weights of "
                    f"{config['tokens']}"
                )
            if config.get("ngrams") and words[: len(known)] != known:
                # N-grams are known by the numbers of their words.
                raise ValueError(
                    "The vocabulary of a model with n-grams can be added to, and not "
                    "changed: begin with model.tokens.vocabulary. Received: vocabulary "
                    f"with {len(words)} words, which begins otherwise"
                )
            # 0 is padding and 1 the unknown word.
            places = {word: index for index, word in enumerate(known, 2)}
            rows = [0, 1, *(places.get(word, 1) for word in words)]

        def adapt(layer: str, old: np.ndarray, new: np.ndarray) -> np.ndarray:
            if layer in ("head", "ngrams") and "classes" in changes:
                return new
            return old[rows] if layer == "reader" and rows else old

        return adapt
