"""Weight files: find, check, load and list them; TensorFlow only when loading."""

import functools
import hashlib
import json
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

from rnnzoo.errors import closest

FOLDER = pathlib.Path(__file__).parent
CATALOG = FOLDER / "weights.json"


@functools.cache
def records() -> dict[str, dict]:
    """Returns the record of every listed weight file by its full name."""
    return json.loads(CATALOG.read_text(encoding="utf-8"))


def list_weights(model: str | None = None) -> list[str]:
    """Lists the weight files that come with the package.

    Args:
        model: Name of a model, as `list_models()` gives it; `None` for all.

    Returns:
        Full names, such as `"sorter.naturals_32"`.

    Raises:
        ValueError: If there is no such model.

    Example:
        >>> import rnnzoo
        >>> "sorter.naturals_32" in rnnzoo.list_weights("sorter")
        True
    """
    from rnnzoo import list_models

    models = list_models()
    if model is not None and model not in models:
        raise ValueError(
            f"There is no such model: there are {', '.join(models)}."
            f"{closest(model, models)} Received: model={model!r}"
        )
    return [name for name in records() if model in (None, name.split(".")[0])]


def find(name: str, model: str | None = None) -> pathlib.Path:
    """Finds a weight file by its listed name or its path.

    The content of a listed file is checked against its recorded sha256.

    Args:
        name: A listed name, in full or without the model's; or a path of a `.keras`
            file.
        model: Name of the model that the weights are for.

    Returns:
        The path of the file.

    Raises:
        ValueError: If nothing has that name, or a listed file is damaged.
    """
    full_name = name if name in records() else f"{model}.{name}"
    record = records().get(full_name)
    if record is None:
        path = pathlib.Path(name)
        if path.is_file():
            return path
        known = list_weights(model)
        short = [listed.split(".", 1)[1] for listed in known]
        raise ValueError(
            f"There are no such weights: neither a listed name ({', '.join(known)}) "
            f"nor a file.{closest(name, known + short)} Received: weights={name!r}"
        )
    path = FOLDER / "pretrained" / record["file"]
    if not path.is_file():
        raise ValueError(
            f"The file of {full_name} is missing from the installation: install rnnzoo "
            f"anew. Received: path={str(path)!r}"
        )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 != record["sha256"]:
        raise ValueError(
            f"The file of {full_name} is damaged: install rnnzoo anew. Expected "
            f"sha256={record['sha256']}. Received: sha256={sha256} of {str(path)!r}"
        )
    return path


def load(path: str) -> Any:
    """Loads a model from its file: weights, tokens, settings and card.

    A file holds numbers and settings, no code: one with functions in it (`Lambda`
    layers, for instance), or with paths that lead out of it, is refused, and Keras'
    safe mode stays on.

    Args:
        path: A `.keras` file that a model's `save` or a training run wrote, or a listed
            name such as `"sorter.naturals_32"`.

    Returns:
        The model, of the class that was saved.

    Raises:
        ValueError: If there is no such file, it is not a model of rnnzoo, it is
            damaged, or it holds code.

    Example:
        >>> import rnnzoo, tempfile, pathlib
        >>> model = rnnzoo.sorter(weights=None, max_value=9, units=8)
        >>> path = pathlib.Path(tempfile.mkdtemp(), "mine.keras")
        >>> model.save(path)
        >>> rnnzoo.load(path).tokens.maximum
        9
    """
    path = find(str(path))
    class_name = _content(path)["registered_name"]
    import keras

    import rnnzoo

    # Keras finds a class by its registered name once its module is imported.
    for name in rnnzoo.__all__:
        getattr(rnnzoo, name)
    if keras.saving.get_registered_object(class_name) is None:
        raise ValueError(
            f"The file must hold a model of rnnzoo. Load others with "
            f"keras.models.load_model. Received: a {class_name!r} in {str(path)!r}"
        )
    return keras.models.load_model(path, safe_mode=True)


def build(model_class: type, model: str, arguments: dict) -> Any:
    """Builds a factory's model: trained, from a file, or untrained.

    Args:
        model_class: The model's class; its constructor has the factory's arguments but
            `weights`.
        model: The factory's name.
        arguments: The factory's arguments, `None` for those not given.

    Returns:
        The model.

    Raises:
        ValueError: If weights are not found, hold another model, or contradict an
            argument.
    """
    given = {key: value for key, value in arguments.items() if value is not None}
    weights = given.pop("weights", None)
    if weights is None:
        return model_class(**given)
    path = find(str(weights), model)
    config = _content(path)
    if config["registered_name"] != f"rnnzoo>{model_class.__name__}":
        raise ValueError(
            f"{model}() needs weights of a {model_class.__name__}. Received: "
            f"weights={str(weights)!r}, which hold a {config['registered_name']}"
        )
    contradictions = [
        f"{key}={value!r} where the weights have {config['config'].get(key)!r}"
        for key, value in given.items()
        if config["config"].get(key) != value
    ]
    if contradictions:
        raise ValueError(
            f"weights={str(weights)!r} bring their own settings. Leave out what "
            f"contradicts them, or pass weights=None for an untrained model. Received: "
            f"{'; '.join(contradictions)}"
        )
    import keras

    return keras.models.load_model(path, safe_mode=True)


def settings(path: pathlib.Path) -> dict:
    """Reads a model's constructor arguments from its file, without building it.

    Raises:
        ValueError: If the file is damaged or no model.
    """
    return _content(path)["config"]


def class_name(path: str) -> str:
    """Reads the name of a model's class from its file; empty for what is no model."""
    try:
        return _content(pathlib.Path(path))["registered_name"].rpartition(">")[2]
    except (ValueError, KeyError, OSError):
        return ""


def _content(path: pathlib.Path) -> dict:
    """Reads the class and settings of a model from its file, without building it.

    Raises:
        ValueError: If it is damaged, no model, or unsafe to load.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            content = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise ValueError(
            "A model file is a .keras archive, as model.save writes it. "
            f"Received: {str(path)!r}, which is damaged or something else ({error})"
        ) from error
    outside = [name for name in names if _leads_out(name)]
    code = [kind for kind in _kinds(content) if kind in ("Lambda", "__lambda__")]
    if outside or code:
        found = f"the path {outside[0]!r}" if outside else f"code, a {code[0]!r}"
        raise ValueError(
            "A model file must hold numbers and settings, no code and no path out of "
            "it: do not load it, unless you wrote it yourself and know another way. "
            f"Received: {str(path)!r}, which holds {found}"
        )
    return content


def _leads_out(name: str) -> bool:
    """Tells whether the name of a file in an archive leads out of it."""
    path = name.replace("\\", "/")
    return path.startswith("/") or ":" in path or ".." in path.split("/")


def _kinds(content: Any) -> Iterator[str]:
    """Yields the class names of all objects in a configuration."""
    if isinstance(content, dict):
        if "class_name" in content:
            yield content["class_name"]
        content = list(content.values())
    if isinstance(content, list):
        for value in content:
            yield from _kinds(value)
