"""Folders that are there as a whole or not at all."""

import contextlib
import pathlib
import shutil
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def replace_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to write in, which takes the place of `target` at the end.

    After an error nothing is left of it, and what was there stays.
    """
    made = [p for p in (target.parent, *target.parent.parents) if not p.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        draft = work / "new"
        draft.mkdir()
        yield draft
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
        for folder in made:
            with contextlib.suppress(OSError):  # not empty: it holds the export
                folder.rmdir()
