"""The rules for committed notebooks: each is kept by every notebook, and caught when broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebooks

FOUND = notebooks.find()
WIDGET = {notebooks.WIDGET: {"model_id": "a", "version_major": 2}}


@pytest.mark.parametrize("path", FOUND, ids=[path.parent.name + "/" + path.stem for path in FOUND])
def test_committed_notebooks_keep_the_rules(path: Path) -> None:
    assert notebooks.check(path) == []


def good() -> nbformat.NotebookNode:
    """A notebook that keeps every rule; text and code alternate."""
    first = "You will be able to walk. Prerequisites: none. 5 minutes, no disk. Cite the paper."
    cells = [
        new_markdown_cell(first),
        new_code_cell(
            'profile = "course"\nseed = 0\ndevice = "cpu"\nout_dir = "runs"',
            metadata={"tags": ["parameters"]},
        ),
    ]
    for number in range(20):
        cells += [new_markdown_cell(f"Step {number}."), new_code_cell(f"print({number})")]
    last = "What we learned. What we could not see. Three exercises. What to read."
    cells.append(new_markdown_cell(last))
    code = [cell for cell in cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
        cell.outputs = [new_output("stream", name="stdout", text="ok\n")]
    return new_notebook(cells=cells)


def problems(notebook: nbformat.NotebookNode, folder: Path) -> str:
    nbformat.write(notebook, folder / "lesson.ipynb")
    return "\n".join(notebooks.check(folder / "lesson.ipynb"))


def show(**data: str) -> list[nbformat.NotebookNode]:
    kinds = {"plain": "text/plain", "png": "image/png", "html": "text/html"}
    return [new_output("display_data", {kinds[kind]: text for kind, text in data.items()})]


def test_a_good_notebook_passes(tmp_path: Path) -> None:
    assert problems(good(), tmp_path) == ""


def too_short(notebook: nbformat.NotebookNode) -> None:
    del notebook.cells[5:15]


def out_of_order(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].execution_count = 9


def not_run(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[-2].execution_count = None


def second_parameters(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].metadata["tags"] = ["parameters"]


def no_seed(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[1].source = notebook.cells[1].source.replace("seed = 0", "")


def quick(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[1].source = notebook.cells[1].source.replace("course", "quick")


def open_set_up(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].source = "import json\n" * 15
    notebook.cells[3].metadata["tags"] = ["hide-input"]  # folds it in pages, not in JupyterLab


def no_prerequisites(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[0].source = "You will be able to walk. 5 minutes, no disk. Cite the paper."


def no_exercises(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[-1].source = "What we learned. What to read."


def error(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = [
        new_output("error", ename="ValueError", evalue="", traceback=["ValueError"])
    ]


def stderr(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = [new_output("stream", name="stderr", text="hm")]


def warning(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = show(plain="<input>:1: UserWarning: careful")


def home_in_output(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = show(plain="PosixPath('/home/ada/clip.mp4')")


def checkout_in_source(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].source = f"open({str(notebooks.ROOT)!r})"


def path_in_text(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].source = "Look into `/tmp/results`."


def address(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = show(plain="<Axes at 0x7f00deadbeef>")


def class_(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].source = "%matplotlib inline\nclass Net:\n    pass"


def long_cell(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].source = "x = 1\n" * 61


def empty_cell(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].source = ""


def lone_widget(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = [new_output("display_data", WIDGET)]


def late_twin(notebook: nbformat.NotebookNode) -> None:
    lone_widget(notebook)
    notebook.cells[7].outputs = show(png="aaaa")


def saved_state(notebook: nbformat.NotebookNode) -> None:
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}


def picture_without_text(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2] = new_code_cell("x = 1", execution_count=2)
    for count, cell in enumerate([c for c in notebook.cells if c.cell_type == "code"], 1):
        cell.execution_count = count
    notebook.cells[3].outputs = show(png="aaaa")


def dead_link(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].source = "See [the next lesson](next.ipynb#top)."


def dead_picture(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[2].source = '<img src="map.png">'


def too_big(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[3].outputs = show(png="a" * 1_000_001)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (too_short, "cells, not 40 to 110"),
        (out_of_order, "counts are not 1..n"),
        (not_run, "counts are not 1..n"),
        (second_parameters, "2 cells tagged 'parameters'"),
        (no_seed, "does not set 'seed'"),
        (quick, "does not set profile"),
        (open_set_up, "its set-up cell is not folded"),
        (no_prerequisites, "first screen does not say prerequisites"),
        (no_exercises, "last screen does not say exercises"),
        (error, "cell 3: ends in ValueError"),
        (stderr, "cell 3: writes to stderr"),
        (warning, "cell 3: shows a UserWarning"),
        (home_in_output, "cell 3: shows the machine path /home/"),
        (checkout_in_source, "cell 3: names the machine path"),
        (path_in_text, "cell 2: names the machine path /tmp/"),
        (address, "cell 3: shows the object address 0x7f00deadbeef"),
        (class_, "cell 3: defines the class Net"),
        (long_cell, "cell 3: is longer than 60 lines"),
        (empty_cell, "cell 3: is empty"),
        (lone_widget, "cell 3: its widget has no PNG twin"),
        (late_twin, "cell 3: its widget has no PNG twin"),
        (saved_state, "saves the state of widgets"),
        (picture_without_text, "cell 3: no text above"),
        (dead_link, "cell 2: its link to next.ipynb leads nowhere"),
        (dead_picture, "cell 2: its link to map.png leads nowhere"),
        (too_big, "MB, above 1 MB"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_rule_is_noticed(
    spoil: Callable[[nbformat.NotebookNode], None], said: str, tmp_path: Path
) -> None:
    notebook = good()
    spoil(notebook)
    assert said in problems(notebook, tmp_path)


def test_a_paper_says_what_could_not_be_seen(tmp_path: Path) -> None:
    (tmp_path / "cosnet").mkdir()
    notebook = good()
    assert problems(notebook, tmp_path / "cosnet") == ""
    notebook.cells[-1].source = "What we learned. Three exercises. What to read."
    assert "claims that we could not see" in problems(notebook, tmp_path / "cosnet")
    assert problems(notebook, tmp_path) == ""


def test_what_only_looks_forbidden_passes(tmp_path: Path) -> None:
    notebook = good()
    notebook.cells[2].source = (
        "See [page](https://example.org/home/x), [above](#top), `a](b)` and ../work/y.\n"
        "```\n[code](nowhere)\n```"
    )
    notebook.cells[3].outputs = show(png="/tmp/home/work/0x7f00deadbeef", plain="0xff at work/tmp")
    assert problems(notebook, tmp_path) == ""


@pytest.mark.parametrize("same_cell", [True, False], ids=["same cell", "next cell"])
def test_a_widget_with_its_twin_passes(tmp_path: Path, same_cell: bool) -> None:
    notebook = good()
    notebook.cells[3].outputs = [new_output("display_data", WIDGET)]
    notebook.cells[3 if same_cell else 5].outputs += show(png="aaaa")
    assert problems(notebook, tmp_path) == ""


def test_a_file_that_is_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "lesson.ipynb").write_text("{")
    (only,) = notebooks.check(tmp_path / "lesson.ipynb")
    assert "no valid notebook" in only
