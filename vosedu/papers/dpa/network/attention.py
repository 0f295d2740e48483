"""Attention between two sets of tokens."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.record import recording, tap


def attention(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """softmax(scale Q K^T) V: B x M x D, B x N x D, B x N x E -> B x M x E.

    A fused kernel that never forms the M x N matrix, unless somebody records it.
    """
    key, value = (x.expand(len(query), -1, -1) for x in (key, value))  # one memory, many queries
    if not recording():
        return F.scaled_dot_product_attention(query, key, value, scale=scale)
    weights = (query @ key.transpose(1, 2) * scale).softmax(dim=2)
    return tap("attention", weights) @ value


class NonLocal(nn.Module):
    """The parts of a non-local block (Wang et al., CVPR 2018) with half-width embeddings."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(hidden)
        self.theta = nn.Linear(hidden, hidden // 2)
        self.phi = nn.Linear(hidden, hidden // 2)
        self.g = nn.Linear(hidden, hidden // 2)
        self.out = nn.Linear(hidden // 2, hidden)

    def normalise(self, x: Tensor) -> Tensor:
        """ReLU(BN(x)) of B x N x C tokens; the statistics are per feature."""
        return F.relu(self.norm(x.transpose(1, 2))).transpose(1, 2)

    def attend(self, a: Tensor, b: Tensor) -> Tensor:
        """W(softmax(theta(A) phi(B)^T) g(A)): B x N x C, B x N x C -> B x N x C."""
        return self.out(attention(self.theta(a), self.phi(b), self.g(a)))
