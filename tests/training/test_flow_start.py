"""The start for pictures of flow: its samples, and what is committed of it."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest
import torch

from vosedu import flow, toyvos
from vosedu.nn import TinyEncoder, imagenet_rgb
from vosedu.nn.weights import read_state
from vosedu.training import digest, fit, flow_start
from vosedu.training.flow_encoder import flow_encoder
from vosedu.training.flow_start import load_flow_start


def test_samples_mark_every_thing_in_the_picture_of_its_flow() -> None:
    clip = toyvos.split("val", "turns")[0]
    pictures = flow_start.Pictures([clip])
    step = flow_start.recipe().stages[0].step(0)
    turned = set()
    for seed in range(12):
        sample = pictures(np.random.default_rng(seed), step)
        assert sample["flow"].shape == (3, 96, 160) and sample["things"].shape == (1, 48, 80)
        assert sample["flow"].min() >= 0 and sample["flow"].max() <= 1
        rng = np.random.default_rng(seed)
        rng.integers(1)
        t, mirror = int(rng.integers(len(clip) - 1)), rng.random() < 0.5
        turn = slice(None, None, -1 if mirror else 1)
        turned.add(mirror)
        things = (clip.instances[t] > 0)[:, turn][::2, ::2]
        picture = flow.to_colour(flow.of(clip)[t])[:, turn].transpose(2, 0, 1)
        assert np.array_equal(sample["things"][0].numpy(), things)
        assert np.allclose(255 * sample["flow"].numpy(), picture, atol=1e-3)
    assert turned == {True, False}


def test_the_loss_falls_and_the_measure_counts_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    clip = toyvos.split("val", "turns")[0]
    short = flow_start.recipe(12).change(batch_size=2)
    model, history = fit(
        flow_start.MovingThings(flow_start.Config()),
        short,
        lambda stage: (flow_start.Pictures([clip]), flow_start.things_loss),
    )
    assert history.column("loss")[-3:].mean() < history.column("loss")[:3].mean()
    monkeypatch.setattr(flow_start, "open_data", lambda name: [clip])
    share = np.mean([(clip.instances[t][::2, ::2] > 0).mean() for t in range(0, 15, 4)])
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.fill_(1.0)  # "a thing" everywhere
    assert flow_start.measure(model, "turns") == pytest.approx(share, abs=1e-3)


def test_the_committed_start_is_what_its_command_makes() -> None:
    about = json.loads(flow_start.checkpoint().with_suffix(".json").read_text())
    words = shlex.split(about["command"])
    assert words[:3] == ["python", "-m", "vosedu.training.flow_start"]
    steps, seed = int(words[words.index("--steps") + 1]), int(words[words.index("--seed") + 1])
    assert about["command"] == flow_start.command(steps, seed)
    config, plan = flow_start.Config(), flow_start.recipe(steps)
    assert about["hashes"] == {"config": digest(config), "recipe": digest(plan)}
    assert about["data"] == toyvos.VERSION and about["seed"] == seed == 0
    rows = flow_start.checkpoint().with_suffix(".csv").read_text().splitlines()
    assert len(rows) == about["steps"] + 1 == steps + 1


def test_the_start_fills_an_encoder_of_its_shape() -> None:
    encoder = TinyEncoder(output_stride=8)
    flow_start.load_flow_start(encoder)
    stored = read_state(flow_start.checkpoint())
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, stored[f"encoder.{name}"].to(value.dtype)), name


def test_the_encoder_for_normalised_pictures_computes_the_same_inside() -> None:
    """Up to the border of the first map, where the padding is the mean colour and not black."""
    plain = TinyEncoder()
    load_flow_start(plain)
    pictures = 255 * torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    expected = plain.eval().stage1(pictures / 255)
    found = flow_encoder().eval().stage1(imagenet_rgb(pictures))
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    assert not torch.allclose(found[..., 0, :], expected[..., 0, :])
