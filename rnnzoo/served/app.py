"""Serves the SavedModel of this folder over HTTP; it needs TensorFlow, not rnnzoo.

    pip install -r requirements.txt
    python app.py                     # for this machine only: http://127.0.0.1:8000
    python app.py --origins=https://example.org      # pages of that site may ask, too
    python app.py --host=0.0.0.0 --port=80           # for other machines

Before the first request is accepted, every signature has answered once.

    GET  /         what the model is and takes: model.json
    GET  /health   whether it is ready
    POST /answer   inputs of the default signature, {"text": ["..."]}: outputs by name
    POST /stream   {"text": "...", "max_length": 100}: a language model's text, as it
                   is written; other options are those of `write` in requests.json
    POST /v1/models/NAME:predict   as TensorFlow Serving: requests.json has requests

What does not fit gets the status 400 and {"error": "one sentence"}.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import pathlib
import random
import re
import reprlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

with contextlib.suppress(ImportError):
    import tensorflow_text  # noqa: F401 (operations for texts)

HERE = pathlib.Path(__file__).parent
DEFAULT = "serving_default"
# Largest body of a request, in bytes.
LIMIT = 2**24
# Tokens of the first chunk of a stream, and of the others; tokens of a text.
FIRST_WRITTEN, WRITTEN, LONGEST = 2, 16, 10_000


class Refusal(ValueError):
    """A request that gets the status 400, and the sentence that says why."""

    def __init__(self, expected: str, **received: Any):
        shown = (f"{name}={_shorten(value)}" for name, value in received.items())
        super().__init__(f"{expected} Received: {', '.join(shown)}")


class Model:
    """The signatures of a folder, called with what JSON has."""

    def __init__(self, folder: pathlib.Path):
        self.loaded = tf.saved_model.load(str(folder))
        self.name = _read_json(folder / "model-settings.json")["name"]
        self.card = _read_json(folder / "model.json")
        self.requests = _read_json(folder / "requests.json")

    def warm_up(self) -> None:
        """Calls every signature once, as requests.json does."""
        for name, example in self.requests.items():
            self.call(name, example["request"]["inputs"])
        if "write" in self.requests:
            for _ in self.write({"text": "", "max_length": FIRST_WRITTEN + 1}):
                pass

    def call(self, signature: Any, given: Any) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by name; raises `Refusal`."""
        if not isinstance(signature, str) or signature not in self.loaded.signatures:
            known = ", ".join(self.loaded.signatures)
            raise Refusal(
                f"signature_name must be one of {known}.", signature_name=signature
            )
        function = self.loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        if not isinstance(given, dict) or sorted(given) != sorted(specs):
            names = ", ".join(sorted(specs))
            raise Refusal(f"The inputs must be an object with {names}.", inputs=given)
        tensors = {name: _read_tensor(name, given[name], specs[name]) for name in specs}
        try:
            outputs = function(**tensors)
        except tf.errors.OpError as error:
            reason = re.search(r"assertion failed: \[(.*)\]", error.message)
            expected = reason[1] if reason else "The model must be able to read inputs."
            raise Refusal(expected, **given) from None
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    def write(self, given: Any) -> Iterator[str]:
        """Yields a language model's continuation of a text, in chunks.

        Together they are what the signature `generate` writes with the same seed.
        """
        if "write" not in self.loaded.signatures:
            raise Refusal("Only language models stream: use /answer.", model=self.name)
        example = self.requests["write"]["request"]["inputs"]
        specs = self.card["signatures"]["write"]["inputs"]
        # What is no part of a text's state.
        options = {name: example[name] for name in specs if not specs[name]["shape"]}
        options |= {"text": "", "seed": random.getrandbits(31)}
        if not isinstance(given, dict) or not set(given) <= set(options):
            known = ", ".join(options)
            raise Refusal(f"A stream takes an object with some of {known}.", body=given)
        options |= given
        text, left = options.pop("text"), options.pop("max_length")
        if type(left) is not int or not 0 <= left <= LONGEST:
            expected = f"max_length must be an integer from 0 to {LONGEST}."
            raise Refusal(expected, max_length=left)
        if not isinstance(options["stop"], str):
            raise Refusal("stop must be a string.", stop=options["stop"])
        # A stop may have begun; between words, it may be written with more spaces.
        held = 2 * len(options["stop"])
        state = self.call("begin", {"text": [text], "seed": options.pop("seed")})
        sent, size = 0, FIRST_WRITTEN
        while True:
            size = min(left, size)
            state = {name: state[name] for name in specs if name in state}
            found = self.call("write", {**state, **options, "max_length": size})
            written = found["text"][0].decode("utf-8", "replace")
            left = 0 if found["ended"][0] else left - size
            end = max(len(written) - held, sent) if left else len(written)
            if written[sent:end]:
                yield written[sent:end]
            if not left:
                return
            state, sent, size = found, end, WRITTEN


