"""Prototypes: a map described by weighted means of its own pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.papers.dpa.network.attention import NonLocal
from vosedu.record import tap

NEIGHBOURS = 10


def prototypes(x: Tensor) -> Tensor:
    """The prototypes of a map, one per channel: B x C x H x W -> B x C x C (prototype, feature).

    S = softmax(X) over positions: channel c of S is a soft region that sums to one.
    P = S X^T: prototype c is the mean feature of region c.

    As released, S is a constant for the gradient.
    """
    features = x.flatten(2)  # B C H W -> B C HW
    regions = features.softmax(dim=2).detach()
    tap("regions", regions.view_as(x))
    return tap("prototypes", regions @ features.transpose(1, 2))


def cosine_map(x: Tensor, p: Tensor) -> Tensor:
    """How alike every pixel is to every prototype: B x C x H x W, B x P x C -> B x P x H x W.

    Psi = N(P)^T N(X), in [-1, 1], N being division by the L2 norm. A zero vector is like nothing
    (0); the authors divide by its norm and get NaN.
    """
    pixels = F.normalize(x.flatten(2), dim=1)  # B C H W -> B C HW
    psi = F.normalize(p, dim=2) @ pixels
    return tap("cosine", psi.unflatten(2, x.shape[2:]))


class Correlation(nn.Module):
    """The paper's description of a map: its cosine map with its own prototypes (Eq. 3)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x C x H x W."""
        return cosine_map(x, prototypes(x))


class RefinedCorrelation(nn.Module):
    """The released description: between prototypes and cosine map, the prototypes meet.

    First by self-attention, then by three layers of a graph that joins each to its nearest
    neighbours. The paper mentions neither.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.attention = PrototypeAttention(hidden)
        self.graph1 = EdgeConv(hidden)
        self.graph2 = EdgeConv(hidden)
        self.graph3 = EdgeConv(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x C x H x W."""
        p = prototypes(x)
        p = tap("after_attention", self.attention(p))
        p = tap("after_graph", self.graph3(self.graph2(self.graph1(p))))
        return cosine_map(x, p)


class Features(nn.Module):
    """The description "without prototypes": the map itself."""

    def __init__(self, hidden: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W, unchanged."""
        return x


class PrototypeAttention(NonLocal):
    """P + W(softmax(theta(F) phi(F)^T) g(F)) with F = ReLU(BN(P)); tokens are prototypes."""

    def forward(self, p: Tensor) -> Tensor:
        """B x P x C -> B x P x C."""
        f = self.normalise(p)
        return p + self.attend(f, f)


class EdgeConv(nn.Module):
    """One layer of a dynamic graph (Wang et al., TOG 2019) over the prototypes.

    p_i <- max over the neighbours j of i of LeakyReLU(BN(W [p_j - p_i, p_i])); a prototype's
    neighbours are the ten nearest, itself included, found anew in every layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.edge = nn.Sequential(
            nn.Conv2d(2 * hidden, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(0.2),
        )

    def forward(self, p: Tensor) -> Tensor:
        """B x P x C -> B x P x C."""
        batch = torch.arange(len(p), device=p.device).view(-1, 1, 1)
        neighbours = p[batch, tap("neighbours", nearest(p))]  # B P C -> B P K C
        centre = p.unsqueeze(2).expand_as(neighbours)
        edges = torch.cat([neighbours - centre, centre], dim=3)
        return self.edge(edges.permute(0, 3, 1, 2)).amax(dim=3).transpose(1, 2)  # B C P K -> B P C


@torch.no_grad()
def nearest(p: Tensor, count: int = NEIGHBOURS) -> Tensor:
    """Indices of the `count` nearest rows of each row: B x P x C -> B x P x K, itself first.

    Distances come from differences, not from |x|^2 - 2xy + |y|^2, whose rounding can swap the
    tenth and the eleventh neighbour.
    """
    distance = torch.cdist(p, p, compute_mode="donot_use_mm_for_euclid_dist")
    return distance.topk(min(count, p.shape[1]), dim=2, largest=False).indices
