"""Rendered clips: exact flow, occlusion, ids that persist, frozen pixels."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from vosedu import toyvos
from vosedu.clip import Clip, read_image
from vosedu.toyvos import baselines, cues

GOLDEN = Path(__file__).parent / "golden"
PLAIN = {"blur": False, "shadow": False, "appearance": False, "dynamic": False}


def warp_back(clip: toyvos.ToyClip, t: int) -> np.ndarray:
    h, w = clip.size
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    field = clip.flow[t]
    return cv2.remap(clip.frames[t + 1], x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR)


@pytest.mark.parametrize("suite", toyvos.SUITES)
def test_flow_takes_the_next_frame_back(suite: str) -> None:
    for seed in range(3):
        clip = toyvos.render(toyvos.scene(seed, suite), frames=8, **PLAIN)
        for t in (0, 3, 6):
            error = np.abs(warp_back(clip, t).astype(int) - clip.frames[t])
            assert clip.flow_valid[t].all()
            assert np.median(error[~clip.occlusion[t]]) <= 2


@pytest.mark.parametrize("family", ["walker", "fish", "snake", "jellyfish", "kite", "vehicle"])
def test_flow_is_right_on_deforming_and_turning_objects(family: str) -> None:
    errors, still = [], []
    for seed in range(3):
        scene = toyvos.scene(seed, family=family, objects=1, OC=0, CS=0, SV=0, LR=0, DE=100)
        clip = toyvos.render(scene, 192, frames=6, **PLAIN)
        for t in range(5):
            own = (clip.labels[t] > 0) & ~clip.occlusion[t]
            core = cv2.erode(own.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            now = clip.frames[t].astype(int)
            errors.append(np.abs(warp_back(clip, t).astype(int) - now)[core])
            still.append(np.abs(clip.frames[t + 1].astype(int) - now)[core])
    assert np.median(np.concatenate(errors)) <= 2
    assert np.concatenate(errors).mean() < 0.5 * np.concatenate(still).mean()


def test_occlusion_is_where_warping_fails() -> None:
    scene = toyvos.scene(3, "occlusion")
    clip = toyvos.render(scene, **PLAIN)
    wrong, right = [], []
    for t in range(len(clip) - 1):
        error = np.abs(warp_back(clip, t).astype(int) - clip.frames[t]).mean(-1)
        wrong.append(error[clip.occlusion[t]])
        right.append(error[~clip.occlusion[t]])
    assert np.concatenate(wrong).mean() > 4 * np.concatenate(right).mean()


def test_dynamic_background_is_void_for_flow() -> None:
    moving = toyvos.render(toyvos.scene(0, theme="lake", DB="high"), frames=3)
    assert 0.2 < 1 - np.mean(moving.flow_valid[0]) < 0.9
    frozen = toyvos.render(toyvos.scene(0, theme="lake", DB="high"), frames=3, dynamic=False)
    assert frozen.flow_valid[0].all()


def test_shapes_types_and_contract() -> None:
    clip = toyvos.render(toyvos.scene(5, "similar-objects"), 80, 120)
    assert isinstance(clip, Clip)
    assert len(clip) == 16
    assert clip.size == (80, 120)
    assert len(clip.flow) == len(clip.occlusion) == len(clip.flow_valid) == 15
    assert clip.flow[0].shape == (80, 120, 2)
    assert clip.flow[0].dtype == np.float32
    assert clip.frames[0].dtype == clip.labels[0].dtype == clip.instances[0].dtype == np.uint8
    assert clip.occlusion[0].dtype == bool


def test_labels_follow_the_instances() -> None:
    for suite in toyvos.SUITES:
        clip = toyvos.render(toyvos.scene(2, suite))
        for t in range(len(clip)):
            expected = np.zeros_like(clip.labels[t])
            for instance, label in clip.subjects.items():
                expected[clip.instances[t] == instance] = label
            assert (expected == clip.labels[t]).all()


def test_look_alikes_are_background_with_an_instance_id() -> None:
    for suite in ("transient-lookalikes", "static-lookalikes"):
        clip = toyvos.render(toyvos.scene(1, suite))
        others = set(np.unique(np.stack(clip.instances))) - {0, *clip.subjects}
        assert len(others) >= 2
        for t in range(len(clip)):
            assert not clip.labels[t][np.isin(clip.instances[t], list(others))].any()


def test_transient_look_alikes_are_never_there_throughout() -> None:
    clip = toyvos.render(toyvos.scene(4, "transient-lookalikes"))
    seen = np.array([[(m == k).any() for m in clip.instances] for k in range(1, 10)])
    assert seen[0].all()
    assert (seen[1:].sum(1) < 10).all()


def test_static_look_alikes_move_only_with_the_camera() -> None:
    clip = toyvos.render(toyvos.scene(6, "static-lookalikes"), dynamic=False)
    scene = clip.scene
    assert all(len(a.path) == 1 for a in scene.actors if not a.label)
    assert all(len(a.path) > 1 for a in scene.actors if a.label)


def test_the_resting_subject_rests() -> None:
    for seed in range(6):
        path = toyvos.scene(seed, "resting").actors[0].path
        rests = [b[0] - a[0] for a, b in itertools.pairwise(path) if a[1:] == b[1:]]
        assert max(rests) >= 6


def test_the_subject_of_passers_by_stays_and_nothing_else_does() -> None:
    for seed in range(6):
        scene = toyvos.scene(seed, "passers-by")
        clip = toyvos.render(scene, 64)
        seen = np.array(
            [[(m == k + 1).any() for m in clip.instances] for k in range(len(scene.actors))]
        )
        assert clip.subjects == {1: 1}
        assert seen[0].all()
        assert len(seen) > 4
        assert seen[1:].mean(1).max() < 0.5


def test_passers_by_have_other_colours_than_the_subject() -> None:
    for seed in range(20):
        subject, *others = toyvos.scene(seed, "passers-by").actors
        assert all(a.look.palette != subject.look.palette for a in others)
        assert len({a.look.palette for a in others}) >= min(len(others), 9)


def test_passers_by_are_planned_as_the_subject_is() -> None:
    scenes = [toyvos.scene(seed, "passers-by") for seed in range(150)]
    subjects = [s.actors[0] for s in scenes]
    others = [a for s in scenes for a in s.actors[1:]]

    def quartiles(actors, value) -> np.ndarray:
        return np.quantile([value(a) for a in actors], (0.25, 0.5, 0.75))

    for value in (lambda a: a.size, lambda a: a.path[0][2]):
        assert quartiles(subjects, value) == pytest.approx(quartiles(others, value), rel=0.15)


def test_one_frame_of_passers_by_does_not_tell_the_subject() -> None:
    clips = [toyvos.render(toyvos.scene(seed, "passers-by"), 64) for seed in range(12)]
    for cue in (cues.every_object, cues.largest_object, cues.central_object):
        assert baselines.score(cue, clips, 0.0) < 70
    assert baselines.score(cues.what_looks_alike, clips, 0.0) > 99


def test_flow_and_appearance_take_turns_at_being_right() -> None:
    right = np.stack(
        [toyvos.cue_scores(toyvos.render(toyvos.scene(k, "turns"), 64)) for k in range(8)]
    )
    motion, appearance = right[..., 0] > 0.9, right[..., 1] > 0.9
    assert not (motion & appearance).any()
    assert all(m.any() and a.any() for m, a in zip(motion, appearance))
    assert (motion | appearance).mean() > 0.7
    assert right[motion][:, 1].mean() < 0.6
    assert right[appearance][:, 0].mean() < 0.05


def test_in_turns_only_actors_move() -> None:
    clip = toyvos.render(toyvos.scene(4, "turns"), 64)
    for t, field in enumerate(clip.flow):
        assert np.abs(field[clip.instances[t] == 0]).max() == pytest.approx(0, abs=1e-3)
        moving = np.hypot(*np.moveaxis(field, -1, 0)) > 0.05
        assert not (moving & ~cues.what_moves(clip, t)).any()


def test_every_labelled_object_starts_visible_in_similar_objects() -> None:
    for clip in toyvos.split("val", "similar-objects", 64)[:8]:
        assert set(clip.subjects.values()) <= set(np.unique(clip.labels[0]))


def test_motion_blur_leaves_labels_and_flow_alone() -> None:
    scene = toyvos.scene(1, FM="high", MB="high")
    sharp, blurred = (toyvos.render(scene, frames=4, blur=b) for b in (False, True))
    assert any((a != b).any() for a, b in zip(sharp.frames, blurred.frames))
    assert all((sharp.labels[t] == blurred.labels[t]).all() for t in range(4))
    assert all((a == b).all() for a, b in zip(sharp.flow, blurred.flow))


def test_a_prefix_of_frames_is_the_same_clip() -> None:
    scene = toyvos.scene(8)
    short, full = toyvos.render(scene, frames=5), toyvos.render(scene)
    assert all((a == b).all() for a, b in zip(short.frames, full.frames))


@pytest.mark.parametrize("suite", toyvos.SUITES)
@pytest.mark.parametrize("frames", [2, 3, 50])
def test_any_length_can_be_planned(suite: str, frames: int) -> None:
    for seed in range(3):
        scene = toyvos.scene(seed, suite, frames=frames)
        clip = toyvos.render(scene, 64, frames=2)
        assert scene.frames == frames
        assert all(np.isfinite(f).all() for f in clip.flow)


def test_other_heights_show_the_same_scene() -> None:
    scene = toyvos.scene(12, OC=0)
    small, large = toyvos.render(scene, 96, frames=2), toyvos.render(scene, 192, frames=2)
    halved = cv2.resize(large.frames[0], (160, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(halved.astype(int) - small.frames[0]).mean() < 8


@pytest.mark.parametrize("name", sorted(p.stem for p in GOLDEN.glob("*.png")))
def test_pixels_are_frozen(name: str) -> None:
    suite, seed, t = name.rsplit("_", 2)
    clip = toyvos.render(toyvos.scene(int(seed), suite), 64, frames=int(t) + 1)
    difference = np.abs(clip.frames[int(t)].astype(int) - read_image(GOLDEN / f"{name}.png"))
    # one grey level for other processors' rounding; a pixel on a knife's edge may fall either way
    assert (difference > 1).mean() < 1e-3


def test_golden_frames_cover_every_suite() -> None:
    names = {p.stem.rsplit("_", 2)[0] for p in GOLDEN.glob("*.png")}
    assert names == set(toyvos.SUITES)
    assert json.loads((GOLDEN / "digests.json").read_text())["version"] == toyvos.VERSION


def test_a_cut_clip_keeps_everything_known_about_its_frames() -> None:
    whole = toyvos.split("val")[0]
    part = whole.cut(3, 8)
    assert len(part) == 5 and len(part.flow) == len(part.occlusion) == len(part.flow_valid) == 4
    assert np.array_equal(part.instances[0], whole.instances[3])
    assert np.array_equal(part.occlusion[3], whole.occlusion[6])
    assert np.array_equal(part.visibility, whole.visibility[3:8])
