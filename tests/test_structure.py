"""The order of the layers: no module imports one that stands above it."""

import ast
import pathlib

import pytest

import rnnzoo

ROOT = pathlib.Path(rnnzoo.__file__).parent
# From the bottom to the top. `rnnzoo` itself imports only `rnnzoo.api`.
LAYERS = [
    ["rnnzoo", "rnnzoo.api", "rnnzoo.errors"],
    ["rnnzoo.data"],
    ["rnnzoo.tokens"],
    ["rnnzoo.layers"],
    ["rnnzoo.architectures"],
    ["rnnzoo.decoding"],
    ["rnnzoo.analysis"],
    ["rnnzoo.weights", "rnnzoo.listing"],
    ["rnnzoo.models"],
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


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    wrong = [other for other in imported(MODULES[module]) if rank(other) > rank(module)]
    assert not wrong, f"{module} imports {wrong}, which stand above it"


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


@pytest.mark.parametrize("module", MODULES)
def test_a_file_holds_one_idea(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 425


def test_keras_internals_are_touched_in_one_file():
    private = ("keras.src", "_flatten_layers", "_loss_tracker", "_maybe_")
    touching = [
        module
        for module, path in MODULES.items()
        if any(word in path.read_text(encoding="utf-8") for word in private)
    ]
    assert touching == ["rnnzoo.layers.keras_internals"]
