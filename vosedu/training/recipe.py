"""What a training run is, as plain data: a recipe is a tuple of stages."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from torch import nn

from vosedu.checks import check_fields
from vosedu.errors import InputError


def later(default: Any) -> Any:
    """A dataclass field that was added after runs had been recorded.

    At its default it does not count in `digest`, so the records made before it existed still match.
    """
    return dataclasses.field(default=default, metadata={"later": True})


def poly(step: int, steps: int) -> float:
    """(1 - k / K)^0.9: from 1 at step 0 towards 0 at step K."""
    return (1 - step / steps) ** 0.9


def cosine(step: int, steps: int) -> float:
    """Half a cosine from 1 to a tenth."""
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step / steps)))


def warm_poly(step: int, steps: int) -> float:
    """A linear rise from 0 over 5 % of the steps, then (1 - t / (T + 1))^0.9 (AOT, DeAOT)."""
    rise = int(0.05 * steps)
    if step < rise:
        return step / rise
    return (1 - (step - rise) / (steps - rise + 1)) ** 0.9


SCHEDULES: Mapping[str, Callable[[int, int], float]] = {
    "constant": lambda step, steps: 1.0,
    "poly": poly,
    "cosine": cosine,
    "warm poly": warm_poly,
}
"""Name -> share of the base learning rate at a step (from 0) of so many steps."""


class Step(NamedTuple):
    """One step of a stage.

    number: from 0. kind: the kind of data it sees. done: the share of the stage's steps before it.
    """

    number: int
    kind: str
    done: float


OPTIMISERS = ("sgd", "adam", "adamw")


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate.

    pattern: regular expression, matched at the start of parameter names; the first group wins.
    lr: factor on the stage's learning rate; for a stage with a cycle, a tuple with one factor per
        kind, in the order of `Stage.kinds`.
    updates: optimiser updates per step. More than one reproduces a release that lists parameters
        several times: the same gradient enters the momentum again each time.
    weight_decay: factor on the stage's weight decay.
    """

    name: str
    pattern: str = ""
    lr: float | tuple[float, ...] = 1.0
    updates: int = 1
    weight_decay: float = later(1.0)


