"""AMC-Net computes what the authors' network computes, one test per stored case."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import parity
import pytest
import torch
from torch import Tensor

from vosedu.nn import load_weights
from vosedu.papers.amcnet.network import AMCNet, Config, build
from vosedu.papers.amcnet.released import UNUSED, name_to_ours, to_ours
from vosedu.record import record

FOLDERS = {
    "golden" if parity.TESTS in folder.parents else "full": folder
    for folder in parity.folders("amcnet")
}
CASES = {
    f"{kind}-{name}": (folder, name)
    for kind, folder in FOLDERS.items()
    for name in json.loads((folder / "manifest.json").read_text())["cases"]
}
NAMES = {
    "logits_half": "head",
    "E0": "fusion.0.fused",
    "E2": "fusion.2.fused",
    "E4_reduced": "reduce_fused.4",
    "G4m_reduced": "reduce_motion.4",
    "affinity": "start.similarity.affinity",
    "E4_hat": "start",
    **{f"D{k}": f"decoder.{5 - k}.narrow" for k in range(1, 5)},
}
"""The authors' tensor -> the name under which ours is recorded."""


@cache
def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def filled_state(folder: Path) -> dict[str, Tensor]:
    """The weights of a manifest under the authors' names."""
    factors = manifest(folder)["scaled_entries"]
    state = {}
    for name, shape in manifest(folder)["variants"][0]["state_dict"]:
        value = parity.weight(name, tuple(shape)) * np.float32(factors.get(name, 1))
        state[name] = torch.from_numpy(np.asarray(value))
    return state


@cache
def released() -> AMCNet:
    """The released network, built once."""
    return build(Config.released()).eval()


@cache
def filled(folder: Path) -> AMCNet:
    """The released network with a manifest's weights: all folders have the same."""
    report = load_weights(released(), filled_state(folder), rename=to_ours)
    assert report.loaded == manifest(folder)["variants"][0]["state_dict_entries"]
    return released()


def tensors(model: AMCNet, frame: Tensor, flow: Tensor) -> dict[str, Tensor]:
    """The authors' names -> our tensors, of one pass."""
    with torch.inference_mode(), record(model, *NAMES.values(), "fusion.?.gate") as tape:
        output = model(frame, flow)
    return {
        **{theirs: tape[ours][0] for theirs, ours in NAMES.items()},
        **{f"att{4 - k}": a for k, a in enumerate(output.attention)},
        "gates": torch.stack([tape[f"fusion.{i}.gate"][0] for i in range(5)], dim=1),
        "prob": output.probability,
    }


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, record_property) -> None:
    folder, name = CASES[case]
    entry = manifest(folder)["cases"][name]
    frame, flow = (parity.model_input(i["role"], tuple(i["shape"])) for i in entry["inputs"])
    ours = tensors(filled(folder), frame, flow)
    with np.load(folder / entry["file"], allow_pickle=False) as arrays:
        stored = {tensor: arrays[tensor] for tensor in arrays.files}
    assert set(stored) == set(entry["outputs"]), "the manifest and the arrays of the case differ"
    deviations = {}
    for tensor, theirs in stored.items():
        rule = entry["outputs"][tensor]["slice"]
        value = ours[tensor].numpy()
        value = parity.cut(value, "all" if rule == "full" else rule)
        deviations[tensor] = parity.deviation(value, theirs)
    record_property("largest deviation", max(deviations.values()))
    limit = manifest(folder)["tolerance"]["default"]
    wrong = {tensor: value for tensor, value in deviations.items() if not value <= limit}
    assert not wrong, f"beyond {limit:g}: {wrong}"


def test_some_cases_were_found() -> None:
    assert CASES


def test_parameters_are_the_authors_one_to_one() -> None:
    folder = next(iter(FOLDERS.values()))
    theirs = manifest(folder)["variants"][0]
    assert sum(p.numel() for p in released().parameters()) == theirs["total_parameters"]
    shapes = {name_to_ours(name): tuple(shape) for name, shape in theirs["state_dict"]}
    assert len(shapes) == theirs["state_dict_entries"], "two names map to one"
    assert shapes == {name: tuple(v.shape) for name, v in released().state_dict().items()}


def test_what_the_later_file_adds_is_known_as_unused() -> None:
    first, *others = manifest(next(iter(FOLDERS.values())))["variants"]
    extra = next(v["extra_entries"] for v in others if v["name"] == "amcnet_patch")
    ours = released().state_dict()
    state = {name: ours[name_to_ours(name)] for name, _ in first["state_dict"]}
    state |= {name: torch.zeros(shape) for name, shape in extra}
    report = load_weights(released(), state, rename=to_ours, unused=UNUSED)
    assert set(report.unused) == {name for name, _ in extra}
