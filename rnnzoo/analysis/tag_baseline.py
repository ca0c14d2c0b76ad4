"""What a tagger has to beat: the most frequent tag of each word."""

import collections
from collections.abc import Sequence

from rnnzoo.data.schemes import repair_tags


class MostFrequentTag:
    """Gives each word the tag that it has most often, whatever is around it.

    A word that was never seen has the tag of its lower-case form, or else the tag that
    most words have.

    Args:
        words: The words of sentences to learn from.
        tags: Their tags.
        scheme: The scheme of the tags; those that break it are repaired.

    Example:
        >>> from rnnzoo.analysis.tag_baseline import MostFrequentTag
        >>> baseline = MostFrequentTag([["it", "rains"]], [["PRON", "VERB"]], "plain")
        >>> baseline.tag([["It", "rains"]])
        [['PRON', 'VERB']]
    """

    def __init__(
        self,
        words: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]],
        scheme: str = "plain",
    ):
        self.scheme = scheme
        exact, lower = (collections.defaultdict(collections.Counter) for _ in "ab")
        total: collections.Counter[str] = collections.Counter()
        for row, names in zip(words, tags, strict=True):
            total.update(names)
            for word, name in zip(row, names, strict=True):
                exact[word][name] += 1
                lower[word.lower()][name] += 1
        self.known = {
            word: found.most_common(1)[0][0]
            for word, found in {**lower, **exact}.items()
        }
        self.default = total.most_common(1)[0][0] if total else "O"

    def tag(self, words: Sequence[Sequence[str]]) -> list[list[str]]:
        """Returns the tags of sentences."""
        known, default = self.known, self.default
        tags = [
            [known.get(word) or known.get(word.lower(), default) for word in row]
            for row in words
        ]
        return [repair_tags(row, self.scheme)[0] for row in tags]
