"""Many-to-one-to-many: a sequence in, a summary between, a sequence out."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnzoo.architectures.factory import builder
from rnnzoo.architectures.sequence_model import (
    SequenceModel,
    check_exactly_one,
    compile_graph,
)
from rnnzoo.architectures.signature import Signature
from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.attention import SCORES, SequenceAttention
from rnnzoo.layers.bridge import ReversedSteps, StateBridge
from rnnzoo.layers.reader import TIED_STDDEV, SequenceReader, sequence_input
from rnnzoo.layers.recurrence import CELLS, RecurrentStack
from rnnzoo.layers.tied_head import TiedHead


@keras.saving.register_keras_serializable("rnnzoo")
class ManyToOneToMany(SequenceModel):
    """A model that reads a sequence and then writes another.

    Use it where the answer is a sequence that is not aligned with the input step by
    step: sorting, copying, translation, spelling to sound. An encoder reads the source
    into a summary, its final state; a decoder starts from it.

    The model takes the source as token ids `[batch, time]` (int32, 0 = padding at the
    end) or real values `[batch, time, features]`, and returns float32 logits
    `[batch, steps, target_vocabulary_size]` or values
    `[batch, steps, target_features]`. Target token 0 is padding and has no part in
    loss and metrics. It comes compiled (Adam; cross-entropy or mean squared error).

    With `decoder="summary"` the decoder's input is the summary at every step, and the
    source is the model's only input. With `decoder="autoregressive"` the model takes
    `{"source": ..., "target": ...}`, where `target` is what the decoder has written so
    far: in training, the right answer delayed by one step behind a start token
    (teacher forcing, Williams and Zipser, 1989); to answer, `write_greedily` feeds its
    own tokens back.

    Args:
        vocabulary_size: For a token source: number of ids, padding included.
        features: For a real-valued source: number of values per time step.
        target_vocabulary_size: For a token target: number of ids, padding included.
        target_features: For a real-valued target: number of values per step.
        decoder: `"summary"` or `"autoregressive"`.
        attention: `"additive"` or `"multiplicative"` lets every decoder step look at
            all encoder steps; `None` leaves the summary alone. It is asked with what
            the decoder's first layer writes, and the other layers read the answer, so
            that each of them runs over a whole target at once.
        reverse_source: Whether the encoder reads the source from its end (Sutskever et
            al., 2014); for a token source.
        output_length: With `decoder="summary"`, number of steps to write; `None` for
            as many as the source has.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each recurrent layer's state (per direction in the encoder).
        num_layers: Number of recurrent layers in the encoder, and in the decoder.
        cell: `"simple"`, `"gru"` or `"lstm"`.
        bidirectional: Whether the encoder reads the source backwards too; its two
            final states are then projected to the decoder's.
        residual: Whether layers from the second on add their input to their output.
        dropout: Share of features dropped in training, before each recurrent layer and
            before the head, the same at every time step.
        token_dropout: Share of tokens whose whole vector is set to zero in training.
        tied_weights: Whether source, target and head have the same vectors of tokens
            (Press and Wolf, 2017); for an autoregressive decoder and one vocabulary.
        initial_state: The encoder's: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialisation: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        padding_value: For a real-valued source: steps whose features all have this
            value are padding; `None` if there is no padding.

    Raises:
        ValueError: If not exactly one kind of source and one kind of target is given,
            or an argument is outside its range.

    Example:
        >>> import numpy as np
        >>> from rnnzoo import many_to_one_to_many
        >>> model = many_to_one_to_many(vocabulary_size=10, target_vocabulary_size=10,
        ...                             decoder="autoregressive",
        ...                             attention="additive", units=16)
        >>> source = np.array([[3, 4, 5], [6, 7, 0]])
        >>> answer = np.array([[5, 4, 3], [7, 6, 0]])
        >>> start = 1
        >>> delayed = np.array([[start, 5, 4], [start, 7, 0]])
        >>> inputs = {"source": source, "target": delayed}
        >>> history = model.fit(inputs, answer, verbose=0)
        >>> model.write_greedily(source, start=1, end=2, max_length=4).shape[0]
        2

    References:
        - Cho et al., "Learning phrase representations using RNN encoder-decoder",
          EMNLP 2014, arXiv:1406.1078.
        - Sutskever, Vinyals and Le, "Sequence to sequence learning with neural
          networks", NeurIPS 2014, arXiv:1409.3215.
        - Luong, Pham and Manning, "Effective approaches to attention-based neural
          machine translation", EMNLP 2015, arXiv:1508.04025.
        - Wu et al., "Google's neural machine translation system", 2016,
          arXiv:1609.08144, section 3 (attention on the decoder's first layer).
        - Press and Wolf, "Using the output embedding to improve language models", EACL
          2017, arXiv:1608.05859.
        - Williams and Zipser, "A learning algorithm for continually running fully
          recurrent neural networks", Neural Computation 1, 1989.
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
        self.encoder = RecurrentStack(
            units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=bidirectional,
            residual=residual,
            dropout=dropout,
            initial_state=initial_state,
            chrono_steps=chrono_steps,
            name="encoder",
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
        decoder_options = {
            "cell": cell,
            "residual": residual,
            "dropout": dropout,
            "chrono_steps": chrono_steps,
        }
        # Attention sits on the first layer; the others read what it has found.
        first = num_layers if attention is None else 1
        self.decoder = RecurrentStack(
            units, num_layers=first, name="decoder", **decoder_options
        )
        self.attention = self.attention_output = self.upper_decoder = None
        if attention is not None:
            self.attention = SequenceAttention(units, score=attention, name="attention")
            self.attention_output = keras.layers.Dense(
                units, activation="tanh", name="attention_output"
            )
        if num_layers > first:
            self.upper_decoder = RecurrentStack(
                units,
                num_layers=num_layers - first,
                name="upper_decoder",
                **decoder_options,
            )
        self.head_dropout = keras.layers.SpatialDropout1D(dropout, name="head_dropout")
        if tied_weights:
            self.head = TiedHead(
                self.reader, vocabulary_size, dtype="float32", name="head"
            )
        else:
            self.head = keras.layers.Dense(
                target_vocabulary_size or target_features, dtype="float32", name="head"
            )

        # === Graph ===
        source = sequence_input(features, name="source")
        memory, memory_mask, state = self.read(source)
        if decoder == "summary":
            inputs, mask = source, None
            steps = state[-1][0]
            length = source if output_length is None else int(output_length)
        else:
            target = sequence_input(target_features, name="target")
            inputs = {"source": source, "target": target}
            steps, length = self.target_reader(target), None
            mask = self.target_reader.compute_mask(target)
        outputs, _ = self.write(steps, state, memory, memory_mask, mask, length)
        super().__init__(inputs=inputs, outputs=outputs)

        # === Config ===
        self.is_autoregressive = decoder == "autoregressive"
        self.set_targets(classes=target_vocabulary_size is not None, padding=0)

    def read(self, source: Any) -> tuple:
        """Reads the source.

        Args:
            source: Token ids `[batch, time]` or values `[batch, time, features]`.

        Returns:
            The encoder's sequence `[batch, time, units]` (`2 * units` when
            bidirectional), its mask or `None`, and the decoder's initial state.
        """
        mask, steps = self.reader.compute_mask(source), self.reader(source)
        if self.reversed is not None:
            steps = self.reversed(steps, source)
        memory, state = self.encoder(steps, mask=mask)
        if self.reversed is not None and self.attention is not None:
            memory = self.reversed(memory, source)
        return memory, mask, self.bridge(state)

    def write(
        self,
        steps: Any,
        state: list,
        memory: Any,
        memory_mask: Any = None,
        mask: Any = None,
        length: Any = None,
    ) -> tuple:
        """Writes as many output steps as it is given input steps.

        Whole sequences and single steps give the same outputs: pass the state that
        one call returns to the next.

        Args:
            steps: Decoder input `[batch, steps, features]`.
            state: State before the first step.
            memory: The encoder's sequence, which attention looks at.
            memory_mask: `[batch, time]`, true for real steps of the memory.
            mask: `[batch, steps]`, true for real steps of the target.
            length: To write from one vector `[batch, features]`, which is read again at
                every step: how many steps, or a sequence `[batch, steps, ...]`.

        Returns:
            Outputs `[batch, steps, target size]` and the state after the last step.
        """
        return self._write(steps, state, memory, memory_mask, mask, length)[:2]

    def _write(
        self,
        steps: Any,
        state: list,
        memory: Any,
        memory_mask: Any,
        mask: Any,
        length: Any = None,
    ) -> tuple:
        """Returns as `write`, and the attention's weights `[batch, steps, time]`."""
        first, weights = self.decoder.num_layers, None
        hidden, after = self.decoder(
            steps, initial_state=state[:first], mask=mask, length=length
        )
        if self.attention is not None:
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
        """Reads the source and returns the state that `step` goes on from.

        Args:
            source: As in `read`.

        Returns:
            `decoder`, the decoder's state; and with attention `memory` and `keys`
            `[batch, time, units]` and `memory_mask` `[batch, time]`.
        """
        memory, memory_mask, state = self.read(source)
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
        """Writes one step of an autoregressive decoder; quicker than `write` for that.

        Args:
            tokens: What was written last: token ids `[batch]` or values
                `[batch, target_features]`.
            state: What `begin` or another call returned. What attention looks at may
                have fewer rows: each is then looked at by as many rows of tokens, one
                after the other, as by the beginnings of a beam.

        Returns:
            Outputs `[batch, target size]` and the state after the step.
        """
        first, before = self.decoder.num_layers, state["decoder"]
        # Not through the layer's call, which attaches a mask.
        steps = self.target_reader.call(tokens)
        hidden, after = self.decoder.step(steps, before[:first])
        if self.attention is not None:
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
        """Returns the state of `begin` and `step`, of `tf.TensorSpec`."""
        import tensorflow as tf

        source, *_ = keras.tree.flatten(self.inputs)
        spec = tf.TensorSpec(source.shape, source.dtype)
        # Traced and not run: that would draw random numbers of the layers' dropout.
        begin = tf.function(self.begin, input_signature=[spec], autograph=False)
        return tf.nest.map_structure(
            lambda part: tf.TensorSpec(part.shape, part.dtype),
            begin.get_concrete_function().structured_outputs,
        )

    def tokens_signature(self) -> Signature:
        """Returns the way to call the graph as it is."""
        if not self.is_autoregressive:
            return super().tokens_signature()

        def outputs(source: Any, target: Any) -> dict:
            inputs = {"source": source, "target": target}
            return {"outputs": self(inputs, training=False)}

        names = ("source", "target")
        texts = self.sample_texts()
        sources = [self._encode_texts(texts[:2]), self._encode_texts(texts[:4])]
        return Signature(
            graph=outputs,
            inputs={n: (self.input[n].shape, self.input[n].dtype) for n in names},
            answers=outputs,
            # Any tokens will do as a target, with the padding at the end.
            examples=[{"source": x, "target": x[::-1]} for x in sources],
        )

    def signatures(self) -> dict[str, Signature]:
        """Adds the halves of an autoregressive model, for callers that write.

        `begin` reads a source, and `step` goes one step further, from what was written
        last and a state to outputs and the next state.
        """
        found = super().signatures()
        if not self.is_autoregressive:
            return found

        def named(state: dict, prefix: str = "") -> dict:
            parts = keras.tree.flatten_with_path(state)
            return {prefix + "_".join(map(str, path)): part for path, part in parts}

        def begin(source: Any) -> dict:
            return named(self.begin(source))

        def step(token: Any, **before: Any) -> dict:
            before = [ops.convert_to_tensor(before[name]) for name in specs]
            before = keras.tree.pack_sequence_as(structure, before)
            outputs, after = self.step(ops.convert_to_tensor(token), before)
            after = {"decoder": after["decoder"]}  # the rest stays as it is
            return {"outputs": outputs, **named(after, "next_")}

        source, target = self.input["source"], self.input["target"]
        sources = [self._encode_texts(self.sample_texts()[:n]) for n in (2, 4)]
        structure = self.state_spec()
        specs = {
            name: (tuple(spec.shape), spec.dtype.name)
            for name, spec in named(structure).items()
        }
        states = [
            {name: ops.convert_to_numpy(part) for name, part in begin(rows).items()}
            for rows in map(ops.convert_to_tensor, sources)
        ]
        return found | {
            "begin": Signature(
                graph=begin,
                inputs={"source": (source.shape, source.dtype)},
                answers=begin,
                examples=[{"source": rows} for rows in sources],
            ),
            "step": Signature(
                graph=step,
                inputs={"token": ((None, *target.shape[2:]), target.dtype), **specs},
                answers=step,
                examples=[
                    {"token": rows[:, 0], **state}
                    for rows, state in zip(sources, states, strict=True)
                ],
            ),
        }

    def write_tokens(self, source: Any, batch_size: int = 1024) -> np.ndarray:
        """Writes the most probable token at every step, from the summary alone.

        Rows are read in order of length, so that short rows do not pay for long ones;
        memory is bounded by `batch_size`, whatever the number of rows.

        Args:
            source: Token ids `[rows, time]`, 0 = padding at the end.
            batch_size: Rows per batch.

        Returns:
            Token ids `[rows, time]`, int32; those at padded steps mean nothing.
        """
        source = np.asarray(source)
        answers = np.zeros_like(source)
        lengths = (source != 0).sum(axis=1)
        order = np.argsort(lengths, kind="stable")
        for begin in range(0, len(order), batch_size):
            rows = order[begin : begin + batch_size]
            length = lengths[rows[-1]]
            if length:
                tokens = self._most_probable(source[rows, :length])
                answers[rows, :length] = ops.convert_to_numpy(tokens)
        return answers

    @functools.cached_property
    def _most_probable(self) -> Callable:
        """The compiled graph from a source to the most probable token of each step."""

        def most_probable(source: Any) -> Any:
            # Token 0 is padding, which is never an answer.
            return ops.argmax(self(source)[..., 1:], axis=-1) + 1

        return compile_graph(most_probable, ((None, None), "int32"))

    def write_greedily(
        self, source: Any, start: int, end: int, max_length: int
    ) -> np.ndarray:
        """Writes the most probable token at every step, feeding each to the next.

        Args:
            source: Encoded source, as the graph takes it.
            start: Token id that begins every target.
            end: Token id that ends it; rows that have ended are padded with 0.
            max_length: Largest number of tokens to write, `end` included.

        Returns:
            Token ids `[batch, at most max_length]`, int32, without `start`.

        Raises:
            ValueError: If the model is not an autoregressive writer of tokens.
        """
        if not self.is_autoregressive or self.input["target"].dtype != "int32":
            raise ValueError(
                "write_greedily needs decoder='autoregressive' and a "
                "target_vocabulary_size; with decoder='summary', predict() gives the "
                f"answer. Received: {self.name!r}, which is no such model"
            )
        memory, memory_mask, state = self.read(ops.convert_to_tensor(source))
        batch = memory.shape[0]
        token = np.full((batch, 1), start, "int32")
        ended = np.zeros((batch, 1), bool)
        tokens = []
        for _ in range(max_length):
            steps = self.target_reader(ops.convert_to_tensor(token))
            outputs, state = self.write(steps, state, memory, memory_mask)
            outputs = ops.convert_to_numpy(outputs)
            # Token 0 is padding, which is never an answer.
            token = np.argmax(outputs[..., 1:], axis=-1).astype("int32") + 1
            tokens.append(np.where(ended, 0, token))
            ended |= token == end
            if ended.all():
                break
        return np.concatenate(tokens, axis=1)


many_to_one_to_many = builder(ManyToOneToMany, "many_to_one_to_many")
