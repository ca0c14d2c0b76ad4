"""Named public data sets, through tensorflow-datasets (TFDS).

`rnnzoo prepare NAME`, or `prepare`, downloads a data set once to the folder in
TFDS_DATA_DIR or to `~/tensorflow_datasets`; `load` then reads it without a network.
Importing this module imports neither TensorFlow nor TFDS.

    >>> from rnnzoo.data import catalog
    >>> catalog.names()[:2]
    ['imdb_reviews', 'glue/sst2']
    >>> catalog.describe("glue/sst2")["classes"]
    ['negative', 'positive']
"""

import dataclasses
import os
import pathlib
import shlex
import socket
import urllib.parse
import urllib.request
from typing import Any

from rnnzoo.errors import check_choice
from rnnzoo.writing import name_failures


@dataclasses.dataclass(frozen=True)
class _DataSet:
    summary: str
    splits: list[str]
    licence: str
    citation: str
    task: str = "classification"  # or "language" or "translation"
    inputs: str = "text"  # name of the TFDS feature
    targets: str | None = "label"
    classes: list[str] | None = None  # in the order of the TFDS labels
    unlabelled_splits: list[str] = dataclasses.field(default_factory=list)
    tfds_name: str | None = None  # if it is not the name here


_POLARITY = ["negative", "positive"]
_ZHANG = (
    "X. Zhang, J. Zhao and Y. LeCun: Character-level Convolutional Networks for Text "
    "Classification. NIPS 2015. arXiv:1509.01626"
)
DATA_SETS = {
    "imdb_reviews": _DataSet(
        summary="Film reviews, negative or positive: 25,000 for training, 25,000 for "
        "testing.",
        classes=_POLARITY,
        splits=["train", "test", "unsupervised"],
        unlabelled_splits=["unsupervised"],
        licence="none stated (Maas et al., 2011)",
        citation="A. Maas, R. Daly, P. Pham, D. Huang, A. Ng and C. Potts: Learning "
        "Word Vectors for Sentiment Analysis. ACL 2011. "
        "https://aclanthology.org/P11-1015",
    ),
    "glue/sst2": _DataSet(
        summary="Phrases of film reviews, negative or positive: SST-2, as GLUE has it.",
        inputs="sentence",
        classes=_POLARITY,
        splits=["train", "validation", "test"],
        unlabelled_splits=["test"],
        licence="none stated (Socher et al., 2013)",
        citation="R. Socher, A. Perelygin, J. Wu, J. Chuang, C. Manning, A. Ng and "
        "C. Potts: Recursive Deep Models for Semantic Compositionality Over a "
        "Sentiment Treebank. EMNLP 2013. https://aclanthology.org/D13-1170. "
        "A. Wang et al.: GLUE. ICLR 2019. arXiv:1804.07461",
    ),
    "ag_news_subset": _DataSet(
        summary="Leads of news articles of four kinds: 120,000 for training, 7,600 for "
        "testing.",
        inputs="description",
        classes=["World", "Sports", "Business", "Sci/Tech"],
        splits=["train", "test"],
        licence="research and other non-commercial use (A. Gulli)",
        citation=_ZHANG,
    ),
    "yelp_polarity_reviews": _DataSet(
        summary="Reviews of businesses, negative or positive: 560,000 for training, "
        "38,000 for testing.",
        classes=_POLARITY,
        splits=["train", "test"],
        licence="Yelp's terms for its data set: academic use (Yelp Dataset Challenge "
        "2015)",
        citation=_ZHANG,
    ),
    "tiny_shakespeare": _DataSet(
        summary="A million characters of Shakespeare's plays; each split is one text.",
        task="language",
        targets=None,
        splits=["train", "validation", "test"],
        licence="public domain",
        citation="A. Karpathy: char-rnn. 2015. https://github.com/karpathy/char-rnn",
    ),
    "tatoeba": _DataSet(
        summary="1,000 English sentences with French translations, for testing.",
        task="translation",
        inputs="target_sentence",  # TFDS translates into English
        targets="source_sentence",
        splits=["train"],
        licence="CC BY 2.0 FR (tatoeba.org)",
        citation="M. Artetxe and H. Schwenk: Massively Multilingual Sentence "
        "Embeddings for Zero-Shot Cross-Lingual Transfer and Beyond. TACL 2019. "
        "arXiv:1812.10464",
        tfds_name="tatoeba/tatoeba_fr",
    ),
    "ted_hrlr_translate/pt_to_en": _DataSet(
        summary="Subtitles of TED talks, Portuguese to English; tokenised, lower case.",
        task="translation",
        inputs="pt",
        targets="en",
        splits=["train", "validation", "test"],
        licence="none stated (Qi et al., 2018); of the talks CC BY-NC-ND 4.0 (TED)",
        citation="Y. Qi, D. Sachan, M. Felix, S. Padmanabhan and G. Neubig: When and "
        "Why Are Pre-trained Word Embeddings Useful for Neural Machine Translation? "
        "NAACL 2018. arXiv:1804.06323",
    ),
    "scan/simple": _DataSet(
        summary="Commands in English and the actions they request: SCAN, random split.",
        task="translation",
        inputs="commands",
        targets="actions",
        splits=["train", "test"],
        licence="BSD (Facebook, 2016)",
        citation="B. Lake and M. Baroni: Generalization without Systematicity: On the "
        "Compositional Skills of Sequence-to-Sequence Recurrent Networks. ICML 2018. "
        "arXiv:1711.00350",
    ),
}


