"""DeAOT's and AOT's networks: variants, sizes, decoupling, the identification mechanism."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.nn import load_weights
from vosedu.papers.deaot import released
from vosedu.papers.deaot.config import VARIANTS
from vosedu.papers.deaot.network import CLOSED, Config, DeAOT, build, one_hot
from vosedu.papers.deaot.speed import gathered
from vosedu.record import record

QUICK = Config.paper("deaot-s").scaled("quick")
AOT = Config.paper("aot-s").scaled("quick")
MANIFEST = Path(__file__).parents[2] / "golden" / "deaot" / "manifest.json"
CHANGES = [
    {"block": "single"},
    {"block": "wide"},
    {"block": "lstt", "heads": 8},
    {"block": "lstt", "heads": 1},
    {"heads": 8},
    {"matching": "both"},
    {"self_matching": "visual"},
    {"projection": "mixed"},
    {"values": "silu"},
    {"identity": "normed"},
    {"kernel": 0},
    {"kernel": 3},
    {"kernel": 9},
    {"objects": 20},
]
COUNTS = {
    "aot-t": 5_734_099,
    "aot-s": 6_998_235,
    "aot-b": 8_262_371,
    "aot-l": 8_262_371,
    "r50-aot-l": 14_909_923,
    "swinb-aot-l": 65_398_683,
    "deaot-t": 7_238_188,
    "deaot-s": 10_202_765,
    "deaot-b": 13_167_342,
    "deaot-l": 13_167_342,
    "r50-deaot-l": 19_814_894,
    "swinb-deaot-l": 70_303_654,
}
MASK_TOKEN = 256  # parameters of `LSTT.mask_token`, which AOT's forward pass never reads


@cache
def on_paper(config: Config) -> DeAOT:
    """The network's shapes without its memory."""
    with torch.device("meta"):
        return build(config)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def seeded(config: Config = QUICK, seed: int = 0) -> DeAOT:
    torch.manual_seed(seed)
    return build(config).eval()


def two_frames(size: tuple[int, int] = (32, 48)) -> tuple[Tensor, Tensor, Tensor]:
    """Two frames and the ids of the first, with two objects."""
    torch.manual_seed(1)
    ids = torch.zeros(1, *size, dtype=torch.long)
    ids[:, 4:20, 4:20], ids[:, 10:30, 25:45] = 1, 2
    return torch.randn(1, 3, *size), ids, torch.randn(1, 3, *size)


@pytest.mark.parametrize("variant", VARIANTS)
def test_released_networks_have_the_released_number_of_parameters(variant: str) -> None:
    unused = MASK_TOKEN if "deaot" not in variant else 0
    assert count(on_paper(Config.released(variant))) + unused == COUNTS[variant]


@pytest.mark.parametrize(
    ("variant", "changes", "expected"),
    [
        ("deaot-s", {"heads": 8}, 10_460_635),
        ("aot-s", {"heads": 1}, 6_995_085 - MASK_TOKEN),
        ("aot-s", {"objects": 15}, 7_368_800 - MASK_TOKEN),
        ("aot-s", {"objects": 20}, 7_739_365 - MASK_TOKEN),
        ("aot-s", {"objects": 30}, 8_480_495 - MASK_TOKEN),
        ("aot-s", {"objects": 50}, 9_962_755 - MASK_TOKEN),
    ],
)
def test_ablations_that_the_released_code_can_build(
    variant: str, changes: dict, expected: int
) -> None:
    assert count(on_paper(replace(Config.released(variant), **changes))) == expected


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_every_part_trains(changes: dict) -> None:
    model = seeded(replace(QUICK, **changes)).train()
    reference, ids, frame = two_frames()
    model(reference, ids, frame, 2)[:, :3].square().mean().backward()
    still = [n for n, p in model.named_parameters() if p.grad is None]
    assert still == []


def test_without_decoupling_one_stream_of_once_or_twice_the_channels() -> None:
    for block, channels in (("single", QUICK.channels), ("wide", 2 * QUICK.channels)):
        model = seeded(replace(QUICK, block=block))
        reference, ids, _ = two_frames()
        with torch.no_grad():
            identity = model.identify(one_hot(ids, 10))
            passed = model.propagate(model.encode(reference), identity=identity)
        assert identity.shape[-1] == channels and passed.read.shape[1] == channels


@pytest.mark.parametrize(
    ("variant", "file"),
    [
        ("deaot-t", "DeAOTT_PRE_YTB_DAV.pth"),
        ("r50-aot-l", "R50_AOTL_PRE_YTB_DAV.pth"),
        ("swinb-deaot-l", "SwinB_DeAOTL_PRE_YTB_DAV.pth"),
    ],
)
def test_each_released_variant_knows_its_file(variant: str, file: str) -> None:
    assert released.file_of(Config.released(variant)) == file
    assert file in {link.name for link in released.RELEASED.weights}
    with pytest.raises(InputError, match="exists only here"):
        released.file_of(replace(Config.released(variant), window=3))


def test_kernel_0_leaves_the_convolution_out() -> None:
    names = [n for n, _ in on_paper(replace(QUICK, kernel=0)).named_parameters()]
    assert names and not any(".local." in n for n in names)


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_one_seed_gives_shared_parts_the_same_weights(changes: dict) -> None:
    first, second = seeded().state_dict(), seeded(replace(QUICK, **changes)).state_dict()
    parts = ("encoder.", "decoder.conv", "decoder.skip")
    outside = [n for n in first if n.startswith(parts)]
    assert outside
    for name in outside:
        assert torch.equal(first[name], second[name]), name


