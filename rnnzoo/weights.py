"""Weight files: find, check and load them. Only loading imports TensorFlow."""

import contextlib
import functools
import hashlib
import importlib
import inspect
import json
import os
import pathlib
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from rnnzoo import model_file
from rnnzoo.api import MODULES
from rnnzoo.architectures.factory import builder, refuse_unknown
from rnnzoo.errors import closest, shorten

FOLDER = pathlib.Path(__file__).parent
CATALOG = FOLDER / "weights.json"
# The arguments and errors of every factory, around the arguments of its class.
FACTORY_HELP = """\
Args:
    weights: A name that `rnnzoo.list_weights("{name}")` has,
        the path of a file that `save` wrote, or `None` for an untrained model.
        Listed weights and files bring their own settings; an argument that
        contradicts them is refused.
{arguments}Raises:
    ValueError: If there are no such weights, they contradict an argument, or an
        argument is outside its range.

"""


@functools.cache
def records() -> dict[str, dict]:
    """Returns the records of all listed weight files, by full name."""
    return json.loads(CATALOG.read_text(encoding="utf-8"))


def find(name: str, model: str | None = None, also: str = "") -> pathlib.Path:
    """Finds a weight file by its listed name or its path, and checks its sha256.

    Raises `ValueError` if nothing has that name, or a listed file is damaged.

    Args:
        name: A listed name, in full or without the model's; or a path of a `.keras`
            file.
        model: Name of the model that the weights are for.
        also: Name of another model whose weights it can use.
    """
    full_names = [name, f"{model}.{name}", f"{also}.{name}"]
    full_name = next((one for one in full_names if one in records()), name)
    record = records().get(full_name)
    if record is None:
        with contextlib.suppress(OSError):  # as for a name that is too long
            if (path := pathlib.Path(name)).is_file():
                return path
        models = (model, also) if model else None
        known = [n for n in records() if not models or n.split(".")[0] in models]
        short = [listed.split(".", 1)[1] for listed in known]
        raise ValueError(
            f"There are no such weights: neither a listed name ({', '.join(known)}) "
            f"nor a file.{closest(name, known + short)} Received: "
            f"weights={shorten(name)}"
        )
    path = FOLDER / "pretrained" / record["file"]
    if not path.is_file():
        raise ValueError(
            f"The file of {full_name} is missing from the installation: reinstall "
            f"rnnzoo. Received: path={str(path)!r}"
        )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 != record["sha256"]:
        raise ValueError(
            f"The file of {full_name} is damaged: reinstall rnnzoo. Expected "
            f"sha256={record['sha256']}. Received: sha256={sha256} of {str(path)!r}"
        )
    return path


def load(path: str | os.PathLike[str]) -> Any:
    """Loads a model from its file: weights, tokens, settings and card.

    Files with code (such as `Lambda` layers), with parts that no model has, or with
    weights that are NaN or do not fit the settings, are refused before any of it is
    used. Raises `ValueError` for those, and for a missing or damaged file.

    Args:
        path: A `.keras` file that a model's `save` or a training run wrote, or a listed
            name such as `"sorter.integers_32"`.

    Example:
        >>> import rnnzoo, tempfile, pathlib
        >>> model = rnnzoo.sorter(weights=None, max_value=9, units=8)
        >>> path = pathlib.Path(tempfile.mkdtemp(), "mine.keras")
        >>> model.save(path)
        >>> rnnzoo.load(path).tokens.maximum
        9
    """
    path = find(str(path))
    content = model_file.read_content(path)
    registered = content["registered_name"]
    import keras

    from rnnzoo.architectures.sequence_model import SequenceModel

    # Keras finds a class by its registered name, once its module is imported.
    for module in (*MODULES.values(), "rnnzoo.training.finetuning"):
        importlib.import_module(module)
    found = keras.saving.get_registered_object(registered)
    if not isinstance(found, type) or not issubclass(found, SequenceModel):
        raise ValueError(
            f"The file must hold a model of rnnzoo. Load others with "
            f"keras.models.load_model. Received: a {shorten(registered)} in "
            f"{str(path)!r}"
        )
    return _load(path, content)


def _load(path: pathlib.Path, content: dict) -> Any:
    """Builds the model of a file's checked settings, and loads its weights."""
    import keras

    def make() -> Any:
        return keras.saving.deserialize_keras_object(content, safe_mode=True)

    model = model_file.build(path, make)
    limit = model_file.count_numbers(model)
    with model_file.extract(path, limit) as folder, warnings.catch_warnings():
        if not content.get("compile_config"):
            # The optimizer that it has is not used, and may be of another policy.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        model.load_weights(folder / model_file.WEIGHTS)
        if (folder / "assets").is_dir():
            model.load_assets(folder / "assets")
        model_file.check_finite(model)
    return model


