"""Results that appear under their name when they are complete, and replace only our own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vosedu.errors import InputError

_NOTE = "written.json"  # beside the parts: who wrote them
_UNFINISHED = "unfinished"
_LOCK = ".lock"


@contextmanager
def output_folder(
    path: str | Path, writer: str, parts: Sequence[str], overwrite: bool = False
) -> Iterator[Path]:
    """A folder to write `parts` (files or folders) into; they move to `path` at the end.

    writer: who writes, e.g. "vosedu segment"; noted in `written.json`. With `overwrite` the parts
    of an earlier result of the same writer are replaced, and only when everything is written: an
    interruption leaves the earlier result, and what was written so far in `path/unfinished`.
    InputError: `path` is a file; it holds files and `overwrite` is not set; it holds files of
    those names that `writer` did not write; another process writes there now.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder; choose another output folder")
    _refuse(folder, writer, parts, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        with lock.acquire(timeout=0):
            _refuse(folder, writer, parts, overwrite)
            beside = folder / _UNFINISHED
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            yield beside
            for part in parts:
                _remove(folder / part)
                if (beside / part).exists():
                    (beside / part).replace(folder / part)
            note = {"writer": writer, "parts": list(parts)}
            (folder / _NOTE).write_text(json.dumps(note) + "\n")
            shutil.rmtree(beside)
        (folder / _LOCK).unlink(missing_ok=True)
    except Timeout as error:
        raise InputError(
            f"another process is writing into {folder}; wait for it or choose another folder"
        ) from error
    except (NotADirectoryError, PermissionError, FileExistsError) as error:
        raise InputError(
            f"the folder {folder} cannot be written ({error.strerror}); choose another"
        ) from error


def new_folder(path: str | Path, overwrite: bool = False) -> Path:
    """Make a folder for output; one that holds files already is refused unless `overwrite`."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder; choose another output folder")
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"the output folder {folder} holds files already; choose another or pass --overwrite"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _refuse(folder: Path, writer: str, parts: Sequence[str], overwrite: bool) -> None:
    """InputError where writing would cost the user something."""
    if not folder.is_dir():
        return
    there = {p.name for p in folder.iterdir()} - {_UNFINISHED, _LOCK}
    if there and not overwrite:
        raise InputError(
            f"the output folder {folder} holds files already ({sorted(there)[0]}); choose another "
            "or pass --overwrite"
        )
    try:
        note = json.loads((folder / _NOTE).read_text())
        ours = set(note["parts"]) if note["writer"] == writer else set()
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    for part in parts:
        if part in there and part not in ours:
            raise InputError(
                f"{folder / part} was not written by {writer} and is not replaced; choose another "
                "output folder, or move it away"
            )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
