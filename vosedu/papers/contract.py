"""The types that every paper fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import nn

from vosedu.datasets.download import Link

PROFILES = ("quick", "ablate", "course", "full")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class FrameResult:
    """The prediction for one frame.

    index: frame number in the clip, from 0.
    probability: H x W float32 foreground probability, or None for methods that give labels only.
    labels: H x W uint8 object ids, or None for methods that give a probability only.
    """

    index: int
    probability: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def mask(self) -> np.ndarray:
        """H x W uint8 object ids: `labels`, or the probability thresholded at one half."""
        if self.labels is not None:
            return self.labels
        return (self.probability > 0.5).astype(np.uint8)


@dataclass(frozen=True)
class Claim:
    """What a paper says about one row of a table, in a form that code can judge.

    text: the claim in words.
    suite: the ToyVOS suite made for this kind of claim.
    better: what the paper says of the row against the base row: "lower", "higher" or "same".
    margin: in J points; differences inside it count as no effect.
    """

    text: str
    suite: str
    better: str
    margin: float = 1.0


@dataclass(frozen=True)
class Row:
    """One row of an ablation table: what changes against the base, and what the paper reports.

    config, recipe, inference, data: fields to replace.
    reported: column -> number printed in the paper (None where it prints none).
    unavailable: the reason, for a row that cannot be had here.
    """

    label: str
    config: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    recipe: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    inference: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    data: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    reported: Mapping[str, float | None] = field(default_factory=lambda: _NOTHING)
    claim: Claim | None = None
    unavailable: str = ""


@dataclass(frozen=True)
class Table:
    """One experiment table of a paper. `base` is the label of the row the others compare with."""

    key: str
    title: str
    base: str
    rows: tuple[Row, ...]
    note: str = ""

    def row(self, label: str) -> Row:
        """The row of that label."""
        for row in self.rows:
            if row.label == label:
                return row
        raise KeyError(f"table {self.key} has no row '{label}'")


@dataclass(frozen=True)
class Released:
    """What the authors released.

    weights, results: links to checkpoints and to result masks.
    unused: entries of the authors' state dict that their forward pass never touches.
    reason: in words, when no weights were released.
    load: reads a released checkpoint file into a model built from `Config.released()`.
    """

    weights: tuple[Link, ...] = ()
    results: tuple[Link, ...] = ()
    unused: tuple[str, ...] = ()
    reason: str = ""
    load: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Paper:
    """Everything the package knows of one paper, behind one interface.

    needs: what a clip must offer: any of "flow", "references", "mask".
    Config: frozen dataclass with `released(variant=...)`, `paper(variant=...)`, `scaled(profile)`.
    build(config) -> nn.Module, which keeps its `config`.
    recipe(profile) -> Recipe; train(config, recipe, ...) -> (model, History).
    Inference: frozen dataclass of how to predict.
    segment(model, clip, given=..., inference=...) streams FrameResults.
    remembering(model): a context inside which features are computed once, for scoring one network
    with several ways of inference on the same clips.
    """

    key: str
    title: str
    venue: str
    year: int
    citation: str
    setting: str
    needs: frozenset[str]
    Config: type
    build: Callable[[Any], nn.Module]
    recipe: Callable[[str], Any]
    train: Callable[..., Any]
    Inference: type
    segment: Callable[..., Iterator[FrameResult]]
    tables: tuple[Table, ...]
    released: Released
    remembering: Callable[[nn.Module], AbstractContextManager[None]] = nullcontext

    def table(self, key: str) -> Table:
        """The table of that key."""
        for table in self.tables:
            if table.key == key:
                return table
        known = ", ".join(table.key for table in self.tables)
        raise KeyError(f"{self.key} has no table '{key}'; there are {known}")
