"""Fetching from a web server that misbehaves in every way we can think of, on this machine."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.server
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vosedu import InputError
from vosedu.datasets import download
from vosedu.datasets.download import Link, fetch, recorded

BODY = bytes(range(256)) * 4096  # 1 MiB
SUM = hashlib.sha256(BODY).hexdigest()


@dataclass
class Site:
    """What the server sends, and what it was asked for.

    drops: after how many bytes of each coming answer the connection breaks off.
    """

    body: bytes = BODY
    ranges: bool = True
    drops: list[int] = field(default_factory=list)
    status: int = 200
    kind: str = "application/zip"
    tag: str = '"one"'
    lie: bool = False
    tells_length: bool = True
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self):
        site = self.site
        wanted = self.headers.get("Range")
        site.asked.append(wanted)
        if site.status != 200:
            self.send_error(site.status)
            return
        start = 0
        if wanted and site.ranges and self.headers.get("If-Range") in (None, site.tag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(site.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(site.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            said = start + 1 if site.lie else start
            self.send_header("Content-Range", f"bytes {said}-{len(site.body) - 1}/{len(site.body)}")
        else:
            self.send_response(200)
        rest = site.body[start:]
        self.send_header("Content-Type", site.kind)
        self.send_header("ETag", site.tag)
        if site.tells_length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the other side may hang up as well
            self.wfile.write(rest[: site.drops.pop(0)] if site.drops else rest)

    def log_message(self, *args):
        pass


@pytest.fixture
def site():
    mine = Site()
    handler = type("MyHandler", (Handler,), {"site": mine})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mine.url = f"http://127.0.0.1:{server.server_port}/set.zip"
    yield mine
    server.shutdown()
    thread.join()
    server.server_close()


def bring(link: Link, folder: Path, **options) -> Path:
    options = {"say": lambda line: None, "progress": False, "pause": 0.0, **options}
    return fetch(link, folder, **options)


def part(folder: Path) -> Path:
    """The one file whose download is not finished."""
    (found,) = folder.glob("set.zip.*.part")
    return found


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_and_its_sum(site, tmp_path):
    path = bring(Link("a set", site.url), tmp_path / "new" / "folder")
    assert path.read_bytes() == BODY
    assert recorded(path) == SUM
    assert (path.parent / "set.zip.sha256").read_text() == f"{SUM}  set.zip\n"
    assert leftovers(path.parent) == {"set.zip", "set.zip.sha256"}


def test_what_is_here_is_not_fetched_again(site, tmp_path):
    link = Link("a set", site.url)
    bring(link, tmp_path)
    bring(link, tmp_path)
    assert len(site.asked) == 1


def test_dropped_connections_are_continued(site, tmp_path):
    site.drops = [300_000, 10, 200_000]
    assert bring(Link("a set", site.url, SUM), tmp_path).read_bytes() == BODY
    assert site.asked == [None, "bytes=300000-", "bytes=300010-", "bytes=500010-"]


def test_an_interrupted_call_is_continued_by_the_next(site, tmp_path):
    site.drops = [400_000, 0]
    with pytest.raises(InputError, match=r"could not be fetched .*by hand"):
        bring(Link("a set", site.url), tmp_path, attempts=1)
    assert part(tmp_path).stat().st_size == 400_000
    assert not (tmp_path / "set.zip").exists()
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY
    assert site.asked[-1] == "bytes=400000-"


def test_a_keyboard_interrupt_loses_nothing(site, tmp_path, monkeypatch):
    class Bar:
        def __init__(self, **options):
            self.calls = 0

        def update(self, count):
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(download, "tqdm", Bar)
    with pytest.raises(KeyboardInterrupt):
        bring(Link("a set", site.url), tmp_path)
    assert 0 < part(tmp_path).stat().st_size < len(BODY)
    monkeypatch.undo()
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY
    assert site.asked[-1].startswith("bytes=")


def test_a_server_without_ranges_starts_over(site, tmp_path):
    site.ranges, site.drops = False, [300_000]
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY
    assert site.asked == [None, "bytes=300000-"]


def test_a_server_that_continues_elsewhere_starts_over(site, tmp_path):
    site.lie, site.drops = True, [300_000]
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY


def test_a_file_that_changed_on_the_server_starts_over(site, tmp_path):
    site.drops = [300_000, 0]
    with pytest.raises(InputError):
        bring(Link("a set", site.url), tmp_path, attempts=1)
    site.body, site.tag, site.drops = BODY[::-1], '"two"', []
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY[::-1]


def test_a_part_that_is_longer_than_the_file_starts_over(site, tmp_path):
    site.drops = [300_000, 0]
    with pytest.raises(InputError):
        bring(Link("a set", site.url), tmp_path, attempts=1)
    site.body = BODY[:1000]
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY[:1000]


@pytest.mark.parametrize("fact", [{"sha256": "0" * 64}, {"size": 7}], ids=["sum", "size"])
def test_wrong_bytes_never_get_the_name(site, tmp_path, fact):
    with pytest.raises(InputError, match=r"its sha256 is|bytes, not 7"):
        bring(Link("a set", site.url, **fact), tmp_path)
    assert leftovers(tmp_path) == set()


def test_a_mirror_serves_when_the_first_address_is_wrong(site, tmp_path):
    gone = site.url.replace("set.zip", "gone.zip").replace("127.0.0.1", "127.0.0.2")
    link = Link("a set", gone, SUM, mirrors=(site.url,), file="set.zip")
    lines: list[str] = []
    assert bring(link, tmp_path, attempts=1, say=lines.append, timeout=5).read_bytes() == BODY
    assert any(gone in line for line in lines)


def test_what_one_address_sent_outlives_a_mirror_that_fails(site, tmp_path):
    site.drops = [700_000, 0]
    dead = site.url.replace("127.0.0.1", "127.0.0.2")
    link = Link("a set", site.url, mirrors=(dead,))
    with pytest.raises(InputError):
        bring(link, tmp_path, attempts=1, timeout=5)
    assert bring(link, tmp_path).read_bytes() == BODY
    assert site.asked[-1] == "bytes=700000-"
    assert leftovers(tmp_path) == {"set.zip", "set.zip.sha256"}


def test_a_part_that_is_whole_already_needs_no_byte(site, tmp_path):
    site.drops = [400_000, 0]
    with pytest.raises(InputError):
        bring(Link("a set", site.url), tmp_path, attempts=1)
    part(tmp_path).write_bytes(BODY)
    site.drops = []
    assert bring(Link("a set", site.url, SUM), tmp_path).read_bytes() == BODY
    assert site.asked[-1] == f"bytes={len(BODY)}-"


def test_a_folder_that_cannot_be_made(site, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"file.deeper cannot be made"):
        bring(Link("a set", site.url), tmp_path / "file" / "deeper")


def test_the_start_of_a_sum_is_enough(site, tmp_path):
    bring(Link("a set", site.url, SUM[:8]), tmp_path)


def test_not_found_is_not_tried_twice(site, tmp_path):
    site.status = 404
    with pytest.raises(InputError, match=r"404 .*by hand"):
        bring(Link("a set", site.url), tmp_path)
    assert len(site.asked) == 1


def test_a_busy_server_is_asked_again(site, tmp_path):
    site.status = 503
    with pytest.raises(InputError, match="503"):
        bring(Link("a set", site.url), tmp_path, attempts=3)
    assert len(site.asked) == 3


def test_a_web_page_is_not_a_file(site, tmp_path):
    site.kind = "text/html; charset=utf-8"
    with pytest.raises(InputError, match="web page instead of the file"):
        bring(Link("a set", site.url), tmp_path)
    assert leftovers(tmp_path) == set()


def test_a_file_put_there_by_hand_is_used(site, tmp_path):
    (tmp_path / "set.zip").write_bytes(BODY)
    assert bring(Link("a set", site.url, SUM), tmp_path).read_bytes() == BODY
    assert site.asked == []
    assert recorded(tmp_path / "set.zip") == SUM


def test_a_wrong_file_put_there_by_hand_is_kept_and_named(site, tmp_path):
    (tmp_path / "set.zip").write_bytes(b"something of mine")
    with pytest.raises(InputError, match=r"set.zip has the sha256 .*move it away"):
        bring(Link("a set", site.url, SUM), tmp_path)
    with pytest.raises(InputError, match=r"set.zip has 17 bytes, not 5"):
        bring(Link("a set", site.url, size=5), tmp_path)
    assert (tmp_path / "set.zip").read_bytes() == b"something of mine"


def test_a_file_that_changed_after_the_first_download_is_noticed(site, tmp_path):
    path = bring(Link("a set", site.url), tmp_path)
    path.write_bytes(BODY[:-1])
    with pytest.raises(InputError, match=rf"not {SUM}"):
        bring(Link("a set", site.url), tmp_path)


def test_a_full_disk_is_said_and_loses_nothing(site, tmp_path, monkeypatch):
    real = Path.open
    room = 500_000

    class Full:
        def __init__(self, file):
            self.file, self.left = file, room

        def write(self, chunk):
            if len(chunk) > self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.left -= len(chunk)
            return self.file.write(chunk)

        def flush(self):
            self.file.flush()

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

    def small(path, mode="r", *more, **options):
        file = real(path, mode, *more, **options)
        return Full(file) if path.name.endswith(".part") and mode in {"ab", "wb"} else file

    monkeypatch.setattr(Path, "open", small)
    with pytest.raises(InputError, match=r"No space left .*make room"):
        bring(Link("a set", site.url), tmp_path)
    kept = part(tmp_path).stat().st_size
    assert 0 < kept <= room
    monkeypatch.undo()
    assert bring(Link("a set", site.url), tmp_path).read_bytes() == BODY
    assert site.asked[-1] == f"bytes={kept}-"


def test_no_room_is_said_before_the_first_byte(site, tmp_path, monkeypatch):
    class Usage:
        free = 1000

    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(InputError, match=r"cannot be written .*make room"):
        bring(Link("a set", site.url), tmp_path)


def test_a_form_names_the_steps(tmp_path):
    link = Link("a set", "https://example.org/set.zip", by_hand="fill in the form at example.org")
    with pytest.raises(InputError, match=r"fill in the form .*put it at .*set.zip"):
        bring(link, tmp_path)


def test_only_the_web_is_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    with pytest.raises(InputError, match="need http or https"):
        bring(Link("a set", secret.as_uri(), file="x"), tmp_path / "out")


class Drive:
    """Stands in for gdown: writes `body`, or fails."""

    def __init__(self, body=None, error=None):
        self.body, self.error = body, error

    def download(self, url, output, quiet, resume):
        if self.error:
            raise self.error
        if self.body is None:
            return None
        Path(output).write_bytes(self.body)
        return output

    def download_folder(self, url, output, quiet):
        Path(output).mkdir()
        (Path(output) / "encoder.pt").write_bytes(self.body)
        return [str(Path(output) / "encoder.pt")]


def from_drive(monkeypatch, drive):
    monkeypatch.setitem(sys.modules, "gdown", drive)


def test_google_drive(tmp_path, monkeypatch):
    from_drive(monkeypatch, Drive(BODY))
    link = Link("weights", download.drive("ID"), file="weights.pth")
    assert bring(link, tmp_path).read_bytes() == BODY
    assert leftovers(tmp_path) == {"weights.pth", "weights.pth.sha256"}


def test_google_drive_folder(tmp_path, monkeypatch):
    from_drive(monkeypatch, Drive(BODY))
    path = bring(Link("weights", download.drive_folder("ID"), file="hcpn"), tmp_path)
    assert recorded(path / "encoder.pt") == SUM


@pytest.mark.parametrize(
    "drive",
    [
        Drive(error=RuntimeError("Too many users have viewed\nthis file")),
        Drive(None),
        Drive(b"<!DOCTYPE html><title>Quota exceeded</title>"),
    ],
    ids=["quota", "nothing", "page"],
)
def test_google_drive_refuses(tmp_path, monkeypatch, drive):
    from_drive(monkeypatch, drive)
    with pytest.raises(InputError, match=r"Google Drive .*by hand") as caught:
        bring(Link("weights", download.drive("ID"), file="weights.pth"), tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "weights.pth").exists()


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz"])
def test_an_archive_without_a_length_that_broke_off_is_not_taken(site, tmp_path, name: str):
    source = tmp_path / "source"
    source.mkdir()
    (source / "frame.bin").write_bytes(BODY)
    base, form = (tmp_path / "set", "zip" if name.endswith("zip") else "gztar")
    site.body = Path(shutil.make_archive(str(base), form, source)).read_bytes()
    site.tells_length = False
    site.ranges = False
    site.drops = [len(site.body) // 2] * 3
    link = Link("a set", site.url.replace("set.zip", name))
    with pytest.raises(InputError, match="could not be fetched"):
        bring(link, tmp_path / "broken", attempts=1)
    assert not (tmp_path / "broken" / name).exists()
    assert recorded(tmp_path / "broken" / name) is None
    site.drops = []
    assert bring(link, tmp_path / "whole").read_bytes() == site.body
