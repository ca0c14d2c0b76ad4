"""Checks of what a model answers: whatever stands beside, before and behind it."""

import inspect
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.layers.keras_internals import set_untracked
from rnnzoo.testing.expectations import (
    expect,
    expect_close,
    expect_same,
    require,
)
from rnnzoo.testing.subject import LATE, Subject, outputs, take

EMOJI = "\N{GRINNING FACE}"
ODD_TEXTS = ("", " ", EMOJI, "\0", "-1 0 99999999999999999999", "\u0661")
NO_TOKENS = "the model has no tokens to read raw input with"


def check_config_round_trip(subject: Subject) -> None:
    """The config holds the constructor's arguments, and builds the same model."""
    model = subject.small
    config = model.get_config()
    arguments = set(signature_of(type(model)))
    if "architecture" in arguments:  # and those of a base class
        arguments = arguments - {"architecture"} | (set(config) - arguments)
    expect(
        set(config) == arguments,
        f"get_config() must return the constructor's arguments: {sorted(arguments)}.",
        sorted(config),
    )
    again = type(model).from_config(config)
    expect_same(again.get_config(), config, "from_config() must give the same config.")


def check_saving_and_loading(subject: Subject) -> None:
    """A `.keras` file gives back class, answers, vocabulary and card."""
    import rnnzoo

    model, inputs = subject.small, subject.batch(5)[0]
    model.card = {**model.card, "name": "a model under test"}
    path = subject.folder / "model.keras"
    model.save(path)
    again = rnnzoo.load(path)
    expect(
        type(again) is type(model),
        "A saved model must be loaded as its class: register it with "
        "keras.saving.register_keras_serializable.",
        type(again).__name__,
    )
    expected = subject.answer(inputs, model)
    message = "A loaded model must answer as the saved one."
    expect_same(subject.answer(inputs, again), expected, message)
    expect_same(again.card, model.card, "A file must hold the model's card.")
    if not subject.reads_raw_input:
        return
    expect_same(
        again.tokens.get_config(),
        model.tokens.get_config(),
        "A file must hold the vocabulary and what else the tokens need.",
    )
    if subject.factory and "weights" in signature_of(subject.factory):
        by_path = subject.factory(str(path))
        expect_same(by_path.answer(inputs), expected, f"{message} (factory(path))")


def check_batch_sizes_and_lengths(subject: Subject) -> None:
    """Batches of one and three, of short and long inputs, give the same answers."""
    inputs, _ = subject.batch(200, LATE)
    order = range(200)
    if isinstance(inputs, list):
        order = sorted(order, key=lambda row: len(inputs[row]))
    rows = take(inputs, [order[0], order[100], order[-1]])
    together = subject.answer(rows)
    expect(len(together) == 3, "Three inputs must have three answers.", together)
    for row in range(3):
        message = "An answer must not depend on the size of the batch."
        one = take(rows, [row])
        expect_same(subject.answer(one), take(together, [row]), message)
        is_words = isinstance(one[0], list) and isinstance(one[0][0], str)
        # Words alone are a batch of texts.
        if subject.reads_raw_input and not is_words:
            message = "An input outside a batch must have the answer of that in one."
            expect_same(subject.answer(one[0]), together[row], message)
    if not subject.reads_raw_input:
        return
    limit = getattr(subject.model, "max_length", None) or 32
    for row in (rows[0][:1], _repeat(rows[-1], limit)):
        try:
            answer = subject.answer([row])
            expect(len(answer) == 1, "Any length must be answered.", answer)
        except (TypeError, ValueError) as error:
            _expect_received(error, row)


