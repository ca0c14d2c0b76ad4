"""Explanations: which tokens of an input made a classifier's answer."""

import dataclasses
import reprlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.analysis.explanation import METHODS, Explanation
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.errors import check_choice
from rnnzoo.tokens.raw import RawNumbers, RawSteps, RawTexts
from rnnzoo.tokens.reals import ScaledSteps
from rnnzoo.tokens.text import VocabularyTokens

BATCH_SIZE = 64


def explain(
    model: Any, example: Any, method: str = "occlusion", target_class: str | None = None
) -> Explanation:
    """Says how much each token of a text, or step of a series, speaks for a class.

    Log-odds are the logarithm of p / (1 - p) for the class's probability p. The sum
    over tokens is not the log-odds of the text: tokens act together.

    Args:
        model: A classifier of texts or of series.
        example: One text or one series. A long text is truncated as the model does it.
        method: `"occlusion"`: the log-odds of the input less those with the token
            replaced by the unknown token, or the step by the mean of all steps: exact
            for one token at a time, with a forward pass for each (Li et al., 2016,
            arXiv:1612.08220). `"gradient"`: the gradient of the log-odds times the
            token's vector, or the step's distance from the mean: one pass in all, but
            less exact (Shrikumar et al., 2016, arXiv:1605.01713).
        target_class: Name of the class to explain; default: the model's answer.

    Raises:
        TypeError: If the model is no classifier of the zoo, or `example` is a batch, or
            no text or series.
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
    """
    readers = {RawTexts: _read_text, RawNumbers: _read_numbers, RawSteps: _read_series}
    has_classes = all(hasattr(model, name) for name in ("classes", "tokens"))
    if not has_classes or type(model.raw) not in readers:
        raise TypeError(
            "model must be a classifier of texts or series, such as text_classifier "
            f"or series_classifier builds. Received: a {type(model).__name__}"
        )
    check_choice("method", method, METHODS)
    if target_class is not None:
        check_choice("target_class", target_class, model.classes)
    if method == "gradient" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            "method='gradient' needs Keras' TensorFlow backend: use "
            "method='occlusion' on others. Received: "
            f"backend={keras.backend.backend()!r}"
        )
    read = readers[type(model.raw)]
    found = read(model, example)
    logits = _compute_logits(model, found.inputs)[0]
    number = int(logits.argmax())
    if target_class is not None:
        number = model.classes.index(target_class)
    log_odds = _log_odds(logits, number)
    compute = _occlude if method == "occlusion" else _multiply_gradient
    return Explanation(
        answer=model.classes[number],
        probability=float(np.exp(-np.logaddexp(0.0, -log_odds))),
        method=method,
        tokens=found.tokens,
        contributions=compute(model, found, number),
        known=found.known.tolist(),
        left_out=found.left_out,
        unit=found.unit,
        separator=found.separator,
    )


@dataclasses.dataclass
class _Reading:
    """What a model reads of one input; see the attributes of `Explanation`."""

    inputs: np.ndarray  # [1, time] or [1, time, features]
    baseline: Any  # in place of a token, it says nothing
    tokens: list[str]
    known: np.ndarray
    left_out: int = 0
    unit: str = "step"
    separator: str = " "


def _read_text(model: Any, text: Any) -> _Reading:
    if not isinstance(text, (str, bytes)):
        raise TypeError(
            "text must be a string: explain the texts of a batch one by one. "
            f"Received: text={reprlib.repr(text)} ({type(text).__name__})"
        )
    rows, _ = model.raw.split(text)
    tokens, (text,) = model.tokens, rows
    inputs = tokens.encode_checked(rows)
    length, symbols = inputs.shape[1], tokens.symbols_of(inputs[0])
    left_out = max(tokens.count(text) - length, 0)
    if isinstance(tokens, VocabularyTokens) and (
        words := tokens.split(text, tokens.normalize)
    ):
        half = length - length // 2  # unknown words as they are written
        symbols = words[:half] + words[half + left_out :]
    known, names = inputs[0] != tokens.UNKNOWN, (tokens.kind, tokens.separator)
    return _Reading(inputs, tokens.UNKNOWN, symbols, known, left_out, *names)


