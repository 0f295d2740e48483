"""What the parity tests of all networks share: where cases lie, how weights and inputs are made.

Every weight and input is a function of its name and shape alone, so a case stores only names,
shapes and the outputs of the authors' network. Cases come from tests/golden/NAME and from the
folder that VOSEDU_PARITY_DIR names (else ../shared/parity, where that exists).
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

TESTS = Path(__file__).resolve().parent
DEVELOPMENT = Path(os.environ.get("VOSEDU_PARITY_DIR", TESTS.parent.parent / "shared" / "parity"))


def folders(name: str) -> list[Path]:
    """The folders with cases of one network: the committed one, then the larger set."""
    return [f for f in (TESTS / "golden" / name, DEVELOPMENT / name) if f.is_dir()]


@dataclass(frozen=True)
class Case:
    """One case of a manifest: its folder, its entry and the manifest it stands in."""

    folder: Path
    entry: Mapping[str, Any]
    manifest: Mapping[str, Any]

    def stored(self) -> dict[str, np.ndarray]:
        """The stored arrays, by tensor name."""
        with np.load(self.folder / f"{self.entry['case']}.npz", allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def cases(name: str) -> dict[str, Case]:
    """Case name -> case; where both folders hold a case the larger set's stands for both."""
    found = {}
    for folder in folders(name):
        manifest = json.loads((folder / "manifest.json").read_text())
        found |= {entry["case"]: Case(folder, entry, manifest) for entry in manifest["cases"]}
    return found


def _generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one state-dict entry: float32, int64 zeros for BatchNorm's counter."""
    draw = _generator(name)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        value = draw.random(shape) + 0.5
    elif name.endswith("running_mean"):
        value = draw.standard_normal(shape) * 0.1
    elif len(shape) >= 2:
        value = draw.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:], dtype=int))
    elif name.endswith("weight"):
        value = draw.random(shape) * 0.2 + 0.2
    else:
        value = draw.standard_normal(shape) * 0.1
    return np.asarray(value, np.float32)


def fill(
    entries: list[tuple[str, list[int]]], scale: list[tuple[str, float]] = ()
) -> dict[str, torch.Tensor]:
    """A state dict under the authors' names; `scale` multiplies entries ending in its suffixes."""
    state = {}
    for name, shape in entries:
        value = weight(name, tuple(shape))
        for suffix, factor in scale:
            if name.endswith(suffix):
                value = value * np.float32(factor)
        state[name] = torch.from_numpy(value)
    return state


def model_input(role: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A smooth input of about unit variance; height and width are multiples of 8."""
    draw = _generator(role)
    *lead, height, width = shape
    coarse = draw.standard_normal((*lead, height // 8, width // 8))
    smooth = np.kron(coarse, np.ones((8, 8)))
    noise = draw.standard_normal(tuple(shape))
    return torch.from_numpy((smooth + 0.25 * noise).astype(np.float32))


def cut(array: np.ndarray, rule: str) -> np.ndarray:
    """`array` indexed by a manifest's slice, such as "[:, ::16]", "[...]" or "all"."""
    if rule in ("all", "[...]"):
        return array
    parts = [part.strip() for part in rule.strip("[]").split(",")]

    def number(text: str) -> int | None:
        return int(text) if text else None

    return array[tuple(slice(*map(number, part.split(":"))) for part in parts)]


def deviation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """max|ours - theirs| / max|theirs|; infinite where the shapes differ or ours is not finite."""
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def compare(case: Case, heard: Mapping[str, torch.Tensor], limit: float) -> dict[str, float]:
    """The deviation of every stored tensor; fails if one is missing or beyond `limit`."""
    stored = case.stored()
    rules = case.entry["outputs"]
    assert set(stored) == set(rules), "the manifest and the arrays of the case differ"
    absent = sorted(set(stored) - set(heard))
    assert not absent, f"the network offers no {', '.join(absent)}"
    deviations = {
        name: deviation(cut(heard[name].detach().cpu().numpy(), rules[name]["slice"]), reference)
        for name, reference in stored.items()
    }
    wrong = {name: value for name, value in deviations.items() if not value <= limit}
    assert not wrong, f"beyond {limit:g}: {wrong}"
    return deviations
