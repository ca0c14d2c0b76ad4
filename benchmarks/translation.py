"""Times translating and training, beside the same network in PyTorch.

    pip install -e ".[benchmark]"
    python benchmarks/translation.py translator.multi30k_en_de

The PyTorch network has the weights of the given translator (GRUs with multiplicative
attention), and the beam search is the same, written plainly with its operations; that
both give the same translations of the texts is checked first. Texts are those that the
translator's recipe validates on. Sentences per second are of whole sentences, text to
text, at batches of 1 and 64; target tokens per second are of training steps on the
recipe's batches, with dropout, smoothed cross-entropy, clipping and Adam on both sides.
Prints a table and writes it to benchmarks/translation.csv and docs/translation.md.
"""

import statistics
import sys
import time

import numpy as np
import torch
from harness import Benchmark

import rnnzoo
from rnnzoo import training
from rnnzoo.layers.threads import count_cores

# The LLVM of Triton, which PyTorch's optimizers would import, and that of TensorFlow
# cannot both be in one process.
sys.modules["triton"] = None

SENTENCES = {1: 40, 64: 256}
WIDTHS = (1, 5)
STEPS = 20


class TorchTranslator(torch.nn.Module):
    """The network of a `rnnzoo.models.translation.Translator`, with its weights."""

    def __init__(self, model):
        """Copies the weights."""
        super().__init__()
        settings = model.get_config()
        expected = {"cell": "gru", "attention": "multiplicative"}
        wrong = {k: settings[k] for k in expected if settings[k] != expected[k]}
        if wrong or settings["num_layers"] < 2:
            raise ValueError(
                "The model must have GRUs, two layers or more, and multiplicative "
                f"attention. Received: {wrong or settings['num_layers']}"
            )
        units, size = settings["units"], settings["embedding_dim"]
        layers = settings["num_layers"]
        self.tokens = model.tokens
        self.end, self.unknown = model.tokens.start_id, model.tokens.UNKNOWN
        dropout = settings["dropout"]
        options = {"batch_first": True, "dropout": dropout}
        self.dropout = torch.nn.Dropout(dropout)
        self.embedding = torch.nn.Embedding(model.tokens.vocabulary_size, size)
        self.encoder = torch.nn.GRU(size, units, layers, bidirectional=True, **options)
        self.bridges = torch.nn.ModuleList(
            torch.nn.Linear(2 * units, units) for _ in range(layers)
        )
        self.decoder = torch.nn.GRU(size, units, batch_first=True)
        self.attention = torch.nn.Linear(2 * units, units, bias=False)
        self.upper = torch.nn.GRU(3 * units, units, layers - 1, **options)
        self.readout = torch.nn.Linear(3 * units, units)
        self.projection = torch.nn.Linear(units, size, bias=False)
        self.bias = torch.nn.Parameter(torch.zeros(model.tokens.vocabulary_size))
        with torch.no_grad():
            self._copy(model, units == size)

    def _copy(self, model, is_square: bool) -> None:
        def put(parameter, values) -> None:
            parameter.copy_(torch.from_numpy(np.array(values)))

        def put_gru(gru, layer: int, cell, suffix: str = "") -> None:
            def reordered(values):
                """Turns Keras' update, reset, candidate into PyTorch's order."""
                update, reset, candidate = np.split(np.array(values), 3, axis=-1)
                return np.concatenate([reset, update, candidate], axis=-1)

            names = f"weight_ih_l{layer}", f"weight_hh_l{layer}"
            put(getattr(gru, names[0] + suffix), reordered(cell.kernel).T)
            put(getattr(gru, names[1] + suffix), reordered(cell.recurrent_kernel).T)
            for name, values in zip(("ih", "hh"), np.array(cell.bias), strict=True):
                put(getattr(gru, f"bias_{name}_l{layer}{suffix}"), reordered(values))

        put(self.embedding.weight, model.reader.embedding.embeddings)
        for index, layer in enumerate(model.encoder.layers):
            put_gru(self.encoder, index, layer.forward_layer.cell)
            put_gru(self.encoder, index, layer.backward_layer.cell, "_reverse")
        for bridge, layer in zip(self.bridges, model.bridge.projections, strict=True):
            put(bridge.weight, np.array(layer.kernel).T)
            put(bridge.bias, layer.bias)
        put_gru(self.decoder, 0, model.decoder.layers[0].cell)
        for index, layer in enumerate(model.upper_decoder.layers):
            put_gru(self.upper, index, layer.cell)
        put(self.attention.weight, model.attention.query_kernel)
        put(self.readout.weight, np.array(model.attention_output.kernel).T)
        put(self.readout.bias, model.attention_output.bias)
        if is_square:
            put(self.projection.weight, np.eye(self.projection.in_features, dtype="f"))
        else:
            put(self.projection.weight, np.array(model.head.projection.kernel).T)
        put(self.bias, model.head.bias)

    def read(self, source):
        """Reads sources `[batch, time]`; returns states, memory, keys and mask."""
        lengths = (source > 0).sum(1)
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(source)),
            lengths,
            batch_first=True,
            enforce_sorted=False,
        )
        memory, state = self.encoder(packed)
        memory, _ = torch.nn.utils.rnn.pad_packed_sequence(memory, batch_first=True)
        layers = [
            torch.tanh(bridge(torch.cat([state[2 * i], state[2 * i + 1]], dim=-1)))
            for i, bridge in enumerate(self.bridges)
        ]
        mask = (source > 0)[:, None, : memory.shape[1]]
        return torch.stack(layers), memory, self.attention(memory), mask

    def write(self, target, states, memory, keys, mask):
        """Returns logits `[batch, time, tokens]` and the states after the target."""
        steps = self.dropout(self.embedding(target))
        hidden, first = self.decoder(steps, states[:1].contiguous())
        scores = (hidden @ keys.transpose(1, 2)).masked_fill(~mask, -6e4)
        context = torch.softmax(scores, dim=-1) @ memory
        both = self.dropout(torch.cat([context, hidden], dim=-1))
        hidden, upper = self.upper(both, states[1:].contiguous())
        hidden = torch.tanh(self.readout(torch.cat([context, hidden], dim=-1)))
        hidden = self.projection(self.dropout(hidden))
        logits = hidden @ self.embedding.weight.T + self.bias
        return logits, torch.cat([first, upper])

    @torch.no_grad()
    def translate(self, texts: list[str], width: int) -> list[str]:
        """Translates a batch with a beam."""
        source = torch.from_numpy(self.tokens.encode(texts)).long()
        batch = len(texts)
        limits = (2 * (source > 0).sum(1) + 8).repeat_interleave(width)
        states, memory, keys, mask = self.read(source)
        states = states.repeat_interleave(width, 1)
        memory, keys, mask = (
            t.repeat_interleave(width, 0) for t in (memory, keys, mask)
        )
        totals = torch.full((batch, width), -torch.inf)
        totals[:, 0] = 0
        lengths = torch.zeros(batch, width)
        token = torch.full((batch * width,), self.end)
        ended = torch.zeros(batch * width, dtype=torch.bool)
        tokens = torch.zeros(batch, width, 0, dtype=torch.long)
        first_row = torch.arange(batch)[:, None] * width
        for index in range(int(limits.max()) + 1):
            logits, states = self.write(token[:, None], states, memory, keys, mask)
            logits = logits[:, 0]
            logits[:, [0, self.unknown]] = -torch.inf
            only_end = logits[:, self.end].clone()
            logits[index >= limits] = -torch.inf
            logits[:, self.end] = only_end
            shares = torch.log_softmax(logits, dim=-1)
            shares[ended] = -torch.inf
            shares[ended, 0] = 0
            lengths += (~ended).view(batch, width)
            candidates = totals[..., None] + shares.view(batch, width, -1)
            normal = (candidates / lengths[..., None]).view(batch, -1)
            best = normal.topk(width).indices
            totals = candidates.view(batch, -1).gather(1, best)
            size = logits.shape[-1]
            parents, token = best // size, (best % size).view(-1)
            lengths = lengths.gather(1, parents)
            tokens = tokens.gather(1, parents[..., None].expand_as(tokens))
            tokens = torch.cat([tokens, token.view(batch, width, 1)], dim=-1)
            rows = (first_row + parents).view(-1)
            states = states[:, rows]
            ended = ended[rows] | (token == self.end)
            if ended.all():
                break
        answers = self.tokens.decode(tokens[:, 0].numpy())
        return [answer.strip() for answer in answers]


