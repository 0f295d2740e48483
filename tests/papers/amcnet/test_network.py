"""AMC-Net equation by equation, and what its configurations have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.nn.cbam import CBAMChannelAttention, CBAMSpatialAttention
from vosedu.papers.amcnet import variants
from vosedu.papers.amcnet.network import (
    MCG,
    MCM,
    AverageChannelAttention,
    CoAttentionGate,
    Config,
    MaxSpatialAttention,
    Similarity,
    build,
)
from vosedu.record import record

QUICK = Config.paper().scaled("quick")


class Fixed(nn.Module):
    """Returns the same tensor whatever it is given."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, *_: Tensor) -> Tensor:
        return self.value


def pictures(batch: int = 1, size: tuple[int, int] = (48, 80)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    frame, flow = torch.randn(2, batch, 3, *size, generator=generator)
    return frame, flow


def network(config: Config) -> nn.Module:
    torch.manual_seed(0)
    return build(config).eval()


# Equations ---------------------------------------------------------------------------------------


def test_the_gate_averages_after_the_sigmoid() -> None:
    raw = torch.tensor([[[[0.0, 0.0], [0.0, 100.0]], [[-100.0, -100.0], [-100.0, 100.0]]]])
    gate = CoAttentionGate(Fixed(raw))
    g = gate(torch.zeros(1, 4, 2, 2), torch.zeros(1, 4, 2, 2))
    torch.testing.assert_close(g, torch.tensor([[(3 * 0.5 + 1) / 4, 0.25]]))


def test_the_two_gates_of_an_image_are_independent_of_the_batch() -> None:
    model = network(QUICK)
    frame, flow = pictures(2)
    with torch.inference_mode(), record(model, "fusion.?.gate") as both:
        model(frame, flow)
    with torch.inference_mode(), record(model, "fusion.?.gate") as alone:
        model(frame[1:], flow[1:])
    for name, (gates,) in both.items():
        assert gates.shape == (2, 2)
        torch.testing.assert_close(gates[1:], alone[name][0])
        assert not torch.allclose(gates[0], gates[1], rtol=0, atol=1e-7)


def test_mcg_is_equations_2_to_5() -> None:
    appearance = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    motion = torch.tensor([[[[10.0, 20.0]], [[30.0, 40.0]]]])
    channel = Fixed(torch.tensor([0.5, 0.1]).view(1, 2, 1, 1))
    spatial = Fixed(torch.tensor([1.0, 0.0]).view(1, 1, 1, 2))
    mcg = MCG(Fixed(torch.tensor([[0.5, 0.2]])), channel, spatial)
    ga, gm, e, onward = mcg(appearance, motion)
    torch.testing.assert_close(ga, appearance / 2)
    torch.testing.assert_close(gm, motion / 5)
    torch.testing.assert_close(e, torch.tensor([[[[0.5 + 1.0, 1.0]], [[1.5 + 0.6, 2.0]]]]))
    assert onward is e


def test_equation_3_takes_the_average_and_cbam_the_maximum_as_well() -> None:
    x = torch.tensor([[[[0.0, 4.0]], [[2.0, 2.0]]]])
    paper, cbam = AverageChannelAttention(2, 1), CBAMChannelAttention(2, 1)
    for module in (paper, cbam):
        for layer in (module.fc1, module.fc2):
            nn.init.eye_(layer.weight[:, :, 0, 0].data)
    torch.testing.assert_close(paper(x).flatten(), torch.tensor([2.0, 2.0]).sigmoid())
    torch.testing.assert_close(cbam(x).flatten(), torch.tensor([2.0 + 4.0, 2.0 + 2.0]).sigmoid())


def test_equation_4_takes_the_maximum_and_cbam_the_mean_before_it() -> None:
    x = torch.tensor([[[[0.0, 4.0]], [[2.0, 2.0]]]])
    paper, cbam = MaxSpatialAttention(), CBAMSpatialAttention()
    for convolution, channels in ((paper.conv, [1.0]), (cbam.conv1, [10.0, 1.0])):
        nn.init.zeros_(convolution.weight)
        convolution.weight.data[0, :, 3, 3] = torch.tensor(channels)
    torch.testing.assert_close(paper(x).flatten(), torch.tensor([2.0, 4.0]).sigmoid())
    expected = torch.tensor([10 * 1.0 + 2.0, 10 * 3.0 + 4.0]).sigmoid()
    torch.testing.assert_close(cbam(x).flatten(), expected)


def test_equation_6_reads_appearance_where_motion_points() -> None:
    motion = torch.tensor([[100.0, 0.0, 0.0], [0.0, 0.0, 100.0]]).view(1, 2, 1, 3)
    fused = torch.tensor([[0.0, 5.0, 0.0], [5.0, 0.0, 0.0]]).view(1, 2, 1, 3)
    similarity = nn.ModuleDict({"s": Similarity()})
    with record(similarity) as tape:
        out = similarity["s"](motion, fused)
    affinity = tape["s.affinity"][0]
    # Motion at 0 resembles the frame at 1, motion at 2 the frame at 0, motion at 1 nothing.
    expected = torch.tensor([[[0.0, 1, 0], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]]])
    torch.testing.assert_close(affinity, expected)
    torch.testing.assert_close(out.flatten(2), fused.flatten(2) @ expected.transpose(1, 2))


