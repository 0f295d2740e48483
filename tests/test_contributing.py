"""The checklist "add a paper" of CONTRIBUTING.md, followed with a paper in a temporary folder."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import readme
import toypaper
from PIL import Image

from vosedu import api, commands, toyvos


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "CONTRIBUTING.md").read_text()


@pytest.fixture(scope="module")
def checklist(text: str) -> str:
    return text.split("## Add a paper")[1]


def items(checklist: str) -> dict[int, str]:
    """Number -> text of a checklist's item."""
    found = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |^\S)", checklist + "\nend", re.M | re.S)
    return {int(number): text for number, text in found}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A paper made as the list says, in a temporary folder; data are four clips of ToyVOS."""
    toypaper.write(tmp_path / "papers", "toy")
    monkeypatch.chdir(tmp_path)
    with toypaper.among_the_papers(tmp_path / "papers"):
        few = toyvos.split("val")[:4]
        monkeypatch.setattr("vosedu.training.data.open_data", lambda name: few)
        monkeypatch.setattr(sys.modules["vosedu.ablation.run"], "_opened", lambda name: few[:1])
        yield "toy"


def test_the_toy_paper_has_the_files_that_are_needed_and_no_other(checklist: str) -> None:
    listed = items(checklist)
    needed = {re.match(r"`(\w+\.py)`", listed[number]).group(1) for number in range(1, 7)}
    assert set(toypaper.FILES) == needed


def test_the_commands_of_the_list_work(
    toy: str, checklist: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```\n(.*?)```", checklist, re.S)
    lines = re.findall(r"^vosedu (.*?)(?:  +#.*)?$", block, re.M)
    assert [line.split()[0] for line in lines] == ["train", "evaluate", "ablate", "bench"]
    said = {}
    for line in lines[:3]:
        assert commands.main(line.replace("KEY", toy).split()) == 0, line
        said[line.split()[0]] = capsys.readouterr().out
    assert "2 steps" in said["train"]
    assert "1 of the 40 sequences" in said["evaluate"]
    assert "ToyVOS, each object" in said["evaluate"]
    assert "inverted" in said["ablate"]
    assert commands.main(["bench", toy]) == 2, "it has no benchmarks"


def test_it_appears_in_the_readme_and_the_lists(
    toy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = readme.papers().splitlines()[-1]
    assert row.startswith("| `toy` | Grey, NOWHERE 2031 | semi-supervised | frame + first mask |")
    assert readme.climbed().splitlines()[0].endswith("| toy |")
    assert commands.main(["weights", "list"]) == 0
    assert "none: the authors do not exist" in capsys.readouterr().out
    assert commands.main(["weights", "get", toy]) == 2
    assert "the authors do not exist" in capsys.readouterr().err
    assert commands.main(["ablate", toy]) == 0
    assert "The grey level" in capsys.readouterr().out


def test_its_picture_shows_the_first_mask(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readme, "PICTURES", tmp_path / "pictures")
    load = api.load
    monkeypatch.setattr(api, "load", lambda key: load(key, None))
    clip = toyvos.split("val")[1]
    readme.paper_picture(toy, clip, 2)
    height, width = clip.size
    with Image.open(tmp_path / "pictures" / "toy.png") as picture:
        assert picture.size == (3 * width + 2 * 4, height), "frame, first mask, result"


def test_what_the_text_names_is_there(text: str, root: Path) -> None:
    paths = re.findall(r"`((?:vosedu|tests|tools|data|notebooks)/[\w./]+)`", text)
    assert len(paths) > 8
    missing = [path for path in paths if "KEY" not in path and not (root / path).exists()]
    assert missing == []
    for script in re.findall(r"python (tools/\w+\.py)", text):
        assert (root / script).is_file()


def test_every_paper_has_what_the_list_asks_for(checklist: str, root: Path) -> None:
    listed = items(checklist)
    for key in api.papers():
        package = root / "vosedu" / "papers" / key
        for number in range(1, 7):
            part = re.match(r"`(\w+)\.py`", listed[number]).group(1)
            assert (package / f"{part}.py").is_file() or (package / part).is_dir(), (key, part)
