"""Language: predicting the next symbol of a text, and writing it."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.signature import Signature
from rnnzoo.data.columns import to_rows
from rnnzoo.data.text import Segment
from rnnzoo.decoding import DecodingOptions, DecodingState
from rnnzoo.decoding.options import with_options
from rnnzoo.decoding.sampling import NO_TEXT
from rnnzoo.decoding.stops import encode_stops, truncate_texts
from rnnzoo.errors import check_number
from rnnzoo.models.adapted_scores import AdaptedScores
from rnnzoo.models.language_graphs import ROWS, score_figures
from rnnzoo.models.language_signatures import language_signatures
from rnnzoo.tokens import Subwords, check_texts, make_tokens
from rnnzoo.tokens.characters import ASCII
from rnnzoo.weights import factory

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rnnzoo.decoding import DecodingKeywords

# Defaults of `generate` and `stream`; and of `answer`, which always gives the same
# answer to the same prompt, half as long as the texts of training.
GENERATE_OPTIONS = DecodingOptions()
ANSWER_OPTIONS = DecodingOptions(max_length=None, temperature=0.7, seed=0)


@keras.saving.register_keras_serializable("rnnzoo")
class LanguageModel(AdaptedScores):
    """A language model: predicts the next symbol of a text, and continues texts.

    Recurrent layers read a text symbol by symbol, such as characters or words, and
    predict the next one at each (Graves, 2013, arXiv:1308.0850). `generate` and
    `stream` sample from these predictions; `score` measures how good they are.

    Shapes of the graph: token ids `[batch, time]`, the first a start symbol and 0 =
    padding at the end, to logits `[batch, time, symbols]`. `fit` and `evaluate` take
    texts, or texts and their continuations.

    Args:
        vocabulary: The characters (a string will do) or words to know, or what
            `Subwords.learn` returned with `lossless=True`; others are read as unknown,
            and never written. Default: ASCII's characters, and the line end. Words and
            subwords have no default, and bytes need none.
        tokens: `"characters"`; `"bytes"` of UTF-8; `"subwords"`; `"words"`, in lower
            case; or `"whitespace"`, for texts that are cut into words already.
        max_length: Symbols of a text in training; `answer` writes half as many.
            `generate` and `score` have no limit.
        embedding_dim: Size of the vector that stands for a symbol.
        units: Size of each layer's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        weight_dropout: Fraction of the weights from a state to the next that is dropped
            in training (Merity et al., 2018, arXiv:1708.02182).
        embedding_dropout: Fraction of the symbols whose vectors are zero in training,
            wherever they are in a batch (Gal and Ghahramani, 2016, arXiv:1512.05287).
        activation_penalty: What is added to the loss of a training step for each unit
            of the mean square of the last layer's outputs (Merity et al., 2017,
            arXiv:1708.01009).
        temporal_penalty: The same for what changes in them from each step to the next.
        tied_weights: Whether the head's weights are the symbols' vectors: for words.
        output: `"full"`; for more than 10,000 words `"adaptive"` or `"sampled"`, which
            make training quicker: see `many_to_many`.

    Example:
        >>> from rnnzoo import language_model
        >>> model = language_model(weights=None, vocabulary="abcdr ", units=16,
        ...                        num_layers=1)
        >>> history = model.fit(["abracadabra abracadabra"] * 4, verbose=0)
        >>> len(model.generate("abra", max_length=10, seed=0))
        10
        >>> round(model.score("abra")["bits_per_symbol"])
        3
    """

    TASK = "language-modeling"

    has_unique_target = False

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
        embedding_dropout: float = 0.0,
        activation_penalty: float = 0.0,
        temporal_penalty: float = 0.0,
        tied_weights: bool = False,
        output: str = "full",
    ):
        check_number("max_length", max_length, minimum=2, whole=True)
        if vocabulary is None and tokens == "characters":
            vocabulary = ASCII
        if vocabulary is not None and tokens != "subwords":
            vocabulary = list(vocabulary)
        self.arguments["vocabulary"] = vocabulary
        is_none = vocabulary is None
        if tokens == "subwords" and (is_none or not Subwords(vocabulary).is_lossless):
            raise ValueError(
                "A model that continues texts needs all of them: learn the vocabulary "
                "with Subwords.learn(texts, 10_000, lossless=True). Received: "
                + (
                    f"{vocabulary=}"
                    if is_none
                    else "a vocabulary without ends of lines"
                )
            )
        symbols = make_tokens(tokens, vocabulary, start=True)
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
            embedding_dropout=embedding_dropout,
            activation_penalty=activation_penalty,
            temporal_penalty=temporal_penalty,
            tied_weights=tied_weights,
            output=output,
        )
        self.tokens = symbols
        self.max_length = max_length
        self.set_targets(classes=True, padding=0)

    def encode(self, inputs: Any, targets: Any = None) -> tuple:
        """Converts texts to token ids `[batch, time]`, int32, and the next ones."""
        inputs = to_rows(inputs)
        texts = check_texts(inputs)
        if targets is None:
            return self.tokens.encode(texts), None
        targets = check_texts(targets, "targets")
        if len(texts) != len(targets):
            raise ValueError(
                "There must be one continuation for each text. Received: "
                f"{len(texts)} texts and {len(targets)} targets"
            )
        separator = self.tokens.separator
        ids = self.tokens.encode(
            [text + separator + more for text, more in zip(texts, targets, strict=True)]
        )
        segments = [i for i, t in enumerate(inputs) if isinstance(t, Segment)]
        if segments:
            # These begin with the last token of the previous text, not a start symbol.
            firsts = self.tokens.encode([inputs[i].first for i in segments])
            for i, length in zip(segments, np.count_nonzero(firsts, 1), strict=True):
                ids[i] = np.pad(ids[i, length - 1 :], (0, length - 1))
            ids = ids[:, : np.count_nonzero(ids, axis=1).max()]
        return ids[:, :-1], ids[:, 1:]

    def complete_targets(self, inputs: Any, targets: Any) -> Any:
        """Returns the continuations of texts; empty ones if none are given."""
        return [""] * len(inputs) if targets is None else targets

    @with_options(GENERATE_OPTIONS)
    def generate(
        self,
        prompts: Any = "",
        options: DecodingOptions | None = None,
        *,
        state: DecodingState | None = None,
        return_state: bool = False,
        **changes: "Unpack[DecodingKeywords]",
    ) -> Any:
        r"""Continues a text, or each text of a batch.

        A text depends on its prompt and the seed, not on its neighbours; the same
        prompt several times in a batch gives several texts.

        Args:
            prompts: A string of any length, or a list, tuple, array or tensor of them;
                an empty one is the beginning of a line.
            options: The options of decoding; `None` for the defaults.
            state: State that another call returned, to continue from. Without a prompt
                and a seed, it gives what the other call would have written next.
            return_state: Whether to return such a state too.
            **changes: Other arguments of `rnnzoo.decoding.DecodingOptions`.

        Returns:
            The continuation, a string; a list of them for a batch. With `n_best` above
            1, for each a list of `(text, score)`, best first; the score is the mean
            log-probability of a symbol, in nats. With `return_state`, a pair of that
            and the state.

        Raises:
            TypeError: If a prompt is not a string, or an option has the wrong type.
            ValueError: If an option is out of its range, or contradicts another.

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
        options = self.complete_options(options or GENERATE_OPTIONS, changes)
        if (width := options.beam_width) and return_state:
            raise ValueError(
                "A beam has no one state to return: leave out return_state or "
                f"beam_width. Received: return_state=True, beam_width={width}"
            )
        is_batch = not isinstance(prompts, (str, bytes))
        if state is not None:
            if np.ndim(state.token) == 0:  # of a single text
                state = keras.tree.map_structure(lambda x: np.asarray(x)[None], state)
            elif not is_batch and not prompts:
                prompts, is_batch = [""] * len(state.token), True
        texts = check_texts(prompts if is_batch else [prompts], "prompts")
        if not texts:
            return ([], state) if return_state else []
        stops = encode_stops(self.tokens, options.stop)
        answers, states = [], []
        for before in self.read_prompts(texts, options.seed, state):
            if options.beam_width:
                beams, scores = self.search_tokens(before, options, stops)
                answers += [
                    self._rank(*row, stops)[: options.n_best]
                    for row in zip(beams.numpy(), scores.numpy(), strict=True)
                ]
                continue
            tokens, after = self.sample_tokens(before, options, stops)
            # The first bytes of a character that an earlier call has not returned.
            rows = zip(np.asarray(before.recent), tokens.numpy(), strict=True)
            texts = self.tokens.decode(
                [[*self.find_incomplete(held), *row] for held, row in rows]
            )
            answers += truncate_texts(texts, stops)
            states.append(after)
        if options.beam_width and options.n_best == 1:
            answers = [best[0][0] for best in answers]
        result = answers if is_batch else answers[0]
        if not return_state:
            return result
        after = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *states)
        if not is_batch:
            after = keras.tree.map_structure(lambda rows: rows[0], after)
        return result, after

    @with_options(GENERATE_OPTIONS)
    def stream(
        self,
        prompt: str = "",
        options: DecodingOptions | None = None,
        **changes: "Unpack[DecodingKeywords]",
    ) -> Iterator[str]:
        r"""Continues a text as `generate`, and yields it in chunks as it is written.

        Args:
            prompt: A string.
            options: The options of decoding, as in `generate`; without a beam.
            **changes: As in `generate`.

        Raises:
            TypeError, ValueError: As `generate`; or if a beam is asked for.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> text = "".join(model.stream("ab", max_length=40, seed=1))
            >>> text == model.generate("ab", max_length=40, seed=1)
            True
        """
        options = self.complete_options(options or GENERATE_OPTIONS, changes)
        if options.beam_width:
            raise ValueError(
                "The text of a beam is known at its end only: use generate, or leave "
                f"out beam_width. Received: beam_width={options.beam_width}"
            )
        texts = check_texts([prompt], "prompt")
        stops = encode_stops(self.tokens, options.stop)

        def write() -> Iterator[str]:
            (state,) = self.read_prompts(texts, options.seed)
            yield from self.stream_chunks(state, options, stops)

        return write()  # options are checked at once, not with the first chunk

    def score(self, texts: Any, adapt: Any = None) -> Any:
        r"""Measures how well a text, or each text of a batch, is predicted.

        Args:
            texts: A string of any length, or a list, tuple, array or tensor of them.
            adapt: How the model adapts to each text as it reads it: `"dynamic"` for
                `rnnzoo.models.adapted_scores.DynamicEvaluation`, `"cache"` for
                `NeuralCache`, or one of these with other settings. Default: not at all.

        Returns:
            A dict, or a list of them for a batch: `nats`, the negative logarithm of the
            text's probability; `symbols`, its length; `nats_per_symbol`,
            `bits_per_symbol` and `perplexity` (nan for an empty text).

        Raises:
            TypeError: If something is not a string; names every such row.
            ValueError: If there is no such way to adapt.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> model.score("abc")["symbols"]
            3
        """
        if isinstance(texts, (str, bytes)):
            return self.score([texts], adapt)[0]
        texts = check_texts(texts)
        if adapt is None:
            found = self._score_texts(texts)
        else:
            found = self.score_adapted(texts, adapt)
        figures = score_figures(*found)
        columns = [np.asarray(column).tolist() for column in figures.values()]
        rows = zip(*columns, strict=True)
        return [dict(zip(figures, row, strict=True)) for row in rows]

    def _score_texts(self, texts: list[str]) -> tuple:
        """Returns the losses of texts in nats, and their symbols, each `[texts]`."""
        nats, symbols = np.zeros(len(texts)), np.zeros(len(texts), int)
        lengths = [len(text) for text in texts]
        for part in group_by_length(lengths, sys.maxsize, ROWS):
            before = self.start(np.zeros(len(part), "uint64"))
            for rows, ids, added, _ in self.read_in_chunks(
                self.measure_chunk, [texts[row] for row in part], before
            ):
                nats[part[rows]] += added.numpy()
                symbols[part[rows]] += np.count_nonzero(ids, axis=1)
        return nats, symbols

    @with_options(ANSWER_OPTIONS)
    def answer(self, inputs: Any, **changes: "Unpack[DecodingKeywords]") -> Any:
        r"""Continues a text, or each text of a batch, always in the same way.

        As `generate`, but by default with seed 0, a temperature of 0.7, and half of the
        model's `max_length`.

        Args:
            inputs: A string, or a list, tuple, array or tensor of strings.
            **changes: As in `generate`.

        Example:
            >>> from rnnzoo import language_model
            >>> model = language_model(weights=None, vocabulary="abc\n", units=8)
            >>> model.answer("ab") == model.answer(["c", "ab"])[1]
            True
        """
        return self.generate(inputs, ANSWER_OPTIONS, **changes)

    def complete_options(
        self, options: DecodingOptions, changes: Any
    ) -> DecodingOptions:
        """Returns options with changes, and a `max_length`."""
        options = options.replace(**changes)
        if options.max_length is None:
            options = options.replace(max_length=self.max_length // 2)
        return options

    def signatures(self) -> dict[str, Signature]:
        """Adds decoding with options, beams, scores and states to every model's."""
        return super().signatures() | language_signatures(self)

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        symbols, separator = [*self.tokens.vocabulary, "\ufffd"], self.tokens.separator
        texts = [separator.join(random.choice(symbols, n)) for n in (1, 5, 40, 300)]
        return ["ROMEO:", "the king", *texts, "ROMEO:", ""]

    def answer_in_graph(self, text: Any) -> dict:
        """Continues strings `[batch]` as `answer` does, in the graph."""
        return self.generate_graph(text, self.complete_options(ANSWER_OPTIONS, {}))

    def _rank(self, beams: np.ndarray, scores: np.ndarray, stops: Any) -> list[tuple]:
        texts = truncate_texts(self.tokens.decode(beams), stops)
        found = zip(texts, map(float, scores), strict=True)
        return [(text, score) for text, score in found if score > NO_TEXT]


language_model = factory(LanguageModel, "language_model", weights="shakespeare")