def factory(
    model_class: type, name: str, weights: str | None = None, also: str = ""
) -> Callable[..., Any]:
    """Creates the public function that builds or loads a model: `sorter` of `Sorter`.

    Its arguments are `weights` and those of the class. `python -m rnnzoo.stubs` writes
    its signature and documentation to `rnnzoo/__init__.pyi`.

    Args:
        model_class: The model's class.
        name: The function's name, and the first part of the names of its weights.
        weights: The listed weights that it loads by default; `None` for an untrained
            model.
        also: Name of another factory of this class, whose weights this one takes too.
    """
    make: Any = builder(model_class, name)

    def make_or_load(weights: str | None = weights, **given: Any) -> Any:
        if weights is None:
            return make(**given)
        path, config, changes = read_settings(make_or_load, weights, given)
        if changes:
            # Each new class or word may have a vector.
            more = 2**12 * sum(
                len(v) for v in changes.values() if hasattr(v, "__len__")
            )
            return model_file.build(
                path,
                lambda: model_class.from_file(path, config, changes),
                more,
                (ValueError, TypeError),
            )
        return _load(path, model_file.read_content(path))

    first = inspect.Parameter(
        "weights",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=weights,
        annotation=str | None,
    )
    own = make.__signature__.parameters.values()
    shown: Any = functools.update_wrapper(make_or_load, make)
    shown.__signature__ = make.__signature__.replace(parameters=[first, *own])
    shown.__doc__ = re.sub(
        r"Args:\n((?:    .*\n|\n)+)",
        lambda args: FACTORY_HELP.format(name=name, arguments=args[1]),
        f"{make.__doc__}\n\n",
        count=1,
    ).rstrip()
    shown.also = also
    return shown


def read_settings(
    factory: Any, weights: str, given: dict
) -> tuple[pathlib.Path, dict, dict]:
    """Reads the settings of the weights that a factory would load; builds no model.

    Returns the file, its settings, and those of `given` (the factory's other arguments)
    that replace some of them; what cannot be replaced is refused.
    """
    import keras

    name, model_class = factory.__name__, factory.model_class
    own = list(inspect.signature(factory).parameters.values())[1:]
    signature = inspect.Signature(own)
    refuse_unknown(name, given, signature)
    path = find(str(weights), name, factory.also)
    content = model_file.read_content(path)
    registered = content["registered_name"]
    if keras.saving.get_registered_object(registered) is not model_class:
        raise ValueError(
            f"{name}() needs weights of a {model_class.__name__}. Received: "
            f"weights={str(weights)!r}, which hold a {shorten(registered)}"
        )
    config = model_class.current_config(content["config"])
    with model_file.refuse_unreadable(path):
        refuse_unknown(name, config, signature)
    given = {
        key: list(value)
        if isinstance(value, Iterable) and isinstance(config.get(key), list)
        else value
        for key, value in given.items()
        if value is not None or signature.parameters[key].default is not None
    }
    contradictions = [
        f"{key}={shorten(value)} where the weights have {shorten(config.get(key))}"
        for key, value in given.items()
        if config.get(key) != value and key not in model_class.REPLACEABLE
    ]
    if contradictions:
        raise ValueError(
            f"weights={shorten(str(weights))} bring their own settings. Leave out what "
            f"contradicts them, or pass weights=None for an untrained model. Received: "
            f"{'; '.join(contradictions)}"
        )
    changes = {key: value for key, value in given.items() if config.get(key) != value}
    return path, config, changes


def copy_weights(path: pathlib.Path, model: Any, adapt: Callable) -> None:
    """Copies the weights of a file into the layers of a model that are in it.

    `adapt` takes a layer's name, the file's values and the model's values, whose shapes
    may differ, and returns the values to use.
    """
    import h5py

    with model_file.extract(path) as folder:
        draft = folder / "draft.weights.h5"
        model.save_weights(draft)
        with (
            h5py.File(folder / model_file.WEIGHTS) as old,
            h5py.File(draft, "r+") as new,
        ):

            def copy(name: str, item: Any) -> None:
                top = "/".join(name.split("/")[:2])
                if not (top.startswith("layers/") and top in old):
                    return
                if isinstance(item, h5py.Dataset):
                    layer = new[f"{top}/vars"].attrs["name"]
                    values: Any = old[name]
                    item[...] = adapt(layer, values[...], item[...])

            new.visititems(copy)
        model.load_weights(draft)
        model_file.check_finite(model)


def read_config(path: pathlib.Path) -> dict:
    """Reads a model's constructor arguments from its file, without building it."""
    return model_file.read_content(path)["config"]


def read_class_name(path: str) -> str:
    """Reads the name of a model's class from its file; empty if it is not a model."""
    try:
        content = model_file.read_content(pathlib.Path(path))
    except (ValueError, OSError):
        return ""
    return content["registered_name"].rpartition(">")[2]
