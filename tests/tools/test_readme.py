"""The README is short, its tables are made by code, and its links and commands work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import readme

from vosedu import commands, ladder, toyvos


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "README.md").read_text()


def test_its_tables_are_up_to_date(text: str) -> None:
    assert readme.render(text) == text, "run: python tools/readme.py"
    assert set(re.findall(r"<!-- (\w+) -->", text)) - {"end"} == set(readme.BLOCKS)


def test_it_reads_in_three_minutes(text: str) -> None:
    prose = re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->|```.*?```", "", text, flags=re.DOTALL)
    assert len(prose.split()) < 3 * 220


def test_its_links_lead_somewhere(text: str, root: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", text)
    assert [link for link in links if "://" not in link and not (root / link).exists()] == []


def test_its_pictures_are_small(text: str, root: Path) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert len(pictures) == 2 + len(readme.api.papers())
    assert all((root / picture).stat().st_size <= 200_000 for picture in pictures)


def test_its_commands_parse(text: str, root: Path) -> None:
    blocks = "\n".join(re.findall(r"```\n(.*?)```", text, flags=re.DOTALL))
    lines = re.findall(r"^(?:python -m )?vosedu (.*)$", blocks, re.MULTILINE)
    lines += re.findall(r"`vosedu (.*?)`", readme.released())
    assert len(lines) >= 8
    for command in lines:
        assert callable(commands.parse(command.split()).run)
    targets = re.findall(r"^make (\w+)", blocks, re.MULTILINE)
    makefile = (root / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in targets)


@pytest.mark.parametrize("key", [key for key in readme.api.papers() if ladder.read(key)])
def test_the_ladder_s_numbers_belong_to_what_is_embedded(key: str) -> None:
    for rung, entry in ladder.read(key).items():
        assert rung in ladder.RUNGS
        assert all(0 <= value <= 1 for value in entry["numbers"].values())
        if rung == "1":
            assert entry["weights"] == ladder.checksum(key), f"measure rung 1 of {key} again"
            assert entry["data"] == toyvos.PIXELS
        if rung == "2":
            weights = ladder.checksum(key, "davis-small")
            assert entry["weights"] == weights, f"measure rung 2 of {key} again"
            assert "toyvos" not in entry["data"]
