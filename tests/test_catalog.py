import concurrent.futures
import socket
import subprocess
import sys
import time
from unittest import mock

import pytest
import tensorflow_datasets as tfds
import tiny_data
from tensorflow_datasets.core.download import checksums

from rnnzoo.data import catalog


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return tiny_data.prepare(tmp_path_factory.mktemp("data"))


@pytest.fixture
def tiny(prepared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))


@pytest.fixture
def no_network(monkeypatch):
    """Every attempt to connect fails at once and is written down."""
    hosts = []

    def refuse(address, timeout=None):
        hosts.append((address, timeout))
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    return hosts


def test_import_is_instant():
    code = (
        "import sys; from rnnzoo.data import catalog; catalog.describe('scan/simple');"
        "print([m for m in sys.modules if m.startswith('tensorflow') or m == 'keras'])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.parametrize("name", catalog.names())
def test_descriptions_are_complete_and_true(name, tmp_path):
    entry = catalog.describe(name)
    assert entry["name"] == name
    for key in ("summary", "licence", "citation", "inputs", "splits"):
        assert entry[key], key
    assert "\n" not in entry["summary"]
    assert entry["task"] in ("classification", "language", "translation")
    assert (entry["targets"] is None) == (entry["task"] == "language")

    builder = tfds.builder(entry["tfds_name"], data_dir=tmp_path)
    features = builder.info.features
    assert isinstance(features[entry["inputs"]], tfds.features.Text)
    if entry["task"] == "classification":
        assert features[entry["targets"]].num_classes == len(entry["classes"])
    elif entry["task"] == "translation":
        assert isinstance(features[entry["targets"]], tfds.features.Text)

    # The builder's own splits and files, without downloading anything.
    manager = mock.MagicMock()
    path = tmp_path / "original"
    path.write_text("some words of text")

    def download(urls):
        if not isinstance(urls, dict):
            assert builder.url_infos[urls].filename  # so that manual_dir can hold it
            return str(path)
        return {key: download(url) for key, url in urls.items()}

    manager.download = manager.download_and_extract = download
    splits = builder._split_generators(manager)
    if not isinstance(splits, dict):
        splits = [str(split.name) for split in splits]
    assert list(splits) == entry["splits"]
    assert set(entry["unlabelled_splits"]) < set(entry["splits"])


def test_class_names_are_in_the_order_of_the_numbers(tmp_path):
    known = {"neg": "negative", "pos": "positive", "1": "negative", "2": "positive"}
    for name in catalog.names():
        entry = catalog.describe(name)
        if entry["task"] == "classification":
            builder = tfds.builder(entry["tfds_name"], data_dir=tmp_path)
            labels = builder.info.features[entry["targets"]].names
            assert [known.get(label, label) for label in labels] == entry["classes"]


def test_descriptions_are_copies():
    catalog.describe("imdb_reviews")["classes"].clear()
    assert catalog.describe("imdb_reviews")["classes"] == ["negative", "positive"]


def test_tiny_reviews_are_balanced_and_varied(tiny):
    texts, labels = catalog.load("imdb_reviews")
    assert (len(texts), len(labels)) == (240, 240)
    assert labels.count("negative") == labels.count("positive") == 120
    assert labels != sorted(labels)
    lengths = [len(text.replace("<br />", " ").split()) for text in texts]
    assert 3 <= min(lengths) < 10 and 50 < max(lengths) <= 60
    assert len(set(texts)) == 240
    assert any("<br />" in text for text in texts)
    positive = tiny_data.FEELINGS["positive"].split()
    signal = [any(word in text.lower() for word in positive) for text in texts]
    assert signal == [label == "positive" for label in labels]
    assert len(catalog.load("imdb_reviews", "test")[0]) == 80


def test_same_order_every_time(tiny, prepared):
    assert catalog.load("imdb_reviews") == catalog.load(
        "imdb_reviews", data_dir=prepared
    )


def test_tiny_data_is_made_once_by_several_at_once(tmp_path):
    with concurrent.futures.ThreadPoolExecutor() as executor:
        folders = list(executor.map(tiny_data.prepare, [tmp_path] * 3))
    assert folders == [tmp_path] * 3
    assert not list(tmp_path.rglob("*incomplete*"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    tiny_data.prepare(tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert len(catalog.load("glue/sst2", data_dir=tmp_path)[0]) == 120


def test_parts_and_sums_of_splits(tiny):
    texts, _ = catalog.load("imdb_reviews")
    test_texts, _ = catalog.load("imdb_reviews", "test")
    assert catalog.load("imdb_reviews", "train[:90%]")[0] == texts[:216]
    assert catalog.load("imdb_reviews", "train[90%:]")[0] == texts[216:]
    both, labels = catalog.load("imdb_reviews", "train[:10]+test[10:30]")
    assert both == texts[:10] + test_texts[10:30]
    assert len(labels) == 30


def test_language_is_one_text_a_split(tiny):
    texts, targets = catalog.load("tiny_shakespeare")
    assert len(texts) == 1 and targets is None
    assert texts[0].count("\n") == 240 and texts[0].endswith("\n\n")
    assert len(catalog.load("tiny_shakespeare", "train+test")[0]) == 2
    with pytest.raises(ValueError, match="has no parts.*split='train.:90%.'"):
        catalog.load("tiny_shakespeare", "train[:90%]")


def test_hidden_labels_are_not_invented(tiny):
    with pytest.raises(
        ValueError, match="those of test are hidden.*Use train or validation.*'test'"
    ):
        catalog.load("glue/sst2", "test")
    with pytest.raises(ValueError, match="hidden"):
        catalog.load("glue/sst2", "train+test")
    texts, labels = catalog.load("glue/sst2", "validation")
    assert len(texts) == 40 and set(labels) == {"negative", "positive"}


@pytest.mark.parametrize("call", [catalog.describe, catalog.load, catalog.prepare])
def test_unknown_names(call):
    with pytest.raises(ValueError, match="Did you mean 'imdb_reviews'.*name='imdb'"):
        call("imdb")
    with pytest.raises(ValueError, match="'scan/simple'.*Received: name=3"):
        call(3)


@pytest.mark.parametrize(
    "split, error, message",
    [
        ("trian", ValueError, "'train', 'test'. Did you mean 'train'.*split='trian'"),
        ("unsupervised", ValueError, "one of 'train', 'test'"),
        ("train+tset", ValueError, "split='tset'"),
        ("", ValueError, "split=''"),
        ("train[:x]", ValueError, r"written as in 'train\[:90%\]'.*'train\[:x\]'"),
        ("train[", ValueError, "written as"),
        ("train[:200%]", ValueError, "written as"),
        ("train[:1000]", ValueError, "240 examples"),
        ("train[:0]", ValueError, "must have examples"),
        (None, TypeError, "must be a string.*split=None"),
    ],
)
def test_unknown_splits(tiny, split, error, message):
    with pytest.raises(error, match=message):
        catalog.load("imdb_reviews", split)


def test_not_prepared_is_said_at_once(tmp_path, monkeypatch, no_network, caplog):
    start = time.perf_counter()
    folder = tmp_path / "my data"
    with pytest.raises(FileNotFoundError) as caught:
        catalog.load("tatoeba", data_dir=folder)
    assert f"`rnnzoo prepare tatoeba --data-dir='{folder}'`" in str(caught.value)
    assert f"{folder}/tatoeba/tatoeba_fr/1.0.0" in str(caught.value)
    assert not folder.exists()

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        catalog.load("tatoeba")
    assert "`rnnzoo prepare tatoeba`" in str(caught.value)
    assert f"{tmp_path}/tatoeba" in str(caught.value)

    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(FileNotFoundError, match="/home/tensorflow_datasets/tatoeba/"):
        catalog.load("tatoeba")
    assert time.perf_counter() - start < 5
    assert not no_network and not caplog.records


def test_prepare_without_network_fails_at_once(tmp_path, no_network):
    start = time.perf_counter()
    with pytest.raises(ConnectionError) as caught:
        catalog.prepare("imdb_reviews", data_dir=tmp_path)
    assert time.perf_counter() - start < 5
    assert no_network == [(("ai.stanford.edu", 80), 5)]
    for words in (
        "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        f"{tmp_path}/downloads/manual",
        "--manual-dir",
        "'aclImdb_v1.tar.gz'",
        "name='imdb_reviews'",
    ):
        assert words in str(caught.value)
    assert_nothing_is_prepared("imdb_reviews", tmp_path)


def test_prepare_asks_for_the_proxy_where_there_is_one(
    tmp_path, no_network, monkeypatch
):
    proxies = {"http": "http://proxy.example:3128"}
    monkeypatch.setattr("urllib.request.getproxies", lambda: proxies)
    with pytest.raises(ConnectionError, match="proxy.example:3128 does not answer"):
        catalog.prepare("imdb_reviews", data_dir=tmp_path)


def assert_nothing_is_prepared(name, folder):
    assert not list(folder.rglob("*incomplete*"))
    with pytest.raises(FileNotFoundError, match="not prepared"):
        catalog.load(name, data_dir=folder)


def test_prepare_from_original_files(tmp_path, no_network, monkeypatch, capsys):
    # Files of our own in the place of the originals.
    folder = tmp_path / "originals"
    folder.mkdir()
    builder_class = tfds.builder_cls("tatoeba")
    infos = {}
    for language, text in {
        "fra": "Où est-ce ?\nUn cœur.\n",
        "eng": "Where is it?\nA heart.\n",
    }.items():
        file = folder / f"tatoeba.fra-eng.{language}"
        file.write_text(text, encoding="utf-8")
        [url] = [url for url in builder_class.url_infos if url.endswith(file.name)]
        infos[url] = checksums.compute_url_info(file)
    monkeypatch.setattr(builder_class, "url_infos", infos)

    data_dir = tmp_path / "data"
    catalog.prepare("tatoeba", data_dir=data_dir, manual_dir=folder)
    output = capsys.readouterr().out
    assert f"Folder: {data_dir}/tatoeba/tatoeba_fr/1.0.0" in output
    assert "Examples: train 2\n" in output
    assert "Licence: CC BY 2.0" in output and "Please cite: M. Artetxe" in output
    english, french = catalog.load("tatoeba", data_dir=data_dir)
    assert dict(zip(english, french, strict=True)) == {
        "Where is it?": "Où est-ce ?",
        "A heart.": "Un cœur.",
    }

    catalog.prepare("tatoeba", data_dir=data_dir)
    assert "tatoeba is prepared already." in capsys.readouterr().out
    assert not no_network


def test_prepare_refuses_changed_files(tmp_path, no_network):
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    (manual / "input.txt").write_text("not Shakespeare")
    with pytest.raises(ValueError, match="the original one.*input.txt"):
        catalog.prepare("tiny_shakespeare", data_dir=tmp_path)
    assert not no_network
    assert_nothing_is_prepared("tiny_shakespeare", tmp_path)
    with pytest.raises(FileNotFoundError, match="manual_dir='nowhere'"):
        catalog.prepare("tiny_shakespeare", data_dir=tmp_path, manual_dir="nowhere")


def test_failed_preparation_leaves_nothing(tmp_path, monkeypatch):
    def examples():
        yield "first", {"text": "a text"}
        raise OSError("the disk is full")

    builder_class = tfds.builder_cls("tiny_shakespeare")
    monkeypatch.setattr(
        builder_class, "_split_generators", lambda self, manager: {"train": examples()}
    )
    with pytest.raises(OSError, match="the disk is full"):
        catalog.prepare("tiny_shakespeare", data_dir=tmp_path)
    assert_nothing_is_prepared("tiny_shakespeare", tmp_path)


def test_incomplete_folder_is_not_taken_for_prepared(tmp_path):
    folder = tmp_path / "tiny_shakespeare" / "1.0.0"
    folder.mkdir(parents=True)
    with pytest.raises(FileExistsError, match="incomplete: remove it"):
        catalog.prepare("tiny_shakespeare", data_dir=tmp_path)
    assert_nothing_is_prepared("tiny_shakespeare", tmp_path)


def test_mocked_translations(tmp_path):
    name = "ted_hrlr_translate/pt_to_en"
    pairs = iter([(0, {"pt": "olá", "en": "hello"})])
    tiny_data.write(tmp_path, name, {"train": pairs})
    assert catalog.load(name, data_dir=tmp_path) == (["olá"], ["hello"])
    with tfds.testing.mock_data(num_examples=7, data_dir=str(tmp_path)):
        sources, targets = catalog.load(name)
    assert len(sources) == len(targets) == 7
    assert all(isinstance(text, str) and text for text in sources + targets)
