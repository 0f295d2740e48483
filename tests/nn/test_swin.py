"""Swin's maps, windows and shifts; BatchNorm frozen; whole branches dropped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vosedu.nn import MobileNetV2
from vosedu.nn.frozen import DropPath, FrozenBatchNorm2d, freeze_norms
from vosedu.nn.swin import ShiftedWindowAttention, Swin


def small(**options) -> Swin:
    torch.manual_seed(0)
    return Swin(16, (2, 2), (2, 4), window=3, total=4, **options).eval()


def test_swin_b_has_the_maps_and_parameters_of_its_first_three_stages() -> None:
    with torch.device("meta"):
        encoder = Swin()
    assert (encoder.channels, encoder.strides) == ((128, 256, 512), (4, 8, 16))
    assert sum(p.numel() for p in encoder.parameters()) == 59_438_456


@pytest.mark.parametrize("size", [(32, 48), (30, 45)])
def test_maps_round_up_to_whole_patches(size: tuple[int, int]) -> None:
    with torch.no_grad():
        maps = small()(torch.rand(1, 3, *size))
    assert [m.shape[1:] for m in maps] == [(16, 8, 12), (32, 4, 6)]


def test_without_a_shift_windows_do_not_see_each_other_and_with_one_they_do() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 6, 6, 8)
    y = x.clone()
    y[:, 3:] += 1  # the lower windows change
    for shift, changes in ((0, False), (1, True)):
        attention = ShiftedWindowAttention(8, 2, 3, shift).eval()
        with torch.no_grad():
            same = torch.allclose(attention(x)[:, 2], attention(y)[:, 2])
        assert same is not changes


def test_what_the_roll_brings_together_stays_apart() -> None:
    """With a shift the top row shares a window with the bottom row, and must not read it."""
    torch.manual_seed(0)
    attention = ShiftedWindowAttention(8, 2, 3, 1).eval()
    x = torch.rand(1, 6, 6, 8)
    y = x.clone()
    y[:, 5] += 1
    with torch.no_grad():
        torch.testing.assert_close(attention(x)[:, 0], attention(y)[:, 0], rtol=0, atol=1e-6)


def test_frozen_norms_compute_what_batchnorm_does_in_evaluation() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    norm.weight.data.uniform_()
    norm(torch.randn(8, 4, 3, 3))
    frozen = freeze_norms(nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sequential(norm)))[1][0]
    assert isinstance(frozen, FrozenBatchNorm2d)
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(frozen.train()(x), norm.eval()(x))
    assert not list(frozen.parameters())


def test_a_frozen_encoder_has_no_norm_to_train() -> None:
    encoder = freeze_norms(MobileNetV2(output_stride=16, taken=(3, 6, 13, 18)))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in encoder.modules())
    assert (encoder.channels, encoder.strides) == ((24, 32, 96, 1280), (4, 8, 16, 16))
    with torch.no_grad():
        maps = encoder(torch.rand(1, 3, 65, 97))
    assert [m.shape[-2:] for m in maps] == [(17, 25), (9, 13), (5, 7), (5, 7)]


def test_dropped_paths_are_whole_samples_and_keep_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(4000, 3)
    drop = DropPath(0.25)
    y = drop.train()(x)
    torch.testing.assert_close(y.unique(), torch.tensor([0, 1 / 0.75]))
    assert (y.min(1).values == y.max(1).values).all()
    assert y.mean().item() == pytest.approx(1, abs=0.03)
    assert torch.equal(drop.eval()(x), x)
