"""COSNet's network: each equation against a plain computation, sizes, names, variants."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from vosedu.errors import InputError
from vosedu.nn import load_weights
from vosedu.papers.cosnet import network, released, variants
from vosedu.papers.cosnet.network import Config, build
from vosedu.record import record

QUICK = Config.paper().scaled("quick")
MANIFEST = Path(__file__).parents[2] / "golden" / "cosnet" / "manifest.json"
CHANGES = [
    {"affinity": "vanilla"},
    {"affinity": "symmetric"},
    {"affinity": "channelwise"},
    {"affinity": "none"},
    {"softmax": "double"},
    {"gate": "unbiased"},
    {"gate": "open"},
    {"head": "separate"},
    {"encoder": "resnet18"},
    {"encoder": "mobilenet"},
]


@cache
def on_paper(config: Config) -> nn.Module:
    """The network's shapes without its memory."""
    with torch.device("meta"):
        return build(config)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def seeded(config: Config = QUICK, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(config).eval()


def flat(channels: int = 5, a: int = 6, b: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(2, channels, a), torch.randn(2, channels, b)


# Equations


def test_equation_3_vanilla_affinity() -> None:
    va, vb = flat()
    layer = network.VanillaAffinity(5)
    s = layer(va, vb)
    i, j = 3, 2
    expected = vb[1, :, j] @ (layer.w(va[1, :, i]))
    torch.testing.assert_close(s[1, j, i], expected)


def test_equation_5_reduces_to_a_diagonal_w() -> None:
    va, vb = flat()
    layer = network.ChannelwiseAffinity(5)
    diagonal = torch.diag_embed((layer.weights(va) * layer.weights(vb)).squeeze(2))
    torch.testing.assert_close(layer(va, vb), vb.transpose(1, 2) @ diagonal @ va)


def test_equation_12_penalty_is_zero_for_orthogonal_w_only() -> None:
    layer = network.SymmetricAffinity(4)
    nn.init.normal_(layer.w.weight)
    assert layer.penalty() > 0
    nn.init.orthogonal_(layer.w.weight)
    assert layer.penalty() < 1e-5
    nn.init.zeros_(layer.w.weight)
    torch.testing.assert_close(layer.penalty(), torch.tensor(2.0))  # |I| of 4 x 4
    assert network.VanillaAffinity(4).penalty() == 0


@pytest.mark.parametrize("softmax", variants.SOFTMAXES.values())
def test_equation_6_columns_sum_to_one(softmax) -> None:
    s = torch.randn(2, 4, 6)  # b, a
    torch.testing.assert_close(softmax()(s).sum(1), torch.ones(2, 6))


def test_equation_6_softmaxes() -> None:
    s = torch.randn(2, 4, 6)
    torch.testing.assert_close(network.SingleSoftmax()(s)[0, :, 1], s[0, :, 1].softmax(0))
    once = torch.stack([row.softmax(0) for row in s[0]])
    torch.testing.assert_close(variants.DoubleSoftmax()(s)[0, :, 1], once[:, 1].softmax(0))


def test_double_softmax_stays_near_uniform_whatever_the_affinity() -> None:
    """Reference page, section 4: weights between 1/(1+(n-1)e) and e/(e+n-1)."""
    n, e = 50, torch.e
    weights = variants.DoubleSoftmax()(100 * torch.randn(1, n, n))
    assert weights.min() >= 1 / (1 + (n - 1) * e) - 1e-6
    assert weights.max() <= e / (e + n - 1) + 1e-6


def test_equations_7_to_9_gated_summary() -> None:
    torch.manual_seed(0)
    va, vb = torch.randn(1, 4, 2, 3), torch.randn(1, 4, 2, 2)
    module = network.CoAttention(
        network.VanillaAffinity(4), network.SingleSoftmax(), network.Gate(4, bias=True)
    )
    with record(module) as tape:
        za, zb = module(va, vb, both=True)
    attention = tape["attention"][0]
    position = 4  # row 1, column 1
    read = sum(attention[0, j, position] * vb[0].flatten(1)[:, j] for j in range(4))
    torch.testing.assert_close(tape["summary"][0][0, :, 1, 1], read)
    f = torch.sigmoid(module.gate.f.weight.flatten() @ read + module.gate.f.bias)
    torch.testing.assert_close(za[0, :, 1, 1], read * f.item())
    read = torch.stack([va[0].flatten(1) @ row.softmax(0) for row in tape["affinity"][0][0]], 1)
    torch.testing.assert_close(tape["summary"][1][0].flatten(1), read)
    torch.testing.assert_close(zb, tape["summary"][1] * tape["gate"][1])


def test_equation_13_is_the_head_on_the_mean_summary() -> None:
    model = seeded()
    torch.manual_seed(2)
    va, *refs = torch.randn(3, 1, 16, 6, 10)
    with torch.no_grad():
        zs = model.attend(va, refs)
        fused = network.summary_fusion(model, va, zs, (48, 80))
        expected = model.segment(va, (zs[0] + zs[1]) / 2, (48, 80)).sigmoid()
        torch.testing.assert_close(fused, expected)
        averaged = network.prediction_fusion(model, va, zs, (48, 80))
        each = [model.segment(va, z, (48, 80)).sigmoid() for z in zs]
        torch.testing.assert_close(averaged, (each[0] + each[1]) / 2)


# Sizes and names


def test_parameter_counts_are_the_published_networks() -> None:
    """Section 10 of the reference page."""
    model = on_paper(Config.released())
    assert count(model) == 81_242_436
    assert sum(b.numel() for b in model.buffers()) == 112_112
    assert count(model.embedding) + count(model.side) == 78_815_810
    assert count(model.embedding.aspp) == 36_315_393
    assert count(model.coattention.affinity) == 65_536
    assert count(model.coattention.gate) == 256
    alone = count(model) - count(model.head.of["b"]) - count(model.side)
    assert alone == 80_061_762


@pytest.mark.parametrize("variant", ["head", "first", "group"])
def test_released_names_map_one_to_one(variant: str) -> None:
    theirs = {name: tuple(shape) for name, shape in json.loads(MANIFEST.read_text())["state_dict"]}
    unused = {n for n in theirs if n.startswith(released.UNUSED[variant])}
    mapped = {released.to_ours.name(n): shape for n, shape in theirs.items() if n not in unused}
    assert len(mapped) == len(theirs) - len(unused)
    ours = on_paper(Config.released(variant)).state_dict()
    assert mapped == {name: tuple(value.shape) for name, value in ours.items()}
    assert bool(unused) == (variant == "group")


def test_group_network_and_its_unused_entries_make_the_published_count() -> None:
    theirs = dict(json.loads(MANIFEST.read_text())["state_dict"])
    unused = sum(
        torch.Size(shape).numel()
        for name, shape in theirs.items()
        if name.startswith(released.UNUSED["group"]) and "running" not in name
        if not name.endswith("num_batches_tracked")
    )
    assert count(on_paper(Config.released("group"))) + unused == 81_242_436


def theirs_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """A small network's weights as the authors would have saved them."""
    names = [name for name, _ in json.loads(MANIFEST.read_text())["state_dict"]]
    state, tiny = model.state_dict(), "embedding.encoder."
    saved = {
        name: state[released.to_ours.name(name)]
        for name in names
        if released.to_ours.name(name) in state and not released.to_ours.name(name).startswith(tiny)
    }
    saved |= {"encoder." + n.removeprefix(tiny): v for n, v in state.items() if n.startswith(tiny)}
    return {
        f"module.{n}": v.clone() for n, v in saved.items() if not n.endswith("num_batches_tracked")
    }


def test_a_checkpoint_in_the_authors_form_loads(tmp_path: Path) -> None:
    small = Config.released().scaled("quick")
    source, target = seeded(small, seed=1), seeded(small, seed=2)
    torch.save({"epoch": 49, "model": theirs_of(source)}, tmp_path / "co_attention.pth")
    released.load(target, tmp_path / "co_attention.pth")
    for name, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], value), name


