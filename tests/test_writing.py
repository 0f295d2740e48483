"""Files are replaced as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vosedu.writing import replacing, write_text


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    with replacing(target) as partial:
        partial.write_text("half")
        assert not target.exists() and partial.parent == tmp_path
        partial.write_text("whole")
    assert target.read_text() == "whole"
    assert os.listdir(tmp_path) == ["scores.csv"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    write_text(target, "old")
    with pytest.raises(ArithmeticError), replacing(target) as partial:
        partial.write_text("new")
        raise ArithmeticError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["scores.csv"]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    with replacing(target) as first, replacing(target) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first", "the last to finish"


def test_the_bytes_are_on_the_disk_before_the_name_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("replace"), replace(*paths)))
    write_text(tmp_path / "a", "text")
    assert order == ["fsync", "replace"]


def test_nothing_written_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_text(target, "old")
    with pytest.raises(FileNotFoundError), replacing(target):
        pass
    assert target.read_text() == "old"
