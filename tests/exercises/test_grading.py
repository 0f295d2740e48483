"""Solutions pass the checks; empty answers, wrong answers and known mistakes do not."""

from __future__ import annotations

import inspect
import runpy
from pathlib import Path

import nbformat
import numpy as np
import pytest

from vosedu import exercises
from vosedu.errors import InputError
from vosedu.exercises.grading import RIGHT, UNANSWERED, WRONG, Case, Exercise, grade
from vosedu.tour import ROOT

FOLDER = ROOT / "notebooks" / "exercises"
ALL = [
    pytest.param(name, each, id=f"{name}-{each.name}")
    for name, sheet in exercises.SHEETS.items()
    for each in sheet
]
MISTAKES = [
    pytest.param(each, text, mistake, id=f"{each.name}-{number}")
    for sheet in exercises.SHEETS.values()
    for each in sheet
    for number, (text, mistake) in enumerate(each.mistakes.items())
]
DOUBLE = Exercise(
    "double",
    lambda x: 2 * x,
    (Case("a row", (np.arange(3.0),)), Case("a table", (np.ones((2, 3)),))),
    {"You squared it.": lambda x: x**2},
)


def notebook_of(name: str) -> Path:
    (path,) = FOLDER.glob(f"*_{name}.ipynb")
    return path


@pytest.mark.parametrize("name, exercise", ALL)
def test_the_solution_passes(name: str, exercise: Exercise) -> None:
    solutions = runpy.run_path(str(FOLDER / "solutions" / f"{name}.py"))
    verdict = grade(exercise, solutions[exercise.name])
    assert verdict.state == RIGHT, verdict


@pytest.mark.parametrize("exercise, text, mistake", MISTAKES)
def test_a_known_mistake_fails_and_is_named(exercise: Exercise, text: str, mistake) -> None:
    verdict = grade(exercise, mistake)
    assert verdict.state == WRONG
    assert verdict.text.endswith(text), verdict


@pytest.mark.parametrize("name, exercise", ALL)
def test_nothing_and_nonsense_are_no_answers(name: str, exercise: Exercise) -> None:
    assert grade(exercise, lambda *arguments: None).state == UNANSWERED
    assert grade(exercise, lambda *arguments: 0.123).state == WRONG
    assert grade(exercise, lambda *arguments: arguments[0]).state == WRONG


@pytest.mark.parametrize("name", exercises.SHEETS)
def test_the_notebook_asks_for_every_exercise_and_answers_none(name: str) -> None:
    cells = nbformat.read(notebook_of(name), as_version=4).cells
    code = {cell.source: cell for cell in cells if cell.cell_type == "code"}
    for exercise in exercises.SHEETS[name]:
        (stub,) = (source for source in code if source.startswith(f"def {exercise.name}("))
        scope: dict = {}
        exec(stub, scope)
        function = scope[exercise.name]
        asked = inspect.signature(function).parameters
        assert {len(case.arguments) for case in exercise.cases} == {len(asked)}
        assert function.__doc__ and grade(exercise, function).state == UNANSWERED
        (shown,) = code[f"sheet.check({exercise.name})"].outputs
        assert shown.data["text/plain"] == f"{exercise.name}: not answered yet"


def test_what_is_wrong_is_said() -> None:
    def said(function) -> str:
        return grade(DOUBLE, function).text

    assert grade(DOUBLE, lambda x: x + x).state == RIGHT
    assert "differs at 2 of 3 places, first at (1,): 1, not 2" in said(lambda x: x * 1.0)
    assert 'case "a row"' in said(lambda x: x * 1.0)
    assert said(lambda x: x**2).endswith("You squared it.")
    assert "shape (3, 2), not (2, 3); it looks transposed" in said(lambda x: 2 * x.T)
    assert "stops with ZeroDivisionError" in said(lambda x: 1 // 0)
    assert "2 values, not 1" in said(lambda x: (x, x))
    assert "gives 3 nan" in said(lambda x: x * np.nan)
    assert "gives a str, not an array of shape (3,)" in said(lambda x: "six")
    assert "is a return missing" in said(lambda x: 2 * x if x.ndim == 1 else None)


def test_an_answer_that_changes_its_arguments_is_told() -> None:
    def doubled(x):
        x *= 2
        return x

    assert "changes its arguments" in grade(DOUBLE, doubled).text
    assert DOUBLE.cases[0].arguments[0].tolist() == [0, 1, 2]


def test_a_sheet_counts_what_is_right() -> None:
    sheet = exercises.sheet("metrics")

    def region(pred, gt):
        either = (pred | gt).sum()
        return (pred & gt).sum() / either if either else 1

    def contour(mask):
        return mask

    assert sheet.points == "0 of 8"
    assert repr(sheet.check(region)).startswith("region: right")
    assert sheet.check(contour).state == WRONG
    assert sheet.points == "1 of 8"
    assert sheet.progress()["state"].value_counts().to_dict() == {
        "not checked yet": 6,
        RIGHT: 1,
        WRONG: 1,
    }
    with pytest.raises(InputError, match="no exercise"):
        sheet.check(test_a_sheet_counts_what_is_right)
    with pytest.raises(InputError, match="no sheet"):
        exercises.sheet("cooking")
