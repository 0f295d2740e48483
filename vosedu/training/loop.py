"""The training loop all papers share.

The sample i of step k is a pure function of (seed, stage, k, i), so a resumed run needs no sampler
state and a run on several processes sees the batches of a run on one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vosedu.errors import InputError
from vosedu.training.checkpoint import load_state, save_state
from vosedu.training.history import History
from vosedu.training.recipe import Recipe, Stage, digest

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Programme:
    """How a paper trains in one stage.

    sample(rng, kind) draws one training sample: name -> tensor without batch axis.
    loss(model, batch, kind) gives loss terms by name; their sum is minimised.
    prepare(model) runs once before the stage, e.g. to copy one branch into another.
    """

    sample: Callable[[np.random.Generator, str], Batch]
    loss: Callable[[nn.Module, Batch, str], Mapping[str, Tensor]]
    prepare: Callable[[nn.Module], None] | None = None


class _Objective(nn.Module):
    """Network and loss as one module, so that distributed training sees one forward pass."""

    def __init__(self, model: nn.Module, loss: Callable[..., Mapping[str, Tensor]]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch, kind: str) -> dict[str, Tensor]:
        return dict(self.loss(self.model, batch, kind))


def fit(
    model: nn.Module,
    recipe: Recipe,
    programmes: Mapping[str, Programme],
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
    folder: str | Path | None = None,
    save_every: int = 200,
    on_step: Callable[[History], None] | None = None,
    until: str | None = None,
    compile: bool = False,
) -> History:
    """Train `model` in place by `recipe` and return the history.

    programmes: stage name -> Programme. folder: where `state.pt` and `history.csv` go; a run whose
    folder holds a state of the same recipe and seed goes on from there, bit-identically on a CPU.
    on_step: called after every step; an exception in it (or Ctrl-C) stops the run, which can be
    resumed from the last save. until: stop after the stage of that name. On a GPU the forward
    pass runs under bf16 autocast, channels last.

    Under `torchrun` each process takes its share of every batch. Losses that are a mean over
    samples, with frozen BatchNorm, give the one-process gradients; BatchNorm statistics are per
    process, and losses normalised over the batch (COSNet's released one) see their share only.
    """
    device = torch.device(device)
    rank, world = _ranks()
    model.to(device, memory_format=torch.channels_last if device.type == "cuda" else None)
    history = History()
    state_path = Path(folder) / "state.pt" if folder else None
    run = digest(recipe, getattr(model, "config", None), seed)
    resumed = None
    if state_path is not None:
        state_path.parent.mkdir(parents=True, exist_ok=True)
        if state_path.is_file():
            resumed = load_state(state_path)
            if resumed["run"] != run:
                raise InputError(
                    f"{state_path} belongs to another recipe, network or seed; "
                    "choose another folder or delete it"
                )
            model.load_state_dict(resumed["model"])
            history = History(resumed["rows"], resumed["seconds"])
    first_stage = resumed["stage"] if resumed else 0
    for number in range(first_stage, len(recipe.stages)):
        stage = recipe.stages[number]
        programme = programmes[stage.name]
        here = resumed if resumed and resumed["stage"] == number else None
        if programme.prepare and not here:
            programme.prepare(model)
        runner = _StageRunner(model, stage, programme, device, compile)
        if here:
            runner.restore(here)
        began = time.perf_counter() - history.seconds
        batches = _batches(stage, programme, (seed, number), runner.step, rank, world, device)
        for batch, kind in batches:
            terms = runner.advance(batch, kind)
            history.rows.append({"stage": stage.name, "step": runner.step, "kind": kind, **terms})
            history.seconds = time.perf_counter() - began
            done = runner.step == stage.steps
            if state_path is not None and rank == 0 and (done or runner.step % save_every == 0):
                save_state(
                    state_path,
                    run=run,
                    stage=number,
                    model=model.state_dict(),
                    rows=history.rows,
                    seconds=history.seconds,
                    **runner.state(),
                )
                history.to_csv(state_path.with_name("history.csv"))
            if on_step:
                on_step(history)
        runner.finish()
        if stage.name == until:
            break
    model.eval()
    return history


class _StageRunner:
    """Optimisers, average and step counter of one stage."""

    def __init__(
        self,
        model: nn.Module,
        stage: Stage,
        programme: Programme,
        device: torch.device,
        compile: bool,
    ) -> None:
        self.model, self.stage, self.device, self.step = model, stage, device, 0
        objective: nn.Module = _Objective(model, programme.loss)
        if compile:
            objective = torch.compile(objective)
        if torch.distributed.is_initialized():
            objective = DistributedDataParallel(objective, find_unused_parameters=True)
        self.objective = objective
        self.dealt = stage.parameters(model)
        self.optimisers = [_optimiser(stage, parameters) for _, parameters in self.dealt]
        self.trained = [p for _, parameters in self.dealt for p in parameters]
        self.frozen = [
            module
            for name, module in model.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            and stage.frozen_norms
            and re.match(stage.frozen_norms, name)
        ]
        self.average = (
            {name: value.detach().clone() for name, value in model.state_dict().items()}
            if stage.ema
            else None
        )

    def advance(self, batch: Batch, kind: str) -> dict[str, float]:
        self.model.train()
        for norm in self.frozen:
            norm.eval()
        for parameter in self.model.parameters():
            parameter.grad = None
        cuda = self.device.type == "cuda"
        with torch.autocast("cuda", torch.bfloat16) if cuda else nullcontext():
            terms = self.objective(batch, kind)
        loss = torch.stack([term.float() for term in terms.values()]).sum()
        loss.backward()
        if self.stage.clip_gradient is not None:
            nn.utils.clip_grad_norm_(self.trained, self.stage.clip_gradient)
        for (group, _), optimiser in zip(self.dealt, self.optimisers):
            optimiser.param_groups[0]["lr"] = self.stage.learning_rate(group, self.step)
            for _ in range(group.updates):
                optimiser.step()
        self.step += 1
        if self.average is not None:
            for name, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.average[name].lerp_(value.detach(), 1 - self.stage.ema)
                else:
                    self.average[name].copy_(value)
        return {"loss": loss.item(), **{name: term.item() for name, term in terms.items()}}

    def finish(self) -> None:
        """Put the averaged weights, if there are any, into the network."""
        if self.average is not None:
            self.model.load_state_dict(self.average)

    def state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "average": self.average,
            "random": torch.get_rng_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.step = state["step"]
        for optimiser, saved in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        self.average = state["average"]
        torch.set_rng_state(state["random"])


def _optimiser(stage: Stage, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    decay = stage.weight_decay
    if stage.optimiser == "sgd":
        return torch.optim.SGD(parameters, stage.lr, momentum=stage.momentum, weight_decay=decay)
    if stage.optimiser == "adam":
        return torch.optim.Adam(parameters, stage.lr, weight_decay=decay)
    if stage.optimiser == "adamw":
        return torch.optim.AdamW(parameters, stage.lr, weight_decay=decay)
    raise InputError(f"there is no optimiser '{stage.optimiser}'; choose sgd, adam or adamw")


def _ranks() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _batches(
    stage: Stage,
    programme: Programme,
    key: tuple[int, int],
    start: int,
    rank: int,
    world: int,
    device: torch.device,
) -> Iterator[tuple[Batch, str]]:
    """Batches from step `start` on; the next one is drawn while the current one is used."""
    if stage.batch_size % world:
        raise InputError(
            f"a batch of {stage.batch_size} does not divide over {world} processes; "
            "change the batch size or the number of processes"
        )

    def draw(step: int) -> tuple[Batch, str]:
        kind = stage.kind(step)
        samples = [
            programme.sample(np.random.default_rng([*key, step, i]), kind)
            for i in range(rank, stage.batch_size, world)
        ]
        batch = {name: torch.stack([s[name] for s in samples]) for name in samples[0]}
        if device.type == "cuda":
            batch = {name: value.pin_memory() for name, value in batch.items()}
        return batch, kind

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(draw, start) if start < stage.steps else None
        for step in range(start, stage.steps):
            batch, kind = ahead.result()
            ahead = pool.submit(draw, step + 1) if step + 1 < stage.steps else None
            yield {n: v.to(device, non_blocking=True) for n, v in batch.items()}, kind
