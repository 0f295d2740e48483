"""Where the package's own data lies and where downloads go."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent


def in_checkout() -> bool:
    """True when the package runs from a git checkout rather than from an installed wheel."""
    return (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "data").is_dir()


def data_dir(kind: str) -> Path:
    """The folder of embedded data of one `kind`: "checkpoints" or "results"."""
    return (_CHECKOUT / "data" if in_checkout() else _PACKAGE / "_data") / kind


def output_dir(folder: str | Path) -> Path:
    """The folder for files that a notebook writes; created if it is missing.

    A relative one counts from the checkout, wherever the notebook stands, and from the working
    directory when the package is installed. The result is relative where that is shorter to read.
    """
    base = _CHECKOUT if in_checkout() else Path.cwd()
    out = (base / Path(folder).expanduser()).resolve()
    out.mkdir(parents=True, exist_ok=True)
    return out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out


def downloads_dir() -> Path:
    """Where downloads and caches go: `VOSEDU_DATA`, else the checkout, else the user's cache."""
    if override := os.environ.get("VOSEDU_DATA"):
        return Path(override).expanduser()
    if in_checkout():
        return _CHECKOUT / "data" / "downloads"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "vosedu"