def test_equation_6_scales_by_the_root_of_the_channels() -> None:
    motion, fused = torch.ones(1, 4, 1, 2), torch.ones(1, 4, 1, 2)
    fused[..., 1] = 2.0
    similarity = nn.ModuleDict({"s": Similarity()})
    with record(similarity) as tape:
        similarity["s"](motion, fused)
    expected = torch.tensor([4.0, 8.0]).div(2).softmax(0)
    torch.testing.assert_close(tape["s.affinity"][0][0, 0], expected)


def test_equation_10_weighs_the_frame_and_keeps_what_was_decoded() -> None:
    d, fused = torch.rand(1, 2, 2, 2), torch.rand(1, 2, 4, 4)
    mixed = torch.rand(1, 2, 4, 4)
    attention = torch.rand(1, 1, 4, 4)
    block = MCM(Fixed(attention), Fixed(mixed), nn.Identity())
    out, a = block(d, fused, fused)
    up = nn.functional.interpolate(d, (4, 4), mode="bilinear", align_corners=True)
    torch.testing.assert_close(out, mixed * attention + up)
    assert a is attention
    out, a = MCM(None, Fixed(mixed), nn.Identity())(d, fused, fused)
    torch.testing.assert_close(out, mixed + up)
    assert a is None


# Variants ----------------------------------------------------------------------------------------


def appearance_after_level_0(config: Config, flow_scale: float) -> Tensor:
    """F^a of level 1, given one frame and a flow picture of a chosen contrast."""
    model = network(config)
    frame, flow = pictures()
    with torch.inference_mode(), record(model, "appearance.1") as tape:
        model(frame, flow_scale * flow)
    return tape["appearance.1"][0]


def test_gated_levels_send_motion_into_the_appearance_encoder_and_others_do_not() -> None:
    mcg, plain = QUICK, replace(QUICK, gated=0)
    assert torch.equal(appearance_after_level_0(plain, 1.0), appearance_after_level_0(plain, 5.0))
    assert not torch.allclose(appearance_after_level_0(mcg, 1), appearance_after_level_0(mcg, 5))


@pytest.mark.parametrize("gated", range(6))
def test_levels_are_gated_from_the_finest_on(gated: int) -> None:
    kinds = [type(fusion) for fusion in build(replace(QUICK, gated=gated)).fusion]
    assert kinds == [MCG] * gated + [variants.Concatenation] * (5 - gated)


@pytest.mark.parametrize("corrected", range(6))
def test_blocks_are_corrected_from_the_last_on(corrected: int) -> None:
    with torch.inference_mode():
        output = network(replace(QUICK, corrected=corrected))(*pictures())
    sizes = [tuple(a.shape[2:]) for a in output.attention]
    assert sizes == [(3, 5), (3, 5), (6, 10), (12, 20), (24, 40)][5 - corrected :]
    assert output.logits.shape == (1, 1, 48, 80)


