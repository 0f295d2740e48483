"""Grading: a student's function against the package's, case by case, and what to say of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vosedu.errors import choose

UNANSWERED, WRONG, RIGHT = "not answered yet", "wrong", "right"
Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """Arguments of a call, and what is special about them, in words."""

    words: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Exercise:
    """A function to write.

    name: the function's. reference: what gives the right answers, by the package's own code.
    mistakes: what to say -> a function that makes that mistake; a student whose answers are its
    answers in all cases is told so. Answers are numbers, arrays, or tuples of these.
    """

    name: str
    reference: Function
    cases: tuple[Case, ...]
    mistakes: Mapping[str, Function] = field(default_factory=dict)
    tolerance: float = 1e-6


@dataclass(frozen=True)
class Verdict:
    """What came of a check. state: "right", "wrong" or "not answered yet"."""

    name: str
    state: str
    text: str = ""

    def __repr__(self) -> str:
        return f"{self.name}: {self.state}{'. ' + self.text if self.text else ''}"


class Sheet:
    """Exercises by name, and the verdicts so far."""

    def __init__(self, exercises: Sequence[Exercise]) -> None:
        self.exercises = {exercise.name: exercise for exercise in exercises}
        self.verdicts: dict[str, Verdict] = {}

    def check(self, function: Function) -> Verdict:
        """Grade a function whose name is that of an exercise; InputError for another name."""
        name = function.__name__
        exercise = choose(self.exercises, name, "this sheet has no exercise")
        self.verdicts[name] = grade(exercise, function)
        return self.verdicts[name]

    def progress(self) -> pd.DataFrame:
        """One row per exercise: the state of its last check."""
        unchecked = Verdict("", "not checked yet")
        states = {name: self.verdicts.get(name, unchecked).state for name in self.exercises}
        return pd.DataFrame({"state": states}).rename_axis("exercise")

    @property
    def points(self) -> str:
        """How many are right, as "3 of 8"."""
        right = sum(verdict.state == RIGHT for verdict in self.verdicts.values())
        return f"{right} of {len(self.exercises)}"


def grade(exercise: Exercise, function: Function) -> Verdict:
    """Run a function on all cases of an exercise and say what is wrong, if anything is.

    Never raises what the function raises. Arguments are copied for each call.
    """
    outcomes = [_outcome(function, case) for case in exercise.cases]
    if all(outcome.empty for outcome in outcomes):
        return Verdict(exercise.name, UNANSWERED)
    for case, outcome in zip(exercise.cases, outcomes):
        if text := _complaint(exercise, case, outcome):
            hint = next(_recognised(exercise, outcomes), "")
            return Verdict(exercise.name, WRONG, f'{text} (case "{case.words}").{hint}')
    return Verdict(exercise.name, RIGHT, f"All {len(outcomes)} cases agree with the package.")


@dataclass(frozen=True)
class _Outcome:
    """What a call gave: an answer as arrays, or an error; and whether it changed its arguments."""

    answer: tuple[np.ndarray, ...] | None
    error: Exception | None = None
    changed: bool = False
    unreadable: str = ""

    @property
    def empty(self) -> bool:
        """No answer at all, as of a function that was not written yet."""
        nothing = self.answer is None and self.error is None and not self.unreadable
        return nothing or isinstance(self.error, NotImplementedError)


def _outcome(function: Function, case: Case) -> _Outcome:
    arguments = copy.deepcopy(case.arguments)
    try:
        with np.errstate(all="ignore"):
            answer = function(*arguments)
    except Exception as error:  # whatever a student's code raises is an answer, and a wrong one
        return _Outcome(None, error)
    changed = not all(_same(a, b) for a, b in zip(arguments, case.arguments))
    if answer is None or answer is Ellipsis:
        return _Outcome(None, changed=changed)
    try:
        return _Outcome(_arrays(answer), changed=changed)
    except (TypeError, ValueError):
        return _Outcome(None, changed=changed, unreadable=type(answer).__name__)


def _arrays(answer: Any) -> tuple[np.ndarray, ...]:
    parts = answer if isinstance(answer, tuple) else (answer,)
    return tuple(np.asarray(part, np.float64) for part in parts)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return bool(np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f"))


def _complaint(exercise: Exercise, case: Case, outcome: _Outcome) -> str:
    """What is wrong with the answer to one case, without a full stop; empty if nothing is."""
    right = _arrays(exercise.reference(*copy.deepcopy(case.arguments)))
    if outcome.error is not None:
        error = outcome.error
        return f"It stops with {type(error).__name__}: {' '.join(str(error).split())}"
    if outcome.unreadable:
        return f"It gives a {outcome.unreadable}, not {_kind(right)}"
    if outcome.answer is None:
        return "It gives nothing here; is a return missing"
    if len(outcome.answer) != len(right):
        return f"It gives {len(outcome.answer)} values, not {len(right)}"
    for number, (mine, theirs) in enumerate(zip(outcome.answer, right), 1):
        which = f"Value {number}: it" if len(right) > 1 else "It"
        if text := _difference(mine, theirs, exercise.tolerance):
            return f"{which} {text}"
    return "It changes its arguments; work on a copy" if outcome.changed else ""


def _kind(right: tuple[np.ndarray, ...]) -> str:
    if len(right) > 1:
        return f"{len(right)} values"
    return f"an array of shape {right[0].shape}" if right[0].ndim else "a number"


def _difference(mine: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    if mine.shape != right.shape:
        turned = mine.ndim == 2 and mine.shape == right.shape[::-1]
        note = "; it looks transposed" if turned else ""
        return f"has the shape {mine.shape}, not {right.shape}{note}"
    if np.isnan(mine).any() and not np.isnan(right).any():
        return f"gives {'nan' if not mine.ndim else f'{np.isnan(mine).sum()} nan'}"
    wrong = ~np.isclose(mine, right, atol=tolerance, rtol=tolerance, equal_nan=True)
    if not wrong.any():
        return ""
    if not mine.ndim:
        return f"gives {float(mine):.4g}, not {float(right):.4g}"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"differs at {wrong.sum()} of {wrong.size} places, first at {first}: "
        f"{mine[first]:.4g}, not {right[first]:.4g}"
    )


def _recognised(exercise: Exercise, outcomes: Sequence[_Outcome]) -> Iterator[str]:
    """What to say of mistakes whose answers are these answers."""
    for text, mistake in exercise.mistakes.items():
        theirs = [_outcome(mistake, case) for case in exercise.cases]
        if all(_alike(a, b, exercise.tolerance) for a, b in zip(outcomes, theirs)):
            yield f" {text}"


def _alike(one: _Outcome, other: _Outcome, tolerance: float) -> bool:
    if one.answer is None or other.answer is None:
        return type(one.error) is type(other.error) and one.answer is other.answer
    return len(one.answer) == len(other.answer) and all(
        a.shape == b.shape and np.allclose(a, b, atol=tolerance, rtol=tolerance, equal_nan=True)
        for a, b in zip(one.answer, other.answer)
    )