@dataclass(frozen=True)
class Stage:
    """One stage of a recipe.

    data: the clips samples are drawn from, e.g. "toyvos/mixed/train" or "davis16/train".
    stills: the still images, for stages that use some, e.g. "toyvos/stills/train".
    loss: the name of the paper's loss.
    size: side or (height, width) of the training frames in pixels.
    lr, schedule, floor: base learning rate, how it falls (a name of `SCHEDULES`), and the rate it
        falls to: floor + (lr - floor) x share x the group's factor. `halve_after` halves it from
        that share of the steps on.
    cycle: the kinds of step in turn, e.g. ("still", "video", "video").
    epoch: when set, data follow the cycle from the start of every `epoch` steps while learning
        rates follow the global step. COSNet's release does this; see its reference, section 4.
    ema: decay of an exponential moving average of the parameters, which the stage leaves in the
        network at its end. Update k (from 1) uses min(ema, (1 + k) / (10 + k)), as DeAOT's release.
    frozen_norms: BatchNorm layers whose names match this regular expression (from the start) run
        on their stored statistics; ".*" is all of them, "" none.
    clip_gradient: the largest norm of the gradient of all trained parameters together.
    frozen: modules that are not trained, a regular expression of full names, e.g. "embedding"; see
        `vosedu.training.frozen`.
    """

    name: str
    data: str
    loss: str
    steps: int
    batch_size: int
    size: tuple[int, int]
    lr: float
    stills: str = ""
    optimiser: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "poly"
    halve_after: float | None = None
    groups: tuple[Group, ...] = (Group("all"),)
    cycle: tuple[str, ...] = ("video",)
    epoch: int | None = None
    ema: float | None = None
    frozen_norms: str = ""
    clip_gradient: float | None = None
    floor: float = later(0.0)
    frozen: str = later("")

    def __post_init__(self) -> None:
        """Raise InputError for values that no training can use."""
        check_fields(self, {"steps": 0, "batch_size": 1, "lr": 0, "momentum": 0, "weight_decay": 0})
        for what, name, names in (
            ("schedule", self.schedule, tuple(SCHEDULES)),
            ("optimiser", self.optimiser, OPTIMISERS),
        ):
            if name not in names:
                raise InputError(f"there is no {what} '{name}'; choose one of {', '.join(names)}")
        for what in ("ema", "halve_after"):
            share = getattr(self, what)
            if share is not None and not 0 <= share < 1:
                raise InputError(f"{what} is {share:g}; give a number from 0 to below 1, or None")
        if not self.cycle:
            raise InputError("cycle is empty; name the kinds of step in turn, e.g. ('video',)")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The distinct kinds of step, in order of first appearance."""
        return tuple(dict.fromkeys(self.cycle))

    def step(self, number: int) -> Step:
        """Step `number` (from 0) of this stage."""
        place = number % self.epoch if self.epoch else number
        return Step(number, self.cycle[place % len(self.cycle)], number / self.steps)

    def learning_rate(self, group: Group, step: int) -> float:
        """The learning rate of `group` at `step` (from 0)."""
        rate = (self.lr - self.floor) * SCHEDULES[self.schedule](step, self.steps)
        if self.halve_after is not None and step / self.steps >= self.halve_after:
            rate *= 0.5
        factor = group.lr
        if isinstance(factor, tuple):
            factor = factor[self.kinds.index(self.cycle[step % len(self.cycle)])]
        return self.floor + rate * factor

    def parameters(self, model: nn.Module) -> list[tuple[Group, list[nn.Parameter]]]:
        """Deal the trainable parameters of `model` to the groups; what no group takes is frozen."""
        dealt: list[list[nn.Parameter]] = [[] for _ in self.groups]
        for name, parameter in model.named_parameters():
            for taken, group in zip(dealt, self.groups):
                if re.match(group.pattern, name):
                    if parameter.requires_grad:
                        taken.append(parameter)
                    break
        return [(group, taken) for group, taken in zip(self.groups, dealt) if taken]


@dataclass(frozen=True)
class Recipe:
    """The stages of a training run, in order.

    initial: the weights it starts from: "" for random ones, else a name the paper's `train` knows.
    """

    stages: tuple[Stage, ...]
    initial: str = ""

    def change(self, **fields: Any) -> Recipe:
        """The recipe with fields replaced in its last stage, or, as NAME={...}, in a stage."""
        names = {stage.name for stage in self.stages}
        by_stage = {
            key: value
            for key, value in fields.items()
            if key in names and isinstance(value, Mapping)
        }
        last = {key: value for key, value in fields.items() if key not in by_stage}
        if last:
            key = self.stages[-1].name
            by_stage[key] = {**by_stage.get(key, {}), **last}
        stages = tuple(_changed(stage, by_stage.get(stage.name, {})) for stage in self.stages)
        return replace(self, stages=stages)


def _changed(stage: Stage, changes: Mapping[Any, Any]) -> Stage:
    """The stage with fields replaced; InputError for names it does not have."""
    names = [field.name for field in dataclasses.fields(stage)]
    for name in changes:
        if name not in names:
            raise InputError(
                f"the stage '{stage.name}' has no setting {name!r}; it has {', '.join(names)}"
            )
    return replace(stage, **changes)


def digest(*parts: Any) -> str:
    """Twelve hexadecimal digits that change when any field of the given dataclasses changes.

    Fields declared by `later` count when they differ from their default.
    """
    text = json.dumps([_plain(part) for part in parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            f.name: _plain(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if not (f.metadata.get("later") and getattr(value, f.name) == f.default)
        }
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
