"""Attention between two sets of tokens."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vosedu.record import recording, tap


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """softmax(scale Q K^T) V: B x M x D, B x N x D, B x N x E -> B x M x E.

    Keys and values of batch 1 serve all queries. A fused kernel never forms the M x N matrix;
    under a recorder it is formed, under the name `attention`.
    """
    key, value = (x.expand(len(query), -1, -1) for x in (key, value))
    if not recording():
        return F.scaled_dot_product_attention(query, key, value, scale=scale)
    weights = (query @ key.transpose(1, 2) * scale).softmax(dim=2)
    return tap("attention", weights) @ value
