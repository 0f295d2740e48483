"""The paper's form of HCPN, its switches and its rows."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from vosedu.errors import InputError
from vosedu.papers.hcpn.config import PAPER_ROWS
from vosedu.papers.hcpn.network import (
    GAC,
    MCR,
    Config,
    SoftAttention,
    SoftmaxReading,
    build,
    product_of_probabilities,
)
from vosedu.papers.hcpn.variants import TanhReading

QUICK = Config.paper().scaled("quick")
SWITCHES = (
    "cascades",
    "pcm",
    "affinity",
    "merged",
    "fusion",
    "bridge",
    "contours",
    "pyramid",
    "deepest",
)


def pictures(batch: int = 1, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    a, b, flow = torch.randn(3, batch, 3, *QUICK.size, generator=draw).unbind()
    return a, b, flow


def made(config: Config) -> torch.nn.Module:
    torch.manual_seed(0)
    return build(config)


@pytest.mark.parametrize("row", PAPER_ROWS)
def test_every_row_predicts_and_learns(row: str) -> None:
    model = made(Config.paper(row).scaled("quick"))
    result = model(*pictures(batch=2))
    assert result.mask_a.shape == result.mask_b.shape == (2, 1, *QUICK.size)
    terms = [term for term in result if term is not None]
    sum(term.float().pow(2).mean() for term in terms).backward()
    assert all(torch.isfinite(term).all() for term in terms)
    idle = {name for name, p in model.named_parameters() if p.grad is None}
    assert idle == set()


@pytest.mark.parametrize("field", SWITCHES)
def test_each_difference_of_the_release_is_a_switch_that_changes_the_output(field: str) -> None:
    switched = replace(QUICK, **{field: getattr(Config.released(), field)})
    assert switched != QUICK
    paper, other = made(QUICK).eval(), made(switched).eval()
    taken = {
        name: value
        for name, value in paper.state_dict().items()
        if name in other.state_dict() and other.state_dict()[name].shape == value.shape
    }
    other.load_state_dict({**other.state_dict(), **taken})
    with torch.inference_mode():
        difference = paper(*pictures()).mask_a - other(*pictures()).mask_a
    assert difference.abs().max() > 1e-6


def test_the_switches_are_all_that_the_release_changes() -> None:
    paper, release = Config.paper(), Config.released()
    differing = {
        f.name for f in fields(Config) if getattr(paper, f.name) != getattr(release, f.name)
    }
    assert differing == {*SWITCHES, "output"}


def test_a_scale_keeps_the_form() -> None:
    scaled = Config.released().scaled("course")
    assert all(getattr(scaled, f) == getattr(Config.released(), f) for f in SWITCHES)
    full = {type(m) for m in _on_meta(Config.paper()).modules()}
    small = {type(m) for m in _on_meta(Config.paper().scaled("course")).modules()}
    encoder = ("vosedu.nn.resnet", "vosedu.nn.tiny", "torch.nn")
    assert {t for t in full ^ small if not t.__module__.startswith(encoder)} == set()


def _on_meta(config: Config) -> torch.nn.Module:
    with torch.device("meta"):
        return build(config)


def test_soft_attention_damps_and_never_raises() -> None:
    """Its peak stays as it is; stacked units stay bounded whatever their weights."""
    unit = SoftAttention(4)
    torch.nn.init.normal_(unit.score.weight, std=100)
    x = torch.rand(2, 4, 5, 7) + 0.1
    share = unit(x) / x
    assert share.amax((1, 2, 3)).allclose(torch.ones(2))
    assert share.min() >= 0 and share.std() > 0
    assert share[:, :1].allclose(share[:, 1:2]), "all channels of a position alike"


def test_reading_looks_where_the_affinity_is_large() -> None:
    """Position 3 of the flow and position 1 of the frame belong together, and nothing else."""
    m, n = torch.randn(2, 1, 6, 2, 3).unbind()
    s = torch.full((1, 6, 6), -50.0)
    s[0, 3, 1] = 50
    m_hat, n_hat = SoftmaxReading()(s, m, n)
    assert m_hat.flatten(2)[..., 3].allclose(m.flatten(2)[..., 1], atol=1e-5)
    assert n_hat.flatten(2)[..., 1].allclose(n.flatten(2)[..., 3], atol=1e-5)
    assert m_hat.flatten(2)[..., 0].allclose(m.flatten(2).mean(2), atol=1e-5)
    assert n_hat.flatten(2)[..., 0].allclose(n.flatten(2).mean(2), atol=1e-5)


def test_the_release_reads_vectors_of_length_one() -> None:
    m, n = torch.randn(2, 2, 6, 2, 3).unbind()
    for read in TanhReading()(torch.randn(2, 6, 6), m, n):
        assert read.norm(dim=1).allclose(torch.ones(2, 2, 3), atol=1e-5)


@pytest.mark.parametrize("scale, equal", [(0.1, True), (3.0, False)])
def test_without_tanh_the_release_is_linear_attention(scale: float, equal: bool) -> None:
    """With small affinities the cheap order gives what the release gives; with large ones not."""
    tanh = made(Config.released().scaled("quick"))
    linear = build(replace(tanh.config, affinity="linear"))
    linear.load_state_dict(tanh.state_dict())
    draw = torch.Generator().manual_seed(0)
    image, flow = torch.rand(2, 1, 24, 4, 6, generator=draw).mul(scale * 24).unbind()
    block = 2
    with torch.no_grad():
        expected, found = (m.encoder.blocks[block].pcm(image, flow) for m in (tanh, linear))
    apart = max((a - b).abs().max() for a, b in zip(expected, found))
    assert (apart < 1e-3) == equal


def test_gac_follows_its_equation() -> None:
    bridge = GAC(3)
    for parameter in bridge.parameters():
        torch.nn.init.normal_(parameter)
    v = torch.randn(1, 3, 4, 5)
    length = v.flatten(2).norm(dim=2)[0]
    for c in range(3):
        g = bridge.w_g[0, c] * v[0, c] / (length[c] / 20**0.5)
        n_c = length[c] / length.pow(2).mean().sqrt()
        expected = g + g * torch.tanh(bridge.w_l[0, c] * n_c + bridge.b[0, c])
        assert bridge(v)[0, c].allclose(expected, atol=1e-4)


def test_the_logit_of_a_product_is_exact_also_at_the_ends() -> None:
    x, y = torch.meshgrid(torch.linspace(-8, 8, 9), torch.linspace(-8, 8, 9), indexing="ij")
    product = x.double().sigmoid() * y.double().sigmoid()
    assert product_of_probabilities(x, y).allclose(product.logit().float(), atol=1e-4)
    ends = torch.tensor([-200.0, 200.0])
    assert product_of_probabilities(ends, ends).allclose(torch.tensor([-400.0, 199.31]), atol=0.01)


def test_mcr_multiplies_mask_and_vote() -> None:
    mcr = MCR()
    mask, contours = torch.randn(1, 1, 6, 6), [torch.randn(1, 1, 6, 6) for _ in range(4)]
    result, logits = mcr(mask, contours)
    total = sum(c.sigmoid() for c in contours)
    vote = torch.sigmoid(2 + mcr.vote(total))
    assert result.sigmoid().allclose(vote * mask.sigmoid(), atol=1e-6)
    assert logits.shape == (1, 4, 6, 6)


def test_without_flow_the_flow_is_not_looked_at_and_without_frames_no_frame() -> None:
    a, b, flow = pictures()
    other_a, other_b, other_flow = pictures(seed=1)
    blind = made(replace(QUICK, inputs="frames")).eval()
    still = made(replace(QUICK, inputs="flow")).eval()
    with torch.inference_mode():
        assert torch.equal(blind(a, b, flow).mask_a, blind(a, b, other_flow).mask_a)
        assert torch.equal(still(a, b, flow).mask_a, still(other_a, other_b, flow).mask_a)
        assert not torch.equal(blind(a, b, flow).mask_a, blind(other_a, b, flow).mask_a)


def test_as_written_nothing_of_a_frame_is_seen_where_the_flow_is_uniform() -> None:
    a, b, flow = pictures()
    other, _, _ = pictures(seed=1)
    written = made(Config.paper("as written").scaled("quick")).eval()
    still = torch.zeros_like(flow)
    inside = (..., slice(24, 40), slice(40, 56))  # away from the border, which padding shows
    with torch.inference_mode():
        seen = written(a, b, flow).mask_a - written(other, b, flow).mask_a
        unseen = written(a, b, still).mask_a - written(other, b, still).mask_a
    assert unseen[inside].abs().max() < 0.1 * seen[inside].abs().max()


def test_two_streams_see_one_frame_at_a_time() -> None:
    a, b, flow = pictures()
    two, three = made(replace(QUICK, streams=2)).eval(), made(QUICK).eval()
    with torch.inference_mode():
        assert torch.equal(two(a, b, flow).mask_a, two(a, a, flow).mask_a)
        assert torch.equal(two(a, b, flow).mask_a, two(b, a, flow).mask_b)
        assert not torch.equal(three(a, b, flow).mask_a, three(a, a, flow).mask_a)


def test_a_picture_that_does_not_fit_is_said_so() -> None:
    model = made(QUICK)
    a, b, flow = pictures()
    with pytest.raises(InputError, match="64 x 90"):
        model(a[..., :90], b[..., :90], flow[..., :90])
    with pytest.raises(InputError, match="flow picture"):
        model(a, b, flow[..., :64])


@pytest.mark.parametrize("field", ["encoder", "pcm", "fusion", "contours", "streams", "cascades"])
def test_an_unknown_choice_is_said_so(field: str) -> None:
    with pytest.raises(InputError, match=field):
        build(replace(QUICK, **{field: 7}))
    with pytest.raises(InputError, match="variant"):
        Config.paper("without everything")
