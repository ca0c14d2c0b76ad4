"""Trials of what is served: wrong requests to exports, and to the demo's server."""

import contextlib
import http.client
import io
import pathlib
import socket
import tempfile
import threading

import served_requests
from numpy.random import Generator

from rnnzoo import demo

SECRET = b"what no page shows"
Outcome = tuple[int, list[str]]


def send_requests(random: Generator, count: int) -> Outcome:
    """A served export refuses a wrong request in one sentence, and answers others."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        path = served_requests.write_sorter(pathlib.Path(folder))
        served = served_requests.open_folder(path)
        for _ in range(count):
            body = served_requests.right_request(random)
            if fault := served_requests.find_fault(served, body):
                wrong.append(fault)
            body = served_requests.change_request(random, body)
            if fault := served_requests.find_fault(served, body):
                wrong.append(fault)
    return 2 * count, wrong


def visit_demo(random: Generator, count: int) -> Outcome:
    """The demo's server answers odd requests without a trace, and no other host."""
    wrong, traces = [], io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(traces):
        pathlib.Path(folder, "page").mkdir()
        pathlib.Path(folder, "page", "index.html").write_text("page")
        pathlib.Path(folder, "secret").write_text(SECRET.decode())
        with demo.make_server(pathlib.Path(folder, "page"), 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for _ in range(count):
                body = _odd_request(random, server.server_port)
                with socket.create_connection(server.server_address, 10) as connection:
                    connection.sendall(body)
                    connection.shutdown(socket.SHUT_WR)
                    with contextlib.suppress(ConnectionError):
                        reply = connection.makefile("rb").read()
                        if SECRET in reply or b"Traceback" in reply:
                            wrong.append(f"{body!r}: {reply[:200]!r}")
            for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil"):
                connection = http.client.HTTPConnection(*server.server_address)
                connection.request("GET", "/", headers={"Host": host})
                if (status := connection.getresponse().status) != 403:
                    wrong.append(f"the host {host} has the status {status}")
                connection.close()
            server.shutdown()
    if traces.getvalue():
        wrong.append(traces.getvalue()[-500:])
    return count + 3, wrong


def _odd_request(random: Generator, port: int) -> bytes:
    parts = [
        b"/",
        b"..",
        b"%2e%2e",
        b"%00",
        b"%ff",
        b"secret",
        b"//",
        b"?",
        b"[",
        b"\\",
    ]
    parts += [
        b"a" * 300,
        "é".encode(),
        b" ",
        b"%0d%0a",
        b"http://x",
        b"index.html",
        b"~",
    ]
    chosen = [parts[i] for i in random.integers(0, len(parts), random.integers(1, 7))]
    method = [b"GET", b"HEAD", b"POST", b"", b"\0"][
        random.choice(5, p=[0.6, 0.1, *[0.1] * 3])
    ]
    version = [b" HTTP/1.1", b" HTTP/1.0", b"", b" HTTP/9.9"][random.integers(4)]
    host = [f"localhost:{port}".encode(), b"localhost", b"", b"\xff"][
        random.integers(4)
    ]
    return (
        method + b" /" + b"".join(chosen) + version + b"\r\nHost: " + host + b"\r\n\r\n"
    )
