"""The demo: its JavaScript against Python, and its server; see test_page.py too."""

import functools
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnzoo import demo
from rnnzoo.command import main
from rnnzoo.decoding import sampling
from rnnzoo.tokens import Characters, Numbers, Words, parse_numbers
from rnnzoo.tokens.spelled import SpelledWords

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")
once = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@functools.cache
def characters_alike():
    """All characters that TensorFlow knows as this Python and browsers do.

    Each has its tables of Unicode, and the oldest of them decides.
    """
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = tf.constant([one.encode() for one in every])
    kinds = r"\pL|\pM|\pN|\pP|\pS|\pZ|\pC|\t|\n|\r"
    known = tf.strings.regex_full_match(texts, kinds).numpy()
    lower = tf.strings.lower(texts, "utf-8").numpy().tolist()
    return "".join(
        one
        for one, is_known, small in zip(every, known, lower, strict=True)
        if is_known and unicodedata.category(one) != "Cn"
        # At a NUL, TensorFlow's function ends; such texts it is never given.
        if one == "\0" or one.lower().encode() == small
    )


# What rules of words are about, more often than chance would have it.
special = st.sampled_from(
    ["'", "’", "<br />", "</P>", "<", ">", " ", "\n", "Σ", "İ", "ſ", "\u0307", "a", "B"]
)


def texts():
    anything = st.integers(0, len(characters_alike()) - 1)
    anything = anything.map(lambda place: characters_alike()[place])
    return st.lists(special | anything | st.characters(codec="ascii")).map("".join)


@pytest.fixture(scope="module")
def javascript():
    """Calls the page's functions, in Node."""
    script = pathlib.Path(__file__).with_name("read_texts.mjs")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [NODE, str(script)], stdin=pipe, stdout=pipe, text=True
    ) as process:

        def call(name, **inputs):
            print(json.dumps([name, inputs]), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield call
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@needs_node
@once
@given(st.deferred(texts))
def test_words_are_those_of_python(javascript, text):
    assert javascript("split", text=text) == Words.split(text)


@needs_node
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's <br />GREAT!!", ["it's", "great", "!", "!"]),
        ("'tis the dogs' l’eau ''", "' tis the dogs ' l'eau ' '".split()),
        ("ΟΔΟΣ İ \N{GRINNING FACE}\0x", ["οδος", "i̇", "\N{GRINNING FACE}", "x"]),
        ("\ud83d <script>", ["?", "<", "script", ">"]),
        ("", []),
    ],
)
def test_words_of_odd_texts(javascript, text, words):
    assert javascript("split", text=text) == words == Words.split(text)


@needs_node
@pytest.mark.parametrize("length", [0, 1, 4, 5, 6, 30])
def test_of_long_texts_the_same_words_are_read(javascript, length):
    config = {"vocabulary": ["a", "b", "c"], "max_length": 5}
    text = " ".join("abcd"[i % 4] for i in range(length))
    answer = javascript("words", text=text, config=config)
    assert answer["ids"] == Words(**config).encode([text])[0].tolist()
    assert len(answer["words"]) == len(answer["ids"])
    assert answer["leftOut"] == max(0, length - 5)


SPELLED = {
    start: SpelledWords(
        ["Paris", "don", "n't", "3.5", "PARIS", "٣", "ὈΔΟΣ"],
        "Parisd'n.\u0307",
        lowered=["boat", "k", "\N{GREEK SMALL LETTER OMEGA}"],
        word_length=5,
        start=start,
    )
    for start in (False, True)
}
# What rules of tagged words are about.
contraction = st.sampled_from(
    ["n't", "N’T", "'s", "'ſ", "'re", "’LL", "a.b", "1,5", "1:2", "@", "_", "...", "--"]
    + [
        "Boat",
        "Ω",
        "\ue000",
        "\u200d",
        "\U0001f3fd",
        "\N{GRINNING FACE}",
        "\u0301",
        "٣",
        "Paris",
        "K",
    ]
)


