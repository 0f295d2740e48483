"""Table 3 and Figure 2 as data: every row trains and segments, every claim has its control."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vosedu import ablation, toyvos
from vosedu.ablation.controls import INTERVENTIONS
from vosedu.ablation.run import Setup, suites_of
from vosedu.papers.deaot import PAPER
from vosedu.papers.deaot.ablations import SUITE

KEYS = ("3a", "3b", "3c", "3d", "fig2")
ROWS = [(PAPER.table(key), row) for key in KEYS for row in PAPER.table(key).rows]
BY_TRAINING = {Setup.of(PAPER, row, "quick").training: (t, row) for t, row in reversed(ROWS)}


@pytest.mark.parametrize("table, row", ROWS, ids=[f"{t.key} {r.label}" for t, r in ROWS])
def test_a_row_can_be_built_at_every_scale(table, row) -> None:
    for profile in ("ablate", "full"):
        with torch.device("meta"):
            PAPER.build(Setup.of(PAPER, row, profile).config)


@pytest.mark.parametrize(
    "table, row",
    BY_TRAINING.values(),
    ids=[f"{table.key} {row.label}" for table, row in BY_TRAINING.values()],
)
def test_a_row_is_trained_scored_and_recorded(table, row, monkeypatch) -> None:
    """By the code that runs the table, with one step of a stage."""
    (main,) = PAPER.recipe("quick").stages[1:]
    stage = replace(main, steps=1, batch_size=1, length=2, data=f"toyvos/{SUITE}/val")
    brief = replace(PAPER.recipe("quick"), stages=(stage,))
    paper = replace(PAPER, recipe=lambda profile: brief)
    clip = toyvos.split("val", SUITE)[0].cut(0, 3)
    (record,) = ablation.run(paper, row, profile="quick", suite=SUITE, clips=[clip])
    assert record.row == row.label and record.steps == 1
    assert all(0 <= value <= 1 for value in record.metrics["J"])
    assert np.isfinite(record.metrics["F"]).all()


@pytest.mark.parametrize("key", KEYS)
def test_every_claim_has_a_control_on_its_suite(key) -> None:
    table = PAPER.table(key)
    for row in table.rows:
        if row.claim:
            control = table.row(row.claim.control)
            assert control.intervention in INTERVENTIONS
            assert row.claim.suite in suites_of(table, control)
            assert row.claim.cost >= 10 * row.claim.margin


def test_rows_that_are_one_network_share_one_training() -> None:
    training = {(t.key, row.label): Setup.of(PAPER, row, "ablate").training for t, row in ROWS}
    full = training["3a", "GPM, C = 256"]
    same = {("3b", "DeAOT, 1 head"), ("3c", "self: visual and ID"), ("3d", "5")}
    same |= {(key, "memory of another video") for key in ("3a", "3b", "3c", "3d")}
    assert all(training[place] == full for place in same)
    assert training["3a", "LSTT, C = 256"] == training["fig2", "M = 10"] != full
    assert len(set(training.values())) == len(BY_TRAINING) == 15
