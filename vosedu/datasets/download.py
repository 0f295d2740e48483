"""Fetching one file: resumed where it broke off, checked, never half in place."""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from vosedu.errors import InputError
from vosedu.writing import into_place, write_text

_CHUNK = 1 << 18
_AGENT = "vosedu (teaching package for video object segmentation)"


@dataclass(frozen=True)
class Link:
    """One file that somebody else offers.

    title: what it is, in words.
    url: an address a person could open; Google Drive addresses are fetched through gdown.
    sha256: of the file, in hex, or its first digits; None where nobody published one (the first
        download records it beside the file).
    size: bytes, None where not stated.
    note: what to know before fetching it (access code, licence, doubts).
    mirrors: further addresses of the same bytes, tried in order.
    file: name to store it under; "" takes the last part of the url.
    by_hand: steps for a person, where no program may fetch it (a form, an account).
    verified: False where nothing but hearsay speaks for the address.
    """

    title: str
    url: str
    sha256: str | None = None
    size: int | None = None
    note: str = ""
    mirrors: tuple[str, ...] = ()
    file: str = ""
    by_hand: str = ""
    verified: bool = True

    @property
    def name(self) -> str:
        """File name on disk."""
        return self.file or unquote(urlsplit(self.url).path.rsplit("/", 1)[-1])

    def describe(self) -> list[str]:
        """The link in lines for people: title, address, size, checksum, doubts, steps."""
        facts = [f"{self.size / 1e6:.0f} MB"] if self.size else []
        facts += [f"sha256 {self.sha256}"] if self.sha256 else []
        facts += [] if self.verified else ["address unverified"]
        lines = [f"{self.title}" + (f" ({', '.join(facts)})" if facts else "")]
        lines += [f"  {url}" for url in (self.url, *self.mirrors) if url]
        lines += [f"  note: {self.note}"] if self.note else []
        lines += [f"  by hand: {self.by_hand}"] if self.by_hand else []
        return lines


def drive(file_id: str) -> str:
    """The address of a file on Google Drive."""
    return f"https://drive.google.com/uc?id={file_id}"


def drive_folder(folder_id: str) -> str:
    """The address of a folder on Google Drive."""
    return f"https://drive.google.com/drive/folders/{folder_id}"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(
    link: Link,
    folder: str | Path,
    *,
    say: Callable[[str], object] = print,
    progress: bool = True,
    attempts: int = 5,
    pause: float = 1.0,
    timeout: float = 30.0,
) -> Path:
    """Bring a link's file into `folder` and return its path.

    A file that is there already is checked and kept. Bytes gather in NAME.*.part, which a later
    call continues where the server allows it; the file appears under its name only when it is whole
    and its sha256 is right, and the sha256 is recorded in NAME.sha256 (for `sha256sum -c`).
    attempts: how often in a row an address may fail without delivering a byte; pause: seconds
    before the first retry, doubled each time; timeout: seconds without an answer.

    InputError: a form must be filled in first, wrong bytes, a full disk, no address that works.
    It always says where to put a file fetched by hand.
    """
    folder = Path(folder)
    target = folder / link.name
    if target.exists():
        _verify(target, link)
        say(f"{target} is here already")
        return target
    if link.by_hand:
        raise InputError(
            f"{link.title} cannot be fetched by a program: {link.by_hand}; then put it at {target}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {folder} cannot be made ({error.strerror or error}); choose another one"
        ) from error
    reasons = []
    for url in (link.url, *link.mirrors):
        say(f"fetching {link.title} from {url}")
        try:
            if _host(url) == "drive.google.com":
                part = _from_drive(url, target, progress)
            else:
                part = _from_web(url, target, say, progress, attempts, pause, timeout)
            _check_bytes(part, link)
        except _Failed as failure:
            reasons.append(f"{url}: {failure}")
            say(f"  {failure}")
            continue
        part.replace(target) if part.is_dir() else into_place(part, target)
        _tag_file(part).unlink(missing_ok=True)
        for rest in target.parent.glob(f"{target.name}.????????.part"):
            _discard(rest)
        record(target)
        return target
    raise InputError(
        f"{link.title} could not be fetched ({'; '.join(reasons)}); run the command again to "
        f"continue, or put the file at {target} by hand and run it again"
    )


def record(path: Path) -> None:
    """Write NAME.sha256 beside a file; for a folder, beside each file in it."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.suffix != ".sha256":
                record(file)
        return
    write_text(path.with_name(path.name + ".sha256"), f"{sha256_of(path)}  {path.name}\n")


def recorded(path: Path) -> str | None:
    """The sha256 that `record` wrote for a file, None if there is none."""
    note = path.with_name(path.name + ".sha256")
    words = note.read_text().split() if note.is_file() else []
    return words[0] if words else None


def _verify(target: Path, link: Link) -> None:
    """Check a file that lies at its place; a hand-placed one without published sum is recorded."""
    if target.is_dir():
        return
    noted = recorded(target)
    if link.sha256 is None and noted is None:
        if link.size is not None and target.stat().st_size != link.size:
            raise InputError(
                f"{target} has {target.stat().st_size} bytes, not {link.size}; move it away and "
                "run the command again"
            )
        record(target)
        return
    expected = link.sha256 or noted
    if not (actual := sha256_of(target)).startswith(expected):
        raise InputError(
            f"{target} has the sha256 {actual}, not {expected}; move it away and run the command "
            "again"
        )
    record(target)


class _Failed(Exception):
    """One address did not work; the next may."""


def _host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise InputError(f"{url} is no web address; downloads need http or https")
    return parts.hostname or ""


def _check_bytes(part: Path, link: Link) -> None:
    if part.is_dir():
        return
    size = part.stat().st_size
    if link.size is not None and size != link.size:
        _discard(part)
        raise _Failed(f"it has {size} bytes, not {link.size}")
    if link.sha256 and not (actual := sha256_of(part)).startswith(link.sha256):
        _discard(part)
        raise _Failed(f"its sha256 is {actual}, not {link.sha256}")


def _disk(error: OSError, target: Path) -> InputError:
    free = shutil.disk_usage(target.parent).free
    return InputError(
        f"{target} cannot be written ({error.strerror or error}; {free / 1e9:.1f} GB are free); "
        "make room and run the command again, what has arrived is kept"
    )


def _part(target: Path, url: str) -> Path:
    """Where bytes from one address gather: another address may offer another file."""
    return target.with_name(f"{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")


def _tag_file(part: Path) -> Path:
    """Keeps the server's strong ETag or modification date, so only the same file is continued."""
    return part.with_suffix(".tag")