@needs_node
@once
@given(st.deferred(lambda: st.lists(contraction | texts()).map("".join)), st.booleans())
def test_tagged_words_are_those_of_python(javascript, text, start):
    tokens = SPELLED[start]
    names = ("vocabulary", "characters", "lowered", "word_length", "start")
    config = {name: tokens.get_config()[name] for name in names}
    answer = javascript("spelled", text=text, config=config)
    ((words, starts, ends),) = tokens.split_checked([text])
    assert answer["words"] == [word.decode() for word in words]
    units = [0, *np.cumsum([1 + (ord(one) > 0xFFFF) for one in text]).tolist()]
    places = [[units[a], units[b]] for a, b in zip(starts, ends, strict=True)]
    assert answer["places"] == places
    (rows,) = tokens.encode([text])
    assert answer["ids"] == rows.ravel().tolist() and answer["steps"] == len(rows)


CHARACTERS = Characters("abç\n\N{GRINNING FACE}", start=True)


@needs_node
@once
@given(st.text() | st.text("abç\n"))
def test_characters_are_those_of_python(javascript, text):
    config = CHARACTERS.get_config()
    expected = CHARACTERS.encode([text])[0].tolist()
    assert javascript("characters", text=text, config=config) == expected


@needs_node
@once
@given(
    st.lists(
        st.integers(-1, 34).map(str)
        | st.sampled_from(["", "+7", "x", "1.5", "٣", "\ufeff", "9" * 5000])
    ),
    st.sampled_from([" ", ",", ", ", "\n", "\u2003", "] [", "\x1c", "\x85", ";"]),
)
def test_numbers_are_those_of_python(javascript, words, joint):
    text, tokens = joint.join(words), Numbers(1, 32)
    answer = javascript("numbers", text=text, config=tokens.get_config())
    try:
        ids = tokens.encode([parse_numbers(text)], 32)
    except (TypeError, ValueError):
        assert set(answer) == {"error"}
    else:
        assert answer == tokens.decode(ids[0]).tolist()


@needs_node
@once
@given(st.text(max_size=300), st.integers(0, 2**32 - 1))
def test_the_same_seed_has_the_same_random_numbers(javascript, text, seed):
    (expected,) = sampling.make_keys([text], seed)
    assert int(javascript("key", text=text, seed=seed)) == int(expected)


@needs_node
def test_random_numbers_are_those_of_python(javascript):
    for key in (0, 1, 2**63 - 2, 2**64 - 1):
        steps = np.arange(5, dtype="uint64")
        expected = sampling.uniform_numbers(
            tf.constant(key, tf.uint64), tf.constant(steps)
        )
        found = [javascript("uniform", key=str(key), step=step) for step in range(5)]
        assert found == expected.numpy().tolist()


