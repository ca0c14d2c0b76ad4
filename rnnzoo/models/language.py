"""Language: what comes next in a text, and writing it."""

import dataclasses
import functools
import itertools
import math
import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo import decoding
from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.sequence_model import compile_graph
from rnnzoo.architectures.signature import Signature
from rnnzoo.data.text import Segment
from rnnzoo.errors import check_choice, check_number
from rnnzoo.tokens import (
    Bytes,
    Characters,
    Subwords,
    Whitespace,
    Words,
    check_in_graph,
    check_texts,
)
from rnnzoo.weights import factory

# What texts can be read and written as.
TOKENS = {
    "characters": Characters,
    "bytes": Bytes,
    "subwords": Subwords,
    "words": Words,
    "whitespace": Whitespace,
}
# Letters, digits, punctuation marks, space and line end: the default vocabulary.
ASCII = "".join(c for c in string.printable if c.isprintable() or c == "\n")
# Symbols of a text that are read, and rows of a batch that are written, at a time.
PIECE, ROWS = 512, 64
# Symbols of a stream's first piece, and of the others.
FIRST_CHUNK, CHUNK = 2, 16
# Most symbols that an export writes at a time, whoever asks.
LONGEST = 10_000


@dataclasses.dataclass
class WritingState:
    """Where a text under way can be gone on with; see `LanguageModel.generate`.

    Attributes:
        begun: What `rnnzoo.decoding.Writer` goes on from, of NumPy arrays.
        is_batch: Whether it came of a batch of prompts.
        tails: The last tokens of each text, if they are part of a character that has
            not ended.
    """

    begun: dict
    is_batch: bool
    tails: list[list[int]]


@dataclasses.dataclass
class CarriedState:
    """The state that training carries from one batch to the next."""

    variables: list


