"""The training loop that all papers share."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from vosedu.errors import InputError
from vosedu.paths import downloads_dir
from vosedu.training.checkpoint import is_finite, load_state, save_state
from vosedu.training.frozen import frozen
from vosedu.training.history import History
from vosedu.training.loading import Batch, Sample, batches
from vosedu.training.recipe import Recipe, Stage, Step, digest

Loss = Callable[[nn.Module, Batch, Step], Mapping[str, Tensor]]


def fit(
    model: nn.Module,
    recipe: Recipe,
    programme: Callable[[Stage], tuple[Sample, Loss]],
    *,
    convert: Callable[[nn.Module, Stage], nn.Module] | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    folder: str | Path | None = None,
    save_every: int = 200,
    on_step: Callable[[History], None] | None = None,
    until: str | None = None,
    workers: int = 0,
) -> tuple[nn.Module, History]:
    """Train a network through all stages of `recipe`.

    model: the network of the first stage, with its initial weights.
    programme(stage): the two functions that a stage trains with. sample(rng, step) draws one
        sample, name -> tensor without batch axis. loss(model, batch, step) gives loss terms by
        name; their sum is minimised. Where sample.repeats is true, pictures come again unchanged,
        and what a stage has frozen is kept on disk, in `frozen` where downloads go.
    convert(model, stage): the network that `stage` trains, made from the one that the stage before
        it left; None: every stage trains the same network.
    folder: where `state.pt` and `history.csv` go, every `save_every` steps and after each stage. A
        run whose folder holds a state of the same recipe, network, seed and initial weights goes
        on from there, on a CPU bit-identically. Of a run that diverged to NaN the last state is
        returned, so that it can be scored; one with steps left is refused.
    on_step: called after every step; an exception in it (or Ctrl-C) stops the run, which can be
        resumed from the last save.
    until: stop after the stage of that name. workers: processes that draw samples ahead.

    Returns the network of the last stage, in evaluation mode, and the history. On a GPU the
    forward pass runs under bf16 autocast, channels last.

    Under `torchrun` each process takes its share of every batch. Losses that are a mean over
    samples, with frozen BatchNorm, give the one-process gradients; BatchNorm statistics are per
    process, and losses normalised over the batch (COSNet's released one) see their share only.
    """
    if seed < 0:
        raise InputError(f"the seed is {seed}; give 0 or more")
    device = torch.device(device)
    rank, world = _ranks()
    names = [stage.name for stage in recipe.stages]
    if until is not None and until not in names:
        raise InputError(f"the recipe has no stage '{until}'; it has {', '.join(names)}")
    run = digest(recipe, getattr(model, "config", None), seed, _digest_of_weights(model))
    at = Path(folder) / "state.pt" if folder else None
    resumed = _resumed(at, run)
    if resumed and _steps_left(recipe, resumed, until) and not is_finite(resumed):
        raise InputError(
            f"{at} holds NaN or infinite values after {len(resumed['rows'])} steps: the training "
            "diverged or the file is damaged; delete it to start again, or choose another folder"
        )
    history = History(resumed["rows"], resumed["seconds"]) if resumed else History()
    for number, stage in enumerate(recipe.stages):
        if convert is not None:
            model = convert(model, stage)
        if resumed and number < resumed["stage"]:
            if stage.name == until:
                raise InputError(
                    f"the run in {at} has gone past the stage '{until}'; choose another folder"
                )
            continue
        model.to(device)
        if device.type == "cuda":
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        sample, loss = programme(stage)
        kept = downloads_dir() / "frozen" if getattr(sample, "repeats", False) else None
        with frozen(model, stage.frozen, kept) as fixed:
            runner = _StageRunner(model, stage, loss, device, fixed)
            if resumed and number == resumed["stage"]:
                runner.restore(resumed)
            began = time.perf_counter() - history.seconds
            for batch in batches(
                sample,
                stage,
                (seed, number),
                start=runner.step,
                share=(rank, world),
                device=device,
                workers=workers,
            ):
                step = stage.step(runner.step)
                terms = runner.advance(batch, step)
                history.rows.append(
                    {"stage": stage.name, "step": runner.step, "kind": step.kind, **terms}
                )
                history.seconds = time.perf_counter() - began
                done = runner.step == stage.steps
                if at is not None and rank == 0 and (done or runner.step % save_every == 0):
                    about = {"run": run, "stage": number, "rows": history.rows}
                    save_state(at, **about, seconds=history.seconds, **runner.state())
                    history.to_csv(at.with_name("history.csv"))
                if on_step:
                    on_step(history)
            runner.finish()
        if stage.name == until:
            break
    return model.eval(), history


class _StageRunner:
    """Optimisers, average and step counter of one stage."""

    def __init__(
        self,
        model: nn.Module,
        stage: Stage,
        loss: Loss,
        device: torch.device,
        frozen: Sequence[nn.Module],
    ) -> None:
        self.model, self.stage, self.device, self.step = model, stage, device, 0
        self.objective: nn.Module = _Objective(model, loss)
        if torch.distributed.is_initialized():
            self.objective = DistributedDataParallel(self.objective, find_unused_parameters=True)
        self.dealt = stage.parameters(model)
        self.optimisers = [
            _optimiser(stage, parameters, group.weight_decay * stage.weight_decay)
            for group, parameters in self.dealt
        ]
        self.trained = [p for _, parameters in self.dealt for p in parameters]
        norms = [
            module
            for name, module in model.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            and stage.frozen_norms
            and re.match(stage.frozen_norms, name)
        ]
        self.fixed = [*frozen, *norms]
        self.average = None if stage.ema is None else _average(model, stage.ema)

    def advance(self, batch: Batch, step: Step) -> dict[str, float]:
        """One step; the loss and its terms."""
        self.model.train()
        for module in self.fixed:
            module.eval()
        self.model.zero_grad(set_to_none=True)
        cuda = self.device.type == "cuda"
        with torch.autocast("cuda", torch.bfloat16) if cuda else nullcontext():
            terms = self.objective(batch, step)
        loss = torch.stack([term.float() for term in terms.values()]).sum()
        loss.backward()
        if self.stage.clip_gradient is not None:
            nn.utils.clip_grad_norm_(self.trained, self.stage.clip_gradient)
        for (group, _), optimiser in zip(self.dealt, self.optimisers):
            optimiser.param_groups[0]["lr"] = self.stage.learning_rate(group, step.number)
            for _ in range(group.updates):
                optimiser.step()
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(self.model)
        return {"loss": loss.item(), **{name: term.item() for name, term in terms.items()}}

    def finish(self) -> None:
        """Put the averaged weights, if there are any, into the network."""
        if self.average is not None:
            self.model.load_state_dict(self.average.module.state_dict())

    def state(self) -> dict[str, Any]:
        """What `restore` needs: plain values and tensors."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "average": None if self.average is None else self.average.state_dict(),
            "random": torch.get_rng_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        torch.set_rng_state(state["random"])


class _Objective(nn.Module):
    """Network and loss as one module, so that distributed training sees one forward pass."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        return dict(self.loss(self.model, batch, step))


def _average(model: nn.Module, decay: float) -> AveragedModel:
    """The moving average of the parameters, `model`'s own at first; buffers are `model`'s."""

    def towards(average: Tensor, weight: Tensor, update: Tensor | int) -> Tensor:
        return average.lerp(weight, 1 - min(decay, (1 + int(update)) / (10 + int(update))))

    average = AveragedModel(model, avg_fn=towards)
    average.update_parameters(model)  # the first update copies
    return average


def _optimiser(stage: Stage, parameters: list[nn.Parameter], decay: float) -> torch.optim.Optimizer:
    if stage.optimiser == "sgd":
        return torch.optim.SGD(parameters, stage.lr, momentum=stage.momentum, weight_decay=decay)
    if stage.optimiser == "adam":
        return torch.optim.Adam(parameters, stage.lr, weight_decay=decay)
    return torch.optim.AdamW(parameters, stage.lr, weight_decay=decay)


def _ranks() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _digest_of_weights(model: nn.Module) -> str:
    content = hashlib.blake2b(digest_size=8)
    for name, value in model.state_dict().items():
        content.update(name.encode())
        content.update(value.detach().cpu().contiguous().numpy().tobytes())
    return content.hexdigest()


def _resumed(at: Path | None, run: str) -> dict[str, Any] | None:
    """The state saved at `at`, None without one; InputError for that of another run."""
    if at is None:
        return None
    at.parent.mkdir(parents=True, exist_ok=True)
    if not at.is_file():
        return None
    state = load_state(at)
    if state["run"] != run:
        raise InputError(
            f"{at} belongs to another recipe, network, seed or initial weights; "
            "choose another folder or delete it"
        )
    return state


def _steps_left(recipe: Recipe, state: Mapping[str, Any], until: str | None) -> bool:
    """Whether training goes on after this state."""
    stage = recipe.stages[state["stage"]]
    last = stage.name == until or state["stage"] == len(recipe.stages) - 1
    return not last or state["step"] < stage.steps
