"""Interventions change the input they name and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu import ablation
from vosedu.ablation.tables import controls
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import Claim, Row, Table


@pytest.fixture
def moving() -> list[Clip]:
    """Two clips of 3 and 5 frames, with flow."""

    def one(name: str, length: int, value: int) -> Clip:
        frames = [np.full((8, 8, 3), value + t, np.uint8) for t in range(length)]
        fields = [np.full((8, 8, 2), float(value + t), np.float32) for t in range(length - 1)]
        return Clip(name, frames, flow=fields)

    return [one("short", 3, 10), one("long", 5, 100)]


def test_references_come_from_the_next_clip(moving: list[Clip]) -> None:
    changed = ablation.intervened(moving, "references of another video")
    assert [clip.references.name for clip in changed] == ["long", "short"]
    assert np.array_equal(changed[0].frames[0], moving[0].frames[0])


def test_references_show_only_objects_that_the_clip_knows() -> None:
    frames = [np.zeros((1, 4, 3), np.uint8)]
    clip = Clip("two", frames, {0: np.array([[0, 1, 2, 0]], np.uint8)})
    other = Clip("three", frames, {0: np.array([[3, 2, 1, 0]], np.uint8)})
    changed = ablation.intervened([clip, other], "references of another video")
    assert changed[0].references.labels[0].tolist() == [[0, 2, 1, 0]]
    assert changed[1].references.labels[0].tolist() == [[0, 1, 2, 0]]


def test_permuted_identities_are_in_the_first_mask_of_the_references_alone() -> None:
    ids = np.array([[0, 2, 5], [7, 255, 2]], np.uint8)
    clip = Clip("three", [np.zeros((2, 3, 3), np.uint8)] * 2, {0: ids, 1: ids})
    changed = ablation.intervened([clip], "identities permuted")[0]
    assert changed.references.labels[0].tolist() == [[0, 5, 7], [2, 255, 5]]
    assert np.array_equal(changed.labels[0], ids) and np.array_equal(changed.labels[1], ids)
    assert changed.references.frames is clip.frames


def test_flow_comes_from_the_next_clip_and_is_repeated(moving: list[Clip]) -> None:
    changed = ablation.intervened(moving, "flow of another video")
    assert [field[0, 0, 0] for field in changed[0].flow] == [100, 101]
    assert [field[0, 0, 0] for field in changed[1].flow] == [10, 11, 10, 11]
    assert np.array_equal(changed[1].frames[2], moving[1].frames[2])


def test_grey_frames_keep_their_flow(moving: list[Clip]) -> None:
    clip = ablation.intervened(moving, "grey frames")[1]
    assert (len(clip), clip.size) == (5, (8, 8))
    assert all((frame == 128).all() for frame in clip.frames)
    assert [field[0, 0, 0] for field in clip.flow] == [100, 101, 102, 103]


def test_flow_of_another_size_is_refused(moving: list[Clip]) -> None:
    other = Clip("wide", [np.zeros((8, 9, 3), np.uint8)] * 2)
    with pytest.raises(InputError, match="does not fit"):
        _ = ablation.intervened([moving[0], other], "flow of another video")[0]


def test_an_unknown_intervention_is_refused(moving: list[Clip]) -> None:
    with pytest.raises(InputError, match="there is no intervention 'rain'"):
        ablation.intervened(moving, "rain")


def test_the_table_of_controls(record) -> None:
    claim = Claim("less is worse", "occlusion", "lower", 1.0, control="wrong", cost=20.0)
    table = Table(
        "t",
        "a table",
        "full",
        (
            Row("full"),
            Row("less", config={"a": 1}, claim=claim),
            Row("wrong", intervention="grey frames"),
        ),
    )
    scores = {"full": (0.6, 0.62), "less": (0.5, 0.52), "wrong": (0.2, 0.21)}
    records = [
        record(row, seed, j, suite="occlusion")
        for row, values in scores.items()
        for seed, j in enumerate(values)
    ]
    line = controls("cosnet", table, records).iloc[0]
    assert (line["control"], line["suite"], line["works"]) == ("wrong", "occlusion", "yes")
    assert ablation.judge(records, table, table.row("less")) == "seen"
    shown = ablation.table("cosnet", table, records)
    assert shown.loc["wrong", "our J, mixed"] == ""
    empty = controls("cosnet", table, []).iloc[0]
    assert (empty["difference"], empty["works"]) == ("not run here", "")
