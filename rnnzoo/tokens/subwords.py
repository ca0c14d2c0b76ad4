"""Subwords of SentencePiece as tokens."""

import base64
import binascii
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnzoo.errors import shorten
from rnnzoo.tokens.checks import PADDING, to_utf8
from rnnzoo.tokens.text import (
    START_SYMBOL,
    WHITE_SPACE,
    TextTokens,
    import_text_operations,
)

# What SentencePiece writes for a blank.
BLANK = "\u2581"


@keras.saving.register_keras_serializable("rnnzoo")
class Subwords(TextTokens):
    r"""Tokenizes texts into subwords of SentencePiece: 0 is padding, 1 unknown.

    Frequent words are one token, rare ones several (Kudo and Richardson, 2018,
    arXiv:1808.06226; byte pair encoding: Sennrich et al., 2016, arXiv:1508.07909).
    `decode` inverts `encode`, except for unknown characters and the normalization
    (NFKC). Exports need `tensorflow_text`. The call is that of `TextTokens`.

    Args:
        vocabulary: A SentencePiece model in base64, as `learn` returns it; a
            `ValueError` if it is none.
        start: Whether every sequence begins with a start symbol, the largest id.

    Example:
        >>> from rnnzoo.tokens import Subwords
        >>> texts = ["the lowest tower", "a low tower", "the slower row"]
        >>> subwords = Subwords(Subwords.learn(texts, size=40))
        >>> subwords.decode(subwords.encode(["a slow row", "the tower"]))
        ['a slow row', 'the tower']
        >>> lossless = Subwords(Subwords.learn(texts, size=40, lossless=True))
        >>> lossless.decode(lossless.encode([" a  slow\n", "row"]))
        [' a  slow\n', 'row']
    """

    kind = "subword"
    separator = ""
    gap = re.compile("[ \n]")

    def __init__(self, vocabulary: str, *, start: bool = False, **layer_options: Any):
        super().__init__(start, **layer_options)
        self.vocabulary = vocabulary
        expected = (
            "vocabulary must be a SentencePiece model in base64, such as "
            "Subwords.learn(texts, 5000) returns. Received: "
            f"vocabulary={shorten(vocabulary)}"
        )
        if not isinstance(vocabulary, str):
            raise TypeError(expected)
        try:
            self.content = base64.b64decode(vocabulary, validate=True)
            with tf.init_scope():
                self.size = int(self.tokenizer.vocab_size())
                end = int(self.tokenizer.string_to_id("\n"))
        except (binascii.Error, tf.errors.OpError) as error:
            raise ValueError(expected) from error
        # Whether the vocabulary was learned with `lossless=True`.
        self.is_lossless = end != self.UNKNOWN

    @property
    def tokenizer(self) -> Any:
        """A new `tensorflow_text.SentencepieceTokenizer`, as every graph needs one."""
        # Its data belong to the kernel of an operation, which is deleted with its graph
        # and by `keras.utils.clear_session`; kernels that exist are reused.
        return import_text_operations().SentencepieceTokenizer(self.content)

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, with padding, unknown and start symbols."""
        return self.size + self.start

    @property
    def pieces(self) -> list[bytes]:
        """What each token adds to a text; the start symbol nothing."""
        with tf.init_scope():
            parts = self.symbols_of(range(self.size))
        return [to_utf8(part.replace(BLANK, " ")) for part in parts] + [
            b""
        ] * self.start

    def count_at_most(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the number of characters of strings `[batch]`, int32."""
        return tf.strings.length(texts, "UTF8_CHAR")

    def prepare(self, inputs: Any) -> tf.Tensor:
        """Returns strings `[batch]` in which all white space is blanks, unless kept."""
        texts = super().prepare(inputs)
        if self.is_lossless:
            return texts
        return tf.strings.regex_replace(texts, WHITE_SPACE, " ")

    def ids(self, inputs: Any) -> tf.RaggedTensor:
        """Returns the ids of strings `[batch]` without start symbols and padding."""
        return self.tokenizer.tokenize(self.prepare(inputs))

    def format(self, ids: tf.Tensor) -> tf.Tensor:
        """Formats token ids as strings, in the graph; unknown ones become U+2047."""
        return self.tokenizer.detokenize(
            tf.ragged.boolean_mask(ids, self.is_symbol(ids))
        )

    def decode(self, ids: Any) -> list[str]:
        """Converts rows of token ids to texts; unknown ones become U+2047."""
        rows = [list(map(int, row)) for row in ids]
        if not rows:
            return []
        ids = tf.ragged.constant(rows, tf.int32, ragged_rank=1).to_tensor(PADDING)
        return [text.decode("utf-8", "replace") for text in self.format(ids).numpy()]

    def symbols_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the subword of each token; `▁` marks the beginning of a word."""
        known = tf.constant([i if i < self.size else 0 for i in ids], tf.int32)
        parts = [part.decode() for part in self.tokenizer.id_to_string(known).numpy()]
        pairs = zip(ids, parts, strict=True)
        return [part if i < self.size else START_SYMBOL for i, part in pairs]

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns the words with the blanks before them; no token spans two of them."""
        return re.findall(r"\n| ?[^ \n]+| ", to_utf8(text).decode())

    @staticmethod
    def learn(texts: Iterable[str], size: int, *, lossless: bool = False) -> str:
        """Returns a `vocabulary`: subwords of texts by byte pair encoding.

        Args:
            texts: The texts, an iterable; a `ValueError` if they are empty.
            size: Number of tokens, with padding and unknown; fewer for small data, and
                at least the number of characters, else a `ValueError`.
            lossless: Whether all white space is kept and nothing is normalized, as
                language models need it.
        """
        import sentencepiece

        model = io.BytesIO()
        lines = (to_utf8(text).decode() for text in texts)
        options = {}
        if lossless:
            lines = (line for text in lines for line in text.splitlines(keepends=True))
            options = {
                "normalization_rule_name": "identity",
                "remove_extra_whitespaces": False,
                "add_dummy_prefix": False,
                "user_defined_symbols": ["\n"],
            }
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=lines,
                model_writer=model,
                model_type="bpe",
                vocab_size=size,
                hard_vocab_limit=False,
                character_coverage=1.0,
                max_sentence_length=2**20,
                pad_id=PADDING,
                unk_id=Subwords.UNKNOWN,
                bos_id=-1,
                eos_id=-1,
                num_threads=1,
                minloglevel=3,
                **options,
            )
        except (RuntimeError, OSError) as error:
            raise ValueError(
                "size must be more than the number of different characters, and there "
                f"must be a text. Received: size={size!r} ({error})"
            ) from error
        return base64.b64encode(model.getvalue()).decode()

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary": self.vocabulary, **super().get_config()}
