"""Losses that more than one paper uses. Predictions are probabilities, N 1 H W, float32."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vosedu.errors import InputError

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


def prior_corrected(probability: np.ndarray, share: float) -> np.ndarray:
    """What a network trained with `balanced_cross_entropy` predicts, without the loss's prior.

    Where q is the probability of foreground given the frame, the loss is smallest for
    p = (1 - eta) q / ((1 - eta) q + eta (1 - q)), that is logit p = logit q + log((1 - eta) / eta):
    with a tenth of foreground, p exceeds one half from q = 0.1 on. This takes the shift back.

    probability: p, of any shape. share: eta, the share of foreground pixels in the training data,
    above 0 and below 1. Returns q, float32.
    """
    if not 0 < share < 1:
        raise InputError(
            f"the share of foreground is {share:g}; give one above 0 and below 1, for example 0.1"
        )
    p = np.asarray(probability, np.float64)
    foreground = share * p
    return (foreground / (foreground + (1 - share) * (1 - p))).astype(np.float32)


def soft_iou(probability: Tensor, target: Tensor) -> Tensor:
    """1 - sum min(p, g) / sum max(p, g), one value per sample, N (DPA's release).

    A sample whose prediction and target are both all zero has loss 0.
    """
    overlap = torch.minimum(probability, target).sum(dim=(1, 2, 3))
    union = torch.maximum(probability, target).sum(dim=(1, 2, 3))
    return 1 - torch.where(union > 0, overlap / union.clamp_min(EPS), torch.ones_like(union))
