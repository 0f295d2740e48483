"""Training data: by name, and with estimated flow."""

from __future__ import annotations

import pickle
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vosedu import flow, toyvos
from vosedu.clip import Clip
from vosedu.datasets.sequences import davis16_names
from vosedu.errors import InputError
from vosedu.papers.dpa.training import VideoSamples, recipe
from vosedu.training.data import EstimatedFlow, foreground_share, open_data


def test_joined_sets_are_one_set_and_nothing_is_rendered_before_it_is_asked_for() -> None:
    mixed, context = (toyvos.split("train", s) for s in ("mixed", "transient-lookalikes"))
    before = len(mixed._clips) + len(context._clips)
    joined = open_data("toyvos/mixed/train+toyvos/transient-lookalikes/train")
    assert len(joined) == len(mixed) + len(context)
    assert len(mixed._clips) + len(context._clips) == before
    assert joined[len(mixed)].name == context[0].name


def test_fewer_masks_of_the_same_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    for name in davis16_names("train-5"):
        noise(5, len(name)).write(tmp_path / name)
        for kind, written in (("JPEGImages", "frames"), ("Annotations", "masks")):
            place = tmp_path / "davis16" / kind / "240p"
            place.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / written).rename(place / name)
    whole, fewer = open_data("davis16/train-5/240p"), open_data("davis16/train-5/240p/2")
    assert [len(clip.labels) for clip in whole] == [5] * 5
    assert [list(clip.labels) for clip in fewer] == [[0, 2, 4]] * 5
    assert np.array_equal(fewer[0].labels[2], whole[0].labels[2])
    assert len(fewer[0]) == 5 and 1 not in fewer[0].labels
    with pytest.raises(InputError, match="every 0-th mask"):
        open_data("davis16/train-5/240p/0")
    with pytest.raises(InputError, match="names no data set"):
        open_data("davis16/train-5/240p/half")


def noise(length: int, seed: int) -> Clip:
    draw = np.random.default_rng(seed)
    frames = [draw.integers(0, 256, (24, 32, 3), np.uint8) for _ in range(length)]
    return Clip(f"noise {seed}", frames, {t: np.ones((24, 32), np.uint8) for t in range(length)})


def test_flow_that_is_read_equals_flow_that_is_estimated(tmp_path: Path) -> None:
    clip = noise(4, 0)
    exact = list(flow.estimate(clip, "dis-medium"))
    first, second = (
        list(EstimatedFlow([clip], "dis-medium", tmp_path)[0].flow) for _ in ("estimated", "read")
    )
    assert len(list(tmp_path.rglob("*.npz"))) == 3
    for fields in (first, second):
        assert all(np.array_equal(a, b) for a, b in zip(exact, fields))


def test_fields_are_read_from_disk_and_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DPA's samples of twelve clips of ten frames: estimated once, a few alive at any time."""
    computed, alive, most = [], weakref.WeakSet(), 0
    compute, fetch = flow.DIS.between, flow.FlowCache.fetch

    def counted(self, first, second):
        computed.append(1)
        return compute(self, first, second)

    class Field(np.ndarray):
        """An array that can be hashed, and so be counted."""

        __hash__ = object.__hash__

    def watched(self, *arguments):
        nonlocal most
        field = fetch(self, *arguments).view(Field)
        alive.add(field)
        most = max(most, len(alive))
        return field

    monkeypatch.setattr(flow.DIS, "between", counted)
    monkeypatch.setattr(flow.FlowCache, "fetch", watched)
    clips = EstimatedFlow([noise(10, seed) for seed in range(12)], "dis-medium", tmp_path)
    stage = replace(recipe("quick").stages[-1], size=(32, 32))
    sample = VideoSamples(stage, clips)
    for seed in range(300):
        sample(np.random.default_rng(seed), stage.step(0))
    assert len(computed) == 12 * 9
    assert most <= 4


def test_estimators_of_clips_can_be_sent_to_another_process(tmp_path: Path) -> None:
    clips = EstimatedFlow([noise(3, 0)], "dis-fast", tmp_path)
    there = pickle.loads(pickle.dumps(clips))
    assert np.array_equal(clips[0].flow[1], there[0].flow[1])


def test_the_share_of_foreground_is_the_mean_over_labelled_frames() -> None:
    masks = {0: np.zeros((4, 4), np.uint8), 2: np.zeros((4, 4), np.uint8)}
    masks[0][:2] = 7  # 8 of 16
    masks[2][0] = 1
    masks[2][1:3] = 255  # 4 of the 8 that count
    masks[2][3] = 0
    clip = Clip("halves", [np.zeros((4, 4, 3), np.uint8)] * 3, masks)
    assert foreground_share([clip]) == pytest.approx(0.5)
    masks[2][0] = 0
    assert foreground_share([clip]) == pytest.approx(0.25)
