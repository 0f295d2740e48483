"""AMC-Net's explorer shows what the network computes, and its switches reach the mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import squares

from vosedu import flow
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.amcnet.explorer import (
    FLOW_PICTURES,
    GATES,
    AMCProbe,
    explore,
    figure,
    gate_bars,
    gates_over,
)
from vosedu.papers.amcnet.inference import AMCPictures, Inference, segment
from vosedu.papers.amcnet.network import AMCNet, Config, build
from vosedu.papers.speed import norms_of_one_pass


def clips() -> list[Clip]:
    return squares((8, 48, 80), (6, 60, 90))


def network(config: Config) -> AMCNet:
    """A small network whose mask is about half of a frame."""
    torch.manual_seed(0)
    model = build(config)
    norms_of_one_pass(model)
    pictures = AMCPictures(model, clips()[0], Inference())
    frames, flows = (torch.cat(parts) for parts in zip(*map(pictures.tensors, range(8))))
    with torch.no_grad():
        model.train()(frames, flows)
        model.eval()
        model.head.weight *= 20
        middle = float(np.median([r.probability for r in segment(model, clips()[0])]))
        model.head.bias -= np.log(middle / (1 - middle))
    return model


PAPER = Config.paper().scaled("quick")


@pytest.fixture(scope="module")
def model() -> AMCNet:
    return network(PAPER)


@pytest.fixture(scope="module")
def probe(model: AMCNet) -> AMCProbe:
    return AMCProbe(model, clips())


def test_three_clicks_from_the_first_state_change_the_mask(model: AMCNet) -> None:
    explorer = explore(model, clips())
    start = explorer.view
    assert explorer.changed == 0
    explorer.controls["flow"].value = "another clip"
    misled = explorer.view.mask
    assert explorer.changed > 0
    assert explorer.view.facts != start.facts, "the gates have changed"
    explorer.controls["flow"].value = "noisy"
    assert not np.array_equal(explorer.view.mask, misled)
    explorer.controls["gates"].value = "motion 0"
    assert explorer.changed > 0
    assert explorer.view.facts[-1] == "Touched: flow = noisy, gates = motion 0."


def test_an_untouched_probe_gives_what_segment_gives(probe: AMCProbe, model: AMCNet) -> None:
    for number, clip in enumerate(clips()):
        for result in segment(model, clip):
            trace = probe.trace(number, result.index)
            assert trace.probability == pytest.approx(result.probability, abs=1e-5)


@pytest.mark.parametrize(
    "touched",
    [
        *({"flow": how} for how in FLOW_PICTURES if how != "as it is"),
        {"picture": "grey"},
        *({"gates": how} for how in GATES if how != "as predicted"),
    ],
    ids=lambda touched: " ".join(map(str, touched.values())),
)
def test_every_switch_reaches_the_probability_and_leaves_the_network_alone(
    probe: AMCProbe, touched: dict
) -> None:
    before = probe.trace(0, 3).probability
    assert np.abs(probe.trace(0, 3, **touched).probability - before).max() > 1e-3
    again = AMCProbe(probe.networks["AMC-Net"], clips())
    assert again.trace(0, 3).probability == pytest.approx(before, abs=1e-6)


def test_gates_are_what_the_switch_says(probe: AMCProbe) -> None:
    predicted = probe.trace(0, 3).gates
    assert predicted.shape == (5, 2)
    assert ((predicted > 0) & (predicted < 1)).all()
    assert (probe.trace(0, 3, gates="motion 0").gates[:, 1] == 0).all()
    # level 0 sees the same input; only its own gate has been set
    assert probe.trace(0, 3, gates="motion 0").gates[0, 0] == pytest.approx(predicted[0, 0])
    assert (probe.trace(0, 3, gates="both 1").gates == 1).all()
    exchanged = probe.trace(0, 3, gates="exchanged").gates
    assert exchanged[0] == pytest.approx(predicted[0, ::-1])


def test_flows_are_what_they_say(probe: AMCProbe) -> None:
    def seen(how: str, frame: int = 3) -> np.ndarray:
        return probe.trace(0, frame, flow=how).flow

    own = flow.to_colour(clips()[0].flow[3])
    assert np.array_equal(seen("as it is"), own)
    assert np.array_equal(seen("red and blue exchanged"), own[..., ::-1])
    assert np.array_equal(seen("one frame late"), flow.to_colour(clips()[0].flow[2]))
    assert np.array_equal(seen("one frame late", 0), flow.to_colour(clips()[0].flow[0]))
    assert seen("another clip").shape == (48, 80, 3)  # of a larger clip, resized


def test_a_similarity_row_is_a_distribution_over_the_frame(probe: AMCProbe) -> None:
    trace = probe.trace(0, 3)
    assert trace.grid == (3, 5)
    rows = [trace.read(x, y) for x, y in ((0, 0), (79, 47))]
    assert all(row.sum() == pytest.approx(1, abs=1e-5) for row in rows)
    affinity = trace.tensors["start.similarity.affinity"]
    assert rows[1].ravel() == pytest.approx(affinity[-1])


def test_gate_maps_average_to_the_gates(probe: AMCProbe) -> None:
    trace = probe.trace(0, 3)
    for level in range(5):
        maps = trace.tensors[f"fusion.{level}.gate.maps"]
        assert maps.mean((1, 2)) == pytest.approx(trace.gates[level], abs=1e-6)


def test_networks_without_gates_or_corrections_can_be_explored() -> None:
    bare = network(replace(PAPER, gated=0, corrected=0))
    open_gates = network(replace(PAPER, gate="open", corrected=2))
    explorer = explore({"full": network(PAPER), "bare": bare, "open": open_gates}, clips()[:1])
    shown = {}
    for name in ("full", "bare", "open"):
        for component in explorer.controls["component"].options:
            explorer.set(network=name, component=component)
            shown[name, component] = len(explorer.view.rows)
    assert np.isnan(explorer.see(network="bare").frame).sum() == 0
    assert shown["bare", "gate maps"] < shown["full", "gate maps"]
    assert shown["bare", "decoder attention"] < shown["open", "decoder attention"]


def test_gates_of_a_clip_frame_by_frame(probe: AMCProbe) -> None:
    curve = gates_over(probe, 0, range(2, 5))
    assert curve.shape == (3, 5, 2)
    assert np.array_equal(curve[1], probe.trace(0, 3).gates)


def test_bars_are_as_high_as_the_gates() -> None:
    gates = np.array([[1.0, 0.5], [0.25, 0.0], [0.5, 0.5], [0.5, np.nan], [0.1, 0.9]])
    image = gate_bars(gates, 96, 160)
    assert image.shape == (192, 320, 3)
    blue, orange = ((image == colour).all(2) for colour in ((0, 114, 178), (213, 94, 0)))
    heights = [blue[:, 64 * level + 16].sum() for level in range(5)]
    assert heights[0] == pytest.approx(4 * heights[1], abs=8)
    assert orange[:, 64 * 3 : 64 * 4].sum() == 0
    assert orange[:, 64 + 44].sum() <= 1


def test_the_static_twin_draws_what_the_explorer_shows(model: AMCNet) -> None:
    drawn = figure(model, clips(), frame=2, component="similarity", question="Which?")
    titles = [axes.get_title().replace("\n", " ") for axes in drawn.axes]
    assert drawn.texts[0].get_text() == "Which?"
    assert any("reads the frame here" in title for title in titles)


def test_lines_lead_to_what_the_motion_reads_most(model: AMCNet) -> None:
    explorer = explore(model, clips(), start={"frame": 3, "x": 30, "y": 20})
    explorer.controls["component"].value = "lines"
    ((picture,),) = explorer.view.rows[1:]
    strongest = AMCProbe(model, clips()).trace(0, 3).read(30, 20).max()
    assert picture.wide and picture.scale == ("0 %", f"{100 * strongest:.3g} %")
    explorer.controls["x"].value = 60
    assert not np.array_equal(explorer.view.rows[1][0].image, picture.image)


def test_clips_that_do_not_fit_are_refused(model: AMCNet) -> None:
    with pytest.raises(InputError, match="at least one clip"):
        explore(model, [])
    with pytest.raises(InputError, match="'short' has 1 frame"):
        explore(model, Clip("short", clips()[0].frames[:1]))
