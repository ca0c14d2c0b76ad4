"""What a classifier of texts knows before its network learns: solved regressions."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnzoo.architectures.graphs import compile_graph
from rnnzoo.layers.logistic import (
    STRENGTHS,
    choose_strength,
    compact_features,
    cross_entropy,
    mixing_weights,
    solve_logistic,
)
from rnnzoo.layers.ngram_regression import EDGE, NgramFeatures, NgramRegression
from rnnzoo.models.text_classification import TextClassifier
from rnnzoo.tokens import TOKENS

# Longest n-grams, by what they are of.
MAX_N = {"words": 2, "whitespace": 2, "subwords": 3, "characters": 5, "bytes": 5}
# Texts that settings are chosen on by cross-validation, and that are learned from.
CHOICE_LIMIT, BODY_LIMIT, TEXT_LIMIT = 2_000, 5_000, 50_000
# Of longer texts, a recurrent network does not read the characters.
CHARACTERS_LIMIT = 400
# Settings that a network's weights fix.
BODY_SETTINGS = ("units", "embedding_dim", "num_layers", "cell")
# Fraction of the words in texts that a body must know to be of use.
KNOWN_SHARE = 0.75
# Penalties of the regression on a network's features.
BODY_STRENGTHS = (0.3, 1.0, 3.0, 10.0)


@dataclasses.dataclass
class TextStart:
    """Tokens, n-grams and regressions that a classifier begins with.

    Attributes:
        tokens: Kind of tokens.
        vocabulary: Their vocabulary; `None` for bytes.
        max_n: Longest n-gram.
        features: The n-grams.
        regression: Kernel and bias of the regression on n-grams.
        head: Kernel and bias of the network's head, on a trained body; or `None`.
        shares: Weights of the network's logits and of the regression's.
        losses: Cross-entropy in cross-validation, by candidate; every class counts
            the same.
    """

    tokens: str
    vocabulary: Any
    max_n: int
    features: NgramFeatures
    regression: tuple[np.ndarray, np.ndarray]
    head: tuple[np.ndarray, np.ndarray] | None
    shares: tuple[float, float]
    losses: dict[str, float]

    def settings(self) -> dict[str, Any]:
        """Returns arguments of the `TextClassifier` that begins so."""
        return {
            "tokens": self.tokens,
            "vocabulary": self.vocabulary,
            "ngrams": self.max_n,
            "ngram_rows": max(len(self.features.codes), 2),
            "ngram_scores": "solved",
        }

    def apply(self, model: TextClassifier, body: TextClassifier | None) -> None:
        """Gives a model these regressions, and the layers of a trained body."""
        if body is not None:
            model.copy_body(body)
        if self.head is not None:
            for weight, value in zip(
                model.get_layer("head").weights, self.head, strict=True
            ):
                weight.assign(value)
        if not model.arguments["ngrams"]:
            return
        kernel, bias = self.regression
        layer, mixture = model.get_layer("ngrams"), model.get_layer("paths")
        layer.set_folds(np.asarray(self.features.layer.folds))
        layer.set_table(self.features.codes, self.features.rarity, kernel)
        mixture.bias.assign(bias)
        mixture.shares.assign(self.shares)


class TextCandidate:
    """Texts read as one kind of tokens, and a regression on their n-grams."""

    def __init__(
        self,
        kind: str,
        vocabulary: Any,
        texts: list[str],
        max_n: int,
        max_ngrams: int,
        options: dict[str, Any],
    ):
        self.kind, self.max_n = kind, max_n
        arguments = {} if kind == "bytes" else {"vocabulary": vocabulary}
        tokens = TOKENS[kind](**arguments, **options)
        self.vocabulary = vocabulary
        if kind not in ("bytes", "subwords"):
            self.vocabulary = tokens.vocabulary
        layer = NgramRegression(
            2, max_n=max_n, rows=2, vocabulary_size=tokens.vocabulary_size
        )
        layer.set_folds(make_folds(kind, tokens))
        ids = []
        for start in range(0, len(texts), 256):
            ids += list(tokens.encode_checked(list(texts[start : start + 256])))
        self.features = NgramFeatures(layer, ids, max_ngrams)


def make_folds(kind: str, tokens: Any) -> np.ndarray:
    """Returns the id that each id is read as in n-grams.

    Characters are read in lower case, and white space as the edge of a word.
    """
    folds = np.arange(tokens.vocabulary_size)
    if kind == "characters":
        places = {symbol: place for place, symbol in enumerate(tokens.vocabulary, 2)}
        for symbol, place in places.items():
            folds[place] = places.get(symbol.lower(), place)
            if symbol.isspace():
                folds[place] = EDGE
    return folds


class BodyFeatures:
    """What a trained network makes of texts, as features of a regression.

    The features of its head, standardized; and the evidence of its own classes, if
    there are two, which few rows suffice to use.
    """

    def __init__(self, body: TextClassifier):
        self.body = body
        pooling = body.get_layer("pooling").output
        model = keras.Model(body.input, pooling)
        self.size = model.output_shape[-1]
        self.graph = compile_graph(
            lambda ids: model(ids, training=False),
            (body.input_shape, body.inputs[0].dtype),
        )
        kernel = keras.ops.convert_to_numpy(body.get_layer("head").kernel)
        self.directions = kernel[:, 1:] - kernel[:, :1]

    def compute(self, texts: list[str]) -> np.ndarray:
        """Returns the features of texts, as the head takes them."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        found = np.zeros((len(texts), self.size), "float32")
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            ids = self.body.tokens.encode_checked([texts[row] for row in part])
            found[part] = np.asarray(self.graph(ids))
        return found

    def standardize(self, features: np.ndarray) -> np.ndarray:
        """Returns features of mean 0 for a regression; remembers how."""
        self.mean = features.mean(axis=0)
        self.scale = (features.std(axis=0) + 0.05) * np.sqrt(features.shape[1])
        evidence = features @ self.directions
        self.evidence_scale = evidence.std(axis=0) + 1e-3
        evidence = (evidence - self.mean @ self.directions) / self.evidence_scale
        return np.concatenate([(features - self.mean) / self.scale, evidence], axis=1)

    def to_head(self, kernel: np.ndarray, bias: np.ndarray) -> tuple:
        """Returns kernel and bias of a head that answers as a regression does."""
        size = len(self.mean)
        head = kernel[:size] / self.scale[:, None]
        head = head + self.directions @ (kernel[size:] / self.evidence_scale[:, None])
        return head, bias - self.mean @ head


