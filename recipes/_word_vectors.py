"""Sentences of texts without tags, and what the words beside a word say of it."""

from typing import Any

import numpy as np

from rnnzoo.data.pipeline import Indices

# Neighbours that are counted: so many of the most frequent words, at these places.
NEIGHBOURS, PLACES = 1000, (-2, -1, 1, 2)
# A sentence ends with one of these, or where it is as long as that.
ENDS, LONGEST = (b".", b"!", b"?", b"..."), 50
# Of shorter ones, a reader learns little.
SHORTEST = 4


class Sentences:
    """Sentences of texts, as lists of words: a source of examples without targets.

    Texts are split into words as `rnnzoo.tokens.spelled.SpelledWords` splits them.

    Args:
        texts: The texts.
        progress: Wraps an iterable to show progress, as `tqdm` does.

    Attributes:
        names: All words.
        ids: The words of all sentences, one after the other, by their place in `names`.
        lengths: Numbers of words of the sentences.
        counts: How often each word is there.
    """

    def __init__(self, texts: list[str], progress: Any = iter):
        from rnnzoo.tokens.spelled import SpelledWords

        tokens, numbers = SpelledWords([], []), {}
        ids: list[int] = []
        lengths: list[int] = []
        for start in progress(range(0, len(texts), 500)):
            for words, _, _ in tokens.split_checked(texts[start : start + 500]):
                for sentence in cut_sentences(words):
                    ids += [numbers.setdefault(word, len(numbers)) for word in sentence]
                    lengths.append(len(sentence))
        self.names = [word.decode() for word in numbers]
        self.ids, self.lengths = np.array(ids, "int32"), np.array(lengths, "int64")
        self.counts = np.bincount(self.ids, minlength=len(numbers))
        self._starts = np.cumsum(self.lengths) - self.lengths

    def __len__(self) -> int:
        """Number of sentences."""
        return len(self.lengths)

    def rows(self, indices: Indices) -> tuple[list, list]:
        """Returns the words of sentences, as inputs and as targets."""
        found = []
        for row in np.asarray(indices).tolist():
            start = self._starts[row]
            ids = self.ids[start : start + self.lengths[row]]
            found.append([self.names[number] for number in ids.tolist()])
        return found, found

    def fingerprint(self) -> dict[str, Any]:
        """Returns what identifies the sentences."""
        from rnnzoo.data.fingerprints import digest

        return {"sentences": len(self), "hash": digest(self.ids, self.names)}


def read_reviews() -> list[str]:
    """Returns the film reviews of IMDB that have no label, and are no test reviews."""
    from rnnzoo.data import catalog

    reviews = {*catalog.load("imdb_reviews", "unsupervised", with_targets=False)[0]}
    reviews -= {*catalog.load("imdb_reviews", "test")[0]}
    return [review.replace("<br />", " ") for review in sorted(reviews)]


def cut_sentences(words: list[bytes]) -> list[list[bytes]]:
    """Returns the sentences of a text's words, without the shortest."""
    found, begin = [], 0
    for place, word in enumerate(words, 1):
        length = place - begin
        if word in ENDS or length == LONGEST or place == len(words):
            if length >= SHORTEST:
                found.append(words[begin:place])
            begin = place
    return found


def count_neighbours(
    sentences: Sentences, size: int, dimensions: int, seed: int = 0
) -> tuple[list[str], np.ndarray]:
    """Returns the most frequent words in lower case, and vectors that describe them.

    A word is described by the positive pointwise mutual information of it and each
    frequent word at each place beside it; the first singular vectors of that are what
    similar words have in common (Bullinaria and Levy, 2012). Vectors are
    `[words, dimensions]`, of variance 1 over all.

    Args:
        sentences: Where the words stand.
        size: How many words get a vector, if they are there five times at least.
        dimensions: Size of a vector.
        seed: Of the random projection that finds singular vectors.
    """
    import tensorflow as tf

    from rnnzoo.tokens.spelled import fold_words

    folded = fold_words(tf.constant(sentences.names)).numpy()
    names, places = np.unique(folded, return_inverse=True)
    counts = np.bincount(places, sentences.counts, len(names))
    ranking = np.argsort(-counts, kind="stable")
    chosen = ranking[:size][counts[ranking[:size]] >= 5]
    # Sentences are apart from each other by as much as the widest place.
    gap = max(PLACES)
    ids = np.full(len(sentences.ids) + gap * len(sentences), -1)
    shift = np.repeat(gap * np.arange(len(sentences)), sentences.lengths)
    ids[np.arange(len(sentences.ids)) + shift] = places[sentences.ids]

    def number(words: np.ndarray) -> np.ndarray:
        found = np.full(len(names) + 1, -1)  # the last is for -1
        found[words] = np.arange(len(words))
        return found[ids]

    rows, columns = number(chosen), number(ranking[:NEIGHBOURS])
    blocks = []
    for place in PLACES:
        here = rows[max(0, -place) : len(rows) - max(0, place)]
        there = columns[max(0, place) : len(columns) - max(0, -place)]
        both = (here >= 0) & (there >= 0)
        pairs = here[both] * NEIGHBOURS + there[both]
        block = np.bincount(pairs, minlength=len(chosen) * NEIGHBOURS)
        blocks.append(block.reshape(len(chosen), NEIGHBOURS).astype("float32"))
    table = np.concatenate(blocks, axis=1)
    # Rare neighbours count for a little less (Levy et al., 2015).
    shares = table.sum(axis=0) ** 0.75
    expected = table.sum(axis=1, keepdims=True) * shares / shares.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        table = np.nan_to_num(np.maximum(np.log(table / expected), 0), posinf=0)
    random = np.random.default_rng(seed)
    basis = random.standard_normal((table.shape[1], 2 * dimensions), "float32")
    for _ in range(4):
        basis, _ = np.linalg.qr(table.T @ (table @ basis))
    left, values, _ = np.linalg.svd(table @ basis, full_matrices=False)
    vectors = left[:, :dimensions] * np.sqrt(values[:dimensions])
    words = [word.decode() for word in names[chosen].tolist()]
    return words, vectors / vectors.std()
