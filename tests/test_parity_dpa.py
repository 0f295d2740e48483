"""DPA computes what the authors' network computes, one test per stored case."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import parity
import pytest
import torch
from torch import Tensor, nn

from vosedu.nn import load_weights
from vosedu.papers.dpa.network import Config, build
from vosedu.papers.dpa.released import UNUSED, to_ours
from vosedu.record import Tape, record

CASES = {
    f"{'golden' if parity.TESTS in folder.parents else 'full'}-{name}": (folder, name)
    for folder in parity.folders("dpa")
    for name in json.loads((folder / "manifest.json").read_text())["cases"]
}

NAMES = {
    "{ima}_{stream}_prototypes_raw": "{ima}.{stream}.prototypes",
    "{ima}_{stream}_prototypes_after_selfattention": "{ima}.{stream}.attention",
    "{ima}_{stream}_prototypes_after_graph": "{ima}.{stream}.graph3",
    "{ima}_{stream}_knn_layer{n}_sorted": "{ima}.{stream}.graph{n}.neighbours",
    "{ima}_{stream}_selfcorrelation": "{ima}.{stream}",
    "{ima}_{stream}_transferred": "{ima}.exchange.transferred_{stream}",
    "{ima}_{stream}_refined": "{ima}.fuse_{stream}",
    "ifa_{stream}_reference{n}_key_prototypes": "ifa_{stream}.memory.prototypes",
    "ifa_{stream}_attention_summed_over_each_reference": "ifa_{stream}.read.attention",
    "ifa_{stream}_read_prototypes": "ifa_{stream}.read.read",
    "ifa_{stream}_correlation": "ifa_{stream}.read",
    "ifa_{stream}_refined": "ifa_{stream}",
    "fused5_{stream}": "fuse5_{stream}",
    "{stream}_f{n}": "{stream}.encoder.block{n}",
    "{stream}_sq{n}": "{stream}.squeeze{n}",
    "{stream}_aspp": "{stream}.neck.aspp",
    "total_cf{n}": "merge{n}",
    "feat_45": "decoder.reduce",
    "logits_4": "decoder.head4.score",
    "logits_{n}": "decoder.refine{n}.head.score",
    "prob_from_{n}": "decoder.maps",
    "prob_final": "decoder.maps",
}
"""The authors' tensor -> the name of ours."""
RECORDED = {re.sub(r"\{.*?\}", "*", name) for name in NAMES.values()}


@cache
def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


@cache
def filled_state(folder: Path, network: str) -> dict[str, Tensor]:
    """The weights of a manifest under the authors' names."""
    rules = manifest(folder)["scale_rules"]
    state = {}
    for name, shape in manifest(folder)["networks"][network]["state_dict"]:
        value = parity.weight(name, tuple(shape))
        dimensions = ">=2-D" if value.ndim >= 2 else f"{value.ndim}-D"
        for rule in rules:
            if rule["applies_to"] == dimensions and re.search(rule["regex"], name):
                value = value * np.float32(rule["factor"])
        state[name] = torch.from_numpy(value)
    return state


@cache
def filled(folder: Path, variant: str) -> nn.Module:
    """The network of one version with a manifest's weights, made once."""
    model = build(Config.released(variant)).eval()
    network = "pretrain" if variant == "pretrain" else "video"
    state = filled_state(folder, network)
    load_weights(model, state, rename=to_ours, unused=UNUSED[variant])
    return model


def run(model: nn.Module, entry: dict[str, Any]) -> Tape:
    """One forward pass on a case's inputs, recorded."""
    inputs = {role: parity.model_input(role, tuple(shape)) for role, shape in entry["inputs"]}
    of = {re.sub(r"^input:(\w+)_[a-z]+$", r"\1", role): value for role, value in inputs.items()}
    with torch.inference_mode(), record(model, *RECORDED) as tape:
        if entry["network"] == "pretrain":
            model(of["image"])
        else:
            references = [
                model.encode_reference(of[f"ref_image_{n}"], of[f"ref_flow_{n}"])
                for n in range(entry["references"] if model.needs_references else 0)
            ]
            model(of["image"], of["flow"], references)
    return tape


