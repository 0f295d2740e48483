"""The types that every paper fills in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import nn

from vosedu.clip import Clip
from vosedu.datasets.download import Link
from vosedu.training import History, Recipe

PROFILES = ("quick", "ablate", "course", "davis-small", "full")
FORMS = ("paper", "released")
"""The two forms of a network and of its inference: as the paper writes, as the authors released."""

NEEDS: Mapping[str, str] = MappingProxyType(
    {"references": "reference frames", "flow": "optical flow", "mask": "first mask"}
)
"""What a method may need besides the frame: key -> words."""
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
        if self.probability is None:
            raise ValueError(
                f"the result for frame {self.index} has neither labels nor probability"
            )
        return (self.probability > 0.5).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class FeatureStore:
    """Features of one clip under one network, kept so that several inferences compute them once.

    Make one for each pair of network and clip and hand it to every `segment` of that pair. It
    holds the features of every frame it has seen until it is dropped.
    """

    model: nn.Module
    clip: Clip
    kept: dict[Hashable, Any] = field(default_factory=dict)

    def check(self, model: nn.Module, clip: Clip) -> None:
        """Raise ValueError where the features would be those of another network or clip."""
        if self.model is not model or self.clip is not clip:
            raise ValueError(
                f"this store holds features of the clip '{self.clip.name}' and of one network; "
                "make a new FeatureStore for each network and clip"
            )


@dataclass(frozen=True)
class Claim:
    """What a paper says about one row of a table, in a form that code can judge.

    text: the claim in words.
    suite: the ToyVOS suite made for this kind of claim.
    better: what the paper says of the row against the base row: "lower", "higher" or "same".
    margin: in J points; differences inside it count as no effect.
    control: label of the row of the same table that must cost the base row `cost` J points or more
        on that suite, with its whole interval, or the claim cannot be tested here.
    """

    text: str
    suite: str
    better: str
    margin: float = 1.0
    control: str = ""
    cost: float = 10.0


@dataclass(frozen=True)
class Row:
    """One row of an ablation table: what changes against the base, and what the paper reports.

    config, recipe, inference: fields to replace; `recipe` those of its last stage, or `initial`.
    intervention: what is done to the clips before scoring, a name of `ablation.INTERVENTIONS`; a
        row with one is a control.
    reported: column -> number printed in the paper (None where it prints none).
    unavailable: the reason, for a row that cannot be had here.
    """

    label: str
    config: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    recipe: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    inference: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    intervention: str = ""
    reported: Mapping[str, float | None] = field(default_factory=lambda: _NOTHING)
    claim: Claim | None = None
    unavailable: str = ""


@dataclass(frozen=True)
class Table:
    """One experiment table of a paper.

    base: label of the row the others compare with.
    suites: where all rows are scored, beside the suites that their claims name.
    threshold: where masks are cut, one of `ablation.THRESHOLDS`.
    """

    key: str
    title: str
    base: str
    rows: tuple[Row, ...]
    note: str = ""
    suites: tuple[str, ...] = ("mixed",)
    threshold: str = "half"

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
class Benchmark:
    """One measurement that `vosedu bench` makes, and its budget.

    measure: returns the value and a sentence of details.
    at_least: the budget is a lower bound, not an upper one.
    """

    what: str
    unit: str
    budget: float
    at_least: bool
    measure: Callable[[], tuple[float, str]]


class PaperConfig(Protocol):
    """A frozen dataclass with the form and the scale of a paper's network."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def paper(cls) -> Self:
        """The paper's network at full size."""

    @classmethod
    def released(cls) -> Self:
        """The authors' network at full size."""

    def scaled(self, profile: str) -> Self:
        """The same form at the scale of one of `PROFILES`."""


class PaperInference(Protocol):
    """A frozen dataclass of how to predict, with defaults.

    Its fields are the method's options on the command line; their descriptions are the entries
    `name: text` of the class's docstring.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def paper(cls) -> Self:
        """As the paper describes it."""

    @classmethod
    def released(cls) -> Self:
        """As the authors' code does it."""


