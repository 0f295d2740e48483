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
    "evaluate --data own --masks own --record 1": "--record has no effect with --masks",
    "evaluate --data own --masks own --weights course": "--weights has no effect with --masks",
    "evaluate --data own --masks own --flow dis-fast": "--flow has no effect with --masks",
    "evaluate --data own --masks own --device cpu": "--device has no effect with --masks",
    "evaluate --data own --masks own --references 2": "--references has no effect with --masks",
    "evaluate --masks own --method dpa --protocol davis16": "--method has no effect with --masks",
    "evaluate --data own --csv file": "file is a file, not a folder; choose another",
    "evaluate --data own --csv file/scores": "file is a file, not a folder; choose another",
    "evaluate --data own --overwrite": "--overwrite has no effect without --csv",
    "evaluate --data own --flow dis-fast": "--flow has no effect on COSNet, which reads no flow",
    "evaluate --method dpa --flow-cache here": "give --flow to estimate it",
    "evaluate --present-only": "--present-only has no effect on toyvos",
    "evaluate --data own --present-only": "--present-only has no effect on own",
    "segment own/walk --split train": "--split has no effect on videos and folders of your own",
    "segment own/walk --suite turns": "it goes with --data",
    "segment own/walk --root own": "it goes with --data",
    "segment own/walk --resolution 480p": "it goes with --data",
    "segment own/walk --sequences walk": "it goes with --data",
    "segment own/walk --present-only": "it goes with --data",
    "segment --data toyvos --method dpa --flow dis-fast": "--flow has no effect on ToyVOS",
    "segment --data toyvos --method dpa --flow-cache here": "--flow-cache has no effect on ToyVOS",
    "train cosnet --profile full --until saliency --data own": "changes the last stage",
    "train cosnet --profile full --until saliency --set steps=3": "--set steps=3 has no effect",
    "ablate cosnet --rows base": "--rows has no effect without --table, which lists the tables",
    "ablate cosnet --seeds 2": "--seeds has no effect without --table",
    "data list davis16": "'davis16' has no effect on data list",
    "data list --root own": "--root has no effect on data list",
    "data where davis16 --root own": "--root has no effect on data where",
    "data where davis16 --part trainval": "--part has no effect on data where",
    "data get davis16 --resolution 1080p": "--resolution has no effect on data get",
    "data check davis16 --part trainval": "--part has no effect on data check",
    "weights list cosnet": "'cosnet' has no effect on weights list",
    "weights list --all": "--all has no effect on weights list",
    "weights where cosnet --all": "--all has no effect on weights where",
    "weights get cosnet some.pth --all": "--all has no effect beside the name of one file",
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
    monkeypatch.setattr("vosedu.metrics.evaluate_folder", work)
    monkeypatch.setattr("vosedu.training.loop.fit", work)
    monkeypatch.setattr("vosedu.datasets.manage.fetch", work)
    monkeypatch.setattr("vosedu.datasets.weights.fetch", work)
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


def test_another_resolution_is_named_as_the_option_that_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "DAVIS/JPEGImages/240p/dog").mkdir(parents=True)
    command = "segment --data davis16 --root DAVIS --method cosnet --out out"
    assert commands.main(command.split()) == 2
    said = capsys.readouterr().err
    assert "has no folder '480p' but 240p; pass --resolution 240p" in said
    assert not (tmp_path / "out").exists()
