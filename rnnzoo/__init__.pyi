"""The public names of rnnzoo; written by `python -m rnnzoo.stubs`."""

from collections.abc import Iterable, Sequence
from typing import Any

from rnnzoo.architectures.many_to_many import ManyToMany
from rnnzoo.architectures.many_to_one import ManyToOne
from rnnzoo.architectures.many_to_one_to_many import ManyToOneToMany
from rnnzoo.describing import describe
from rnnzoo.exporting.export import export
from rnnzoo.lecture.by_hand import Accumulator, Comparer, ParityByHand
from rnnzoo.lecture.hidden_markov import HiddenMarkovModel
from rnnzoo.lecture.memoryless import Autoregressive, FeedForward, NeuralNgram
from rnnzoo.listing import list_models, list_recipes, list_weights
from rnnzoo.models.addition import Adder
from rnnzoo.models.execution import Executor
from rnnzoo.models.forecasting import Forecaster
from rnnzoo.models.language import LanguageModel
from rnnzoo.models.memorization import Memorizer
from rnnzoo.models.parity import ParityReader
from rnnzoo.models.patterns import PatternGenerator
from rnnzoo.models.real_sorting import RealSorter
from rnnzoo.models.series_classification import SeriesClassifier
from rnnzoo.models.sorting import Sorter
from rnnzoo.models.surnames import SurnameClassifier
from rnnzoo.models.tagging import Tagger
from rnnzoo.models.text_classification import TextClassifier
from rnnzoo.models.translation import Translator
from rnnzoo.training.recipe import Recipe
from rnnzoo.training.runs import train
from rnnzoo.weights import load

__version__: str
__all__ = [
    "sorter",
    "real_sorter",
    "text_classifier",
    "sentiment_classifier",
    "language_model",
    "translator",
    "adder",
    "tagger",
    "parity",
    "series_classifier",
    "forecaster",
    "surname_classifier",
    "pattern_generator",
    "memorizer",
    "executor",
    "accumulator",
    "comparer",
    "parity_by_hand",
    "many_to_one",
    "many_to_many",
    "many_to_one_to_many",
    "autoregressive",
    "feed_forward",
    "neural_ngram",
    "hidden_markov",
    "list_models",
    "list_weights",
    "list_recipes",
    "describe",
    "load",
    "train",
    "Recipe",
    "export",
]

def sorter(
    weights: str | None = "integers_32",
    *,
    max_value: int = 32,
    max_length: int = 32,
    embedding_dim: int = 64,
    units: int = 192,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.0,
    temperature: float = 1.0,
) -> Sorter:
    """A model that sorts lists of integers.

    Args:
        weights: A name that `rnnzoo.list_weights("sorter")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        max_value: Numbers are from 1 to this.
        max_length: Maximum length of a list.
        embedding_dim: Size of the embeddings of numbers.
        units: Size of each network's state.
        num_layers: Layers in each of the two networks.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        temperature: By how much logits are divided to calculate the confidence.
    """

def real_sorter(
    weights: str | None = "reals_32",
    *,
    max_length: int = 32,
    units: int = 96,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.0,
    temperature: float = 1.0,
) -> RealSorter:
    """A model that sorts lists of real numbers, by pointing at them.

    Args:
        weights: A name that `rnnzoo.list_weights("real_sorter")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        max_length: Maximum length of a list.
        units: Size of the decoder's state, and of each direction's of the encoder.
        num_layers: Layers in each of the two networks.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        temperature: By how much scores are divided to calculate the confidence.
    """

