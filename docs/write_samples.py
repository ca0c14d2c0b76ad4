"""Writes samples of the language models into docs/language.md, whatever they are.

    python docs/write_samples.py

Each is the first that seed 0 gives at temperature 0.7, for the first prompt of the
weights' record; none is chosen.
"""

import pathlib
import re

from rnnzoo import language_model, list_weights, weights

PAGE = pathlib.Path(__file__).with_name("language.md")
SYMBOLS = {"characters": 400, "whitespace": 80}


def sample(name: str) -> str:
    """Returns a heading, and a prompt with what a model wrote after it."""
    model = language_model(name)
    prompt = weights.records()[name]["golden"][0]["input"]
    tokens = model.get_config()["tokens"]
    text = model.generate(prompt, max_length=SYMBOLS[tokens], temperature=0.7, seed=0)
    lines = (prompt + model.tokens.joint + text).splitlines()
    body = "\n".join(f"    {line.strip()}".rstrip() for line in lines)
    return f"`{name}`, after `{prompt}`:\n\n{body}\n"


def main() -> None:
    """Replaces what is between the marks."""
    page = PAGE.read_text(encoding="utf-8")
    samples = "\n".join(map(sample, list_weights("language_model")))
    marked = f"<!-- samples -->\n{samples}<!-- end -->"
    page = re.sub(
        "<!-- samples -->.*<!-- end -->", lambda _: marked, page, flags=re.DOTALL
    )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
