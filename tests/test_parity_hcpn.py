"""HCPN computes what the authors' network computes, one test per stored case."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import parity
import pytest
import torch
from torch import Tensor

from vosedu.nn import load_weights
from vosedu.papers.hcpn import released
from vosedu.papers.hcpn.network import HCPN, Config, build
from vosedu.record import Tape, record

CASES = {
    f"{'golden' if parity.TESTS in folder.parents else 'full'}-{name}": (folder, name)
    for folder in parity.folders("hcpn")
    for name in json.loads((folder / "manifest.json").read_text())["cases"]
}

STAGE = {"2": "0", "3": "1", "4": "2", "5": "3"}
FRAME = {"a": 0, "b": 1}

TAPS = {
    r"res(?P<L>\d)_image_(?P<s>[ab])": "encoder.image_{s}.stages.{L}",
    r"res(?P<L>\d)_flow": "encoder.flow.stages.{L}",
    r"pcm(?P<L>\d)_sa_map_image_stack(?P<n>\d)": "encoder.blocks.{L}.pcm.appearance.map",
    r"pcm(?P<L>\d)_sa_map_flow_stack(?P<n>\d)": "encoder.blocks.{L}.pcm.motion.map",
    r"pcm(?P<L>\d)_affinity_stack(?P<n>\d)": "encoder.blocks.{L}.pcm.reading.weights",
    r"pcm(?P<L>\d)_flow_coattended_(?P<f>[ab])": "encoder.blocks.{L}.coattended",
    r"pcm(?P<L>\d)_flow_softattended_(?P<f>[ab])": "encoder.blocks.{L}.softattended",
    r"ccm(?P<L>\d)_out": "encoder.blocks.{L}.ccm",
    r"gac(?P<L>\d)_out_(?P<f>[ab])": "decoder.bridges.{L}",
    r"contour_head(?P<L>\d)_(?P<f>[ab])": "decoder.heads.{L}",
    r"gc_out_(?P<f>[ab])": "decoder.deepest",
    r"refine(?P<L>\d)_out_(?P<f>[ab])": "decoder.refine.{L}",
    r"mask_logit_quarter_(?P<f>[ab])": "decoder.coarse",
}
"""A stored tensor's name, as a pattern -> our recording of it."""


@cache
def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def filled(folder: Path) -> HCPN:
    """The network with a manifest's weights; folders of the same weights share one."""
    (variant,) = manifest(folder)["variants"]
    parts = {part: variant[part]["entries"] for part in ("encoder", "decoder")}
    return _filled(json.dumps([parts, manifest(folder)["scale_rules"]]))


@cache
def _filled(weights: str) -> HCPN:
    parts, rules = json.loads(weights)
    state = {}
    for part, entries in parts.items():
        for name, shape in entries:
            value = parity.weight(name, tuple(shape))
            for rule in rules:
                if rule["module"] == part and re.search(rule["match"], name):
                    value = value * np.float32(rule["multiply"])
            state[name] = torch.from_numpy(value)
    model = build(Config.released()).eval()
    load_weights(model, state, rename=released.to_ours, unused=released.UNUSED)
    return model


def inputs(entry: dict[str, Any]) -> dict[str, Tensor]:
    """The case's inputs by role, without the "input:"."""
    made = {}
    for role, spec in entry["inputs"].items():
        shape, factor = (spec, 1.0) if isinstance(spec, list) else (spec["shape"], spec["multiply"])
        made[role.removeprefix("input:")] = parity.model_input(role, tuple(shape)) * factor
    return made


def recorded(tape: Tape, name: str) -> Tensor:
    """Our recording of a stored tensor; the n-th stack, the frame's, or the only one."""
    for pattern, tap in TAPS.items():
        if match := re.fullmatch(pattern, name):
            found = match.groupdict()
            tensors = tape[tap.format(L=STAGE.get(found.get("L", ""), ""), s=found.get("s"))]
            return tensors[int(found["n"]) - 1 if "n" in found else FRAME[found.get("f") or "a"]]
    raise AssertionError(f"the case stores {name}, which this test does not know")