def text_classifier(
    weights: str | None = None,
    *,
    classes: Iterable[Any] = ("negative", "positive"),
    vocabulary: Sequence[str] | None = None,
    tokens: str = "words",
    max_length: int = 800,
    embedding_dim: int = 128,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.4,
    token_dropout: float = 0.1,
    normalize: bool = True,
    ngrams: int = 3,
    ngram_rows: int = 524288,
    ngram_scores: str = "learned",
) -> TextClassifier:
    """A classifier of texts that reads them in both directions.

    Args:
        weights: A name that `rnnzoo.list_weights("text_classifier")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        classes: Names of the classes. With weights for other classes, the model gets a
            fresh head.
        vocabulary: The tokens to know, most frequent first: words, characters, or what
            `Subwords.learn` returned. With weights, the vectors of words and characters
            that they know are carried over. Default: the 30,000 words of
            `sentiment_classifier`, or ASCII's characters. Bytes have none; others need
            one.
        tokens: What texts are read as: `"words"`, in lower case; `"characters"`;
            `"bytes"` of UTF-8; `"subwords"`; or `"whitespace"`, for texts that are
            split into words already (see `rnnzoo.tokens`).
        max_length: Tokens that are read of a text; of a longer one its first half of
            that many and its last half.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of tokens dropped in training.
        normalize: Whether `&quot;` and other references of HTML (in words) and accented
            letters written as two characters are read as what they stand for.
        ngrams: Longest n-gram of the linear model beside the network; 0 for none.
        ngram_rows: Number of n-grams that have a vector.
        ngram_scores: `"learned"` with the network, or `"solved"` before it, as
            `rnnzoo train own_texts` does: see `rnnzoo.layers.ngram_regression`.
    """

def sentiment_classifier(
    weights: str | None = "imdb",
    *,
    classes: Iterable[Any] = ("negative", "positive"),
    vocabulary: Sequence[str] | None = None,
    tokens: str = "words",
    max_length: int = 800,
    embedding_dim: int = 128,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.4,
    token_dropout: float = 0.1,
    normalize: bool = True,
    ngrams: int = 3,
    ngram_rows: int = 524288,
    ngram_scores: str = "learned",
) -> TextClassifier:
    """A classifier of texts that reads them in both directions.

    Args:
        weights: A name that `rnnzoo.list_weights("sentiment_classifier")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        classes: Names of the classes. With weights for other classes, the model gets a
            fresh head.
        vocabulary: The tokens to know, most frequent first: words, characters, or what
            `Subwords.learn` returned. With weights, the vectors of words and characters
            that they know are carried over. Default: the 30,000 words of
            `sentiment_classifier`, or ASCII's characters. Bytes have none; others need
            one.
        tokens: What texts are read as: `"words"`, in lower case; `"characters"`;
            `"bytes"` of UTF-8; `"subwords"`; or `"whitespace"`, for texts that are
            split into words already (see `rnnzoo.tokens`).
        max_length: Tokens that are read of a text; of a longer one its first half of
            that many and its last half.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of tokens dropped in training.
        normalize: Whether `&quot;` and other references of HTML (in words) and accented
            letters written as two characters are read as what they stand for.
        ngrams: Longest n-gram of the linear model beside the network; 0 for none.
        ngram_rows: Number of n-grams that have a vector.
        ngram_scores: `"learned"` with the network, or `"solved"` before it, as
            `rnnzoo train own_texts` does: see `rnnzoo.layers.ngram_regression`.
    """

def language_model(
    weights: str | None = "shakespeare",
    *,
    vocabulary: Sequence[str] | None = None,
    tokens: str = "characters",
    max_length: int = 256,
    embedding_dim: int = 128,
    units: int = 512,
    num_layers: int = 2,
    cell: str = "lstm",
    dropout: float = 0.4,
    weight_dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    activation_penalty: float = 0.0,
    temporal_penalty: float = 0.0,
    tied_weights: bool = False,
    output: str = "full",
) -> LanguageModel:
    """A language model: predicts the next symbol of a text, and continues texts.

    Args:
        weights: A name that `rnnzoo.list_weights("language_model")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        vocabulary: The characters (a string will do) or words to know, or what
            `Subwords.learn` returned with `lossless=True`; others are read as unknown,
            and never written. Default: ASCII's characters, and the line end. Words and
            subwords have no default, and bytes need none.
        tokens: `"characters"`; `"bytes"` of UTF-8; `"subwords"`; `"words"`, in lower
            case; or `"whitespace"`, for texts that are cut into words already.
        max_length: Symbols of a text in training; `answer` writes half as many.
            `generate` and `score` have no limit.
        embedding_dim: Size of the vector that stands for a symbol.
        units: Size of each layer's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        weight_dropout: Fraction of the weights from a state to the next that is dropped
            in training (Merity et al., 2018, arXiv:1708.02182).
        embedding_dropout: Fraction of the symbols whose vectors are zero in training,
            wherever they are in a batch (Gal and Ghahramani, 2016, arXiv:1512.05287).
        activation_penalty: What is added to the loss of a training step for each unit
            of the mean square of the last layer's outputs (Merity et al., 2017,
            arXiv:1708.01009).
        temporal_penalty: The same for what changes in them from each step to the next.
        tied_weights: Whether the head's weights are the symbols' vectors: for words.
        output: `"full"`; for more than 10,000 words `"adaptive"` or `"sampled"`, which
            make training quicker: see `many_to_many`.
    """

