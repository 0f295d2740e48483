"""DPA's explorer shows what the network computes, and its switches reach the mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scenes import squares

from vosedu import flow
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore.sabotage import FLOWS
from vosedu.papers.dpa.explorer import COUNTS, STREAMS, DPAProbe, explore, figure
from vosedu.papers.dpa.inference import DPAPictures, Inference, segment
from vosedu.papers.dpa.network import DPA, Config, build
from vosedu.papers.speed import norms_of_one_pass


def clips() -> list[Clip]:
    return squares((8, 48, 80), (6, 60, 90))


def network(config: Config) -> DPA:
    """A small network whose attention is sharp and whose mask is about half of a frame."""
    torch.manual_seed(0)
    model = build(config)
    norms_of_one_pass(model)
    frames, flows = DPAPictures(model, clips()[0], Inference()).batch(range(8))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("ifa") and parameter.dim() == 2:
                torch.nn.init.orthogonal_(parameter, 4.0)  # sharp attention
        model.train()(frames, flows, [model.encode_reference(frames, flows)])
        model.eval()
        head = model.decoder.refine1.head.score
        head.weight *= 20
        results = segment(model, clips()[0])
        middle = float(np.median([r.probability for r in results]))
        head.bias -= np.log(middle / (1 - middle))
    return model


PAPER = Config.paper().scaled("quick")


@pytest.fixture(scope="module")
def model() -> DPA:
    return network(PAPER)


@pytest.fixture(scope="module")
def probe(model: DPA) -> DPAProbe:
    return DPAProbe(model, clips())


def test_three_clicks_from_the_first_state_change_the_mask(model: DPA) -> None:
    explorer = explore(model, clips())
    start = explorer.view
    assert explorer.changed == 0
    explorer.picture.click(0.9, 0.9)
    assert explorer.view.facts != start.facts
    assert np.array_equal(explorer.view.mask, start.mask)  # another pixel, the same mask
    explorer.controls["flow"].value = "another clip"
    misled = explorer.view.mask
    assert explorer.changed > 0
    explorer.controls["references"].value = "another clip"
    assert not np.array_equal(explorer.view.mask, misled)
    assert explorer.view.facts[-1] == "Touched: flow = another clip, references = another clip."


@pytest.mark.parametrize("sampling", ["paper", "released"])
@pytest.mark.parametrize("n", [1, 4])
def test_an_untouched_probe_gives_what_segment_gives(model: DPA, n: int, sampling: str) -> None:
    inference = Inference(references=n, sampling=sampling)
    probe = DPAProbe(model, clips(), inference)
    for result in segment(model, clips()[1], inference=inference):
        trace = probe.trace(1, result.index)
        assert trace.probability == pytest.approx(result.probability, abs=1e-5)


@pytest.mark.parametrize(
    "touched",
    [
        *({"flow": how} for how in FLOWS if how != "as it is"),
        {"flow": "grey", "broken": "all frames"},
        {"references": "the query itself"},
        {"references": "another clip"},
        {"references": "another clip's motion"},
        {"n": 1},
        {"zeroed": "T_A"},
        {"zeroed": "T_M"},
        {"zeroed": "IMA"},
        {"zeroed": "IFA"},
    ],
    ids=lambda touched: " ".join(map(str, touched.values())),
)
def test_every_switch_reaches_the_probability_and_leaves_the_network_alone(
    probe: DPAProbe, touched: dict
) -> None:
    before = probe.trace(0, 3).probability
    assert np.abs(probe.trace(0, 3, **touched).probability - before).max() > 1e-3
    again = DPAProbe(probe.networks["DPA"], clips())
    assert again.trace(0, 3).probability == pytest.approx(before, abs=1e-6)


def test_broken_flow_of_all_frames_reaches_the_memory(probe: DPAProbe) -> None:
    here = probe.trace(0, 3, flow="grey")
    everywhere = probe.trace(0, 3, flow="grey", broken="all frames")
    assert np.array_equal(here.flow, everywhere.flow)
    before, after = here.regions_kept["motion"][0], everywhere.regions_kept["motion"][0]
    assert not np.allclose(before, after)


def test_shuffled_references_change_nothing(probe: DPAProbe) -> None:
    """Attention is over a set, and the two streams of a reference are never read together."""
    as_chosen, shuffled = (probe.trace(0, 3, references=how) for how in ("as chosen", "shuffled"))
    assert shuffled.references["appearance"] == as_chosen.references["appearance"][::-1]
    assert shuffled.references["motion"] != shuffled.references["appearance"]
    assert shuffled.probability == pytest.approx(as_chosen.probability, abs=1e-4)
    assert shuffled.mass("appearance") == pytest.approx(as_chosen.mass("appearance")[::-1])


def test_flows_are_what_they_say(probe: DPAProbe) -> None:
    def seen(how: str) -> np.ndarray:
        return probe.trace(0, 3, flow=how).flow

    first = clips()[0]
    assert np.array_equal(seen("as it is"), flow.to_colour(first.flow[3]))
    assert np.array_equal(seen("another moment"), probe.trace(0, 7).flow)  # half of 8 later
    assert (seen("white") == 255).all() and (seen("grey") == 128).all()
    assert seen("noisy").std(axis=(0, 1)).min() > seen("as it is").std(axis=(0, 1)).min()
    assert seen("another clip").shape == (48, 80, 3)  # of a larger clip, resized


@pytest.mark.parametrize("n", COUNTS)
@pytest.mark.parametrize("stream", STREAMS)
def test_attention_mass_is_shared_by_the_references(probe: DPAProbe, stream: str, n: int) -> None:
    trace = probe.trace(0, 3, n=n)
    assert trace.mass(stream).shape == (n,)
    assert trace.mass(stream).sum() == pytest.approx(1, abs=1e-5)
    reading = trace.reading(stream, 30, 20)
    assert reading.shape == (n, 3, 5)
    assert reading.sum() == pytest.approx(1, abs=1e-5)


def test_regions_and_transfer_are_distributions_of_the_pixels_owner(probe: DPAProbe) -> None:
    trace = probe.trace(0, 3)
    assert trace.cell(0, 0, trace.grid(4)) == 0 and trace.cell(79, 47, (6, 10)) == 6 * 10 - 1
    for block, size in ((4, (6, 10)), (5, (3, 5))):
        regions = trace.regions(block, "motion")
        assert regions.shape == (16, *size)
        assert regions.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-5)
        owner = trace.owner(block, "motion", 30, 20)
        there = regions.reshape(16, -1)[:, trace.cell(30, 20, size)]
        assert there[owner] == there.max()
        assert trace.transfer(block, "appearance", 30, 20).shape == size
        assert trace.transfer(block, "appearance", 30, 20).sum() == pytest.approx(1, abs=1e-5)


FORMS = {
    "I": (Config.paper("I"), {"soft regions", "outputs", "block 5"}),
    "II": (Config.paper("II"), {"soft regions", "transfer", "block 5", "outputs"}),
    "III, released": (
        Config.released("III"),
        {"soft regions", "references", "lines", "block 5", "outputs"},
    ),
    "IV, released": (Config.released("IV"), set(DPAProbe.components)),
    "IV": (PAPER, set(DPAProbe.components)),
    "XI": (Config.paper("XI"), set(DPAProbe.components)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_version_shows_what_it_has(form: str) -> None:
    config, shown = FORMS[form]
    torch.manual_seed(0)
    explorer = explore(build(config.scaled("quick")).eval(), clips())
    for component in DPAProbe.components:
        explorer.controls["component"].value = component
        pictures = [p for row in explorer.view.rows[1:] for p in row]
        assert bool(pictures) == (component in shown)
    assert explorer.changed == 0
    offered = explorer.controls["zeroed"].options
    assert ("IMA" in offered) == ("transfer" in shown)
    assert ("IFA" in offered) == ("references" in shown)


def test_lines_lead_to_what_the_prototype_reads_most(model: DPA) -> None:
    explorer = explore(model, clips(), start={"frame": 3, "x": 9, "y": 9})
    trace = DPAProbe(model, clips()).trace(0, 3)
    explorer.controls["component"].value = "lines"
    rows = explorer.view.rows[1:]
    assert len(rows) == 2 and all(len(row) == 1 and row[0].wide for row in rows)
    for row, stream in zip(rows, ("appearance", "motion")):
        strongest = trace.reading(stream, 9, 9).max()
        assert row[0].scale == ("0 %", f"{100 * strongest:.3g} %") and stream in row[0].title


def test_frames_are_encoded_once(model: DPA, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded, features = [], model.features
    monkeypatch.setattr(model, "features", lambda *x: encoded.append(1) or features(*x))
    explorer = explore(model, clips(), start={"frame": 3})
    assert len(encoded) == 5  # the query and four references
    for name, value in {"x": 3, "component": "references", "zeroed": "IFA", "block": 5}.items():
        setattr(explorer.state, name, value)
    assert len(encoded) == 5
    explorer.state.flow = "white"
    assert len(encoded) == 6


def test_networks_can_be_switched_between(model: DPA) -> None:
    torch.manual_seed(0)
    explorer = explore({"IV": model, "I": build(Config.paper("I").scaled("quick"))}, clips())
    explorer.state.network = "I"
    assert explorer.changed > 0
    assert not any("IFA" in fact for fact in explorer.view.facts)


def test_a_clip_without_labels_and_flow_and_alone(model: DPA) -> None:
    explorer = explore(model, Clip("mine", clips()[0].frames))
    assert (explorer.state.x, explorer.state.y) == (40, 24)
    assert not any("J of" in fact for fact in explorer.view.facts)
    assert explorer.controls["references"].options == ("as chosen", "shuffled", "the query itself")
    assert "another clip" not in explorer.controls["flow"].options


def test_the_static_twin_takes_any_setting(model: DPA) -> None:
    drawn = figure(model, clips(), frame=2, x=9, y=9, component="transfer", flow="noisy")
    assert "Touched: flow = noisy." in drawn.texts[1].get_text()


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda model: explore(model, []), "at least one clip"),
        (lambda model: explore(build(PAPER.stills()), clips()), "takes no flow"),
        (lambda model: explore(model, Clip("one", clips()[0].frames[:1])), "needs two"),
    ],
    ids=["no clip", "network for stills", "one frame"],
)
def test_bad_input_is_told_in_one_sentence(model: DPA, make, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make(model)
