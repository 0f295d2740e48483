"""Losses against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vosedu.training import losses


def pixels(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def test_binary_cross_entropy_of_a_coin_is_log_two() -> None:
    got = losses.binary_cross_entropy(pixels(0.5, 0.5), pixels(0.0, 1.0))
    assert torch.allclose(got, pixels(math.log(2), math.log(2)))


def test_balanced_cross_entropy_weights_each_class_by_the_other() -> None:
    # one foreground pixel of four: eta = 1/4; the foreground pixel counts 3/4, the others 1/4 each
    got = losses.balanced_cross_entropy(pixels(0.8, 0.1, 0.1, 0.1), pixels(1.0, 0.0, 0.0, 0.0))
    by_hand = -(0.75 * math.log(0.8) + 3 * 0.25 * math.log(0.9)) / 4
    assert got.item() == pytest.approx(by_hand)


def test_soft_iou() -> None:
    got = losses.soft_iou(pixels(0.5, 0.5, 0.0), pixels(1.0, 0.0, 0.0))
    assert got.item() == pytest.approx(1 - 0.5 / 1.5)
    assert losses.soft_iou(pixels(0.0), pixels(0.0)).item() == 0.0
    assert losses.soft_iou(pixels(0.3), pixels(0.0)).item() == pytest.approx(1.0)


def test_the_correction_undoes_what_the_balanced_loss_shifts() -> None:
    # a constant p on samples of which a tenth of the pixels is foreground: the loss is smallest
    # at one half, and the correction gives the true share back
    target = torch.zeros(1, 1, 10, 10)
    target[..., 0, :] = 1
    tried = torch.linspace(0.01, 0.99, 99)
    reached = [
        losses.balanced_cross_entropy(torch.full_like(target, p), target).item() for p in tried
    ]
    best = float(tried[int(np.argmin(reached))])
    assert best == pytest.approx(0.5, abs=0.01)
    assert losses.prior_corrected(np.array([best]), 0.1)[0] == pytest.approx(0.1, abs=0.01)
