"""Every committed number can still be traced: records match the code, checkpoints their recipe."""

from __future__ import annotations

import json

import pytest

from vosedu import api, toyvos
from vosedu.ablation import Store
from vosedu.ablation.run import stale
from vosedu.commands import parse
from vosedu.commands.train import trained
from vosedu.paths import data_dir
from vosedu.training import digest

TABLES = [
    pytest.param(paper, table, id=f"{paper.key}-{table.key}")
    for paper in api.papers().values()
    for table in paper.tables
    if Store.of(paper.key, table.key).path.is_file()
]
CHECKPOINTS = sorted(data_dir("checkpoints").glob("*.json"))


@pytest.mark.parametrize("paper, table", TABLES)
def test_committed_records_match_the_code(paper, table) -> None:
    records = Store.of(paper.key, table.key)
    old = [
        f"{record.row} seed {record.seed} on {record.suite}"
        for record in stale(records, paper, table)
    ]
    assert not old, f"run again: vosedu ablate {paper.key} --table {table.key}; stale: {old}"
    assert all(record.data == toyvos.PIXELS and record.commit for record in records)


@pytest.mark.parametrize("paper, table", TABLES)
def test_committed_records_are_complete_scores_of_their_split(paper, table) -> None:
    for record in Store.of(paper.key, table.key):
        expected = len(toyvos.split(record.split, record.suite))
        assert {len(values) for values in record.metrics.values()} == {expected}
        assert all(0 <= value <= 1 for values in record.metrics.values() for value in values)


@pytest.mark.parametrize("note", CHECKPOINTS, ids=lambda path: path.stem)
def test_checkpoints_are_what_their_command_makes(note) -> None:
    about = json.loads(note.read_text())
    arguments = parse(about["command"].split()[1:])
    config, recipe = trained(api.paper(arguments.key), arguments)
    assert about["hashes"] == {"config": digest(config), "recipe": digest(recipe)}
    assert about["seed"] == arguments.seed == 0
    assert note.with_suffix(".pt").stat().st_size <= 3_000_000
    rows = note.with_suffix(".csv").read_text().splitlines()
    assert len(rows) == about["steps"] + 1


@pytest.mark.parametrize("key", sorted({path.stem for path in CHECKPOINTS} & set(api.papers())))
def test_embedded_checkpoints_load_and_segment(key) -> None:
    clip = toyvos.split("val")[0].cut(0, 3)
    results = list(api.segment(api.load(key), clip))
    assert [result.index for result in results] == [0, 1, 2]
    assert all(result.probability.shape == clip.size for result in results)
