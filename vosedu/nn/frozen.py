"""BatchNorm as a fixed affine map, and dropping whole residual branches."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrozenBatchNorm2d(nn.Module):
    """BatchNorm with stored statistics: (x - mean) / sqrt(var + eps) * weight + bias.

    All four vectors are buffers, so training leaves them alone and they are no parameters.
    B x C x h x w in and out.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)


def freeze_norms(module: nn.Module) -> nn.Module:
    """Replace every BatchNorm2d inside `module` by a frozen one with its values; returns it."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features, child.eps)
            values = {key: child.state_dict()[key] for key in frozen.state_dict()}
            frozen.load_state_dict(values)
            setattr(module, name, frozen)
        else:
            freeze_norms(child)
    return module


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., ECCV 2016): in training, zero whole samples of a branch.

    share: of the samples to drop; the others are divided by 1 - share. The first axis is the batch.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= self.share
        return x * kept / (1 - self.share)
