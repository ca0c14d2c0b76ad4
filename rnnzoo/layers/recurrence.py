"""Stacked recurrent layers: the one place where recurrent layers are chosen."""

import contextlib
from typing import Any

import keras
from keras import ops

from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.fast_rnn import GRU, LSTM, SimpleRNN
from rnnzoo.layers.keras_internals import replace_untracked
from rnnzoo.layers.minimal import MinimalRNN
from rnnzoo.layers.noise import NoisySimpleRNN

# Cell name -> layer and how many state tensors it carries.
CELLS = {
    "simple": (SimpleRNN, 1),
    "gru": (GRU, 1),
    "lstm": (LSTM, 2),
    "minimal": (MinimalRNN, 1),
    "minimal_signed": (MinimalRNN, 1),
}


@keras.saving.register_keras_serializable("rnnzoo")
class AnyTypeOrthogonal(keras.initializers.Orthogonal):
    """Orthogonal matrices also in bfloat16, in which none can be decomposed."""

    def __call__(self, shape: tuple, dtype: Any = None) -> Any:
        """Returns a matrix of a shape, computed in float32."""
        return ops.cast(super().__call__(shape, "float32"), dtype or "float32")


# As a config, of which each layer makes its own, after that of its other weights.
ORTHOGONAL = {
    "module": __name__,
    "class_name": "AnyTypeOrthogonal",
    "config": {"gain": 1.0, "seed": None},
    "registered_name": "rnnzoo>AnyTypeOrthogonal",
}


@keras.saving.register_keras_serializable("rnnzoo")
class ChronoBias(keras.initializers.Initializer):
    """Gate biases whose memories reach from 1 to `steps` steps back (arXiv:1804.11188).

    The gates that keep a state, the update gate of a GRU and the forget gate of an
    LSTM, have biases `log(u)`, with `u` uniform in `[1, steps - 1]`; the LSTM's input
    gate has the negatives.

    Args:
        steps: Longest memory, in time steps.
        gates: Parts of the biases: 2 for a minimal cell. Default: 4, an LSTM's, or 3
            where there are two rows of them, a GRU's.

    Example:
        >>> from rnnzoo.layers.recurrence import ChronoBias
        >>> bias = ChronoBias(steps=32)((4 * 8,))  # of an LSTM with 8 units
        >>> bool((bias[:8] == -bias[8:16]).numpy().all())
        True
    """

    def __init__(self, steps: int, gates: int | None = None):
        self.steps, self.gates = steps, gates

    def __call__(self, shape: tuple, dtype: Any = None) -> Any:
        """Returns biases `(2, 3 * units)`, `(4 * units,)` or `(2 * units,)`."""
        gates = self.gates or (3 if len(shape) == 2 else 4)
        units = shape[-1] // gates
        length = keras.random.uniform((units,), 1.0, max(self.steps - 1.0, 1.001))
        keep, zeros = ops.log(length), ops.zeros((units,))
        if gates == 4:  # i, f, z, o
            bias = ops.concatenate([-keep, keep, zeros, zeros])
        elif gates == 2:  # z, h
            bias = ops.concatenate([keep, zeros])
        else:  # z, r, h; the recurrent product has biases of its own
            bias = ops.concatenate([keep, zeros, zeros])
            bias = ops.stack([bias, ops.zeros_like(bias)])
        return ops.cast(bias, dtype or keras.config.floatx())

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {} if self.gates is None else {"gates": self.gates}
        return {"steps": self.steps, **own}


