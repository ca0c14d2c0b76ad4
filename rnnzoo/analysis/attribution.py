"""Explanations: which words of a text made a classifier's answer."""

import reprlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from rnnzoo.analysis.explanation import METHODS, Explanation
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.errors import check_choice
from rnnzoo.tokens.words import UNKNOWN_WORD, Words

BATCH_SIZE = 64


def explain(
    model: Any, text: str, method: str = "occlusion", of: str | None = None
) -> Explanation:
    """Says how much each word of a text speaks for a class.

    Use it to see why a classifier of texts (`sentiment_classifier`) answers as it does,
    and what a wrong answer comes from. Log-odds are the logarithm of p / (1 - p) for
    the class's probability p; a word of +0.7 nats about doubles the odds. The sum over
    words is not the log-odds of the text: words act together.

    Args:
        model: A classifier of texts: it has `tokens` (`rnnzoo.tokens.Words`),
            `classes`, and word vectors.
        text: One text. A long one is cut as the model cuts it.
        method: `"occlusion"`: the log-odds of the text less those of the text with
            the word replaced by the unknown word (Zeiler and Fergus, 2014; for words,
            Li et al., 2016): exact for one word at a time, one reading of the text per
            known word, and zero for unknown words. `"gradient"`: the gradient of the
            log-odds with respect to the word's vector, times the vector, summed over
            it, and the word's part in n-grams (Simonyan et al., 2014; Shrikumar et al.,
            2016): one reading in all, but linear, which words that saturate the network
            are not.
        of: Name of the class to explain; `None` for the one that the model answers.

    Returns:
        An `Explanation`: it prints, colours a terminal, and writes HTML.

    Raises:
        TypeError: If `text` is not a string.
        ValueError: If `method` or `of` is none of those there are, or the gradient is
            asked for on another Keras backend than TensorFlow.

    Example:
        >>> from rnnzoo import sentiment_classifier
        >>> from rnnzoo.analysis import explain
        >>> model = sentiment_classifier(weights=None, units=8,
        ...                              vocabulary=["a", "quiet", "triumph"])
        >>> explanation = explain(model, "A quiet triumph!", of="positive")
        >>> analysis.words
        ['a', 'quiet', 'triumph', '!']
        >>> analysis.known
        [True, True, True, False]
        >>> analysis.contributions.shape
        (4,)

    References:
        - Zeiler and Fergus, "Visualizing and understanding convolutional networks",
          ECCV 2014, arXiv:1311.2901: occlusion.
        - Li et al., "Understanding neural networks through representation erasure",
          2016, arXiv:1612.08220: the same for words, in log-likelihood.
        - Simonyan et al., "Deep inside convolutional networks", ICLR 2014 workshop,
          arXiv:1312.6034: the gradient of a class score.
        - Shrikumar et al., "Not just a black box: learning important features through
          propagating activation differences", 2016, arXiv:1605.01713: gradient times
          input.
    """
    if not isinstance(text, (str, bytes)):
        raise TypeError(
            "text must be a string: explain the texts of a batch one by one. "
            f"Received: text={reprlib.repr(text)} ({type(text).__name__})"
        )
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    check_choice("method", method, METHODS)
    if of is not None:
        check_choice("of", of, model.classes)
    if method == "gradient" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            "method='gradient' needs Keras' TensorFlow backend: use "
            "method='occlusion' on others. Received: "
            f"backend={keras.backend.backend()!r}"
        )
    ids = model.tokens.encode([text])
    logits = _logits(model, ids)[0]
    number = int(logits.argmax()) if of is None else model.classes.index(of)
    log_odds = _log_odds(logits, number)
    if method == "occlusion":
        contributions = _occlusion(model, ids[0], number, log_odds)
    else:
        contributions = _gradient(model, ids, number)
    words, left_out = _read_words(text, ids.shape[1])
    return Explanation(
        answer=model.classes[number],
        probability=float(np.exp(-np.logaddexp(0.0, -log_odds))),
        method=method,
        words=words,
        contributions=contributions,
        known=(ids[0] != Words.UNKNOWN).tolist(),
        left_out=left_out,
    )


def _read_words(text: str, length: int) -> tuple[list[str], int]:
    """Returns the words that a model read, and how many in the middle it did not."""
    words = Words.split(text) or [UNKNOWN_WORD]
    left_out = len(words) - length
    half = length - length // 2
    return words[:half] + words[half + left_out :], left_out


def _log_odds(logits: np.ndarray, number: int) -> np.ndarray:
    """Turns logits `[..., classes]` into the log-odds of one class."""
    others = np.delete(logits, number, axis=-1)
    return logits[..., number] - np.logaddexp.reduce(others, axis=-1)


def _occlusion(
    model: Any, ids: np.ndarray, number: int, log_odds: np.ndarray
) -> np.ndarray:
    """Returns what the log-odds lose with each word of `ids` `[time]`."""
    contributions = np.zeros(len(ids))
    known = np.flatnonzero(ids != Words.UNKNOWN)
    for start in range(0, len(known), BATCH_SIZE):
        places = known[start : start + BATCH_SIZE]
        variants = np.tile(ids, (len(places), 1))
        variants[np.arange(len(places)), places] = Words.UNKNOWN
        contributions[places] = log_odds - _log_odds(_logits(model, variants), number)
    return contributions


def _logits(model: Any, ids: np.ndarray) -> np.ndarray:
    """Returns the logits `[batch, classes]` of token ids, float64."""

    def make() -> Callable:
        return compile_graph(
            lambda ids: model(ids, training=False), ((None, None), "int32")
        )

    logits = _kept(model, "logits", make)(ids)
    return keras.ops.convert_to_numpy(logits).astype("float64")


def _gradient(model: Any, ids: np.ndarray, number: int) -> np.ndarray:
    """Returns gradient times input for each word of `ids` `[1, time]`."""

    def make() -> Callable:
        import tensorflow as tf

        # The answer's inputs, word by word: vectors, and n-grams' shares of the logits.
        layers = [x for x in model.layers if x.name in ("reader", "ngrams")]
        outputs = [layer.output for layer in layers]
        graph = keras.Model(model.input, [outputs, model.output])
        weights = [weight for layer in layers for weight in layer.weights]
        watched = [w.value for w in weights if w.dtype.startswith(("float", "bfloat"))]

        def gradient_times_input(ids: Any, number: Any) -> Any:
            with tf.GradientTape() as tape:
                # Frozen vectors are not watched by themselves.
                tape.watch(watched)
                inputs, logits = graph(ids, training=False)
                others = [logits[:, :number], logits[:, number + 1 :]]
                others = tf.reduce_logsumexp(tf.concat(others, axis=1), axis=1)
                log_odds = logits[:, number] - others
            gradients = tape.gradient(log_odds, inputs)
            return tf.add_n(
                [
                    tf.reduce_sum(tf.cast(g, "float32") * tf.cast(x, "float32"), axis=2)
                    for g, x in zip(gradients, inputs, strict=True)
                ]
            )

        return compile_graph(
            gradient_times_input, ((None, None), "int32"), ((), "int32")
        )

    products = _kept(model, "gradient", make)(ids, np.int32(number))
    return keras.ops.convert_to_numpy(products)[0].astype("float64")


def _kept(model: Any, name: str, make: Callable) -> Callable:
    """Makes a function of a model once, and keeps it as long as the model."""
    # Through vars, as Keras would track an attribute and save it with the model.
    functions = vars(model).setdefault("_explanation_functions", {})
    if name not in functions:
        functions[name] = make()
    return functions[name]
