"""Where a data set lies on this machine."""

from __future__ import annotations

from pathlib import Path

from vosedu.errors import InputError
from vosedu.paths import downloads_dir

IN_ANOTHERS_FOLDER = {"davis16-flow": "davis16"}


def home(name: str) -> Path:
    """The folder that `vosedu data get NAME` fills; some data sets share one."""
    return downloads_dir() / IN_ANOTHERS_FOLDER.get(name, name)


def find_root(name: str, root: str | Path | None, *marks: str, some: bool = False) -> Path:
    """The folder that holds the subfolders `marks` (some: at least one), `root` or one inside it.

    Archives often wrap everything in one folder (DAVIS/...), which may thus be left in place.
    root None means `home(name)`. InputError if the folder is absent or has not these entries.
    """
    base = home(name) if root is None else Path(root).expanduser()
    advice = f"run 'vosedu data get {name}', or pass the folder you have as root"
    if not base.is_dir():
        raise InputError(f"{name}: there is no folder {base}; {advice}")
    enough = any if some else all
    inside = sorted(path for path in base.iterdir() if path.is_dir())
    for path in (base, *inside):
        if enough((path / mark).is_dir() for mark in marks):
            return path
    wanted = (" nor " if some else " and ").join(marks)
    raise InputError(f"{name}: {base} does not hold the folder {wanted}; {advice}")
