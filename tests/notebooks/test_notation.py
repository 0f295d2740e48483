"""The page of letters knows every letter of the notebooks' tables of notation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

import notebooks

PAGE = (notebooks.ROOT / "notebooks" / "notation.md").read_text()
EVERYWHERE = PAGE.partition("## The letters of each paper")[0]
SECTIONS = {
    "cosnet": "COSNet",
    "amcnet": "AMC-Net",
    "hcpn": "HCPN, and STM in its instance pipeline",
    "dpa": "DPA",
    "deaot": "AOT and DeAOT",
}


def letters(path: Path) -> Iterator[str]:
    """The letters in the first column of the notebook's table of notation."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and re.search(r"^## Notation", cell.source, re.MULTILINE):
            table = cell.source.partition("## Notation")[2].partition("\n## ")[0]
            for line in table.splitlines():
                first = line.split("|")[1] if "|" in line else ""
                for formula in re.findall(r"\$([^$]+)\$", first):
                    for letter in re.split(r",\\?\s*|\s*\\dots\s*|=|\s-\s", formula):
                        yield letter.strip()


def plain(text: str) -> str:
    """A formula without what changes its look alone; the base row of DPA's Table 1 is IV."""
    return re.sub(r"\\mathbf|\\mathrm|\\text|[{}\s\\]", "", text.replace("IV", "base"))


@pytest.mark.parametrize("key", SECTIONS)
def test_every_letter_of_a_paper_stands_on_the_page(key: str) -> None:
    section = PAGE.partition(f"### {SECTIONS[key]}\n")[2].partition("\n##")[0]
    known = plain(EVERYWHERE + section)
    found = {
        (path.stem, letter)
        for path in notebooks.find()
        if path.parent.name == key
        for letter in letters(path)
        if letter
    }
    assert len(found) > 8
    missing = {(stem, letter) for stem, letter in found if plain(letter) not in known}
    assert not missing


@pytest.mark.parametrize("key", SECTIONS)
def test_the_table_of_collisions_has_a_column_for_every_paper(key: str) -> None:
    table = PAGE.partition("## Letters with several meanings")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")]
    head, _, *body = rows
    assert {len(row) for row in rows} == {7}
    names = [name.strip() for name in head]
    column = next(k for k, name in enumerate(names) if name.split(",")[0] in SECTIONS[key])
    assert sum(bool(row[column].strip()) for row in body) >= 8
