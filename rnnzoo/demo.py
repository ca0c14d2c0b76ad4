"""The demo: a static page whose models run in the browser.

The page is `rnnzoo/browser`: HTML, JavaScript that tokenizes and samples, and two
unchanged files of `dist` of the npm package onnxruntime-web, which runs the models.
"""

import contextlib
import errno
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import rnnzoo
from rnnzoo import weights
from rnnzoo.listing import list_weights
from rnnzoo.writing import replace_folder

BROWSER = pathlib.Path(__file__).parent / "browser"
# What the page loads of the export of each model.
MODELS = {
    "sorter": "tokens.onnx",
    "sentiment_classifier": "tokens.onnx",
    "tagger": "tokens.onnx",
    "language_model": "stream.onnx",
}
# For no other machine: it is a file server, and a page needs no more of one. Nor for
# pages of other sites, whose names may be made to lead here.
HOST, HOSTS = "127.0.0.1", re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?", re.I)
# Seconds after which a connection ends on which nothing is said.
IDLE_SECONDS = 30
# A page that is closed meanwhile is no error.
GONE = (ConnectionError, TimeoutError)
HEADERS = {
    # A later version of the page may be at the same address.
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # As in the page, which static hosts send without headers; and no frames.
    "Content-Security-Policy": "default-src 'none'; script-src 'self' "
    "'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; worker-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def get_cache_folder() -> pathlib.Path:
    """Returns the cache folder of the page, named by its files, weights and version.

    Example:
        >>> from rnnzoo import demo
        >>> demo.get_cache_folder().parent.name
        'rnnzoo'
    """
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    parts = [rnnzoo.__version__]
    for model in MODELS:
        parts += [weights.records()[w]["sha256"] for w in list_weights(model)]
    for path in sorted(path for path in BROWSER.rglob("*") if path.is_file()):
        parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    return pathlib.Path(cache, "rnnzoo", f"demo-{digest}")


def check_new(folder: str | os.PathLike) -> None:
    """Refuses a folder that exists or has no name, with a `ValueError`."""
    if not os.fspath(folder) or os.path.lexists(folder):
        raise ValueError(
            "The page needs a new folder: give another, or remove that one. Received: "
            f"folder={os.fspath(folder)!r}"
        )


def write(folder: str | os.PathLike, say: Callable[[str], None] = print) -> None:
    """Writes the page and its models, for any static host; it takes a minute or two.

    The page, `index.html`, works at any address, but not opened as a file. Raises
    `ImportError` if the export needs a package, and `ValueError` if the folder exists
    or an export does not answer as Python does.

    Args:
        folder: A folder that does not exist yet.
        say: Prints what is being done.

    Example:
        >>> from rnnzoo import demo
        >>> demo.write(".")
        Traceback (most recent call last):
        ValueError: The page needs a new folder: give another, or remove that one. ...
    """
    # Only here, so that a page that is written already is served at once.
    from rnnzoo.exporting.export import export

    check_new(folder)
    with replace_folder(pathlib.Path(folder)) as draft:
        shutil.copytree(BROWSER, draft, dirs_exist_ok=True)
        for number, (name, file) in enumerate(MODELS.items(), 1):
            say(f"Exporting {name} for the browser ({number} of {len(MODELS)})")
            beside = draft / "models" / name
            beside.mkdir(parents=True)
            with tempfile.TemporaryDirectory() as work:
                model = getattr(rnnzoo, name)()
                # The listed weights are rounded to float16 already: nothing is lost.
                made = export(model, work, "onnx", precision="float16")
                for part in (file, "model.json"):
                    shutil.copy(made / part, beside)
        # What there is to load, for the progress that is shown.
        loaded = [*draft.rglob("*.wasm"), *(draft / "models").rglob("*.*")]
        sizes = {p.relative_to(draft).as_posix(): p.stat().st_size for p in loaded}
        text = json.dumps(sizes, indent=2, sort_keys=True)
        (draft / "files.json").write_text(text + "\n", encoding="utf-8")


class _Files(http.server.SimpleHTTPRequestHandler):
    """Sends the files of a folder, silently; folders are not shown."""

    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        # Whatever the machine calls them: browsers run no script of another type.
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    timeout = IDLE_SECONDS
    server_version, sys_version = "rnnzoo", ""

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and HOSTS.fullmatch(hosts[0].strip()):
            return True
        self.send_error(403, explain="The host must be 127.0.0.1 or localhost.")
        return False

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def send_head(self) -> Any:
        try:
            return super().send_head()
        except ValueError:  # such as NUL, which no path can have
            self.send_error(404)
            return None

    def list_directory(self, path: str) -> None:
        self.send_error(404)

    def log_message(self, format: str, *values: object) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with contextlib.suppress(*GONE):
            super().copyfile(source, outputfile)


class _Server(http.server.ThreadingHTTPServer):
    """Serves each connection in a thread, silently if it ends early."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], GONE):
            super().handle_error(request, client_address)


def make_server(
    folder: str | os.PathLike, port: int
) -> http.server.ThreadingHTTPServer:
    """Returns the server of a folder, for this machine only; it is not yet running.

    A `port` of 0 is any free one; raises `ValueError` if it is taken or invalid.

    Example:
        >>> from rnnzoo import demo
        >>> with demo.make_server(".", port=0) as server:
        ...     server.server_address[0]
        '127.0.0.1'
    """
    files = functools.partial(_Files, directory=os.fspath(folder))
    try:
        return _Server((HOST, port), files)
    except (OSError, OverflowError) as error:
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        problem = "is taken" if taken else f"cannot be used ({error})"
        raise ValueError(
            f"The port {problem}: give another, or 0 for any that is free. Received: "
            f"port={port}"
        ) from error


def serve(
    folder: str | os.PathLike, port: int, say: Callable[[str], None] = print
) -> None:
    """Serves a folder to this machine until Ctrl-C; arguments as of `make_server`.

    Example:
        >>> from rnnzoo import demo
        >>> demo.serve(".", port=65536)
        Traceback (most recent call last):
        ValueError: The port cannot be used (...): give another, or 0 for any ...
    """
    with make_server(folder, port) as running:
        say(f"The demo is at http://{HOST}:{running.server_port}/ (Ctrl-C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            running.serve_forever()
