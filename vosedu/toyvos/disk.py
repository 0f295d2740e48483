"""A file of equal records that proves each record it returns.

A record is a checksum and an array. A record that was never written, or only in part, fails its
checksum and counts as absent; so a killed run leaves nothing wrong behind, and several processes
may share a file whose records are a function of their number. Unwritten parts take no space.
"""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path

import numpy as np

from vosedu.errors import InputError


class RecordFile:
    """Arrays of one shape and type by number, in a file that is made at the first write."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: type) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self._bytes = 4 + math.prod(shape) * self.dtype.itemsize
        self._file: tuple[int, int] | None = None  # process, descriptor

    def read(self, number: int) -> np.ndarray | None:
        """The array of that number (read-only), or None where there is none."""
        if self._file is None and not self.path.is_file():
            return None
        record = os.pread(self._descriptor(), self._bytes, number * self._bytes)
        content = memoryview(record)[4:]
        if len(record) < self._bytes or zlib.crc32(content) != int.from_bytes(record[:4], "little"):
            return None
        return np.frombuffer(content, self.dtype).reshape(self.shape)

    def write(self, number: int, array: np.ndarray) -> np.ndarray:
        """Store an array and return it as `read` will."""
        content = np.ascontiguousarray(array, self.dtype).tobytes()
        record = zlib.crc32(content).to_bytes(4, "little") + content
        try:
            done = os.pwrite(self._descriptor(), record, number * self._bytes)
            if done < len(record):
                raise OSError(28, "no space left on device")
        except OSError as error:
            raise InputError(
                f"the file {self.path} cannot be written ({error.strerror}); free some space, or "
                "set VOSEDU_DATA to another folder"
            ) from error
        return np.frombuffer(content, self.dtype).reshape(self.shape)

    def _descriptor(self) -> int:
        """A descriptor of this process."""
        if self._file is None or self._file[0] != os.getpid():
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.getpid(), os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise InputError(
                    f"the file {self.path} cannot be opened ({error.strerror}); "
                    "set VOSEDU_DATA to a folder that can be written"
                ) from error
        return self._file[1]

    def __del__(self) -> None:
        if self._file is not None and self._file[0] == os.getpid():
            os.close(self._file[1])
