"""Targets of taggers: a tag for each word, and maybe an intent of the sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnzoo.errors import closest, shorten
from rnnzoo.tokens.checks import Problem, refuse_rows, to_sequence, type_name
from rnnzoo.tokens.labels import to_python


class TagTargets:
    """Converts tags of sentences to numbers.

    Args:
        tags: The names of tags, of which the first is 0.
        intents: Those of intents, whose numbers follow.

    Example:
        >>> from rnnzoo.tokens.tags import TagTargets
        >>> TagTargets(["O", "B-city"]).encode([["O", "B-city"], "O"], [2, 1]).tolist()
        [[0, 1], [0, 0]]
    """

    def __init__(self, tags: Sequence[str], intents: Sequence[str] = ()):
        self.tags, self.intents = list(tags), list(intents)
        self.places = {tag: number for number, tag in enumerate(tags)}

    def encode(self, targets: Any, lengths: Sequence[int]) -> np.ndarray:
        """Returns the numbers `[batch, steps]`, int32, that of an intent first.

        Targets are a list of tags for each sentence, or a string of them with spaces in
        between; with intents, pairs of such tags and an intent.

        Args:
            targets: Those of each sentence.
            lengths: The number of words of each.

        Raises:
            ValueError: If a sentence has not as many tags as words, or one is unknown.
        """
        if hasattr(targets, "to_list"):
            targets = targets.to_list()  # ragged tensors
        targets = list(to_sequence(targets, "tags", "a list of tags for each text"))
        if len(targets) != len(lengths):
            raise ValueError(
                "There must be as many targets as texts. Received: "
                f"{len(lengths)} texts and {len(targets)} targets"
            )
        found = [self._read(one) for one in targets]
        counts = iter(lengths)
        refuse_rows(
            found,
            "targets must be lists of a tag for each word"
            + (", with an intent: (tags, intent)." if self.intents else "."),
            lambda row: self._find_problems(row, next(counts)),
            have_positions=False,
        )
        steps = max(lengths, default=0) + bool(self.intents)
        encoded = np.zeros((len(found), max(steps, 1)), "int32")
        for row, (tags, intent) in enumerate(found):
            numbers = [self.places[tag] for tag in tags]
            if self.intents:
                numbers.insert(0, len(self.tags) + self.intents.index(intent))
            encoded[row, : len(numbers)] = numbers
        return encoded

    def _read(self, target: Any) -> tuple:
        """Returns tags and intent of a target, of which `_find_problems` says more."""
        intent = None
        if self.intents and isinstance(target, (tuple, list)) and len(target) == 2:
            target, intent = target
            intent = str(to_python(intent))
        if isinstance(target, (str, bytes)):
            target = str(to_python(target)).split()
        if isinstance(target, np.ndarray):
            target = target.tolist()
        if not isinstance(target, (list, tuple)):
            return target, intent
        tags = [str(to_python(tag)) for tag in target]
        # Rows of a tensor are as long as the longest.
        while tags and not tags[-1]:
            tags.pop()
        return tags, intent

    def _find_problems(self, row: tuple, count: int) -> list[Problem]:
        tags, intent = row
        if not isinstance(tags, list):
            return [(TypeError, f"{shorten(tags)} is no list ({type_name(tags)})")]
        if self.intents and intent not in self.intents:
            hint = closest(str(intent), self.intents)
            return [(ValueError, f"{shorten(intent)} is no intent.{hint}")]
        if not count:
            return [(ValueError, "a text without words, which has nothing to learn")]
        if len(tags) != count:
            return [(ValueError, f"{len(tags)} tags for {count} words")]
        wrong = [tag for tag in tags if tag not in self.places]
        return [
            (ValueError, f"{shorten(tag)} is no tag.{closest(tag, self.tags)}")
            for tag in wrong[:3]
        ]
