"""Exercises that grade themselves: a function to write, cases to pass, what is wrong in words.

from vosedu import exercises

sheet = exercises.sheet("metrics")
sheet.check(region)        # the function of that name, as the student wrote it
sheet.progress()
"""

from __future__ import annotations

from vosedu.errors import choose
from vosedu.exercises import attention, flow, metrics
from vosedu.exercises.grading import Case, Exercise, Sheet, Verdict, grade

__all__ = ["SHEETS", "Case", "Exercise", "Sheet", "Verdict", "grade", "sheet"]

SHEETS = {
    "metrics": metrics.EXERCISES,
    "attention": attention.EXERCISES,
    "flow": flow.EXERCISES,
}
"""Name of a sheet -> its exercises, in order."""


def sheet(name: str) -> Sheet:
    """A sheet of exercises with nothing answered yet."""
    return Sheet(choose(SHEETS, name, "there is no sheet of exercises"))
