"""Answers of a tagger: spans with their places, tags of words, probabilities."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.architectures.signature import Signature
from rnnzoo.data.schemes import tags_to_spans
from rnnzoo.errors import check_number
from rnnzoo.mixin import Mixin
from rnnzoo.tokens.sentences import Sentence
from rnnzoo.tokens.spelled import split_texts

# Words that are answered at a time, padding included: memory for more is not needed.
BATCH_WORDS = 16_384


class Span(NamedTuple):
    """A part of a text with a label: `text[start:end]`.

    Of a list of words, the text is these with a space in between.
    """

    text: str
    label: str
    start: int
    end: int


class TagAnswers(Mixin):
    """Mixed into taggers: what they answer, in Python and in the graph."""

    def tag(
        self, inputs: Any, probabilities: bool = False, n_best: int | None = None
    ) -> Any:
        """Labels the words of a text, or of each of a batch.

        Args:
            inputs: A text; or a list of texts, or of lists of words.
            probabilities: Whether each span or tag comes in a pair with its
                probability: the marginal one of a tag, and the smallest one of the tags
                of a span.
            n_best: Return that many different answers, the best first, each in a pair
                with the probability of the whole sentence; fewer if there are no more.

        Returns:
            Spans `(text, label, start, end)`, of which `start` and `end` count the
            characters of the text; of plain tags, the tag of each word, in the order of
            `words`. A list of these for a batch.

        Example:
            >>> from rnnzoo import tagger
            >>> model = tagger(None, tags=["A", "B"], units=8)
            >>> len(model.tag("Two words")), model.tag(["", "One"])[0]
            (2, [])
        """
        rows, is_batch = self.raw.split(inputs)
        answers: list = [None] * len(rows)
        if n_best is not None:
            check_number("n_best", n_best, minimum=1, whole=True)
            for place, sentence, parts in self._read_batches(rows, self._rank(n_best)):
                ways, shares = parts
                answers[place] = [
                    (self._describe(sentence, way, None), float(share))
                    for way, share in zip(ways, shares, strict=True)
                    if share >= 0
                ]
            return answers if is_batch else answers[0]
        read = self._measure if probabilities else self._decode
        for place, sentence, parts in self._read_batches(rows, read):
            shares = None
            if probabilities:
                shares = parts[1][np.arange(len(parts[0])), parts[0]]
            answers[place] = self._describe(sentence, parts[0], shares)
        return answers if is_batch else answers[0]

    def answer(self, inputs: Any) -> Any:
        """Labels the words of a text, or of each of a batch, as `tag`.

        With intents, each answer is a pair of that and the intent.

        Example:
            >>> from rnnzoo import tagger
            >>> len(tagger(None, units=8).answer("Two words"))
            2
        """
        rows, is_batch = self.raw.split(inputs)
        answers: list = [None] * len(rows)
        for place, sentence, (numbers,) in self._read_batches(rows, self._decode):
            spans = self._describe(sentence, numbers, None)
            intent = self._find_intent(numbers)
            answers[place] = (spans, intent) if self.intents else spans
        return answers if is_batch else answers[0]

    def split_words(self, inputs: Any) -> Any:
        """Returns the words of a text, or of each of a batch, as `tag` reads them.

        Example:
            >>> from rnnzoo import tagger
            >>> tagger(None, units=8).split_words("Don't!")
            ['Do', "n't", '!']
        """
        rows, is_batch = self.raw.split(inputs)
        found = [
            [one.text[i:j] for i, j in zip(one.starts, one.ends, strict=True)]
            for one in self.raw.read(rows)
        ]
        return found if is_batch else found[0]

    def tag_words(self, inputs: Any) -> Any:
        """Returns the tag of each word of a text, or of each of a batch.

        Example:
            >>> from rnnzoo import tagger
            >>> model = tagger(None, tags=["O", "B-x"], scheme="iob2", units=8)
            >>> len(model.tag_words([["two", "words"]])[0])
            2
        """
        rows, is_batch = self.raw.split(inputs)
        answers = [tags for tags, _ in self.label(rows)]
        return answers if is_batch else answers[0]

    def label(self, rows: list) -> list[tuple[list[str], str | None]]:
        """Returns the tag of each word, and the intent, of each of a batch.

        The intent is `None` without intents.

        Example:
            >>> from rnnzoo import tagger
            >>> tagger(None, tags=["A", "B"], units=8).label([["two"], []])[1]
            ([], None)
        """
        rows, _ = self.raw.split(rows)
        answers: list = [None] * len(rows)
        for place, _, (numbers,) in self._read_batches(rows, self._decode):
            tags = [self.classes[number] for number in self._words(numbers)]
            answers[place] = tags, self._find_intent(numbers)
        return answers

    def marginals(self, inputs: Any) -> Any:
        """Returns the probabilities of `tags` at each word, `[words, tags]`.

        Example:
            >>> from rnnzoo import tagger
            >>> tagger(None, tags=["A", "B"], units=8).marginals("Two words").shape
            (2, 2)
        """
        rows, is_batch = self.raw.split(inputs)
        answers: list = [None] * len(rows)
        for place, sentence, (_, shares) in self._read_batches(rows, self._measure):
            count = len(sentence.words)
            answers[place] = self._words(shares)[:count, : len(self.tags)]
        return answers if is_batch else answers[0]

    def classify(self, inputs: Any, probabilities: bool = False) -> Any:
        """Names the intent of a text, or of each of a batch.

        Args:
            inputs: A text; or a list of texts, or of lists of words.
            probabilities: Whether to return each intent's probability, in a dict.

        Raises:
            ValueError: If the tagger has no intents.

        Example:
            >>> from rnnzoo import tagger
            >>> model = tagger(None, intents=["ask", "tell"], units=8)
            >>> model.classify("What is it?") in model.intents
            True
        """
        if not self.intents:
            raise ValueError(
                "This tagger has no intents, only tags: build it with intents=[...] "
                "and fit it on pairs of tags and an intent. Received: intents=[]"
            )
        rows, is_batch = self.raw.split(inputs)
        if not probabilities:
            answers: list = [intent for _, intent in self.label(rows)]
            return answers if is_batch else answers[0]
        answers = [None] * len(rows)
        for place, _, (_, shares) in self._read_batches(rows, self._measure):
            found = shares[0, len(self.tags) :].tolist()
            answers[place] = dict(zip(self.intents, found, strict=True))
        return answers if is_batch else answers[0]

    def sentence_losses(self, inputs: Any, targets: Any) -> np.ndarray:
        """Returns minus the log-likelihood of the targets of each input, float32.

        Example:
            >>> from rnnzoo import tagger
            >>> model = tagger(None, tags=["A", "B"], units=8)
            >>> model.sentence_losses(["Two words"], [["A", "B"]]).shape
            (1,)
        """
        rows, _ = self.raw.split(inputs)
        found, targets = np.zeros(len(rows), "float32"), list(targets)
        for chosen in self._choose_batches([len(row) for row in rows]):
            batch = [targets[row] for row in chosen]
            x, y = self.encode([rows[row] for row in chosen], batch)
            found[chosen] = ops.convert_to_numpy(
                self._score(ops.convert_to_tensor(x), ops.convert_to_tensor(y))
            )
        return found

    def _words(self, steps: Any) -> Any:
        """Returns what belongs to words: not the first step, if it is an intent."""
        return steps[1:] if self.intents else steps

    def _find_intent(self, numbers: Any) -> str | None:
        """Returns the name of an intent, which the first step has if there are any."""
        return self.classes[numbers[0]] if self.intents else None

    def _choose_batches(self, lengths: list[int]) -> Iterator[np.ndarray]:
        """Yields numbers of rows of similar lengths, not too many words at a time."""
        order = np.argsort(lengths, kind="stable")
        begin = 0
        while begin < len(order):
            end = begin + 1
            while (
                end < len(order)
                and end - begin < self.raw.batch_size
                and (end + 1 - begin) * lengths[order[end]] <= BATCH_WORDS
            ):
                end += 1
            yield order[begin:end]
            begin = end

    def _read_batches(self, rows: list, read: Callable) -> Iterator[tuple]:
        """Yields place, words, and what `read` returns for the real steps of a row."""
        sentences = self.raw.read(rows)
        more = int(bool(self.intents))
        for chosen in self._choose_batches([len(one.words) for one in sentences]):
            arrays = self.tokens.encode_words([sentences[row].words for row in chosen])
            found = read(ops.convert_to_tensor(arrays))
            found = [ops.convert_to_numpy(part) for part in found]
            for index, row in enumerate(chosen):
                count = len(sentences[row].words) + more
                parts = [
                    # Of several answers, and of their probabilities.
                    part[index][..., :count]
                    if part.ndim == 3 and part.dtype.kind == "i"
                    else part[index]
                    if part.ndim == 2 and part.dtype.kind == "f"
                    else part[index, :count]
                    for part in found
                ]
                yield row, sentences[row], parts

    def _describe(self, sentence: Sentence, numbers: Any, shares: Any) -> list:
        """Returns the answer that numbers of classes are."""
        tags = [self.classes[number] for number in self._words(numbers)]
        if shares is not None:
            shares = self._words(shares).tolist()
        if self.scheme == "plain":
            return tags if shares is None else list(zip(tags, shares, strict=True))
        found: list = []
        for label, begin, end in tags_to_spans(tags, self.scheme):
            start, stop = sentence.starts[begin], sentence.ends[end - 1]
            span = Span(sentence.text[start:stop], label, start, stop)
            found.append(span if shares is None else (span, min(shares[begin:end])))
        return found

    @functools.cached_property
    def _decode(self) -> Callable:
        def decode(numbers: Any) -> tuple:
            emissions = self(numbers, training=False)
            return (self.crf.decode(emissions, self.reader.compute_mask(numbers))[0],)

        return compile_graph(decode, (self.input_shape, "int32"))

    @functools.cached_property
    def _measure(self) -> Callable:
        return compile_graph(self.measure_in_graph, (self.input_shape, "int32"))

    @functools.cached_property
    def _score(self) -> Callable:
        def score(numbers: Any, targets: Any) -> Any:
            emissions = self(numbers, training=False)
            real = self.reader.compute_mask(numbers)
            return -self.crf.log_likelihood(emissions, targets, real)

        return compile_graph(
            score, (self.input_shape, "int32"), ((None, None), "int32")
        )

    @functools.cached_property
    def _rankings(self) -> dict:
        return {}

    def _rank(self, count: int) -> Callable:
        """Returns a graph of the best answers and their probabilities; -1 for none."""

        def rank(numbers: Any) -> tuple:
            emissions = self(numbers, training=False)
            real = self.reader.compute_mask(numbers)
            tags, scores = self.crf.decode(emissions, real, count)
            if count == 1:
                tags, scores = tags[:, None], scores[:, None]
            total = self.crf.log_normalizer(emissions, real)[:, None]
            # Of what is forbidden, scores are lower by thousands.
            shares = ops.where(scores < -5e3, -1.0, ops.exp(scores - total))
            return tags, shares

        if count not in self._rankings:
            spec = self.input_shape, "int32"
            self._rankings[count] = compile_graph(rank, spec)
        return self._rankings[count]

    def measure_in_graph(self, numbers: Any) -> tuple:
        """Returns the best classes `[batch, steps]`, and probabilities of all."""
        emissions = self(numbers, training=False)
        real = self.reader.compute_mask(numbers)
        best, _ = self.crf.decode(emissions, real)
        return best, self.crf.marginals(emissions, real)

    def answer_in_graph(self, text: Any) -> dict:
        """Answers strings `[batch]` with padded tags of words, in the graph.

        Returns:
            `tags`, `words`, and `starts` and `ends`, which count characters, and the
            `probabilities` of these tags, each `[batch, words]`; `lengths`, `[batch]`,
            the numbers of words; and with intents, `intent` and `intent_probability`.
        """
        words, starts, ends = split_texts(text)
        best, shares = self.measure_in_graph(self.tokens.read_words(words))
        lengths = tf.cast(words.row_lengths(), tf.int32)
        names = tf.constant([name.encode() for name in self.classes])
        chosen = tf.gather(shares, best, axis=2, batch_dims=2)
        found = {}
        if self.intents:
            found["intent"] = tf.gather(names, best[:, 0])
            found["intent_probability"] = chosen[:, 0]
            best, chosen = best[:, 1:], chosen[:, 1:]
        longest = tf.maximum(tf.reduce_max(lengths), 0)
        best, chosen = best[:, :longest], chosen[:, :longest]
        real = tf.sequence_mask(lengths, longest)
        return {
            **found,
            "words": words.to_tensor(""),
            "tags": tf.where(real, tf.gather(names, best), ""),
            "starts": starts.to_tensor(0),
            "ends": ends.to_tensor(0),
            "probabilities": tf.where(real, chosen, 0.0),
            "lengths": lengths,
        }

    def answer_in_python(self, text: list[str]) -> dict:
        """Returns what `answer_in_graph` does for a list of strings, in Python."""
        rows, _ = self.raw.split(text)
        sentences = self.raw.read(rows)
        lengths = np.array([len(one.words) for one in sentences], "int32")
        shape = len(rows), int(lengths.max(initial=0))
        words, tags = np.full(shape, "", object), np.full(shape, "", object)
        starts, ends = np.zeros(shape, "int32"), np.zeros(shape, "int32")
        shares = np.zeros(shape, "float32")
        intents, sure = np.full(len(rows), "", object), np.zeros(len(rows), "float32")
        for row, sentence, (best, measured) in self._read_batches(rows, self._measure):
            count = len(sentence.words)
            measured = measured[np.arange(len(best)), best]
            names = [self.classes[number] for number in best]
            if self.intents:
                intents[row], sure[row] = names[0], measured[0]
            words[row, :count] = [word.decode() for word in sentence.words]
            tags[row, :count] = self._words(names)[:count]
            starts[row, :count], ends[row, :count] = sentence.starts, sentence.ends
            shares[row, :count] = self._words(measured)[:count]
        found = {"intent": intents, "intent_probability": sure} if self.intents else {}
        return {
            **found,
            "words": words,
            "tags": tags,
            "starts": starts,
            "ends": ends,
            "probabilities": shares,
            "lengths": lengths,
        }

    def tokens_signature(self) -> Signature:
        """Returns the signature from numbers of words to tags, and probabilities."""

        def run(tokens: Any) -> dict:
            best, shares = self.measure_in_graph(tokens)
            return {"outputs": shares, "best": best}

        return Signature(
            graph=run,
            inputs={"tokens": (self.input_shape, self.inputs[0].dtype)},
            answers=run,
            examples=[{"tokens": self.sample_inputs(rows)} for rows in (2, 4)],
        )