def sentences_per_second(translate, texts: list[str], batch: int, width: int) -> float:
    """Returns the median rate of batches, after one for warmth."""
    parts = [texts[i : i + batch] for i in range(0, SENTENCES[batch], batch)]
    translate(parts[0], width)
    rates = []
    for part in parts:
        begin = time.perf_counter()
        translate(part, width)
        rates.append(len(part) / (time.perf_counter() - begin))
    return statistics.median(rates)


def rnnzoo_training(model, recipe, batches: list) -> float:
    """Returns the target tokens per second of training steps."""
    model.compile_with_defaults(recipe.optimizer(model))
    model.train_on_batch(*batches[0])
    begin = time.perf_counter()
    for inputs, targets in batches:
        model.train_on_batch(inputs, targets)
    return _tokens(batches) / (time.perf_counter() - begin)


def pytorch_training(network: TorchTranslator, recipe, batches: list) -> float:
    """Returns the target tokens per second of training steps."""
    network.train()
    adam = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    loss_of = torch.nn.CrossEntropyLoss(
        ignore_index=0, label_smoothing=recipe.label_smoothing
    )

    def step(inputs: dict, targets: np.ndarray) -> None:
        source, target = (
            torch.from_numpy(inputs[side]).long() for side in ("source", "target")
        )
        logits, _ = network.write(target, *network.read(source))
        targets = torch.from_numpy(targets).long()
        loss = loss_of(logits.flatten(0, 1), targets.flatten())
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
        adam.step()

    step(*batches[0])
    begin = time.perf_counter()
    for inputs, targets in batches:
        step(inputs, targets)
    return _tokens(batches) / (time.perf_counter() - begin)