def _repeat(row: Any, length: int) -> Any:
    """Returns a row repeated until it has this length."""
    times = -(-length // max(1, len(row)))
    if isinstance(row, (str, list, tuple)):
        return (row * times)[:length]
    return np.concatenate([row] * times)[:length]


def check_padding_and_neighbours(subject: Subject) -> None:
    """Extra padding and the neighbours in a batch change no output."""
    model, (inputs, _) = subject.model, subject.batch(4, LATE)
    ids = model.encode(inputs)[0]
    together = np.array(model(ids))
    source = keras.tree.flatten(ids)[0]
    has_steps = together.ndim > 2
    is_padded = model.get_layer("reader").compute_mask(source) is not None or has_steps

    def add_steps(array: np.ndarray) -> np.ndarray:
        return np.pad(array, [(0, 0), (0, 5)] + [(0, 0)] * (array.ndim - 2))

    padded = together
    if is_padded:
        padded = np.array(model(keras.tree.map_structure(add_steps, ids)))
    for row in range(4):
        alone = outputs(model, take(inputs, [row]))[0]
        # A pointer's last dimension is that of steps too.
        real = tuple(map(slice, alone.shape))
        message = "The neighbours in a batch must change no output."
        expect_close(together[row][real], alone, message, atol=1e-3)
        message = "Padding at the end must change no output: pass the mask on."
        expect_close(padded[row][real], alone, message, atol=1e-3)


def check_eager_equals_graph(subject: Subject) -> None:
    """Operations one by one give what their compiled graph gives."""
    ids = subject.model.encode(subject.batch(4)[0])[0]
    graph = subject.model.predict_on_batch(ids)
    message = "Eager execution must give what the graph gives."
    expect_close(np.array(subject.model(ids)), graph, message, atol=1e-3, rtol=1e-5)


def check_raw_examples_through_tf_data(subject: Subject) -> None:
    """Tokens read raw strings in a `tf.data` pipeline as `encode` reads them."""
    import tensorflow as tf

    require(subject.reads_raw_input, NO_TOKENS)
    model, (inputs, _) = subject.model, subject.batch(6)
    texts = [x if isinstance(x, str) else " ".join(map(str, x)) for x in inputs]
    data = tf.data.Dataset.from_tensors(texts).map(model.tokens)
    # What is read comes first where a model has several inputs.
    read = keras.tree.flatten(model.encode(inputs)[0])[0]
    message = "The tokens' call on strings must give what encode() gives."
    expect_close(next(iter(data)), read, message, atol=1e-6)


def check_odd_input_is_answered_or_refused(subject: Subject) -> None:
    """Empty input, emoji and unseen symbols are answered, or refused with a reason."""
    require(subject.reads_raw_input, NO_TOKENS)
    none = subject.model.answer([])
    expect(len(none) == 0, "An empty batch must have an empty answer.", none)
    usual = type(subject.model.answer(subject.model.sample_texts()[0]))
    for odd in ODD_TEXTS:
        try:
            answer = subject.model.answer(odd)
        except (TypeError, ValueError) as error:
            _expect_received(error, odd)
            continue
        message = f"Text in must give {usual.__name__} out, also for {odd!r}."
        expect(isinstance(answer, usual), message, answer)


def _expect_received(error: Exception, given: Any) -> None:
    """Fails unless a refusal says what was received."""
    message = f"The refusal of {given!r:.60} must end with 'Received: ...'."
    expect("Received:" in str(error), message, str(error))


def check_steps_equal_the_whole_sequence(subject: Subject) -> None:
    """A sequence read step by step, with the state between, gives the same outputs."""
    model = subject.model
    inputs, _ = subject.batch(4, LATE)
    if subject.reads_raw_input:
        stream = model.signatures().get("stream")
        require(stream, "the model does not read in pieces: it has no stream signature")
        source = keras.tree.flatten(model.encode(inputs)[0])[0][:, :12]
        rows = len(source)
        start = {
            name: np.zeros((rows, *shape[1:]), dtype)
            for name, (shape, dtype) in stream.inputs.items()
            if name != "tokens"
        }

        def read(piece: Any, state: Any) -> tuple:
            found = dict(stream.graph(piece, **state))
            return found.pop("outputs"), {name: found[f"next_{name}"] for name in state}

    else:
        require(
            isinstance(model, ManyToMany) and not model.arguments["bidirectional"],
            "the model does not read in pieces",
        )
        source = model.encode(inputs)[0][:, :12]
        start, read = None, model.read
    whole, _ = read(source, start)
    pieces, state = [], start
    for step in range(source.shape[1]):
        piece, state = read(source[:, step : step + 1], state)
        pieces.append(np.array(piece))
    message = "Reading step by step must give the outputs of the whole sequence."
    real = np.array(source) if source.ndim == 2 else np.any(source, axis=-1)
    real = real != 0
    received, expected = np.concatenate(pieces, axis=1)[real], np.array(whole)[real]
    expect_close(received, expected, message, atol=1e-3)


def check_greedy_is_beam_one_and_top_one(subject: Subject) -> None:
    """The likeliest token, a beam of one and the best of one write the same."""
    require(subject.reads_raw_input, NO_TOKENS)
    ways = {"temperature": 0.0, "top_k": 1, "beam_width": 1}
    ways = {name: ways[name] for name in ways if name in subject.answer_options}
    require(len(ways) > 1, "there are no several ways to write the likeliest answer")
    inputs = take(subject.batch(3)[0], range(3))
    found = {
        name: subject.model.answer(inputs, **{name: value})
        for name, value in ways.items()
    }
    first, *others = found
    for name in others:
        message = f"{name}={ways[name]} must write what {first}={ways[first]} writes."
        expect_same(found[name], found[first], message)


def check_same_seed_same_text(subject: Subject) -> None:
    """A seed makes random text repeatable, alone or in a batch."""
    require(subject.reads_raw_input, NO_TOKENS)
    require("seed" in subject.answer_options, "nothing random is in the answers")
    inputs = take(subject.batch(3)[0], range(3))
    options: dict[str, Any] = {"seed": 7}
    if "temperature" in subject.answer_options:
        options["temperature"] = 1.0
    first = subject.model.answer(inputs, **options)
    message = "The same seed must give the same answers."
    expect_same(subject.model.answer(inputs, **options), first, message)


def check_calls_do_not_retrace(subject: Subject) -> None:
    """A second call, of whatever size, uses the graph of the first."""
    require(subject.reads_raw_input, NO_TOKENS)
    model = subject.small
    inputs = sorted(subject.batch(40, LATE)[0], key=len)
    model.answer(inputs[:2])

    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError(
            "A second call must not trace the model again: compile one graph for all "
            "sizes (rnnzoo.architectures.graphs.compile_graph). Received: "
            "another call of a layer in Python"
        )

    # Some models answer with their layers, not with their whole graph.
    layers = (model, *model.layers)
    for layer in layers:
        set_untracked(layer, "call", refuse)
    try:
        for size in (1, 3, 17, 40):
            model.answer(inputs[:size])
            model.answer(inputs[-size:])
        is_trapped = False
        try:
            model(model.encode(inputs)[0])
        except AssertionError:
            is_trapped = True
    finally:
        for layer in layers:
            del vars(layer)["call"]
    message = "Calling the model must call its layers, or this check sees nothing."
    expect(is_trapped, message, "no call")


def check_fixed_weights_answer_rightly(subject: Subject) -> None:
    """A model whose weights are set by hand answers all its examples rightly."""
    require(not subject.is_trainable, "the weights are trained, not set by hand")
    expect(
        subject.model.count_params() > 0,
        "A model must have weights.",
        subject.model.count_params(),
    )
    if subject.factory:
        names = list(signature_of(subject.factory))
        message = "The factory of a model set by hand takes no weights."
        expect("weights" not in names, message, names)
    inputs, targets = subject.batch(500)
    message = "Weights set by hand must answer all examples rightly."
    expect_same(subject.model.answer(inputs), targets, message)


def signature_of(function: Any) -> dict[str, Any]:
    """Returns the parameters of a factory, or of a class's constructor."""
    if inspect.isclass(function):
        parameters = dict(inspect.signature(function.__init__).parameters)
        parameters.pop("self")
        return parameters
    return dict(inspect.signature(function).parameters)


CHECKS = (
    check_config_round_trip,
    check_saving_and_loading,
    check_batch_sizes_and_lengths,
    check_padding_and_neighbours,
    check_eager_equals_graph,
    check_raw_examples_through_tf_data,
    check_odd_input_is_answered_or_refused,
    check_steps_equal_the_whole_sequence,
    check_greedy_is_beam_one_and_top_one,
    check_same_seed_same_text,
    check_calls_do_not_retrace,
    check_fixed_weights_answer_rightly,
)
