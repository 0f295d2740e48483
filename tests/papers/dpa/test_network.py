"""DPA's blocks against their equations, its versions, its gradient stops, its limits."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.papers.dpa.network import (
    DPA,
    Config,
    MaskHead,
    PrototypeExchange,
    PrototypeMemory,
    PrototypeRead,
    build,
    cosine_map,
    prototypes,
)
from vosedu.papers.dpa.released import load
from vosedu.papers.dpa.training import paper_term
from vosedu.papers.dpa.variants import (
    CrossAttention,
    EdgeConv,
    FixedRead,
    PositionRead,
    ReleasedRead,
    nearest,
)
from vosedu.papers.speed import norms_of_one_pass
from vosedu.record import record

ROWS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
FORMS = {
    **{f"released-{row}": Config.released(row) for row in ("I", "II", "III", "IV")},
    **{f"paper-{row}": Config.paper(row) for row in ("IV", "IX", "X", "XI")},
    "fixed": replace(Config.released("IV"), ifa="fixed"),
}


@cache
def quick(form: str) -> DPA:
    torch.manual_seed(0)
    model = build(FORMS[form].scaled("quick"))
    norms_of_one_pass(model)
    with torch.no_grad():
        run(model, *inputs(batch=8, seed=9))
    return model.eval()


def inputs(batch: int = 1, size: tuple[int, int] = (48, 80), seed: int = 0) -> list[Tensor]:
    """Frame, flow, and frame and flow of one reference."""
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, 3, *size, generator=draw) for _ in range(4)]


def run(model: DPA, frame: Tensor, flow: Tensor, *reference: Tensor) -> tuple[Tensor, ...]:
    return model(frame, flow, [model.encode_reference(*reference)] * 2)


# Blocks against their equations


def test_prototypes_are_means_of_soft_regions() -> None:
    x = torch.randn(2, 4, 3, 5)
    p = prototypes(x)
    for c in range(4):
        region = x[1, c].flatten().softmax(0)
        expected = (region * x[1].flatten(1)).sum(1)
        torch.testing.assert_close(p[1, c], expected)


def test_regions_are_constant_for_the_gradient() -> None:
    x = torch.randn(1, 3, 2, 2, requires_grad=True)
    prototypes(x)[0, 1, 2].backward()
    expected = torch.zeros_like(x)
    expected[0, 2] = x[0, 1].detach().flatten().softmax(0).view(2, 2)
    torch.testing.assert_close(x.grad, expected)


def test_the_cosine_map_is_a_cosine_and_survives_zero_vectors() -> None:
    x, p = torch.randn(1, 4, 2, 3), torch.randn(1, 5, 4)
    psi = cosine_map(x, p)
    expected = F.cosine_similarity(x[0, :, 1, 2], p[0, 3], dim=0)
    torch.testing.assert_close(psi[0, 3, 1, 2], expected)
    x[..., 0, 0], p[:, 1] = 0, 0
    psi = cosine_map(x, p)
    assert (psi[0, :, 0, 0] == 0).all() and (psi[0, 1] == 0).all()


def test_neighbours_are_the_nearest_and_begin_with_oneself() -> None:
    p = torch.randn(2, 30, 4) + 100
    found = nearest(p)
    assert found.shape == (2, 30, 10)
    assert (found[:, :, 0] == torch.arange(30)).all()
    exact = (p.double()[:, :, None] - p.double()[:, None]).pow(2).sum(3).topk(10, largest=False)
    assert (found.sort(2).values == exact.indices.sort(2).values).all()
    assert nearest(torch.randn(1, 4, 4)).shape == (1, 4, 4)


def test_the_graph_takes_the_maximum_after_norm_and_activation() -> None:
    """With negative gains, the order is visible."""
    layer = EdgeConv(6).eval()
    nn.init.uniform_(layer.edge[1].weight, -2, -1)
    p = torch.randn(1, 12, 6)
    found = layer(p)
    i = 5
    edges = [torch.cat([p[0, j] - p[0, i], p[0, i]]) for j in nearest(p)[0, i]]
    seen = torch.stack([layer.edge(edge.view(1, -1, 1, 1)).flatten() for edge in edges])
    torch.testing.assert_close(found[0, i], seen.max(0).values)


def test_the_papers_exchange_is_one_map_between_prototypes_for_both_ways() -> None:
    exchange = PrototypeExchange(3)
    a, m = torch.randn(1, 3, 2, 2), torch.randn(1, 3, 2, 2)
    t_a, t_m = exchange(a, m)

    def embed(layer: nn.Conv2d, x: Tensor) -> Tensor:
        return layer.weight[:, :, 0, 0] @ x[0].flatten(1) + layer.bias[:, None]

    phi = embed(exchange.key_appearance, a) @ embed(exchange.key_motion, m).T
    value_m, value_a = embed(exchange.value_motion, m), embed(exchange.value_appearance, a)
    torch.testing.assert_close(t_a[0].flatten(1), phi.softmax(1) @ value_m)
    torch.testing.assert_close(t_m[0].flatten(1), phi.T.softmax(1) @ value_a)


def test_the_released_cross_attention_reads_its_own_values() -> None:
    """A constant map has one value to read, wherever the other modality points."""
    attention = CrossAttention(4).eval()
    constant, other = torch.ones(1, 4, 2, 3), torch.randn(1, 4, 2, 3)
    same = attention(constant, constant)
    torch.testing.assert_close(attention(constant, other), same)
    moved = attention(other, constant)
    assert not torch.allclose(moved, attention(other, other))


def test_the_papers_read_by_its_equations() -> None:
    read, memory = PrototypeRead(4), PrototypeMemory(8, 4)
    y, f = torch.randn(1, 4, 2, 3), torch.randn(1, 8, 2, 3)
    reference = torch.randn(1, 4, 2, 3)
    keys, values = memory(f, reference)
    torch.testing.assert_close(keys, memory.key(prototypes(reference)))
    weights = (read.query(prototypes(y)) @ keys.transpose(1, 2)).softmax(2)
    torch.testing.assert_close(read(y, keys, values), cosine_map(y, weights @ values))


def test_the_released_read_drops_the_values_and_the_fixed_one_does_not() -> None:
    y = torch.randn(1, 4, 2, 3)
    keys, values, others = torch.randn(3, 1, 8, 4)
    weights = (prototypes(y) @ keys.transpose(1, 2) / 2).softmax(2)  # sqrt(4) = 2
    torch.testing.assert_close(ReleasedRead(4)(y, keys, values), cosine_map(y, weights @ keys))
    torch.testing.assert_close(FixedRead(4)(y, keys, values), cosine_map(y, weights @ values))
    torch.testing.assert_close(ReleasedRead(4)(y, keys, values), ReleasedRead(4)(y, keys, others))


def test_without_prototypes_every_position_reads() -> None:
    read = PositionRead(4)
    y, keys, values = torch.randn(1, 4, 2, 3), torch.randn(1, 12, 4), torch.randn(1, 12, 4)
    weights = (read.query(y[0, :, 1, 2]) @ keys[0].T).softmax(0)
    torch.testing.assert_close(read(y, keys, values)[0, :, 1, 2], weights @ values[0])


# Versions


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("form", ["paper", "released"])
def test_every_row_of_table_1_predicts_and_learns(form: str, row: str) -> None:
    if form == "released" and row in ("IX", "X", "XI"):
        with pytest.raises(InputError, match="no released version"):
            Config.released(row)
        return
    torch.manual_seed(0)
    model = build(getattr(Config, form)(row).scaled("quick"))
    maps = run(model, *inputs(batch=2))
    assert [m.shape for m in maps] == [(2, 1, 48, 80)] * 4
    assert all(m.min() >= 0 and m.max() <= 1 for m in maps)
    sum(m.sum() for m in maps).backward()
    still = {name.rsplit(".", 1)[0] for name, p in model.named_parameters() if p.grad is None}
    idle = set()
    if form == "released" and model.config.ifa == "released":  # computed, then dropped
        idle |= {"ifa_appearance.memory.value", "ifa_motion.memory.value"}
    if model.config.ima == "none":
        idle |= {"appearance.squeeze4", "motion.squeeze4"}
        if model.config.ifa == "none":
            idle |= {"appearance.squeeze5", "motion.squeeze5"}
    assert still == idle


@pytest.mark.parametrize("ima", ["none", "released", "paper", "without-prototypes"])
def test_the_pretraining_network_predicts_and_shares_its_names(ima: str) -> None:
    config = replace(Config.paper(), ima=ima).scaled("quick")
    stills, video = build(config.stills()), build(config)
    maps = stills(torch.randn(2, 3, 48, 80))
    assert [m.shape for m in maps] == [(2, 1, 48, 80)] * 4
    assert set(stills.state_dict()) <= set(video.state_dict())


def test_all_scales_are_built_from_the_same_classes() -> None:
    for config in (Config.released("IV"), Config.paper("IV")):
        with torch.device("meta"):
            small, full = (
                {type(m).__name__ for m in build(config.scaled(profile)).modules()}
                for profile in ("quick", "full")
            )
        assert small == full, "encoder norms aside (BatchNorm2d is in both)"
        assert config.scaled("full") == config


def test_the_fused_kernel_computes_what_a_recorder_sees() -> None:
    for form in ("released-IV", "paper-IV", "paper-XI", "fixed"):
        model = quick(form)
        with torch.no_grad():
            fused = run(model, *inputs())
            with record(model):
                explicit = run(model, *inputs())
        torch.testing.assert_close(fused, explicit, rtol=0, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_two_is_two_batches_of_one(form: str) -> None:
    model = deepcopy(quick(form)).double()
    both = [x.double() for x in inputs(batch=2)]
    with torch.no_grad():
        together = run(model, *both)[-1]
        apart = torch.cat([run(model, *(x[i : i + 1] for x in both))[-1] for i in (0, 1)])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-9)
    assert (apart[0] - apart[1]).abs().max() > 1e-4


@pytest.mark.parametrize("form", FORMS)
def test_references_matter_where_there_is_ifa_and_their_order_does_not(form: str) -> None:
    model = quick(form)
    frame, flow, *reference = inputs()
    other = inputs(seed=1)[2:]
    with torch.no_grad():
        one, two = model.encode_reference(*reference), model.encode_reference(*other)
        a, b, swapped = (model(frame, flow, r)[-1] for r in ([one, one], [one, two], [two, one]))
    torch.testing.assert_close(b, swapped, rtol=0, atol=1e-5)
    assert torch.equal(a, b) is not model.needs_references


def test_odd_sides_of_block_5_are_rounded_down() -> None:
    model = quick("released-IV")
    with torch.no_grad(), record(model, "*.neck.aspp", "*.block5") as tape:
        maps = run(model, *inputs(size=(112, 144)))
    assert tape["appearance.encoder.block5"][-1].shape[2:] == (7, 9)
    assert tape["motion.neck.aspp"][0].shape[2:] == (3, 4)
    assert maps[-1].shape == (1, 1, 112, 144)


@pytest.mark.parametrize("form", ["released-IV", "paper-IV"])
def test_promised_names_are_recorded(form: str) -> None:
    model, modes = quick(form), ("appearance", "motion")
    with torch.no_grad(), record(model) as tape:
        maps = run(model, *inputs())
    promised = {
        *(f"{s}.encoder.block{n}" for s in modes for n in range(1, 6)),
        *(f"{s}.{name}" for s in modes for name in ("squeeze4", "squeeze5", "neck.aspp")),
        *(f"{b}.{s}{x}" for b in ("ima4", "ima5") for s in modes for x in ("", ".regions")),
        *(f"{b}.exchange.transferred_{s}" for b in ("ima4", "ima5") for s in modes),
        *(f"{b}.fuse_{s}" for b in ("ima4", "ima5") for s in modes),
        *(f"ifa_{s}.memory.{x}" for s in modes for x in ("regions", "prototypes", "key")),
        *(f"ifa_{s}.read{x}" for s in modes for x in ("", ".regions", ".attention", ".read")),
        *(f"{x}_{s}" for s in modes for x in ("ifa", "fuse5")),
        *("merge4", "merge5", "merge6", "decoder.merge56", "decoder.merge45", "decoder.reduce"),
        *("decoder.head4", "decoder.head4.score", "decoder.refine1.head.score"),
    }
    assert promised <= set(tape)
    assert all(torch.equal(a, b) for a, b in zip(tape["decoder.maps"], maps))
    torch.testing.assert_close(tape["decoder.head4"][0], tape["decoder.head4.score"][0].sigmoid())


# Half precision


@pytest.mark.parametrize("network", ["video", "stills"])
def test_under_bf16_autocast_a_sure_mistake_still_teaches(network: str) -> None:
    """In bfloat16 the sigmoid of 6.3 is exactly 1, and its loss has no gradient."""
    model = build(replace(Config.paper(), network=network, ifa="none").scaled("quick")).eval()
    heads = [module.score for module in model.modules() if isinstance(module, MaskHead)]
    for score in heads:
        nn.init.zeros_(score.weight)
        nn.init.constant_(score.bias, 6.3)
    pictures = inputs()[: 2 if network == "video" else 1]
    with torch.autocast("cpu", torch.bfloat16):
        maps = model(*pictures)
    for each in maps:
        assert each.dtype == torch.float32
        torch.testing.assert_close(each, torch.full_like(each, 6.3).sigmoid(), rtol=0, atol=1e-4)
    loss = paper_term(maps, torch.zeros(1, 1, 48, 80))
    torch.testing.assert_close(loss.item(), 6.3, rtol=0, atol=0.02)  # log(1 + e^6.3)
    loss.backward()
    assert sum(score.bias.grad.item() for score in heads) == pytest.approx(1, abs=0.01)


# Gradient stops


@pytest.mark.parametrize("form", ["released-IV", "paper-IV"])
def test_references_give_the_encoders_no_gradient(form: str) -> None:
    model = quick(form)
    reference = model.encode_reference(*inputs()[2:])
    sum(keys.sum() for keys, _ in reference).backward()
    moved = {name for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    assert not any("encoder" in name for name in moved)
    assert "ifa_appearance.memory.key.weight" in moved


# Limits


@pytest.mark.parametrize("size", [(50, 80), (48, 81), (16, 160)])
def test_sizes_that_do_not_fit_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="multiples of 16"):
        run(quick("released-IV"), *inputs(size=size))


def test_flow_of_another_size_is_refused() -> None:
    model = quick("released-I")
    with pytest.raises(InputError, match="same shape"):
        model(torch.zeros(1, 3, 48, 80), torch.zeros(1, 3, 48, 64))


def test_a_version_with_ifa_asks_for_references() -> None:
    frame, flow, *_ = inputs()
    with pytest.raises(InputError, match="encode_reference"):
        quick("released-III")(frame, flow)


def test_unknown_versions_and_profiles_are_refused() -> None:
    for call in (lambda: Config.paper("XII"), lambda: Config.paper().scaled("huge")):
        with pytest.raises(InputError, match="choose one of"):
            call()


def test_a_checkpoint_of_the_authors_training_code_loads(tmp_path) -> None:
    source, target = build(FORMS["released-I"].scaled("quick")), quick("released-I")
    path = tmp_path / "best.pth"
    theirs = {f"module.{name}": value for name, value in source.state_dict().items()}
    torch.save({"epoch": 3, "model_state_dict": theirs}, path)
    report = load(target, path)  # names that are ours already stay
    assert report.loaded == len(source.state_dict())
    with pytest.raises(InputError, match="no DPA weights"):
        load(target)
    with pytest.raises(InputError, match="only here"):
        load(quick("paper-IV"), path)
