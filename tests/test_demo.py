"""The demo: its JavaScript against Python, its server, and the page in a browser."""

import functools
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnnzoo
from rnnzoo import demo, generation
from rnnzoo.command import main
from rnnzoo.tokens import Characters, Numbers, Words, parse_numbers

NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
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
        if is_known and (one == "\0" or one.lower().encode() == small)
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
    process = subprocess.Popen(
        [NODE, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

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


@needs_node
@once
@given(st.text() | st.text("abç\n"))
def test_characters_are_those_of_python(javascript, text):
    tokens = Characters("abç\n\N{GRINNING FACE}", start=True)
    config = tokens.get_config()
    expected = tokens.encode([text])[0].tolist()
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
    (expected,) = generation.keys([text], seed)
    assert int(javascript("key", text=text, seed=seed)) == int(expected)


@needs_node
def test_random_numbers_are_those_of_python(javascript):
    for key in (0, 1, 2**63 - 2, 2**64 - 1):
        steps = np.arange(5, dtype="uint64")
        expected = generation._uniform(tf.constant(key, tf.uint64), tf.constant(steps))
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
    with demo.server(folder, 0) as server:
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


def test_a_port_that_is_taken_is_said(address, tmp_path):
    with pytest.raises(ValueError) as error:
        demo.server(tmp_path, address[1])
    assert str(error.value) == (
        "The port is taken: give another, or 0 for any that is free. Received: "
        f"port={address[1]}"
    )
    with pytest.raises(ValueError, match="The port cannot be used"):
        demo.server(tmp_path, 65536)


def test_control_c_ends_it(tmp_path):
    code = f"from rnnzoo import demo; demo.serve({str(tmp_path)!r}, 0)"
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
    assert written == [demo.cached()]
    assert capsys.readouterr().out.endswith(
        f"Written, for any static host: {tmp_path / 'second'}\n"
    )
    assert main(["demo", f"--to={tmp_path}"]) == 1
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


# In a browser. It is started once, and has the page from a server that then ends.


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page, loaded in Chromium, and offline since."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    folder = tmp_path_factory.mktemp("demo") / "page"
    demo.write(folder)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        page = browser.new_page()
        page.wrong, page.asked, page.expect = [], [], playwright.expect
        page.on("console", lambda one: page.wrong.append(one.text))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        with demo.server(folder, 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            page.address = f"http://127.0.0.1:{server.server_port}/"
            page.goto(page.address)
            page.wait_for_selector("body[data-ready]", timeout=300_000)
            server.shutdown()
        page.context.set_offline(True)
        page.set_default_timeout(300_000)
        yield page
        browser.close()


@functools.cache
def trained(name):
    return getattr(rnnzoo, name)()


def wait_for_text(page, name, pattern):
    place = page.locator(f"#{name}")
    # Not with a script in the page, where its security policy forbids `eval`.
    page.expect(place).to_have_text(re.compile(pattern, re.S), timeout=300_000)
    return place.text_content()


@pytest.mark.slow
def test_lists_are_sorted_as_in_python(page):
    model, random = trained("sorter"), np.random.default_rng(0)
    for length in (1, 2, 7, 20, 32):
        numbers = random.integers(1, 33, length).tolist()
        page.fill("#numbers", " ".join(map(str, numbers)))
        expected = " ".join(map(str, model.sort(numbers)))
        assert wait_for_text(page, "sorted", f"^{expected}$") == expected
        page.expect(page.locator("#bars *")).to_have_count(length)
    page.fill("#numbers", "3 33")
    assert wait_for_text(page, "sorter-status", "from") == "33 is not from 1 to 32."
    assert page.get_attribute("#numbers", "aria-invalid") == "true"
    page.fill("#numbers", "2 1")
    assert wait_for_text(page, "sorted", "1") == "1 2"
    assert page.get_attribute("#numbers", "aria-invalid") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "A quiet triumph. What a bore!",
        "<script>alert(1)</script> <b>It isn't</b> \N{GRINNING FACE} & zweihundert",
        "",
        "I liked it at first. " * 12 + "Then it went on and on, and I did not.",
        "good " * 500 + "bad " * 500,
    ],
)
def test_reviews_are_judged_as_in_python(page, text):
    model = trained("sentiment_classifier")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a text is cut
        (shares,) = model.probabilities([text])
    label = model.classes[shares.argmax()]
    expected = f"{label}, probability {shares.max():.3f}"
    page.fill("#review", "Something else.")
    wait_for_text(page, "sentiment-status", "^All 3 known")
    page.fill("#review", text)
    assert wait_for_text(page, "label", f"^{expected}$") == expected
    if len(text) > 1000:  # its words would take minutes
        wait_for_text(page, "words", r"\[200 words that were not read\]")
        return
    explanation = model.explain(text)
    known = sum(explanation.known)
    wait_for_text(page, "sentiment-status", f"^All {known} known words tried")
    shown = page.eval_on_selector_all(
        "#words .word",
        "all => all.map((one) => [one.textContent, one.title, one.className, "
        "one.children.length])",
    )
    assert [word for word, *_ in shown] == explanation.words
    largest = abs(explanation.contributions).max()
    for (_, title, kind, children), contribution, is_known in zip(
        shown, explanation.contributions, explanation.known, strict=True
    ):
        number = float(title.removesuffix(" nats").replace("−", "-"))
        assert number == pytest.approx(contribution, abs=2e-3)
        assert ("unknown" in kind) == (not is_known)
        if abs(contribution) > 0.06 * largest:
            assert ("for" if contribution > 0 else "against") in kind.split()
        assert children == 0
    top = page.locator("#top tr").first.text_content() if known else ""
    assert top.endswith(explanation.top(1)[0][0] if known else "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "temperature", "seed"),
    [
        ("ROMEO:", 0.0, 1),
        ("ROMEO:", 0.7, 1),
        ("", 1.0, 4294967295),
        ("<b>KING</b> \N{GRINNING FACE}\n", 0.7, 2),
        ("To be, or not to be, that is the question. " * 5, 0.3, 3),
    ],
)
def test_texts_are_written_as_in_python(page, prompt, temperature, seed):
    model = trained("language_model")
    written = model.generate(prompt, max_length=50, temperature=temperature, seed=seed)
    page.fill("#prompt", prompt)
    page.fill("#length", "50")
    page.fill("#seed", str(seed))
    page.evaluate(
        "value => { const one = document.getElementById('temperature');"
        "one.value = value; one.dispatchEvent(new Event('input')); }",
        str(temperature),
    )
    page.click("#write")
    wait_for_text(page, "language-status", "^Done")
    assert page.locator("#text").text_content() == prompt + written
    assert page.locator("#text *").count() == 0


@pytest.mark.slow
def test_with_keys_alone(page):
    page.focus("#numbers")
    page.keyboard.press("Control+A")
    page.keyboard.type("9 7 8")
    seen = ["numbers"]
    while seen[-1] != "text":
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
        if seen[-1] == "length":
            page.keyboard.press("Control+A")
            page.keyboard.type("5000")
        if seen[-1] == "write":
            page.keyboard.press("Enter")
            wait_for_text(page, "language-status", "^Writing")
    order = "numbers review words prompt temperature length seed write stop text"
    assert seen == order.split()
    wait_for_text(page, "sorted", "^7 8 9$")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    wait_for_text(page, "language-status", "^Stopped")
    text = page.locator("#text").text_content()
    page.wait_for_timeout(500)
    assert page.locator("#text").text_content() == text
    assert page.locator("#stop").is_disabled()


@pytest.mark.slow
def test_every_field_has_a_name(page):
    fields = page.locator("input, textarea, button, progress, [role=region]").all()
    assert len(fields) == 11
    for field in fields:
        assert field.evaluate(
            "one => one.labels?.[0]?.textContent || one.ariaLabel || one.textContent"
        ).strip()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 768, 1600])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_on_every_screen(page, width, colours):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=colours)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [one.bounding_box() for one in page.locator("section").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert (boxes[1]["x"] > boxes[0]["x"]) == (width > 800)
    shots = os.environ.get("SCREENSHOTS")  # a folder, to look at them
    if shots:
        path = pathlib.Path(shots, f"demo_{width}_{colours}.png")
        page.screenshot(path=path, full_page=True)


@pytest.mark.slow
def test_nothing_went_wrong_or_was_asked_of_others(page):
    assert page.wrong == []
    assert all(url.startswith((page.address, "data:,")) for url in page.asked)
