"""Loops of recurrent cells over time in TensorFlow, with gradients of their own.

Products with the inputs, and those of the gradient with respect to the weights, are
made for all steps at once; one product is left in the loop, forwards and backwards.

All sequences here have time first: inputs `[time, batch, features]`, and masks
`[time, batch, 1]` of ones at real steps and zeros at padding, which leaves a state as
it was, exactly. The equations are those of `rnnzoo.layers.recurrence.RecurrentStack`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def _read_simple(inputs, states, mask, weights, training, length):
    kernel, recurrent_kernel, bias = weights
    units = recurrent_kernel.shape[0]
    of_inputs, steps = _project_inputs(inputs, kernel, bias, training, length)

    def read(of_inputs, state, kernel):
        def step(now, state):
            of_input, mask = now
            new = tf.tanh(of_input + tf.matmul(state, kernel))
            if mask is not None:
                new = tf.where(mask > 0, new, state)
            return [new], [new]

        (outputs,), (last,) = _run_loop(
            step, steps, [of_inputs, mask], [state], [units]
        )
        return outputs.stack(), last

    @tf.custom_gradient
    def read_and_keep(of_inputs, state, kernel):
        outputs, last = read(of_inputs, state, kernel)

        def gradient(d_outputs, d_last):
            transposed = tf.transpose(kernel)
            by_product = 1 - outputs * outputs
            if mask is not None:
                by_product *= mask

            def step(now, d_state):
                d_output, mask, by_product = now
                d_state += d_output
                d_product = d_state * by_product
                d_before = tf.matmul(d_product, transposed)
                if mask is not None:
                    d_before += d_state * (1 - mask)
                return [d_before], [d_product]

            sequences = [d_outputs, mask, by_product]
            collected, (d_first,) = _run_loop(
                step, steps, sequences, [d_last], [units], True
            )
            d_product = collected[0].stack()
            d_kernel = _compute_kernel_gradient(state, outputs, d_product)
            return _reduce_to_inputs(d_product, length), d_first, d_kernel

        return (outputs, last), gradient

    run: Callable = read_and_keep if training else read
    outputs, last = run(of_inputs, states[0], recurrent_kernel)
    return outputs, [last]


def _read_gru(inputs, states, mask, weights, training, length):
    kernel, recurrent_kernel, bias = weights
    units = recurrent_kernel.shape[0]
    of_inputs, steps = _project_inputs(inputs, kernel, bias[0], training, length)

    def read(of_inputs, state, kernel, bias, for_gradient=False):
        def step(now, state):
            of_input, mask = now
            of_gates, of_new = tf.split(of_input, [2 * units, units], axis=-1)
            product = tf.matmul(state, kernel) + bias
            gates, recurrent = tf.split(product, [2 * units, units], axis=-1)
            update, reset = tf.split(tf.sigmoid(of_gates + gates), 2, axis=-1)
            # The share of the state that is new: 0 at padding, and exactly so.
            share = 1 - update if mask is None else (1 - update) * mask
            candidate = tf.tanh(of_new + reset * recurrent)
            change = share * (candidate - state)
            if not for_gradient:
                return [state + change], [state + change]
            # What a change of each part of a step does to the state after it.
            kept = 1 - share
            by_new = share * (1 - candidate * candidate)
            by_recurrent = by_new * reset
            by_reset = by_recurrent * (1 - reset) * recurrent
            by_product = tf.concat([-change * kept, by_reset, by_recurrent], axis=-1)
            return [state + change], [state + change, kept, by_new, by_product]

        sizes = [units] if not for_gradient else [units, units, units, 3 * units]
        sequences = [of_inputs, mask]
        (outputs, *parts), (last,) = _run_loop(step, steps, sequences, [state], sizes)
        return outputs.stack(), last, parts

    @tf.custom_gradient
    def read_and_keep(of_inputs, state, kernel, bias):
        outputs, last, parts = read(of_inputs, state, kernel, bias, True)

        def gradient(d_outputs, d_last):
            transposed = tf.transpose(kernel)

            def step(now, d_state):
                d_output, kept, by_new, by_product = now
                d_state += d_output
                d_product = tf.tile(d_state, [1, 3]) * by_product
                d_before = d_state * kept + tf.matmul(d_product, transposed)
                return [d_before], [d_product, d_state * by_new]

            sequences, sizes = [d_outputs, *parts], [3 * units, units]
            collected, (d_first,) = _run_loop(
                step, steps, sequences, [d_last], sizes, True
            )
            d_product, d_new = (one.stack() for one in collected)
            d_kernel = _compute_kernel_gradient(state, outputs, d_product)
            d_bias = _sum_in_float32(d_product, [0, 1])
            d_inputs = tf.concat([d_product[:, :, : 2 * units], d_new], axis=-1)
            return _reduce_to_inputs(d_inputs, length), d_first, d_kernel, d_bias

        return (outputs, last), gradient

    run: Callable = read_and_keep if training else read
    outputs, last, *_ = run(of_inputs, states[0], recurrent_kernel, bias[1])
    return outputs, [last]


def _read_lstm(inputs, states, mask, weights, training, length):
    kernel, recurrent_kernel, bias = weights
    units = recurrent_kernel.shape[0]
    of_inputs, steps = _project_inputs(inputs, kernel, bias, training, length)

    def read(of_inputs, output, state, kernel, for_gradient=False):
        def step(now, output, before):
            product, mask = now
            product += tf.matmul(output, kernel)
            into, forget, block, out = tf.split(product, 4, axis=-1)
            into, forget, out = (tf.sigmoid(one) for one in (into, forget, out))
            block = tf.tanh(block)
            if mask is not None:
                into, forget = into * mask, forget * mask + (1 - mask)
            state = forget * before + into * block
            squashed = tf.tanh(state)
            new = out * squashed
            output = new if mask is None else tf.where(mask > 0, new, output)
            if not for_gradient:
                return [output, state], [output]
            # What a change of each part of a step does to the cell state after it, ...
            by_input = into * (1 - into) * block
            by_forget = before * forget * (1 - forget)
            by_block = into * (1 - block * block)
            by_parts = tf.concat([by_input, by_forget, by_block], axis=-1)
            # ... and one of that state, or of the output gate, to the output.
            by_state = out * (1 - squashed * squashed)
            by_out = new * (1 - out)
            if mask is not None:
                by_state, by_out = by_state * mask, by_out * mask
            return [output, state], [output, by_state, by_out, by_parts, forget]

        sizes = [units, *([units, units, 3 * units, units] if for_gradient else [])]
        sequences, states = [of_inputs, mask], [output, state]
        (outputs, *parts), last = _run_loop(step, steps, sequences, states, sizes)
        return outputs.stack(), *last, parts

    @tf.custom_gradient
    def read_and_keep(of_inputs, output, state, kernel):
        outputs, *last, parts = read(of_inputs, output, state, kernel, True)

        def gradient(d_outputs, d_output, d_state):
            transposed = tf.transpose(kernel)

            def step(now, d_output, d_state):
                d_now, mask, by_state, by_out, by_parts, forget = now
                d_output += d_now
                d_state += d_output * by_state
                d_parts = tf.tile(d_state, [1, 3]) * by_parts
                d_product = tf.concat([d_parts, d_output * by_out], axis=-1)
                d_before = tf.matmul(d_product, transposed)
                if mask is not None:
                    d_before += d_output * (1 - mask)
                return [d_before, d_state * forget], [d_product]

            sequences, states = [d_outputs, mask, *parts], [d_output, d_state]
            (d_product,), d_first = _run_loop(
                step, steps, sequences, states, [4 * units], True
            )
            d_product = d_product.stack()
            d_kernel = _compute_kernel_gradient(output, outputs, d_product)
            return _reduce_to_inputs(d_product, length), *d_first, d_kernel

        return (outputs, *last), gradient

    run: Callable = read_and_keep if training else read
    outputs, *last = run(of_inputs, *states, recurrent_kernel)
    return outputs, last[:2]


LOOPS = {"simple": _read_simple, "gru": _read_gru, "lstm": _read_lstm}


def run_linear(
    keep: tf.Tensor, new: tf.Tensor, first: tf.Tensor, training: bool
) -> tf.Tensor:
    """Returns the states `keep * state + new` of all steps, `[time, batch, units]`.

    Args:
        keep: The factors of all steps, `[time, batch, units]`.
        new: What is added at each step, `[time, batch, units]`.
        first: The state before the first step, `[batch, units]`.
        training: Whether to use a gradient of its own; as in `read_in_slices`.
    """
    steps, units = tf.shape(keep)[0], keep.shape[-1]

    def read(keep, new, first):
        def step(now, state):
            state = now[0] * state + now[1]
            return [state], [state]

        (states,), _ = _run_loop(step, steps, [keep, new], [first], [units])
        return states.stack()

    @tf.custom_gradient
    def read_and_keep(keep, new, first):
        states = read(keep, new, first)

        def gradient(d_states):
            def step(now, d_state):
                d_state += now[0]
                return [d_state * now[1]], [d_state]

            (d_new,), (d_first,) = _run_loop(
                step, steps, [d_states, keep], [tf.zeros_like(first)], [units], True
            )
            d_new = d_new.stack()
            before = tf.concat([first[None], states[:-1]], axis=0)
            return d_new * before, d_new, d_first

        return states, gradient

    run: Callable = read_and_keep if training else read
    return run(keep, new, first)


def read_in_slices(
    cell: str,
    count: int,
    inputs: tf.Tensor,
    states: list[tf.Tensor],
    mask: tf.Tensor | None,
    *others: Any,
) -> tuple:
    """Reads sequences, slices of a batch with a loop for each; in a graph, in parallel.

    Args:
        cell: A key of `LOOPS`.
        count: Number of slices.
        inputs: `[time, batch, features]`.
        states: The initial state, tensors `[batch, units]`: two for an LSTM.
        mask: `[time, batch, 1]`, or `None`.
        *others: The weights as Keras has them: kernel, recurrent kernel and bias;
            `training`: whether to keep what a gradient of its own needs (else
            TensorFlow derives one, which takes longer); and the number of steps if all
            read the only step of the inputs, which is multiplied once, else `None`.

    Returns:
        The outputs `[time, batch, units]`, and a list of the last states.
    """
    read = LOOPS[cell]
    if count == 1:
        return read(inputs, states, mask, *others)
    rows = states[0].shape[0]
    outputs, last = [], []
    for number in range(count):
        one = slice(rows * number // count, rows * (number + 1) // count)
        masked = None if mask is None else mask[:, one]
        output, after = read(
            inputs[:, one], [state[one] for state in states], masked, *others
        )
        outputs.append(output)
        last.append(after)
    return tf.concat(outputs, 1), [tf.concat(x, 0) for x in zip(*last, strict=True)]


def _run_loop(
    step: Callable,
    length: tf.Tensor,
    sequences: list,
    states: list,
    sizes: Sequence[int],
    backwards: bool = False,
) -> tuple:
    """Runs `step` for each element of sequences, backwards from the last if wanted.

    The step is from a list of what the sequences have, and the states, to lists of the
    states after it and of what is collected, of these `sizes`. Sequences are
    `[time, batch, ...]`, or `[batch, ...]` for what is the same at every step, or
    arrays that were collected; `None` stays `None`. Returns lists of what was
    collected, arrays of `[batch, size]`, and of the last states.
    """
    kind, batch = states[0].dtype, states[0].shape[0]
    collected = [
        tf.TensorArray(kind, length, element_shape=(batch, n), clear_after_read=False)
        for n in sizes
    ]

    def at(sequence: Any, index: tf.Tensor) -> Any:
        if isinstance(sequence, tf.TensorArray):
            return sequence.read(index)
        if sequence is None or len(sequence.shape) < 3:
            return sequence
        return tf.gather(sequence, index)

    def body(count: tf.Tensor, states: list, collected: list) -> tuple:
        index = length - 1 - count if backwards else count
        states, parts = step([at(one, index) for one in sequences], *states)
        collected = [
            one.write(index, part) for one, part in zip(collected, parts, strict=True)
        ]
        return count + 1, states, collected

    _, states, collected = tf.while_loop(
        lambda count, *others: count < length,
        body,
        (0, states, collected),
        maximum_iterations=length,
    )
    return collected, states


def _project_inputs(inputs, kernel, bias, training, length):
    rows = tf.matmul(tf.reshape(inputs, (-1, kernel.shape[0])), kernel)
    rows = _add_bias(rows, bias) if training else rows + bias
    if length is not None:
        return rows, length
    shape = tf.concat([tf.shape(inputs)[:-1], kernel.shape[1:]], axis=0)
    return tf.reshape(rows, shape), tf.shape(inputs)[0]


@tf.custom_gradient
def _add_bias(rows, bias):
    return rows + bias, lambda d_rows: (d_rows, _sum_in_float32(d_rows, [0]))


def _reduce_to_inputs(d_products, length):
    return d_products if length is None else _sum_in_float32(d_products, [0])


def _sum_in_float32(values, axes):
    """Adds up in float32: TensorFlow's own adds up float16 as such."""
    total = tf.reduce_sum(tf.cast(values, tf.float32), axis=axes)
    return tf.cast(total, values.dtype)


def _compute_kernel_gradient(first, outputs, d_product):
    before = tf.concat([first[None], outputs[:-1]], axis=0)
    before, d_product = (tf.reshape(x, (-1, x.shape[-1])) for x in (before, d_product))
    return tf.matmul(before, d_product, transpose_a=True)
