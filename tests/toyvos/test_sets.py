"""Splits, stills, the torch data set, attributes and the table of trivial predictors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from vosedu import toyvos
from vosedu.errors import InputError
from vosedu.toyvos import baselines
from vosedu.toyvos import pool as pool_module
from vosedu.toyvos.measured import RULES
from vosedu.toyvos.pool import Pool
from vosedu.toyvos.suites import first_seed


def test_a_split_is_lazy_and_remembers() -> None:
    val = toyvos.split("val", height=64)
    assert val is toyvos.split("val", height=64)
    assert len(val) == 40
    assert val[3] is val[-37]
    assert [c.name for c in val[3:5]] == ["mixed-val-003", "mixed-val-004"]
    assert val[3].attributes <= set(toyvos.ATTRIBUTES)


def test_stills_show_an_object_and_its_mask() -> None:
    stills = toyvos.stills("val", 64)
    for image, mask in stills[:6]:
        assert image.shape == (64, 106, 3)
        assert mask.shape == (64, 106)
        assert set(np.unique(mask)) == {0, 1}


def test_a_sample_depends_on_seed_and_k_alone() -> None:
    clips = toyvos.TorchClips(seed=3, height=64, frames=3)
    direct = [clips[k]["frames"] for k in (5, 0, 2)]
    loader = DataLoader(Subset(clips, [5, 0, 2]), num_workers=2, batch_size=None)
    assert all(torch.equal(a, b["frames"]) for a, b in zip(direct, loader))
    other = toyvos.TorchClips(seed=4, height=64, frames=3)
    assert not torch.equal(direct[0], other[5]["frames"])


def test_a_sample_has_the_documented_form() -> None:
    sample = toyvos.TorchClips(height=64, frames=3)[0]
    assert sample["frames"].shape == (3, 3, 64, 106)
    assert sample["frames"].min() >= 0 and sample["frames"].max() <= 1
    assert sample["labels"].shape == (3, 64, 106)
    assert sample["flow"].shape == (2, 2, 64, 106)
    assert sample["occlusion"].dtype == torch.bool


def test_every_attribute_has_a_rule() -> None:
    assert set(RULES) == set(toyvos.ATTRIBUTES)


CALM = dict.fromkeys(("AC", "CS", "DB", "EA", "FM", "IO", "LR", "OC", "OV", "SV"), "low")


@pytest.mark.parametrize("code", toyvos.ATTRIBUTES)
def test_a_dial_turns_its_attribute_on(code: str) -> None:
    share = {}
    for level in ("low", "high"):
        dials = {"objects": 1, **CALM, code: level}
        clips = [toyvos.render(toyvos.scene(k, **dials), 64) for k in range(6)]
        share[level] = np.mean([code in toyvos.attributes(c) for c in clips])
    assert share["high"] >= 0.6
    assert share["low"] <= 0.34


def test_the_table_of_trivial_predictors_is_of_this_version() -> None:
    table = baselines.read()
    assert table["version"] == toyvos.VERSION
    assert table["command"] == baselines.COMMAND
    assert {row["suite"] for row in table["rows"]} == set(toyvos.SUITES)


@pytest.mark.parametrize("suite", toyvos.SUITES)
def test_one_frame_leaves_a_gap(suite: str) -> None:
    row = next(r for r in baselines.read()["rows"] if r["suite"] == suite)
    single = max(row["J"][name] for name in baselines.SINGLE_FRAME)
    assert row["gap"] == pytest.approx(row["oracle"] - max(row["J"].values()), abs=0.01)
    assert row["single-frame gap"] == pytest.approx(row["oracle"] - single, abs=0.01)
    assert row["single-frame gap"] >= 15


@pytest.mark.parametrize(
    ("suite", "cues_"),
    [
        ("transient-lookalikes", baselines.BOUNDS),
        ("passers-by", ("every object", "largest object", "most central object", "what moves")),
        ("static-lookalikes", ("every object", "most central object", "what looks alike")),
        ("turns", baselines.BOUNDS),
    ],
)
def test_a_cue_read_without_error_does_not_close_the_gap(suite: str, cues_) -> None:
    row = next(r for r in baselines.read()["rows"] if r["suite"] == suite)
    assert row["gap"] >= 15
    assert row["oracle"] - max(row["bounds"][name] for name in cues_) >= 15


def test_the_table_is_what_the_code_measures() -> None:
    row = next(r for r in baselines.read()["rows"] if r["suite"] == "static-lookalikes")
    clips = toyvos.split("test", "static-lookalikes")
    level = row["levels"]["centre prior"]
    measured = baselines.score(baselines.centre, clips, level)
    assert measured == pytest.approx(row["J"]["centre prior"], abs=0.02)
    kept = baselines.score_apart(baselines.first_mask_kept, clips)
    assert kept == pytest.approx(row["first mask given"]["kept"], abs=0.02)


def test_the_oracle_of_the_first_mask_keeps_each_objects_largest_piece() -> None:
    ids = np.zeros((6, 9), np.uint8)
    ids[1:5, :3], ids[1, 5], ids[3:5, 6:] = 1, 1, 2
    ids[0, 8] = 255
    later = np.where(ids == 0, 3, ids).astype(np.uint8)
    clip = replace(toyvos.split("test", "mixed")[0], labels={0: ids, 1: later})
    mask, after = baselines.largest_pieces(clip).values()
    assert not (after == 3).any()
    assert (mask[1:5, :3] == 1).all() and (mask[3:5, 6:] == 2).all()
    assert mask[1, 5] == mask[0, 8] == 0


@pytest.mark.parametrize("suite", toyvos.SUITES)
def test_the_first_mask_alone_leaves_a_gap(suite: str) -> None:
    row = next(r for r in baselines.read()["rows"] if r["suite"] == suite)
    given = row["first mask given"]
    assert given["oracle"] - given["kept"] >= 30


@pytest.fixture
def pool(tmp_path):
    return Pool("passers-by", 64, tmp_path)


def test_a_pool_clip_shows_what_its_plan_renders(pool) -> None:
    clip, whole = pool[7], toyvos.render(pool.plan(7), 64)
    assert len(clip) == len(whole) == 16 and clip.size == whole.size
    for t, label in clip.labels.items():
        assert np.array_equal(clip.frames[t], whole.frames[t])
        assert np.array_equal(label, whole.labels[t])
        assert np.array_equal(clip.instances[t], whole.instances[t])
        assert clip.flow[t] == pytest.approx(whole.flow[t], abs=0.02)
    rest = next(t for t in range(16) if t not in clip.labels)
    assert np.array_equal(clip.frames[rest], whole.frames[rest])
    with pytest.raises(KeyError):
        clip.labels[rest]


def test_a_pool_renders_what_is_asked_for_and_reads_it_again(pool, tmp_path, monkeypatch) -> None:
    drawn = []
    real = pool_module.frame_at
    monkeypatch.setattr(pool_module, "frame_at", lambda s, t: drawn.append(t) or real(s, t))
    clip = pool[3]
    assert list(clip.labels) == list(pool.times(3)) and not drawn
    first = [clip.frames[t] for t in clip.labels]
    assert sorted(drawn) == list(pool.times(3))
    again = Pool("passers-by", 64, tmp_path)[3]
    assert all(np.array_equal(a, again.frames[t]) for a, t in zip(first, again.labels))
    assert len(drawn) == len(clip.labels)


def test_a_damaged_record_of_a_pool_is_rendered_again(pool, tmp_path) -> None:
    t = pool.times(0)[0]
    whole = np.array(pool[0].frames[t])
    (file,) = tmp_path.glob("*.frames")
    with file.open("r+b") as stored:
        stored.seek(4 + t * (4 + 64 * 106 * 5) + 1000)
        stored.write(b"damage")
    assert np.array_equal(Pool("passers-by", 64, tmp_path)[0].frames[t], whole)


def test_a_folder_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be opened .*; set VOSEDU_DATA"):
        Pool("mixed", 64, tmp_path / "file")[0].frames[0]


@pytest.mark.parametrize("suite", ["mixed", "passers-by", "turns"])
def test_pools_are_frozen_and_share_no_seed_with_splits(suite: str, tmp_path) -> None:
    pool = Pool(suite, 64, tmp_path)
    some = [pool.plan(k).digest() for k in range(0, len(pool), 40)]
    times = [pool.times(k) for k in range(0, len(pool), 40)]
    golden = json.loads((Path(__file__).parent / "golden" / "digests.json").read_text())
    content = hashlib.sha256(f"{some}{times}".encode()).hexdigest()
    assert content == golden["pools"][suite]
    assert len(pool) >= 1000
    taken = [first_seed(split) + 60_000 for split in toyvos.SPLITS]
    assert max(taken) <= pool.seeds.start and pool.seeds.stop < 1_000_000
    assert all(len(set(t)) == 6 and max(t) < 15 for t in times)
