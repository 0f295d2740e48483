"""DeAOT's explorer shows what the network computes, and its switches reach the mask."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.deaot import explorer
from vosedu.papers.deaot.explorer import MEMORIES, DeAOTProbe, explore, figure
from vosedu.papers.deaot.inference import Inference, segment
from vosedu.papers.deaot.network import Config, DeAOT, build


def clips() -> list[Clip]:
    """Two clips of two squares that move over noise, labelled in every frame."""

    def one(name: str, seed: int, step: int) -> Clip:
        draw = np.random.default_rng(seed)
        frames, labels = [], {}
        for t in range(6):
            ids = np.zeros((48, 80), np.uint8)
            ids[6:20, 10 + step * t : 26 + step * t] = 1
            ids[28:42, 40 - step * t : 58 - step * t] = 4
            frame = draw.integers(0, 90, (48, 80, 3), np.uint8)
            frame[ids > 0] += np.array([120, 30, 60 * seed], np.uint8)
            frames.append(frame)
            labels[t] = ids
        return Clip(name, frames, labels)

    return [one("right", 0, 3), one("left", 1, -2)]


@cache
def network(block: str = "gpm", gap: int | None = 2) -> DeAOT:
    torch.manual_seed(0)
    heads = 8 if block == "lstt" else 1
    config = Config.paper("deaot-s").scaled("quick")
    model = build(replace(config, block=block, heads=heads, gap=gap)).eval()
    with torch.no_grad():
        model.decoder.out.weight *= 5  # masks that depend on small differences
    return model


@pytest.mark.parametrize("block", ["gpm", "lstt", "single"])
@pytest.mark.parametrize("gap", [None, 2])
def test_untouched_it_shows_what_inference_predicts(block: str, gap: int | None) -> None:
    model, clip = network(block, gap), clips()[0]
    probe = DeAOTProbe(model, clips())
    expected = list(segment(model, clip, given={0: clip.labels[0]}))
    for frame in range(1, 6):
        trace = probe.trace(0, frame)
        assert np.array_equal(trace.labels, expected[frame].labels)
    assert trace.frames == ((0,) if gap is None else (4, 2, 0))
    assert trace.long.shape[-1] == len(trace.frames) * np.prod(trace.grid)


def test_attention_is_a_distribution() -> None:
    trace = DeAOTProbe(network(), clips()).trace(0, 3)
    for weights in (trace.long, trace.short, trace.own):
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("memory", [name for name in MEMORIES if name != "as it is"])
def test_each_memory_reaches_the_probabilities(memory: str) -> None:
    probe = DeAOTProbe(network(), clips())
    assert not np.allclose(probe.trace(0, 5).objects, probe.trace(0, 5, memory=memory).objects)


def test_the_window_reads_a_displacement() -> None:
    trace = DeAOTProbe(network(), clips()).trace(0, 3)
    cell, side = 17, trace.window
    weights = np.zeros_like(trace.short)
    weights[:, cell, (side // 2 + 1) * side + side // 2 - 2] = 1  # one down, two to the left
    assert replace(trace, short=weights).displacement(cell) == (-2.0, 1.0)


def test_lines_lead_to_the_frames_of_memory_that_are_read_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explorer, "LINKED", 2)
    probe = DeAOTProbe(network(), clips())
    trace = probe.trace(0, 5)
    assert trace.frames == (4, 2, 0)
    long = np.zeros_like(trace.long).reshape(*trace.long.shape[:2], 3, -1)
    long[:, :, 0, 0], long[:, :, 2, 7] = 0.25, 0.75
    trace = replace(trace, long=long.reshape(trace.long.shape))
    ((picture,),) = explorer.shown_lines(probe, trace, 20, 10)
    assert "frame 0, 4;" in picture.title and picture.scale == ("0 %", "75 %")
    foreign = replace(trace, foreign=True)
    assert not np.array_equal(
        explorer.shown_lines(probe, foreign, 20, 10)[0][0].image, picture.image
    )


def test_three_clicks_change_the_mask() -> None:
    shown = explore(network(), clips(), start={"frame": 5, "x": 30, "y": 12})
    changed = []
    for memory in ("identities permuted", "reference only", "another clip"):
        shown.controls["memory"].value = memory
        changed.append(shown.changed)
    assert min(changed) > 0


@pytest.mark.parametrize("component", DeAOTProbe.components)
@pytest.mark.parametrize("block", ["gpm", "lstt"])
def test_every_component_has_a_static_twin(component: str, block: str) -> None:
    drawn = figure(network(block), clips(), component=component, frame=4, x=20, y=10)
    assert len(drawn.axes) >= 4


def test_labels_of_the_first_frame_are_needed() -> None:
    bare = Clip("bare", clips()[0].frames)
    with pytest.raises(InputError, match="no annotated object"):
        DeAOTProbe(network(), [bare]).trace(0, 1)
    with pytest.raises(InputError, match="one view"):
        DeAOTProbe(network(), clips(), Inference(flip=True))