def choose_start(
    texts: list[str],
    labels: np.ndarray,
    num_classes: int,
    *,
    kinds: Sequence[str],
    body: TextClassifier | None = None,
    vocabulary_size: int = 30_000,
    new_words: int = 5_000,
    max_n: int | None = None,
    max_ngrams: int = 262_144,
    **options: Any,
) -> TextStart:
    """Chooses tokens and regressions by cross-validation, and solves them.

    Args:
        texts: Training texts.
        labels: Numbers of their classes.
        num_classes: Number of classes.
        kinds: Kinds of tokens to choose from.
        body: A trained classifier of words, whose network begins with its weights.
        vocabulary_size: Number of tokens known at most.
        new_words: Number of words added to the body's at most.
        max_n: Longest n-gram; default: by the kind of tokens.
        max_ngrams: Number of n-grams at most.
        **options: Options of the tokens: `max_length` and `normalize`.
    """
    # The kind of tokens that the body reads.
    body_kind = body.arguments["tokens"] if body else None
    if body is not None and len(kinds) > 1 and known_share(body, texts) < KNOWN_SHARE:
        body = body_kind = None
    chosen = np.random.default_rng(0).permutation(len(texts))
    few = chosen[:CHOICE_LIMIT]
    few_texts, few_labels = [texts[row] for row in few], labels[few]
    # A class of one text is unknown to the regression that its text is held out from.
    is_known = np.bincount(few_labels)[few_labels] > 1
    losses, found = {}, {}

    def assess(name: str, first: np.ndarray, second: np.ndarray, prior: tuple) -> tuple:
        """Mixes held-out logits; notes their loss, and returns their weights."""
        if not is_known.any():
            losses[name] = float("inf")
            return prior
        parts = first[is_known], second[is_known]
        shares = mixing_weights(*parts, few_labels[is_known], prior, 1.0)
        mixed = shares[0] * parts[0] + shares[1] * parts[1]
        losses[name] = cross_entropy(few_labels[is_known], mixed)
        return shares

    for kind in kinds:
        vocabulary = learn_vocabulary(kind, few_texts, vocabulary_size, options)
        candidate = TextCandidate(
            kind, vocabulary, few_texts, max_n or MAX_N[kind], max_ngrams, options
        )
        strengths = strengths_for(len(texts))
        strength, logits = choose_strength(
            compact_features(candidate.features.matrix),
            few_labels,
            num_classes,
            strengths,
        )
        shares = assess(kind, 0 * logits, logits, (0.0, 1.0))
        found[kind] = (strength, 0.0, shares)
        if body is None or kind != body_kind:
            continue
        reader = BodyFeatures(body)
        features = reader.standardize(reader.compute(few_texts))
        body_strength, body_logits = choose_strength(
            features, few_labels, num_classes, BODY_STRENGTHS
        )
        name = f"pretrained {kind}"
        shares = assess(name, body_logits, logits, (1.0, 1.0))
        found[name] = (strength, body_strength, shares)
    best = prefer(losses, 0.5 * np.log(num_classes) / np.sqrt(len(few)))
    strength, body_strength, shares = found[best]
    kind = best.split()[-1]
    own_body = body if kind == body_kind else None
    if own_body is not None and not body_strength:
        _, body_strength, _ = found[f"pretrained {kind}"]
    vocabulary = learn_vocabulary(
        kind, texts, vocabulary_size, options, own_body, new_words
    )
    candidate = TextCandidate(
        kind, vocabulary, texts, max_n or MAX_N[kind], max_ngrams, options
    )
    regression = solve_logistic(
        candidate.features.matrix,
        labels,
        num_classes,
        inverse_penalty=strength,
        max_steps=100 if len(texts) < 5000 else 50,
    )
    head = None
    if own_body is not None:
        reader = BodyFeatures(own_body)
        rows = np.random.default_rng(1).permutation(len(texts))[:BODY_LIMIT]
        features = reader.standardize(reader.compute([texts[row] for row in rows]))
        head = reader.to_head(
            *solve_logistic(
                features, labels[rows], num_classes, inverse_penalty=body_strength
            )
        )
    return TextStart(
        tokens=kind,
        vocabulary=candidate.vocabulary,
        max_n=candidate.max_n,
        features=candidate.features,
        regression=regression,
        head=head,
        shares=shares,
        losses=losses,
    )


