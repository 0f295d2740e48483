"""The base of all explorers, with a "network" that multiplies brightness."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from vosedu import flow
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore import (
    NOISE,
    Choice,
    Probe,
    Rows,
    Trace,
    available,
    by_label,
    distribution_map,
    heat_map,
    middle,
    place_name,
)
from vosedu.explore.sabotage import FLOWS, hooked, zero, zero_items


def clips() -> list[Clip]:
    rng = np.random.default_rng(0)
    first = list(rng.integers(0, 256, (6, 24, 40, 3), np.uint8))
    truth = np.zeros((24, 40), np.uint8)
    truth[:, :20] = 1
    return [Clip("first", first, {3: truth}), Clip("second", [255 - frame for frame in first[:4]])]


def shown_brightness(probe: BrightProbe, trace: Trace, x: int, y: int, scale: float) -> Rows:
    """How bright each pixel is.

    Only the first line is a tooltip.
    """
    return ((heat_map(f"at {x}, {y}", trace.frame, scale * trace.probability, 1.0),),)


def shown_nothing(probe: BrightProbe, trace: Trace, x: int, y: int, scale: float) -> Rows:
    return ()


class Bright(nn.Module):
    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, frame: np.ndarray) -> np.ndarray:
        return np.clip(self.gain * frame.mean(2) / 255, 0, 1).astype(np.float32)


class BrightProbe(Probe[Trace]):
    question = "Is it bright?"
    components: ClassVar = {"brightness": shown_brightness, "nothing": shown_nothing}

    def __init__(self, models, clips, inference=None) -> None:
        super().__init__(by_label(models, "bright"), clips)
        self.runs: list[tuple] = []

    def switches(self) -> tuple[Choice, ...]:
        return (
            Choice("scale", "scale", (1, 2), 1, changes=False),
            Choice("network", "network", tuple(self.networks), next(iter(self.networks))),
            Choice("source", "frame of", available(("itself", "another clip"), 2), "itself"),
        )

    def run(self, clip: int, frame: int, network: str, source: str) -> Trace:
        self.runs.append((clip, frame, network, source))
        place = self.in_next_clip(clip, [frame])[0] if source == "another clip" else (clip, frame)
        seen = self.clips[place[0]].frames[place[1]]
        shown = self.clips[clip].frames[frame]
        return Trace(clip=clip, frame=shown, probability=self.networks[network](seen))

    def facts(self, trace: Trace, x: int, y: int, scale: float):
        yield f"{trace.probability[y, x]:.2f} at ({x}, {y})"


def test_the_explorer_has_every_choice_and_runs_the_network_once_for_each_setting() -> None:
    probe = BrightProbe(Bright(1.0), clips())
    assert [choice.name for choice in probe.choices] == ["component", "scale", "network", "source"]
    setting = {"component": "brightness", "scale": 1, "network": "bright", "source": "itself"}
    view = probe.look(0, 3, 4, 5, **setting)
    probe.look(0, 3, 9, 9, **{**setting, "component": "nothing", "scale": 2})
    assert probe.runs == [(0, 3, "bright", "itself")]
    assert view.rows[0][0].title == "probability"
    assert view.rows[1][0].title == "at 4, 5"
    truth = clips()[0].labels[3] > 0
    expected = 100 * (view.mask & truth).sum() / (view.mask | truth).sum()
    assert view.facts[-1] == f"J of this frame: {expected:.1f}."


def test_a_switch_reaches_the_mask_and_what_is_only_shown_does_not() -> None:
    explorer = BrightProbe.explore({"one": Bright(1.0), "half": Bright(0.5)}, clips())
    assert (explorer.state.frame, explorer.question) == (3, "Is it bright?")
    explorer.state.scale = 2
    explorer.state.component = "nothing"
    assert explorer.changed == 0
    for name, value in {"network": "half", "source": "another clip"}.items():
        explorer.reset()
        setattr(explorer.state, name, value)
        assert explorer.changed > 0.1


def test_components_are_explained_by_the_first_line_of_their_drawing_function() -> None:
    explorer = BrightProbe.explore(Bright(1.0), clips())
    assert explorer.controls["component"].tooltips[0] == "How bright each pixel is."


def test_the_static_twin_needs_no_running_notebook() -> None:
    drawn = BrightProbe.figure(Bright(1.0), clips()[0], frame=2, source="itself", question="Which?")
    assert drawn.texts[0].get_text() == "Which?"


def test_no_clip_is_told_in_one_sentence() -> None:
    with pytest.raises(InputError, match="at least one clip"):
        BrightProbe.explore(Bright(1.0), [])


def test_labels_take_the_place_of_a_probability() -> None:
    ids = np.array([[0, 2], [1, 0]], np.uint8)
    trace = Trace(clip=0, frame=np.zeros((2, 2, 3), np.uint8), labels=ids)
    assert np.array_equal(trace.mask, ids)
    assert BrightProbe(Bright(1.0), clips()).pictures(trace) == ()


@pytest.mark.parametrize(
    "x, y, cell", [(0, 0, 0), (79, 47, 59), (8, 0, 1), (7, 8, 10), (79, 0, 9)], ids=str
)
def test_a_cell_is_the_position_that_covers_a_pixel(x: int, y: int, cell: int) -> None:
    trace = Trace(clip=0, frame=np.zeros((48, 80, 3), np.uint8), labels=np.zeros((48, 80)))
    assert trace.cell(x, y, (6, 10)) == cell


def test_places_and_options() -> None:
    probe = BrightProbe(Bright(1.0), clips())
    assert probe.in_next_clip(0, [0, 5]) == [(1, 0), (1, 1)]
    assert probe.in_next_clip(1, [3]) == [(0, 3)]
    names = [place_name(place, 0) for place in ((0, 3), (1, 2), NOISE)]
    assert names == ["frame 3", "frame 2, other clip", "noise"]
    assert available(("as chosen", "one of another clip"), 1) == ("as chosen",)
    assert available(("as chosen", "one of another clip"), 2) == (
        "as chosen",
        "one of another clip",
    )


def test_the_middle_of_a_region_lies_inside_it() -> None:
    ring = np.ones((5, 7), bool)
    ring[1:4, 1:6] = False
    x, y = middle(ring)
    assert ring[y, x] and (x, y) in ((3, 0), (3, 4))
    square = np.zeros((5, 7), bool)
    square[1:4, 2:5] = True
    assert middle(square) == (3, 2)


def test_a_distribution_is_drawn_as_multiples_of_the_uniform_one() -> None:
    frame = np.zeros((4, 8, 3), np.uint8)
    even = distribution_map("even", frame, np.full((2, 4), 1 / 8))
    assert even.scale == ("0", "2 x uniform")
    peak = np.zeros((2, 4))
    peak[0, 1] = 1
    assert distribution_map("peak", frame, peak).scale == ("0", "8 x uniform")
    assert len(np.unique(even.image.reshape(-1, 3), axis=0)) == 1


class Source:
    """A clip's flow at half size."""

    size = (12, 20)

    def __init__(self, seed: int, length: int) -> None:
        rng = np.random.default_rng(seed)
        self.fields = list(rng.normal(0, 3, (length, 24, 40, 2)).astype(np.float32))

    def flow(self, index: int) -> np.ndarray:
        return flow.to_colour(self.fields[index])[::2, ::2]


def test_flows_are_what_they_are_called() -> None:
    sources = [Source(0, 6), Source(1, 4)]
    seen = {how: draw(lambda clip: sources[clip % 2], 0, 5) for how, draw in FLOWS.items()}
    assert {picture.shape for picture in seen.values()} == {(12, 20, 3)}
    assert np.array_equal(seen["as it is"], sources[0].flow(5))
    assert np.array_equal(seen["another moment"], sources[0].flow(2))
    assert np.array_equal(seen["another clip"], sources[1].flow(1))
    assert (seen["white"] == 255).all() and (seen["grey"] == 128).all()
    assert not np.array_equal(seen["noisy"], seen["as it is"])


def test_hooks_are_gone_afterwards_and_skip_what_a_network_lacks() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    x = torch.ones(1, 3)
    before = model(x)
    with hooked(model, ("0", "5"), zero):
        assert torch.equal(model(x), model[1].bias.expand(1, 3))
    assert torch.equal(model(x), before)
    assert torch.equal(zero_items(1)(model, (), (x, x))[0], x)
    assert not zero_items(1)(model, (), (x, x))[1].any()
