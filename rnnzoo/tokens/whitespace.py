"""Words of texts that are cut into words already."""

import re
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from rnnzoo.tokens.checks import to_utf8
from rnnzoo.tokens.text import VocabularyTokens, most_frequent

# What separates words in a line.
_SPACES = r" \t\r\f\v"


@keras.saving.register_keras_serializable("rnnzoo")
class Whitespace(VocabularyTokens):
    r"""Words as white space separates them, and ends of lines, as tokens.

    Use it for models of texts that are cut into words already, as the Penn Treebank is:
    nothing is lowered, an end of a line is a word `"\n"`, and `<unk>` in a text is the
    unknown word, as any other is that the vocabulary has not. The call works inside a
    graph, and nothing else reads text: `encode` and `learn` call the same graph.

    Inputs of the call: UTF-8 strings `[batch]` of any length; bytes that are not UTF-8
    are read as U+FFFD.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end; 1
    is the unknown word. A text without any word is its start symbol, or one unknown
    word, since a sequence needs a step.

    Args:
        vocabulary: The known words, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.

    Raises:
        ValueError: If a word is twice in the vocabulary.

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
    joint = " "
    unknown = "<unk>"

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        return split_whitespace(texts)

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns all words of a text, known or not, and its ends of lines."""
        words = split_whitespace(tf.constant([to_utf8(text)])).flat_values.numpy()
        return [word.decode() for word in words]

    @staticmethod
    def pieces(text: str, size: int) -> Iterator[str]:
        """Yields a text in pieces of about `size` characters, cut between words."""
        begin, gap = 0, re.compile(f"[{_SPACES}\n]")
        while found := gap.search(text, begin + max(size, 1)):
            yield text[begin : found.start()]
            begin = found.start()
        yield text[begin:]

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Finds the most frequent words of texts; as `Words.learn`."""
        found = most_frequent(split_whitespace, texts, size + 1, min_count)
        return [word for word in found if word != cls.unknown][:size]


def split_whitespace(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings `[batch]` at white space; an end of a line is a word."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    texts = tf.strings.regex_replace(texts, f"[{_SPACES}]", " ")
    words = tf.strings.split(tf.strings.regex_replace(texts, r"\n", " \n "), " ")
    return tf.ragged.boolean_mask(words, tf.not_equal(words, ""))
