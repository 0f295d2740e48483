"""Writing files so that a reader sees all of a file or none of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from vosedu.errors import InputError


@contextmanager
def replacing(path: str | Path, sync: bool = True) -> Iterator[Path]:
    """A path to write to, whose file takes the place of `path` when the block ends.

        with replacing("scores.csv") as partial:
            table.to_csv(partial)

    The file lies in the same folder, under a name of its own for every writer, and is on the disk
    before it is renamed. If the block raises, or the process is killed, `path` is what it was.

    sync: False does not wait for the disk, which takes milliseconds a file: for caches of many
    small files, whose readers notice what a power failure has damaged.
    """
    partial = beside(path)
    try:
        yield partial
        into_place(partial, path, sync)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Replace a file by UTF-8 text, as a whole."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def check_writable(path: str | Path) -> None:
    """Make the folder of a file that is to be written later; InputError where it cannot be."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = beside(path)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another") from error
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file")


def beside(path: str | Path) -> Path:
    """A hidden name in the folder of `path` that no other writer takes."""
    path = Path(path)
    return path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")


def into_place(partial: Path, path: str | Path, sync: bool = True) -> None:
    """Rename a complete file to its final name; if `sync`, once its bytes are on the disk."""
    if sync:
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
    os.replace(partial, path)
