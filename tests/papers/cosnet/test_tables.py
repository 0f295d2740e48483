"""COSNet's tables as data: rows that exist, controls, and the share that corrects the prior."""

from __future__ import annotations

import pytest
import torch

from vosedu import toyvos
from vosedu.ablation.controls import INTERVENTIONS
from vosedu.ablation.run import Setup, suites_of
from vosedu.papers.cosnet import PAPER
from vosedu.papers.cosnet.ablations import CONTROL, PRIOR, SEARCH, SUITE, TABLE1, TABLE2, TABLES
from vosedu.papers.cosnet.network import build
from vosedu.training.data import foreground_share

OURS = [table for table in TABLES if not all(row.unavailable for row in table.rows)]
JUDGED = [
    pytest.param(t, r, id=f"{t.key}-{r.label}") for t in OURS if t is not SEARCH for r in t.rows
]


@pytest.mark.parametrize("table, row", JUDGED)
def test_a_row_can_be_built_and_is_scored_on_the_suite_of_its_recipe(table, row) -> None:
    setup = Setup.of(PAPER, row, "ablate")
    with torch.device("meta"):
        build(setup.config)
    assert suites_of(table, row) == [SUITE]
    assert [stage.data for stage in setup.recipe.stages] == [f"toyvos/{SUITE}/pool"]


@pytest.mark.parametrize("table", OURS, ids=lambda table: table.key)
def test_claims_about_references_have_their_control(table) -> None:
    for row in table.rows:
        if row.claim and row.claim.control:
            control = table.row(row.claim.control)
            assert control.intervention in INTERVENTIONS
            assert (control.config, control.inference) == (
                table.row(table.base).config,
                table.row(table.base).inference,
            )
            assert row.claim.cost >= 10 * row.claim.margin


def test_every_claim_of_the_paper_s_tables_has_a_control() -> None:
    claims = [row.claim for table in (TABLE1, TABLE2) for row in table.rows if row.claim]
    assert len(claims) == 11 and {claim.control for claim in claims} == {CONTROL}


def test_the_prior_is_the_share_of_foreground_in_the_pool() -> None:
    clips = toyvos.split("pool", SUITE)
    assert foreground_share(clips[k] for k in range(0, len(clips), 50)) == pytest.approx(
        PRIOR, abs=0.008
    )


def test_rows_of_the_paper_are_prior_corrected() -> None:
    for table in (TABLE1, TABLE2):
        assert {row.inference["prior"] for row in table.rows} == {PRIOR}


def test_the_laboratories_of_the_search_differ_and_each_has_its_control() -> None:
    setups = [Setup.of(PAPER, row, "ablate") for row in SEARCH.rows]
    for own, other in zip(setups[::2], setups[1::2]):
        assert own.training == other.training
        assert (own.intervention, other.intervention) == ("", CONTROL)
    assert len({setup.training for setup in setups}) == len(setups) / 2
    assert [setup.recipe.initial for setup in setups[::2]] == ["common"] * 5 + [""]
    assert {tuple(suites_of(SEARCH, row)) for row in SEARCH.rows} == {SEARCH.suites}