def _discard(part: Path) -> None:
    if part.is_file():
        part.unlink()
    _tag_file(part).unlink(missing_ok=True)


def _from_web(
    url: str,
    target: Path,
    say: Callable[[str], object],
    progress: bool,
    attempts: int,
    pause: float,
    timeout: float,
) -> Path:
    """Download over HTTP, continuing what came from the same address before."""
    part = _part(target, url)
    failures = 0
    while True:
        before = _size(part)
        reason: object = "the connection broke off"
        try:
            if _request(url, part, target.name, progress, timeout):
                return part
        except urllib.error.HTTPError as error:
            reason = f"the server answered {error.code} {error.reason}"
            if error.code == 416:  # beyond the end: all of it is here, or it is another file
                if error.headers.get("Content-Range") == f"bytes */{before}":
                    return part
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in {408, 429}:
                raise _Failed(reason) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
        failures = 0 if _size(part) > before else failures + 1
        if failures >= attempts:
            raise _Failed(str(reason))
        say(f"  {reason}; trying again")
        time.sleep(pause * 2 ** max(failures - 1, 0))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _request(url: str, part: Path, name: str, progress: bool, timeout: float) -> bool:
    """One request; True when the file is whole. Bytes that arrived are kept."""
    have = _size(part)
    tag = _tag_file(part)
    headers = {"User-Agent": _AGENT}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.is_file():
            headers["If-Range"] = tag.read_text()
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        if "text/html" in answer.headers.get("Content-Type", ""):
            raise _Failed("the server sent a web page instead of the file")
        if answer.status != 206:
            have = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()  # it continues somewhere else
            return False
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        etag = answer.headers.get("ETag", "")
        strong = "" if etag.startswith("W/") else etag
        if version := strong or answer.headers.get("Last-Modified", ""):
            tag.write_text(version)
        else:
            tag.unlink(missing_ok=True)
        return _receive(answer, part, name, have, total, progress)


def _receive(
    answer: http.client.HTTPResponse,
    part: Path,
    name: str,
    have: int,
    total: int | None,
    progress: bool,
) -> bool:
    """Write the body behind the first `have` bytes of `part`; True when `total` is reached."""
    free = shutil.disk_usage(part.parent).free
    if total is not None and free < total - have:
        raise _disk(OSError(f"{(total - have) / 1e9:.1f} GB are to come"), part)
    bar = tqdm(
        desc=name,
        total=total,
        initial=have,
        unit="B",
        unit_scale=True,
        ascii=True,
        mininterval=1.0,
        disable=not progress,
    )
    with bar, part.open("ab" if have else "wb") as out:
        while chunk := answer.read(_CHUNK):
            try:
                out.write(chunk)
                out.flush()
            except OSError as error:
                raise _disk(error, part) from error
            have += len(chunk)
            bar.update(len(chunk))
    return have == total if total is not None else _ends_properly(part, name)


def _ends_properly(part: Path, name: str) -> bool:
    """Whether a file whose length the server did not tell has an end.

    Archives tell by themselves; a file of another kind is taken as it is.
    """
    if name.endswith(".zip"):
        return zipfile.is_zipfile(part)
    if re.search(r"\.(tar|tgz|tar\.\w+)$", name):
        try:
            with tarfile.open(part) as archive:
                return archive.getmembers() != []
        except (tarfile.TarError, EOFError, OSError, zlib.error):
            return False
    return True


def _from_drive(url: str, target: Path, progress: bool) -> Path:
    """Download a file or a folder from Google Drive."""
    import gdown

    part = _part(target, url)
    try:
        if "/folders/" in url:
            done = gdown.download_folder(url=url, output=str(part), quiet=not progress)
        else:
            done = gdown.download(url=url, output=str(part), quiet=not progress, resume=True)
    except Exception as error:  # gdown's own errors differ from version to version
        raise _Failed(f"Google Drive refused ({' '.join(str(error).split())[:200]})") from error
    if not done or not part.exists():
        raise _Failed("Google Drive sent nothing: the file may be gone or over its daily quota")
    if part.is_file():
        with part.open("rb") as file:
            start = file.read(64).lstrip().lower()
        if start.startswith((b"<!doctype html", b"<html")):
            part.unlink()
            raise _Failed("Google Drive sent a web page instead of the file")
    return part
