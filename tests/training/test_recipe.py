"""Recipes: schedules, cycles, groups, and what changes a digest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

from vosedu.errors import InputError
from vosedu.training import Group, Recipe, Stage, Step, digest, later

STAGE = Stage("main", "none", "none", steps=100, batch_size=1, size=(8, 8), lr=0.2)


@pytest.mark.parametrize(
    ("schedule", "halve_after", "expected"),
    [
        ("constant", None, {0: 0.2, 50: 0.2, 99: 0.2}),
        ("constant", 0.1, {0: 0.2, 9: 0.2, 10: 0.1, 99: 0.1}),
        ("poly", None, {0: 0.2, 50: 0.2 * 0.5**0.9, 75: 0.2 * 0.25**0.9, 99: 0.2 * 0.01**0.9}),
        ("poly", 0.5, {49: 0.2 * 0.51**0.9, 50: 0.1 * 0.5**0.9}),
        ("cosine", None, {0: 0.2, 50: 0.11, 25: 0.2 * (0.55 + 0.45 * math.sqrt(0.5))}),
    ],
)
def test_learning_rates_by_hand(
    schedule: str, halve_after: float | None, expected: dict[int, float]
) -> None:
    stage = replace(STAGE, schedule=schedule, halve_after=halve_after)
    rates = {step: stage.learning_rate(stage.groups[0], step) for step in expected}
    assert rates == pytest.approx(expected, rel=1e-6)


def test_cosine_ends_at_a_tenth() -> None:
    stage = replace(STAGE, schedule="cosine", steps=100_000)
    assert stage.learning_rate(stage.groups[0], 99_999) == pytest.approx(0.02, rel=1e-6)


@pytest.mark.parametrize(
    ("lr", "floor", "step", "encoder", "rest"),
    [
        (4e-4, 2e-5, 1_000, 2.76e-5, 9.6e-5),
        (4e-4, 2e-5, 50_000, 4.132598e-5, 2.332598e-4),
        (2e-4, 2e-5, 50_000, 3.010178e-5, 1.210178e-4),
        (2e-4, 1e-5, 50_000, 2.066299e-5, 1.166299e-4),
    ],
)
def test_warm_poly_has_the_rates_of_the_deaot_release(
    lr: float, floor: float, step: int, encoder: float, rest: float
) -> None:
    """Check values of section 6 of DeAOT's reference page."""
    stage = replace(STAGE, lr=lr, floor=floor, steps=100_000, schedule="warm poly")
    assert stage.learning_rate(Group("encoder", lr=0.1), step) == pytest.approx(encoder, rel=1e-6)
    assert stage.learning_rate(Group("rest"), step) == pytest.approx(rest, rel=1e-6)


def test_unknown_schedules_are_named() -> None:
    with pytest.raises(InputError, match="no schedule 'steep'; choose one of constant, poly"):
        replace(STAGE, schedule="steep").learning_rate(STAGE.groups[0], 0)


def test_data_and_rates_part_ways_when_the_epoch_is_no_multiple_of_the_cycle() -> None:
    stage = replace(
        STAGE,
        steps=8,
        cycle=("still", "video", "video"),
        epoch=4,
        groups=(Group("all", lr=(1.0, 0.0)),),
    )
    assert stage.step(5) == Step(5, "video", 5 / 8)
    kinds = [stage.step(step).kind for step in range(8)]
    assert kinds == ["still", "video", "video", "still"] * 2
    rates = [stage.learning_rate(stage.groups[0], step) > 0 for step in range(8)]
    assert rates == [True, False, False, True, False, False, True, False]


def test_recipes_change_in_their_last_or_in_a_named_stage() -> None:
    recipe = Recipe((STAGE, replace(STAGE, name="fine")))
    changed = recipe.change(steps=7, main={"lr": 1.0})
    assert [(stage.steps, stage.lr) for stage in changed.stages] == [(100, 1.0), (7, 0.2)]


def test_a_digest_changes_with_every_field() -> None:
    recipe = Recipe((STAGE,))
    digests = {
        digest(recipe),
        digest(replace(recipe, initial="imagenet")),
        digest(recipe.change(floor=0.1)),
        digest(recipe.change(groups=(Group("all", weight_decay=0.0),))),
        digest(recipe.change(lr=0.1)),
        digest(recipe, 1),
    }
    assert len(digests) == 6


def test_a_field_added_later_counts_only_when_it_is_set() -> None:
    @dataclass(frozen=True)
    class Before:
        a: int = 1

    @dataclass(frozen=True)
    class After:
        a: int = 1
        b: float = later(2.0)

    assert digest(Before()) == digest(After())
    assert digest(After(b=3.0)) != digest(After())


def test_a_field_may_have_the_name_of_a_stage() -> None:
    stills = replace(STAGE, name="stills")
    changed = Recipe((stills, replace(STAGE, name="video"))).change(stills="pairs:mine")
    assert [stage.stills for stage in changed.stages] == ["", "pairs:mine"]
    changed = changed.change(stills={"stills": "pairs:others"})
    assert [stage.stills for stage in changed.stages] == ["pairs:others", "pairs:mine"]


@pytest.mark.parametrize("changes", [{"main": {"zzz": 1}}, {"main": {1: 2}}, {"zzz": 1}])
def test_settings_that_a_stage_does_not_have(changes: dict) -> None:
    with pytest.raises(InputError, match="the stage 'main' has no setting"):
        Recipe((STAGE,)).change(**changes)
