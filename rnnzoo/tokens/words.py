"""Words as tokens: of any text, or of texts that are already tokenized."""

import functools
import html.entities
import re
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from rnnzoo.tokens.text import VocabularyTokens

# Replacements before a text is split at spaces, in this order. Letters with their marks
# and digits form words, an apostrophe joins two parts of one (don't, l'eau), and any
# other visible character is a word of its own. Patterns that match rarely are fast; one
# that matches every word takes twenty times as long.
_WORD_RULES = (
    # First, because tf.strings.lower ends a text at a NUL.
    (r"[\t\n\r\pC]|[^ \PZ]", " "),
    ("’", "'"),
    (r"(?i)<\s*/?\s*(?:br|p|i|b|em|u|strong|hr|div|span|ul|li)\s*/?\s*>", " "),
    (r"([^ \pL\pM\pN'])", r" \1 "),
    (r"''", r" ' ' "),
    (r"(^|[^\pL\pM\pN])'", r"\1 ' "),
    (r"'($|[^\pL\pM\pN])", r" ' \1"),
)
# tf.strings.lower depends on the locale for these letters: Turkish, Azeri and
# Lithuanian differ from all others.
_LOWER_RULES = (
    ("I", "i"),
    ("İ", "i\u0307"),
    ("J", "j"),
    ("Į", "į"),
    ("Ì", "ì"),
    ("Í", "í"),
    ("Ĩ", "ĩ"),
)
# Stands around references to characters; no text needs it.
_MARK = "\x1f"
# What separates words in a line of a tokenized text.
_SPACES = r" \t\r\f\v"
_OTHER_SPACES = r"[\pZ\x1c-\x1f\x{85}]"


@keras.saving.register_keras_serializable("rnnzoo")
class Words(VocabularyTokens):
    """Tokenizes texts into words and punctuation: 0 is padding, 1 an unknown word.

    Texts are lowercased, simple HTML tags such as `<br />` become spaces, and every
    visible character outside words (punctuation, emoji) is a token. With `normalize`,
    HTML's references such as `&quot;` are the characters they stand for. Inputs and
    outputs of the call are those of `TextTokens`.

    Args:
        vocabulary: The known words, in the order of their ids, from 2; a `ValueError`
            if one is repeated.
        start: Whether every sequence begins with a start symbol, the largest id.
        **layer_options: As of `TextTokens`, with `max_length` and `normalize`.

    Example:
        >>> from rnnzoo.tokens import Words
        >>> words = Words(["a", "triumph", ".", "quiet"])
        >>> words.encode(["A quiet triumph.", "A triumph"])
        array([[2, 5, 3, 4],
               [2, 3, 0, 0]], dtype=int32)
        >>> words.split("It's <br />GREAT!!")
        ["it's", 'great', '!', '!']
        >>> Words.learn(["a b b", "b c"], size=2)
        ['b', 'a']
    """

    kind = "word"
    separator = " "
    unknown = "[unknown]"
    # Not within a tag with spaces in it.
    gap = re.compile(r"(?<=[^\s<>/'\u2019])\s+(?=[^\s<>/'\u2019])")

    def __init__(self, vocabulary: Sequence[str], **options: Any):
        super().__init__(vocabulary, **options)
        if self.normalize:
            self.references = _reference_table()  # an export looks for it here

    @staticmethod
    def normalize_strings(texts: tf.Tensor) -> tf.Tensor:
        """Returns strings `[batch]` with characters for HTML's references, and NFC."""
        return VocabularyTokens.normalize_strings(_replace_references(texts))

    @staticmethod
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        for pattern, replacement in _WORD_RULES:
            texts = tf.strings.regex_replace(texts, pattern, replacement)
        return tf.strings.split(lower_strings(texts))


