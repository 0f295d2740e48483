"""Swin Transformer as an encoder of stride 16 (Liu et al., ICCV 2021), by its release's names."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.nn.frozen import DropPath


class ShiftedWindowAttention(nn.Module):
    """Self-attention inside windows of `window` x `window` positions, with a relative bias.

    The map is zero-padded to whole windows and, if `shift` is not 0, rolled by that many positions
    towards the top left; positions that the roll brings together do not see each other. Padded
    positions take part, as released. B x H x W x C in and out.
    """

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.scale = (channels // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", _relative_index(window))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        x = x.roll((-self.shift, -self.shift), (1, 2))
        padded = x.shape[1:3]
        x = self.attend(_windows(x, self.window), padded)
        x = _joined(x, self.window, padded).roll((self.shift, self.shift), (1, 2))
        return x[:, :height, :width].contiguous()

    def attend(self, x: Tensor, padded: tuple[int, int]) -> Tensor:
        """Windows of a padded map, B x windows x positions x C -> the same shape."""
        b, count, n, c = x.shape
        qkv = self.qkv(x).view(b, count, n, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)  # 3 B windows heads n d
        bias = self.relative_position_bias_table[self.relative_position_index]  # n n heads
        logits = (q * self.scale) @ k.mT + bias.permute(2, 0, 1)
        if self.shift:
            mask = _rolled_apart(*padded, self.window, self.shift).to(x)  # windows n n
            logits = logits + mask.unsqueeze(1)
        x = logits.softmax(-1) @ v
        return self.proj(x.transpose(2, 3).flatten(3))  # B windows heads n d -> B windows n C


class SwinBlock(nn.Module):
    """Window attention, then two fully connected layers, each after a norm, each a residual."""

    def __init__(
        self, channels: int, heads: int, window: int, shift: int, ratio: float, drop: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = ShiftedWindowAttention(channels, heads, window, shift)
        self.drop_path = DropPath(drop)
        self.norm2 = nn.LayerNorm(channels)
        hidden = int(channels * ratio)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(channels, hidden), "fc2": nn.Linear(hidden, channels)}
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x)))))


class PatchMerging(nn.Module):
    """Each 2 x 2 positions become one of twice the channels: B x H x W x C -> B x H/2 x W/2 x 2C.

    An odd side is padded with zeros.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class SwinStage(nn.Module):
    """Blocks without and with shifted windows in turn, then a downsampling if there is one."""

    def __init__(self, blocks: list[SwinBlock], downsample: PatchMerging | None) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.downsample = downsample


class PatchEmbedding(nn.Module):
    """Patches of 4 x 4 pixels -> vectors: B x 3 x H x W -> B x H/4 x W/4 x C."""

    def __init__(self, channels: int, patch: int = 4) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv2d(3, channels, patch, patch)
        self.norm = nn.LayerNorm(channels)

    def forward(self, frames: Tensor) -> Tensor:
        height, width = frames.shape[2:]
        frames = F.pad(frames, (0, -width % self.patch, 0, -height % self.patch))
        return self.norm(self.proj(frames).permute(0, 2, 3, 1))  # B C h w -> B h w C


class Swin(nn.Module):
    """The first stages of a Swin Transformer; the defaults are Swin-B without its fourth stage.

    Returns one map per stage, strides 4, 8, 16, each through a norm of its own. `drop` is the
    share of dropped branches in the last of `total` blocks; it grows linearly from 0.
    """

    def __init__(
        self,
        embed: int = 128,
        depths: tuple[int, ...] = (2, 2, 18),
        heads: tuple[int, ...] = (4, 8, 16),
        window: int = 7,
        ratio: float = 4.0,
        drop: float = 0.3,
        total: int = 24,
    ) -> None:
        super().__init__()
        self.channels = tuple(embed << stage for stage in range(len(depths)))
        self.strides = tuple(4 << stage for stage in range(len(depths)))
        self.patch_embed = PatchEmbedding(embed)
        shares = iter(drop * block / (total - 1) for block in range(total))
        self.layers = nn.ModuleList()
        for stage, (depth, number) in enumerate(zip(depths, heads)):
            width = self.channels[stage]
            shifts = [window // 2 if block % 2 else 0 for block in range(depth)]
            blocks = [SwinBlock(width, number, window, s, ratio, next(shares)) for s in shifts]
            last = stage == len(depths) - 1
            self.layers.append(SwinStage(blocks, None if last else PatchMerging(width)))
            self.add_module(f"norm{stage}", nn.LayerNorm(width))

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        x, maps = self.patch_embed(frames), []
        for number, stage in enumerate(self.layers):
            x = stage.blocks(x)
            normed = getattr(self, f"norm{number}")(x)
            maps.append(normed.permute(0, 3, 1, 2).contiguous())  # B h w C -> B C h w
            if stage.downsample is not None:
                x = stage.downsample(x)
        return tuple(maps)


def _windows(x: Tensor, window: int) -> Tensor:
    """B x H x W x C -> B x windows x positions x C; H and W are multiples of the window."""
    b, h, w, c = x.shape
    x = x.view(b, h // window, window, w // window, window, c).transpose(2, 3)
    return x.reshape(b, -1, window * window, c)


def _joined(x: Tensor, window: int, size: tuple[int, int]) -> Tensor:
    """What `_windows` does, undone."""
    h, w = size
    x = x.view(len(x), h // window, w // window, window, window, -1).transpose(2, 3)
    return x.reshape(len(x), h, w, -1)


def _relative_index(window: int) -> Tensor:
    """positions x positions: which entry of the bias table serves (query, key)."""
    y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    dy, dx = (axis.flatten()[:, None] - axis.flatten()[None] + window - 1 for axis in (y, x))
    return dy * (2 * window - 1) + dx


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # kept tensors serve training too
def _rolled_apart(height: int, width: int, window: int, shift: int) -> Tensor:
    """windows x positions x positions: -100 between positions that only the roll made neighbours.

    height, width: of the padded map.
    """
    region = torch.zeros(1, height, width, 1)
    cuts = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
    for number, (rows, columns) in enumerate((r, c) for r in cuts for c in cuts):
        region[:, rows, columns] = number
    parts = _windows(region, window)[0, :, :, 0]  # windows positions
    return (parts.unsqueeze(1) != parts.unsqueeze(2)).float() * -100.0
