"""HCPN's tables: every row of the paper is there and runs, its claims have controls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vosedu.ablation.controls import INTERVENTIONS
from vosedu.papers.contract import Row, Table
from vosedu.papers.hcpn.ablations import FORMS, TABLE1, TABLE2, TABLE3, TABLES
from vosedu.papers.hcpn.config import PAPER_ROWS
from vosedu.papers.hcpn.inference import Inference
from vosedu.papers.hcpn.network import Config, build
from vosedu.papers.hcpn.training import recipe
from vosedu.training.data import open_data

ROWS = [
    pytest.param(table, row, id=f"{table.key}-{row.label}")
    for table in TABLES
    for row in table.rows
    if not row.unavailable
]


@pytest.mark.parametrize("table, row", ROWS)
def test_every_available_row_can_be_built_trained_and_run(table: Table, row: Row) -> None:
    build(replace(Config.paper().scaled("quick"), **row.config))
    (stage,) = recipe("quick").change(**row.recipe).stages
    assert len(open_data(stage.data)) >= 60
    replace(Inference.paper(), **row.inference)
    assert row.intervention in {"", *INTERVENTIONS}


def test_the_differences_the_paper_prints() -> None:
    """To the full row of the paper, in J (Tables I to III)."""
    printed = {
        "without flow": -5.2,
        "without frames": -5.0,
        "two streams": -3.7,
        "addition": -2.6,
        "concatenation": -2.2,
        "PWC (DIS ultrafast)": -1.4,
        "without PCM": -3.9,
        "without CCM": -3.1,
        "without GAC": -1.1,
        "without MCR": -0.6,
        "1 cascaded": -4.7,
        "2 cascaded": -3.6,
        "3 cascaded": -1.6,
    }
    for table in (TABLE1, TABLE2, TABLE3):
        base = table.row(table.base).reported["DAVIS16 J"]
        for row in table.rows:
            if row.label in printed:
                difference = row.reported["DAVIS16 J"] - base
                assert difference == pytest.approx(printed.pop(row.label)), row.label
    assert printed == {}


def test_each_claim_has_its_control_in_the_same_table() -> None:
    for table in TABLES:
        for row in table.rows:
            if row.claim:
                assert table.row(row.claim.control).intervention


def test_every_variant_of_the_network_is_a_row_of_a_table() -> None:
    labels = {row.label for table in TABLES for row in table.rows}
    assert set(PAPER_ROWS) - labels == {"as written"}
    assert FORMS.row("V as the paper writes it").config == PAPER_ROWS["as written"]