def test_the_paper_s_branches_share_maps_only_and_the_release_mixes_them() -> None:
    """Other identities in memory: the paper's first layer keeps its visual stream, long and short
    term; the release's does not."""
    for projection, kept in (("branches", True), ("mixed", False)):
        model = seeded(replace(QUICK, projection=projection, self_matching="visual", layers=1))
        reference, ids, frame = two_frames()
        streams = []
        for mask in (ids, 3 - ids.clamp(1, 2) * (ids > 0)):
            identity = model.identify(one_hot(mask, 10))
            entries = model.propagate(model.encode(reference), identity=identity).entries
            memory = model.remember(entries, identity)
            with record(model, "layers.0.*") as tape, torch.no_grad():
                model.propagate(model.encode(frame), memory, memory)
            streams.append((tape["layers.0.visual"][0], tape["layers.0.id"][0]))
        (visual, ids_a), (other, ids_b) = streams
        assert torch.allclose(visual, other) is kept
        assert not torch.allclose(ids_a, ids_b)


def test_identities_are_sums_over_the_pixels_of_a_patch() -> None:
    """ID(Y) of a patch is the bias plus the vectors of its pixels' identities at their places."""
    bank = seeded().identity
    mask = one_hot(torch.randint(0, 3, (1, 16, 24)), 10)
    out = bank(mask)[0, 4]  # the patch of row 1, column 1
    patch = mask[0, :, 8:16, 8:16]
    expected = bank.bank.bias + torch.einsum("cmyx,myx->c", bank.bank.weight, patch)
    torch.testing.assert_close(out, expected)


def test_ids_that_nobody_has_give_empty_pixels() -> None:
    mask = one_hot(torch.tensor([[[0, 1, 10, 11, 255]]]), 10)
    assert mask.sum(1).flatten().tolist() == [1, 1, 1, 0, 0]


def test_unused_identities_are_closed_per_sample() -> None:
    model = seeded()
    reference, ids, _ = two_frames()
    both = torch.cat([reference, reference])
    identity = model.identify(one_hot(torch.cat([ids, ids]), 10))
    passed = model.propagate(model.encode(both), identity=identity)
    logits = model.decode(passed, torch.tensor([2, 1]))
    assert (logits[0, 3:] == CLOSED).all() and (logits[1, 2:] == CLOSED).all()
    assert (logits[0, :3] > CLOSED).all() and (logits[1, :2] > CLOSED).all()


def test_a_reference_frame_reads_itself() -> None:
    """A reference pass equals a pass that reads the memory it leaves."""
    for config in (QUICK, AOT):
        model = seeded(replace(config, layers=1))
        reference, ids, _ = two_frames()
        with torch.no_grad():
            features, identity = model.encode(reference), model.identify(one_hot(ids, 10))
            own = model.propagate(features, identity=identity)
            memory = model.remember(own.entries, identity)
            again = model.propagate(features, memory, memory)
        torch.testing.assert_close(own.read, again.read)


def test_permuted_identities_permute_the_id_stream_s_input_only() -> None:
    """Swapping two objects swaps nothing but which identity vector each patch gets."""
    bank = seeded().identity
    _, ids, _ = two_frames()
    order = torch.tensor([0, 2, 1, *range(3, 11)])
    swapped = bank(one_hot(ids, 10)[:, order])
    bank.bank.weight.data = bank.bank.weight.data[:, order]
    torch.testing.assert_close(swapped, bank(one_hot(ids, 10)))


def test_the_short_term_window_equals_gathering_it() -> None:
    model = seeded(replace(QUICK, heads=4))
    attention, size = model.layers[0].short.attention, (6, 7)
    q, k = torch.randn(2, 42, QUICK.channels), torch.randn(2, 42, QUICK.channels)
    v = torch.randn(2, 42, 2 * QUICK.value)
    with torch.no_grad():
        torch.testing.assert_close(attention(q, k, v, size), gathered(attention, q, k, v, size))


def test_all_scales_are_built_from_the_same_classes() -> None:
    kinds = [
        {type(m) for m in on_paper(Config.paper().scaled(profile)).layers.modules()}
        for profile in ("quick", "ablate", "course", "full")
    ]
    assert kinds[0] == kinds[1] == kinds[2] == kinds[3]


def test_the_authors_names_map_one_to_one() -> None:
    """Every entry of theirs is used once; only `linear_QV` becomes two of ours."""
    variants = json.loads(MANIFEST.read_text())["variants"]
    for key, variant in (("deaott", "deaot-t"), ("aott", "aot-t")):
        state = {
            name: torch.zeros(shape)
            for name, shape in variants[key]["entries"]
            if name not in released.UNUSED
        }
        ours = released.to_ours(state)
        assert len(ours) == len(state) + sum("linear_QV" in name for name in state)
        model = build(Config.released(variant))
        load_weights(model, state, rename=released.to_ours)
        missing = dict(state)
        del missing["decoder.conv_out.bias"]
        with pytest.raises(InputError, match=r"1 missing \(decoder.out.bias"):
            load_weights(model, missing, rename=released.to_ours)


@pytest.mark.parametrize(
    ("field", "value"), [("encoder", "vgg"), ("block", "stm"), ("matching", "id")]
)
def test_unknown_parts_are_named(field: str, value: str) -> None:
    with pytest.raises(InputError, match=f"DeAOT has no {field} '{value}'"):
        build(replace(QUICK, **{field: value}))


def test_unknown_variants_and_profiles_are_named() -> None:
    with pytest.raises(InputError, match="variant 'deaot-x'"):
        Config.released("deaot-x")
    with pytest.raises(InputError, match="profile 'huge'"):
        QUICK.scaled("huge")
