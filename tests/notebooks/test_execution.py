"""Every notebook runs: end to end at `quick`, and the deterministic ones give what they show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import notebooks
from vosedu.errors import InputError

FOUND = notebooks.find()
DETERMINISTIC = [
    path for path in FOUND if path.stem in {"01_clips", "02_flow", "03_metrics", "1_architecture"}
]


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", FOUND, ids=name)
def test_runs_end_to_end_at_quick(path: Path, tmp_path: Path) -> None:
    parameters = {"profile": "quick", "out_dir": str(tmp_path / "out")}
    notebooks.execute(path, tmp_path / path.name, parameters, timeout=600)


@pytest.mark.parametrize("path", DETERMINISTIC, ids=name)
def test_gives_what_it_shows(path: Path, tmp_path: Path, root: Path) -> None:
    """nbval, from a copy elsewhere: a notebook must not depend on where it is opened."""
    copy = shutil.copy(path, tmp_path / path.name)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q"]
    command += ["--nbval-cell-timeout=600", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"]
    ours = {"PYTHONPATH": str(root), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(
        [*command, "-c", os.devnull, str(copy)],
        cwd=tmp_path,
        env=os.environ | ours,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    path = tmp_path / "lesson.ipynb"
    cells = [
        new_markdown_cell("A lesson."),
        new_code_cell('profile = "course"', metadata={"tags": ["parameters"]}),
        new_code_cell("from pathlib import Path\nprint(profile, Path('pyproject.toml').is_file())"),
        new_code_cell("assert profile != 'full', 'no GPU here'"),
    ]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_execution_in_place_is_clean_and_repeatable(lesson: Path) -> None:
    notebooks.execute(lesson, lesson)
    first = lesson.read_text()
    notebook = nbformat.reads(first, as_version=4)
    assert notebook.cells[2].outputs[0].text == "course True\n"
    assert [cell.get("execution_count") for cell in notebook.cells] == [None, 1, 2, 3]
    assert "papermill" not in first
    assert "iopub" not in first
    notebooks.execute(lesson, lesson)
    assert lesson.read_text() == first


def test_parameters_reach_the_notebook(lesson: Path, tmp_path: Path) -> None:
    notebooks.execute(lesson, tmp_path / "out" / "lesson.ipynb", {"profile": "quick"})
    notebook = nbformat.read(tmp_path / "out" / "lesson.ipynb", as_version=4)
    assert any("quick True" in str(cell.get("outputs")) for cell in notebook.cells)


def test_a_failing_cell_is_named_and_the_old_notebook_stays(lesson: Path) -> None:
    before = lesson.read_bytes()
    with pytest.raises(InputError, match=r"lesson\.ipynb stopped in cell \d .*no GPU here"):
        notebooks.execute(lesson, lesson, {"profile": "full"})
    assert lesson.read_bytes() == before


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no notebook .*nowhere\.ipynb"):
        notebooks.execute(tmp_path / "nowhere.ipynb", tmp_path / "out.ipynb")
