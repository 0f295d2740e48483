"""Losses that more than one paper uses. Predictions are probabilities, N 1 H W, float32."""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-6


def binary_cross_entropy(probability: Tensor, target: Tensor) -> Tensor:
    """Plain binary cross-entropy per pixel, shape of the input; safe at 0 and 1."""
    p = probability.float().clamp(EPS, 1 - EPS)
    return -(target * p.log() + (1 - target) * (1 - p).log())


def balanced_cross_entropy(probability: Tensor, target: Tensor) -> Tensor:
    """Class-balanced binary cross-entropy, one value per sample, N.

    -sum (1 - eta) o log y + eta (1 - o) log(1 - y), averaged over pixels, with eta the share of
    foreground pixels of each sample (COSNet, Eq. 11). A sample without foreground has eta = 0 and
    therefore loss 0; so has one without background.
    """
    p = probability.float().clamp(EPS, 1 - EPS)
    eta = target.mean(dim=(1, 2, 3), keepdim=True)
    pixels = (1 - eta) * target * p.log() + eta * (1 - target) * (1 - p).log()
    return -pixels.mean(dim=(1, 2, 3))


def soft_iou(probability: Tensor, target: Tensor) -> Tensor:
    """1 - sum min(p, g) / sum max(p, g), one value per sample, N (DPA's release).

    A sample whose prediction and target are both all zero has loss 0.
    """
    overlap = torch.minimum(probability, target).sum(dim=(1, 2, 3))
    union = torch.maximum(probability, target).sum(dim=(1, 2, 3))
    return 1 - torch.where(union > 0, overlap / union.clamp_min(EPS), torch.ones_like(union))