@keras.saving.register_keras_serializable("rnnzoo")
class RecurrentStack(keras.layers.Layer):
    r"""A stack of recurrent layers that returns its sequence and its final state.

    The layers inside are Keras' `SimpleRNN`, `GRU` and `LSTM`, so that cuDNN runs the
    latter two on a GPU; on a CPU, they have faster loops (`rnnzoo.layers.loops`).

    With input $x_t$, previous output $h_{t-1}$ and logistic function $\sigma$, the
    cells compute, at each time step $t$, `cell="simple"` (Elman, "Finding
    structure in time", Cognitive Science 14, 1990):

    $$h_t = \tanh(W x_t + R h_{t-1} + b)$$

    `cell="gru"` (Cho et al., arXiv:1406.1078, with the reset gate after the matrix
    product, as cuDNN has it), with update gate $z$ and reset gate $r$:

    $$z_t = \sigma(W_z x_t + R_z h_{t-1} + b_z + c_z)$$
    $$r_t = \sigma(W_r x_t + R_r h_{t-1} + b_r + c_r)$$
    $$\tilde h_t = \tanh(W_h x_t + b_h + r_t \odot (R_h h_{t-1} + c_h))$$
    $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tilde h_t$$

    `cell="lstm"` (Greff et al., arXiv:1503.04069, without peepholes), with block input
    $z$, input gate $i$, forget gate $f$, output gate $o$ and cell state $c$:

    $$z_t = \tanh(W_z x_t + R_z h_{t-1} + b_z)$$
    $$i_t = \sigma(W_i x_t + R_i h_{t-1} + b_i)$$
    $$f_t = \sigma(W_f x_t + R_f h_{t-1} + b_f)$$
    $$o_t = \sigma(W_o x_t + R_o h_{t-1} + b_o)$$
    $$c_t = f_t \odot c_{t-1} + i_t \odot z_t$$
    $$h_t = o_t \odot \tanh(c_t)$$

    `cell="minimal"` (minGRU; Feng et al., arXiv:2410.01201), whose gate and candidate
    do not see the state, so that it is quick:

    $$z_t = \sigma(W_z x_t + b_z)$$
    $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot (W_h x_t + b_h)$$

    `cell="minimal_signed"` multiplies the state by $2 z_t - 1$ instead of $z_t$
    (`rnnzoo.layers.minimal.MinimalRNN`).

    Inputs: `[batch, time, features]`, optionally with a mask `[batch, time]` (true =
    real step). Padding must come after the real steps, and cuDNN needs at least one
    real step in every row. A masked step leaves the state as it was and outputs zeros.
    With `length`, inputs are `[batch, features]` and read again at every step.

    Outputs: a pair `(sequence, state)`.

    - `sequence`: `[batch, time, units]`, or `[batch, time, 2 * units]` when
      bidirectional (forward first).
    - `state`, which `initial_state` takes: per layer a list of tensors `[batch, units]`
      after the last real step: `[h]`, and `[h, c]` for lstm; forward
      and then backward ones when bidirectional.

    Args:
        units: Size of each layer's state.
        num_layers: Number of layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        bidirectional: Whether to read each sequence backwards too.
        residual: Whether layers from the second on add their input to their output (Wu
            et al., arXiv:1609.08144).
        dropout: Fraction of each layer's input features set to zero in training, the
            same features at every time step (Gal and Ghahramani, arXiv:1512.05287).
        weight_dropout: Fraction of the recurrent weights set to zero in training,
            others for every batch (Merity et al., arXiv:1708.02182).
        initial_state: `"zeros"`, or `"learned"` for one trainable vector per state
            tensor, where the call gets none.
        chrono_steps: How many steps the longest memory should reach at first
            (`ChronoBias`); `None` for Keras' own initial biases.
        state_noise: For "simple": standard deviation of the noise on the state in
            training (`rnnzoo.layers.noise`).

    Example:
        >>> import numpy as np
        >>> from rnnzoo.layers.recurrence import RecurrentStack
        >>> stack = RecurrentStack(8, num_layers=2, cell="lstm", bidirectional=True)
        >>> sequence, state = stack(np.ones((3, 5, 4), "float32"))
        >>> tuple(sequence.shape), len(state), [tuple(s.shape) for s in state[0]]
        ((3, 5, 16), 2, [(3, 8), (3, 8), (3, 8), (3, 8)])
    """

    def __init__(
        self,
        units: int,
        *,
        num_layers: int = 1,
        cell: str = "gru",
        bidirectional: bool = False,
        residual: bool = False,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
        initial_state: str = "zeros",
        chrono_steps: int | None = None,
        state_noise: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_number("units", units, minimum=1, whole=True)
        check_number("num_layers", num_layers, minimum=1, whole=True)
        check_number("dropout", dropout, minimum=0, below=1)
        check_number("weight_dropout", weight_dropout, minimum=0, below=1)
        check_choice("cell", cell, CELLS)
        check_choice("initial_state", initial_state, ("zeros", "learned"))
        cell_options, is_minimal = {}, cell.startswith("minimal")
        if is_minimal:
            cell_options["signed"] = cell == "minimal_signed"
        elif not state_noise:
            cell_options["recurrent_initializer"] = ORTHOGONAL
        if weight_dropout and is_minimal:
            raise ValueError(
                "weight_dropout is for recurrent weights, and a minimal cell has none: "
                f"leave it out. Received: weight_dropout={weight_dropout!r}, "
                f"cell={cell!r}"
            )
        if chrono_steps is not None:
            check_number("chrono_steps", chrono_steps, minimum=2, whole=True)
            if cell == "simple":
                raise ValueError(
                    "chrono_steps sets the gates of a 'gru' or 'lstm': leave it out "
                    f"for cell='simple'. Received: chrono_steps={chrono_steps!r}"
                )
            gates = 2 if is_minimal else None
            cell_options["bias_initializer"] = ChronoBias(chrono_steps, gates)
            if cell == "lstm":
                cell_options["unit_forget_bias"] = False
        check_number("state_noise", state_noise, minimum=0)
        if state_noise and (cell != "simple" or dropout):
            raise ValueError(
                "state_noise is for cell='simple' without dropout. Received: "
                f"state_noise={state_noise!r}, cell={cell!r}, dropout={dropout!r}"
            )
        self.units, self.num_layers, self.cell = units, num_layers, cell
        self.bidirectional, self.residual = bidirectional, residual
        self.dropout, self.weight_dropout = dropout, weight_dropout
        self.initial_state, self.state_noise = initial_state, state_noise
        self.supports_masking = True
        if weight_dropout:
            self.seed_generator = keras.random.SeedGenerator()

        layer_class, states_per_direction = CELLS[cell]
        if state_noise:
            layer_class = NoisySimpleRNN
            cell_options["state_noise"] = state_noise
        self.states_per_layer = states_per_direction * (2 if bidirectional else 1)
        self.layers = []
        for index in range(num_layers):
            layer = layer_class(
                units,
                dropout=dropout,
                return_sequences=True,
                return_state=True,
                zero_output_for_mask=True,
                dtype=self.dtype_policy,
                name=f"{cell}_{index}",
                **cell_options,
            )
            if bidirectional:
                layer = keras.layers.Bidirectional(
                    layer, dtype=self.dtype_policy, name=f"bidirectional_{cell}_{index}"
                )
            else:
                layer.is_sliced = True
            self.layers.append(layer)

    def build(self, inputs_shape: tuple) -> None:
        """Creates the weights of every layer and of a learned initial state."""
        features = inputs_shape[-1]
        for layer in self.layers:
            layer.build((inputs_shape[0], None, features))
            features = self.units * (2 if self.bidirectional else 1)
        if self.initial_state == "learned":
            self.learned_state = [
                [
                    self.add_weight((self.units,), "zeros", name=f"{name}_{tensor}")
                    for tensor in range(self.states_per_layer)
                ]
                for name in (f"initial_state_{i}" for i in range(self.num_layers))
            ]

    def call(
        self,
        inputs: Any,
        initial_state: list | None = None,
        mask: Any = None,
        training: bool | None = None,
        length: Any = None,
    ) -> tuple:
        """Reads inputs, `length` times if given, and returns `(sequence, state)`."""
        if length is not None:
            self._check_repetition(inputs, mask)
            if len(getattr(length, "shape", ())):
                length = ops.shape(length)[1]
        if initial_state is None:
            initial_state = self.get_initial_state(ops.shape(inputs)[0])
        if len(initial_state) != self.num_layers:
            raise ValueError(
                f"initial_state needs one list of {self.states_per_layer} tensors "
                f"[batch, {self.units}] for each of the {self.num_layers} layers. "
                f"Received: initial_state with {len(initial_state)} entries"
            )
        sequence, final_state = inputs, []
        for index, layer in enumerate(self.layers):
            state = list(initial_state[index])
            with self._drop_weights(layer, training):
                if length is not None and index == 0:
                    output, *state = layer.repeat_input(inputs, length, state, training)
                else:
                    output, *state = layer(
                        sequence, initial_state=state, mask=mask, training=training
                    )
            final_state.append(state)
            sequence = output + sequence if self.residual and index else output
        return sequence, final_state

    def _check_repetition(self, inputs: Any, mask: Any) -> None:
        wrong = {
            "bidirectional=True": self.bidirectional,
            f"state_noise={self.state_noise}": self.state_noise,
            "a mask": mask is not None,
            f"inputs of shape {tuple(inputs.shape)}": len(inputs.shape) != 2,
        }
        if any(wrong.values()):
            received = ", ".join(name for name, is_wrong in wrong.items() if is_wrong)
            raise ValueError(
                "With a length, inputs [batch, features] are read again at every step, "
                "forwards, without noise or a mask; repeat them for anything else. "
                f"Received: a length and {received}"
            )

    def step(self, inputs: Any, state: list) -> tuple:
        """Returns output `[batch, units]` and state after one step's inputs."""
        if self.bidirectional:
            raise ValueError(
                "Only a stack that reads forwards can read step by step. Received: "
                "bidirectional=True"
            )
        output, final_state = ops.cast(inputs, self.compute_dtype), []
        for index, layer in enumerate(self.layers):
            hidden, layer_state = layer.cell(output, list(state[index]), training=False)
            if not isinstance(layer_state, (list, tuple)):
                layer_state = [layer_state]
            final_state.append(list(layer_state))
            output = hidden + output if self.residual and index else hidden
        return output, final_state

    def get_initial_state(self, batch: Any) -> list:
        """Returns the initial state for `batch` sequences, as `call` takes it."""
        shape, kind = (batch, self.units), self.compute_dtype
        if self.initial_state == "zeros":
            states = range(self.states_per_layer)
            return [[ops.zeros(shape, kind) for _ in states] for _ in self.layers]
        return [
            [ops.broadcast_to(ops.cast(vector, kind), shape) for vector in layer_state]
            for layer_state in self.learned_state
        ]

    def _drop_weights(self, layer: Any, training: bool | None) -> Any:
        stack = contextlib.ExitStack()
        if self.weight_dropout and training:
            both = self.bidirectional
            layers = [layer.forward_layer, layer.backward_layer] if both else [layer]
            for cell in (one.cell for one in layers):
                kernel = ops.convert_to_tensor(cell.recurrent_kernel)
                kernel = keras.random.dropout(
                    kernel, self.weight_dropout, seed=self.seed_generator
                )
                change = replace_untracked(cell, "recurrent_kernel", kernel)
                stack.enter_context(change)
        return stack

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps the input's mask on the sequence; states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        return mask, [[None] * self.states_per_layer for _ in self.layers]
