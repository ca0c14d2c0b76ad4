"""Words of texts that are already tokenized."""

import re
from collections.abc import Iterable

import keras
import tensorflow as tf

from rnnzoo.tokens.text import VocabularyTokens

# What separates words in a line.
_SPACES = r" \t\r\f\v"


@keras.saving.register_keras_serializable("rnnzoo")
class Whitespace(VocabularyTokens):
    r"""Tokenizes texts at white space; the end of a line is a token.

    Use it for texts that are already tokenized, such as the Penn Treebank: case is
    kept, the end of a line is the word `"\n"`, and `<unk>` in a text is the unknown
    word, as is any other word outside the vocabulary. The call works inside a graph;
    `encode` and `learn` call the same graph.

    Inputs of the call: UTF-8 strings `[batch]` of any length; invalid bytes become
    U+FFFD.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end; 1
    is the unknown word. A text without words is its start symbol, or one unknown word:
    every sequence has a step.

    Args:
        vocabulary: The known words, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that
            generate text need it; its id is the largest.

    Raises:
        ValueError: If a word is repeated in the vocabulary.

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
        """Finds the most frequent words but `<unk>`; as `VocabularyTokens.learn`."""
        found = super().learn(texts, size + 1, min_count)
        return [word for word in found if word != cls.unknown][:size]