def translator(
    weights: str | None = "tatoeba_en_fr",
    *,
    vocabulary: str | Sequence[str] | None = None,
    tokens: str = "subwords",
    attention: str = "multiplicative",
    reverse_source: bool = False,
    embedding_dim: int = 256,
    units: int = 256,
    num_layers: int = 2,
    cell: str = "gru",
    dropout: float = 0.3,
    token_dropout: float = 0.1,
    label_smoothing: float = 0.1,
    normalize: bool = True,
) -> Translator:
    """A model that translates from one language into another.

    Args:
        weights: A name that `rnnzoo.list_weights("translator")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        vocabulary: What `rnnzoo.tokens.Subwords.learn` returned for texts of both
            languages; or a list of words. Default: ASCII's characters.
        tokens: `"subwords"`; `"words"`, in lower case; or `"whitespace"`, for texts
            that are tokenized.
        attention: `"additive"`, `"multiplicative"`, or `"none"`: then the decoder has
            only the encoder's final state.
        reverse_source: Whether the text is read from its end.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each layer's state, of each direction's in the encoder. Default
            256.
        num_layers: Layers of the encoder, and of the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of tokens dropped in training.
        label_smoothing: Probability that training spreads over all tokens.
        normalize: Whether `&quot;` and other references of HTML (in words) and accented
            letters written as two characters are read as what they stand for.
    """

def adder(
    weights: str | None = "binary",
    *,
    delay: int = 2,
    units: int = 16,
    num_layers: int = 1,
    cell: str = "simple",
    dropout: float = 0.0,
    state_noise: float = 0.0,
) -> Adder:
    """A model that adds two natural numbers of any size.

    Args:
        weights: A name that `rnnzoo.list_weights("adder")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        delay: Steps between two digits and the digit of their sum.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        state_noise: For "simple": standard deviation of the noise on the state in
            training.
    """

def tagger(
    weights: str | None = "ewt_upos",
    *,
    tags: Iterable[str] = ...,
    scheme: str = "plain",
    intents: Iterable[str] = (),
    vocabulary: Sequence[str] = (),
    lowered: Sequence[str] = (),
    characters: Sequence[str] = ...,
    word_length: int = 16,
    embedding_dim: int = 64,
    character_dim: int = 24,
    character_units: int = 48,
    character_reader: str = "convolution",
    units: int = 128,
    num_layers: int = 1,
    cell: str = "lstm",
    dropout: float = 0.5,
    token_dropout: float = 0.1,
) -> Tagger:
    """A tagger: a bidirectional LSTM over words and their letters, and a CRF.

    Args:
        weights: A name that `rnnzoo.list_weights("tagger")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        tags: Names of the tags, such as `"B-city"` and `"O"`. With weights for other
            ones, what was learned of names that stay is kept.
        scheme: What tags mean: `"plain"`, each stands for itself; or `"iob1"`,
            `"iob2"` or `"iobes"`, they mark spans (`rnnzoo.data.schemes`).
        intents: Names of what a whole sentence can be; none by default.
        vocabulary: The words to know, as they are written: `learn_vocabulary`.
        lowered: More words that are known in lower case, such as those of texts without
            tags.
        characters: The characters to know: `learn_characters`.
        word_length: Characters that are read of a word: its first and last half.
        embedding_dim: Size of each of the two vectors that stand for a word.
        character_dim: Size of the vector that stands for a character.
        character_units: Features that are read in a word's characters.
        character_reader: `"convolution"`, `"gru"` or `"lstm"`.
        units: Size of each direction's state.
        num_layers: Recurrent layers over the words.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        token_dropout: Fraction of words that are taken for unknown ones in training.
    """

