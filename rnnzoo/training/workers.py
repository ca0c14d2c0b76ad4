"""Several worker processes on this machine, to try out training on several machines.

On real machines, start the same command on each with `TF_CONFIG` set.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

# Environment variable of a worker: the id of the process that started it.
PARENT = "RNNZOO_PARENT"
# Seconds that workers have to end by themselves once one of them has failed.
GRACE = 5.0


def run_workers(count: int, words: list[str]) -> int:
    """Runs `rnnzoo WORDS` in `count` processes that train together.

    Ctrl-C and SIGTERM are forwarded; when one worker dies, the others are stopped.
    Returns 0, the exit status of interrupted workers, or 1 if one has failed.
    """
    from rnnzoo.layers.threads import count_cores

    addresses = _find_free_addresses(count)
    threads = str(max(1, count_cores() // count))
    workers = []
    for index in range(count):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        environment = os.environ | {
            "TF_CONFIG": json.dumps(config),
            PARENT: str(os.getpid()),
            "TF_NUM_INTRAOP_THREADS": os.environ.get("TF_NUM_INTRAOP_THREADS", threads),
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "rnnzoo.command", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=None if index == 0 else subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches this process only, which forwards it once.
            start_new_session=True,
        )
        workers.append(worker)

    def forward(number: int, frame: Any) -> None:
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, forward) for number in numbers}
    try:
        return _wait(workers, addresses)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()


def _wait(workers: list[subprocess.Popen], addresses: list[str]) -> int:
    while True:
        time.sleep(0.2)
        statuses: list[Any] = [worker.poll() for worker in workers]
        failed = [i for i, s in enumerate(statuses) if s not in (None, 0, 130, 143)]
        if not failed:
            if None not in statuses:
                return statuses[0]
            continue
        end = time.monotonic() + GRACE
        while time.monotonic() < end and None in [w.poll() for w in workers]:
            time.sleep(0.2)
        status = statuses[failed[0]]
        name = signal.Signals(-status).name if status < 0 else ""
        how = f"by {name}" if name else f"with status {status}"
        print(
            f"rnnzoo: worker {failed[0] + 1} of {len(workers)} "
            f"({addresses[failed[0]]}) ended {how}; the others were stopped. Once "
            "the cause is fixed, the same command resumes from the last checkpoint",
            file=sys.stderr,
        )
        return 1


def is_worker() -> bool:
    """Returns whether `run_workers` has started this process."""
    return PARENT in os.environ


def end_with_parent() -> None:
    """Makes a worker process end when the process that started it is gone."""
    parent = int(os.environ.get(PARENT, 0))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if parent:
        threading.Thread(target=watch, daemon=True).start()


def _find_free_addresses(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
