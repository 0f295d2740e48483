"""Results files: they grow by one record at a time, and are found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vosedu.ablation.store import Store
from vosedu.errors import InputError


def test_a_record_added_is_found_in_the_file(record, tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "table1.json")
    store.add(record("full", 0, 0.123456789))
    store.add(record("full", 1, 0.2))
    again = Store(store.path)
    assert [r.seed for r in again] == [0, 1]
    assert again.find(seed=0)[0].metrics["J"] == [0.12346]
    assert again.find(row="less") == []
    assert len(json.loads(store.path.read_text())["records"]) == 2


def test_the_same_run_again_replaces_its_record(record, tmp_path: Path) -> None:
    store = Store(tmp_path / "table1.json")
    store.add(record("full", 0, 0.1))
    store.add(record("full", 0, 0.3))
    assert len(store) == 1
    assert next(iter(store)).mean() == pytest.approx(30)


def test_tables_of_one_paper_are_a_family(record, tmp_path: Path) -> None:
    one, two = Store(tmp_path / "table1.json"), Store(tmp_path / "table2.json")
    one.add(record("full", 0, 0.1))
    two.add(record("N = 0", 0, 0.2))
    assert [r.row for r in two.family()] == ["N = 0", "full"]


@pytest.mark.parametrize("text", ["", "[]", '{"records": [{"row": "full"}]}', "{"])
def test_a_file_that_is_no_results_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table1.json"
    path.write_text(text)
    with pytest.raises(InputError, match="is not a results file"):
        Store(path)
    assert path.read_text() == text


def test_two_stores_of_one_file_lose_no_record(tmp_path, record) -> None:
    first, second = Store(tmp_path / "t.json"), Store(tmp_path / "t.json")
    for seed in range(3):
        first.add(record("full", seed, 0.5))
        second.add(record("less", seed, 0.4))
    assert len(Store(tmp_path / "t.json")) == 6
