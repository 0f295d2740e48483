"""How sharp a softmax is, and DPA's attentions as the network computes them."""

from __future__ import annotations

import json
import math

import dpa_saturation
import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.papers.dpa.network import Config, build
from vosedu.paths import data_dir


def test_sharpness_of_known_logits() -> None:
    even = dpa_saturation.sharpness(torch.zeros(3, 8), 1.0)
    assert even["entropy"] == pytest.approx(math.log(8)) and even["strongest"] == 1 / 8
    one = dpa_saturation.sharpness(100 * torch.eye(4), 1.0)
    assert one["entropy"] == pytest.approx(0, abs=1e-9) and one["read"] == 4
    scaled = dpa_saturation.sharpness(torch.tensor([[4.0, 0.0]]), 0.5)
    expected = 1 / (1 + math.exp(-2))
    assert scaled["strongest"] == pytest.approx(expected)


def test_logits_are_those_of_the_network() -> None:
    """Their softmax is the attention that the network itself records."""
    torch.manual_seed(0)
    model = build(Config.paper().scaled("quick")).eval()
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 256, (6, 48, 80, 3), np.uint8))
    clip = Clip("noise", frames, flow=list(rng.normal(size=(5, 48, 80, 2)).astype(np.float32)))
    tape = dpa_saturation.recorded(model, clip, 2)
    found = {name: logits for name, logits, _ in dpa_saturation.attentions(tape)}
    assert len(found) == 6
    own = {
        "ima4, appearance reads motion": tape["ima4.exchange.attention_appearance"][0][0],
        "ima5, motion reads appearance": tape["ima5.exchange.attention_motion"][0][0],
        "ifa, motion": tape["ifa_motion.read.attention"][0][0],
    }
    for name, attention in own.items():
        torch.testing.assert_close(found[name].softmax(-1), attention)
    assert found["ifa, motion"].shape == (16, 4 * 16)
    for _, line in dpa_saturation.maps(tape):
        assert -1 <= line["cosine"] <= 1 and 0 < line["evenness"] <= 1.0001


def test_the_committed_measurement_has_every_network_attention_and_scale() -> None:
    told = json.loads((data_dir("results") / "dpa" / "saturation.json").read_text())
    kinds = {line["network"] for line in told["attentions"]}
    assert len(kinds) == 4 and len(told["attentions"]) == 4 * 6 * 3
    for line in told["attentions"]:
        assert 0 <= line["entropy"] <= line["most"] + 1e-3
        assert 1 / line["tokens"] - 1e-3 <= line["strongest"] <= 1
    assert {(line["network"], line["map"]) for line in told["maps"]} == {
        (kind, f"{block}, {stream}")
        for kind in kinds
        for block in ("ima4", "ima5")
        for stream in dpa_saturation.STREAMS
    }
