"""Attention over sequences of positions, with one or more heads, global or in a window.

A map B x C x h x w is a sequence B x n x C with n = h w, row by row.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.record import recording, tap


def to_sequence(x: Tensor) -> Tensor:
    """B x C x h x w -> B x hw x C."""
    return x.flatten(2).transpose(1, 2)


def to_map(x: Tensor, size: tuple[int, int]) -> Tensor:
    """B x hw x C -> B x C x h x w."""
    return x.transpose(1, 2).unflatten(2, size)


def split_heads(x: Tensor, heads: int, parts: int = 1) -> Tensor:
    """B x n x (parts heads d) -> B x heads x n x (parts d): each head gets its share of each part.

    Inside a part a head is a contiguous block of channels.
    """
    x = x.unflatten(2, (parts, heads, -1))  # B n (parts heads d) -> B n parts heads d
    return x.permute(0, 3, 1, 2, 4).flatten(3)  # -> B heads n (parts d)


def join_heads(x: Tensor, parts: int = 1) -> Tensor:
    """B x heads x n x (parts d) -> B x n x (parts heads d), the order before `split_heads`."""
    x = x.unflatten(3, (parts, -1))  # B heads n (parts d) -> B heads n parts d
    return x.permute(0, 2, 3, 1, 4).flatten(2)  # -> B n (parts heads d)


class GlobalAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V: every query reads all keys.

    q: B x n x Ck, k: B x m x Ck, v: B x m x Cv -> B x n x Cv. `size` is not used. `parts`: the
    values are that many vectors side by side, and each head reads a share of each. The tap
    `attention` is B x heads x n x m.
    """

    def __init__(self, heads: int = 1, parts: int = 1) -> None:
        super().__init__()
        self.heads, self.parts = heads, parts

    def forward(self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int]) -> Tensor:
        q, k = split_heads(q, self.heads), split_heads(k, self.heads)
        attention = ((q / q.shape[-1] ** 0.5) @ k.mT).softmax(-1)  # B heads n m
        x = tap("attention", attention) @ split_heads(v, self.heads, self.parts)
        return join_heads(x, self.parts)


class LocalAttention(nn.Module):
    """Attention restricted to a window x window neighbourhood of each query, with a learned bias.

    logit = q.k / sqrt(d) + r(q), where r gives one number per place of the window from the query
    (unscaled). Places outside the map take no part. Queries and keys lie on one map of `size`.
    q, k: B x n x Ck, v: B x n x Cv -> B x n x Cv; `parts` as in `GlobalAttention`.

    Computed as masked global attention: for maps of a few thousand positions one dense product is
    faster than gathering a window of keys and values for every query (`vosedu bench`). The tap
    `attention` is B x heads x n x window², row by row through the window.
    """

    def __init__(self, channels: int, heads: int = 1, window: int = 15, parts: int = 1) -> None:
        super().__init__()
        self.heads, self.window, self.parts = heads, window, parts
        self.relative = nn.Conv2d(channels, heads * window**2, 1, groups=heads)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int]) -> Tensor:
        attention = self.weights(q, k, size)  # B heads n n
        if recording():
            tap("attention", in_window(attention, size, self.window))
        return join_heads(attention @ split_heads(v, self.heads, self.parts), self.parts)

    def weights(self, q: Tensor, k: Tensor, size: tuple[int, int]) -> Tensor:
        """How much each query reads from each position: B x heads x n x n, 0 out of the window."""
        bias = to_sequence(self.relative(to_map(q, size)))  # B n (heads window²)
        bias = F.pad(split_heads(bias, self.heads), (0, 1), value=float("-inf"))
        place = window_places(*size, self.window, q.device)
        bias = bias.gather(-1, place.expand(*bias.shape[:2], -1, -1))  # B heads n n
        q, k = split_heads(q, self.heads), split_heads(k, self.heads)
        return ((q / q.shape[-1] ** 0.5) @ k.mT + bias).softmax(-1)


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept tensors serve training too
def window_places(height: int, width: int, window: int, device: torch.device) -> Tensor:
    """n x n: the place of key j in the window around query i, or window² if j is outside it."""
    y, x = _coordinates(height, width, device)
    dy, dx = (axis[None] - axis[:, None] + window // 2 for axis in (y, x))
    inside = (dy >= 0) & (dy < window) & (dx >= 0) & (dx < window)
    return torch.where(inside, dy * window + dx, window**2)


def in_window(attention: Tensor, size: tuple[int, int], window: int) -> Tensor:
    """B x heads x n x n -> B x heads x n x window²: each query's weights at the window's places.

    Places outside the map get 0.
    """
    key, inside = _window_keys(*size, window, attention.device)
    taken = attention.gather(-1, key.expand(*attention.shape[:2], -1, -1))
    return taken * inside


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept tensors serve training too
def _window_keys(
    height: int, width: int, window: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """n x window²: the position at each place of each query's window, and whether it exists."""
    y, x = _coordinates(height, width, device)
    offset = torch.arange(window, device=device) - window // 2
    rows = y[:, None, None] + offset[:, None]  # n window 1
    columns = x[:, None, None] + offset  # n 1 window
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    key = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    return key.flatten(1), inside.flatten(1)


def _coordinates(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of each of the n positions."""
    position = torch.arange(height * width, device=device)
    return position // width, position % width