def parity(
    weights: str | None = "bits",
    *,
    units: int = 32,
    num_layers: int = 1,
    cell: str = "simple",
    dropout: float = 0.0,
    state_noise: float = 0.0,
) -> ParityReader:
    """A model that says whether the number of ones among bits is odd.

    Args:
        weights: A name that `rnnzoo.list_weights("parity")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
        state_noise: For "simple": standard deviation of the noise on the state in
            training.
    """

def series_classifier(
    weights: str | None = "pen_digits",
    *,
    classes: Iterable[Any] = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    means: Sequence[float] = (50.0, 50.0),
    scales: Sequence[float] = (35.0, 35.0),
    units: int = 64,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.2,
) -> SeriesClassifier:
    """A classifier of real-valued series: pen strokes, sound, sensors.

    Args:
        weights: A name that `rnnzoo.list_weights("series_classifier")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        classes: Names of the classes. With weights for other classes, the model gets a
            fresh head. Default: the ten digits.
        means: The mean of each feature; the default is for coordinates of a pen.
        scales: The standard deviation of each feature.
        units: Size of each direction's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
    """

def forecaster(
    weights: str | None = "m4_hourly",
    *,
    target: str | Sequence[str] = "value",
    time: str | None = None,
    series: str | None = None,
    known: Sequence[str] = (),
    past: Sequence[str] = (),
    categories: dict[str, list[str]] | None = None,
    names: Sequence[str] = (),
    horizon: int = 24,
    context: int = 168,
    segment: int = 24,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    decoder: str = "segments",
    linear: bool = True,
    dropout: float = 0.1,
    calendar: Sequence[str] = ("hour", "weekday", "year"),
    quantiles: Sequence[float] = (0.1, 0.5, 0.9),
    scaling: str | None = None,
    unit: float | None = None,
    differences: bool | None = None,
    season: int | None = None,
    frequency: str | None = None,
    means: Sequence[float] | None = None,
    scales: Sequence[float] | None = None,
    normal_scores: Sequence[float] | None = None,
) -> Forecaster:
    """A forecaster: continues series of numbers, with quantiles for every step.

    Args:
        weights: A name that `rnnzoo.list_weights("forecaster")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        target: The column to forecast, or several, each a series of its own.
        time: The column of times; the calendar is made of it. `None` for none.
        series: The column that says which series a row is of; `None` for one series.
        known: Covariates that are known in the future too, such as holidays.
        past: Covariates that are known in the past only, such as weather.
        categories: For covariates that are names: a dict to the list of these.
        names: Names of series that the model tells apart; others are forecast too.
        horizon: Steps that are forecast.
        context: Steps of the past that are read.
        segment: Steps that the network reads and forecasts at a time.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        decoder: `"segments"`, all at once; or `"autoregressive"`, step after step.
        linear: Whether a linear layer answers beside the network.
        dropout: Fraction of features dropped in training.
        calendar: Periods whose place is read from the time, where there is one:
            `"hour"` (of the day), `"weekday"`, `"year"`. Of series of less than two
            years, a year is best left out.
        quantiles: Ascending numbers between 0 and 1, 0.5 among them.
        scaling: What values are divided by: `"window"`, the mean change from season to
            season in the past that is read; `"series"`, `unit`; or `"none"`, for values
            that are scaled already. `fit` of a table chooses if it is `None`.
        unit: For `"series"`: a number; `None` for the mean change in the first table.
        differences: Whether values are relative to the last known one, else to the mean
            of the window; `fit` of a table chooses if it is `None`.
        season: Steps of a season; `None` for that of the frequency.
        frequency: The frequency of the times, as pandas names it, such as `"h"`; `None`
            to find it in the first table.
        means: Mean of each covariate; `None` for those of the first table.
        scales: Standard deviation of each covariate, as `means`.
        normal_scores: Quantiles of the scores of steps that are no anomalies; `fit`
            measures them.
    """

def surname_classifier(
    weights: str | None = "origins",
    *,
    classes: Iterable[Any] = ...,
    vocabulary: Sequence[str] = ...,
    max_length: int = 32,
    embedding_dim: int = 32,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.4,
    normalize: bool = True,
) -> SurnameClassifier:
    """A classifier of surnames by origin that reads them letter by letter.

    Args:
        weights: A name that `rnnzoo.list_weights("surname_classifier")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
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
    """

