"""What a training run is, as plain data: a recipe is a tuple of stages."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from vosedu.errors import InputError


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate.

    pattern: regular expression, matched at the start of parameter names; the first group wins.
    lr: factor on the stage's learning rate; for a stage with a cycle, a tuple with one factor per
        kind, in the order of `Stage.kinds`.
    updates: optimiser updates per step. More than one reproduces a release that lists parameters
        several times: the same gradient enters the momentum again each time.
    """

    name: str
    pattern: str = ""
    lr: float | tuple[float, ...] = 1.0
    updates: int = 1


@dataclass(frozen=True)
class Stage:
    """One stage of a recipe.

    data: the clips samples are drawn from, e.g. "toyvos/mixed/train" or "davis16/train".
    stills: the still images, for stages that use some, e.g. "toyvos/stills/train".
    loss: the name of the paper's loss.
    size: side or (height, width) of the training frames in pixels.
    lr, schedule: base learning rate, and how it falls: "constant", "poly" (power 0.9) or "cosine"
        (to a tenth); `halve_after` halves it from that share of the steps on.
    cycle: the kinds of step in turn, e.g. ("still", "video", "video").
    epoch: when set, data follow the cycle from the start of every `epoch` steps while learning
        rates follow the global step. COSNet's release does this; see its reference, section 4.
    ema: decay of an exponential moving average of the weights, kept beside the trained ones.
    frozen_norms: BatchNorm layers whose names match this regular expression (from the start) run
        on their stored statistics; ".*" is all of them, "" none.
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

    @property
    def kinds(self) -> tuple[str, ...]:
        """The distinct kinds of step, in order of first appearance."""
        return tuple(dict.fromkeys(self.cycle))

    def kind(self, step: int) -> str:
        """The kind of data of `step`."""
        return self.cycle[(step % self.epoch if self.epoch else step) % len(self.cycle)]

    def learning_rate(self, group: Group, step: int) -> float:
        """The learning rate of `group` at `step` (from 0)."""
        done = step / self.steps
        fall = {
            "constant": 1.0,
            "poly": (1 - done) ** 0.9,
            "cosine": 0.1 + 0.45 * (1 + math.cos(math.pi * done)),
        }
        if self.schedule not in fall:
            known = ", ".join(fall)
            raise InputError(f"there is no schedule '{self.schedule}'; choose one of {known}")
        rate = self.lr * fall[self.schedule]
        if self.halve_after is not None and done >= self.halve_after:
            rate *= 0.5
        factor = group.lr
        if isinstance(factor, tuple):
            factor = factor[self.kinds.index(self.cycle[step % len(self.cycle)])]
        return rate * factor

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
        """The recipe with `fields` replaced in its last stage, or in the stage they name."""
        names = {stage.name for stage in self.stages}
        by_stage = {key: value for key, value in fields.items() if key in names}
        last = {key: value for key, value in fields.items() if key not in names}
        if last:
            key = self.stages[-1].name
            by_stage[key] = {**by_stage.get(key, {}), **last}
        stages = tuple(replace(stage, **by_stage.get(stage.name, {})) for stage in self.stages)
        return replace(self, stages=stages)


def digest(*parts: Any) -> str:
    """Twelve hexadecimal digits that change when any field of the given dataclasses changes."""
    plain = [dataclasses.asdict(p) if dataclasses.is_dataclass(p) else p for p in parts]
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