def test_an_initialisation_in_the_authors_form_loads_the_encoder_alone(tmp_path: Path) -> None:
    small = Config.released().scaled("quick")
    source, target = seeded(small, seed=1), seeded(small, seed=2)
    head = target.head.of["a"][0].weight.clone()
    encoder = {
        n.replace("encoder.", "", 1): v for n, v in theirs_of(source).items() if ".encoder." in n
    }
    torch.save({"epoch": 12, "model": encoder}, tmp_path / "init.pth")
    released.load_encoder(target, tmp_path / "init.pth")
    assert torch.equal(target.embedding.aspp.fuse[2].weight, source.embedding.aspp.fuse[2].weight)
    assert torch.equal(target.side.weight, source.side.weight)
    assert torch.equal(target.head.of["a"][0].weight, head)


def test_the_absent_release_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    with pytest.raises(InputError, match="vosedu weights get cosnet"):
        released.load(seeded(Config.released().scaled("quick")))


@pytest.mark.parametrize("profile", ["quick", "ablate", "course"])
@pytest.mark.parametrize("form", [Config.paper(), Config.released(), Config.released("group")])
def test_all_scales_are_built_from_the_same_classes(form: Config, profile: str) -> None:
    def classes(config: Config) -> list[tuple[str, type]]:
        return [
            (name, type(module))
            for name, module in on_paper(config).named_modules()
            if not name.startswith("embedding.encoder")
        ]

    assert classes(form.scaled(profile)) == classes(form)
    assert form.scaled("full") == form