def pattern_generator(
    weights: str | None = "5_5",
    *,
    max_length: int = 64,
    units: int = 1,
    num_layers: int = 1,
    cell: str = "lstm",
    dropout: float = 0.0,
) -> PatternGenerator:
    """A network of a single LSTM cell that continues a periodic pattern.

    Args:
        weights: A name that `rnnzoo.list_weights("pattern_generator")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        max_length: Bits of a sequence in training; half of them are shown, and
            `answer` writes as many as the other half has. `generate` knows no limit.
        units: Size of the network's state.
        num_layers: Recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
    """

def memorizer(
    weights: str | None = "copy",
    *,
    attention: str = "multiplicative",
    reverse_source: bool = False,
    double_source: bool = False,
    embedding_dim: int = 32,
    units: int = 96,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.0,
) -> Memorizer:
    """A model that reads digits and writes them from memory.

    Args:
        weights: A name that `rnnzoo.list_weights("memorizer")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        attention: `"additive"`, `"multiplicative"`, or `"none"`: then the decoder has
            only the encoder's final state.
        reverse_source: Whether the digits are read from their end.
        double_source: Whether the digits are read twice.
        embedding_dim: Size of the vector that stands for a digit.
        units: Size of each layer's state, of each direction's in the encoder. Default
            96.
        num_layers: Layers of the encoder, and of the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
    """

def executor(
    weights: str | None = "combined",
    *,
    attention: str = "none",
    reverse_source: bool = False,
    double_source: bool = False,
    embedding_dim: int = 32,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    dropout: float = 0.0,
) -> Executor:
    """A model that reads a short Python program and writes what it prints.

    Args:
        weights: A name that `rnnzoo.list_weights("executor")` has,
            the path of a file that `save` wrote, or `None` for an untrained model.
            Listed weights and files bring their own settings; an argument that
            contradicts them is refused.
        attention: `"additive"`, `"multiplicative"`, or `"none"`: then the decoder has
            only the encoder's final state, as in the paper.
        reverse_source: Whether the program is read from its end.
        double_source: Whether the program is read twice.
        embedding_dim: Size of the vector that stands for a character.
        units: Size of each layer's state, of each direction's in an encoder that
            attention looks at.
        num_layers: Layers of the encoder, and of the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        dropout: Fraction of features dropped in training.
    """

def accumulator() -> Accumulator:
    """A network of one linear unit that adds up its inputs."""

def comparer() -> Comparer:
    """A network that says which of two streams of numbers has the larger total."""

def parity_by_hand(
    hidden: str = "hard",
    *,
    weight: float = 20.0,
) -> ParityByHand:
    """A network of three units that computes the parity of bits.

    Args:
        hidden: `"hard"` for units that are 1 above their threshold and 0 below it, or
            `"logistic"`.
        weight: Factor of all weights.
    """

def many_to_one(
    *,
    tokens: Any = None,
    classes: Any = None,
    vocabulary_size: int | None = None,
    features: int | None = None,
    num_classes: int | None = None,
    num_values: int | None = None,
    embedding_dim: int = 64,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    bidirectional: bool = False,
    residual: bool = False,
    dropout: float = 0.0,
    token_dropout: float = 0.0,
    initial_state: str = "zeros",
    chrono_steps: int | None = None,
    pooling: str = "last",
    ngrams: int = 0,
    ngram_rows: int = 524288,
    ngram_scores: str = "learned",
    padding_value: float | None = None,
) -> ManyToOne:
    """A model that reads a sequence and gives one answer.

    Args:
        tokens: What raw input is read with (`rnnzoo.tokens`), in place of
            `vocabulary_size` and `features`: the model then takes and answers raw
            input. One of texts (`Words`, `Characters`, `Bytes`, `Subwords`,
            `Whitespace`), `Numbers`, `Bits`, `RealSteps` or `ScaledSteps`.
        classes: With tokens: names of the classes, in place of `num_classes`.
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per time step.
        num_classes: For classes: number of classes.
        num_values: For real-valued output: number of values.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each recurrent layer's state, per direction.
        num_layers: Number of recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        bidirectional: Whether to read each sequence backwards too.
        residual: Whether layers from the second on add their input to their output.
        dropout: Fraction of features dropped in training, before each recurrent layer
            (the same at every time step) and before the head; and of n-grams.
        token_dropout: Fraction of time steps dropped as a whole in training.
        initial_state: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialization: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        pooling: Input of the head: `"last"`, the state after the last step of each
            direction; or the `"mean"`, `"max"`, both (`"mean_max"`), or `"attention"`-
            weighted mean of all steps.
        ngrams: For token input: maximum length of n-grams, which are scored beside the
            recurrence and averaged with it (`rnnzoo.layers.ngrams`); 0 for none.
        ngram_rows: Number of n-grams with their own vectors, after
            `get_layer("ngrams").adapt`; before, all n-grams share them by a hash.
        ngram_scores: How n-grams get their scores: `"learned"` with the network, or
            `"solved"` before it and fixed (`rnnzoo.layers.ngram_regression`).
        padding_value: For real-valued input: steps whose features all have this value
            are padding; `None` if there is no padding.
    """

