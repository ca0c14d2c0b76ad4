"""Translation: a text of one language in, the same in another language out."""

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnnzoo.architectures.batching import group_by_length
from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.signature import Signature
from rnnzoo.decoding import DecodingOptions
from rnnzoo.decoding.options import check_limit, graph_inputs
from rnnzoo.decoding.sampling import NO_TEXT
from rnnzoo.errors import check_choice, check_number
from rnnzoo.layers.metrics import SmoothedCrossentropy, TokenAccuracy
from rnnzoo.models.language import ASCII
from rnnzoo.models.text_to_text import ATTENTION, TextToText
from rnnzoo.tokens import Subwords, Whitespace, Words, check_texts, make_tokens
from rnnzoo.tokens.text import START_SYMBOL
from rnnzoo.weights import factory

TOKENS = {"subwords": Subwords, "words": Words, "whitespace": Whitespace}
# Texts per batch, and source tokens of a batch.
ROWS, STEPS = 64, 8192
# Default number of hypotheses, and the maximum in an export.
BEAM, WIDEST = 5, 100
IDS = ((None, None), "int32")
END_SYMBOL = "[end]"


@dataclasses.dataclass
class Alignment:
    """Attention weights of a translation; see `Translator.translate`.

    Attributes:
        source: The source's tokens, the start symbol first.
        target: The translation's tokens, and `"[end]"` where it ended by itself.
        weights: `[target, source]`, float32; rows sum to one.
    """

    source: list[str]
    target: list[str]
    weights: np.ndarray