def test_the_course_network_fits_its_checkpoint_budget() -> None:
    state = on_paper(Config.paper().scaled("course")).state_dict()
    assert sum(v.numel() * v.element_size() for v in state.values()) < 2_900_000


# Variants


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: "-".join(c.values()))
def test_every_variant_predicts_and_trains(change: dict[str, str]) -> None:
    model = seeded(replace(QUICK, **change)).train()
    torch.manual_seed(3)
    a, b = torch.randn(2, 2, 3, 48, 80)
    output = model(a, b)
    assert all(part.shape == (2, 1, 48, 80) for part in output)
    loss = sum(part.square().mean() for part in output) + model.coattention.penalty()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_group_network_reads_its_first_two_references_jointly() -> None:
    model = seeded(Config.released("group").scaled("quick"))
    torch.manual_seed(4)
    a, references = torch.randn(1, 3, 48, 80), torch.randn(1, 3, 3, 48, 80)
    with torch.no_grad(), record(model, "coattention.*") as tape:
        output = model(a, references)
        other = references.clone()
        other[:, 2] += 1
        torch.testing.assert_close(model(a, other).a, output.a, rtol=0, atol=0)
        assert output.b is None
    assert tape["coattention.attention"][0].shape == (1, 2 * 60, 60)


def test_without_coattention_references_do_not_matter() -> None:
    model = seeded(replace(QUICK, affinity="none"))
    torch.manual_seed(5)
    va, *refs = torch.randn(3, 1, 16, 6, 10)
    torch.testing.assert_close(model.attend(va, refs[:1])[0], model.attend(va, [])[0])


def test_variants_share_the_initial_weights_of_what_they_share() -> None:
    base = seeded().state_dict()
    for change in CHANGES[:7]:
        other = seeded(replace(QUICK, **change)).state_dict()
        shared = [n for n in base if n in other and "affinity" not in n and "gate" not in n]
        assert len(shared) > 80
        assert all(torch.equal(base[n], other[n]) for n in shared)
    assert not torch.equal(base["side.weight"], seeded(seed=1).state_dict()["side.weight"])


def test_every_promised_name_is_recorded() -> None:
    model = seeded()
    torch.manual_seed(6)
    a, b = torch.randn(2, 1, 3, 48, 80)
    with torch.no_grad(), record(model) as tape:
        output = model(a, b)
        va, vb = model.embed(a), model.embed(b)
        network.summary_fusion(model, va, model.attend(va, [vb]), (48, 80))
    shapes = {
        **{f"embedding.encoder.stage{n}": None for n in (1, 2, 3, 4)},
        "embedding": (1, 16, 6, 10),
        **{f"coattention.{n}": (1, 60, 60) for n in ("affinity", "attention", "attention_b")},
        "coattention.summary": (1, 16, 6, 10),
        "coattention.gate": (1, 1, 6, 10),
        "fused": (1, 16, 6, 10),
        "head": (1, 1, 6, 10),
        "side": (1, 1, 6, 10),
    }
    for name, shape in shapes.items():
        assert shape in (None, tape[name][0].shape), name
    torch.testing.assert_close(network.enlarge(tape["head"][1], (48, 80)), output.b)
    torch.testing.assert_close(network.enlarge(tape["side"][0], (48, 80)), output.side_a)


@pytest.mark.parametrize("field", ["encoder", "affinity", "softmax", "gate", "head"])
def test_unknown_names_are_refused_with_the_known_ones(field: str) -> None:
    with pytest.raises(InputError, match=rf"no {field} 'other'; choose one of"):
        build(replace(QUICK, **{field: "other"}))


def test_a_checkpoint_of_another_variant_is_refused() -> None:
    state = seeded().state_dict()
    with pytest.raises(InputError, match="another network"):
        load_weights(seeded(replace(QUICK, affinity="channelwise")), state)
