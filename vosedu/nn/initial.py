"""Initial weights that networks share where they share parts.

With one seed, two variants of a network then differ in the parts that differ and in nothing else,
whatever the order or the number of their parts.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Inside, random numbers of the CPU come from `seed`; outside, the generator is as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def initialised(model: nn.Module, seed: int, small: bool = False) -> nn.Module:
    """Draw every module's initial weights, in place, from a generator of (seed, its path).

    A module of the same path and kind gets the same weights in every network. Modules start as
    their `reset_parameters` makes them; with `small`, convolutions start from N(0, 0.01) and bias
    0. Parameters that their module's `reset_parameters` does not set stay as they are.
    """
    for path, module in model.named_modules():
        if not hasattr(module, "reset_parameters"):
            continue
        with drawn_from(zlib.crc32(f"{seed} {path}".encode())):
            module.reset_parameters()
            if small and isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return model


def separately(parts: int = 8) -> Callable[[Callable[[], nn.Module]], nn.Module]:
    """A function that makes its n-th part (of at most `parts`) from the n-th of a row of seeds.

    The seeds are drawn now from PyTorch's generator, so `torch.manual_seed` before the call
    decides all parts; for networks whose parts set their own initial weights when they are made.
    """
    seeds = iter(torch.randint(2**31, (parts,), device="cpu").tolist())

    def draw(make: Callable[[], nn.Module]) -> nn.Module:
        with drawn_from(next(seeds)):
            return make()

    return draw
