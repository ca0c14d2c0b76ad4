"""Writes samples of the language models to docs/language.md.

    python docs/write_samples.py

Each is the first with seed 0 and temperature 0.7, for the first prompt of the weights'
record; none is selected.
"""

import pathlib
import re

from rnnzoo import language_model, list_weights, weights

PAGE = pathlib.Path(__file__).with_name("language.md")
SYMBOLS = {"characters": 400, "whitespace": 80}


def sample(name: str) -> str:
    """Returns a heading, and a prompt with the generated text."""
    model = language_model(name)
    prompt = weights.records()[name]["golden"][0]["input"]
    tokens = model.get_config()["tokens"]
    text = model.generate(prompt, max_length=SYMBOLS[tokens], temperature=0.7, seed=0)
    lines = (prompt + model.tokens.separator + text).splitlines()
    body = "\n".join(f"    {line.strip()}".rstrip() for line in lines)
    return f"`{name}`, after `{prompt}`:\n\n{body}\n"


def main() -> None:
    """Replaces the text between the marks."""
    page = PAGE.read_text(encoding="utf-8")
    samples = "\n".join(map(sample, list_weights("language_model")))
    marked = f"<!-- samples -->\n{samples}<!-- end -->"
    page = re.sub(
        "<!-- samples -->.*<!-- end -->", lambda _: marked, page, flags=re.DOTALL
    )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
