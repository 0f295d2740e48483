"""Options that do not go together and places that cannot be written: said in a sentence, first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vosedu import commands
from vosedu.clip import Clip
from vosedu.commands import segment


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own videos, in the present folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    frames = [np.zeros((48, 80, 3), np.uint8)] * 2
    Clip("walk", frames, {0: np.ones((48, 80), np.uint8)}).write(tmp_path / "own/walk")
    return tmp_path / "own"


REFUSED = {
    "evaluate --root x": "the data set toyvos has no option 'root'; it has suite, height",
    "evaluate --resolution 480p": "toyvos has no option 'resolution'",
    "evaluate --data own --suite mixed": "own is a folder of your own, which has no --suite",
    "evaluate --data own --resolution 480p": "which has no --resolution",
    "evaluate --data own --split train": "which has no --split",
    "evaluate --data nothing": "neither a data set nor a folder 'nothing'",
    "evaluate --data own --record 9": "the ladder has no rung '9'",
    "evaluate --data own --masks own --record 1": "leave it out with --masks",
    "data check youtube-vos-2018 --resolution 480p --root own": "has no option 'resolution'",
    "data check youtube-vos-2019 --resolution 480p --root own": "it has root, all_frames",
    "ablate cosnet --table 2 --profile quick --store file/a.json": "file/a.json cannot be written",
    "ablate cosnet --table 2 --profile quick --store own": "own is a folder; name a file",
    "bench evaluator --json file/a.json": "file/a.json cannot be written",
    "segment own/walk --out /proc/nothing/here": "/proc/nothing/here cannot be made",
}


@pytest.mark.parametrize("words", REFUSED)
def test_it_is_said_in_one_sentence_before_the_work(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("vosedu.api.evaluate", work)
    monkeypatch.setattr("vosedu.ablation.run_table", work)
    monkeypatch.setattr("vosedu.bench.measured", work)
    monkeypatch.setattr(segment, "_write", work)
    assert commands.main(words.split()) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert REFUSED[words] in said
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
    ],
    ids=["numpy", "torch on a CPU", "torch on a GPU"],
)
def test_memory_that_does_not_suffice(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(segment, "_write", full)
    assert commands.main(["segment", "own/walk"]) == 2
    assert "the memory does not suffice" in capsys.readouterr().err
    assert not Path("runs/walk").exists(), "nothing is left behind"


def test_another_runtime_error_is_not_called_one_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(segment, "_write", wrong)
    with pytest.raises(RuntimeError, match="shapes differ"):
        commands.main(["segment", "own/walk"])
