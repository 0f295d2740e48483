"""DPA's Table 1 as data: rows that can be built, claims with their controls, trainings shared."""

from __future__ import annotations

import pytest
import torch

from vosedu.ablation.controls import INTERVENTIONS
from vosedu.ablation.run import Setup, suites_of
from vosedu.ablation.tables import reported_difference
from vosedu.papers.dpa import PAPER
from vosedu.papers.dpa.ablations import COST, TABLE1

CLAIMED = [row for row in TABLE1.rows if row.claim]


@pytest.mark.parametrize("row", TABLE1.rows, ids=lambda row: row.label)
def test_a_row_can_be_built_and_is_scored_on_clips_like_those_of_its_recipe(row) -> None:
    setup = Setup.of(PAPER, row, "ablate")
    with torch.device("meta"):
        PAPER.build(setup.config)
    (stage,) = setup.recipe.stages
    trained_on = {part.split("/")[1] for part in stage.data.split("+")}
    assert set(suites_of(TABLE1, row)) <= trained_on


@pytest.mark.parametrize("row", CLAIMED, ids=lambda row: row.label)
def test_every_claim_has_a_control_that_costs_more_than_any_effect_of_the_table(row) -> None:
    control = TABLE1.row(row.claim.control)
    assert control.intervention in INTERVENTIONS and not control.inference and not control.config
    assert row.claim.suite in suites_of(TABLE1, control)
    largest = max(abs(reported_difference(TABLE1, each)) for each in CLAIMED)
    assert row.claim.cost == COST > largest
    if row.claim.better == "lower":
        assert row.claim.margin == pytest.approx(-reported_difference(TABLE1, row) / 2, abs=0.051)


def test_rows_that_differ_at_test_time_share_one_training() -> None:
    trainings = {row.label: Setup.of(PAPER, row, "ablate").training for row in TABLE1.rows}
    assert len(set(trainings.values())) == 7
    shared = [label for label, training in trainings.items() if training == trainings["IV"]]
    assert len(shared) == 7  # IV to VIII and two controls