@keras.saving.register_keras_serializable("rnnzoo")
class LanguageModel(ManyToMany):
    """A model of a language that writes: a prompt in, what comes after it out.

    A stack of recurrent layers reads a text symbol by symbol, such as characters or
    words, and says at each how likely every symbol is to come next. Drawing from that,
    and reading what was drawn, it writes (`generate`, `stream`); how likely a text is,
    it says too (`score`).

    Shapes of the graph: token ids `[batch, time]`, the first a start symbol and 0 =
    padding at the end, to logits `[batch, time, symbols]`. `fit` and `evaluate` take
    texts: every symbol of them is predicted from those before it. A second list may
    say how each text goes on. An empty prompt is a start symbol: in the recipes'
    training, the beginning of a line.

    Args:
        vocabulary: The characters (a string will do) or words to know, or what
            `Subwords.learn` returned with `lossless=True`; others are read as unknown,
            and never written. Default: ASCII's characters, and the line end. Words and
            subwords have no default, and bytes need none.
        tokens: `"characters"`; `"bytes"` of UTF-8; `"subwords"`; `"words"`, in lower
            case; or `"whitespace"`, for texts that are cut into words already (see
            `rnnzoo.tokens`).
        max_length: Symbols of a text in training; `answer` writes half as many.
            `generate` and `score` know no limit.
        embedding_dim: Size of the vector that stands for a symbol.
        units: Size of each layer's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"` or `"lstm"`.
        dropout: Share of features dropped in training.
        weight_dropout: Share of the weights from a state to the next that is dropped in
            training.
        tied_weights: Whether the head's weights are the symbols' vectors: for words,
            of which there are many.

    Attributes:
        tokens: The symbols that it knows: `rnnzoo.tokens.Characters`, `Bytes`,
            `Subwords`, `Words` or `Whitespace`.

    Raises:
        ValueError: If there are no such weights, they contradict an argument, or an
            argument is outside its range.

    Example:
        >>> from rnnzoo import language_model
        >>> model = language_model(weights=None, vocabulary="abcdr ", units=16,
        ...                        num_layers=1)
        >>> history = model.fit(["abracadabra abracadabra"] * 4, verbose=0)
        >>> len(model.generate("abra", max_length=10, temperature=0.7, seed=0))
        10
        >>> round(model.score("abra")["bits_per_symbol"])
        3

    References:
        - Graves, "Generating sequences with recurrent neural networks", 2013,
          arXiv:1308.0850.
        - Zaremba, Sutskever and Vinyals, "Recurrent neural network regularization",
          2014, arXiv:1409.2329.
        - Merity, Keskar and Socher, "Regularizing and optimizing LSTM language models",
          ICLR 2018, arXiv:1708.02182.
    """

    has_unique_target = False
    _carried = None

    def __init__(
        self,
        *,
        vocabulary: Sequence[str] | None = None,
        tokens: str = "characters",
        max_length: int = 256,
        embedding_dim: int = 128,
        units: int = 512,
        num_layers: int = 2,
        cell: str = "lstm",
        dropout: float = 0.4,
        weight_dropout: float = 0.0,
        tied_weights: bool = False,
    ):
        check_choice("tokens", tokens, TOKENS)
        check_number("max_length", max_length, minimum=2, whole=True)
        if vocabulary is None and tokens == "characters":
            vocabulary = ASCII
        if vocabulary is not None and tokens != "subwords":
            vocabulary = list(vocabulary)
        self.arguments["vocabulary"] = vocabulary
        symbols = _symbols(tokens, vocabulary)
        super().__init__(
            vocabulary_size=symbols.vocabulary_size,
            # The start symbol, the last one, never comes next.
            num_classes=symbols.vocabulary_size - 1,
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            dropout=dropout,
            weight_dropout=weight_dropout,
            tied_weights=tied_weights,
        )
        self.tokens = symbols
        self.max_length = max_length
        self.set_targets(classes=True, padding=0)

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Turns texts into token ids `[batch, time]`, int32, and what comes after each.

        Args:
            inputs: Texts.
            targets: How each text goes on; `None` if that is not known. The text and
                what comes after it are one sequence, and all of it counts.
        """
        texts = check_texts(inputs)
        if targets is None:
            return self.tokens.encode(texts), None
        targets = check_texts(targets, "targets")
        if len(texts) != len(targets):
            raise ValueError(
                "There must be one continuation for each text. Received: "
                f"{len(texts)} texts and {len(targets)} targets"
            )
        joint = self.tokens.joint
        ids = self.tokens.encode(
            [text + joint + more for text, more in zip(texts, targets, strict=True)]
        )
        continued = [i for i, t in enumerate(inputs) if isinstance(t, Segment)]
        if continued:
            # These begin with the last token of the text before, and no start symbol.
            firsts = self.tokens.encode([inputs[i].first for i in continued])
            for i, length in zip(continued, np.count_nonzero(firsts, 1), strict=True):
                ids[i] = np.pad(ids[i, length - 1 :], (0, length - 1))
            ids = ids[:, : np.count_nonzero(ids, axis=1).max()]
        return ids[:, :-1], ids[:, 1:]

    def fit(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Trains on texts, and how they go on if `y` says so; as `keras.Model.fit`."""
        return super().fit(x, _nothing_more(x, y), **options)

    def evaluate(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Evaluates texts, and how they go on if `y` says so; as `keras.Model`."""
        return super().evaluate(x, _nothing_more(x, y), **options)

    def carry_state(self, batch_size: int) -> None:
        """Makes training steps begin with the state in which the one before ended.

        Truncated backpropagation through time: row `r` of a batch must go on where row
        `r` of the batch before it ended, as those of `rnnzoo.data.text.Streams`. A row
        that begins with the start symbol begins anew.

        Args:
            batch_size: Rows of every batch; under `tf.distribute`, of a replica's part.
        """
        import tensorflow as tf

        # In an object that Keras does not look into: no weights, and not in files.
        self._carried = CarriedState(
            [
                tf.Variable(
                    np.zeros((batch_size, *spec.shape[1:]), "float32"),
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                )
                for spec in keras.tree.flatten(self._state_spec)
            ]
        )

    def compute_training_outputs(self, x: Any) -> Any:
        """Returns logits for the inputs of a training step, and carries the state."""
        if self._carried is None:
            return super().compute_training_outputs(x)
        is_new = keras.ops.equal(x[:, :1], self.tokens.start_id)
        first = self.recurrence.get_initial_state(keras.ops.shape(x)[0])
        variables = self._carried.variables
        before = [
            keras.ops.where(is_new, new, keras.ops.cast(old, new.dtype))
            for new, old in zip(keras.tree.flatten(first), variables, strict=True)
        ]
        before = keras.tree.pack_sequence_as(first, before)
        logits, after = self.read(x, before, training=True)
        for variable, state in zip(variables, keras.tree.flatten(after), strict=True):
            variable.assign(keras.ops.cast(keras.ops.stop_gradient(state), "float32"))
        return logits

    def unsaved_variables(self) -> list:
        """Returns the states of dropout, and the state that is carried."""
        carried = [] if self._carried is None else self._carried.variables
        parts = [getattr(variable, "values", (variable,)) for variable in carried]
        return super().unsaved_variables() + list(itertools.chain(*parts))

    def generate(
        self,
        prompts: Any = "",
        *,
        max_length: int | None = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        beam_width: int = 0,
        n_best: int = 1,
        repetition_penalty: float = 1.0,
        stop: str | Sequence[str] = (),
        seed: int | None = None,
        state: WritingState | None = None,
        return_state: bool = False,
    ) -> Any:
        r"""Goes on with a text, or with each text of a batch.

        The model's state is all that it keeps of a prompt, which may have any length;
        an empty prompt is the beginning of a line. Unknown characters are read as such
        and never written.

        A text depends on its prompt and the seed, not on its neighbours in a batch.
        The same prompt several times in a batch gives several texts.

        Args:
            prompts: A string, or a list, tuple, array or tensor of strings.
            max_length: Largest number of symbols to write: characters or words; `None`
                for half of the model's `max_length`, as `answer`.
            temperature: Below 1 likely symbols become likelier, above 1 less so; 0 for
                the likeliest symbol always.
            top_k: Draws among so many of the likeliest symbols; 0 for all.
            top_p: Draws among the likeliest symbols that make this probability.
            beam_width: Searches for the likeliest text, with so many beginnings at a
                time, instead of drawing; 0 for none. Settings of the drawing have no
                part in it.
            n_best: With a beam, how many texts to return, each with its score.
            repetition_penalty: Above 1, what occurred already becomes less likely.
            stop: A string or several that end the text; they are no part of it. A
                model of subwords finds one where it is written with the tokens that
                stand for it alone.
            seed: Seed of the drawing; `None` for another each time (drawn from NumPy's
                global generator), or that of `state`.
            state: What another call returned, to go on from there: with what is in
                `prompts`, or nothing. Without a prompt and a seed, the text is what
                the other call would have written if it had written more.
            return_state: Whether to return such a state too.

        Returns:
            What comes after the prompt, a string, and a list of them for a batch; with
            `n_best` above 1, for each a list of `(text, score)`, best first, where the
            score is the mean log-probability of a symbol, in nats. With `return_state`
            a pair of that and the state.

        Raises:
            TypeError: If a prompt is not a string, or a setting of a wrong type.
            ValueError: If a setting is out of its range, or a state is of another
                number of prompts.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> len(model.generate("ab", max_length=5, seed=1))
            5
            >>> first, state = model.generate("ab", max_length=2, seed=1,
            ...                               return_state=True)
            >>> rest = model.generate(state=state, max_length=3)
            >>> first + rest == model.generate("ab", max_length=5, seed=1)
            True
        """
        if max_length is None:
            max_length = self.max_length // 2
        decoding.check_settings(
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            beam_width=beam_width,
            n_best=n_best,
            repetition_penalty=repetition_penalty,
        )
        if beam_width and return_state:
            raise ValueError(
                "A beam has no one state to return: leave out return_state or "
                f"beam_width. Received: return_state=True, beam_width={beam_width}"
            )
        is_batch = not isinstance(prompts, (str, bytes))
        if state is not None and state.is_batch and prompts == "":
            prompts, is_batch = [""] * len(state.begun["token"]), True
        texts = check_texts(prompts if is_batch else [prompts], "prompts")
        if not texts:
            return ([], state) if return_state else []
        stops = self._stops(stop)
        settings = decoding.settings(
            temperature, top_k, top_p, repetition_penalty, stops
        )
        answers, states, rows = [], [], []
        for begun in self._begun(texts, seed, state):
            if beam_width:
                tokens, scores = self._writer.search(
                    begun, max_length, settings, beam_width
                )
                for beams, row_scores in zip(tokens, scores, strict=True):
                    found = self._n_best(beams, row_scores, stops)
                    answers.append(found[:n_best] if n_best > 1 else found[0][0])
                continue
            tokens, after = self._writer.write(begun, max_length, settings)
            rows += _cut(tokens, stops)
            states.append(after)
        if state is not None:
            # What is in a prompt comes after the tail, and is not returned.
            rows = [
                tail * (not text) + row
                for tail, text, row in zip(state.tails, texts, rows, strict=True)
            ]
        answers += self.tokens.decode(rows)
        result = answers if is_batch else answers[0]
        if not return_state:
            return result
        begun = keras.tree.map_structure(
            lambda *parts: np.concatenate([np.asarray(part) for part in parts]), *states
        )
        tails = [row[self.tokens.whole(row) :] for row in rows]
        return result, WritingState(begun, is_batch, tails)

    def stream(
        self,
        prompt: str = "",
        *,
        max_length: int | None = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        stop: str | Sequence[str] = (),
        seed: int | None = None,
    ) -> Iterator[str]:
        r"""Goes on with a text and yields it piece by piece, as it is written.

        The pieces make the text that `generate` returns for the same seed. What may be
        the beginning of a stop string is held back until that is known.

        Args:
            prompt: A string.
            max_length: As in `generate`, and so are the others.
            temperature: As in `generate`.
            top_k: As in `generate`.
            top_p: As in `generate`.
            repetition_penalty: As in `generate`.
            stop: As in `generate`.
            seed: As in `generate`.

        Yields:
            Pieces of the text, whole characters or words.

        Raises:
            TypeError: If the prompt is not a string, or a setting of a wrong type.
            ValueError: If a setting is out of its range.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> text = "".join(model.stream("ab", max_length=40, seed=1))
            >>> text == model.generate("ab", max_length=40, seed=1)
            True
        """
        if max_length is None:
            max_length = self.max_length // 2
        decoding.check_settings(
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
        )
        texts = check_texts([prompt], "prompt")
        stops = self._stops(stop)
        settings = decoding.settings(
            temperature, top_k, top_p, repetition_penalty, stops
        )

        def pieces() -> Iterator[str]:
            (begun,) = self._begun(texts, seed, None)
            held, left, joint = [], max_length, ""
            size = FIRST_CHUNK
            while left:
                size = min(left, size)
                tokens, begun = self._writer.write(begun, size, settings)
                ended = bool(np.asarray(begun["ended"])[0])
                left = 0 if ended else left - size
                held += [int(token) for token in tokens[0] if token]
                if ended:
                    held = held[: len(held) - _stop_length(held, stops)]
                keep = _begun_stop(held, stops) if left else 0
                keep = max(keep, len(held) - self.tokens.whole(held))
                ready, held = held[: len(held) - keep], held[len(held) - keep :]
                if text := self.tokens.decode([ready])[0]:
                    yield joint + text
                    joint = self.tokens.joint
                size = CHUNK

        return pieces()

    def score(self, texts: Any) -> Any:
        r"""Measures how well a text, or each text of a batch, is predicted.

        The state is carried over the whole of a text, which may have any length; memory
        does not grow with it. The first symbol is predicted from the start symbol.

        Args:
            texts: A string, or a list, tuple, array or tensor of strings.

        Returns:
            A dict, or a list of them for a batch: `nats`, the negative logarithm of the
            text's probability; `symbols`, how many characters or words it has;
            `nats_per_symbol`, `bits_per_symbol` and `perplexity` (those of an empty
            text are nan). An unknown symbol counts as what it is, one unknown symbol.

        Raises:
            TypeError: If something is not a string; names every such row.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> model.score("abc")["symbols"]
            3
        """
        if isinstance(texts, (str, bytes)):
            return self.score([texts])[0]
        texts = check_texts(texts)
        nats = np.zeros(len(texts))
        symbols = np.zeros(len(texts), int)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(texts), ROWS):
            part = order[start : start + ROWS]
            for rows, inputs, targets, state in self._reading(
                [texts[row] for row in part]
            ):
                added, after = self._score(inputs, targets, state)
                nats[part[rows]] += added.numpy()
                symbols[part[rows]] += np.count_nonzero(targets, axis=1)
                _replace(state, after)
        return [_figures(*row) for row in zip(nats, symbols, strict=True)]

    def answer(
        self,
        inputs: Any,
        *,
        max_length: int | None = None,
        temperature: float = 0.7,
        top_k: int = 0,
        top_p: float = 1.0,
        beam_width: int = 0,
        repetition_penalty: float = 1.0,
        stop: str = "",
        seed: int = 0,
    ) -> Any:
        r"""Goes on with a text, or each text of a batch, always in the same way.

        As `generate`, with a fixed seed and a temperature that shows what the model
        knows: the same prompt has the same answer every time.

        Args:
            inputs: A string, or a list, tuple, array or tensor of strings.
            max_length: Largest number of symbols to write; default: half of the
                model's `max_length`, as the targets of its training have.
            temperature: Below 1 likely symbols become likelier, above 1 less so; 0 for
                the likeliest always.
            top_k: Draws among so many of the likeliest symbols; 0 for all.
            top_p: Draws among the likeliest symbols that make this probability.
            beam_width: Searches for the likeliest text, with so many beginnings at a
                time; 0 for drawing.
            repetition_penalty: Above 1, what occurred already becomes less likely.
            stop: A string that ends the text.
            seed: Seed of the drawing.

        Returns:
            What comes after the text, a string; a list for a batch.

        Raises:
            TypeError: As `generate`.
            ValueError: As `generate`.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> model.answer("ab") == model.answer(["c", "ab"])[1]
            True
        """
        return self.generate(
            inputs,
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            beam_width=beam_width,
            repetition_penalty=repetition_penalty,
            stop=stop,
            seed=seed,
        )

    def signatures(self) -> dict[str, Signature]:
        """Adds writing with settings, beams, scores and states to every model's."""
        texts = self.sample_texts()
        settings = {
            "max_length": 20,
            "temperature": 0.7,
            "top_k": 0,
            "top_p": 1.0,
            "repetition_penalty": 1.0,
            "stop": "",
            "seed": 1,
        }
        stop = next((s for s in self.tokens.vocabulary if s.strip()), "")
        others = [
            {"temperature": 0.0, "repetition_penalty": 1.5},
            {"top_k": 3, "top_p": 0.9, "seed": -7, "stop": stop},
            {"temperature": -1.0},
            {"max_length": 0},
        ]

        def generate(text: list[str], **settings: Any) -> dict:
            return {"text": self.generate(text, **settings)}

        def search(text: list[str], max_length: int, beam_width: int) -> dict:
            found = self.generate(
                text, max_length=max_length, beam_width=beam_width, n_best=beam_width
            )
            best = [row[0] for row in found]
            return {"text": [b[0] for b in best], "score": [b[1] for b in best]}

        def score(text: list[str]) -> dict:
            figures = self.score(text)
            return {name: [row[name] for row in figures] for name in figures[0]}

        text = ((None,), "string")
        return super().signatures() | {
            "generate": Signature(
                graph=self._generate_in_graph,
                inputs={
                    "text": text,
                    "max_length": ((), "int32"),
                    "temperature": ((), "float32"),
                    "top_k": ((), "int32"),
                    "top_p": ((), "float32"),
                    "repetition_penalty": ((), "float32"),
                    "stop": ((), "string"),
                    "seed": ((), "int64"),
                },
                answers=generate,
                examples=[
                    {"text": texts[:2], **settings},
                    *({"text": texts, **settings, **other} for other in others),
                ],
            ),
            "search": Signature(
                graph=self._search_in_graph,
                inputs={
                    "text": text,
                    "max_length": ((), "int32"),
                    "beam_width": ((), "int32"),
                },
                answers=search,
                examples=[{"text": texts[:2], "max_length": 10, "beam_width": 4}],
            ),
            "score": Signature(
                graph=self._score_in_graph,
                inputs={"text": text},
                answers=score,
                examples=[{"text": texts[:2]}, {"text": texts}],
            ),
            "stream": self.stream_signature(self.read, self._start_state(1)),
        }

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        symbols, joint = [*self.tokens.vocabulary, "\ufffd"], self.tokens.joint
        drawn = [joint.join(random.choice(symbols, n)) for n in (1, 5, 40, 300)]
        return ["ROMEO:", "the king", *drawn, "ROMEO:", ""]

    def answer_in_graph(self, text: Any) -> dict:
        """Goes on with strings `[batch]` as `answer` does, in the graph."""
        import tensorflow as tf

        return self._generate_in_graph(
            text,
            max_length=tf.constant(self.max_length // 2),
            temperature=tf.constant(0.7),
            top_k=tf.constant(0),
            top_p=tf.constant(1.0),
            repetition_penalty=tf.constant(1.0),
            stop=tf.constant(""),
            seed=tf.constant(0, tf.int64),
        )

    def _generate_in_graph(
        self,
        text: Any,
        max_length: Any,
        temperature: Any,
        top_k: Any,
        top_p: Any,
        repetition_penalty: Any,
        stop: Any,
        seed: Any,
    ) -> dict:
        """Goes on with strings `[batch]` as `generate`, in the graph."""
        import tensorflow as tf

        def ranged(name: str, value: Any, lowest: float, highest: float) -> Any:
            is_right = (lowest <= value) & (value <= highest)
            return check_in_graph(
                value, is_right, f"{name} must be from {lowest} to {highest}."
            )

        max_length = ranged("max_length", max_length, 0, LONGEST)
        stops = self._stop_in_graph(stop)
        settings = {
            "temperature": ranged("temperature", temperature, 0.0, math.inf),
            "top_k": ranged("top_k", top_k, 0, 2**31 - 1),
            "top_p": ranged("top_p", top_p, 0.0, 1.0),
            "repetition_penalty": ranged(
                "repetition_penalty", repetition_penalty, 1e-3, math.inf
            ),
            "stops": stops,
        }
        begun = self._begun_in_graph(text, seed)
        tokens, after = self._writer.write_in_graph(begun, settings, max_length)
        # The stop string that ended a text is no part of it.
        cut = tf.math.count_nonzero(stops >= 0, dtype=tf.int32)
        lengths = tf.math.count_nonzero(tokens, axis=1, dtype=tf.int32)
        lengths -= tf.where(after["ended"], cut, 0)
        is_text = tf.range(tf.shape(tokens)[1]) < lengths[:, None]
        return {"text": self.tokens.format(tf.where(is_text, tokens, 0))}

    def _search_in_graph(self, text: Any, max_length: Any, beam_width: Any) -> dict:
        """Goes on with strings `[batch]` with a beam, in the graph."""
        import tensorflow as tf

        message = f"max_length times beam_width must be at most {LONGEST}, neither less"
        message += " than 0, and beam_width at least 1."
        # Divided, since a product of large numbers is not what it seems.
        is_right = (0 <= max_length) & (1 <= beam_width)
        is_right &= max_length <= LONGEST // tf.maximum(beam_width, 1)
        max_length = check_in_graph(max_length, is_right, message)
        beam_width = check_in_graph(beam_width, is_right, message)
        begun = self._begun_in_graph(text, tf.constant(0, tf.int64))
        tokens, scores = self._writer.search_in_graph(
            begun, decoding.settings(), max_length, beam_width
        )
        return {"text": self.tokens.format(tokens[:, 0]), "score": scores[:, 0]}

    def _score_in_graph(self, text: Any) -> dict:
        """Measures how well strings `[batch]` are predicted, as `score`."""
        import tensorflow as tf

        # One more step, so that an empty text has one.
        ids = tf.pad(self.tokens(text), [[0, 0], [0, 1]])
        state = self.recurrence.get_initial_state(tf.shape(ids)[0])
        nats, _ = self._nats(ids[:, :-1], ids[:, 1:], state)
        symbols = tf.math.count_nonzero(ids[:, 1:], axis=1)
        mean = nats / tf.cast(symbols, nats.dtype)
        return {
            "nats": nats,
            "symbols": symbols,
            "nats_per_symbol": mean,
            "bits_per_symbol": mean / math.log(2),
            "perplexity": tf.exp(mean),
        }

    def _begun_in_graph(self, text: Any, seed: Any) -> dict:
        """Reads prompts but for their last symbols, in the graph."""
        import tensorflow as tf

        ids = self.tokens(text)
        last = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32) - 1
        is_last = tf.equal(tf.range(tf.shape(ids)[1]), last[:, None])
        state = self.recurrence.get_initial_state(tf.shape(ids)[0])
        size = self.tokens.vocabulary_size - 1
        counts = tf.math.bincount(ids, minlength=size, maxlength=size, axis=-1)
        return self._writer.begin_in_graph(
            tf.gather(ids, last, batch_dims=1),
            self.read(tf.where(is_last, 0, ids), state)[1],
            decoding.keys_in_graph(text, seed),
            counts > 0,
        )

    def _stop_in_graph(self, stop: Any) -> Any:
        """Returns the token ids of a stop string, `[1 or 0, STOP_LIMIT]`."""
        import tensorflow as tf

        limit = decoding.STOP_LIMIT
        ids = self.tokens(stop[None])[:, 1:]
        length = tf.shape(ids)[1]
        message = f"A stop string must have at most {limit} symbols."
        length = check_in_graph(length, length <= limit, message)
        rows = tf.pad(ids, [[0, 0], [limit - length, 0]], constant_values=-1)
        return rows[: tf.minimum(length, 1)]

    def _stops(self, stop: str | Sequence[str]) -> list[list[int]]:
        """Returns stop strings as token ids; longest first, without empty ones."""
        texts = check_texts([stop] if isinstance(stop, (str, bytes)) else stop, "stop")
        rows = self.tokens.encode([text for text in texts if text])[:, 1:]
        return sorted(
            ([int(i) for i in row if i] for row in rows), key=lambda s: -len(s)
        )

    def _n_best(self, beams: np.ndarray, scores: np.ndarray, stops: list) -> list:
        """Returns the texts of a row's beams and their scores, best first."""
        texts = self.tokens.decode(_cut(beams, stops))
        found = zip(texts, map(float, scores), strict=True)
        return [(text, score) for text, score in found if np.isfinite(score)]

    def _begun(
        self, texts: list[str], seed: int | None, state: WritingState | None
    ) -> Iterator[dict]:
        """Yields what to write on from, some prompts at a time."""
        if state is not None and len(state.begun["token"]) != len(texts):
            raise ValueError(
                "A state goes on with as many prompts as it came of. Received: "
                f"{len(texts)} prompts and a state of {len(state.begun['token'])}"
            )
        if seed is not None:
            check_number("seed", seed, minimum=-(2**63), below=2**64, whole=True)
        keys = None
        if seed is not None or state is None:
            drawn = np.random.randint(2**31) if seed is None else seed
            keys = decoding.keys(texts, drawn)
        for start in range(0, len(texts), ROWS):
            rows = slice(start, start + ROWS)
            begun = None
            if state is not None:
                begun = _rows(state.begun, rows)
                begun["ended"][:] = False
                if keys is not None:
                    begun |= {"keys": keys[rows], "step": 0 * begun["step"]}
            yield self._read_prompts(
                texts[rows], keys[rows] if begun is None else begun
            )

    def _read_prompts(self, texts: list[str], begun: Any) -> dict:
        """Reads prompts but for their last symbols, which the writer reads first."""
        if not isinstance(begun, dict):
            begun = self._writer.begin(
                np.full(len(texts), self.tokens.start_id),
                self._start_state(len(texts)),
                begun,
            )
        seen, token = begun["seen"], begun["token"]
        for rows, inputs, targets, state in self._reading(texts, token, begun["state"]):
            _replace(state, self._read(inputs, state))
            last = np.count_nonzero(targets, axis=1) - 1
            token[rows] = targets[np.arange(len(last)), last]
            row, _ = np.nonzero(targets)
            seen[rows[row], targets[targets > 0]] = True
            _replace(begun["state"], state, rows)
        return begun

    def _reading(
        self, texts: list[str], token: np.ndarray | None = None, state: Any = None
    ) -> Iterator[tuple]:
        """Yields texts in pieces: what is read, what comes next, and the state.

        Args:
            texts: The texts.
            token: The tokens that come before them; `None` for start symbols.
            state: The state before those; `None` for the initial one.

        Yields:
            The rows that are not at their end, inputs and targets `[rows, time]` with 0
            at the end of shorter ones, and these rows' state, in which the reader
            has to put the state after the piece before it takes the next.
        """
        if token is None:
            token = np.full(len(texts), self.tokens.start_id, "int32")
        token = token.copy()
        state = self._start_state(len(texts)) if state is None else state
        state = keras.tree.map_structure(np.copy, state)
        parts = [self.tokens.pieces(text, PIECE) for text in texts]
        for batch in itertools.zip_longest(*parts, fillvalue=""):
            targets = self.tokens.encode(batch)[:, 1:]
            lengths = np.count_nonzero(targets, axis=1)
            # On a GPU, no row may be without any step.
            rows = np.flatnonzero(lengths)
            if not len(rows):
                continue
            targets, last = targets[rows], lengths[rows] - 1
            inputs = np.concatenate([token[rows, None], targets[:, :-1]], axis=1)
            inputs[targets == 0] = 0
            token[rows] = targets[np.arange(len(rows)), last]
            current = _rows(state, rows)
            yield rows, inputs, targets, current
            _replace(state, current, rows)

    def _start_state(self, batch: int) -> list:
        """Returns the state before a text, of NumPy arrays."""
        state = self.recurrence.get_initial_state(batch)
        return keras.tree.map_structure(
            lambda tensor: np.array(keras.ops.convert_to_numpy(tensor)), state
        )

    @functools.cached_property
    def _state_spec(self) -> list:
        import tensorflow as tf

        return keras.tree.map_structure(
            lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype),
            self.recurrence.get_initial_state(1),
        )

    @functools.cached_property
    def _writer(self) -> decoding.Writer:
        return decoding.Writer(
            self.step,
            self._state_spec,
            self.tokens.vocabulary_size - 1,
            forbidden=[self.tokens.UNKNOWN],
        )

    @functools.cached_property
    def _read(self) -> Callable:
        def read(ids: Any, state: list) -> list:
            return self.read(ids, state)[1]

        return compile_graph(read, ((None, None), "int32"), self._state_spec)

    @functools.cached_property
    def _score(self) -> Callable:
        ids = ((None, None), "int32")
        return compile_graph(self._nats, ids, ids, self._state_spec)

    def _nats(self, ids: Any, targets: Any, state: list) -> tuple:
        """Returns what the targets of each row cost, `[batch]`, and the next state."""
        logits, state = self.read(ids, state)
        nats = keras.losses.sparse_categorical_crossentropy(
            targets, logits, from_logits=True, ignore_class=0
        )
        return keras.ops.sum(keras.ops.cast(nats, "float64"), axis=1), state