@keras.saving.register_keras_serializable("rnnzoo")
class Translator(TextToText):
    """A model that translates from one language into another.

    A bidirectional encoder reads a text; a decoder starts from its final state and
    writes the translation token by token, with attention to the encoder's outputs
    (Bahdanau et al., 2015, arXiv:1409.0473; Luong et al., 2015, arXiv:1508.04025). One
    vocabulary has the embeddings of both languages and of the head. What helps with
    little data: Sennrich and Zhang, 2019, arXiv:1905.11901.

    Shapes of the graph: `{"source": ..., "target": ...}`, token ids `[batch, time]`, 0
    = padding at the end, a start symbol first, to logits `[batch, target time, tokens]`
    of the next target token. `fit` and `evaluate` take texts and translations.

    Args:
        vocabulary: What `rnnzoo.tokens.Subwords.learn` returned for texts of both
            languages; or a list of words. Default: ASCII's characters.
        tokens: `"subwords"`; `"words"`, in lower case; or `"whitespace"`, for texts
            that are tokenized.
        attention: `"additive"`, `"multiplicative"`, or `"none"`: then the decoder has
            only the encoder's final state.
        reverse_source: Whether the text is read from its end.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each layer's state, of each direction's in the encoder. Default
            256.
        num_layers: Layers of the encoder, and of the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of tokens dropped in training.
        label_smoothing: Probability that training spreads over all tokens.
        normalize: Whether `&quot;` and other references of HTML (in words) and accented
            letters written as two characters are read as what they stand for.

    Attributes:
        tokens: The tokens of both languages: `rnnzoo.tokens.Subwords`, `Words` or
            `Whitespace`.

    Example:
        >>> from rnnzoo import translator
        >>> model = translator(weights=None, units=16)
        >>> history = model.fit(["a dog", "a cat"], ["ein Hund", "eine Katze"],
        ...                     verbose=0)
        >>> isinstance(model.translate("a dog"), str)
        True
    """

    TASK = "translation"

    has_unique_target = False

    def __init__(
        self,
        *,
        vocabulary: str | Sequence[str] | None = None,
        tokens: str = "subwords",
        attention: str = "multiplicative",
        reverse_source: bool = False,
        embedding_dim: int = 256,
        units: int = 256,
        num_layers: int = 2,
        cell: str = "gru",
        dropout: float = 0.3,
        token_dropout: float = 0.1,
        label_smoothing: float = 0.1,
        normalize: bool = True,
    ):
        check_choice("tokens", tokens, TOKENS)
        check_choice("attention", attention, ATTENTION)
        check_number("label_smoothing", label_smoothing, minimum=0, below=1)
        if vocabulary is None and tokens == "subwords":
            vocabulary = _ascii()
        if vocabulary is not None and not isinstance(vocabulary, str):
            vocabulary = list(vocabulary)
        self.arguments["vocabulary"] = vocabulary
        self.label_smoothing = label_smoothing
        super().__init__(
            tokens=make_tokens(tokens, vocabulary, start=True, normalize=normalize),
            attention=attention,
            reverse_source=reverse_source,
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=True,
            dropout=dropout,
            token_dropout=token_dropout,
            tied_weights=True,
        )

    @classmethod
    def current_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns a file's arguments; texts of old files were not normalized."""
        return {"normalize": False} | super().current_config(config)

    def choose_objective(self) -> tuple:
        """Returns smoothed cross-entropy, and the accuracy of tokens."""
        loss = SmoothedCrossentropy(self.label_smoothing, self.padding)
        return loss, [TokenAccuracy(self.padding)]

    def translate(
        self,
        texts: Any,
        beam_width: int = BEAM,
        *,
        n_best: int = 1,
        length_penalty: float = 1.0,
        return_scores: bool = False,
        return_attention: bool = False,
    ) -> Any:
        """Translates a text, or each text of a batch.

        A translation does not depend on its neighbours in a batch, and has at most
        twice as many tokens as the text, and ten: split long texts into sentences.
        Unknown characters are never written; a blank text has the empty translation.

        Args:
            texts: A string, or a list, tuple, array or tensor of strings.
            beam_width: Number of hypotheses; 1 for greedy decoding.
            n_best: Number of translations of each text to return, best first.
            length_penalty: 0 prefers short translations, 1 and more long ones.
            return_scores: Whether to return each translation's score too:
                log-probability, in nats, over length to the power of `length_penalty`.
            return_attention: Whether to return each translation's `Alignment` too.

        Returns:
            The translation, a string, and a list of them for a batch. With
            `return_scores` or `return_attention` a tuple that begins with it; with
            `n_best` above 1 a list of at most `n_best` for each text.

        Raises:
            TypeError, ValueError: If a text is not a string, an option has the wrong
                type or range, or alignments are asked of a model without attention.

        Example:
            >>> from rnnzoo import translator
            >>> model = translator(weights=None, units=8)
            >>> best = model.translate(["a dog", "a cat"], n_best=2, return_scores=True)
            >>> len(best), len(best[0]), best[0][0][1] >= best[0][1][1]
            (2, 2, True)
        """
        check_number("beam_width", beam_width, minimum=1, whole=True)
        options = DecodingOptions(
            beam_width=beam_width, n_best=n_best, length_penalty=length_penalty
        )
        if return_attention and self.attention is None:
            raise ValueError(
                "Only a translator with attention has alignments: leave out "
                "return_attention. Received: return_attention=True, attention='none'"
            )
        is_batch = not isinstance(texts, (str, bytes))
        texts = check_texts(texts if is_batch else [texts])
        answers: list[Any] = [None] * len(texts)
        for rows, source in self.batch_texts(texts):
            found = self._search(source, beam_width, float(options.length_penalty))
            beams, scores, written = (part.numpy()[:, :n_best] for part in found)
            for i, row in enumerate(rows):
                parts: list[Any] = [
                    [text.decode("utf-8", "replace") for text in written[i]]
                ]
                if return_scores:
                    parts.append(map(float, scores[i]))
                if return_attention:
                    parts.append(self._align(source[i], ids) for ids in beams[i])
                best = list(zip(*parts, strict=True)) if len(parts) > 1 else parts[0]
                # A short text may have fewer translations than hypotheses.
                answers[row] = best[: np.count_nonzero(scores[i] > NO_TEXT)]
        if n_best == 1:
            answers = [best[0] for best in answers]
        return answers if is_batch else answers[0]

    def answer(self, inputs: Any, *, beam_width: int = 5) -> Any:
        """Translates a text, or each text of a batch; as `translate`.

        Args:
            inputs: A string, or a list, tuple, array or tensor of strings.
            beam_width: Number of hypotheses; 1 for greedy decoding.

        Example:
            >>> from rnnzoo import translator
            >>> model = translator(weights=None, units=8)
            >>> model.answer("a") == model.answer(["b c", "a"])[1]
            True
        """
        return self.translate(inputs, beam_width)

    def signatures(self) -> dict[str, Signature]:
        """Adds translation with the options of a beam."""
        texts = self.sample_texts()

        def graph(text: Any, **options: Any) -> dict:
            checked = DecodingOptions(**options)
            width = check_limit("beam_width", checked.beam_width, 1, WIDEST)
            return self.answer_in_graph(text, width, checked.length_penalty)

        first = {"beam_width": 4, "length_penalty": 1.0}
        others = [{"beam_width": 1}, {"length_penalty": 0.0}, {"beam_width": 0}]
        translate = Signature(
            graph=graph,
            inputs={"text": ((None,), "string"), **graph_inputs(*first)},
            answers=self.answer_in_python,
            examples=[
                {"text": texts[:2], **first},
                *({"text": texts, **first, **other} for other in others),
            ],
        )
        return {**super().signatures(), "translate": translate}

    def sample_texts(self) -> list[str]:
        """Returns texts of various lengths to try an export on."""
        random = np.random.default_rng(0)
        ids = random.integers(2, self.tokens.vocabulary_size - 1, (4, 60))
        drawn = [row[:n] for row, n in zip(ids, (1, 4, 15, 60), strict=True)]
        return ["a dog", "Two men sit.", *self.tokens.decode(drawn), "a dog", ""]

    def answer_in_graph(
        self, text: Any, beam_width: Any = BEAM, length_penalty: Any = 1.0
    ) -> dict:
        """Translates strings `[batch]` as `translate`, in the graph."""
        source = self.tokens(text)
        tokens, scores = self._search_graph(source, beam_width, length_penalty)
        return {"text": self._format_texts(tokens[:, 0]), "score": scores[:, 0]}

    def answer_in_python(
        self, text: list[str], beam_width: int = BEAM, length_penalty: float = 1.0
    ) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        found = self.translate(
            text, beam_width, length_penalty=length_penalty, return_scores=True
        )
        scores = np.array([score for _, score in found], "float32")
        return {"text": [text for text, _ in found], "score": scores}

    def _search_graph(self, source: Any, beam_width: Any, length_penalty: Any) -> tuple:
        state, count = self.start_decoding(source)
        options = DecodingOptions().to_tensors()
        return self.writer.search(state, options, count, beam_width, length_penalty)

    def longest_answers(self, lengths: Any) -> Any:
        """Returns twice as many tokens, and some more."""
        return 2 * lengths + 10

    def batch_texts(self, texts: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields row numbers of texts of similar length, and their token ids."""
        lengths = [len(text) for text in texts]
        for rows in group_by_length(lengths, sys.maxsize, ROWS):
            source = self.tokens.encode([texts[row] for row in rows])
            sizes = np.count_nonzero(source, axis=1)
            for part in group_by_length(sizes, STEPS):
                yield rows[part], source[part, : sizes[part[0]]]

    def _format_texts(self, tokens: Any) -> Any:
        return tf.strings.strip(self.tokens.format(tokens))

    def _align(self, source: np.ndarray, tokens: np.ndarray) -> Alignment:
        source, tokens = source[source > 0], tokens[tokens > 0]
        before = np.concatenate([[self.tokens.start_id], tokens[:-1]]).astype("int32")
        weights = keras.ops.convert_to_numpy(self._attend(source[None], before[None]))
        read, written = [self.tokens.symbols_of(ids) for ids in (source, tokens)]
        # One token begins what is read, and ends what is written.
        written = [END_SYMBOL if s == START_SYMBOL else s for s in written]
        return Alignment(read, written, weights[0].astype("float32"))

    @functools.cached_property
    def _search(self) -> Callable:
        def search(source: Any, beam_width: Any, length_penalty: Any) -> tuple:
            beams, scores = self._search_graph(source, beam_width, length_penalty)
            rows = tf.reshape(beams, (-1, tf.shape(beams)[-1]))
            return beams, scores, tf.reshape(self._format_texts(rows), tf.shape(scores))

        return compile_graph(search, IDS, ((), "int32"), ((), "float32"))

    @functools.cached_property
    def _attend(self) -> Callable:
        def attend(source: Any, target: Any) -> Any:
            memory, mask, state = self.run_encoder(source)
            steps = self.target_reader(target)
            return self.run_decoder(steps, state, memory, mask)[2]

        return compile_graph(attend, IDS, IDS)


@functools.cache
def _ascii() -> str:
    return Subwords.learn(ASCII, size=2 * len(ASCII))


translator = factory(Translator, "translator", weights="tatoeba_en_fr")
