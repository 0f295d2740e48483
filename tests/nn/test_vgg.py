"""VGG-16: torchvision's names, five maps, any width."""

from __future__ import annotations

import pytest
import torch

from vosedu.nn import VGG16


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "norm"])
def test_layers_are_numbered_as_in_torchvision(norm: bool) -> None:
    with torch.device("meta"):
        state = VGG16(norm=norm).state_dict()
    convolutions = [int(name.split(".")[1]) for name, value in state.items() if value.ndim == 4]
    plain = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    with_norm = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40]
    assert convolutions == (with_norm if norm else plain)
    assert all(name.startswith("features.") for name in state)


def test_five_maps_after_relu_and_before_the_pool() -> None:
    encoder = VGG16(width=1 / 16).eval()
    maps = encoder(torch.randn(1, 3, 32, 48))
    assert [m.shape[1] for m in maps] == list(encoder.channels) == [4, 8, 16, 32, 32]
    assert [32 // m.shape[2] for m in maps] == list(encoder.strides) == [1, 2, 4, 8, 16]
    assert all((m >= 0).all() for m in maps)
    first = encoder(torch.ones(1, 3, 32, 48), last=2)
    assert [m.shape for m in first] == [maps[0].shape, maps[1].shape]
    for last, again in zip(maps[3:], encoder(maps[2], first=4)):
        torch.testing.assert_close(again, last)
