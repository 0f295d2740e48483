"""Unpacking archives without trusting what is in them."""

from __future__ import annotations

import filecmp
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory

from tqdm import tqdm

from vosedu.errors import InputError

_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)
_Member = zipfile.ZipInfo | tarfile.TarInfo


@dataclass(frozen=True)
class Unpacked:
    """What unpacking did.

    written: files written. same: files that were there with the same bytes. kept: files of other
    bytes that were there and were left as they are (paths within the folder).
    """

    written: int
    same: int
    kept: tuple[str, ...]


def unpack(archive: str | Path, into: str | Path, progress: bool = False) -> Unpacked:
    """Unpack a .zip or .tar(.gz, .bz2, .xz) into a folder.

    All names are checked before the first byte is written. A name that is absolute or climbs out
    by "..", a link, a device or an encrypted file is an InputError, and nothing is written. The
    files are extracted into a temporary folder inside `into` and moved to their places once all
    are whole. Files that exist are never overwritten. Permissions and owners in the archive are
    ignored.
    """
    archive, into = Path(archive), Path(into)
    try:
        with _opened(archive) as opened:
            members = [member for member in _members(opened) if not _is_waste(member)]
            paths = [_checked_path(archive, member) for member in members]
            _check_room(archive, into, sum(_size(member) for member in members))
            with TemporaryDirectory(prefix=".unpacking-", dir=into) as folder:
                bar = tqdm(members, "files", unit="", ascii=True, disable=not progress)
                extracted = [_extract(opened, member, Path(folder)) for member in bar]
                return _move(dict(zip(paths, extracted)), into)
    except _DAMAGE as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.errno is None:  # what gzip and bz2 raise for bytes of another kind
            raise _damaged(archive, error) from error
        raise _unwritable(into, error) from error


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    if not archive.is_file():
        raise InputError(f"there is no archive {archive}; fetch it first")
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield opened
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            yield opened
    else:
        raise InputError(
            f"{archive} is neither a zip nor a tar archive; delete it and fetch it again"
        )


def _members(opened: zipfile.ZipFile | tarfile.TarFile) -> list[_Member]:
    return opened.infolist() if isinstance(opened, zipfile.ZipFile) else opened.getmembers()


def _name(member: _Member) -> str:
    return member.filename if isinstance(member, zipfile.ZipInfo) else member.name


def _size(member: _Member) -> int:
    return member.file_size if isinstance(member, zipfile.ZipInfo) else member.size


def _is_waste(member: _Member) -> bool:
    """Folders, which files bring along, and what operating systems leave in archives."""
    folder = member.is_dir() if isinstance(member, zipfile.ZipInfo) else member.isdir()
    parts = PurePosixPath(_name(member)).parts
    return folder or "__MACOSX" in parts or parts[-1:] == (".DS_Store",)


def _checked_path(archive: Path, member: _Member) -> PurePosixPath:
    """The member's path below the target folder, or InputError if it is not a plain file there."""
    name = _name(member).replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise InputError(
            f"{archive} wants to write '{_name(member)}' outside its folder, so nothing was "
            "unpacked; get the archive from another source"
        )
    if isinstance(member, zipfile.ZipInfo):
        if member.flag_bits & 1:
            raise InputError(f"{name} in {archive} is encrypted; unpack the archive by hand")
        plain = not stat.S_ISLNK(member.external_attr >> 16)
    else:
        plain = member.isfile()
    if not plain:
        raise InputError(
            f"'{name}' in {archive} is a link or a device, not a file, so nothing was unpacked; "
            "get the archive from another source, or unpack it by hand"
        )
    return path


def _check_room(archive: Path, into: Path, size: int) -> None:
    into.mkdir(parents=True, exist_ok=True)
    if size > (free := shutil.disk_usage(into).free):
        raise InputError(
            f"{archive} unpacks to {size / 1e9:.1f} GB but only {free / 1e9:.1f} GB are free in "
            f"{into}; make room and run the command again"
        )


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """tarfile's filter for data from unknown sources, permissions left out."""
    return tarfile.data_filter(member, folder).replace(mode=None, deep=False)


def _extract(opened: zipfile.ZipFile | tarfile.TarFile, member: _Member, folder: Path) -> Path:
    if isinstance(opened, zipfile.ZipFile):
        return Path(opened.extract(member, folder))
    opened.extract(member, folder, filter=_plain)
    return folder / member.name


def _move(extracted: dict[PurePosixPath, Path], into: Path) -> Unpacked:
    written = same = 0
    kept = []
    for path, file in extracted.items():
        target = into / path
        if not target.exists() and not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)
            written += 1
        elif target.is_file() and filecmp.cmp(file, target, shallow=False):
            same += 1
        else:
            kept.append(str(path))
    return Unpacked(written, same, tuple(kept))


def _damaged(archive: Path, error: Exception) -> InputError:
    return InputError(f"the archive {archive} is damaged ({error}); delete it and fetch it again")


def _unwritable(into: Path, error: OSError) -> InputError:
    return InputError(
        f"{error.filename or into} cannot be written ({error.strerror}); make room or choose "
        "another folder and run the command again"
    )
