"""Results that appear under their name when they are complete, and replace only our own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vosedu.errors import InputError

_NOTE = "written.json"  # beside the parts: who wrote which
_UNFINISHED = "unfinished"
_LOCK = ".lock"


@contextmanager
def output_folder(
    path: str | Path,
    writer: str,
    parts: Sequence[str],
    overwrite: bool = False,
    settings: str = "",
) -> Iterator[Path]:
    """A folder to write `parts` (files or folders) into; they move to `path` at the end.

    writer: who writes, e.g. "vosedu segment"; noted in `written.json` with its parts and the
    `settings` they were made with. The same writer may add other parts later. With `overwrite`
    earlier parts of the same writer are replaced, and only when everything is written: an
    interruption leaves the earlier result, and what was written so far in `path/unfinished`.
    InputError: `path` is a file; it holds files that `writer` did not write; it holds one of the
    parts and `overwrite` is not set; another process writes there now.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder; choose another output folder")
    _refuse(folder, writer, parts, overwrite)
    new, ours = not folder.exists(), False
    beside = folder / _UNFINISHED
    try:
        _make(folder)
        with FileLock(folder / _LOCK).acquire(timeout=0):
            ours = True
            _refuse(folder, writer, parts, overwrite)
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            yield beside
            for part in parts:
                _remove(folder / part)
                if (beside / part).exists():
                    (folder / part).parent.mkdir(parents=True, exist_ok=True)
                    (beside / part).replace(folder / part)
            made = written(folder, writer) | dict.fromkeys(parts, settings)
            note = {"writer": writer, "parts": made}
            (folder / _NOTE).write_text(json.dumps(note) + "\n")
    except Timeout as error:
        raise InputError(
            f"another process is writing into {folder}; wait for it or choose another folder"
        ) from error
    except (NotADirectoryError, PermissionError, FileExistsError) as error:
        raise InputError(
            f"the folder {folder} cannot be written ({error.strerror}); choose another"
        ) from error
    finally:
        if ours and not any(each.is_file() for each in beside.rglob("*")):
            shutil.rmtree(beside, ignore_errors=True)
            (folder / _LOCK).unlink(missing_ok=True)
            if new and not any(folder.iterdir()):
                folder.rmdir()


def written(folder: str | Path, writer: str) -> dict[str, str]:
    """What a writer has finished in a folder and is still there: part -> its settings."""
    author, parts = _note(Path(folder))
    if author != writer:
        return {}
    return {part: made for part, made in parts.items() if (Path(folder) / part).exists()}


def _note(folder: Path) -> tuple[str, dict[str, str]]:
    """Who wrote into a folder, and which parts with which settings; nothing without a note."""
    try:
        note = json.loads((folder / _NOTE).read_text())
        return str(note["writer"]), {str(part): str(made) for part, made in note["parts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", {}


def _refuse(folder: Path, writer: str, parts: Sequence[str], overwrite: bool) -> None:
    """InputError where writing would cost the user something."""
    if not folder.is_dir():
        return
    author, ours = _note(folder)[0], written(folder, writer)
    if author not in ("", writer):
        raise InputError(
            f"the folder {folder} holds what {author} wrote; choose another output folder"
        )
    there = {p.name for p in folder.iterdir()} - {_UNFINISHED, _LOCK}
    if there and not ours and not overwrite:
        raise InputError(
            f"the output folder {folder} holds files already ({sorted(there)[0]}); choose another "
            "or pass --overwrite"
        )
    for part in parts:
        if not (folder / part).exists():
            continue
        if part not in ours:
            raise InputError(
                f"{folder / part} was not written by {writer} and is not replaced; choose another "
                "output folder, or move it away"
            )
        if not overwrite:
            raise InputError(
                f"{folder / part} holds files already, an earlier result; choose another "
                "output folder or pass --overwrite"
            )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # below /proc and the like
        raise InputError(f"the folder {folder} cannot be made here; choose another") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