def test_without_gate_both_modalities_pass_unweighted() -> None:
    model = network(replace(QUICK, gate="open"))
    names = ("fusion.0.gated_appearance", "fusion.0.gated_motion", "appearance.0", "motion.0")
    with torch.inference_mode(), record(model, *names) as tape:
        model(*pictures())
    assert torch.equal(tape[names[0]][0], tape[names[2]][0])
    assert torch.equal(tape[names[1]][0], tape[names[3]][0])


def test_the_second_decoder_is_averaged_with_the_first() -> None:
    with torch.inference_mode():
        output = network(Config.paper("fbms").scaled("quick"))(*pictures())
    mean = (output.logits.sigmoid() + output.second.sigmoid()) / 2
    torch.testing.assert_close(output.probability, mean)
    assert output.second.shape == output.logits.shape
    assert not torch.allclose(output.second, output.logits)


def classes(config: Config) -> dict[str, type]:
    """Module path -> class, encoders left out."""
    with torch.device("meta"):
        model = build(config)
    return {
        path: type(module)
        for path, module in model.named_modules()
        if not path.startswith(("appearance.", "motion."))
    }


@pytest.mark.parametrize("form", [Config.paper(), Config.paper("fbms"), Config.released()])
def test_all_scales_are_built_from_the_same_classes(form: Config) -> None:
    full = classes(form)
    for profile in ("quick", "ablate", "course"):
        assert classes(form.scaled(profile)) == full


def test_the_names_that_the_docstring_lists_are_recorded() -> None:
    model = network(QUICK)
    with torch.inference_mode(), record(model) as tape:
        model(*pictures())
    of_level = ("gate.maps", "gate", "gated_appearance", "gated_motion", "channel", "spatial")
    for i in range(5):
        assert {f"fusion.{i}.{name}" for name in (*of_level, "fused")} <= set(tape)
        assert {f"reduce_fused.{i}", f"reduce_motion.{i}"} <= set(tape)
        assert {f"decoder.{i}.attend", f"decoder.{i}.narrow"} <= set(tape)
    assert {"start", "start.similarity.affinity", "head"} <= set(tape)
    assert tape["start.similarity.affinity"][0].shape == (1, 15, 15)


def test_resnets_have_a_level_of_their_own_for_the_stem() -> None:
    config = replace(QUICK, encoder="resnet18", stem="prelu")
    with torch.inference_mode():
        output = network(config)(*pictures(size=(33, 47)))
    assert [tuple(a.shape[2:]) for a in output.attention] == [
        (2, 2),
        (3, 3),
        (5, 6),
        (9, 12),
        (17, 24),
    ]
    assert output.logits.shape == (1, 1, 33, 47)


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder": "vgg"}, "encoder 'vgg'"),
        ({"gate": "half"}, "gate 'half'"),
        ({"attention": "x"}, "attention 'x'"),
        ({"similarity": "x"}, "similarity 'x'"),
        ({"correction": "x"}, "correction 'x'"),
        ({"stem": "x"}, "stem 'x'"),
        ({"gated": 6}, "`gated` is 6"),
        ({"corrected": -1}, "`corrected` is -1"),
    ],
)
def test_a_config_that_cannot_be_is_refused(changes: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build(replace(QUICK, **changes))


@pytest.mark.parametrize("choose", [Config.paper, Config.released, QUICK.scaled])
def test_an_unknown_variant_or_profile_is_refused(choose) -> None:
    with pytest.raises(InputError, match="choose one of"):
        choose("nonsense")


def test_pictures_that_do_not_fit_are_refused() -> None:
    model = network(QUICK)
    frame, flow = pictures()
    with pytest.raises(InputError, match="same shape"):
        model(frame, flow[..., :-1])
    with pytest.raises(InputError, match="32 x 32 pixels or more"):
        model(frame[..., :31], flow[..., :31])
