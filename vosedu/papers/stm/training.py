"""How a small STM is trained on ToyVOS: three frames of a clip, the first with its mask.

As Oh et al. train on videos: the memory of a predicted frame keeps its gradient, so that the
network learns from its own soft masks. The authors released no training code.
`python -m vosedu.papers.stm.training` trains the embedded network.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu import toyvos
from vosedu.clip import Clip, objects_of
from vosedu.errors import InputError
from vosedu.nn import Renaming, TinyEncoder, load_weights
from vosedu.nn.initial import initialised
from vosedu.papers.stm.network import STM, Config, SpaceTimeMemory, aggregate, build, others_of
from vosedu.paths import data_dir
from vosedu.training import (
    Batch,
    History,
    Loss,
    Recipe,
    Sample,
    Stage,
    Step,
    digest,
    fit,
    save_course,
)
from vosedu.training.data import labelled, open_data
from vosedu.training.start import load_start

FRAMES, DRAWS = 3, 50
DATA = "toyvos/similar-objects/pool+toyvos/mixed/pool"


def recipe(profile: str = "course") -> Recipe:
    """The recipe of a profile: "quick", "ablate" or "course"; there is no full one."""
    steps = {"quick": 2, "ablate": 200, "course": 500}
    if profile not in steps:
        known = ", ".join(steps)
        raise InputError(f"STM has no recipe for the profile '{profile}'; choose one of {known}")
    stage = Stage(
        name="main",
        data=DATA,
        loss="cross-entropy",
        steps=steps[profile],
        batch_size=4 if profile != "quick" else 2,
        size=(96, 160),
        lr=1e-3,
        optimiser="adam",
        weight_decay=0.0,
        schedule="cosine",
    )
    return Recipe((stage,), initial="" if profile == "quick" else "common start")


@dataclass(frozen=True)
class Triples:
    """Draws three labelled frames of a clip in time order; the objects are those of the first.

    `frames` 3 x 3 x H x W in 0..1, `ids` 3 x H x W int64, 1 to O; at most `most` objects.
    """

    clips: Sequence[Clip]
    most: int = 3

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """One sample: name -> tensor without batch axis."""
        clip, times, firsts = self._drawn(rng)
        first = firsts[int(rng.integers(len(firsts)))]
        after = [t for t in times if t > first]
        chosen = [first, *sorted(rng.choice(after, FRAMES - 1, replace=False).tolist())]
        objects = rng.permutation(objects_of(clip.labels[first]))[: self.most]
        turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
        ids = [_renumbered(clip.labels[t], objects)[:, turn] for t in chosen]
        frames = [clip.frames[t][:, turn] for t in chosen]
        pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)  # T H W 3 -> T 3 H W
        # contiguous: PyTorch 2.13 crashes in the backward pass of frames[owner] with other strides
        return {
            "frames": pixels.float().contiguous() / 255,
            "ids": torch.from_numpy(np.stack(ids)),
        }

    def _drawn(self, rng: np.random.Generator) -> tuple[Clip, list[int], list[int]]:
        """A clip, its labelled frames, and those with objects that two labelled ones follow."""
        for _ in range(DRAWS):
            clip = self.clips[int(rng.integers(len(self.clips)))]
            times = labelled(clip)
            firsts = [t for t in times[: 1 - FRAMES] if objects_of(clip.labels[t])]
            if firsts:
                return clip, times, firsts
        raise InputError(
            f"of {DRAWS} clips none has an object in a labelled frame that {FRAMES - 1} labelled "
            "frames follow; train on other clips"
        )


def _renumbered(ids: np.ndarray, objects: Sequence[int]) -> np.ndarray:
    found = np.zeros(ids.shape, np.int64)
    for number, each in enumerate(objects, 1):
        found[ids == each] = number
    return found


def follow(model: STM, frames: Tensor, ids: Tensor) -> Tensor:
    """Segment the later frames of each clip from its first mask, as a mean cross-entropy.

    frames: B x T x 3 x H x W in 0..1, sides divisible by 16. ids: B x T x H x W. Frames of all
    clips pass the encoders together, so that BatchNorm sees a batch.
    """
    clips, length = frames.shape[:2]
    r2, r3, r4 = model.query_encoder(frames[:, 1:].flatten(0, 1))  # B T-1 3 H W -> B(T-1) C h w
    queries = model.query_kv(r4)
    counts = [int(each[0].max()) for each in ids]
    owner = [clip for clip, count in enumerate(counts) for _ in range(count)]
    masks = [F.one_hot(each[0], n + 1).movedim(-1, 0)[1:].float() for each, n in zip(ids, counts)]
    memories: list[list[SpaceTimeMemory]] = [[] for _ in range(clips)]
    terms = []
    for t in range(1, length):
        others = torch.cat([others_of(each) for each in masks]).unsqueeze(1)
        latest = model.memorise_objects(frames[owner, t - 1], torch.cat(masks).unsqueeze(1), others)
        keys, values = latest.key.split(counts), latest.value.split(counts)
        for clip in range(clips):
            memories[clip].append(SpaceTimeMemory(keys[clip], values[clip]))
            at = clip * (length - 1) + t - 1
            query = SpaceTimeMemory(queries.key[at : at + 1], queries.value[at : at + 1])
            read = model.read(memories[clip], query)
            logits = model.decoder(read, r3[at : at + 1], r2[at : at + 1])
            planes = aggregate(logits.float().softmax(1)[:, 1])  # O 2 H W -> 11 H W
            terms.append(F.cross_entropy(planes[None], ids[clip, t][None]))
            masks[clip] = planes.softmax(0)[1 : counts[clip] + 1]
    return torch.stack(terms).mean()


def _loss(model: STM, batch: Batch, step: Step) -> dict[str, Tensor]:
    return {"mask": follow(model, batch["frames"], batch["ids"])}


def train(
    config: Config,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
    folder: str | Path | None = None,
    data: Callable[[str], Sequence[Clip]] = open_data,
    on_step: Callable[[History], None] | None = None,
) -> tuple[nn.Module, History]:
    """Train on triples of frames; see `started` and `vosedu.training.fit`."""

    def programme(stage: Stage) -> tuple[Sample, Loss]:
        return Triples(data(stage.data)), _loss

    return fit(
        started(build(config), seed, recipe.initial),
        recipe,
        programme,
        seed=seed,
        device=device,
        folder=folder,
        on_step=on_step,
    )


def started(model: STM, seed: int, initial: str = "") -> STM:
    """Give a network, in place, the weights that a run starts from, a function of `seed`.

    initial: "": random ones. "common start": in both encoders the tiny one that was trained to
    name what it sees in ToyVOS. Raises InputError where it does not fit.
    """
    initialised(model, seed)
    if initial not in ("", "common start"):
        raise InputError(f"STM knows no start '{initial}'; choose 'common start' or none")
    if initial:
        start = TinyEncoder()
        load_start(start, "tiny", "encoder")
        for encoder in (model.memory_encoder, model.query_encoder):
            load_weights(encoder, {**encoder.state_dict(), **TO_STREAM(start.state_dict())})
    return model


TO_STREAM = Renaming(
    [
        ("stage1.", "stem."),
        ("stage2.", "stages.0."),
        ("stage3.", "stages.1."),
        ("stage4.", "stages.2."),
    ]
)
"""The names of the tiny encoder -> those of a stream of three stages."""


# The embedded network ----------------------------------------------------------------------------

NAME = "stm"


def checkpoint() -> Path:
    """Where the trained network lies."""
    return data_dir("checkpoints") / f"{NAME}.pt"


def load_course(device: str | torch.device = "cpu") -> STM:
    """The embedded STM, in evaluation mode; raises InputError without its file."""
    model = build(Config().scaled("course"))
    load_weights(model, checkpoint())
    return model.to(device).eval()


def command(steps: int, seed: int) -> str:
    """The command that trains it."""
    return f"python -m vosedu.papers.stm.training --steps {steps} --seed {seed}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a course STM and write it with its log and a note."""
    parser = argparse.ArgumentParser(
        prog="python -m vosedu.papers.stm.training", description="Train the embedded STM."
    )
    parser.add_argument("--steps", type=int, default=recipe("course").stages[0].steps)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=data_dir("checkpoints"), help="folder")
    parser.add_argument("--runs", type=Path, help="folder for the state of an interrupted run")
    options = parser.parse_args(arguments)
    config, plan = Config().scaled("course"), recipe("course").change(steps=options.steps)

    def tell(history: History) -> None:
        if len(history) % 50 == 0:
            loss = history.column("mask")[-50:].mean()
            print(f"step {len(history)} of {options.steps}: loss {loss:.3f}", flush=True)

    model, history = train(config, plan, seed=options.seed, folder=options.runs, on_step=tell)
    about = {
        "command": command(options.steps, options.seed),
        "config": asdict(config),
        "recipe": asdict(plan),
        "hashes": {"config": digest(config), "recipe": digest(plan)},
        "data": f"{plan.stages[0].data} ({toyvos.PIXELS})",
        "seed": options.seed,
        "steps": len(history),
        "seconds": round(history.seconds, 1),
    }
    path = save_course(options.out, NAME, model, history, about)
    print(f"{len(history)} steps in {history.seconds:.0f} s\nweights: {path}")


if __name__ == "__main__":
    main()
