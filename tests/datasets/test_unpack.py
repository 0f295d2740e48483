"""Archives: honest ones, damaged ones, and ones that mean harm."""

from __future__ import annotations

import errno
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from vosedu import InputError
from vosedu.datasets import unpack as module
from vosedu.datasets.unpack import unpack

FILES = {"DAVIS/a.txt": b"one", "DAVIS/deep/er/b.txt": b"two" * 1000}


def make_zip(path: Path, files=FILES) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


def make_tar(path: Path, files=FILES, mode="w:gz", more=()) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        for info in more:
            archive.addfile(info)
    return path


def tar_entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def inside(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar"])
def test_a_good_archive(tmp_path, kind):
    path = tmp_path / f"set.{kind}"
    make_zip(path) if kind == "zip" else make_tar(path, mode="w:gz" if "gz" in kind else "w")
    done = unpack(path, tmp_path / "out")
    assert inside(tmp_path / "out") == FILES
    assert (done.written, done.same, done.kept) == (2, 0, ())


def test_again_writes_nothing(tmp_path):
    path = make_zip(tmp_path / "set.zip")
    unpack(path, tmp_path / "out")
    (tmp_path / "out/DAVIS/a.txt").unlink()
    done = unpack(path, tmp_path / "out")
    assert (done.written, done.same) == (1, 1)
    assert inside(tmp_path / "out") == FILES


def test_what_the_user_has_is_kept(tmp_path):
    path = make_zip(tmp_path / "set.zip")
    mine = tmp_path / "out/DAVIS/a.txt"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"my own notes")
    done = unpack(path, tmp_path / "out")
    assert mine.read_bytes() == b"my own notes"
    assert done.kept == ("DAVIS/a.txt",) and done.written == 1


def test_backslashes_are_folders(tmp_path):
    unpack(make_zip(tmp_path / "set.zip", {"DAVIS\\a.txt": b"one"}), tmp_path / "out")
    assert inside(tmp_path / "out") == {"DAVIS/a.txt": b"one"}


def test_waste_is_left_out(tmp_path):
    files = {**FILES, "__MACOSX/DAVIS/._a.txt": b"x", "DAVIS/.DS_Store": b"x"}
    unpack(make_zip(tmp_path / "set.zip", files), tmp_path / "out")
    assert inside(tmp_path / "out") == FILES


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "DAVIS/../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:\\evil.txt"],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_climb_out(tmp_path, kind, name):
    files = {**FILES, name: b"evil"}
    path = tmp_path / f"set.{kind}"
    make_zip(path, files) if kind == "zip" else make_tar(path, files, "w")
    with pytest.raises(InputError, match=r"outside its folder, so nothing was unpacked"):
        unpack(path, tmp_path / "in" / "out")
    assert inside(tmp_path / "in") == {}
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    "bad",
    [
        tar_entry("DAVIS/out", tarfile.SYMTYPE, "../../.."),
        tar_entry("DAVIS/passwd", tarfile.SYMTYPE, "/etc/passwd"),
        tar_entry("DAVIS/hard", tarfile.LNKTYPE, "../../secret"),
        tar_entry("DAVIS/pipe", tarfile.FIFOTYPE),
        tar_entry("DAVIS/disk", tarfile.BLKTYPE),
    ],
    ids=["symlink up", "symlink absolute", "hard link", "pipe", "device"],
)
def test_links_and_devices_in_a_tar(tmp_path, bad):
    path = make_tar(tmp_path / "set.tar", {}, "w", (bad,))
    with pytest.raises(InputError, match=r"is a link or a device"):
        unpack(path, tmp_path / "out")
    assert not any((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_a_file_written_through_a_link_of_the_same_archive(tmp_path):
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tar_entry("DAVIS", tarfile.SYMTYPE, str(secret)))
        info = tarfile.TarInfo("DAVIS/evil.txt")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(InputError, match="link"):
        unpack(path, tmp_path / "out")
    assert not list(secret.iterdir())


def test_a_link_in_a_zip(tmp_path):
    path = tmp_path / "set.zip"
    info = zipfile.ZipInfo("DAVIS/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="link"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_permissions_are_ignored(tmp_path, kind):
    path = tmp_path / f"set.{kind}"
    if kind == "zip":
        info = zipfile.ZipInfo("run.sh")
        info.external_attr = (stat.S_IFREG | 0o4777) << 16
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(info, "echo")
    else:
        info = tarfile.TarInfo("run.sh")
        info.mode = 0o4777
        make_tar(path, {}, "w", (info,))
    unpack(path, tmp_path / "out")
    assert not (tmp_path / "out/run.sh").stat().st_mode & (stat.S_IXUSR | stat.S_ISUID)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_truncated_archive(tmp_path, kind):
    noise = {"a.bin": bytes(i * i % 251 for i in range(50_000))}
    path = tmp_path / f"set.{kind}"
    make_zip(path, noise) if kind == "zip" else make_tar(path, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"delete it and fetch it again"):
        unpack(path, tmp_path / "out")
    assert "a.bin" not in inside(tmp_path)


def test_flipped_bytes_in_a_zip(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.bin", b"x" * 1000)
    body = bytearray(path.read_bytes())
    body[500] ^= 1
    path.write_bytes(body)
    with pytest.raises(InputError, match="damaged"):
        unpack(path, tmp_path / "out")
    assert "a.bin" not in inside(tmp_path / "out")


def test_no_archive_at_all(tmp_path):
    with pytest.raises(InputError, match="no archive"):
        unpack(tmp_path / "set.zip", tmp_path)
    (tmp_path / "set.zip").write_bytes(b"hello")
    with pytest.raises(InputError, match="neither a zip nor a tar"):
        unpack(tmp_path / "set.zip", tmp_path / "out")


def test_no_room(tmp_path, monkeypatch):
    class Usage:
        free = 10

    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(InputError, match=r"unpacks to .*make room"):
        unpack(make_zip(tmp_path / "set.zip"), tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_the_disk_fills_up(tmp_path, monkeypatch, kind):
    library = module.shutil if kind == "zip" else tarfile
    real, calls = library.copyfileobj, []

    def full(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    path = make_zip(tmp_path / "set.zip") if kind == "zip" else make_tar(tmp_path / "set.tar")
    mine = tmp_path / "out" / "mine.txt"
    mine.parent.mkdir()
    mine.write_bytes(b"my own notes")
    monkeypatch.setattr(library, "copyfileobj", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left .*make room"):
        unpack(path, tmp_path / "out")
    monkeypatch.undo()
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert unpack(path, tmp_path / "out").written == 2
    assert inside(tmp_path / "out") == {**FILES, "mine.txt": b"my own notes"}
