"""The digest of a paper's source: what counts, what does not, and what it does to records."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vosedu import ablation, api
from vosedu.ablation.source import code_of, modules_of, remarks, source_digest

TEXT = '''"""A module."""

from math import pi  # a number


class Circle:
    """A circle."""

    name = "# no comment"

    def area(self, r):
        # by Archimedes
        return pi * r**2
'''


def test_prose_does_not_count_and_code_does() -> None:
    reworded = TEXT.replace("A circle.", "A disk.\n\n    Of radius r.").replace("Archimedes", "him")
    assert code_of(reworded.replace("\n\n\n", "\n\n")) == code_of(TEXT)
    assert code_of(TEXT.replace("r**2", "r**3")) != code_of(TEXT)
    assert code_of(TEXT.replace("# no", "# a")) != code_of(TEXT), "a string is no comment"
    assert "Archimedes" not in code_of(TEXT) and '"""' not in code_of(TEXT)


def test_a_paper_s_modules_are_its_parts_and_what_they_use() -> None:
    cosnet, dpa = modules_of("cosnet"), modules_of("dpa")
    for part in ("network", "training", "inference"):
        assert f"vosedu.papers.cosnet.{part}" in cosnet
    assert {"vosedu.nn.resnet", "vosedu.training.loop"} <= cosnet
    assert {"vosedu.nn.vgg", "vosedu.flow.estimators", "vosedu.flow.wheel"} <= dpa
    assert "vosedu.nn.swin" not in cosnet, "a name is followed to the module that defines it"
    other = [name for name in cosnet if name.startswith(("vosedu.papers.dpa", "vosedu.explore"))]
    assert other == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("papers/cosnet/network.py", "torch.zeros_like", "torch.ones_like"),
        ("nn/resnet.py", "bias=False", "bias=True"),
        ("training/losses.py", "return", "return -"),
    ],
)
def test_another_line_anywhere_in_them_is_another_digest(
    file: str, old: str, new: str, tmp_path: Path, root: Path
) -> None:
    package = tmp_path / "vosedu"
    shutil.copytree(root / "vosedu", package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (package / file).read_text()
    assert old in text, "the change has to be one"
    (package / file).write_text(text.replace(old, new, 1))
    program = "from vosedu.ablation.source import *; print(source_digest('cosnet'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert len(done.stdout.strip()) == 16, done.stderr
    assert done.stdout.strip() != source_digest("cosnet")


def test_records_of_another_source_are_counted(record) -> None:
    now = record("full", 0, 0.5, source=source_digest("cosnet"))
    assert remarks([now], "cosnet") == []
    said = remarks([now, record("full", 1, 0.5), record("full", 2, 0.5, source="0")], "cosnet")
    assert said[0].startswith("1 of 3 records were made before")
    assert said[1] == "1 of 3 records were made by another version of the code"


@pytest.mark.usefixtures("trainings")
def test_a_run_of_another_source_is_not_taken_over(tmp_path: Path, trainings: list[int]) -> None:
    store = ablation.Store(tmp_path / "table1.json")
    (made,) = ablation.run("cosnet", store=store)
    assert made.source == source_digest("cosnet")
    ablation.run("cosnet", store=store)
    assert trainings == [0]
    store.add(replace(made, source="of another day"))
    (again,) = ablation.run("cosnet", store=ablation.Store(store.path))
    assert trainings == [0, 0]
    assert again.source == made.source
    store.add(replace(made, source=""))
    ablation.run("cosnet", store=ablation.Store(store.path))
    assert trainings == [0, 0], "a record of before counts until it is made anew"


NOT_EMBEDDED = ("", "imagenet", "released encoder")
STARTS = {
    (paper.key, recipe.initial): (paper, profile, recipe)
    for paper in api.papers().values()
    for profile in ("quick", "ablate", "course")
    if (recipe := paper.recipe(profile)).initial not in NOT_EMBEDDED
}


class _OpenedError(Exception):
    """Says which file would have been read."""


@pytest.mark.parametrize("start", STARTS, ids=" from ".join)
def test_the_bytes_of_a_recipe_s_start_count(
    start: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(path: Path, **options) -> None:
        raise _OpenedError(path)

    monkeypatch.setattr(torch, "load", opened)
    paper, profile, recipe = STARTS[start]
    with pytest.raises(_OpenedError) as read:
        paper.train(paper.Config.paper().scaled(profile), recipe)
    assert Path(read.value.args[0]).stem in paper.starts[recipe.initial].split("+")
    assert source_digest(paper.key, recipe.initial) != source_digest(paper.key)


def test_a_record_from_other_weights_is_told(
    record, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = record(
        "full", 0, 0.5, source=source_digest("cosnet", "common"), recipe={"initial": "common"}
    )
    random = record("full", 1, 0.5, source=source_digest("cosnet"))
    assert remarks([made, random], "cosnet") == []
    start = root / "data" / "checkpoints" / "start-tiny.pt"
    (tmp_path / start.name).write_bytes(start.read_bytes()[:-1] + b"!")
    monkeypatch.setattr(sys.modules["vosedu.ablation.source"], "data_dir", lambda kind: tmp_path)
    source_digest.cache_clear()
    try:
        said = remarks([made, random], "cosnet")
    finally:
        source_digest.cache_clear()
    assert said == ["1 of 2 records were made by another version of the code"]
