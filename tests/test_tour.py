"""The tour from the command line, around its notebook (which is run in tests/notebooks)."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vosedu import commands, tour
from vosedu.page import WIDGET

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def short_tour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the notebook: what it leaves behind, with a widget that has its picture."""

    def execute(_source: Path, target: Path, parameters: dict, **_options: object) -> None:
        out = Path(parameters["out_dir"])
        out.mkdir(parents=True, exist_ok=True)
        rows = [["walk", 71.234, 50.0, 0.05]]
        scores = {"columns": ["clip", "J", "F", "seconds per frame"], "rows": rows}
        (out / "scores.json").write_text(json.dumps(scores))
        code = new_code_cell("explore", execution_count=1)
        data = {WIDGET: {"model_id": "a"}, "image/png": PIXEL, "text/plain": "Explorer"}
        code.outputs = [new_output("execute_result", data, execution_count=1)]
        nbformat.write(new_notebook(cells=[new_markdown_cell("# A walk"), code]), target)

    monkeypatch.setattr(tour, "execute", execute)


def test_it_prints_its_table_and_says_where_things_are(
    short_tour: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tour"
    assert commands.main(["tour", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "walk  71.23  50.00               0.05" in printed
    assert str(out) in printed
    assert all(name in printed for name in tour.LEFT_BEHIND)
    assert commands.main(["tour", "--out", str(out)]) == 0, "an earlier tour is replaced"


def test_its_html_shows_pictures_in_place_of_widgets(short_tour: None, tmp_path: Path) -> None:
    assert commands.main(["tour", "--out", str(tmp_path / "tour")]) == 0
    page = (tmp_path / "tour" / "tour.html").read_text()
    assert "A walk" in page
    assert PIXEL in page
    assert WIDGET not in page


def test_a_folder_with_other_files_is_refused(
    short_tour: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert commands.main(["tour", "--out", str(tmp_path)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tour, "find_spec", lambda name: None if name == "papermill" else name)
    assert commands.main(["tour", "--out", str(tmp_path / "tour")]) == 2
    said = "vosedu: the tour needs papermill; install them: pip install 'vosedu[notebooks]'\n"
    assert capsys.readouterr().err == said
