"""Writing: a draft beside the target, on the disk, then renamed; failures say where.

All that rnnzoo writes is written through these functions, so that there is never half
a file, and what was there stays until the new content is complete.
"""

import contextlib
import errno
import itertools
import os
import pathlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

# How names of drafts begin. One that is left behind belongs to a killed process.
DRAFT = ".draft-"
# What systems say of full disks, and of places that cannot be written.
REFUSALS = [
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES),
    *(errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.EBUSY, errno.ENOTEMPTY, errno.EEXIST, errno.EMFILE, errno.ELOOP),
]


@contextlib.contextmanager
def name_failures(path: str | os.PathLike) -> Iterator[None]:
    """Turns errors of the disk into an `OSError` that names the path and what to do.

    Libraries report a full disk as errors of many kinds; all are recognised.

    Example:
        >>> from rnnzoo.writing import name_failures
        >>> with name_failures("model.keras"):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        OSError: The file or folder cannot be written (No space left on device). ...
    """
    try:
        yield
    except Exception as error:
        reason = _find_reason(error)
        if not reason:
            raise
        kind = type(error) if type(error).__module__ == "builtins" else OSError
        kind = kind if issubclass(kind, OSError) else OSError
        try:
            temporary = f"now {tempfile.gettempdir()!r}"
        except OSError:
            temporary = "there is none now"
        raise kind(
            f"The file or folder cannot be written ({reason}). Choose a place that can "
            "be written and has room; TMPDIR names the one of temporary files, "
            f"{temporary}. Received: path={os.fspath(path)!r}"
        ) from error


def _find_reason(error: Exception) -> str:
    """Returns what the system says of a failed write, if the error is of one."""
    if isinstance(error, OSError) and error.errno in REFUSALS:
        name = error.filename
        place = "" if name is None or DRAFT in str(name) else f": {name!r}"
        return f"{error.strerror}{place}"[:500]
    # Only full disks: other words may also be of something that was read.
    text = str(error)[:100_000]
    known = map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
    is_our_own = isinstance(error, OSError) and "Received: path=" in text
    return "" if is_our_own else next((words for words in known if words in text), "")


@contextlib.contextmanager
def replace_file(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a draft to write, which replaces `path` unless there is an error.

    The draft ends as `path` does and lies beside it, and is on the disk before it
    has its name. A device or a pipe is written directly.

    Example:
        >>> import pathlib
        >>> from rnnzoo.writing import replace_file
        >>> with replace_file("words.txt") as draft:
        ...     _ = draft.write_text("a quiet triumph")
        >>> pathlib.Path("words.txt").read_text()
        'a quiet triumph'
    """
    target = pathlib.Path(os.path.realpath(path))
    with name_failures(path):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not target.is_file():
            yield target
            return
        draft = target.with_name(f"{DRAFT}{uuid.uuid4().hex[:12]}{target.name[-40:]}")
        try:
            yield draft
            if target.exists():
                shutil.copymode(target, draft)
            _sync(draft)
            draft.replace(target)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def refuse_existing(path: str | os.PathLike, force: bool = False) -> None:
    """Refuses to write a file that is there, unless it is to be replaced.

    Example:
        >>> import pathlib
        >>> from rnnzoo.writing import refuse_existing
        >>> _ = pathlib.Path("why.html").write_text("")
        >>> refuse_existing("why.html")
        Traceback (most recent call last):
        FileExistsError: There is such a file, which is not overwritten. ...
    """
    if not force and os.path.lexists(path):
        raise FileExistsError(
            "There is such a file, which is not overwritten. Choose another name, or "
            "replace it with `force=True` (on the command line --force). Received: "
            f"path={os.fspath(path)!r}"
        )


def number_existing(path: str | os.PathLike) -> str:
    """Returns a path, with a number in its name if there is such a file already.

    Example:
        >>> import pathlib
        >>> from rnnzoo.writing import number_existing
        >>> _ = pathlib.Path("confusion.png").write_bytes(b"")
        >>> number_existing("confusion.png"), number_existing("calibration.png")
        ('confusion-2.png', 'calibration.png')
    """
    stem, suffix = os.path.splitext(os.fspath(path))
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    paths = (f"{stem}{number}{suffix}" for number in numbers)
    return next(one for one in paths if not os.path.lexists(one))


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text as UTF-8, as `replace_file` does; line ends stay as they are."""
    with replace_file(path) as draft:
        draft.write_bytes(text.encode("utf-8"))


def save_figure(figure: Any, path: str | os.PathLike, **options: Any) -> None:
    """Saves a picture of Matplotlib as `replace_file` does; options of `savefig`."""
    with replace_file(path) as draft:
        figure.savefig(draft, dpi=120, **options)


@contextlib.contextmanager
def replace_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to write in, which replaces `target` unless there is an error."""
    made = [p for p in (target.parent, *target.parent.parents) if not p.exists()]
    try:
        with name_failures(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            work = pathlib.Path(tempfile.mkdtemp(prefix=DRAFT, dir=target.parent))
            try:
                draft = work / "new"
                draft.mkdir()
                yield draft
                for file in filter(pathlib.Path.is_file, draft.rglob("*")):
                    _sync(file)
                if target.exists():
                    target.rename(work / "old")
                try:
                    draft.rename(target)
                except OSError:
                    if (work / "old").exists():
                        (work / "old").rename(target)
                    raise
            finally:
                shutil.rmtree(work, ignore_errors=True)
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: it holds the folder
                folder.rmdir()


def remove_drafts(folder: pathlib.Path) -> None:
    """Removes drafts that a killed process has left in a folder that nobody writes."""
    for draft in folder.glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):
            draft.unlink()


def _sync(path: pathlib.Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
