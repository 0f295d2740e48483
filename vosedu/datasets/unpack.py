"""Unpacking archives without trusting what is in them."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from tqdm import tqdm

from vosedu.errors import InputError

_CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError)


@dataclass(frozen=True)
class Unpacked:
    """What unpacking did: files written, files that were there with the same bytes, and files of
    other bytes that were there and were kept as they are (paths within the folder)."""

    written: int
    same: int
    kept: tuple[str, ...]


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    link: bool
    open: Callable[[], IO[bytes]]


def unpack(archive: str | Path, into: str | Path, progress: bool = False) -> Unpacked:
    """Unpack a .zip or .tar(.gz, .bz2, .xz) into a folder.

    All names are checked before the first byte is written. A name that is absolute or climbs out
    by "..", a link, a device or an encrypted file is an InputError, and nothing is written. Files
    that exist are never overwritten; each new one appears when it is whole, so an interrupted run
    can simply be repeated. Permissions and owners in the archive are ignored.
    """
    archive, into = Path(archive), Path(into)
    try:
        with _opened(archive) as members:
            wanted = [(member, _inside(archive, member)) for member in members]
            _check_room(archive, into, sum(member.size for member, _ in wanted))
            return _write_all(wanted, into, progress)
    except _DAMAGE as error:
        raise InputError(
            f"the archive {archive} is damaged ({error}); delete it and fetch it again"
        ) from error


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    """The files in an archive; folders and the waste of operating systems are left out."""
    if not archive.is_file():
        raise InputError(f"there is no archive {archive}; fetch it first")
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield [_of_zip(archive, opened, info) for info in opened.infolist() if not _waste(info)]
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            yield [_of_tar(archive, opened, info) for info in opened if not _waste(info)]
    else:
        raise InputError(
            f"{archive} is neither a zip nor a tar archive; delete it and fetch it again"
        )


def _waste(info: zipfile.ZipInfo | tarfile.TarInfo) -> bool:
    is_zip = isinstance(info, zipfile.ZipInfo)
    parts = PurePosixPath(info.filename if is_zip else info.name).parts
    folder = info.is_dir() if is_zip else info.isdir()
    return folder or "__MACOSX" in parts or parts[-1:] == (".DS_Store",)


def _of_zip(archive: Path, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    if info.flag_bits & 1:
        raise InputError(f"{info.filename} in {archive} is encrypted; unpack the archive by hand")
    link = stat.S_ISLNK(info.external_attr >> 16)
    return _Member(info.filename, info.file_size, link, lambda: opened.open(info))


def _of_tar(archive: Path, opened: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    def read() -> IO[bytes]:
        file = opened.extractfile(info)
        assert file is not None  # only regular files come here
        return file

    return _Member(info.name, info.size, not info.isfile(), read)


def _inside(archive: Path, member: _Member) -> PurePosixPath:
    """The member's path below the target folder, or InputError if it would leave it."""
    name = member.name.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise InputError(
            f"{archive} wants to write '{member.name}' outside its folder, so nothing was "
            "unpacked; get the archive from another source"
        )
    if member.link:
        raise InputError(
            f"'{member.name}' in {archive} is a link or a device, not a file, so nothing was "
            "unpacked; get the archive from another source, or unpack it by hand"
        )
    return path


def _check_room(archive: Path, into: Path, size: int) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(into, error) from error
    if size > (free := shutil.disk_usage(into).free):
        raise InputError(
            f"{archive} unpacks to {size / 1e9:.1f} GB but only {free / 1e9:.1f} GB are free in "
            f"{into}; make room and run the command again"
        )


def _write_all(wanted: list[tuple[_Member, PurePosixPath]], into: Path, progress: bool) -> Unpacked:
    written = same = 0
    kept = []
    for member, path in tqdm(
        wanted, "files", unit="", ascii=True, mininterval=1.0, disable=not progress
    ):
        target = into / path
        if target.exists() or target.is_symlink():
            if _equal(target, member):
                same += 1
            else:
                kept.append(str(path))
            continue
        _write(member, target)
        written += 1
    return Unpacked(written, same, tuple(kept))


def _write(member: _Member, target: Path) -> None:
    partial = target.with_name(f".{target.name}.part")
    with member.open() as source:
        chunk = source.read(_CHUNK)  # reading and writing fail for different reasons
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            out = partial.open("wb")
        except OSError as error:
            raise _unwritable(target, error) from error
        with out:
            while chunk:
                try:
                    out.write(chunk)
                    out.flush()
                except OSError as error:
                    raise _unwritable(target, error) from error
                chunk = source.read(_CHUNK)
    partial.replace(target)


def _unwritable(target: Path, error: OSError) -> InputError:
    return InputError(
        f"{target} cannot be written ({error.strerror or error}); make room or choose another "
        "folder and run the command again, what has been unpacked is kept"
    )


def _equal(target: Path, member: _Member) -> bool:
    if not target.is_file() or target.stat().st_size != member.size:
        return False
    with target.open("rb") as ours, member.open() as theirs:
        while chunk := theirs.read(_CHUNK):
            if ours.read(len(chunk)) != chunk:
                return False
    return True
