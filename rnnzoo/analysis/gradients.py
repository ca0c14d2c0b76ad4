"""Gradients through time, and unrolled networks."""

import os
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.errors import shorten
from rnnzoo.tokens.graphs import check_backend
from rnnzoo.writing import save_figure

MAX_UNITS = MAX_STEPS = 8  # that a picture of an unrolled network has room for


def gradient_norms(model: Any, inputs: Any, targets: Any) -> np.ndarray:
    """Measures the gradient of the loss at the last step with respect to each state.

    Where the gradient shrinks towards the past it vanishes, and early inputs are not
    learned from; where it grows it explodes (Pascanu et al., 2013, arXiv:1211.5063).

    Args:
        model: A unidirectional model of `many_to_one` with `pooling="last"`, or one of
            `many_to_many`, of which the last answer counts.
        inputs: Its inputs, without padding: every sequence has as many steps.
        targets: Its targets.

    Returns:
        Mean over the examples, `[steps + 1]`, float64: at `t` the norm of the gradient
        of an example's own loss with respect to the state after `t` steps.

    Raises:
        TypeError, ValueError: If the model is neither, has other ways from a step to
            the answer than the state after it, or there is padding.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_one
        >>> from rnnzoo.analysis import gradient_norms
        >>> model = many_to_one(features=1, num_values=1, units=1, cell="simple")
        >>> recurrence = model.get_layer("recurrence").layers[0]
        >>> _ = recurrence.cell.recurrent_kernel.assign([[0.5]])
        >>> norms = gradient_norms(model, np.zeros((4, 3, 1)), np.ones((4, 1)))
        >>> [round(float(norm / norms[-1]), 3) for norm in norms]  # a half a step
        [0.125, 0.25, 0.5, 1.0]
    """
    import tensorflow as tf

    check_backend("gradient_norms")
    _check_model(model)
    reader, recurrence, head = map(model.get_layer, ("reader", "recurrence", "head"))
    other_ways = _list_other_ways(model)
    other_ways += _list_differences(
        vars(recurrence), bidirectional=False, residual=False
    )
    if other_ways:
        raise ValueError(
            "The state after a step must be the only way from it to the answer. Build "
            f"the model without the others. Received: {', '.join(other_ways)}"
        )
    for name, value in {"inputs": inputs, "targets": targets}.items():
        if value is None:
            raise TypeError(
                f"{name} must be there: of nothing there is no loss. Received: "
                f"{name}=None"
            )
    inputs, targets = map(tf.convert_to_tensor, model.encode(inputs, targets))
    if len(inputs.shape) != len(model.input_shape) or not inputs.shape[0]:
        raise ValueError(
            f"inputs must be examples, {list(model.input_shape)}. Received: "
            f"shape {list(inputs.shape)}"
        )
    mask = reader.compute_mask(inputs)
    if mask is not None and not bool(tf.reduce_all(mask)):
        raise ValueError(
            "All sequences must have as many steps: measure those of each length by "
            f"themselves. Received: padding among {inputs.shape[1]} steps"
        )
    if isinstance(model, ManyToMany):
        targets = targets[:, -1]
    loss = keras.losses.get(model.loss)
    loss = getattr(loss, "call", loss)  # a loss object's own, before the mean
    features = reader(inputs)
    state, states = recurrence.get_initial_state(inputs.shape[0]), []
    with tf.GradientTape() as tape:
        for step in range(inputs.shape[1] + 1):
            # Copies, on which nothing but later steps depends.
            state = tf.nest.map_structure(tf.identity, state)
            states.append(tf.nest.flatten(state))
            tape.watch(states[-1])
            if step < inputs.shape[1]:
                _, state = recurrence.step(features[:, step], state)
        losses = loss(targets, head(state[-1][0]))
    gradients = tape.gradient(losses, states, unconnected_gradients="zero")
    joined = [np.concatenate(step, axis=1, dtype="float64") for step in gradients]
    return np.array([np.linalg.norm(rows, axis=1).mean() for rows in joined])


