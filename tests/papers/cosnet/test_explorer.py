"""COSNet's explorer shows what the network computes, and its switches reach the mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore import NOISE
from vosedu.papers.cosnet.explorer import COSNetProbe, explore, figure, share_read
from vosedu.papers.cosnet.inference import Inference, segment
from vosedu.papers.cosnet.network import Config, COSNet, build

HW = 6 * 10  # positions of a 48 x 80 frame


def network(**config) -> COSNet:
    """A small network whose attention is sharp and whose mask is about half of a frame."""
    torch.manual_seed(0)
    scaled = Config.paper().scaled("quick")
    model = build(type(scaled)(**{**scaled.__dict__, **config})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 4:
                torch.nn.init.kaiming_normal_(parameter)
        if hasattr(getattr(model.coattention, "affinity", None), "w"):
            model.coattention.affinity.w.weight.copy_(
                torch.eye(16) + 0.5 * torch.randn(16, 16).triu()
            )
        results = list(segment(model, clips()[0], inference=Inference()))
        middle = np.median(np.concatenate([r.probability.ravel() for r in results]))
        model.head.both[-1].bias -= float(np.log(middle / (1 - middle)))
    return model


def clips() -> list[Clip]:
    """Two clips of a bright square that moves over noise, with its masks."""

    def one(name: str, seed: int, length: int, height: int, width: int) -> Clip:
        rng = np.random.default_rng(seed)
        frames = rng.integers(0, 120, (length, height, width, 3), np.uint8)
        labels = {}
        for t in range(length):
            labels[t] = np.zeros((height, width), np.uint8)
            labels[t][10:30, 5 + 4 * t : 25 + 4 * t] = 1
            frames[t][labels[t] > 0] += np.array([120, 60 * seed, 0], np.uint8)
        return Clip(name, frames, labels)

    return [one("left", 0, 8, 48, 80), one("right", 1, 6, 60, 90)]


@pytest.fixture(scope="module")
def model() -> COSNet:
    return network()


@pytest.fixture(scope="module")
def probe(model: COSNet) -> COSNetProbe:
    return COSNetProbe(model, clips())


def test_three_clicks_from_the_first_state_change_the_mask(model: COSNet) -> None:
    explorer = explore(model, clips())
    start = explorer.view
    assert explorer.changed == 0
    explorer.picture.click(0.9, 0.1)
    assert explorer.view.facts != start.facts
    assert np.array_equal(explorer.view.mask, start.mask)  # another pixel, the same mask
    explorer.controls["references"].value = "another clip"
    swapped = explorer.view.mask
    assert explorer.changed > 0
    explorer.controls["gate"].value = "closed"
    assert not np.array_equal(explorer.view.mask, swapped)
    assert explorer.view.facts[-1] == "Touched: gate = closed, references = another clip."


@pytest.mark.parametrize("fusion", ["summary", "prediction"])
@pytest.mark.parametrize("n, prior", [(0, None), (2, None), (5, None), (5, 0.1)])
def test_an_untouched_probe_gives_what_segment_gives(model, fusion, n, prior) -> None:
    inference = Inference(references=n, fusion=fusion, prior=prior)
    probe = COSNetProbe(model, clips(), inference)
    for result in segment(model, clips()[1], inference=inference):
        trace = probe.trace(1, result.index)
        assert trace.probability == pytest.approx(result.probability, abs=1e-5)


def test_attention_is_what_the_pixel_reads(probe: COSNetProbe) -> None:
    trace = probe.trace(0, 3)
    assert trace.attention.shape == (5, HW, HW)
    assert trace.attention.sum(1) == pytest.approx(1, abs=1e-5)
    assert trace.gate.shape == (5, 6, 10)
    assert trace.summary.shape == (5, 16, 6, 10)
    assert trace.grid == (6, 10)


def test_effective_support_lies_between_one_position_and_all(probe: COSNetProbe) -> None:
    single = probe.trace(0, 3).support
    double = probe.trace(0, 3, softmax="double").support
    assert single.shape == (5, HW)
    assert single.min() >= 1 and double.max() <= HW + 1e-2
    assert single.mean() < 0.5 * HW
    assert double.mean() > 0.95 * HW  # values in 0..1 cannot be told apart by a softmax


def test_shares_add_up_and_are_those_of_area_where_attention_is_uniform(probe: COSNetProbe) -> None:
    trace = probe.trace(0, 3)
    who = clips()[0].labels[3] > 0
    left = np.zeros((48, 80), bool)
    left[:, :40] = True
    parts = [share_read(trace, who, [region] * 5) for region in (left, ~left)]
    assert sum(parts) == pytest.approx(1, abs=1e-5)
    uniform = probe.trace(0, 3, softmax="double")
    assert share_read(uniform, who, [left] * 5) == pytest.approx(0.5, abs=0.02)
    assert np.isnan(share_read(trace, np.zeros((48, 80)), [left] * 5))


@pytest.mark.parametrize(
    "touched",
    [
        {"softmax": "double"},
        {"gate": "open"},
        {"gate": "closed"},
        {"n": 1},
        {"n": 0},
        {"fusion": "prediction"},
        {"affinity": "W = I"},
        {"affinity": "W symmetrised"},
        {"affinity": "W orthogonal"},
        {"references": "one of another clip"},
        {"references": "another clip"},
        {"references": "the target itself"},
        {"references": "noise"},
    ],
    ids=lambda touched: " ".join(map(str, *touched.items())),
)
def test_every_switch_reaches_the_probability_and_leaves_the_network_alone(
    probe: COSNetProbe, touched: dict
) -> None:
    before = probe.trace(0, 3).probability
    assert not np.allclose(probe.trace(0, 3, **touched).probability, before, atol=1e-4)
    again = COSNetProbe(next(iter(probe.networks.values())), clips())
    assert again.trace(0, 3).probability == pytest.approx(before, abs=1e-6)


def test_sabotage_names_its_references(probe: COSNetProbe) -> None:
    def places(how: str) -> tuple:
        return probe.trace(0, 3, n=2, references=how).references

    assert places("as chosen") == ((0, 2), (0, 6))
    assert places("one of another clip") == ((1, 2), (0, 6))
    assert places("another clip") == ((1, 2), (1, 0))  # frame 6 of a clip of six is its first
    assert places("the target itself") == ((0, 3), (0, 3))
    assert places("noise") == (NOISE, NOISE)


@pytest.mark.parametrize(
    "component, pictures",
    [
        ("attention", 5),
        ("lines", 1),
        ("readers", 5),
        ("gate", 5),
        ("summary", 6),
        ("prediction", 6),
    ],
)
def test_every_component_is_drawn(model: COSNet, component: str, pictures: int) -> None:
    explorer = explore(model, clips())
    explorer.controls["component"].value = component
    assert len(explorer.view.rows[1]) == pictures
    assert explorer.changed == 0


def test_frames_are_encoded_once(model: COSNet, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    embed = model.embed
    monkeypatch.setattr(model, "embed", lambda frames: encoded.append(len(frames)) or embed(frames))
    explorer = explore(model, clips(), start={"frame": 3})
    assert sum(encoded) == 6  # the target and five references
    for name, value in {"x": 3, "softmax": "double", "gate": "open", "affinity": "W = I"}.items():
        setattr(explorer.state, name, value)
    assert sum(encoded) == 6
    explorer.state.frame = 1
    assert sum(encoded) == 7


def test_networks_with_weights_of_their_own_can_be_switched_to(model: COSNet) -> None:
    both = {"symmetric": model, "none": network(affinity="none")}
    explorer = explore(both, clips())
    assert explorer.controls["affinity"].options[:2] == ("symmetric", "none")
    explorer.state.affinity = "none"
    assert explorer.view.facts[0] == "No reference is read: the mask comes from this frame alone."
    assert explorer.changed > 0


def test_a_clip_without_labels_and_alone(model: COSNet) -> None:
    alone = Clip("mine", clips()[0].frames)
    explorer = explore(model, alone)
    assert (explorer.state.x, explorer.state.y) == (40, 24)
    assert not any("J of" in fact for fact in explorer.view.facts)
    assert explorer.controls["references"].options == ("as chosen", "the target itself", "noise")


def test_it_starts_on_the_object(model: COSNet) -> None:
    explorer = explore(model, clips())
    state = explorer.state
    assert clips()[0].labels[state.frame][state.y, state.x] == 1


def test_the_static_twin_takes_any_setting(model: COSNet) -> None:
    drawn = figure(model, clips(), frame=2, x=9, y=9, softmax="double")
    assert "Touched: softmax = double." in drawn.texts[1].get_text()


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda model: explore(model, []), "at least one clip"),
        (lambda model: explore(network(group=True), clips()), "group=False"),
        (lambda model: explore(model, Clip("one", clips()[0].frames[:1])), "one frame"),
    ],
    ids=["no clip", "group network", "one frame"],
)
def test_bad_input_is_told_in_one_sentence(model: COSNet, make, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make(model)