def _tokens(batches: list) -> int:
    return sum(np.count_nonzero(targets) for _, targets in batches)


def main() -> None:
    """Measures everything, prints and writes the table."""
    benchmark = Benchmark(__file__, __doc__)
    benchmark.parser.add_argument("model", help="a .keras file or listed weights")
    benchmark.parser.add_argument("--recipe", default="multi30k_en_de")
    parsed = benchmark.parse()
    torch.set_num_threads(count_cores())
    recipe = training.recipe_class(parsed.recipe)()
    model = rnnzoo.load(parsed.model)
    network = TorchTranslator(model).eval()
    texts = recipe.validation_examples()[0]
    ours, theirs = model.translate(texts[:64]), network.translate(texts[:64], 5)
    same = sum(map(str.__eq__, ours, theirs))
    print(f"{same} of {len(ours)} translations are the same")
    rows = []

    def add(what: str, batch: int, width: int | str, ours: float, theirs: float):
        rates = round(ours, 1), round(theirs, 1), round(ours / theirs, 2)
        rows.append([what, batch, width, *rates, count_cores()])
        print(*rows[-1], flush=True)

    for batch in SENTENCES:
        for width in WIDTHS:
            rates = [
                sentences_per_second(one.translate, texts, batch, width)
                for one in (model, network)
            ]
            add("sentences per second", batch, width, *rates)
    examples, size = recipe.examples(), recipe.batch_size
    batches = [model.encode(*examples.batch(size, 0, i)) for i in range(STEPS)]
    rates = [
        measure(one, recipe, batches)
        for measure, one in (
            (rnnzoo_training, model),
            (pytorch_training, network),
        )
    ]
    add("target tokens per second of training", size, "", *rates)
    header = ["what", "batch", "beam", "rnnzoo", "PyTorch", "rnnzoo / PyTorch", "cores"]
    benchmark.write(header, rows, "translation.md")


if __name__ == "__main__":
    main()
