"""Hooks of mkdocs: the site has the repository's own files, at their own places.

README.md, recipes/README.md and others lie outside docs/. The site is laid out as the
repository is, so that every link between pages works in both, and nothing is copied.
The API reference has a page for every public name and for every package.
"""

import ast
import pathlib
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTSIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "recipes/README.md")
# In the order of the data, from raw input to a served model.
PACKAGES = {
    "data": "where examples come from",
    "tokens": "raw input to tensors, and back",
    "layers": "what Keras lacks",
    "architectures": "the three shapes of models",
    "decoding": "choosing tokens",
    "training": "recipes, runs, fine-tuning",
    "exporting": "serving without rnnzoo",
    "analysis": "reports and explanations",
    "lecture": "networks of the lecture",
    "testing": "the contract of every model",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the API reference to the navigation."""
    names = [f"api/{name}.md" for name in _public_names()]
    packages = [f"api/packages/{package}.md" for package in PACKAGES]
    config.nav.insert(2, {"API": [{"Public names": names}, {"Packages": packages}]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Lays the site out as the repository is, and adds the API reference."""
    pages = [
        File.generated(config, f"docs/{file.src_uri}", abs_src_path=file.abs_src_path)
        for file in files
        if file.src_uri.endswith((".md", ".png", ".yaml", "_cluster.py"))
    ]
    pictures = sorted(ROOT.glob("benchmarks/*.png"))
    for name in [*OUTSIDE, *(str(path.relative_to(ROOT)) for path in pictures)]:
        pages.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for name, text in _reference().items():
        pages.append(File.generated(config, name, content=text))
    theme = [file for file in files if file.abs_src_path is None]
    return Files([*theme, *pages])


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Marks Python sessions as such, for their colours."""
    return markdown.replace("```python\n>>>", "```pycon\n>>>")


class Examples(griffe.Extension):
    """Reads "Example:" in docstrings as "Examples:", the one that griffe knows."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of an object that has been read."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = text.replace("\nExample:\n", "\nExamples:\n")


def _public_names() -> dict[str, str]:
    """Returns every public name and what it documents, as the stub file has them."""
    tree = ast.parse((ROOT / "rnnzoo" / "__init__.pyi").read_text(encoding="utf-8"))
    places, found = {}, {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            places |= {one.name: f"{node.module}.{one.name}" for one in node.names}
        if isinstance(node, ast.Assign):
            names = ast.literal_eval(node.value)
        if isinstance(node, ast.FunctionDef):
            found[node.name] = places[ast.unparse(node.returns)]
    return {name: found.get(name, places.get(name)) for name in names}


def _reference() -> dict[str, str]:
    """Returns the pages of the API reference."""
    pages = {}
    for name, place in _public_names().items():
        shown = place.rpartition(".")[2]
        text = f"# {name}\n\n"
        if shown == name:
            text += f"::: {place}\n"
        else:
            text += f"`{name}(...)` creates a `{shown}`.\n\n::: rnnzoo.{name}\n\n"
            # The arguments are those of the factory.
            text += f"::: {place}\n    options:\n      show_signature: false\n"
            text += "      show_docstring_parameters: false\n"
        pages[f"api/{name}.md"] = text
    shown = sorted({place.rpartition(".")[2] for place in _public_names().values()})
    for package, summary in PACKAGES.items():
        text = f"# rnnzoo.{package}: {summary}\n\n::: rnnzoo.{package}\n"
        # What has a page of its own is not shown twice.
        text += f"    options: {{filters: ['!^_', '!^({'|'.join(shown)})$']}}\n"
        pages[f"api/packages/{package}.md"] = text
    return pages
