"""Every committed number can still be traced: records match the code, checkpoints their recipe."""

from __future__ import annotations

import json

import pin
import pytest
from pytest import approx

from vosedu import api, ladder, toyvos
from vosedu.ablation import Store
from vosedu.ablation.run import stale
from vosedu.ablation.source import remarks
from vosedu.commands import parse
from vosedu.commands.train import trained
from vosedu.metrics import PROTOCOLS
from vosedu.paths import data_dir
from vosedu.training import digest

TABLES = [
    pytest.param(paper, table, id=f"{paper.key}-{table.key}")
    for paper in api.papers().values()
    for table in paper.tables
    if Store.of(paper.key, table.key).path.is_file()
]
SMALL = sorted(data_dir("checkpoints").glob("davis-small/*.json"))
CHECKPOINTS = [
    note
    for note in sorted(data_dir("checkpoints").glob("*.json"))
    if note.stem.split("-")[0] in api.papers()  # else tests/training/test_start.py, papers/stm
]


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
def test_committed_records_were_made_by_this_code(paper, table) -> None:
    """Where the code has changed since, skipped with how many; `vosedu ablate` runs them anew."""
    if said := remarks(Store.of(paper.key, table.key), paper.key):
        pytest.skip(f"{paper.key}, table {table.key}: {'; '.join(said)}")


@pytest.mark.parametrize("paper, table", TABLES)
def test_committed_records_are_complete_scores_of_their_split(paper, table) -> None:
    for record in Store.of(paper.key, table.key):
        expected = len(toyvos.split(record.split, record.suite))
        assert {len(values) for values in record.metrics.values()} == {expected}
        assert all(0 <= value <= 1 for values in record.metrics.values() for value in values)


@pytest.mark.parametrize("note", [*CHECKPOINTS, *SMALL], ids=lambda path: path.stem)
def test_checkpoints_are_what_their_command_makes(note) -> None:
    about = json.loads(note.read_text())
    arguments = parse(about["command"].split()[1:])
    config, recipe = trained(api.paper(arguments.key), arguments)
    assert about["hashes"] == {"config": digest(config), "recipe": digest(recipe)}
    assert about["seed"] == arguments.seed == 0
    most = 12_000_000 if note in SMALL else 3_000_000
    assert note.with_suffix(".pt").stat().st_size <= most
    rows = note.with_suffix(".csv").read_text().splitlines()
    assert len(rows) == about["steps"] + 1


def test_the_small_checkpoints_name_their_data_and_fit_into_the_repository() -> None:
    for note in SMALL:
        about = json.loads(note.read_text())
        assert "davis16/train/240p" in about["data"] and "toyvos" not in about["data"]
        assert not about["commit"].endswith("+"), f"{note} was made from changed files"
    assert sum(note.with_suffix(".pt").stat().st_size for note in SMALL) <= 40_000_000


EMBEDDED = sorted({path.stem for path in CHECKPOINTS} & set(api.papers()))
NAMED = [(key, name) for key in EMBEDDED for name in api.embedded_names(key)]


@pytest.mark.parametrize("key, name", NAMED)
def test_embedded_checkpoints_load_and_segment(key, name) -> None:
    clip = toyvos.split("val")[0].cut(0, 3)
    results = list(api.segment(api.load(key, name), clip, given=given(key, clip)))
    assert [result.index for result in results] == [0, 1, 2]
    assert all(result.mask.shape == clip.size for result in results)


@pytest.mark.parametrize("key", EMBEDDED)
def test_the_embedded_checkpoint_scores_as_it_did(key, root) -> None:
    """A network that changes while its checkpoint still loads would keep every number current."""
    file = root / "tests" / "golden" / "course" / f"{key}.json"
    told = f"run: python tools/pin.py {key}"
    assert file.is_file(), f"the scores of its checkpoint are not pinned; {told}"
    expected = json.loads(file.read_text())
    assert expected["checkpoint"] == ladder.checksum(key), f"the checkpoint is another one; {told}"
    assert pin.scores(key) == {name: approx(j, abs=2e-3) for name, j in expected["J"].items()}


def given(key, clip):
    paper = api.paper(key)
    return PROTOCOLS[paper.protocol].given(clip) if "mask" in paper.needs else None
