"""Flow on disk: computed once, safe to interrupt, never out of date.

A field's file is named by what decides its content: the pixels of both frames, the estimator and
the format. A frame that changed therefore has another name and is computed; nothing can be stale,
and the folder can be deleted at any time.

Fields are stored as float16, half the size: 16 pixels of motion are exact to 1/128 pixel, a
twentieth of what the best estimator here errs by. An exact cache stores float32, so that reading
a field and computing it are the same to the last bit. `fetch` returns the stored value at the
first call too, so results do not depend on whether a cache was warm.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vosedu.errors import InputError
from vosedu.writing import replacing

FORMAT = "vosedu-flow-1"


class FlowCache:
    """A folder of fields, one file each: <folder>/<estimator>/<hash>.npz.

    exact: store float32 instead of float16. The two kinds may share a folder.
    """

    def __init__(self, folder: str | Path, exact: bool = False) -> None:
        self.folder, self.exact = Path(folder), exact
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise InputError(
                f"the flow cache {self.folder} cannot be written ({error.strerror}); "
                "choose another folder or do without a cache"
            ) from error

    def path(self, identity: str, first: bytes, second: bytes) -> Path:
        """Where the field between two frames (given as digests) of an estimator lies."""
        kind = f"{FORMAT}-exact" if self.exact else FORMAT
        content = b"\0".join((kind.encode(), identity.encode(), first, second))
        return (
            self.folder / identity / f"{hashlib.blake2b(content, digest_size=16).hexdigest()}.npz"
        )

    def fetch(
        self,
        identity: str,
        first: bytes,
        second: bytes,
        compute: Callable[[], np.ndarray],
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """The stored field, or the computed one, which is then stored. H x W x 2 float32.

        size: the height and width the field must have; one of another is computed again.
        """
        path = self.path(identity, first, second)
        field = _read(path, size)
        if field is None:
            field = compute().astype(np.float32 if self.exact else np.float16)
            _write(path, field)
        return field.astype(np.float32)


def _read(path: Path, size: tuple[int, int] | None) -> np.ndarray | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            field = stored["field"]  # the zip's checksum is verified here
        if field.ndim != 3 or field.shape != (*(size or field.shape[:2]), 2):
            raise ValueError("another shape")
        if not np.isfinite(field).all():
            raise ValueError("values that are not numbers")
        return field
    except FileNotFoundError:
        return None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        warnings.warn(f"the cached flow {path} is damaged; it is computed again", stacklevel=2)
        return None


def _write(path: Path, field: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, sync=False) as partial, partial.open("wb") as file:
            np.savez(file, field=field)
    except OSError as error:
        raise InputError(
            f"the flow cache {path.parent} cannot be written ({error.strerror}); free some space "
            "or choose another folder, what was stored so far stays"
        ) from error