def names() -> list[str]:
    """Lists the data sets of the catalog.

    Example:
        >>> from rnnzoo.data import catalog
        >>> [name for name in catalog.names() if name.startswith("t")]
        ['tiny_shakespeare', 'tatoeba', 'ted_hrlr_translate/pt_to_en']
    """
    return list(DATA_SETS)


def describe(name: str) -> dict[str, Any]:
    """Describes a data set: its content, licence and citation.

    The keys are `name`, `summary`, `task` (`"classification"`, `"language"` or
    `"translation"`), `inputs` and `targets` (TFDS features), `splits`, `licence` as the
    owner states it, `citation`, `classes` or `None`, `unlabelled_splits`, `tfds_name`.

    Example:
        >>> from rnnzoo.data import catalog
        >>> catalog.describe("imdb_reviews")["licence"]
        'none stated (Maas et al., 2011)'
    """
    check_choice("name", name, DATA_SETS)
    fields = dataclasses.asdict(DATA_SETS[name])
    return {"name": name, **fields, "tfds_name": fields["tfds_name"] or name}


def load(
    name: str,
    split: str = "train",
    data_dir: str | os.PathLike | None = None,
    with_targets: bool = True,
) -> tuple[list[str], Any]:
    """Reads a prepared data set, without a network.

    Returns inputs and targets, two lists in a fixed order: texts and class names, or
    sentences and translations; for a language, texts (one per split) and `None`.
    Raises `FileNotFoundError` if the data set is not prepared, and `ValueError` if
    there is no such data set or split, or the split has no labels.

    Args:
        name: A name that `names` lists.
        split: A split, a part such as `"train[:90%]"` or `"train[1000:2000]"`, or a sum
            such as `"train+validation"`. Splits of a language have no parts.
        data_dir: Folder of all data sets; `None` for TFDS_DATA_DIR, or else
            `~/tensorflow_datasets`.
        with_targets: Whether to read the targets; without them they are `None`, and a
            split without labels can be read.

    Example:
        >>> from rnnzoo.data import catalog
        >>> catalog.load("imdb_reviews", split="train[:90%]", data_dir="empty")
        Traceback (most recent call last):
        FileNotFoundError: The data set is not prepared. Prepare it once with
        `rnnzoo prepare imdb_reviews --data-dir=empty`. Received:
        name='imdb_reviews', which is not in 'empty/imdb_reviews/plain_text/1.0.0'
    """
    check_choice("name", name, DATA_SETS)
    data_set, builder = DATA_SETS[name], _builder(name, data_dir)
    if not _is_prepared(builder):
        folder = f" --data-dir={shlex.quote(os.fspath(data_dir))}" if data_dir else ""
        raise FileNotFoundError(
            "The data set is not prepared. Prepare it once with "
            f"`rnnzoo prepare {name}{folder}`. Received: name={name!r}, which is not "
            f"in {builder.data_dir!r}"
        )
    _check_split(name, split, builder)
    import tensorflow_datasets as tfds

    inputs, targets = [], []
    # Four times as fast as reading single examples.
    for batch in tfds.as_numpy(builder.as_dataset(split=split, batch_size=1024)):
        inputs += _decode(batch[data_set.inputs])
        if not with_targets:
            continue
        if data_set.task == "classification":
            labels = batch[data_set.targets]
            if min(labels) < 0:
                hidden = data_set.unlabelled_splits
                labelled = [one for one in builder.info.splits if one not in hidden]
                raise ValueError(
                    f"The split must have labels: those of {', '.join(hidden)} are "
                    f"hidden or were never given. Use {' or '.join(labelled)}, or "
                    "read the texts alone in Python with with_targets=False. "
                    f"Received: split={split!r} of {name!r}"
                )
            classes = data_set.classes or ()
            targets += [classes[label] for label in labels]
        elif data_set.task == "translation":
            targets += _decode(batch[data_set.targets])
    if data_set.task == "translation":
        # Some sources keep line ends.
        inputs, targets = ([text.strip() for text in x] for x in (inputs, targets))
    has_targets = with_targets and data_set.task != "language"
    return inputs, targets if has_targets else None