def plot_unrolled(model: Any, inputs: Any, path: str | os.PathLike) -> None:
    """Draws a small network unrolled over time: every unit, weight and value.

    From the bottom to the top: input, state and output units of each step, with their
    values. Lines are weights, blue where positive and orange where negative.

    Args:
        model: A model of `many_to_many` or `many_to_one` for real values, with one
            layer of `cell="simple"`, at most 8 units, and `pooling="last"`.
        inputs: One sequence `[steps, features]`, of at most 8 steps.
        path: The PNG file to write.

    Raises:
        TypeError, ValueError: If the model is another, or inputs do not fit it.
        OSError: If the file cannot be written.

    Example:
        >>> from rnnzoo import many_to_many
        >>> from rnnzoo.analysis import plot_unrolled
        >>> model = many_to_many(features=2, num_values=1, units=3, cell="simple")
        >>> plot_unrolled(model, [[1, 0], [0, 1], [1, 1]], "unrolled.png")
    """
    from matplotlib.figure import Figure

    inputs = _check_for_unrolling(model, inputs)
    recurrence, head = model.get_layer("recurrence"), model.get_layer("head")
    cell = recurrence.layers[0].cell
    weights = (cell.kernel, cell.recurrent_kernel, cell.bias, head.kernel, head.bias)
    kernel, recurrent, bias, head_kernel, head_bias = map(np.asarray, weights)
    state = np.concatenate(recurrence.get_initial_state(1)[0])[0]
    values = {}
    units = len(state)
    width = 1.3 + 0.45 * max(units, len(kernel), head_kernel.shape[1])

    def place(kind: str, step: int, unit: int) -> tuple[float, float]:
        """Returns where a unit is: state units on a diagonal, so none hides one."""
        x, middle = step * width + 0.45 * unit, 0.45 * (units - 1) / 2
        if kind == "state":
            return x, 1.4 + 0.55 * unit
        count = len(kernel) if kind == "input" else head_kernel.shape[1]
        x += middle - 0.45 * (count - 1) / 2
        return x, 0 if kind == "input" else 2.3 + 0.55 * units

    lines: list[tuple[tuple[str, int], tuple[str, int], np.ndarray]] = []
    for step, step_inputs in enumerate(inputs):
        now = ("state", step)
        lines.append((("input", step), now, kernel))
        if step:
            lines.append((("state", step - 1), now, recurrent))
        state = np.tanh(step_inputs @ kernel + state @ recurrent + bias)
        values["input", step], values[now] = step_inputs, state
        if isinstance(model, ManyToMany) or step == len(inputs) - 1:
            lines.append((now, ("output", step), head_kernel))
            values["output", step] = state @ head_kernel + head_bias
    height = 2.7 + 0.55 * units
    figure = Figure(figsize=(1.1 * width * len(inputs), 1.1 * height + 0.4))
    axis = figure.add_axes((0, 0, 1, 1))
    largest = max(np.abs(weights).max() for _, _, weights in lines)
    for source, target, weights in lines:
        for (i, j), weight in np.ndenumerate(weights):
            axis.plot(
                *zip(place(*source, i), place(*target, j), strict=True),
                color="#2f6fb0" if weight > 0 else "#d55e00",
                linewidth=4 * abs(weight) / largest,
                alpha=0.7,
                solid_capstyle="butt",
                zorder=1,
            )
    for (kind, step), row in values.items():
        for unit, value in enumerate(row):
            x, y = place(kind, step, unit)
            axis.scatter(x, y, s=700, c="white", edgecolors="#1a1a1a", zorder=2)
            axis.text(x, y, f"{value:.2g}", ha="center", va="center", fontsize=8)
    for step in range(len(inputs)):
        x = step * width + 0.45 * (units - 1) / 2
        axis.text(x, -0.65, f"step {step + 1}", ha="center", fontsize=10)
    for kind in ("input", "state", "output"):
        _, y = place(kind, 0, (units - 1) // 2)
        axis.text(-0.75, y, kind, ha="right", va="center", fontsize=10)
    axis.set_aspect("equal")
    axis.axis("off")
    save_figure(figure, path, bbox_inches="tight", pad_inches=0.15)


def _check_model(model: Any) -> None:
    if not isinstance(model, (ManyToOne, ManyToMany)):
        raise TypeError(
            "model must be one of many_to_one or many_to_many, or a model of the zoo "
            f"that is one. Received: model={shorten(model)}"
        )


def _list_other_ways(model: Any) -> list[str]:
    """Lists the settings by which more than the last state leads to the answer."""
    names = {layer.name for layer in model.layers} & {"pooling", "ngrams"}
    # Models of the zoo have not all arguments of an architecture.
    given = {name: model.arguments.get(name, "as it is") for name in sorted(names)}
    return [f"{name}={value!r}" for name, value in given.items()]


def _list_differences(settings: dict, **wanted: Any) -> list[str]:
    return [
        f"{name}={settings[name]!r}"
        for name, only in wanted.items()
        if settings.get(name, only) != only
    ]


def _check_for_unrolling(model: Any, inputs: Any) -> np.ndarray:
    _check_model(model)
    # Of the layers, as models of the zoo have other arguments than architectures.
    wanted = {"cell": "simple", "num_layers": 1, "bidirectional": False}
    recurrence = model.get_layer("recurrence")
    wrong = _list_differences(vars(recurrence), **wanted)
    wrong += _list_other_ways(model)
    shape, outputs = model.input_shape, model.output_shape[-1]
    features = shape[-1]
    if len(shape) == 2:
        wrong.append("tokens in place of values")
    elif not wrong and max(recurrence.units, features, outputs) > MAX_UNITS:
        wrong = [f"{recurrence.units} units, {features} inputs, {outputs} outputs"]
    if wrong:
        raise ValueError(
            "A network to draw must have one layer of cell='simple' that reads real "
            f"values forwards, pooling='last', and at most {MAX_UNITS} units of each "
            f"kind. Received: {', '.join(wrong)}"
        )
    expected = (
        f"inputs must be one sequence of 1 to {MAX_STEPS} steps, numbers "
        f"[steps, {features}]."
    )
    try:
        array = np.asarray(inputs, "float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{expected} Received: {shorten(inputs)}") from error
    if array.ndim != 2 or array.shape[1] != features or not 0 < len(array) <= MAX_STEPS:
        raise ValueError(f"{expected} Received: shape {array.shape}")
    return array
