"""The order of the layers: no module imports one that stands above it."""

import ast
import configparser
import pathlib
import re

import numpy as np
import pytest

import rnnzoo

ROOT = pathlib.Path(rnnzoo.__file__).parent
CHECKOUT = pathlib.Path(__file__).parent.parent
# From the bottom to the top. `rnnzoo` itself imports only `rnnzoo.api`.
LAYERS = [
    ["rnnzoo", "rnnzoo.api", "rnnzoo.errors", "rnnzoo.mixin", "rnnzoo.writing"],
    ["rnnzoo.data"],
    ["rnnzoo.tokens"],
    ["rnnzoo.layers"],
    ["rnnzoo.architectures"],
    ["rnnzoo.decoding"],
    ["rnnzoo.analysis"],
    ["rnnzoo.model_file", "rnnzoo.weights", "rnnzoo.declarations"],
    ["rnnzoo.listing", "rnnzoo.describing"],
    ["rnnzoo.models"],
    ["rnnzoo.factories"],
    ["rnnzoo.training"],
    ["rnnzoo.exporting"],
    ["rnnzoo.lecture"],
    ["rnnzoo.demo", "rnnzoo.stubs", "rnnzoo.testing"],
    ["rnnzoo.recipes", "rnnzoo.command"],
]
MODULES = {
    ".".join(["rnnzoo", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOT.rglob("*.py"))
    if "served" not in path.parts
}


def rank(module):
    """The number of the layer that a module belongs to."""
    parts = module.split(".")
    for size in range(len(parts), 0, -1):
        name = ".".join(parts[:size])
        for number, layer in enumerate(LAYERS):
            if name in layer and (size > 1 or len(parts) == 1):
                return number
    raise AssertionError(f"{module} belongs to no layer of LAYERS")


def imported(path):
    """The modules of rnnzoo that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{name.name}" for name in node.names}
            found |= (submodules & set(MODULES)) or {node.module}
    return {name for name in found if name.split(".")[0] == "rnnzoo"}


@pytest.mark.smoke
@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    wrong = [other for other in imported(MODULES[module]) if rank(other) > rank(module)]
    assert not wrong, f"{module} imports {wrong}, which stand above it"


@pytest.mark.smoke
def test_no_circle():
    graph = {module: imported(path) & set(MODULES) for module, path in MODULES.items()}
    # A package's own modules may be imported through it.
    done, trail = set(), []

    def visit(module):
        if module in trail:
            raise AssertionError(" -> ".join([*trail[trail.index(module) :], module]))
        if module in done:
            return
        trail.append(module)
        for other in sorted(graph[module] - {"rnnzoo", module}):
            visit(other)
        trail.pop()
        done.add(module)

    for module in MODULES:
        visit(module)


def test_modules_are_imported_by_name_only_where_names_are_data():
    """Public names, weight files, recipes, and packages of extras; nowhere else."""
    dynamic = {
        module
        for module, path in MODULES.items()
        if re.search(r"import_module\(|__import__\(", path.read_text(encoding="utf-8"))
    }
    assert dynamic == {
        "rnnzoo",
        "rnnzoo.exporting.formats",
        "rnnzoo.stubs",
        "rnnzoo.training.recipe",
        "rnnzoo.weights",
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_file_holds_one_idea(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 425


@pytest.fixture(scope="module")
def private_names():
    """Names with an underscore that objects of Keras have, before they are used."""
    import keras

    model = keras.Sequential([keras.Input((2, 1)), keras.layers.GRU(1, dropout=0.5)])
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(np.ones((1, 2, 1)), np.ones((1, 1)))
    layer = model.layers[0]
    owners = [model, layer, layer.cell, model.optimizer, model.metrics[0]]
    return {name for one in owners for name in dir(one) if re.match("_[a-z]", name)}


# Their callers pass it; Keras has no such keyword in its documentation.
PRIVATE_WORDS = ("keras.src", "keras.api", "_use_cached_eval_dataset", "_keras_mask")


@pytest.mark.parametrize("module", MODULES)
def test_keras_internals_are_touched_in_one_file(module, private_names):
    """A name that Keras has, used or defined anew, is Keras' internal or hides it."""
    if module == "rnnzoo.layers.keras_internals":
        return
    text = MODULES[module].read_text(encoding="utf-8")
    found = {word for word in PRIVATE_WORDS if word in text}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            found |= {node.attr} & private_names
        if isinstance(node, ast.ClassDef):
            defined = {
                one.name for one in node.body if isinstance(one, ast.FunctionDef)
            }
            found |= defined & private_names
        # Of itself, an object may set what it likes: a frozen data class has to.
        if isinstance(node, ast.Call) and ast.unparse(node.args[:1] or node) != "self":
            found |= {ast.unparse(node.func)} & {"object.__setattr__"}
    assert not found


def test_setup_lists_every_package():
    settings = configparser.ConfigParser()
    settings.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    packages = {
        ".".join(p.relative_to(CHECKOUT).parts[:-1]) for p in ROOT.rglob("__init__.py")
    }
    packages = {name for name in packages if "recipes" not in name} | {"rnnzoo.recipes"}
    assert set(settings["options"]["packages"].split()) == packages


def test_the_oldest_versions_are_tried():
    settings = configparser.ConfigParser()
    settings.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    script = (CHECKOUT / "ci" / "try_versions.sh").read_text(encoding="utf-8")
    for name in ("tensorflow", "keras"):
        (oldest,) = re.findall(
            rf"^{name} >=([\d.]+),",
            settings["options"]["install_requires"],
            re.MULTILINE,
        )
        assert f'"{name}=={oldest}.*"' in script
