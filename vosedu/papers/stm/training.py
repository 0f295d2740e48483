"""How a small STM is trained on ToyVOS: three frames of a clip, the first with its mask.

As Oh et al. train on videos: the memory of a predicted frame keeps its gradient, so that the
network learns from its own soft masks. The authors released no training code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.nn.initial import initialised
from vosedu.papers.stm.network import STM, Config, SpaceTimeMemory, aggregate, build, others_of
from vosedu.training import Batch, History, Loss, Recipe, Sample, Stage, Step, fit
from vosedu.training.data import labelled, open_data

FRAMES, DRAWS = 3, 50
DATA = "toyvos/similar-objects/pool+toyvos/mixed/pool"


def recipe(profile: str = "course") -> Recipe:
    """The recipe of a profile: "quick", "ablate" or "course"; there is no full one."""
    steps = {"quick": 2, "ablate": 200, "course": 400}
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
    return Recipe((stage,))


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
        objects = rng.permutation(_objects(clip.labels[first]))[: self.most]
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
            firsts = [t for t in times[: 1 - FRAMES] if _objects(clip.labels[t])]
            if firsts:
                return clip, times, firsts
        raise InputError(
            f"of {DRAWS} clips none has an object in a labelled frame that {FRAMES - 1} labelled "
            "frames follow; train on other clips"
        )


def _objects(ids: np.ndarray) -> list[int]:
    return [int(i) for i in np.unique(ids) if i not in (0, VOID)]


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
    """Train on triples of frames from random weights; see `vosedu.training.fit`."""

    def programme(stage: Stage) -> tuple[Sample, Loss]:
        return Triples(data(stage.data)), _loss

    return fit(
        initialised(build(config), seed),
        recipe,
        programme,
        seed=seed,
        device=device,
        folder=folder,
        on_step=on_step,
    )
