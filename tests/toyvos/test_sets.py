"""Splits, stills, the torch data set, attributes and the table of trivial predictors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from vosedu import toyvos
from vosedu.toyvos import baselines
from vosedu.toyvos.measured import RULES


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


@pytest.mark.parametrize("suite", ["transient-lookalikes", "static-lookalikes", "mixed"])
def test_context_and_motion_leave_a_gap(suite: str) -> None:
    row = next(r for r in baselines.read()["rows"] if r["suite"] == suite)
    assert row["gap"] >= 15
    assert row["gap"] == pytest.approx(row["oracle"] - max(row["J"].values()), abs=0.01)


def test_the_table_is_what_the_code_measures() -> None:
    row = next(r for r in baselines.read()["rows"] if r["suite"] == "static-lookalikes")
    clips = toyvos.split("test", "static-lookalikes")
    level = row["levels"]["centre prior"]
    measured = baselines.score(baselines.centre, clips, level)
    assert measured == pytest.approx(row["J"]["centre prior"], abs=0.02)
