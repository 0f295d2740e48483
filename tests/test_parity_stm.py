"""STM computes what the authors' network computes, one test per stored case."""

from __future__ import annotations

import json
import re
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
from vosedu.papers.hcpn.instances.merging import Proposal, merge, paint
from vosedu.papers.stm import released
from vosedu.papers.stm.network import STM, Config, build
from vosedu.record import Tape, record

CASES = {
    f"{'golden' if parity.TESTS in folder.parents else 'full'}-{name}": (folder, name)
    for folder in parity.folders("stm")
    for name in json.loads((folder / "manifest.json").read_text())["cases"]
}

TAPS = {
    "memory_r4": "memory_encoder.stages.2",
    "memory_key": "memory_kv.key",
    "memory_value": "memory_kv.value",
    "query_r4": "query_encoder.stages.2",
    "query_key": "query_kv.key",
    "query_value": "query_kv.value",
    "read_weights": "read.weights",
    "memory_read": "read",
    "object_logits": "decoder",
}
"""A stored tensor's name without its frame -> our recording of it."""


@cache
def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def filled(folder: Path) -> STM:
    """The network with a manifest's weights; folders of the same weights share one."""
    found = manifest(folder)
    (variant,) = found["variants"]
    return _filled(
        json.dumps([variant["entries"], found["scale_rules"], found["constant_entries"]])
    )


@cache
def _filled(weights: str) -> STM:
    entries, rules, constants = json.loads(weights)
    state = {}
    for name, shape in entries:
        value = parity.weight(name, tuple(shape))
        for rule in rules:
            if re.search(rule["match"], name):
                value = value * np.float32(rule["multiply"])
        if name in constants:
            value = np.array(constants[name], np.float32).reshape(shape)
        state[name] = torch.from_numpy(value)
    model = build(Config.released()).eval()
    load_weights(model, state, rename=released.to_ours)
    return model


def frames(entry: dict[str, Any]) -> list[Tensor]:
    """The case's frames, RGB in [0, 1], 1 x 3 x H x W."""
    made = [0.5 + 0.2 * parity.model_input(r, tuple(s)) for r, s in entry["inputs"].items()]
    return [torch.from_numpy(parity.cut(f.numpy(), entry.get("crop", "all"))) for f in made]


def one_hot(ids: np.ndarray, planes: int) -> Tensor:
    return torch.from_numpy(np.stack([ids == n for n in range(planes)])).float()


def follow(model: STM, entry: dict[str, Any], given: np.ndarray) -> dict[str, Tensor]:
    """The clip loop of the release, with every tensor of every frame."""
    objects, pictures = entry["objects"], frames(entry)
    planes, memory = one_hot(given, objects + 1), []
    ours: dict[str, Tensor] = {}
    labels = [torch.from_numpy(given)]
    for t in range(1, len(pictures)):
        with record(model, *TAPS.values()) as tape:
            last = model.memorise(pictures[t - 1], planes[1:])
            logits = model.segment(pictures[t], [*memory, last])
        planes = logits.softmax(0)
        ours |= {f"{name}_frame{t}": tensor for name, tensor in recorded(tape, "query").items()}
        ours |= {
            f"{name}_frame{t - 1}": tensor for name, tensor in recorded(tape, "memory").items()
        }
        ours[f"logit_frame{t}"], ours[f"prob_frame{t}"] = logits[None], planes[None]
        ours[f"memory_frames_used_frame{t}"] = torch.tensor([len(memory) + 1])
        labels.append(planes.argmax(0))
        planes = planes[: objects + 1]
        if (t - 1) % entry["memorise_every"] == 0:
            memory.append(last)
    return {**ours, "label_frames": torch.stack(labels)}


def recorded(tape: Tape, when: str) -> dict[str, Tensor]:
    """The recordings of the memorised frame ("memory"), or of the segmented one."""
    memorised = ("memory_r4", "memory_key", "memory_value")
    return {
        name: tape[tap][0]
        for name, tap in TAPS.items()
        if (name in memorised) == (when == "memory")
    }


@pytest.mark.parametrize("case", CASES)
def test_case(case: str) -> None:
    folder, name = CASES[case]
    entry, limits = manifest(folder)["cases"][name], manifest(folder)["tolerance"]
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        stored = {key: arrays[key] for key in arrays.files}
    given = stored.pop("label_frame0")
    assert set(stored) == set(entry["outputs"]), "the manifest and the arrays of the case differ"
    with torch.inference_mode():
        ours = follow(filled(folder), entry, given)
    cut = {k: parity.cut(ours[k].numpy(), entry["outputs"][k]["slice"]) for k in stored}
    labels = stored.pop("label_frames")
    assert (cut["label_frames"] != labels).mean() <= limits["label_pixels"]
    deviations = {key: parity.deviation(cut[key], reference) for key, reference in stored.items()}
    print(f"largest deviation {max(deviations.values()):.1e}")
    wrong = {key: d for key, d in deviations.items() if not d <= limits["default"]}
    assert not wrong, f"beyond the tolerance: {wrong}"


def test_some_cases_were_found() -> None:
    assert CASES


def test_names_map_one_to_one_and_no_parameter_is_unused() -> None:
    (variant,) = manifest(parity.folders("stm")[0])["variants"]
    with torch.device("meta"):
        model = build(Config.released())
    mapped = [released.to_ours.name(name) for name, _ in variant["entries"]]
    assert len(set(mapped)) == len(mapped)
    assert set(mapped) == set(model.state_dict())
    parameters = sum(prod(p.shape) for p in model.parameters())
    assert parameters == variant["total_parameters"] == 38_925_570


# The merging of proposals ------------------------------------------------------------------------

MERGING = {
    f"{'golden' if parity.TESTS in folder.parents else 'full'}-{name}": (path, name)
    for folder in parity.folders("stm")
    if (path := folder / "unovost_merging.json").is_file()
    for name in json.loads(path.read_text())["cases"]
}


def box(corner_and_size: list[int], shape: tuple[int, int]) -> np.ndarray:
    """A box of [y, x, height, width]; what lies outside the picture is cut."""
    y, x, height, width = corner_and_size
    mask = np.zeros(shape, bool)
    mask[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = True
    return mask


@pytest.mark.parametrize("case", MERGING)
def test_merging_equals_the_released_code_exactly(case: str) -> None:
    path, name = MERGING[case]
    rules = json.loads(path.read_text())
    given, expected = rules["cases"][name], rules["cases"][name]["expected"]
    shape = tuple(given["image_size"])
    frames = [
        [
            Proposal(
                box(p["box"], shape), p["score"], np.array(p["reid"]), box(p["forward_box"], shape)
            )
            for p in proposals
        ]
        for proposals in given["frames"]
    ]
    merged = merge(
        frames, rules["overlap_threshold"], rules["link_threshold"], rules["max_trajectories"]
    )
    trajectories = merged.trajectories()
    areas = [
        [int((labels == n + 1).sum()) for n in range(len(trajectories))]
        for labels in paint(frames, merged)
    ]
    assert merged.kept == expected["kept_ids"]
    assert [list(t.ids) for t in merged.tracklets] == expected["tracklets"]
    assert merged.links == expected["backward_links"]
    assert [list(ids) for ids in trajectories] == expected["trajectories"]
    assert [min(chain) for chain in merged.chains] == expected["trajectory_first_tracklet"]
    assert areas == expected["label_area_per_frame"]
