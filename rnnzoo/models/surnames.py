"""Surnames: which of 18 origins one is of."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from rnnzoo.errors import check_number
from rnnzoo.models.classifier import Classifier
from rnnzoo.tokens import Characters, check_classes
from rnnzoo.weights import factory

ORIGINS = (
    "Arabic",
    "Chinese",
    "Czech",
    "Dutch",
    "English",
    "French",
    "German",
    "Greek",
    "Irish",
    "Italian",
    "Japanese",
    "Korean",
    "Polish",
    "Portuguese",
    "Russian",
    "Scottish",
    "Spanish",
    "Vietnamese",
)
LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ '-àáãäçèéêìíñòóõöùúüßÁÉąłńŚŻż"
)


@keras.saving.register_keras_serializable("rnnzoo")
class SurnameClassifier(Classifier):
    """A classifier of surnames by origin that reads them letter by letter.

    Vectors of letters go through a bidirectional recurrent network; the mean and the
    maximum of its outputs over all letters go to a linear layer. Surnames are written
    in Latin letters, capitals and accents as usual. Many belong to several origins, so
    look at more than the first: see `rank`.

    Shapes of the graph: token ids `[batch, time]`, int32, 0 = padding at the end, to
    logits `[batch, classes]`. `classify`, `rank`, `fit` and `evaluate` take surnames.

    Args:
        classes: Names of the classes. Default: the 18 origins of the weights.
        vocabulary: The letters to know. Default: those of the weights' surnames.
        max_length: Letters that are read of a surname; of a longer one its first half
            of that many and its last half.
        embedding_dim: Size of the vector that stands for a letter.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Share of features dropped in training.
        normalize: Whether an accented letter written as two characters is read as one.

    Attributes:
        classes: Names of the classes, in the order of the graph's outputs.
        tokens: The letters that it knows: `rnnzoo.tokens.Characters`.

    Example:
        >>> from rnnzoo import surname_classifier
        >>> model = surname_classifier()
        >>> model.classify(["Nguyen", "Yamamoto"])
        ['Vietnamese', 'Japanese']

    References:
        Robertson, "NLP from scratch: classifying names with a character-level RNN",
        PyTorch tutorials, 2017: the task and its surnames.
    """

    TASK = "text-classification"
    INPUTS = "surnames"

    def __init__(
        self,
        *,
        classes: Iterable[Any] = ORIGINS,
        vocabulary: Sequence[str] = LETTERS,
        max_length: int = 32,
        embedding_dim: int = 32,
        units: int = 128,
        num_layers: int = 1,
        cell: str = "gru",
        dropout: float = 0.4,
        normalize: bool = True,
    ):
        tokens = Characters(vocabulary, max_length=max_length, normalize=normalize)
        # What the config holds is what the constructor made of its arguments.
        self.classes = self.arguments["classes"] = check_classes(classes)
        self.arguments["vocabulary"] = tokens.vocabulary
        super().__init__(
            vocabulary_size=tokens.vocabulary_size,
            num_classes=len(self.classes),
            embedding_dim=embedding_dim,
            units=units,
            num_layers=num_layers,
            cell=cell,
            bidirectional=True,
            dropout=dropout,
            pooling="mean_max",
        )
        self.tokens = tokens
        self.max_length = max_length

    @classmethod
    def current_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns a file's arguments; texts of old files were not normalized."""
        return {"normalize": False} | super().current_config(config)

    def rank(self, surnames: Any, top: int = 3) -> Any:
        """Returns the most probable origins of a surname, or of each of a batch.

        Args:
            surnames: A string, or a list, tuple, array or tensor of strings.
            top: How many origins.

        Returns:
            Pairs of an origin and its probability, the most probable first; a list of
            these for a batch.

        Raises:
            TypeError: If something is no string; names every such row.
            ValueError: If `top` is less than 1.

        Example:
            >>> from rnnzoo import surname_classifier
            >>> surname_classifier().rank("Yamamoto", top=1)
            [('Japanese', 0.9...)]
        """
        check_number("top", top, minimum=1, whole=True)
        rows, is_batch = self.raw.split(surnames)
        answers = [
            sorted(shares.items(), key=lambda pair: -pair[1])[:top]
            for shares in self.classify(rows, probabilities=True)
        ]
        return answers if is_batch else answers[0]

    def sample_texts(self) -> list[str]:
        """Returns surnames of various lengths to try an export on."""
        return ["Nguyen", "O'Neil", "Szczepański", "Ng", "ab" * 40, "\N{GRINNING FACE}"]


surname_classifier = factory(SurnameClassifier, "surname_classifier", weights="origins")