def find_folder(name: str, data_dir: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns the folder of a data set, prepared or not; arguments as of `load`.

    Example:
        >>> from rnnzoo.data import catalog
        >>> catalog.find_folder("imdb_reviews", data_dir="sets").name
        '1.0.0'
    """
    check_choice("name", name, DATA_SETS)
    return pathlib.Path(_builder(name, data_dir).data_dir)


def prepare(
    name: str,
    data_dir: str | os.PathLike | None = None,
    manual_dir: str | os.PathLike | None = None,
) -> None:
    """Downloads a data set and prepares it for `load`, unless it is prepared.

    Prints the folder, the sizes of the splits, licence and citation. Raises
    `ValueError` if there is no such data set or a file is not the original one,
    `FileNotFoundError` if there is no `manual_dir`, `FileExistsError` if the folder is
    incomplete, and `ConnectionError` if a host is not reachable.

    Args:
        name: A name that `names` lists.
        data_dir: As of `load`.
        manual_dir: Folder with original files, for use without a network; `None` for
            `downloads/manual` in the folder of all data sets.

    Example:
        >>> from rnnzoo.data import catalog
        >>> catalog.prepare("imdb")
        Traceback (most recent call last):
        ValueError: name must be one of 'imdb_reviews', ... Did you mean
        'imdb_reviews'? Received: name='imdb'
    """
    check_choice("name", name, DATA_SETS)
    if manual_dir is not None and not os.path.isdir(manual_dir):
        raise FileNotFoundError(
            "manual_dir must be a folder with the original files. Received: "
            f"manual_dir={os.fspath(manual_dir)!r}, which is not a folder"
        )
    builder = _builder(name, data_dir)
    if _is_prepared(builder):
        print(f"{name} is prepared already.")
    elif builder.data_path.exists():
        raise FileExistsError(
            "The folder of the data set is incomplete: remove it and prepare the data "
            f"set again. Received: {builder.data_dir!r} without dataset_info.json"
        )
    else:
        _download_and_prepare(name, builder, manual_dir)
    print(f"Folder: {builder.data_dir}")
    splits = builder.info.splits.items()
    counts = ", ".join(f"{split} {info.num_examples:,}" for split, info in splits)
    print(f"Examples: {counts}")
    print(f"Licence: {DATA_SETS[name].licence}")
    print(f"Please cite: {DATA_SETS[name].citation}")


def _builder(name: str, data_dir: str | os.PathLike | None) -> Any:
    import tensorflow_datasets as tfds

    # TFDS reads the variable only when it is imported.
    folder = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    tfds_name = DATA_SETS[name].tfds_name or name
    return tfds.builder(tfds_name, data_dir=os.path.expanduser(folder))


def _is_prepared(builder: Any) -> bool:
    # builder.is_prepared() would log a warning if it is not.
    return (builder.data_path / "dataset_info.json").exists()


def _check_split(name: str, split: str, builder: Any) -> None:
    if not isinstance(split, str):
        raise TypeError(
            f"split must be a string, such as 'train'. Received: split={split!r}"
        )
    splits = list(builder.info.splits)
    for part in split.split("+"):
        check_choice("split", part.split("[")[0].strip(), splits)
    if "[" not in split:
        return
    if DATA_SETS[name].task == "language":
        raise ValueError(
            "A split of a language is one text, which has no parts: load all of it and "
            f"slice the text. Received: split={split!r} of {name!r}"
        )
    try:
        empty = not builder.info.splits[split].num_examples
    except (AssertionError, KeyError, ValueError) as error:
        raise ValueError(
            "A part of a split is written as in 'train[:90%]' or 'train[1000:2000]', "
            f"within the split. Received: split={split!r} ({error})"
        ) from error
    if empty:
        raise ValueError(
            f"A part of a split must have examples. Received: split={split!r} of "
            f"{name!r}, which has none"
        )


def _decode(values: Any) -> list[str]:
    return [value.decode("utf-8") for value in values]


def _download_and_prepare(
    name: str, builder: Any, manual_dir: str | os.PathLike | None
) -> None:
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import download_manager

    folder = manual_dir or builder.data_dir_root / "downloads" / "manual"
    manual_dir = os.path.abspath(folder)
    make_manager = builder._make_download_manager

    def make_careful_manager(**arguments: Any) -> Any:
        # TFDS would retry downloads for minutes: the host is checked first.
        manager = make_manager(**arguments)
        download = manager._download

        def careful_download(resource: Any) -> Any:
            _check_host(name, resource.url, builder, manual_dir)
            return download(resource)

        manager._download = careful_download
        return manager

    builder._make_download_manager = make_careful_manager
    try:
        config = tfds.download.DownloadConfig(manual_dir=manual_dir)
        with name_failures(builder.data_dir):
            builder.download_and_prepare(download_config=config)
    except download_manager.NonMatchingChecksumError as error:
        raise ValueError(
            "The file must be the original one, unchanged: remove it and download it "
            f"again. Received: {error}"
        ) from error
    except tfds.download.DownloadError as error:
        raise ConnectionError(
            "A file could not be downloaded: try again later, or put the original file "
            f"into {manual_dir!r}. Received: {error}"
        ) from error


def _check_host(name: str, url: str, builder: Any, manual_dir: str) -> None:
    # Refuses a download whose host, or proxy, does not answer within 5 s.
    address = urllib.parse.urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(address.hostname or ""):
        address = urllib.parse.urlsplit(proxy if "//" in proxy else f"http://{proxy}")
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname, port), timeout=5).close()
    except OSError as error:
        info = (builder.url_infos or {}).get(url)
        file = info.filename if info and info.filename else os.path.basename(url)
        raise ConnectionError(
            f"The file {file!r} must come from {url} or be in {manual_dir!r}. Connect "
            "to the network, or download it elsewhere and put it into that folder, or "
            "choose another folder with --manual-dir (manual_dir in Python). Received: "
            f"name={name!r}, and {address.hostname}:{port} does not answer ({error})"
        ) from error