def pair(model: HCPN, entry: dict[str, Any]) -> dict[str, Tensor]:
    """The whole network on a pair, and on the pair mirrored."""
    of = inputs(entry)
    pictures = of["frame_a"], of["frame_b"], of["flow"]
    with record(model, *(re.sub(r"{\w}", "*", tap) for tap in TAPS.values())) as tape:
        result = model(*pictures)
    mirrored = model(*(picture.flip(-1) for picture in pictures))
    known = {
        "mask_prob_a": result.mask_a.sigmoid(),
        "mask_prob_b": result.mask_b.sigmoid(),
        "contour_prob_a": result.contour_a.sigmoid(),
        "contour_prob_b": result.contour_b.sigmoid(),
        "contour_logit_a": result.contour_a,
        "mask_prob_fliptta_a": (result.mask_a.sigmoid() + mirrored.mask_a.sigmoid().flip(-1)) / 2,
        "mask_prob_fliptta_b": (result.mask_b.sigmoid() + mirrored.mask_b.sigmoid().flip(-1)) / 2,
    }
    return {
        name: known[name] if name in known else recorded(tape, name) for name in entry["outputs"]
    }


def modules(model: HCPN, entry: dict[str, Any]) -> dict[str, Tensor]:
    """Single modules, fed directly."""
    of = inputs(entry)
    block, decoder = model.encoder.blocks[1], model.decoder
    with record(model) as tape:
        attended = block.pcm(of["pcm3_image"], of["pcm3_flow"])
        return {
            "ccm3_out": block.ccm(of["ccm3_a"], of["ccm3_b"]),
            "gac3_out": decoder.bridges[1](of["gac3"]),
            "contour_head3_out": decoder.heads[1](of["contour3"]),
            "gc_out": decoder.deepest(of["gc"]),
            "refine2_out": decoder.refine[0](of["refine2_skip"], of["refine2_prev"]),
            "pyramid2_out": tape["decoder.refine.0.pyramid"][0],
            "ccm3_gac_a": tape["encoder.blocks.1.ccm.attention"][0],
            "pcm3_image_coattended": attended.appearance,
            "pcm3_flow_coattended": attended.motion,
            "pcm3_image_softattended": attended.soft_appearance,
            "pcm3_flow_softattended": attended.soft_motion,
            **{
                name: recorded(tape, name)
                for name in entry["outputs"]
                if "sa_map" in name or "affinity" in name
            },
        }


FUNCTIONS = {
    "full network": pair,
    "single modules of the same filled network, fed directly": modules,
}


def tolerance(folder: Path, name: str) -> float:
    rules = manifest(folder)["tolerance"]
    fitting = [limit for pattern, limit in rules["overrides"].items() if fnmatchcase(name, pattern)]
    return fitting[0] if fitting else rules["default"]


@pytest.mark.parametrize("case", CASES)
def test_case(case: str) -> None:
    folder, name = CASES[case]
    entry = manifest(folder)["cases"][name]
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        stored = {key: arrays[key] for key in arrays.files}
    assert set(stored) == set(entry["outputs"]), "the manifest and the arrays of the case differ"
    with torch.inference_mode():
        ours = FUNCTIONS[entry["kind"]](filled(folder), entry)
    deviations = {
        key: parity.deviation(
            parity.cut(ours[key].numpy(), entry["outputs"][key]["slice"]), reference
        )
        for key, reference in stored.items()
    }
    print(f"largest deviation {max(deviations.values()):.1e}")
    wrong = {key: d for key, d in deviations.items() if not d <= tolerance(folder, key)}
    assert not wrong, f"beyond the tolerance: {wrong}"


def test_some_cases_were_found() -> None:
    assert CASES


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    (variant,) = manifest(parity.folders("hcpn")[0])["variants"]
    return {part: variant[part] for part in ("encoder", "decoder")}


def test_ours_and_the_unused_are_all_parameters(entries: dict[str, dict[str, Any]]) -> None:
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    unused = sum(
        prod(shape)
        for part in entries.values()
        for name, shape in part["entries"]
        if name.startswith(released.UNUSED) and not name.endswith(buffers)
    )
    with torch.device("meta"):
        ours = sum(p.numel() for p in build(Config.released()).parameters())
    assert ours + unused == sum(part["parameters"] for part in entries.values()) == 182_587_589


def test_names_map_one_to_one(entries: dict[str, dict[str, Any]]) -> None:
    used = [
        name
        for part in entries.values()
        for name, _ in part["entries"]
        if not name.startswith(released.UNUSED)
    ]
    with torch.device("meta"):
        ours = build(Config.released()).state_dict()
    mapped = [released.to_ours.name(name) for name in used]
    assert len(set(mapped)) == len(mapped)
    assert set(mapped) == set(ours)