def known_share(body: TextClassifier, texts: list[str]) -> float:
    """Returns the fraction of the tokens of texts that a classifier knows."""
    ids = body.tokens.encode_checked(texts[:CHOICE_LIMIT])
    return float((ids > body.tokens.UNKNOWN).sum() / (ids > 0).sum())


def strengths_for(count: int) -> tuple[float, ...]:
    """Returns penalties to try for so many texts, the one to take in doubt first."""
    if count >= CHOICE_LIMIT:  # fewer are chosen on, which need a stronger one
        return 10.0, 30.0
    first = 1.0 if count < 200 else 3.0
    return (first, *(s for s in STRENGTHS if s != first))


def prefer(losses: dict[str, float], margin: float) -> str:
    """Returns the best candidate; characters where others are not clearly better.

    Example:
        >>> from rnnzoo.models.text_start import prefer
        >>> prefer({"words": 0.50, "characters": 0.52}, margin=0.05)
        'characters'
    """
    best = min(losses, key=lambda name: losses[name])
    if losses.get("characters", np.inf) < losses[best] + margin:
        return "characters"
    return best


def learn_vocabulary(
    kind: str,
    texts: list[str],
    size: int,
    options: dict[str, Any],
    body: TextClassifier | None = None,
    new_words: int = 0,
) -> Any:
    """Returns the vocabulary of texts; of a body, its own and their new words."""
    if kind == "bytes":
        return None
    # SentencePiece normalizes by itself.
    normalize = {} if kind == "subwords" else {"normalize": options["normalize"]}
    found = TOKENS[kind].learn(iter(texts), size, **normalize)
    if body is None:
        return found
    if kind == "subwords":
        return body.arguments["vocabulary"]
    known = body.tokens.vocabulary
    words = set(known)
    return [*known, *[word for word in found if word not in words][:new_words]]


def choose_kinds(texts: list[str]) -> list[str]:
    """Returns kinds of tokens that suit texts, by their lengths.

    Example:
        >>> from rnnzoo.models.text_start import choose_kinds
        >>> choose_kinds(["It was a quiet evening."])
        ['words', 'characters']
        >>> choose_kinds(["It was a quiet evening. " * 100])
        ['words']
    """
    length = np.mean([len(text) for text in texts])
    words = np.mean([len(text.split()) for text in texts])
    has_spaces = length < 15 * (words + 1)
    if length > CHARACTERS_LIMIT and has_spaces:
        return ["words"]
    return ["words", "characters"]