@pytest.fixture
def address(tmp_path):
    """The address of a server of a small folder."""
    folder = tmp_path / "page"
    (folder / "models").mkdir(parents=True)
    (folder / "index.html").write_text("<p>A page</p>")
    (folder / "page.js").write_text("1")
    (folder / "runtime.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    with demo.make_server(folder, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address
        server.shutdown()


def get(address, path):
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.getheader("Content-Type"), response.read()


def test_files_are_sent_as_what_they_are(address):
    assert get(address, "/") == (200, "text/html", b"<p>A page</p>")
    assert get(address, "/page.js") == (200, "text/javascript", b"1")
    assert get(address, "/runtime.wasm") == (200, "application/wasm", b"\0asm")


@pytest.mark.parametrize(
    "path", ["/models/", "/no", "/../secret.txt", "/%2e%2e/secret.txt", "//secret.txt"]
)
def test_nothing_else_is_sent(address, path):
    status, _, body = get(address, path)
    assert status == 404 and b"secret" not in body


def test_it_is_for_this_machine_only(address):
    assert address[0] == "127.0.0.1"


def ask(address, path, **headers):
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    return response


@pytest.mark.parametrize(
    "path", ["/%00", "/a%00b", "/%ff", "/[", "//[x/", "/" + "a" * 5000, "/?%00"]
)
def test_odd_paths_leave_no_trace(address, path, capfd):
    assert ask(address, path).status == (200 if path == "/?%00" else 404)
    assert "Traceback" not in capfd.readouterr().err


def test_pages_of_other_hosts_get_nothing(address):
    good = ["localhost", "LOCALHOST:8000", f"127.0.0.1:{address[1]}"]
    assert {ask(address, "/", Host=host).status for host in good} == {200}
    bad = ["evil.example", "localhost.evil.example", "127.0.0.1@evil", "[::1]:x"]
    assert {ask(address, "/", Host=host).status for host in bad} == {403}


def test_headers_forbid_frames_and_other_sources(address):
    for path in ("/", "/no"):
        headers = ask(address, path).headers
        assert headers["X-Frame-Options"] == "DENY"
        policy = headers["Content-Security-Policy"]
        assert policy.endswith("; frame-ancestors 'none'")
        page = (demo.BROWSER / "index.html").read_text(encoding="utf-8")
        assert policy.removesuffix("; frame-ancestors 'none'") in page


def test_idle_connections_end(address, monkeypatch):
    monkeypatch.setattr(demo._Files, "timeout", 0.1)
    with socket.create_connection(address, timeout=30) as connection:
        assert connection.recv(1) == b""


def test_a_port_that_is_taken_is_said(address, tmp_path):
    with pytest.raises(ValueError) as error:
        demo.make_server(tmp_path, address[1])
    assert str(error.value) == (
        "The port is taken: give another, or 0 for any that is free. Received: "
        f"port={address[1]}"
    )
    with pytest.raises(ValueError, match="The port cannot be used"):
        demo.make_server(tmp_path, 65536)


@pytest.mark.slow
def test_control_c_ends_it(tmp_path):
    # As in a terminal, though these tests may run where the signal is ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += f"from rnnzoo import demo; demo.serve({str(tmp_path)!r}, 0)"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", line).group(1))
    assert get(("127.0.0.1", port), "/no")[0] == 404
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
    with socket.socket() as place:
        assert place.connect_ex(("127.0.0.1", port)) != 0


def test_the_page_is_written_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    written = []

    def write(folder, say):
        written.append(folder)
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("page")

    monkeypatch.setattr(demo, "write", write)
    for name in ("first", "second"):
        assert main(["demo", f"--to={tmp_path / name}"]) == 0
        assert (tmp_path / name / "index.html").read_text() == "page"
    assert written == [demo.get_cache_folder()]
    assert capsys.readouterr().out.endswith(
        f"Written, for any static host: {tmp_path / 'second'}\n"
    )
    assert main(["demo", f"--to={tmp_path}"]) == 1
    with pytest.raises(ValueError, match="The page needs a new folder"):
        demo.check_new("")
    assert "The page needs a new folder" in capsys.readouterr().err


def test_the_page_loads_nothing_from_elsewhere():
    files = [path for path in demo.BROWSER.iterdir() if path.is_file()]
    assert {path.suffix for path in files} == {".html", ".css", ".js"}
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "//" not in re.sub(r"^\s*//.*|; //.*", "", text, flags=re.M), path.name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write", text
        )


def test_the_document_names_the_version_of_the_runtime():
    runtime = demo.BROWSER / "onnxruntime" / "ort.wasm.bundle.min.mjs"
    version = re.search(r"ONNX Runtime Web v([\d.]+)", runtime.read_text("utf-8"))
    document = pathlib.Path(__file__).parent.parent / "docs" / "serving.md"
    assert f"ONNX Runtime Web {version.group(1)}" in document.read_text("utf-8")
