"""Words and punctuation marks as tokens."""

import re

import keras
import tensorflow as tf

from rnnzoo.tokens.text import VocabularyTokens

UNKNOWN_WORD = "[unknown]"
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


@keras.saving.register_keras_serializable("rnnzoo")
class Words(VocabularyTokens):
    """Tokenizes texts into words and punctuation: 0 is padding, 1 an unknown word.

    Use it for models that read text. The call works inside a graph, as in
    `tf.data.Dataset.map` and in exports; `encode` and `learn` call the same graph. It
    lowercases, replaces simple HTML tags such as `<br />` by spaces, and makes every
    visible character outside words (punctuation, emoji) a token.

    Inputs of the call: UTF-8 strings `[batch]` of any length; invalid bytes become
    unknown characters.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end. A
    text without words is its start symbol, or one unknown word: every sequence has a
    step.

    Args:
        vocabulary: The known words, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that
            generate text need it; its id is the largest.
        **layer_options: `max_length`, the maximum length of a sequence: longer texts
            are truncated in the middle (head and tail of Sun et al., 2019). Default: no
            limit. And options of `keras.layers.Layer`.

    Raises:
        ValueError: If a word is repeated in the vocabulary, or `max_length` is less
            than 2.

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

    References:
        Sun et al., "How to fine-tune BERT for text classification?", 2019,
        arXiv:1905.05583, section 5.3.1, on truncation.
    """

    kind = "word"
    separator = " "
    unknown = UNKNOWN_WORD
    # Not within a tag with spaces in it.
    gap = re.compile(r"(?<=[^\s<>/'\u2019])\s+(?=[^\s<>/'\u2019])")

    @staticmethod
    def split_strings(texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        for pattern, replacement in _WORD_RULES:
            texts = tf.strings.regex_replace(texts, pattern, replacement)
        return tf.strings.split(tf.strings.lower(texts, "utf-8"))
