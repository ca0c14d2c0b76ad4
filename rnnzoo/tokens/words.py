"""Words as tokens: of any text, or of texts that are already tokenized."""

import re
from collections.abc import Iterable

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
    # tf.strings.lower depends on the locale for these letters: Turkish, Azeri and
    # Lithuanian differ from all others.
    ("I", "i"),
    ("İ", "i\u0307"),
    ("J", "j"),
    ("Į", "į"),
    ("Ì", "ì"),
    ("Í", "í"),
    ("Ĩ", "ĩ"),
)
# What separates words in a line of a tokenized text.
_SPACES = r" \t\r\f\v"


@keras.saving.register_keras_serializable("rnnzoo")
class Words(VocabularyTokens):
    """Tokenizes texts into words and punctuation: 0 is padding, 1 an unknown word.

    Texts are lowercased, simple HTML tags such as `<br />` become spaces, and every
    visible character outside words (punctuation, emoji) is a token. Inputs and outputs
    of the call are those of `TextTokens`.

    Args:
        vocabulary: The known words, in the order of their ids, from 2; a `ValueError`
            if one is repeated.
        start: Whether every sequence begins with a start symbol, the largest id.
        **layer_options: As of `TextTokens`, with `max_length`.

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

    @staticmethod
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        for pattern, replacement in _WORD_RULES:
            texts = tf.strings.regex_replace(texts, pattern, replacement)
        return tf.strings.split(tf.strings.lower(texts, "utf-8"))


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
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` at white space; an end of a line is a word."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.strings.regex_replace(texts, f"[{_SPACES}]", " ")
        words = tf.strings.split(tf.strings.regex_replace(texts, r"\n", " \n "), " ")
        return tf.ragged.boolean_mask(words, tf.not_equal(words, ""))

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Returns the most frequent words except `<unk>`."""
        found = super().learn(texts, size + 1, min_count)
        return [word for word in found if word != cls.unknown][:size]