def with_profiles(
    recipe: Callable[[str], Recipe], more: Mapping[str, Recipe]
) -> Callable[[str], Recipe]:
    """`recipe`, which now knows the profiles of `more` as well."""
    return lambda profile: more[profile] if profile in more else recipe(profile)


C = TypeVar("C", bound=PaperConfig)
P = TypeVar("P", bound=PaperInference)
C_contra = TypeVar("C_contra", bound=PaperConfig, contravariant=True)
P_contra = TypeVar("P_contra", bound=PaperInference, contravariant=True)


class Train(Protocol[C_contra]):
    """Builds and trains a network; returns it in evaluation mode with its history.

    The initial weights are a function of `seed`, save those that `recipe.initial` names. With
    `folder`, a killed run goes on where it was last saved. `until` stops after that stage.
    `workers`: processes that draw samples ahead.
    """

    def __call__(
        self,
        config: C_contra,
        recipe: Recipe,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        folder: str | Path | None = None,
        on_step: Callable[[History], None] | None = None,
        until: str | None = None,
        workers: int = 0,
    ) -> tuple[nn.Module, History]: ...


class Segment(Protocol[P_contra]):
    """Predicts one clip, streaming: one FrameResult per frame, in order.

    given: frame index -> H x W uint8 ids, the masks a semi-supervised method starts from.
    features: where features are kept and found again; a method may leave it aside.
    """

    def __call__(
        self,
        model: Any,
        clip: Clip,
        *,
        given: Mapping[int, np.ndarray] | None = None,
        inference: P_contra | None = None,
        features: FeatureStore | None = None,
    ) -> Iterator[FrameResult]: ...


@dataclass(frozen=True)
class Paper(Generic[C, P]):
    """Everything the package knows of one paper, behind one interface.

    key: the name of its package under `vosedu.papers`. name: its short name.
    needs: keys of `NEEDS`. With "mask" among them, `segment` wants `given`; `vosedu.evaluate` and
        the ablations then take the first masks from the clips' labels.
    protocol: a name of `metrics.PROTOCOLS`: how it is scored on ToyVOS.
    build: a Config -> its network, with random weights, which keeps its `config`.
    recipe: one of `profiles` -> how the network is trained.
    tables: the experiment tables of the paper as data.
    profiles: `PROFILES`, and "long" where the embedded network was trained longer than the recipe
        "course", which a student reruns in minutes.
    settings: name of embedded weights -> fields of Inference that this network predicts with; they
        follow from its training data or were chosen on them.
    rename: the authors' state dict (without `module.`) -> the same under our names.
    decisions: name of embedded weights -> where the masks of this network are cut, a name of
        `papers.decision.DECISIONS`; one half where none is named.
    benchmarks: its measurements in `vosedu bench`.
    starts: what a recipe may name as `initial` -> the embedded checkpoint it stands for, without
        ending, or several joined by "+".
    """

    key: str
    name: str
    title: str
    venue: str
    year: int
    citation: str
    setting: str
    needs: frozenset[str]
    Config: type[C]
    build: Callable[[C], nn.Module]
    recipe: Callable[[str], Recipe]
    train: Train[C]
    Inference: type[P]
    segment: Segment[P]
    tables: tuple[Table, ...]
    released: Released
    protocol: str = "toyvos"
    profiles: tuple[str, ...] = PROFILES
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING)
    rename: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]] | None = None
    decisions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    benchmarks: tuple[Benchmark, ...] = ()
    starts: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def table(self, key: str) -> Table:
        """The table of that key; KeyError, with the keys there are, if there is none."""
        for table in self.tables:
            if table.key == key:
                return table
        known = ", ".join(table.key for table in self.tables)
        raise KeyError(f"{self.key} has no table '{key}'; there are {known}")

    def config(self, profile: str) -> C:
        """The paper's network at the scale of one of `profiles`.

        "long" has that of "ablate", whose encoders are those of the common start, and predicts at
        the size it is trained at.
        """
        if profile != "long":
            return self.Config.paper().scaled(profile)
        size = self.recipe("long").stages[-1].size
        return replace(self.Config.paper().scaled("ablate"), size=size)

    def inference(self, form: str) -> P:
        """How to predict in one of the two `FORMS`."""
        return {"paper": self.Inference.paper, "released": self.Inference.released}[form]()
