"""The lock of a run folder: one training at a time writes in it."""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import socket
from collections.abc import Iterator
from typing import Any

from rnnzoo.writing import name_failures, remove_drafts

NAME = "lock.json"


@contextlib.contextmanager
def lock_run(run: pathlib.Path) -> Iterator[None]:
    """Locks a run folder, and makes it if there is none.

    The system releases the lock of a process that is killed, also on disks that several
    machines share (NFS since Linux 2.6.12). A folder that was made for a training which
    then wrote nothing is removed again.

    Raises `ValueError` if another training holds the lock, and `OSError` if the folder
    cannot be written.

    Example:
        >>> import pathlib
        >>> from rnnzoo.training.locks import lock_run
        >>> run = pathlib.Path("run")
        >>> with lock_run(run), lock_run(run):
        ...     pass
        Traceback (most recent call last):
        ValueError: Another training writes in this run folder: process ... on ...
        >>> run.exists()
        False
    """
    run = run.absolute()
    made = [folder for folder in (run, *run.parents) if not folder.exists()]
    path = run / NAME
    try:
        with name_failures(run):
            run.mkdir(parents=True, exist_ok=True)
            file = _acquire(run, path)
        with file:
            remove_drafts(run)
            try:
                yield
            finally:
                # Before it is released: who waits for it would hold a removed file.
                with contextlib.suppress(OSError):
                    path.unlink()
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: it holds a run
                folder.rmdir()


def _acquire(run: pathlib.Path, path: pathlib.Path) -> Any:
    """Returns the file of the lock, open and locked, with this process' name in it."""
    while True:
        file = open(path, "a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = _read_holder(file.read())
            file.close()
            raise ValueError(
                f"Another training writes in this run folder: {holder}. Wait until it "
                "ends, or choose another folder with --run. Received: "
                f"run={str(run)!r}"
            ) from error
        except OSError:
            pass  # a disk without locks, as some network disks are
        # The process before this one may just have removed the file.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                break
        file.close()
    file.truncate(0)
    since = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    holder = {"host": socket.gethostname(), "process": os.getpid(), "since": since}
    file.write(json.dumps(holder) + "\n")
    file.flush()
    return file


def _read_holder(text: str) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        holder = json.loads(text)
        return "process {process} on {host}, since {since}".format(**holder)
    return "one that has just begun"