@keras.saving.register_keras_serializable("rnnzoo")
class Whitespace(VocabularyTokens):
    r"""Tokenizes texts at white space; the end of a line is a token.

    For texts that are already tokenized, such as the Penn Treebank: case is kept, the
    end of a line is the word `"\n"`, and `<unk>` is any word outside the vocabulary.
    Arguments and errors are those of `Words`, inputs and outputs those of `TextTokens`.

    Example:
        >>> from rnnzoo.tokens import Whitespace
        >>> words = Whitespace(["\n", "mr.", "N"])
        >>> words.encode(["mr. <unk> N\nN  %", "N"])
        array([[3, 1, 4, 2, 4, 1],
               [4, 0, 0, 0, 0, 0]], dtype=int32)
        >>> words.decode([[3, 1, 2]])
        ['mr. <unk> \n']
        >>> Whitespace.learn(["b <unk> <unk>\n", "b A"], size=2)
        ['b', '\n']
    """

    kind = "word"
    separator = " "
    unknown = "<unk>"
    gap = re.compile(f"[{_SPACES}\n]")

    @staticmethod
    def normalize_strings(texts: tf.Tensor) -> tf.Tensor:
        """Returns strings `[batch]` with blanks for all other white space, and NFC."""
        texts = tf.strings.regex_replace(texts, _OTHER_SPACES, " ")
        return VocabularyTokens.normalize_strings(texts)

    @staticmethod
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` at white space; an end of a line is a word."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.strings.regex_replace(texts, f"[{_SPACES}]", " ")
        words = tf.strings.split(tf.strings.regex_replace(texts, r"\n", " \n "), " ")
        return tf.ragged.boolean_mask(words, tf.not_equal(words, ""))

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int,
        min_count: int = 1,
        *,
        normalize: bool = False,
    ) -> list[str]:
        """Returns the most frequent words except `<unk>`."""
        found = super().learn(texts, size + 1, min_count, normalize=normalize)
        return [word for word in found if word != cls.unknown][:size]


def lower_strings(texts: tf.Tensor) -> tf.Tensor:
    """Returns strings without a NUL in lower case, the same in every locale."""
    for pattern, replacement in _LOWER_RULES:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return tf.strings.lower(texts, "utf-8")


@functools.cache
def _reference_table() -> tf.lookup.StaticHashTable:
    """Returns the characters for names, and for numbers that are hexadecimal."""
    numbers = [*range(32, 256), *range(0x2010, 0x2040), 0x20AC]
    names = [f"&{name}" for name in html.entities.html5 if name.endswith(";")]
    # Of these decimal numbers HTML has another opinion than Unicode.
    names += [f"&#{number};" for number in range(128, 160)]
    names += [f"&#x{number:{form}};" for number in numbers for form in "xX"]
    pairs = {name: html.unescape(name) for name in names}
    with tf.init_scope():
        keys, values = tf.constant(list(pairs)), tf.constant(list(pairs.values()))
        initial = tf.lookup.KeyValueTensorInitializer(keys, values)
        return tf.lookup.StaticHashTable(initial, "")


def _replace_references(texts: tf.Tensor) -> tf.Tensor:
    """Replaces `&quot;`, `&#39;` and the like in strings by their characters."""
    texts = tf.strings.regex_replace(texts, _MARK, " ")
    texts = tf.strings.regex_replace(texts, "&#?[0-9A-Za-z]+;", rf"{_MARK}\0{_MARK}")
    parts = tf.strings.split(texts, _MARK)
    flat = parts.flat_values
    known = _reference_table().lookup(flat)
    is_number = tf.strings.regex_full_match(flat, "&#0*[1-9][0-9]{0,6};")
    digits = tf.where(is_number, tf.strings.regex_replace(flat, "[&#;]", ""), "0")
    points = tf.strings.to_number(digits, tf.int32)
    numbered = tf.strings.unicode_encode(points[:, None], "UTF-8")
    found = tf.where(is_number, numbered, flat)
    found = tf.where(tf.equal(known, ""), found, known)
    return tf.strings.reduce_join(parts.with_flat_values(found), axis=-1)
