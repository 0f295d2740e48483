"""Exercises on what the five papers share: reading from another source, gates, prototypes, tests.

Arrays are NumPy's, without a batch axis; positions stand in one axis, n = h w. The right answers
come from the modules of the papers' networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vosedu import metrics
from vosedu.exercises.grading import Case, Exercise
from vosedu.figures.attention import effective_support
from vosedu.nn.attention import attention
from vosedu.papers.cosnet.network import Gate, SingleSoftmax, VanillaAffinity
from vosedu.papers.dpa.network import prototypes

DRAW = np.random.default_rng(1)


def _normal(*shape: int) -> np.ndarray:
    return DRAW.normal(size=shape).round(2)


def _tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(x, np.float64))[None]


def _softmax(x: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@torch.inference_mode()
def _affinity(va: np.ndarray, vb: np.ndarray, w: np.ndarray) -> np.ndarray:
    module = VanillaAffinity(len(w)).double()
    module.w.weight.copy_(_tensor(w)[0])
    return module(_tensor(va), _tensor(vb))[0].numpy()


VA, VB, W = _normal(3, 6), _normal(3, 6), _normal(3, 3)
AFFINITY = Exercise(
    "affinity",
    _affinity,
    (
        Case("frames of the same size", (VA, VB, W)),
        Case("a reference with fewer positions", (VA, VB[:, :4], W)),
        Case("W is the identity", (VA, VB, np.eye(3))),
    ),
    {
        "Rows belong to positions of b and columns to positions of a; yours are exchanged.": (
            lambda va, vb, w: (vb.T @ w @ va).T
        ),
        "W is missing: embeddings are compared as they are.": lambda va, vb, w: vb.T @ va,
        "W stands on the wrong side: it is applied to a, or its transpose to b.": (
            lambda va, vb, w: vb.T @ w.T @ va
        ),
    },
)

S = 2 * _normal(5, 4)
LARGE = np.array([[900.0, -3, 0], [905.0, 2, -800], [890.0, 0, 4]])
ATTEND = Exercise(
    "attend",
    lambda s: SingleSoftmax()(_tensor(s))[0].numpy(),
    (
        Case("an affinity of 5 x 4 positions", (S,)),
        Case("all alike", (np.zeros((3, 2)),)),
        Case("very large values", (LARGE,)),
    ),
    {
        "Every row sums to one, not every column: a position of b would share itself out among "
        "the readers.": lambda s: _softmax(s, 1),
        "The whole matrix sums to one; each column has to.": lambda s: _softmax(s, (0, 1)),
        "exp of large values is infinite: subtract the maximum of each column first.": (
            lambda s: np.exp(s) / np.exp(s).sum(0)
        ),
        "This is a softmax of a softmax: nearly uniform (COSNet's first release did it).": (
            lambda s: _softmax(_softmax(s, 0), 0)
        ),
    },
)


@torch.inference_mode()
def _read(va: np.ndarray, vb: np.ndarray, w: np.ndarray) -> np.ndarray:
    return vb @ SingleSoftmax()(_tensor(_affinity(va, vb, w)))[0].numpy()


SUMMARISE = Exercise(
    "summarise",
    _read,
    (
        Case("frames of the same size", (VA, VB, W)),
        Case("a reference with fewer positions", (VA, VB[:, :4], W)),
        Case("a reference that is the same everywhere", (VA, np.ones((3, 4)), W)),
    ),
    {
        "You read from a; what is read comes from b.": (
            lambda va, vb, w: va @ _softmax(_affinity(va, vb, w), 0)
        ),
        "You take the one position of b that is most alike; attention is a weighted mean.": (
            lambda va, vb, w: vb[:, _affinity(va, vb, w).argmax(0)]
        ),
        "This is the plain mean of b, whatever a asks.": (
            lambda va, vb, w: np.tile(vb.mean(1, keepdims=True), va.shape[1])
        ),
        "The affinity is used without the softmax.": (lambda va, vb, w: vb @ _affinity(va, vb, w)),
    },
)


@torch.inference_mode()
def _gated(z: np.ndarray, w: np.ndarray, b: float) -> np.ndarray:
    module = Gate(len(z), bias=True).double()
    module.f.weight.copy_(_tensor(w).view_as(module.f.weight))
    module.f.bias.fill_(b)
    return z * module(_tensor(z)[..., None])[0, :, :, 0].numpy()


def _logit(z: np.ndarray, w: np.ndarray, b: float) -> np.ndarray:
    return w @ z + b


Z, WF = _normal(3, 6), _normal(3)
GATED = Exercise(
    "gated",
    _gated,
    (
        Case("a summary of 6 positions", (Z, WF, 0.4)),
        Case("weights of zero: the gate is one half", (Z, np.zeros(3), 0.0)),
        Case("a gate that is open everywhere", (Z, np.zeros(3), 40.0)),
    ),
    {
        "This is the gate itself; multiply the summary by it.": (
            lambda z, w, b: 1 / (1 + np.exp(-_logit(z, w, b)))
        ),
        "The sigmoid is missing: the factor can be negative or above one.": (
            lambda z, w, b: z * _logit(z, w, b)
        ),
        "The factors sum to one over positions: that is a softmax. A gate decides about each "
        "position by itself.": lambda z, w, b: z * _softmax(_logit(z, w, b), 0),
        "The bias is missing.": lambda z, w, b: _gated(z, w, 0.0),
    },
)


def _scaled(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scale = q.shape[1] ** -0.5
    return attention(_tensor(q), _tensor(k), _tensor(v), scale=scale)[0].numpy()


def _with_scale(scale: Callable[[int, int], float]) -> Callable[..., Any]:
    def mistake(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        return _softmax(q @ k.T * scale(q.shape[1], len(k)), 1) @ v

    return mistake


Q, K, V = 2 * _normal(4, 9), 2 * _normal(7, 9), _normal(7, 2)
READ_MEMORY = Exercise(
    "read_memory",
    _scaled,
    (
        Case("4 positions read 7", (Q, K, V)),
        Case("one position in memory", (Q, K[:1], V[:1])),
        Case("keys of zero: everything is read alike", (Q, 0 * K, V)),
    ),
    {
        "The products are not scaled: the more channels, the more the softmax saturates.": (
            _with_scale(lambda channels, tokens: 1.0)
        ),
        "You divide by C, not by its square root.": _with_scale(
            lambda channels, tokens: 1 / channels
        ),
        "You scale by the number of memory positions; the scale belongs to the channels.": (
            _with_scale(lambda channels, tokens: tokens**-0.5)
        ),
        "Your weights sum to one over the readers, not over memory.": (
            lambda q, k, v: _softmax(q @ k.T * q.shape[1] ** -0.5, 0) @ v
        ),
    },
)


def _prototypes(x: np.ndarray) -> np.ndarray:
    return prototypes(_tensor(x)[..., None])[0].numpy()


X = 2 * _normal(4, 10)
PROTOTYPES = Exercise(
    "prototypes",
    _prototypes,
    (
        Case("4 channels, 10 positions", (X,)),
        Case("a channel that is the same everywhere", (np.stack([X[0], 0 * X[1]]),)),
        Case("one position", (X[:, :1],)),
    ),
    {
        "Your regions sum to one over channels; a soft region is a distribution over positions.": (
            lambda x: _softmax(x, 0) @ x.T
        ),
        "This is the transpose: rows are prototypes, columns their channels.": (
            lambda x: (_softmax(x, 1) @ x.T).T
        ),
        "This is the plain mean over positions for every prototype; weigh by the soft regions.": (
            lambda x: np.tile(x.mean(1), (len(x), 1))
        ),
    },
)


def _entropy(weights: np.ndarray, base: float) -> np.ndarray:
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0) / np.log(base)
    return -(weights * logs).sum(0)


MIXED = np.array([[0.5, 0.5, 0, 0, 0], [0.7, 0.1, 0.1, 0.05, 0.05]])
WEIGHTS = np.concatenate([np.eye(5)[:1], np.full((1, 5), 0.2), MIXED])
SUPPORT = Exercise(
    "support",
    lambda weights: effective_support(weights, axis=0),
    (
        Case("a peak, all alike, two positions, a mixture", (WEIGHTS.T,)),
        Case("one column", (WEIGHTS[3:].T,)),
        Case("ten positions", (_softmax(_normal(10, 3), 0),)),
    ),
    {
        "This is the entropy; its exponential is a number of positions.": (
            lambda weights: _entropy(weights, np.e)
        ),
        "You took logarithms of base 2 and the exponential of base e.": (
            lambda weights: np.exp(_entropy(weights, 2))
        ),
        "0 log 0 counts as 0; yours is not a number.": (
            lambda weights: np.exp(-(weights * np.log(weights)).sum(0))
        ),
        "You sum over the wrong axis: a column is one distribution.": (
            lambda weights: effective_support(weights, axis=1)
        ),
    },
)


def _loss(own: np.ndarray, other: np.ndarray, truth: np.ndarray) -> float:
    return _mean_j(own, truth) - _mean_j(other, truth)


def _mean_j(masks: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([metrics.region(m, t) for m, t in zip(masks, truth)]))


TRUTH = DRAW.random((4, 6, 8)) < np.array([0.1, 0.3, 0.5, 0.0]).reshape(4, 1, 1)
OWN = TRUTH ^ (DRAW.random(TRUTH.shape) < 0.1)
OTHER = TRUTH ^ (DRAW.random(TRUTH.shape) < 0.3)
DEPENDENCE = Exercise(
    "dependence",
    _loss,
    (
        Case("references of another clip cost something", (OWN, OTHER, TRUTH)),
        Case("the same masks: nothing depends on them", (OWN, OWN, TRUTH)),
        Case("the mask gets better", (OTHER, OWN, TRUTH)),
    ),
    {
        "The sign is exchanged: what is lost is J before minus J after.": (
            lambda own, other, truth: -_loss(own, other, truth)
        ),
        "You compare the two masks with each other; ask how far each is from the truth.": (
            lambda own, other, truth: 1 - _mean_j(own, other)
        ),
        "You pool the pixels of all frames; J is taken in each frame, then averaged.": (
            lambda own, other, truth: (
                metrics.region(own.reshape(len(own), -1), truth.reshape(len(own), -1))
                - metrics.region(other.reshape(len(own), -1), truth.reshape(len(own), -1))
            )
        ),
    },
)

EXERCISES = (
    AFFINITY,
    ATTEND,
    SUMMARISE,
    GATED,
    READ_MEMORY,
    PROTOTYPES,
    SUPPORT,
    DEPENDENCE,
)
