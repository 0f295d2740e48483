"""Solutions of notebooks/exercises/2_attention.ipynb. Look here after you have tried.

Every function passes the check of the same name: `exercises.sheet("attention").check(attend)`.
"""

from __future__ import annotations

import numpy as np


def affinity(va, vb, w):
    """COSNet, Eq. 2: one number for every position of b (rows) and every position of a."""
    return vb.T @ w @ va


def attend(s):
    """COSNet, Eq. 6: softmax of each column; the maximum is subtracted so that exp stays finite."""
    e = np.exp(s - s.max(axis=0))
    return e / e.sum(axis=0)


def summarise(va, vb, w):
    """COSNet, Eq. 7: the mean of b's embeddings, weighted by what each position of a reads."""
    return vb @ attend(affinity(va, vb, w))


def gated(z, w, b):
    """COSNet, Eqs. 8 and 9: a factor between 0 and 1 for each position."""
    gate = 1 / (1 + np.exp(-(w @ z + b)))
    return z * gate


def read_memory(q, k, v):
    """AOT and DeAOT: softmax over memory of scaled products, times the values."""
    return attend((q @ k.T / np.sqrt(q.shape[1])).T).T @ v


def prototypes(x):
    """DPA: every channel becomes a distribution over positions; a prototype is its mean feature."""
    regions = attend(x.T).T
    return regions @ x.T


def support(weights):
    """exp of the entropy of each column; 0 log 0 is 0."""
    logs = np.log(np.where(weights > 0, weights, 1))
    return np.exp(-(weights * logs).sum(axis=0))


def dependence(own, other, truth):
    """Mean J over frames with the own source, minus mean J with another clip's."""

    def mean_j(masks):
        both, either = (masks & truth).sum((1, 2)), (masks | truth).sum((1, 2))
        return np.where(either > 0, both / np.maximum(either, 1), 1).mean()

    return mean_j(own) - mean_j(other)
