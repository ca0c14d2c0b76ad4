"""The weights of a network and of a regression beside it, chosen on validation."""

from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.layers.logistic import mixing_weights


class ChooseShares(keras.callbacks.Callback):
    """Chooses the weights of a `LogitMixture` before every validation.

    Adds `val_macro_f1` to the logs of an epoch. Few examples hardly move the weights
    from those that the model began with.

    Args:
        model: A classifier with a layer "paths"; without, only macro F1 is added.
        validation: Encoded batches of inputs and numbers of classes.
        prior: Weights of the network's logits and of the regression's at first.
    """

    def __init__(
        self, model: keras.Model, validation: Any, prior: tuple[float, float] | None
    ):
        super().__init__()
        self.validation, self.prior = validation, prior
        self.mixture = None if prior is None else model.get_layer("paths")
        outputs = model.output if self.mixture is None else self.mixture.input
        branches = keras.Model(model.input, outputs)
        self.branches = compile_graph(
            lambda ids: branches(ids, training=False),
            (model.input_shape, model.inputs[0].dtype),
        )

    def on_test_begin(self, logs: Any = None) -> None:
        """Chooses the weights."""
        found, labels = [], []
        for batch in self.validation:
            found.append(
                [np.asarray(x) for x in keras.tree.flatten(self.branches(batch[0]))]
            )
            labels.append(np.asarray(batch[1]))
        parts = [np.concatenate(part) for part in zip(*found, strict=True)]
        self.labels, logits = np.concatenate(labels), parts[0]
        if self.mixture is not None and self.prior is not None:
            network = parts[0]
            regression = parts[1] + np.asarray(self.mixture.bias)
            shares = mixing_weights(network, regression, self.labels, self.prior)
            self.mixture.shares.assign(shares)
            logits = shares[0] * network + shares[1] * regression
        self.answers = logits.argmax(axis=1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds macro F1."""
        logs["val_macro_f1"] = macro_f1(self.labels, self.answers)


def macro_f1(labels: np.ndarray, answers: np.ndarray) -> float:
    """Returns the mean of F1 over the classes that labels have.

    Example:
        >>> import numpy as np
        >>> from rnnzoo.training.mixtures import macro_f1
        >>> round(macro_f1(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])), 3)
        0.429
    """
    scores = []
    for number in np.unique(labels):
        is_class, is_answer = labels == number, answers == number
        right = (is_class & is_answer).sum()
        scores.append(2 * right / (is_class.sum() + is_answer.sum()))
    return float(np.mean(scores))


class BothAnswers:
    """What a model answers, and the regression beside its network alone.

    Args:
        model: A classifier of texts.
    """

    def __init__(self, model: Any):
        self.model, outputs = model, [model.output]
        names = [layer.name for layer in model.layers]
        self.has_regression = model.arguments.get("ngram_scores") == "solved"
        self.has_regression = self.has_regression and "paths" in names
        if self.has_regression:
            mixture = model.get_layer("paths")
            outputs.append(mixture.input[1] + mixture.bias)
        both = keras.Model(model.input, outputs)
        self.graph = compile_graph(
            lambda ids: both(ids, training=False),
            (model.input_shape, model.inputs[0].dtype),
        )

    def __call__(self, texts: list[str]) -> list[np.ndarray]:
        """Returns numbers of classes: the model's answers, and the regression's."""
        answers = np.zeros((1 + self.has_regression, len(texts)), int)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(order), 256):
            part = order[start : start + 256]
            ids, _ = self.model.encode([texts[row] for row in part])
            for row, logits in enumerate(keras.tree.flatten(self.graph(ids))):
                answers[row, part] = np.asarray(logits).argmax(axis=1)
        return list(answers)