def many_to_many(
    *,
    tokens: Any = None,
    classes: Any = None,
    vocabulary_size: int | None = None,
    features: int | None = None,
    num_classes: int | None = None,
    num_values: int | None = None,
    embedding_dim: int = 64,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    bidirectional: bool = False,
    residual: bool = False,
    dropout: float = 0.0,
    weight_dropout: float = 0.0,
    embedding_dropout: float = 0.0,
    activation_penalty: float = 0.0,
    temporal_penalty: float = 0.0,
    tied_weights: bool = False,
    output: str = "full",
    initial_state: str = "zeros",
    chrono_steps: int | None = None,
    state_noise: float = 0.0,
    padding_value: float | None = None,
) -> ManyToMany:
    """A model that reads a sequence and answers at every step.

    Args:
        tokens: What raw input is read with (`rnnzoo.tokens`), in place of
            `vocabulary_size` and `features`: the model then takes and answers raw
            input. One of texts (`Words`, `Characters`, `Bytes`, `Subwords`,
            `Whitespace`), `Numbers`, `Bits`, `RealSteps` or `ScaledSteps`.
        classes: With tokens: names of the classes, in place of `num_classes`.
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per time step.
        num_classes: For a class per step: number of classes. At padded steps targets
            may be any class.
        num_values: For real-valued output: number of values.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each recurrent layer's state, per direction.
        num_layers: Number of recurrent layers.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        bidirectional: Whether to read each sequence backwards too.
        residual: Whether layers from the second on add their input to their output.
        dropout: Fraction of features dropped in training, before each recurrent layer
            and before the head, the same at every time step.
        weight_dropout: Fraction of the weights from a state to the next that is dropped
            in training (Merity et al., arXiv:1708.02182).
        embedding_dropout: Fraction of the tokens whose vectors are zero in training,
            wherever they are in a batch (Gal and Ghahramani, arXiv:1512.05287).
        activation_penalty: What is added to the loss of a training step for each unit
            of the mean square of what the head takes (Merity et al., arXiv:1708.01009).
        temporal_penalty: The same for what changes from each step to the next.
        tied_weights: Whether the head's weights are the tokens' vectors: for classes
            that are the first tokens of the input (Press and Wolf, arXiv:1608.05859).
        output: How many classes are compared in training: `"full"` for all;
            `"adaptive"`, for more than 10,000, in clusters of rare ones (Grave et al.,
            2017, arXiv:1609.04309); or `"sampled"`, against a sample (Jean et al.,
            2015, arXiv:1412.2007). Classes are in the order of their frequency.
            Answers, and the loss of `evaluate`, are of all classes with each.
        initial_state: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialization: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        state_noise: For "simple": standard deviation of the noise on the state in
            training, which makes it keep its values apart.
        padding_value: For real-valued input: steps whose features all have this value
            are padding; `None` if there is no padding.
    """

