"""Explanations: which tokens of an input made a classifier's answer."""

import dataclasses
import reprlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from rnnzoo.analysis.explanation import METHODS, Explanation
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.errors import check_choice
from rnnzoo.tokens.reals import ScaledSteps
from rnnzoo.tokens.text import TextTokens, VocabularyTokens

BATCH_SIZE = 64


def explain(
    model: Any,
    example: Any,
    method: str = "occlusion",
    target_class: str | None = None,
) -> Explanation:
    """Says how much each token of a text, or step of a series, speaks for a class.

    Use it to see why a classifier (`text_classifier`, `series_classifier`) answers as
    it does, and what a wrong answer comes from. Log-odds are the logarithm of
    p / (1 - p) for the class's probability p; a word of +0.7 nats about doubles the
    odds. The sum over tokens is not the log-odds of the text: tokens act together.

    Args:
        model: A classifier of texts or of series.
        example: One text or one series. A long text is truncated as the model does it.
        method: `"occlusion"`: the log-odds of the input less those of the input with
            the token replaced by the unknown token, or the step by the mean of all
            steps (Zeiler and Fergus, 2014; for words, Li et al., 2016): exact for one
            token at a time, one reading of the text per known token, and zero for
            unknown ones. `"gradient"`: the gradient of the log-odds with respect to the
            token's vector, times the vector, summed over it, and the token's part in
            n-grams; for a step, times its distance from the mean (Simonyan et al.,
            2014; Shrikumar et al., 2016): one reading in all, but linear, which tokens
            that saturate the network are not.
        target_class: Name of the class to explain; `None` for the one that the model
            answers.

    Returns:
        An `Explanation`: it prints, colours a terminal, and writes HTML.

    Raises:
        TypeError: If `example` is a batch, or no text or series.
        ValueError: If there is no such `method` or `target_class`, or the gradient is
            asked for on another Keras backend than TensorFlow.

    Example:
        >>> from rnnzoo import text_classifier
        >>> from rnnzoo.analysis import explain
        >>> model = text_classifier(units=8, vocabulary=["a", "quiet", "triumph"])
        >>> explanation = explain(model, "A quiet triumph!", target_class="positive")
        >>> explanation.tokens
        ['a', 'quiet', 'triumph', '!']
        >>> explanation.known
        [True, True, True, False]
        >>> explanation.contributions.shape
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
    check_choice("method", method, METHODS)
    if target_class is not None:
        check_choice("target_class", target_class, model.classes)
    if method == "gradient" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            "method='gradient' needs Keras' TensorFlow backend: use "
            "method='occlusion' on others. Received: "
            f"backend={keras.backend.backend()!r}"
        )
    read = _read_text if isinstance(model.tokens, TextTokens) else _read_series
    found = read(model, example)
    logits = _logits(model, found.inputs)[0]
    number = int(logits.argmax())
    if target_class is not None:
        number = model.classes.index(target_class)
    log_odds = _log_odds(logits, number)
    if method == "occlusion":
        contributions = _occlusion(model, found, number, log_odds)
    else:
        contributions = _gradient(model, found, number)
    return Explanation(
        answer=model.classes[number],
        probability=float(np.exp(-np.logaddexp(0.0, -log_odds))),
        method=method,
        tokens=found.tokens,
        contributions=contributions,
        known=found.known.tolist(),
        left_out=found.left_out,
        unit=found.unit,
        separator=found.separator,
    )


@dataclasses.dataclass
class _Reading:
    """What a model reads of one input.

    Attributes:
        inputs: What the graph takes, `[1, time]` or `[1, time, features]`.
        baseline: What stands for a token that says nothing.
        tokens: The tokens as text.
        known: Whether each is known, `[time]`.
        left_out: How many in the middle are not read.
        unit: What a token is called.
        separator: What stands between two tokens.
    """

    inputs: np.ndarray
    baseline: Any
    tokens: list[str]
    known: np.ndarray
    left_out: int
    unit: str
    separator: str


def _read_text(model: Any, text: Any) -> _Reading:
    """Reads one text."""
    if not isinstance(text, (str, bytes)):
        raise TypeError(
            "text must be a string: explain the texts of a batch one by one. "
            f"Received: text={reprlib.repr(text)} ({type(text).__name__})"
        )
    rows, _ = model.check_inputs(text)
    tokens, (text,) = model.tokens, rows
    inputs = tokens.encode_checked(rows)
    length, symbols = inputs.shape[1], tokens.symbols_of(inputs[0])
    left_out = max(tokens.count(text) - length, 0)
    if isinstance(tokens, VocabularyTokens) and (words := tokens.split(text)):
        half = length - length // 2  # unknown words as they are written
        symbols = words[:half] + words[half + left_out :]
    known = inputs[0] != tokens.UNKNOWN
    separator = tokens.separator
    return _Reading(
        inputs, tokens.UNKNOWN, symbols, known, left_out, tokens.kind, separator
    )


def _read_series(model: Any, series: Any) -> _Reading:
    """Reads one series; a step is shown as its number and its first features."""
    arrays, is_batch = model.check_inputs(series)
    if is_batch:
        raise TypeError(
            "Explain the series of a batch one by one. Received: a batch of "
            f"{len(arrays)} series"
        )
    steps = []
    for number, step in enumerate(arrays[0]):
        more = " ..." if len(step) > 3 else ""
        steps.append(f"{number}:[{' '.join(f'{v:g}' for v in step[:3])}{more}]")
    inputs = model.tokens.encode_checked(arrays)
    # The mean step: zeros, and the 1 that tells a step from padding.
    baseline = np.eye(inputs.shape[2], dtype="float32")[-1]
    if not isinstance(model.tokens, ScaledSteps):
        baseline = np.zeros_like(baseline)
    return _Reading(inputs, baseline, steps, np.ones(len(steps), bool), 0, "step", " ")


def _log_odds(logits: np.ndarray, number: int) -> np.ndarray:
    """Converts logits `[..., classes]` to the log-odds of one class."""
    others = np.delete(logits, number, axis=-1)
    return logits[..., number] - np.logaddexp.reduce(others, axis=-1)


def _occlusion(
    model: Any, found: _Reading, number: int, log_odds: np.ndarray
) -> np.ndarray:
    """Returns what the log-odds lose with each token."""
    contributions = np.zeros(len(found.known))
    known = np.flatnonzero(found.known)
    for start in range(0, len(known), BATCH_SIZE):
        places = known[start : start + BATCH_SIZE]
        variants = np.repeat(found.inputs, len(places), axis=0)
        variants[np.arange(len(places)), places] = found.baseline
        contributions[places] = log_odds - _log_odds(_logits(model, variants), number)
    return contributions


def _logits(model: Any, inputs: np.ndarray) -> np.ndarray:
    """Returns the logits `[batch, classes]` of what the graph takes, float64."""

    def make() -> Callable:
        return compile_graph(
            lambda inputs: model(inputs, training=False),
            (model.input_shape, model.inputs[0].dtype),
        )

    logits = _get_or_make(model, "logits", make)(inputs)
    return keras.ops.convert_to_numpy(logits).astype("float64")


def _gradient(model: Any, found: _Reading, number: int) -> np.ndarray:
    """Returns gradient times input for each token."""
    import tensorflow as tf

    is_real = model.inputs[0].dtype == "float32"

    def make() -> Callable:
        # The answer's inputs, token by token: vectors, and n-grams' shares of logits.
        layers = [x for x in model.layers if x.name in ("reader", "ngrams")]
        outputs = [] if is_real else [layer.output for layer in layers]
        graph = keras.Model(model.input, [outputs, model.output])
        weights = [weight for layer in layers for weight in layer.weights]
        watched = [w.value for w in weights if w.dtype.startswith(("float", "bfloat"))]

        def gradient_times_input(tokens: Any, number: Any, baseline: Any) -> Any:
            with tf.GradientTape() as tape:
                # Frozen vectors are not watched by themselves.
                tape.watch([tokens] if is_real else watched)
                inputs, logits = graph(tokens, training=False)
                inputs = [tokens] if is_real else inputs
                others = [logits[:, :number], logits[:, number + 1 :]]
                others = tf.reduce_logsumexp(tf.concat(others, axis=1), axis=1)
                log_odds = logits[:, number] - others
            gradients = tape.gradient(log_odds, inputs)
            return tf.add_n(
                [
                    tf.reduce_sum(
                        tf.cast(g, "float32") * (tf.cast(x, "float32") - baseline), 2
                    )
                    for g, x in zip(gradients, inputs, strict=True)
                ]
            )

        return compile_graph(
            gradient_times_input,
            (model.input_shape, model.inputs[0].dtype),
            ((), "int32"),
            ((None,), "float32"),
        )

    baseline = found.baseline if is_real else np.zeros(1, "float32")
    compute = _get_or_make(model, "gradient", make)
    products = compute(found.inputs, np.int32(number), baseline)
    return keras.ops.convert_to_numpy(products)[0].astype("float64")


def _get_or_make(model: Any, name: str, make: Callable) -> Callable:
    """Makes a function of a model once, and keeps it as long as the model."""
    # Through vars, as Keras would track an attribute and save it with the model.
    functions = vars(model).setdefault("_explanation_functions", {})
    if name not in functions:
        functions[name] = make()
    return functions[name]