def find_name(name: str) -> tuple[str, str]:
    """The name of the tensor that a stored one is compared with, and the number in its name."""
    words = {"rgb": "appearance", "flow": "motion"}
    for pattern, tap in NAMES.items():
        expression = (
            pattern.replace("{ima}", r"(?P<ima>ima\d)")
            .replace("{stream}", r"(?P<stream>rgb|flow)")
            .replace("{n}", r"(?P<n>\d+)")
        )
        if match := re.fullmatch(expression, name):
            parts = match.groupdict()
            if "stream" in parts:
                parts["stream"] = words[parts["stream"]]
            return tap.format(**parts), parts.get("n", "")
    raise AssertionError(f"the case stores {name}, which this test does not know")


def ours(tape: Tape, stored_name: str, entry: dict[str, Any]) -> np.ndarray:
    """Our tensor in the layout of a stored one."""
    name = re.sub(r"_every8th(_channel)?$", "", stored_name)
    tap, number = find_name(name)
    if tap == "decoder.maps":
        value = tape[tap][4 - int(number or 1)]
    elif name.endswith("key_prototypes"):
        value = tape[tap][2 * int(number)]  # of each reference those of the key, then of the value
    else:
        value = tape[tap][-1]
    if name.endswith("_sorted"):
        value = value.sort(dim=-1).values
    if name.endswith("_transferred"):
        value = value.flatten(2)
    if name.endswith("summed_over_each_reference"):
        value = value.unflatten(2, (entry["references"], -1)).sum(dim=3)
    if stored_name != name:
        value = value[:, ::8]
    return value.numpy()


def deviations(case: str) -> dict[str, float]:
    """The relative deviation of every stored tensor; for indices, whether any differs."""
    folder, name = CASES[case]
    entry = manifest(folder)["cases"][name]
    tape = run(filled(folder, entry["network"]), entry)
    with np.load(folder / entry["file"], allow_pickle=False) as arrays:
        stored = {tensor: arrays[tensor] for tensor in arrays.files}
    assert set(stored) == set(entry["outputs"]), "the manifest and the arrays of the case differ"
    found = {}
    for tensor, theirs in stored.items():
        value = ours(tape, tensor, entry)
        if np.issubdtype(theirs.dtype, np.integer):
            found[tensor] = 0.0 if np.array_equal(value, theirs) else np.inf
        else:
            found[tensor] = parity.deviation(value, theirs)
    return found


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, record_property) -> None:
    limit = manifest(CASES[case][0])["tolerance"]["default"]
    found = deviations(case)
    record_property("largest deviation", max(found.values()))
    wrong = {tensor: value for tensor, value in found.items() if not value <= limit}
    assert not wrong, f"beyond {limit:g}: {wrong}"


def test_some_cases_were_found() -> None:
    assert CASES


@pytest.mark.parametrize("variant", ["I", "II", "III", "IV", "pretrain"])
def test_parameter_counts_are_the_authors(variant: str) -> None:
    for folder in parity.folders("dpa"):
        network = manifest(folder)["networks"].get("pretrain" if variant == "pretrain" else "video")
        if network is None:
            continue
        state = filled_state(folder, "pretrain" if variant == "pretrain" else "video")
        report = load_weights(
            filled(folder, variant), state, rename=to_ours, unused=UNUSED[variant]
        )
        built = sum(p.numel() for p in filled(folder, variant).parameters())
        buffers = ("running_mean", "running_var", "num_batches_tracked")
        skipped = sum(state[n].numel() for n in report.unused if not n.endswith(buffers))
        assert built + skipped == network["total_parameters"]
        assert report.loaded + len(report.unused) == len(network["state_dict"])
        if variant != "pretrain":
            assert built == network["parameters_of_modules_that_run"][variant]
