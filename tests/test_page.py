"""A notebook as one page: formulas, folded code, links, and nothing that a network must bring."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vosedu.tour import ROOT

page = pytest.importorskip("vosedu.page", reason="the extra notebooks is not installed")
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![$\\`])\$([^$]+?)\$", re.DOTALL)
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    folded = new_code_cell("import json", metadata={"tags": ["hide-input"]})
    shown = new_code_cell("1 + 1", outputs=[new_output("stream", text="two")])
    prose = (
        "# Sums\n\nThe sum $a_i + b$ is\n\n$$\\frac{a}{b}$$\n\nof "
        "[flow](../02_flow.ipynb#sums) and [the site](https://example.org/x.ipynb)."
        "\n\n<details><summary>Hint</summary>\n\nAdd *slowly*.\n\n</details>\n\nGo on."
    )
    nbformat.write(
        new_notebook(cells=[new_markdown_cell(prose), folded, shown]), folder / "n.ipynb"
    )
    page.to_html(folder / "n.ipynb", folder / "n.html")
    return (folder / "n.html").read_text()


def test_formulas_are_drawn_by_the_browser_itself(text: str) -> None:
    assert "<mfrac>" in text and 'display="block"' in text
    assert "<msub>" in text and 'display="inline"' in text
    assert "\\frac" not in text


def test_letters_keep_their_kind() -> None:
    """Browsers ignore the attribute by which MathML once told bold from plain letters."""
    drawn = page.mathml("\\mathbf V \\in \\mathbb R, \\mathcal L", "inline")
    assert all(
        letter in drawn for letter in "\N{MATHEMATICAL BOLD CAPITAL V}\N{DOUBLE-STRUCK CAPITAL R}"
    )
    assert "\N{SCRIPT CAPITAL L}" in drawn and "mathvariant" not in drawn


def test_nothing_is_fetched(text: str) -> None:
    assert not re.search(
        r"<script[^>]+src=|<link[^>]+href=|url\(\s*['\"]?https?:|<img[^>]+http", text
    )
    assert "import(" not in text and "mathjax" not in text.lower()


def test_tagged_code_is_folded_and_other_code_is_not(text: str) -> None:
    before, folded = text.split('<details class="vosedu-folded">')
    inside, after = folded.split("</details>")
    assert "json" in inside and "json" not in before.split("<body")[1] + after
    assert "two" in after


def test_long_lines_of_code_are_wrapped(text: str) -> None:
    rule = re.search(r"\.jp-InputArea \.highlight pre \{([^}]*)\}", text)
    assert rule and "pre-wrap" in rule[1]
    assert re.search(
        r'class="[^"]*jp-InputArea.*?class="[^"]*highlight[^"]*"><pre', text, re.DOTALL
    )


def test_a_hint_of_several_paragraphs_stays_folded(text: str) -> None:
    hint = text.partition("<summary>Hint</summary>")[2].partition("</details>")[0]
    assert "<em>slowly</em>" in hint and "Go on" not in hint


def test_links_to_notebooks_lead_to_their_pages(text: str) -> None:
    assert 'href="../02_flow.html#sums"' in text
    assert 'href="https://example.org/x.ipynb"' in text


def test_a_formula_that_cannot_be_read_stays_as_it_is() -> None:
    assert page.mathml("\\frac{", "inline") == "$\\frac{$"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_formula_of_a_notebook_can_be_read(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"```.*?```|`[^`]*`", "", prose, flags=re.DOTALL)
    for block, inline in set(FORMULA.findall(prose)):
        drawn = page.mathml(block or inline, "block" if block else "inline")
        assert drawn.startswith("<math") and "\\" not in drawn, block or inline