def many_to_one_to_many(
    *,
    tokens: Any = None,
    target_tokens: Any = None,
    vocabulary_size: int | None = None,
    features: int | None = None,
    target_vocabulary_size: int | None = None,
    target_features: int | None = None,
    decoder: str = "summary",
    attention: str | None = None,
    reverse_source: bool = False,
    output_length: int | None = None,
    embedding_dim: int = 64,
    units: int = 128,
    num_layers: int = 1,
    cell: str = "gru",
    bidirectional: bool = False,
    residual: bool = False,
    dropout: float = 0.0,
    token_dropout: float = 0.0,
    tied_weights: bool = False,
    initial_state: str = "zeros",
    chrono_steps: int | None = None,
    padding_value: float | None = None,
) -> ManyToOneToMany:
    """A model that reads a sequence and then writes another.

    Args:
        tokens: What raw input is read with (`rnnzoo.tokens`), in place of
            `vocabulary_size` and `features`: the model then takes and answers raw
            input. One of texts (`Words`, `Characters`, `Bytes`, `Subwords`,
            `Whitespace`), `Numbers`, `Bits`, `RealSteps` or `ScaledSteps`.
        target_tokens: With tokens: what the target is read and written with, by default
            `tokens`.
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per time step.
        target_vocabulary_size: For a token target: number of ids, padding included.
        target_features: For a real-valued target: number of values per step.
        decoder: `"summary"` or `"autoregressive"`.
        attention: `"additive"` or `"multiplicative"` lets every decoder step attend to
            all encoder steps; `None` for the summary alone. Queries are the outputs of
            the decoder's first layer, and the other layers read the context (Wu et al.,
            arXiv:1609.08144, section 3).
        reverse_source: Whether the encoder reads the source from its end (Sutskever et
            al., arXiv:1409.3215); for a token source.
        output_length: For a summary decoder: number of steps; `None` for the source's.
        embedding_dim: Size of the vector that stands for a token.
        units: Size of each recurrent layer's state, per direction.
        num_layers: Number of recurrent layers in the encoder, and in the decoder.
        cell: `"simple"`, `"gru"`, `"lstm"`, `"minimal"` or `"minimal_signed"`.
        bidirectional: Whether the encoder reads the source backwards too; its two
            final states are then projected to the decoder's.
        residual: Whether layers from the second on add their input to their output.
        dropout: Fraction of features dropped in training, before each recurrent layer
            and before the head, the same at every time step.
        token_dropout: Fraction of time steps dropped as a whole in training.
        tied_weights: Whether source, target and head have the same vectors of tokens
            (Press and Wolf, arXiv:1608.05859); for an autoregressive decoder and one
            vocabulary.
        initial_state: The encoder's: `"zeros"` or `"learned"`.
        chrono_steps: Chrono initialization: how many steps the longest memory should
            reach at first; `None` for Keras' own initial biases.
        padding_value: For real-valued input: steps whose features all have this value
            are padding; `None` if there is no padding.
    """

def autoregressive(
    *,
    taps: int,
    features: int = 1,
    num_values: int = 1,
) -> Autoregressive:
    """A linear model of the last few values: an autoregressive model.

    Args:
        taps: How many steps it sees: this one and `taps - 1` before it.
        features: Number of values per step.
        num_values: Number of values to answer with at each step.
    """

def feed_forward(
    *,
    taps: int,
    features: int = 1,
    num_values: int = 1,
    units: int = 64,
) -> FeedForward:
    """A feed-forward network of the last few values.

    Args:
        taps: How many steps it sees: this one and `taps - 1` before it.
        features: Number of values per step.
        num_values: Number of values to answer with at each step.
        units: Number of hidden units.
    """

def neural_ngram(
    *,
    context: int,
    vocabulary_size: int,
    embedding_dim: int = 16,
    units: int = 128,
) -> NeuralNgram:
    """A feed-forward language model of the last few tokens.

    Args:
        context: Number of tokens it sees: this one and `context - 1` before it.
        vocabulary_size: Number of token ids, padding included.
        embedding_dim: Size of the vector that stands for a token.
        units: Number of hidden units.
    """

def hidden_markov(
    *,
    states: int = 16,
    vocabulary_size: int | None = None,
    features: int | None = None,
) -> HiddenMarkovModel:
    """A hidden Markov model that predicts the next value of a sequence.

    Args:
        states: Number of hidden states.
        vocabulary_size: For token input: number of ids, padding included.
        features: For real-valued input: number of values per step.
    """
