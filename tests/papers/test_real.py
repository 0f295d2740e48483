"""The profile davis-small of every paper: what it starts from, what it trains, what it keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vosedu import api
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import MobileNetV2

SIZES = {"deaot": (65, 97)}
LAYER = "2.conv.0.0.weight"  # an early layer of MobileNetV2, under all names it has here


def drawn(name: str) -> list:
    """Two clips of four 64 x 96 frames with flow, or two stills; a square that moves over noise."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 4, 64, 96, 3), dtype=np.uint8)
    masks = np.zeros((2, 4, 64, 96), np.uint8)
    for t in range(4):
        masks[:, t, 20:44, 20 + 4 * t : 48 + 4 * t] = 1
    if name.startswith("pairs:"):
        return list(zip(frames[:, 0], masks[:, 0]))
    flow = list(rng.standard_normal((3, 64, 96, 2)).astype(np.float32))
    return [
        Clip(f"noise {i}", list(f), dict(enumerate(m)), flow)
        for i, (f, m) in enumerate(zip(frames, masks))
    ]


@pytest.mark.parametrize("key", api.papers())
def test_it_starts_from_imagenet_and_trains_a_step(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    paper = api.paper(key)
    config, recipe = paper.Config.paper().scaled("davis-small"), paper.recipe("davis-small")
    assert config.encoder == "mobilenet" and recipe.initial == "imagenet"
    theirs = MobileNetV2(classes=10).state_dict()
    torch.save(theirs, tmp_path / "weights.pth")
    recipe = replace(
        recipe,
        initial=f"imagenet:{tmp_path / 'weights.pth'}",
        stages=tuple(
            replace(stage, steps=1, batch_size=2, size=SIZES.get(key, (64, 96)))
            for stage in recipe.stages
        ),
    )
    model, history = paper.train(config, recipe, data=drawn)
    assert len(history) == len(recipe.stages)
    assert all(np.isfinite(row["loss"]) for row in history.rows)
    encoders = [value for name, value in model.state_dict().items() if name.endswith(f".{LAYER}")]
    assert encoders
    last = recipe.stages[-1]
    for weight in encoders:
        wanted = theirs[f"features.{LAYER}"]
        assert torch.equal(weight, wanted) == bool(last.frozen)
        torch.testing.assert_close(weight, wanted, rtol=0, atol=2e-3)
    kept = list((tmp_path / "frozen").rglob("*.npy"))
    assert bool(kept) == (getattr(last, "augmentation", "") == "mirror")


@pytest.mark.parametrize("key", api.papers())
def test_without_the_file_it_says_which_one_to_get(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    paper = api.paper(key)
    config, recipe = paper.Config.paper().scaled("davis-small"), paper.recipe("davis-small")
    with pytest.raises(InputError, match="vosedu weights get imagenet mobilenet_v2"):
        paper.train(config, recipe, data=drawn)
    with pytest.raises(InputError, match=r"there is no file absent\.pth"):
        paper.train(config, replace(recipe, initial="imagenet:absent.pth"), data=drawn)
