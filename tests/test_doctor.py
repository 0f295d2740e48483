"""The doctor finds what works, and says plainly what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vosedu import doctor


@pytest.fixture(scope="module")
def checks() -> list[doctor.Check]:
    return doctor.examine()


def found(checks: list[doctor.Check], what: str) -> doctor.Check:
    (check,) = [check for check in checks if check.what == what]
    return check


def test_it_fits_on_one_screen(checks: list[doctor.Check]) -> None:
    lines = doctor.report(checks).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 140


@pytest.mark.parametrize("what", ["python", "disk", "torch", "video", "notebooks"])
def test_what_the_tests_need_works(checks: list[doctor.Check], what: str) -> None:
    assert found(checks, what).verdict == "OK"


def test_no_package_is_missing(checks: list[doctor.Check]) -> None:
    assert [check for check in checks if check.what == "package"] == []


def test_nothing_optional_fails(checks: list[doctor.Check]) -> None:
    optional = {"released", "data sets", "parity cases", "[crf]", "[raft]", "[grade]"}
    assert {check.verdict for check in checks if check.what in optional} <= {"OK", "--"}


def test_a_package_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_requirements", lambda: ["torch>=99", "notapackage>=1", "numpy"])
    text = doctor.report(list(doctor._packages()))
    assert "FAIL  package   torch" in text
    assert "notapackage>=1 is missing" in text
    assert "2 of these need attention" in text


def test_a_video_that_cannot_be_written_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("no encoder")

    monkeypatch.setattr("vosedu.clip.VideoWriter", broken)
    (check,) = doctor._video()
    assert (check.verdict, check.result) == ("FAIL", "RuntimeError: no encoder")


def test_data_sets_and_weights_are_found_where_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    monkeypatch.setenv("VOSEDU_PARITY_DIR", str(tmp_path / "parity"))
    for folder in ("davis16", "weights/cosnet", "parity/cosnet"):
        (tmp_path / folder).mkdir(parents=True)
    checks = [*doctor._checkpoints(), *doctor._data(), *doctor._parity()]
    assert found(checks, "released").result == "cosnet"
    assert "davis16" in found(checks, "data sets").result
    assert found(checks, "parity cases").result == "cosnet"
