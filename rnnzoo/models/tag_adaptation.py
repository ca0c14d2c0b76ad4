"""Weights of a tagger that serve one with other tags, intents or words."""

from collections.abc import Callable

import numpy as np

from rnnzoo.tokens.spelled import SpelledWords


def adapt_weights(config: dict, new: dict) -> Callable:
    """Returns a function of a layer's name, old and new weights: those it gets.

    Args:
        config: The settings of the tagger that has the weights.
        new: Those of the tagger that gets them.
    """
    known, wanted = (
        SpelledWords(one["vocabulary"], "", lowered=one["lowered"])
        for one in (config, new)
    )
    rows = {
        name: [0, 1, *_find_places(getattr(known, part), getattr(wanted, part))]
        for name, part in (("words", "vocabulary"), ("lowered", "lowered"))
    }
    old_names, names = (
        [("tag", tag) for tag in one["tags"]]
        + [("intent", intent) for intent in one["intents"]]
        for one in (config, new)
    )
    places = {name: place for place, name in enumerate(old_names)}
    kept = [(j, places[name]) for j, name in enumerate(names) if name in places]
    new_places, old_places = np.array(kept, int).reshape(-1, 2).T

    def adapt(layer: str, old: np.ndarray, own: np.ndarray) -> np.ndarray:
        if layer in rows:
            # The step before the words has the last vector.
            more = len(own) - len(rows[layer])
            vectors = old[rows[layer]]
            last = old[-1:] if config["intents"] else own[len(own) - more :]
            return np.concatenate([vectors, last[:more]])
        if layer not in ("head", "crf") or old_names == names:
            return old
        found = own.copy()
        if layer == "crf" and own.ndim == 2:  # also from the start
            first, second = np.r_[new_places, -1], np.r_[old_places, -1]
            found[np.ix_(first, new_places)] = old[np.ix_(second, old_places)]
        else:
            found[..., new_places] = old[..., old_places]
        return found

    return adapt


def _find_places(known: list[str], wanted: list[str]) -> list[int]:
    """Returns the number of each wanted word among known ones, 1 if it is not."""
    places = {word: number for number, word in enumerate(known, 2)}
    return [places.get(word, 1) for word in wanted]
