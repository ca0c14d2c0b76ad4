"""The page of the demo in Chromium: what it answers, and how it can be used.

It is loaded once, from a server that then ends; all tests use that one page, offline.
"""

import functools
import os
import pathlib
import re
import shutil
import threading
import warnings

import numpy as np
import pytest

import rnnzoo
from rnnzoo import demo

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# In one process, which exports the models once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("page")]


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
        with demo.make_server(folder, 0) as server:
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


def test_lists_are_sorted_as_in_python(page):
    model, random = trained("sorter"), np.random.default_rng(0)
    for length in (1, 2, 7, 20, 32):
        numbers = random.integers(1, 33, length).tolist()
        page.fill("#numbers", " ".join(map(str, numbers)))
        expected = " ".join(map(str, model.sort(numbers)))
        assert wait_for_text(page, "sorted", f"^{expected}$") == expected
        page.expect(page.locator("#bars *")).to_have_count(length)
    _, confidence = model.sort(numbers, return_confidence=True)
    shown = wait_for_text(page, "sorter-status", "probability of")
    share = float(re.search(r"^Right.* ([0-9.]+) %", shown)[1])
    assert share == pytest.approx(100 * confidence, abs=0.02)
    page.fill("#numbers", "3 33")
    assert wait_for_text(page, "sorter-status", "from") == "33 is not from 1 to 32."
    assert page.get_attribute("#numbers", "aria-invalid") == "true"
    page.fill("#numbers", "2 1")
    assert wait_for_text(page, "sorted", "1") == "1 2"
    assert page.get_attribute("#numbers", "aria-invalid") is None


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
    assert [word for word, *_ in shown] == explanation.tokens
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


@pytest.mark.parametrize(
    "text",
    [
        "The old man the boats, but don't rock them!",
        "<script>alert(1)</script> it’s \N{GRINNING FACE} in 東京 & Reykjavík, 3.5 km",
        "Time flies. " * 60,
        "",
    ],
)
def test_sentences_are_tagged_as_in_python(page, text):
    model = trained("tagger")
    pairs = model.tag(text, probabilities=True)
    sure = sum(share >= 0.9 for _, share in pairs)
    expected = f"^{sure} of {len(pairs)} words are sure" if pairs else "^$"
    page.fill("#sentence", "Something else.")
    wait_for_text(page, "tagger-status", "of 3 words")
    page.fill("#sentence", text)
    wait_for_text(page, "tagger-status", expected)
    shown = page.eval_on_selector_all(
        "#tags ruby",
        "all => all.map((one) => [one.firstChild.textContent, one.dataset.tag])",
    )
    words = model.split_words(text)
    tags = [tag for tag, _ in pairs]
    assert shown == [list(pair) for pair in zip(words, tags, strict=True)]


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
    order = "numbers review words sentence tags prompt temperature length seed write"
    order += " stop text"
    assert seen == order.split()
    wait_for_text(page, "sorted", "^7 8 9$")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    wait_for_text(page, "language-status", "^Stopped")
    text = page.locator("#text").text_content()
    page.wait_for_timeout(500)
    assert page.locator("#text").text_content() == text
    assert page.locator("#stop").is_disabled()


def test_every_field_has_a_name(page):
    fields = page.locator("input, textarea, button, progress, [role=region]").all()
    assert len(fields) == 13
    for field in fields:
        assert field.evaluate(
            "one => one.labels?.[0]?.textContent || one.ariaLabel || one.textContent"
        ).strip()


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


def test_nothing_went_wrong_or_was_asked_of_others(page):
    assert page.wrong == []
    assert all(url.startswith((page.address, "data:,")) for url in page.asked)
