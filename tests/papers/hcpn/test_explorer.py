"""HCPN's explorer shows what the network computes, and its switches reach the mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import squares

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore.sabotage import FLOWS
from vosedu.papers.hcpn.explorer import OFF, PARTNERS, HCPNProbe, explore, figure
from vosedu.papers.hcpn.inference import HCPNPictures, Inference, segment
from vosedu.papers.hcpn.network import HCPN, Config, build
from vosedu.papers.speed import norms_of_one_pass

GAIN = 1.0


def clips() -> list[Clip]:
    return squares((6, 64, 96), (5, 60, 90))


def network(config: Config) -> HCPN:
    """A small network of sharp attention, whose coarse mask is about half of a frame."""
    torch.manual_seed(0)
    model = build(config)
    norms_of_one_pass(model)
    pictures = HCPNPictures(model, clips()[0], Inference())
    pairs = torch.cat([pictures.pair(n) for n in range(4)], dim=1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".pcm.affinity." in name:
                torch.nn.init.normal_(parameter, std=GAIN)  # sharp attention
        model.train()(*pairs)
        model.eval()
        model.decoder.coarse.weight *= 20
        if hasattr(model.decoder.mcr, "vote"):
            model.decoder.mcr.vote.weight.fill_(-0.1)
        middle = float(np.median([r.probability for r in segment(model, clips()[0])]))
        model.decoder.coarse.bias -= np.log(middle / (1 - middle))
    return model


PAPER = Config.paper().scaled("quick")


@pytest.fixture(scope="module")
def model() -> HCPN:
    return network(PAPER)


@pytest.fixture(scope="module")
def probe(model: HCPN) -> HCPNProbe:
    return HCPNProbe(model, clips())


def test_three_clicks_from_the_first_state_change_the_mask(model: HCPN) -> None:
    explorer = explore(model, clips())
    assert explorer.changed == 0
    explorer.controls["partner"].value = "another clip"
    explorer.controls["flow"].value = "another clip"
    misled = explorer.view.mask
    assert explorer.changed > 0
    explorer.controls["off"].value = "contours"
    assert not np.array_equal(explorer.view.mask, misled)
    said = "second frame = another clip, flow = another clip, switch off = contours"
    assert (
        explorer.view.facts[-1].startswith("Touched:")
        and said.split(", ")[1] in explorer.view.facts[-1]
    )


def test_an_untouched_probe_gives_what_segment_gives(model: HCPN, probe: HCPNProbe) -> None:
    for clip in (0, 1):
        for result in segment(model, clips()[clip]):
            trace = probe.trace(clip, result.index)
            assert trace.probability == pytest.approx(result.probability, abs=1e-5)


@pytest.mark.parametrize(
    "touched",
    [
        *({"flow": how} for how in FLOWS if how != "as it is"),
        *({"partner": how} for how in PARTNERS if how != "as it is"),
        *({"off": what} for what in OFF if what != "nothing"),
    ],
    ids=lambda touched: " ".join(map(str, touched.values())),
)
@pytest.mark.parametrize("frame", [2, 5])
def test_every_switch_reaches_the_probability_and_leaves_the_network_alone(
    probe: HCPNProbe, touched: dict, frame: int
) -> None:
    before = probe.trace(0, frame).probability
    assert np.abs(probe.trace(0, frame, **touched).probability - before).max() > 1e-2
    again = HCPNProbe(probe.networks["HCPN"], clips())
    assert again.trace(0, frame).probability == pytest.approx(before, abs=1e-6)


def test_partners_are_what_they_say(probe: HCPNProbe) -> None:
    def partner(frame: int, how: str) -> tuple[int, int]:
        return probe.trace(0, frame, partner=how).partner

    assert partner(2, "as it is") == (0, 3)
    assert partner(5, "as it is") == (0, 4), "the last frame is the second of its pair"
    assert partner(2, "the frame itself") == (0, 2)
    assert partner(2, "another moment") == (0, 0)
    assert partner(4, "another clip") == (1, 0)


def test_readings_are_distributions_and_shares_are_ratios(probe: HCPNProbe) -> None:
    trace = probe.trace(0, 2)
    for stage in (1, 2, 3, 4):
        read = trace.reading(stage, 30, 20)
        assert set(read) == {"flow", "frame"}
        assert all(x.shape == trace.grid(stage) for x in read.values())
        assert all(x.sum() == pytest.approx(1, abs=1e-5) for x in read.values())
    image = trace.tap("encoder.image_a.stages.1")
    added = trace.tap("encoder.blocks.1.coattended")
    expected = np.sqrt((added**2).sum()) / np.sqrt((image**2).sum())
    assert trace.shares(2)["PCM"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "config",
    [PAPER, Config.released().scaled("quick"), replace(PAPER, cascades=2, contours="none")],
    ids=["paper", "released", "two blocks without contours"],
)
def test_every_form_draws_every_component_at_every_stage(config: Config) -> None:
    torch.manual_seed(0)
    explorer = explore(build(config).eval(), clips())
    drawn = {}
    for component in HCPNProbe.components:
        for stage in (1, 4):
            explorer.controls["component"].value = component
            explorer.controls["stage"].value = stage
            drawn[component, stage] = sum(len(row) for row in explorer.view.rows[1:])
    assert explorer.changed == 0
    assert drawn["co-attention", 4] == 2
    assert drawn["soft attention", 4] == 10
    assert drawn["contours", 4] == {"product": 7, "input": 6, "none": 2}[config.contours]
    assert drawn["lines", 4] == (0 if config == Config.released().scaled("quick") else 2)
    assert (drawn["co-attention", 1] == 2) == (config.cascades == 4)


def test_the_static_twin_is_a_figure(model: HCPN) -> None:
    assert figure(model, clips(), component="contours", frame=5).axes


def test_a_network_of_two_streams_is_refused() -> None:
    with pytest.raises(InputError, match="two streams"):
        explore(build(replace(PAPER, streams=2)), clips())


def test_lines_lead_both_ways_to_what_is_read_most(model: HCPN) -> None:
    explorer = explore(model, clips(), start={"frame": 3, "x": 30, "y": 20})
    explorer.controls["component"].value = "lines"
    rows = explorer.view.rows[1:]
    reading = HCPNProbe(model, clips()).trace(0, 3).reading(2, 30, 20)
    for row, where in zip(rows, ("flow", "frame"), strict=True):
        assert row[0].title.endswith(f"in the {where}; share there")
        assert row[0].scale == ("0 %", f"{100 * reading[where].max():.3g} %")
