"""Many-to-one-to-many: a sequence in, a summary, a sequence out."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnnzoo.architectures.sequence_model import SequenceModel, check_exactly_one
from rnnzoo.architectures.signature import (
    Signature,
    graph_signature,
    step_signatures,
)
from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.attention import SCORES, SequenceAttention
from rnnzoo.layers.bridge import ReversedSteps, StateBridge
from rnnzoo.layers.reader import (
    TIED_STDDEV,
    SequenceReader,
    TiedHead,
    sequence_input,
)
from rnnzoo.layers.recurrence import CELLS, RecurrentStack


@keras.saving.register_keras_serializable("rnnzoo")
class ManyToOneToMany(SequenceModel):
    """A model that reads a sequence and then writes another.

    Use it where the answer is a sequence that is not aligned with the input step by
    step: sorting, copying, translation, spelling to sound. An encoder reads the source
    into a summary, its final state; a decoder starts from it (Cho et al.,
    arXiv:1406.1078).

    The source is token ids `[batch, time]` (int32, 0 = padding at the end) or real
    values `[batch, time, features]`; outputs are logits (float32)
    `[batch, steps, target_vocabulary_size]` or values
    `[batch, steps, target_features]`. Target token 0 is padding, which is ignored.
    The model is compiled (Adam; cross-entropy or mean squared error).

    With `decoder="summary"` the decoder reads the summary at every step. With
    `decoder="autoregressive"` the model takes `{"source": ..., "target": ...}`, where
    `target` is the decoder's output so far: in training, the right answer delayed by
    one step behind a start token (teacher forcing). `rnnzoo.decoding.decode_greedily`
    answers, by feeding its own tokens back.

    Args:
        target_vocabulary_size: For a token target: number of ids, padding included.
        target_features: For a real-valued target: number of values per step.
        decoder: `"summary"` or `"autoregressive"`.
        attention: `"additive"` or `"multiplicative"` lets every decoder step attend to
            all encoder steps; `None` for the summary alone. Queries are the outputs of
            the decoder's first layer, and the other layers read the context (Wu et al.,
            arXiv:1609.08144, section 3).
        reverse_source: Whether the encoder reads the source from its end (Sutskever et
            al., arXiv:1409.3215); for a token source.
        output_length: For a summary decoder: number of steps; `None` for the source's.
        num_layers: Number of recurrent layers in the encoder, and in the decoder.
        bidirectional: Whether the encoder reads the source backwards too; its two
            final states are then projected to the decoder's.
        tied_weights: Whether source, target and head have the same vectors of tokens
            (Press and Wolf, arXiv:1608.05859); for an autoregressive decoder and one
            vocabulary.
        initial_state: The encoder's: `"zeros"` or `"learned"`.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_one_to_many
        >>> model = many_to_one_to_many(vocabulary_size=10, target_vocabulary_size=10,
        ...                             decoder="autoregressive",
        ...                             attention="additive", units=16)
        >>> source = np.array([[3, 4, 5], [6, 7, 0]])
        >>> answer = np.array([[5, 4, 3], [7, 6, 0]])
        >>> delayed = np.array([[1, 5, 4], [1, 7, 0]])  # behind a start token
        >>> inputs = {"source": source, "target": delayed}
        >>> history = model.fit(inputs, answer, verbose=0)
        >>> from rnnzoo.decoding import decode_greedily
        >>> decode_greedily(model, source, start=1, end=2, max_length=4).shape[0]
        2
    """

    def __init__(
        self,
        *,
        vocabulary_size: int | None = None,
        features: int | None = None,
        target_vocabulary_size: int | None = None,
        target_features: int | None = None,
        decoder: str = "summary",
        attention: str | None = None,
        reverse_source: bool = False,
        output_length: int | None = None,
        embedding_dim: int = 64,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        bidirectional: bool = False,
        residual: bool = False,
        dropout: float = 0.0,
        token_dropout: float = 0.0,
        tied_weights: bool = False,
        initial_state: str = "zeros",
        chrono_steps: int | None = None,
        padding_value: float | None = None,
    ):
        check_exactly_one(vocabulary_size=vocabulary_size, features=features)
        check_exactly_one(
            target_vocabulary_size=target_vocabulary_size,
            target_features=target_features,
        )
        check_choice("decoder", decoder, ("summary", "autoregressive"))
        if attention is not None:
            check_choice("attention", attention, SCORES)
        if output_length is not None:
            check_number("output_length", output_length, minimum=1, whole=True)
            if decoder == "autoregressive":
                raise ValueError(
                    "output_length is for decoder='summary': an autoregressive decoder "
                    "writes as many steps as its target has. Leave it out. "
                    f"Received: output_length={output_length!r}"
                )
        is_tied = decoder == "autoregressive" and vocabulary_size is not None
        if tied_weights and not (is_tied and vocabulary_size == target_vocabulary_size):
            raise ValueError(
                "tied_weights are for decoder='autoregressive' and one vocabulary on "
                "both sides: leave them out, or give vocabulary_size and "
                "target_vocabulary_size, equal. Received: "
                f"decoder={decoder!r}, vocabulary_size={vocabulary_size!r}, "
                f"target_vocabulary_size={target_vocabulary_size!r}"
            )
        if reverse_source and vocabulary_size is None:
            raise ValueError(
                "reverse_source is for a source of tokens: give vocabulary_size, or "
                f"reverse the values before. Received: features={features!r}"
            )

        # === Layers ===
        self.reader = SequenceReader(
            vocabulary_size,
            embedding_dim,
            padding_value,
            token_dropout,
            stddev=TIED_STDDEV if tied_weights else None,
            name="reader",
        )
        self.reversed = ReversedSteps(name="reversed") if reverse_source else None
        stack_options: dict[str, Any] = {
            "cell": cell,
            "residual": residual,
            "dropout": dropout,
            "chrono_steps": chrono_steps,
        }
        self.encoder = RecurrentStack(
            units,
            num_layers=num_layers,
            bidirectional=bidirectional,
            initial_state=initial_state,
            name="encoder",
            **stack_options,
        )
        self.bridge = StateBridge(
            units, CELLS[cell][1], bidirectional, num_layers, name="bridge"
        )
        if tied_weights:
            self.target_reader = self.reader
        elif decoder == "autoregressive":
            self.target_reader = SequenceReader(
                target_vocabulary_size,
                embedding_dim,
                token_dropout=token_dropout,
                name="target_reader",
            )
        # Attention sits on the first layer; the others read what it has found.
        first = num_layers if attention is None else 1
        self.decoder = RecurrentStack(
            units, num_layers=first, name="decoder", **stack_options
        )
        self.attention = self.attention_output = self.upper_decoder = None
        if attention is not None:
            self.attention = SequenceAttention(units, score=attention, name="attention")
            self.attention_output = keras.layers.Dense(
                units, activation="tanh", name="attention_output"
            )
        if num_layers > first:
            upper = num_layers - first
            self.upper_decoder = RecurrentStack(
                units, num_layers=upper, name="upper_decoder", **stack_options
            )
        self.head_dropout = keras.layers.SpatialDropout1D(dropout, name="head_dropout")
        head_options = {"dtype": "float32", "name": "head"}
        if tied_weights:
            self.head = TiedHead(self.reader, vocabulary_size, **head_options)
        else:
            size = target_vocabulary_size or target_features
            self.head = keras.layers.Dense(size, **head_options)

        # === Graph ===
        source = sequence_input(features, name="source")
        memory, memory_mask, state = self.run_encoder(source)
        if decoder == "summary":
            inputs, mask = source, None
            steps = state[-1][0]
            length = source if output_length is None else int(output_length)
        else:
            target = sequence_input(target_features, name="target")
            inputs = {"source": source, "target": target}
            steps, length = self.target_reader(target), None
            mask = self.target_reader.compute_mask(target)
        outputs, *_ = self.run_decoder(steps, state, memory, memory_mask, mask, length)
        super().__init__(inputs=inputs, outputs=outputs)

        # === Config ===
        self.is_autoregressive = decoder == "autoregressive"
        self.set_targets(classes=target_vocabulary_size is not None, padding=0)

    def run_encoder(self, source: Any) -> tuple:
        """Reads token ids `[batch, time]` or values `[batch, time, features]`.

        Returns the encoder's sequence `[batch, time, units]` (`2 * units` when
        bidirectional), its mask or `None`, and the decoder's initial state.
        """
        mask, steps = self.reader.compute_mask(source), self.reader(source)
        if self.reversed is not None:
            steps = self.reversed(steps, source)
        memory, state = self.encoder(steps, mask=mask)
        if self.reversed is not None and self.attention is not None:
            memory = self.reversed(memory, source)
        return memory, mask, self.bridge(state)

    def run_decoder(
        self,
        steps: Any,
        state: list,
        memory: Any,
        memory_mask: Any = None,
        mask: Any = None,
        length: Any = None,
    ) -> tuple:
        """Returns an output step for each input step.

        Args:
            steps: Decoder input `[batch, steps, features]`.
            state: State before the first step: the encoder's, or a call's.
            memory: The encoder's sequence, for attention.
            memory_mask: `[batch, time]`, true for real steps of the memory.
            mask: `[batch, steps]`, true for real steps of the target.
            length: As `RecurrentStack`'s: to repeat steps `[batch, features]`.

        Returns:
            Outputs `[batch, steps, target size]`, the state after the last step, and
            the attention's weights `[batch, steps, time]` or `None`.
        """
        first, weights = self.decoder.num_layers, None
        hidden, after = self.decoder(
            steps, initial_state=state[:first], mask=mask, length=length
        )
        if self.attention is not None and self.attention_output is not None:
            context, weights = self.attention(hidden, memory, memory_mask=memory_mask)
            both = keras.layers.concatenate([context, hidden])
            if self.upper_decoder is not None:
                hidden, upper = self.upper_decoder(
                    both, initial_state=state[first:], mask=mask
                )
                after, both = after + upper, keras.layers.concatenate([context, hidden])
            hidden = self.attention_output(both)
        return self.head(self.head_dropout(hidden)), after, weights

    def begin(self, source: Any) -> dict:
        """Reads a source and returns the state that `step` starts from.

        With attention it also has `memory`, `keys` and `memory_mask`.
        """
        memory, memory_mask, state = self.run_encoder(source)
        if self.attention is None:
            return {"decoder": state}
        if memory_mask is None:
            memory_mask = ops.ones(ops.shape(memory)[:2], "bool")
        return {
            "decoder": state,
            "memory": memory,
            "keys": self.attention.project(memory),
            "memory_mask": memory_mask,
        }

    def step(self, tokens: Any, state: dict) -> tuple:
        """Makes one step of an autoregressive decoder; faster than `run_decoder`.

        Args:
            tokens: The last token ids `[batch]` or values `[batch, target_features]`.
            state: What `begin` or another call returned. A row of the memory may be for
                several consecutive rows of tokens, as in a beam.

        Returns:
            Outputs `[batch, target size]` and the state after the step.
        """
        first, before = self.decoder.num_layers, state["decoder"]
        # Not through the layer's call, which attaches a mask.
        steps = self.target_reader.call(tokens)
        hidden, after = self.decoder.step(steps, before[:first])
        if self.attention is not None and self.attention_output is not None:
            memory = state["memory"]
            rows, units = ops.shape(memory)[0], hidden.shape[-1]
            context, _ = self.attention(
                ops.reshape(hidden, (rows, -1, units)),
                memory,
                memory_mask=state["memory_mask"],
                keys=state["keys"],
            )
            context = ops.reshape(context, (-1, memory.shape[-1]))
            both = ops.concatenate([context, hidden], axis=-1)
            if self.upper_decoder is not None:
                hidden, upper = self.upper_decoder.step(both, before[first:])
                after = after + upper
                both = ops.concatenate([context, hidden], axis=-1)
            hidden = self.attention_output(both)
        return self.head(hidden), {**state, "decoder": after}

    def state_spec(self) -> dict:
        """Returns the structure of `tf.TensorSpec` of the state of `step`."""
        source, *_ = keras.tree.flatten(self.inputs)
        spec = tf.TensorSpec(source.shape, source.dtype)
        # Traced and not run: that would draw random numbers of the layers' dropout.
        begin = tf.function(self.begin, input_signature=[spec], autograph=False)
        outputs = begin.get_concrete_function().structured_outputs
        return tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), outputs)

    def tokens_signature(self) -> Signature:
        """Returns the signature of the graph as it is."""
        if not self.is_autoregressive:
            return super().tokens_signature()
        return graph_signature(self)

    def signatures(self) -> dict[str, Signature]:
        """Adds `begin` and `step` where the decoder is autoregressive."""
        found = super().signatures()
        return found | step_signatures(self) if self.is_autoregressive else found
