"""The loss while a network trains: drawn again as it goes, and one picture in a saved notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pytest
from IPython.display import Image
from nbformat.v4 import new_code_cell, new_notebook

import notebooks
from vosedu.explore import LossCurve, curve
from vosedu.papers.cosnet import training
from vosedu.training import History

RECIPE = training.recipe("quick")  # still images, then pairs
TOTAL = sum(stage.steps for stage in RECIPE.stages)


def history(steps: int) -> History:
    rows = [
        {"stage": "saliency" if k < 3 else "main", "step": k, "kind": "still", "loss": 1 / (1 + k)}
        for k in range(steps)
    ]
    return History(rows, 0.5 * steps)


class Handle:
    """In a display handle's place: keeps what was shown."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def update(self, picture: Image) -> None:
        self.titles.append(picture.alt.split(": ")[0])

    def display(self, picture: Image, *, display_id: bool) -> Handle:
        self.update(picture)
        return self


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    handle = Handle()
    monkeypatch.setattr(curve, "display", handle.display)
    return handle.titles


def test_it_is_drawn_at_most_once_a_second_and_at_the_end(shown: list[str]) -> None:
    loss = LossCurve(RECIPE)
    for steps in range(1, 5):
        loss(history(steps))
    assert shown == [f"step 1 of {TOTAL}, about {0.5 * (TOTAL - 1):.0f} s left"]
    loss.show(history(4))
    assert shown[1:] == ["4 steps"]


def test_each_drawing_has_the_steps_so_far(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "SECONDS", 0.0)
    loss = LossCurve(RECIPE)
    for steps in range(1, 4):
        loss(history(steps))
    assert [title.split(",")[0] for title in shown] == [f"step {k} of {TOTAL}" for k in (1, 2, 3)]


def test_the_line_is_the_running_mean_and_stages_are_named() -> None:
    axes = LossCurve(RECIPE).figure(history(5)).axes[0]
    dots, mean = axes.lines[:2]
    assert np.allclose(dots.get_ydata(), [1 / k for k in range(1, 6)])
    assert np.allclose(mean.get_ydata(), np.cumsum([1 / k for k in range(1, 6)]) / range(1, 6))
    assert [text.get_text() for text in axes.texts] == ["saliency", "main"]
    assert axes.get_xlim() == (0, TOTAL + 1), "as long as the recipe from the first step on"


def test_terms_are_drawn_over_the_steps_that_have_them_with_their_levels() -> None:
    rows = history(4)
    rows.rows[2]["side"] = 0.25
    axes = LossCurve(RECIPE, ("loss", "side"), {"side": 0.7}).figure(rows).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["loss", "side"]
    side, level = axes.lines[3], axes.lines[4]
    assert list(side.get_xdata()) == [3] and list(side.get_ydata()) == [0.25]
    assert list(level.get_ydata()) == [0.7, 0.7]


def test_a_run_without_steps_is_an_empty_curve() -> None:
    assert not LossCurve(RECIPE).figure(History()).axes[0].lines[0].get_xdata().size


def test_a_saved_notebook_has_the_last_picture_alone(tmp_path: Path) -> None:
    """As a live kernel shows it: one output, replaced while the training runs."""
    path = tmp_path / "training.ipynb"
    source = """
from vosedu.explore import LossCurve, curve
from vosedu.papers.cosnet import training
from vosedu.training import History
curve.SECONDS = 0.0
loss = LossCurve(training.recipe("quick"))
rows = [{"stage": "main", "loss": 1.0 / k} for k in range(1, 5)]
for k in range(1, 5):
    loss(History(rows[:k], k))
loss.show(History(rows, 4))
"""
    cells = [new_code_cell("profile = 1", metadata={"tags": ["parameters"]}), new_code_cell(source)]
    nbformat.write(new_notebook(cells=cells), path)
    notebooks.execute(path, path, timeout=120)
    outputs = nbformat.read(path, as_version=4).cells[-1].outputs
    assert len(outputs) == 1 and "image/png" in outputs[0].data
    assert outputs[0].metadata["image/png"]["alt"].startswith("4 steps: loss over step")
