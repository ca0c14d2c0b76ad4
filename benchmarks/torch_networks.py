"""The zoo's architectures in PyTorch, plainly written, for comparisons of speed."""

import sys

import keras
import torch
from torch import nn

from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.layers.attention import SequenceAttention, SequencePooling
from rnnzoo.layers.reader import SequenceReader
from rnnzoo.layers.recurrence import RecurrentStack

# The LLVM of Triton, which PyTorch's optimizers would import, and that of TensorFlow
# cannot both be in one process.
sys.modules["triton"] = None

LAYERS = {"simple": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Network(nn.Module):
    """The architecture of a model of the zoo, with weights of its own.

    It has the same embedding, recurrent layers, attention, pooling and head. Left out
    is what PyTorch's layers have not: n-grams, noise on states, dropped tokens and
    dropped weights, learned initial states, and smoothed targets; and the moving
    average of the weights. Its LSTMs have a second bias.

    Args:
        model: The model.
        packed: Whether padding is passed over, with `pack_padded_sequence`, as our
            models pass it over; else it is read too.
    """

    def __init__(self, model, packed: bool):
        """Makes the layers."""
        super().__init__()
        self.packed = packed
        found = list(model._flatten_layers())
        self.is_translating = isinstance(model, ManyToOneToMany)
        stacks = [layer for layer in found if isinstance(layer, RecurrentStack)]
        embeddings = [one for one in found if isinstance(one, keras.layers.Embedding)]
        embeddings = [nn.Embedding(one.input_dim, one.output_dim) for one in embeddings]
        embeddings = nn.ModuleList(embeddings)
        self.embedding = embeddings[0] if embeddings else None
        self.target_embedding = embeddings[-1] if embeddings else None
        self.reader = _stack(stacks[0])
        self.dropout = nn.Dropout(stacks[0].dropout)
        kinds = [one.kind for one in found if isinstance(one, SequencePooling)]
        self.pooling = kinds[0] if kinds else "last"
        known = self.pooling in ("last", "mean_max")
        if not known or any(stack.residual for stack in stacks):
            raise ValueError(
                "The network has no residual connections, and pools the last step, or "
                f"mean and maximum. Received: {model.name!r} with other layers"
            )
        readers = [one for one in found if isinstance(one, SequenceReader)]
        self.padding_value = readers[0].padding_value
        # Whether there is an answer at every step.
        self.is_sequence = len(model.output_shape) == 3
        classes = model.output_shape[-1]
        self.is_tied = model.get_layer("head").__class__.__name__ == "TiedHead"
        units = stacks[-1].units
        if not self.is_translating:
            units *= 2 if stacks[0].bidirectional else 1
            units *= 2 if self.pooling == "mean_max" else 1
        self.attention = self.upper = None
        if self.is_translating:
            self._make_writer(stacks, found)
        if self.is_tied:
            size = self.embedding.embedding_dim
            self.projection = None
            if units != size:
                self.projection = nn.Linear(units, size, bias=False)
            self.bias = nn.Parameter(torch.zeros(classes))
        else:
            self.head = nn.Linear(units, classes)

    def _make_writer(self, stacks: list, found: list) -> None:
        """Makes the decoder, and what is between it and the encoder."""
        encoder, decoder, units = stacks[0], stacks[1], stacks[1].units
        self.bridges = nn.ModuleList()
        if encoder.bidirectional:
            count = encoder.num_layers * (2 if encoder.cell == "lstm" else 1)
            self.bridges += [nn.Linear(2 * units, units) for _ in range(count)]
        self.decoder = _stack(decoder)
        scores = [one.score for one in found if isinstance(one, SequenceAttention)]
        if not scores:
            return
        self.score = scores[0]
        size = units * (2 if encoder.bidirectional else 1)
        self.attention = nn.Linear(size, units, bias=False)
        if self.score == "additive":
            self.query = nn.Linear(units, units, bias=False)
            self.weigh = nn.Linear(units, 1, bias=False)
        self.upper = _stack(stacks[2]) if len(stacks) > 2 else None
        self.readout = nn.Linear(size + units, units)

    def forward(self, inputs, target=None):
        """Returns logits for token ids, or for values; and for a target, if it writes.

        Args:
            inputs: `[batch, time]`, 0 = padding, or `[batch, time, features]`.
            target: What the decoder reads `[batch, steps]`; `None` for the summary.
        """
        sequence, state, mask = self._read(inputs)
        if not self.is_translating:
            hidden = sequence if self.is_sequence else self._pooled(sequence, mask)
            return self._answers(hidden)
        states = self._bridged(state)
        if target is None:
            summary = states[0][-1]
            steps = summary[:, None].expand(-1, inputs.shape[1], -1).contiguous()
        else:
            steps = self.dropout(self.target_embedding(target))
        first = self.decoder.num_layers
        hidden, _ = self.decoder(steps, self._of_layers(states, slice(0, first)))
        if self.attention is None:
            return self._answers(hidden)
        keys = self.attention(sequence)
        if self.score == "additive":
            both = self.query(hidden)[:, :, None] + keys[:, None]
            scores = self.weigh(torch.tanh(both))[..., 0]
        else:
            scores = hidden @ keys.transpose(1, 2)
        scores = scores.masked_fill(~mask[:, None, : keys.shape[1]], -6e4)
        context = torch.softmax(scores, dim=-1) @ sequence
        if self.upper is not None:
            both = self.dropout(torch.cat([context, hidden], dim=-1))
            hidden, _ = self.upper(both, self._of_layers(states, slice(first, None)))
        both = torch.cat([context, hidden], dim=-1)
        return self._answers(torch.tanh(self.readout(both)))

    def _read(self, inputs) -> tuple:
        """Returns the sequence, the final states `[layers, batch, units]`, the mask."""
        steps, mask = inputs, torch.ones(inputs.shape[:2], dtype=torch.bool)
        if self.embedding is not None:
            steps, mask = self.embedding(inputs), inputs > 0
        elif self.padding_value is not None:
            mask = (inputs != self.padding_value).any(-1)
        steps = self.dropout(steps)
        if not self.packed:
            sequence, state = self.reader(steps)
        else:
            lengths = mask.sum(1)
            packed = nn.utils.rnn.pack_padded_sequence(
                steps, lengths, batch_first=True, enforce_sorted=False
            )
            packed, state = self.reader(packed)
            sequence, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        return sequence, state if isinstance(state, tuple) else (state,), mask

    def _pooled(self, sequence, mask):
        """Returns one vector of each sequence."""
        mask = mask[:, : sequence.shape[1], None]
        if self.pooling == "mean_max":
            mean = (sequence * mask).sum(1) / mask.sum(1)
            highest = sequence.masked_fill(~mask, -torch.inf).amax(1)
            return torch.cat([mean, highest], dim=-1)
        last = mask.sum(1) - 1
        if not self.reader.bidirectional:
            return sequence.take_along_dim(last[:, None], 1)[:, 0]
        forward, backward = sequence.chunk(2, dim=-1)
        last = forward.take_along_dim(last[:, None], 1)[:, 0]
        return torch.cat([last, backward[:, 0]], dim=-1)

    def _bridged(self, states: tuple) -> tuple:
        """Returns the decoder's initial states `[layers, batch, units]`."""
        if not self.bridges:
            return states
        bridges = iter(self.bridges)
        return tuple(
            torch.stack(
                [
                    torch.tanh(next(bridges)(torch.cat([one, other], dim=-1)))
                    for one, other in zip(state[::2], state[1::2], strict=True)
                ]
            )
            for state in states
        )

    def _of_layers(self, states: tuple, layers: slice):
        """Returns the states of some layers, as PyTorch takes them."""
        states = tuple(state[layers].contiguous() for state in states)
        return states if len(states) > 1 else states[0]

    def _answers(self, hidden):
        """Returns logits or values."""
        hidden = self.dropout(hidden)
        if not self.is_tied:
            return self.head(hidden)
        if self.projection is not None:
            hidden = self.projection(hidden)
        return hidden @ self.embedding.weight[: len(self.bias)].T + self.bias


def _stack(stack: RecurrentStack) -> nn.Module:
    """Returns the recurrent layers of a stack."""
    layer = stack.layers[0]
    cell = layer.forward_layer.cell if stack.bidirectional else layer.cell
    return LAYERS[stack.cell](
        cell.kernel.shape[0],
        stack.units,
        stack.num_layers,
        batch_first=True,
        bidirectional=stack.bidirectional,
        dropout=stack.dropout if stack.num_layers > 1 else 0.0,
    )


def training_step(network: Network, inputs, targets, clip_norm: float):
    """Returns a function that makes one step of training on a batch.

    Args:
        network: The network.
        inputs: An array, or a dict of `source` and `target`.
        targets: Classes, where 0 is padding if there is one at every step; or values.
        clip_norm: Largest global norm of the gradients.
    """
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    names = ("source", "target")
    inputs = [inputs[n] for n in names] if isinstance(inputs, dict) else [inputs]
    inputs = [torch.from_numpy(one) for one in inputs]
    inputs = [one if one.is_floating_point() else one.long() for one in inputs]
    targets = torch.from_numpy(targets)
    is_class = not targets.is_floating_point()
    padding = 0 if targets.ndim > 1 else -100

    def step() -> float:
        answers = network(*inputs)
        if is_class:
            loss = nn.functional.cross_entropy(
                answers.flatten(0, -2), targets.long().flatten(), ignore_index=padding
            )
        else:
            loss = nn.functional.mse_loss(answers, targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        optimizer.step()
        return loss.item()

    return step