def create_app(
    folder: str | os.PathLike = HERE, origins: tuple[str, ...] | None = None
) -> FastAPI:
    """Returns the application that serves a folder.

    Args:
        folder: The folder of an exported SavedModel.
        origins: Sites whose pages may ask, such as `"https://example.org"`; `"*"` for
            all. Default: those of the environment variable `ORIGINS`, or none.
    """

    @contextlib.asynccontextmanager
    async def load(app: FastAPI) -> AsyncIterator[None]:
        app.state.model = Model(pathlib.Path(folder))
        app.state.model.warm_up()
        yield

    app = FastAPI(title="A model of rnnzoo", lifespan=load)
    if origins is None:
        origins = tuple(filter(None, os.environ.get("ORIGINS", "").split(",")))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type"],
    )

    @app.exception_handler(Refusal)
    async def refuse(request: Request, error: Refusal) -> JSONResponse:
        return JSONResponse({"error": str(error)[:1900]}, 400)

    @app.exception_handler(HTTPException)
    async def explain(request: Request, error: HTTPException) -> JSONResponse:
        known = "GET / and /health, POST /answer, /stream and /v1/models/NAME:predict"
        expected = f"There are {known}." if error.status_code < 413 else error.detail
        place = f"{request.method} {request.url.path}"
        return JSONResponse(
            {"error": f"{expected} Received: {_shorten(place)}"}, error.status_code
        )

    @app.get("/")
    def describe(request: Request) -> JSONResponse:
        model = request.app.state.model
        return JSONResponse(_to_plain({"name": model.name, **model.card}))

    @app.get("/health")
    def report_health() -> JSONResponse:
        return JSONResponse({"ready": True})

    @app.post("/answer")
    async def answer(request: Request) -> JSONResponse:
        body = await _read_body(request)
        outputs = await asyncio.to_thread(request.app.state.model.call, DEFAULT, body)
        return JSONResponse(_to_plain(outputs))

    @app.post("/v1/models/{name}:predict")
    async def predict(request: Request, name: str) -> JSONResponse:
        model, body = request.app.state.model, await _read_body(request)
        if name != model.name:
            raise Refusal(f"The model's name must be {model.name}.", name=name)
        known = {"signature_name", "inputs"}
        if not isinstance(body, dict) or "inputs" not in body or set(body) - known:
            expected = "A request must be an object with inputs and, if not the default"
            raise Refusal(f"{expected}, signature_name.", body=body)
        signature = body.get("signature_name", DEFAULT)
        outputs = await asyncio.to_thread(model.call, signature, body["inputs"])
        # The name of a single output is left out.
        named = outputs if len(outputs) > 1 else next(iter(outputs.values()))
        return JSONResponse({"outputs": _to_plain(named)})

    @app.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        chunks = request.app.state.model.write(await _read_body(request))
        # What is refused is refused now, with a status.
        first = await asyncio.to_thread(next, chunks, "")

        def encode() -> Iterator[bytes]:
            yield first.encode()
            for chunk in chunks:
                yield chunk.encode()

        return StreamingResponse(encode(), media_type="text/plain; charset=utf-8")

    return app


async def _read_body(request: Request) -> Any:
    """Returns the JSON of a request."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LIMIT:
            raise HTTPException(413, f"A body may have at most {LIMIT} bytes.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Refusal("The body of a request must be JSON.", body=content) from None


def _read_tensor(name: str, value: Any, spec: tf.TensorSpec) -> tf.Tensor:
    """Returns an input as the tensor that a signature takes."""
    dtype, sizes = spec.dtype, spec.shape.as_list()
    shape = str([-1 if size is None else size for size in sizes])
    expected = f"The input {name} must be nested lists of the shape {shape}"
    if isinstance(value, np.ndarray):  # a state that a signature has returned
        return tf.constant(value, dtype)
    try:
        array = np.array(value, object if dtype == tf.string else None)
    except ValueError:  # some parts are longer than others
        raise Refusal(f"{expected}, all parts of one size.", value=value) from None
    fits = array.ndim == len(sizes) and all(
        size in (None, there) for size, there in zip(sizes, array.shape, strict=True)
    )
    if not fits or (array.ndim and not len(array)):
        raise Refusal(f"{expected}; -1 is any size above 0.", value=value)
    flat = array.ravel().tolist()
    if dtype == tf.string:
        if wrong := [one for one in flat if type(one) is not str]:
            raise Refusal(f"The input {name} must be strings.", value=wrong[0])
        flat = [text.encode("utf-8", "replace") for text in flat]
        return tf.reshape(tf.constant(flat, tf.string), array.shape)
    kinds: tuple = (bool,)
    low, high, kind = False, True, "true or false"
    if not dtype.is_bool:
        kinds = (int,) if dtype.is_integer else (int, float)
        low, high = map(int if dtype.is_integer else float, (dtype.min, dtype.max))
        kind = f"integers from {low} to {high}"
        kind = kind if dtype.is_integer else "finite numbers"
    # Python's own values: arrays turn true into 1.
    values = [value]
    for _ in sizes:
        values = [one for part in values for one in part]
    if wrong := [v for v in values if type(v) not in kinds or not low <= v <= high]:
        raise Refusal(f"The input {name} must be {kind}.", value=wrong[0])
    return tf.reshape(tf.constant(values, dtype), array.shape)


def _to_plain(value: Any) -> Any:
    """Returns what JSON has: strings of bytes, and no NaN and no infinity."""
    if isinstance(value, dict):
        return {name: _to_plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_to_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_json(path: pathlib.Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _shorten(value: Any) -> str:
    text = reprlib.repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


# For `uvicorn app:app`: the model is loaded when the server starts.
app = create_app()


def main() -> None:
    """Serves a folder as the command line says."""
    import uvicorn

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default=HERE, help="default: app.py's own")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    port = int(os.environ.get("PORT", "8000"))
    parser.add_argument("--port", type=int, default=port, help="default: PORT, or 8000")
    parser.add_argument(
        "--origins",
        help="sites whose pages may ask, separated by commas, or '*'; default: ORIGINS",
    )
    parsed = parser.parse_args()
    origins = None if parsed.origins is None else tuple(parsed.origins.split(","))
    uvicorn.run(create_app(parsed.folder, origins), host=parsed.host, port=parsed.port)


if __name__ == "__main__":
    main()
