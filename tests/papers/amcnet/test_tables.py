"""AMC-Net's tables as data: every row is a network, a recipe and an inference that exist."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from vosedu import toyvos
from vosedu.ablation.run import Setup
from vosedu.papers.amcnet import PAPER
from vosedu.papers.amcnet.ablations import TABLE6, TABLES
from vosedu.papers.amcnet.network import build
from vosedu.papers.amcnet.training import SUITES

RUN = [
    pytest.param(t, r, id=f"{t.key}-{r.label}") for t in TABLES for r in t.rows if not r.unavailable
]


@pytest.mark.parametrize("table, row", RUN)
def test_a_row_can_be_built_and_differs_from_the_base(table, row) -> None:
    setup = Setup.of(PAPER, row, "quick")
    with torch.device("meta"):
        build(setup.config)
    base = Setup.of(PAPER, table.row(table.base), "quick")
    same = (setup.config, setup.recipe, setup.inference) == (
        base.config,
        base.recipe,
        base.inference,
    )
    assert same == (row.label == table.base or bool(row.intervention))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)
def test_bases_and_controls_are_rows_of_their_table(table) -> None:
    labels = [row.label for row in table.rows]
    assert len(labels) == len(set(labels))
    assert table.base in labels
    for row in table.rows:
        if row.claim:
            assert table.row(row.claim.control).intervention
            assert row.claim.suite in toyvos.SUITES


def test_the_rows_of_a_flow_ladder_train_and_test_on_their_flow() -> None:
    table = PAPER.table("4")
    methods = set()
    for row in table.rows:
        if row.unavailable or row.intervention:
            continue
        stage = Setup.of(PAPER, row, "ablate").recipe.stages[-1]
        used = {part.partition("@")[2] for part in stage.data.split("+")}
        assert len(used) == 1 and len(stage.data.split("+")) == len(SUITES)
        methods |= used
    assert methods == {"zero", "shuffled", "dis-quarter", "dis-ultrafast", "dis-medium", "exact"}


def test_rows_train_on_what_they_are_judged_on_and_leave_the_motion_encoder_as_it_is() -> None:
    """No row may need a trained motion encoder: it is the same in all of them."""
    named = {row.claim.suite for table in TABLES for row in table.rows if row.claim}
    (stage,) = PAPER.recipe("ablate").stages
    assert named < {part.split("/")[1] for part in stage.data.split("+")} == set(SUITES)
    assert stage.frozen == "motion"
    with torch.device("meta"):
        shapes = [
            {
                n: p.shape
                for n, p in build(Setup.of(PAPER, row, "ablate").config).motion.state_dict().items()
            }
            for table in TABLES
            for row in table.rows
            if not row.unavailable
        ]
    assert all(each == shapes[0] for each in shapes)


def test_the_printed_mean_of_youtube_objects_is_not_that_of_its_rows() -> None:
    values = [row.reported["J mean"] for row in TABLE6.rows if row.label != "mean"]
    assert len(values) == 10
    assert sum(values) / 10 == pytest.approx(70.78)


def test_no_weights_were_released_and_the_paper_says_why() -> None:
    assert PAPER.released.weights == ()
    assert "neither weights nor masks" in PAPER.released.reason
    fbms = replace(PAPER.Config.paper("fbms"))
    assert fbms.second_decoder
