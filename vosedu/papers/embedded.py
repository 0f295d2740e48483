"""How a network with embedded weights predicts: what `vosedu.load` noted on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from torch import nn

from vosedu.papers.decision import DECISIONS

P = TypeVar("P", bound=Any)


def as_embedded(model: nn.Module, inference: P) -> P:
    """A paper's Inference with the fields of `Paper.settings` that belong to the network's weights.

    A network that `vosedu.load` did not make has none.
    """
    return replace(inference, **getattr(model, "settings", {}))


def decision_of(model: nn.Module) -> str:
    """Where the network's masks are cut, as `Paper.decisions` says; by default "half"."""
    return str(getattr(model, "decision", "half"))


def cut(model: nn.Module, probability: np.ndarray) -> np.ndarray:
    """A frame's probability, H x W, moved so that the network's masks are what exceeds one half."""
    return DECISIONS[decision_of(model)](probability)
