"""Gradients through time, and unrolled networks."""

import os
from typing import Any

import numpy as np

# The colours of positive and negative weights, and how many units a picture holds.
_POSITIVE, _NEGATIVE, _MOST_UNITS = "#2f6fb0", "#d55e00", 8


def gradient_norms(model: Any, inputs: Any, targets: Any) -> np.ndarray:
    """Measures the gradient of the loss at the last step with respect to each state.

    The gradient is the product of the Jacobian matrices of all steps in between: where
    it shrinks towards the past it vanishes, and early inputs are not learned from;
    where it grows it explodes. States are those after each step, and the initial state;
    later inputs and all weights are constant. A state of several layers, or of an LSTM
    with its cell, is one vector.

    Args:
        model: A model of `many_to_one` with `pooling="last"`, or one of `many_to_many`,
            whose last answer counts; compiled, and unidirectional.
        inputs: Its inputs, without padding: every sequence has as many steps.
        targets: Its targets.

    Returns:
        Norms `[steps + 1]`, float64: at `t` the norm of the gradient with respect to
        the state after `t` steps of an example's own loss, the mean over the examples.

    Raises:
        TypeError: If the model is neither.
        ValueError: If the model has other ways from a step to the answer than the
            state after it, or there is padding.

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

    References:
        Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
        networks", ICML 2013, arXiv:1211.5063.
    """
    import keras
    import tensorflow as tf

    from rnnzoo.architectures.many_to_many import ManyToMany
    from rnnzoo.architectures.many_to_one import ManyToOne

    if not isinstance(model, (ManyToOne, ManyToMany)):
        raise TypeError(
            "model must be one of many_to_one or many_to_many. "
            f"Received: model={model!r}"
        )
    reader, recurrence, head = map(model.get_layer, ("reader", "recurrence", "head"))
    settings = model.arguments
    other_ways = [
        f"{name}={settings[name]!r}"
        for name, only in {"pooling": "last", "ngrams": 0}.items()
        if settings.get(name, only) != only
    ]
    if recurrence.bidirectional:
        other_ways.append("bidirectional=True")
    if recurrence.residual:
        other_ways.append("residual=True")
    if other_ways:
        raise ValueError(
            "The state after a step must be the only way from it to the answer. Build "
            f"the model without the others. Received: {', '.join(other_ways)}"
        )
    inputs, targets = map(tf.convert_to_tensor, model.encode(inputs, targets))
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

    Each step has its input units below, its state units in the middle and its output
    units above, with their values for these inputs; the same weights come again at
    every step. Lines are weights: blue for positive ones, orange for negative ones,
    wider for larger ones. Biases are not drawn.

    Args:
        model: A model of `many_to_many` or `many_to_one` for real values, with one
            layer of `cell="simple"`, at most 8 units, and `pooling="last"`.
        inputs: One sequence `[steps, features]`, of at most 8 steps.
        path: The PNG file to write.

    Raises:
        TypeError: If the model is not one of these.
        ValueError: If it is too large, of another kind, or the inputs do not fit it.
        OSError: If the file cannot be written.

    Example:
        >>> from rnnzoo import many_to_many
        >>> from rnnzoo.analysis import plot_unrolled
        >>> model = many_to_many(features=2, num_values=1, units=3, cell="simple")
        >>> plot_unrolled(model, [[1, 0], [0, 1], [1, 1]], "unrolled.png")
    """
    from matplotlib.figure import Figure

    inputs = _checked_for_unrolling(model, inputs)
    cell = model.get_layer("recurrence").layers[0].cell
    head = model.get_layer("head")
    kernel, recurrent, bias = map(
        np.asarray, (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    head_kernel, head_bias = map(np.asarray, (head.kernel, head.bias))
    answers_once = "pooling" in model.arguments
    state = np.concatenate(model.get_layer("recurrence").get_initial_state(1)[0])[0]
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

    lines: list[tuple[Any, Any, np.ndarray]] = []
    for step, step_inputs in enumerate(inputs):
        before, now = ("state", step - 1), ("state", step)
        lines.append((("input", step), now, kernel))
        if step:
            lines.append((before, now, recurrent))
        state = np.tanh(step_inputs @ kernel + state @ recurrent + bias)
        values["input", step], values["state", step] = step_inputs, state
        if not answers_once or step == len(inputs) - 1:
            lines.append((now, ("output", step), head_kernel))
            values["output", step] = state @ head_kernel + head_bias
    height = 2.7 + 0.55 * units
    figure = Figure(figsize=(1.1 * width * len(inputs), 1.1 * height + 0.4))
    axis = figure.add_axes((0, 0, 1, 1))
    largest = max(np.abs(weights).max() for _, _, weights in lines)
    for source, target, weights in lines:
        for (i, j), weight in np.ndenumerate(weights):
            x, y = place(source[0], source[1], i)
            other_x, other_y = place(target[0], target[1], j)
            axis.plot(
                [x, other_x],
                [y, other_y],
                color=_POSITIVE if weight > 0 else _NEGATIVE,
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
    figure.savefig(path, dpi=120, bbox_inches="tight", pad_inches=0.15)


def _checked_for_unrolling(model: Any, inputs: Any) -> np.ndarray:
    """Returns one sequence as float64 `[steps, features]`, if it can be drawn."""
    from rnnzoo.architectures.many_to_many import ManyToMany
    from rnnzoo.architectures.many_to_one import ManyToOne

    if not isinstance(model, (ManyToOne, ManyToMany)):
        raise TypeError(
            "model must be one of many_to_one or many_to_many. "
            f"Received: model={model!r}"
        )
    settings = model.arguments
    wanted = {"cell": "simple", "num_layers": 1, "bidirectional": False}
    wanted |= {"pooling": "last", "vocabulary_size": None}
    wrong = [
        f"{name}={settings[name]!r}"
        for name, only in wanted.items()
        if settings.get(name, only) != only
    ]
    features = settings["features"]
    outputs = settings["num_values"] or settings["num_classes"]
    if not wrong and max(settings["units"], features, outputs) > _MOST_UNITS:
        wrong = [f"{settings['units']} units, {features} inputs, {outputs} outputs"]
    if wrong:
        raise ValueError(
            "A network to draw must have one layer of cell='simple' that reads real "
            f"values forwards, pooling='last', and at most {_MOST_UNITS} units of each "
            f"kind. Received: {', '.join(wrong)}"
        )
    array = np.asarray(inputs, "float64")
    if array.ndim != 2 or array.shape[1] != features or not 0 < len(array) <= 8:
        raise ValueError(
            f"inputs must be one sequence of 1 to 8 steps, [steps, {features}]. "
            f"Received: shape {array.shape}"
        )
    return array