def _symbols(tokens: str, vocabulary: Sequence[str] | None) -> Any:
    """Returns the tokens of a model; refuses a vocabulary that does not serve it."""
    if tokens == "bytes":
        if vocabulary is not None:
            raise ValueError(
                "A model of bytes knows them all: leave out vocabulary. Received: "
                "vocabulary, tokens='bytes'"
            )
        return Bytes(start=True)
    kind, learned = TOKENS[tokens], "texts, 10_000"
    if kind is Subwords:
        learned += ", lossless=True"
    if vocabulary is None:
        raise ValueError(
            f"A model of {tokens} needs to know them: give vocabulary, such as "
            f"{kind.__name__}.learn({learned}). Received: vocabulary=None, "
            f"tokens={tokens!r}"
        )
    symbols = kind(vocabulary, start=True)
    if kind is Subwords and not symbols.is_lossless:
        raise ValueError(
            "A model that goes on with texts needs all of them: learn the vocabulary "
            f"with Subwords.learn({learned}). Received: a vocabulary without ends of "
            "lines"
        )
    return symbols


def _nothing_more(x: Any, y: Any) -> Any:
    """Returns targets for texts that are examples by themselves."""
    if y is not None or x is None or hasattr(x, "element_spec"):
        return y
    return [""] * len(x)