def _read_numbers(model: Any, numbers: Any) -> _Reading:
    """Reads one row of integers; a number that is left out is padding."""
    rows, is_batch = model.raw.split(numbers)
    if is_batch:
        raise TypeError(
            "Explain the rows of a batch one by one. Received: a batch of "
            f"{len(rows)} rows"
        )
    inputs = model.raw.encode(rows)
    symbols, baseline = [str(number) for number in rows[0]], np.zeros_like(inputs[0, 0])
    known = np.ones(len(symbols), bool)
    return _Reading(inputs, baseline, symbols, known, unit="number")


def _read_series(model: Any, series: Any) -> _Reading:
    """Reads one series; a step is shown as its number and its first features."""
    arrays, is_batch = model.raw.split(series)
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
    return _Reading(inputs, baseline, steps, np.ones(len(steps), bool))


def _log_odds(logits: np.ndarray, number: int) -> np.ndarray:
    others = np.delete(logits, number, axis=-1)
    return logits[..., number] - np.logaddexp.reduce(others, axis=-1)


def _occlude(model: Any, found: _Reading, number: int) -> np.ndarray:
    log_odds = _log_odds(_compute_logits(model, found.inputs)[0], number)
    contributions = np.zeros(len(found.known))
    known = np.flatnonzero(found.known)
    for start in range(0, len(known), BATCH_SIZE):
        places = known[start : start + BATCH_SIZE]
        variants = np.repeat(found.inputs, len(places), axis=0)
        variants[np.arange(len(places)), places] = found.baseline
        logits = _compute_logits(model, variants)
        contributions[places] = log_odds - _log_odds(logits, number)
    return contributions


def _compute_logits(model: Any, inputs: np.ndarray) -> np.ndarray:
    logits = _compile_once(model, _compile_logits)(inputs)
    return keras.ops.convert_to_numpy(logits).astype("float64")


def _multiply_gradient(model: Any, found: _Reading, number: int) -> np.ndarray:
    baseline = np.zeros(1, "float32") if found.unit != "step" else found.baseline
    compute = _compile_once(model, _compile_gradient)
    products = compute(found.inputs, np.int32(number), baseline)
    return keras.ops.convert_to_numpy(products)[0].astype("float64")


def _compile_once(model: Any, compile_function: Callable) -> Callable:
    # Through vars, as Keras would track an attribute and save it with the model.
    functions = vars(model).setdefault("_explanation_functions", {})
    if compile_function not in functions:
        functions[compile_function] = compile_function(model)
    return functions[compile_function]


def _compile_logits(model: Any) -> Callable:
    return compile_graph(
        lambda inputs: model(inputs, training=False),
        (model.input_shape, model.inputs[0].dtype),
    )


def _compile_gradient(model: Any) -> Callable:
    spec = (model.input_shape, model.inputs[0].dtype)
    is_real = spec[1] == "float32"
    # The answer's inputs, token by token: vectors, and n-grams' shares of logits.
    layers = [x for x in model.layers if x.name in ("reader", "ngrams")]
    outputs = [] if is_real else [layer.output for layer in layers]
    graph = keras.Model(model.input, [outputs, model.output])
    weights = [weight for layer in layers for weight in layer.weights]
    watched = [w.value for w in weights if w.dtype.startswith(("float", "bfloat"))]

    def multiply(tokens: Any, number: Any, baseline: Any) -> Any:
        with tf.GradientTape() as tape:
            # Frozen vectors are not watched by themselves.
            tape.watch([tokens] if is_real else watched)
            inputs, logits = graph(tokens, training=False)
            inputs = [tokens] if is_real else inputs
            others = [logits[:, :number], logits[:, number + 1 :]]
            others = tf.reduce_logsumexp(tf.concat(others, axis=1), axis=1)
            log_odds = logits[:, number] - others
        gradients = tape.gradient(log_odds, inputs)
        total = 0.0
        for gradient, values in zip(gradients, inputs, strict=True):
            distance = tf.cast(values, "float32") - baseline
            total += tf.reduce_sum(tf.cast(gradient, "float32") * distance, axis=2)
        return total

    return compile_graph(multiply, spec, ((), "int32"), ((None,), "float32"))
