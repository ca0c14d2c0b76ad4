"""Words and punctuation marks as tokens."""

import re
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from rnnzoo.tokens.checks import to_utf8
from rnnzoo.tokens.text import VocabularyTokens, most_frequent

UNKNOWN_WORD = "[unknown]"
# What `split_words` replaces, in this order. Letters with their marks and numbers make
# words, an apostrophe joins two parts of one (don't, l'eau), and any other visible
# character is a word of its own. Patterns that match seldom are quick; one that matches
# every word takes twenty times as long.
_WORD_RULES = (
    # First of all, for tf.strings.lower ends a text at a NUL.
    (r"[\t\n\r\pC]|[^ \PZ]", " "),
    ("’", "'"),
    (r"(?i)<\s*/?\s*(?:br|p|i|b|em|u|strong|hr|div|span|ul|li)\s*/?\s*>", " "),
    (r"([^ \pL\pM\pN'])", r" \1 "),
    (r"''", r" ' ' "),
    (r"(^|[^\pL\pM\pN])'", r"\1 ' "),
    (r"'($|[^\pL\pM\pN])", r" ' \1"),
    # tf.strings.lower does as the machine's locale says: to Turkish, Azeri and
    # Lithuanian these letters are special. All others are alike everywhere.
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
    """Words and punctuation marks as tokens: 0 is padding, 1 an unknown word.

    Use it for models that read text. The call works inside a graph, as in
    `tf.data.Dataset.map` and in exports, and nothing else reads text: `encode` and
    `learn` call the same graph. It lowers capitals, takes plain HTML tags such as
    `<br />` for spaces, and makes every other visible character that is no part of a
    word (punctuation, an emoji) a token of its own.

    Inputs of the call: UTF-8 strings `[batch]` of any length; bytes that are not UTF-8
    are read as unknown characters.

    Outputs of the call: token ids `[batch, time]`, int32, padded with 0 at the end. A
    text without any word is one unknown word, since a sequence needs a step.

    Args:
        vocabulary: The known words, in the order of their ids; the first has id 2.
        start: Whether every sequence begins with a start symbol, as models that write
            need it: its id is the last one.
        max_length: Longest sequence; of a longer text the first half of that many words
            and the last half are kept, for the judgement of a text is where it begins
            and ends (Sun et al., 2019). `None` for any length.

    Raises:
        ValueError: If a word is twice in the vocabulary, or `max_length` is less than
            2.

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
        arXiv:1905.05583, section 5.3.1, on the parts of a long text.
    """

    kind = "word"
    separator = " "
    unknown = UNKNOWN_WORD

    def symbols(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
        return split_words(texts)

    @staticmethod
    def chunks(text: str, size: int) -> Iterator[str]:
        """Yields a text in chunks of about `size` characters, cut between words."""
        # Not where a tag with spaces in it would be cut.
        gap = re.compile(r"(?<=[^\s<>/'\u2019])\s+(?=[^\s<>/'\u2019])")
        begin = 0
        while found := gap.search(text, begin + size):
            yield text[begin : found.end()]
            begin = found.end()
        yield text[begin:]

    @staticmethod
    def split(text: str) -> list[str]:
        """Returns all words of a text, known or not."""
        words = split_words(tf.constant([to_utf8(text)])).flat_values.numpy()
        return [word.decode() for word in words]

    @staticmethod
    def learn(texts: Iterable[str], size: int, min_count: int = 1) -> list[str]:
        """Finds the most frequent words of texts, which may be more than memory holds.

        Args:
            texts: The texts, an iterable.
            size: Largest number of words.
            min_count: How often a word must occur.

        Returns:
            The words, most frequent first; equally frequent ones in the order of
            strings. Of millions of words, those that have been seen once are forgotten
            now and then, so that memory is bounded.
        """
        return most_frequent(split_words, texts, size, min_count)


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings `[batch]` into words `[batch, (words)]`, in the graph."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    for pattern, replacement in _WORD_RULES:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return tf.strings.split(tf.strings.lower(texts, "utf-8"))