def _rows(arrays: Any, rows: Any) -> Any:
    """Returns some rows of each array, copied."""
    return keras.tree.map_structure(lambda array: np.array(array[rows]), arrays)


def _replace(state: Any, after: Any, rows: Any = slice(None)) -> None:
    """Puts the values of one state into the arrays of another, or some rows of them."""
    for array, new in zip(
        keras.tree.flatten(state), keras.tree.flatten(after), strict=True
    ):
        array[rows] = keras.ops.convert_to_numpy(new)


def _stop_length(ids: list[int], stops: list[list[int]]) -> int:
    """Returns how many tokens at the end of a text are the stop that ended it."""
    found = [len(stop) for stop in stops if stop and ids[-len(stop) :] == stop]
    return max(found, default=0)


def _begun_stop(ids: list[int], stops: list[list[int]]) -> int:
    """Returns how many tokens at the end of a text may be the beginning of a stop."""
    return max(
        (
            size
            for stop in stops
            for size in range(1, min(len(stop), len(ids) + 1))
            if ids[-size:] == stop[:size]
        ),
        default=0,
    )


def _cut(tokens: np.ndarray, stops: list[list[int]]) -> list[list[int]]:
    """Returns rows of written tokens without the stops that ended them."""
    rows = [[int(token) for token in row if token] for row in tokens]
    return [row[: len(row) - _stop_length(row, stops)] for row in rows]


def _figures(nats: float, symbols: int) -> dict[str, float]:
    """Returns the figures of a text's score."""
    mean = nats / symbols if symbols else math.nan
    return {
        "nats": float(nats),
        "symbols": int(symbols),
        "nats_per_symbol": float(mean),
        "bits_per_symbol": float(mean / math.log(2)),
        "perplexity": float(np.exp(mean)),
    }


language_model = factory(LanguageModel, "language_model", weights="shakespeare")
