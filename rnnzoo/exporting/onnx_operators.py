"""Recurrent layers as the ONNX operators RNN, GRU and LSTM, faster than loops."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.layers.keras_internals import list_layers, replace_untracked

# An operator of TensorFlow with the same inputs and outputs stands for a layer in the
# graph that is converted. It is never run: `HANDLERS` replaces it.
MARK = "CudnnRNNV3"
# What each cell is for the mark, and for ONNX; the order of ONNX's gates in Keras'.
OPERATORS = {
    keras.layers.SimpleRNNCell: ("rnn_tanh", "RNN", [0]),
    keras.layers.GRUCell: ("gru", "GRU", [0, 1, 2]),
    keras.layers.LSTMCell: ("lstm", "LSTM", [0, 3, 1, 2]),
}


@contextlib.contextmanager
def mark_recurrent_layers(model: Any) -> Iterator[None]:
    """Has a model's recurrent layers traced as single operators, for `HANDLERS`.

    Padding must be at the end of sequences, as the tokens of the zoo have it.
    """
    with contextlib.ExitStack() as stack:
        for layer in list_layers(model):
            for kind, (mode, _, order) in OPERATORS.items():
                if isinstance(getattr(layer, "cell", None), kind):
                    weights = _flatten_weights(layer.cell, order)
                    loop = functools.partial(_run_marked_loop, layer, mode, weights)
                    stack.enter_context(replace_untracked(layer, "inner_loop", loop))
        yield


def _flatten_weights(cell: Any, order: list[int]) -> np.ndarray:
    """Returns ONNX's weights of a cell in one row."""
    biases = np.atleast_2d(cell.bias.numpy())  # of inputs, and of states if there are
    biases = np.concatenate([biases, np.zeros_like(biases)])[:2]
    ordered = []
    for values in (cell.kernel.numpy().T, cell.recurrent_kernel.numpy().T, biases.T):
        gates = np.split(values, len(order))
        ordered.append(np.concatenate([gates[i] for i in order]))
    kernel, recurrent, biases = ordered
    return np.concatenate([kernel.ravel(), recurrent.ravel(), biases.T.ravel()])


def _run_marked_loop(
    layer: Any,
    mode: str,
    weights: np.ndarray,
    sequences: tf.Tensor,
    initial_state: Any,
    mask: tf.Tensor | None,
    training: bool = False,
    length: int | tf.Tensor | None = None,
) -> tuple:
    """Reads sequences, as the layer's `inner_loop` does, with one operator."""
    states = tf.nest.flatten(initial_state)
    inputs = tf.transpose(sequences, [1, 0, 2])
    if length is not None:
        inputs = tf.repeat(inputs, length, axis=0)
    if mask is None:
        lengths = tf.fill([tf.shape(inputs)[1]], tf.shape(inputs)[0])
    else:
        lengths = tf.math.count_nonzero(tf.nest.flatten(mask)[0], 1, dtype=tf.int32)
    if layer.go_backwards:
        inputs = tf.reverse_sequence(inputs, lengths, seq_axis=0, batch_axis=1)
    outputs, *final, _, _ = tf.raw_ops.CudnnRNNV3(
        input=inputs,
        input_h=states[0][None],
        input_c=states[-1][None],
        params=tf.constant(weights),
        sequence_lengths=lengths,
        rnn_mode=mode,
        is_training=False,
    )
    final = [state[0] for state in final[: len(states)]]
    if layer.go_backwards:  # in the order of reading, padding first
        outputs = tf.reverse_sequence(outputs, lengths, seq_axis=0, batch_axis=1)
        outputs = tf.reverse(outputs, [0])
    return final[0], tf.transpose(outputs, [1, 0, 2]), final


def _replace_mark(graph: Any, node: Any, name: str, args: Any) -> None:
    from tf2onnx.graph_builder import GraphBuilder

    mode = node.get_attr_str("rnn_mode")
    operators = {known: (name, len(order)) for known, name, order in OPERATORS.values()}
    operator, gates = operators[mode]
    inputs, hidden, cell, weights, lengths = node.input
    units = graph.get_shape(hidden)[-1]
    values = node.inputs[3].get_tensor_value(as_list=False)
    rows = gates * units
    recurrent, biases = rows * units, 2 * rows
    parts = {
        "kernel": values[: -recurrent - biases].reshape(1, rows, -1),
        "recurrent": values[-recurrent - biases : -biases].reshape(1, rows, units),
        "biases": values[-biases:].reshape(1, 2 * rows),
    }
    constants = [
        graph.make_const(f"{name}/{part}", np.ascontiguousarray(matrix)).output[0]
        for part, matrix in parts.items()
    ]
    # As Keras' reset_after.
    attributes = {"linear_before_reset": 1} if operator == "GRU" else {}
    states = [hidden, cell] if operator == "LSTM" else [hidden]
    old = node.output
    steps, batch, _ = graph.get_shape(old[0])
    shapes = [[steps, 1, batch, units], *[[1, batch, units]] * len(states)]
    graph.remove_node(node.name)
    made = graph.make_node(
        operator,
        [inputs, *constants, lengths, *states],
        attr={"hidden_size": units, **attributes},
        output_count=len(shapes),
        shapes=shapes,
        dtypes=[graph.get_dtype(inputs)] * len(shapes),
        name=f"{name}/{operator}",
    )
    squeezed = GraphBuilder(graph).make_squeeze({"data": made.output[0], "axes": [1]})
    for before, after in zip(old, [squeezed, *made.output[1:]], strict=False):
        graph.replace_all_inputs(before, after)


HANDLERS = {MARK: (_replace_mark, [])}
