"""What every classifier has: names of classes, answers in batches, reports."""

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo import analysis
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.data.pipeline import Source
from rnnzoo.models.adaptation import Adaptable
from rnnzoo.tokens.labels import check_classes, class_numbers


class Classifier(Adaptable, ManyToOne):
    """Base of models that answer with the name of one of `classes`.

    A subclass keeps its argument `classes` in `self.classes` and `self.arguments`, and
    sets `tokens`.

    Attributes:
        classes: Names of the classes, in the order of the graph's outputs.
        tokens: What turns raw inputs into arrays; see `rnnzoo.tokens`.
    """

    REPLACEABLE = ("classes",)
    classes: list[str]
    tokens: Any

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts raw inputs to inputs of the graph, and labels to class indices.

        Raises:
            ValueError: If there are not as many labels, or one is not a class.
        """
        rows, _ = self.raw.split(inputs)
        if targets is not None:
            labels = self.class_numbers(targets)
            if len(labels) != len(rows):
                raise ValueError(
                    f"There must be as many labels as {self.raw.name}. Received: "
                    f"{len(rows)} {self.raw.name} and {len(labels)} labels"
                )
            targets = labels
        return self.raw.encode(rows), targets

    def class_numbers(self, labels: Sequence) -> np.ndarray:
        """Converts names of classes to numbers; see `rnnzoo.tokens.class_numbers`."""
        return class_numbers(labels, self.classes)

    def classify(self, inputs: Any, probabilities: bool = False) -> Any:
        """Names the class of an input, or of each input of a batch.

        Of a text longer than the model's `max_length`, the first and the last half of
        that many tokens are read, with a warning. An empty text is one unknown token.

        Args:
            inputs: A text or a series, or a list, tuple, array or tensor of them.
            probabilities: Whether to return each class's probability.

        Returns:
            The name of the most likely class, or a dict from every class to its
            probability; a list of these for a batch.

        Raises:
            TypeError, ValueError: If an input cannot be used; names every such row.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> model = sentiment_classifier()
            >>> model.classify("A quiet triumph.")
            'positive'
            >>> model.classify(["What a bore!", "Go and see it."])
            ['negative', 'positive']
        """
        rows, is_batch = self.raw.split(inputs)
        shares = self._measure(len(rows), [(np.arange(len(rows)), rows)])
        answers: list = [self.classes[number] for number in shares.argmax(axis=1)]
        if probabilities:
            rows = shares.tolist()
            answers = [dict(zip(self.classes, row, strict=True)) for row in rows]
        return answers if is_batch else answers[0]

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Returns the probability of each class, `[inputs, classes]`, float32."""
        rows, _ = self.raw.split(inputs)
        return self._measure(len(rows), [(np.arange(len(rows)), rows)])

    def answer(self, inputs: Any) -> Any:
        """Names the class of an input, or of each input of a batch; as `classify`.

        Args:
            inputs: A text or a series, or a list, tuple, array or tensor of them.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> sentiment_classifier().answer("A quiet triumph.")
            'positive'
        """
        return self.classify(inputs)

    def _measure(self, count: int, parts: Iterable[tuple[Any, list]]) -> np.ndarray:
        shares = np.zeros((count, len(self.classes)), "float32")
        truncated, limit = 0, getattr(self.tokens, "max_length", None) or 0
        for places, rows in parts:
            order = np.argsort([len(row) for row in rows], kind="stable")
            for start in range(0, len(rows), self.raw.batch_size):
                chosen = order[start : start + self.raw.batch_size]
                batch = [rows[index] for index in chosen]
                tokens = self.raw.encode(batch)
                if limit and tokens.shape[1] >= limit:
                    full = [batch[row] for row in np.flatnonzero(tokens[:, -1])]
                    truncated += sum(self.tokens.count(text) > limit for text in full)
                answers = keras.ops.convert_to_numpy(self._probabilities(tokens))
                shares[places[chosen]] = answers
        if truncated:
            warnings.warn(
                f"{truncated} of {count} texts have more than {limit} "
                f"{self.tokens.kind}s: their first {limit - limit // 2} and last "
                f"{limit // 2} were read",
                stacklevel=3,
            )
        return shares

    @functools.cached_property
    def _probabilities(self) -> Callable:
        tokens = (self.input_shape, self.inputs[0].dtype)
        return compile_graph(self.probabilities_in_graph, tokens)

    def report(self, source: Source, progress: Callable = iter) -> Any:
        """Measures the model: returns a `rnnzoo.analysis.ClassificationReport`.

        Args:
            source: Inputs and names of their classes, such as
                `rnnzoo.data.pipeline.Pairs` or `rnnzoo.data.files.LabelledFile`.
            progress: Wraps an iterable to show progress, as `tqdm` would.

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

        def read_parts() -> Iterator[tuple]:
            for start in progress(range(0, len(source), 1024)):
                part = order[start : start + 1024]
                inputs, labels = source.rows(part)
                numbers[part] = self.class_numbers(labels)
                yield part, self.raw.split(inputs)[0]

        shares = self._measure(len(source), read_parts())
        return analysis.classification_report(numbers, shares, self.classes)

    def explain(
        self, example: Any, method: str = "occlusion", target_class: str | None = None
    ) -> analysis.Explanation:
        """Says which tokens of an input made the answer; see `rnnzoo.analysis.explain`.

        Args:
            example: One text, or one series.
            method: `"occlusion"`, or `"gradient"`: faster, and less exact.
            target_class: Name of the class to explain; `None` for the one answered.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> sentiment_classifier().explain("What a bore!").top(1)[0][0]
            'bore'
        """
        return analysis.explain(self, example, method, target_class)

    def probabilities_in_graph(self, tokens: Any) -> Any:
        """Returns the probabilities `[batch, classes]` of what the graph takes."""
        return keras.ops.softmax(self(tokens, training=False))

    def answer_in_graph(self, text: Any) -> dict:
        """Returns names and probabilities of the classes of strings, `[batch]`."""
        import tensorflow as tf

        shares = self.probabilities_in_graph(self.raw.parse(text))
        classes = tf.constant([name.encode() for name in self.classes])
        return {
            "label": tf.gather(classes, tf.argmax(shares, axis=1)),
            "probability": tf.reduce_max(shares, axis=1),
            "labels": tf.repeat(classes[None], tf.shape(shares)[0], axis=0),
            "probabilities": shares,
        }

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        shares = self.probabilities(text)
        return {
            "label": [self.classes[number] for number in shares.argmax(axis=1)],
            "probability": shares.max(axis=1),
            "labels": [self.classes] * len(shares),
            "probabilities": shares,
        }

    def with_classes(self, classes: Iterable[Any]) -> Any:
        """Returns a copy with a fresh head for other classes; itself, if it has these.

        Raises:
            ValueError: If `classes` are fewer than two, or one is there twice.

        Example:
            >>> from rnnzoo import sentiment_classifier
            >>> model = sentiment_classifier()
            >>> model.with_classes(["angry", "calm", "happy"]).classes
            ['angry', 'calm', 'happy']
        """
        classes = check_classes(classes)
        if classes == self.classes:
            return self
        changes = {"classes": classes}
        return self.copy_with(self.weight_adapter(self.arguments, changes), **changes)

    def with_vocabulary(self, vocabulary: Sequence[str]) -> Any:
        """Returns a copy that knows other words, or other characters.

        A new word starts with the vector of the unknown word.

        Args:
            vocabulary: The words to know, such as `model.tokens.vocabulary` and more. A
                model with n-grams must keep all that it knew.

        Raises:
            ValueError: If a word is there twice or must not be left out, or the model
                reads bytes or subwords, whose vocabulary cannot change.

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
        changes = {"vocabulary": vocabulary}
        return self.copy_with(self.weight_adapter(self.arguments, changes), **changes)

    @classmethod
    def weight_adapter(cls, config: dict, changes: dict) -> Callable:
        """Returns a function of a layer's name, old and new weights: those it gets."""
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
            if layer in ("head", "ngrams", "paths") and "classes" in changes:
                return new
            if layer == "ngrams" and old.shape != new.shape:  # of new words
                return np.concatenate([old, new[len(old) :]])
            return old[rows] if layer == "reader" and rows else old

        return adapt
