"""The common start: an encoder that names what it sees, for all papers to begin with.

The papers start from encoders trained on ImageNet. On ToyVOS the stand-in is an encoder trained to
say for every pixel which kind of object it shows and in which colours (scenery is a kind as well).
`python -m vosedu.training.start` trains one and writes it to `data/checkpoints`; `load_start` puts
it into a paper's network.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu import toyvos
from vosedu.errors import InputError
from vosedu.nn import ASPP, Renaming, TinyEncoder, imagenet_rgb, load_weights
from vosedu.nn.vgg import VGG16
from vosedu.nn.weights import read_state
from vosedu.paths import data_dir
from vosedu.toyvos.names import COLOURS, KINDS, name_table
from vosedu.toyvos.pool import Pool
from vosedu.training.checkpoint import save_course
from vosedu.training.history import History
from vosedu.training.loading import Batch
from vosedu.training.loop import Loss, fit
from vosedu.training.recipe import Recipe, Stage, Step, digest

SCENERY = 0.1  # weight of scenery pixels, of which there are ten times as many


@dataclass(frozen=True)
class Config:
    """encoder: a name of `ENCODERS`."""

    encoder: str = "tiny"


class Naming(nn.Module):
    """An encoder, an ASPP where COSNet has one, and linear classifiers of its last maps.

    The classifiers of several maps (VGG: strides 8 and 16) are added, the coarser ones upsampled.
    """

    config: Config

    def __init__(self, encoder: nn.Module, aspp: ASPP | None, channels: Sequence[int]) -> None:
        super().__init__()
        self.encoder, self.aspp = encoder, aspp
        self.names = nn.ModuleList(nn.Conv2d(c, len(KINDS) + COLOURS, 1) for c in channels)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """B x 3 x H x W RGB, 0..255 -> logits of kinds and of colours, at half the size."""
        maps = self.encoder(imagenet_rgb(frames))
        if self.aspp is not None:
            maps = (self.aspp(maps[-1]),)
        half = [side // 2 for side in frames.shape[-2:]]
        logits: Any = sum(
            F.interpolate(head(x), half, mode="bilinear", align_corners=False)
            for head, x in zip(self.names, maps[-len(self.names) :])
        )
        return logits[:, : len(KINDS)], logits[:, len(KINDS) :]


def _tiny() -> Naming:
    encoder = TinyEncoder(output_stride=8)
    return Naming(encoder, ASPP(encoder.channels[-1], 32, 64, (2, 4, 6)), (64,))


def _vgg(width: float) -> Naming:
    encoder = VGG16(width, norm=True)
    return Naming(encoder, None, encoder.channels[3:])


ENCODERS = {
    "tiny": _tiny,  # COSNet's at course scale, with its ASPP
    "vgg-2/16": lambda: _vgg(2 / 16),  # DPA's at ablation scale
    "vgg-3/16": lambda: _vgg(3 / 16),  # DPA's at course scale
}


def build(config: Config) -> Naming:
    """The network that is trained."""
    if config.encoder not in ENCODERS:
        raise InputError(
            f"there is no encoder '{config.encoder}'; choose one of {', '.join(ENCODERS)}"
        )
    model = ENCODERS[config.encoder]()
    model.config = config
    return model


def recipe(steps: int = 2400) -> Recipe:
    """AdamW on crops of frames of two training pools."""
    naming = Stage(
        name="naming",
        data="passers-by+mixed",
        loss="names",
        steps=steps,
        batch_size=12,
        size=(80, 128),
        lr=3e-3,
        optimiser="adamw",
        weight_decay=1e-4,
        schedule="warm poly",
    )
    return Recipe((naming,))


@dataclass(frozen=True)
class Crops:
    """Draws training samples: crops of labelled frames of training pools, mirrored or not."""

    stage: Stage
    pools: Sequence[Pool]

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """`frame`: 3 x H x W, 0..255; `names`: kind and colour, 2 x H/2 x W/2."""
        pool = self.pools[int(rng.integers(len(self.pools)))]
        k = int(rng.integers(len(pool)))
        clip, t = pool[k], int(rng.choice(pool.times(k)))
        y, x = (int(rng.integers(a - b + 1)) for a, b in zip(clip.size, self.stage.size))
        turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
        crop = slice(y, y + self.stage.size[0]), slice(x, x + self.stage.size[1])
        frame = clip.frames[t][crop][:, turn]
        names = _table(pool, k)[clip.instances[t][crop][:, turn]][::2, ::2]
        return {
            "frame": torch.from_numpy(frame.transpose(2, 0, 1).astype(np.float32)),
            "names": torch.from_numpy(names.transpose(2, 0, 1).astype(np.int64)),
        }


@cache
def _table(pool: Pool, k: int) -> np.ndarray:
    return name_table(pool.plan(k))


def programme(stage: Stage) -> tuple[Crops, Loss]:
    """The samples and the loss of a stage."""
    pools: Any = [toyvos.split("pool", suite) for suite in stage.data.split("+")]
    return Crops(stage, pools), naming_loss


def naming_loss(model: nn.Module, batch: Batch, step: Step) -> Mapping[str, Tensor]:
    """Cross-entropy of kind and of colour, scenery weighted down."""
    terms = {}
    for number, (name, logits) in enumerate(zip(("kind", "colour"), model(batch["frame"]))):
        weight = torch.ones(logits.shape[1], device=logits.device)
        weight[0] = SCENERY
        terms[name] = F.cross_entropy(logits.float(), batch["names"][:, number], weight)
    return terms


@torch.inference_mode()
def measure(model: Naming, suite: str, split: str = "val", step: int = 4) -> dict[str, float]:
    """Per-pixel accuracy on every `step`-th frame of a split.

    kind, colour: share of the objects' pixels named rightly; object: share of all pixels for which
    scenery and object are told apart.
    """
    right, count = np.zeros(3), np.zeros(3)
    for clip in toyvos.split(split, suite):
        scene: Any = clip.scene  # every clip of a split has one
        table = name_table(scene)
        times = range(0, len(clip), step)
        frames = np.stack([clip.frames[t] for t in times]).transpose(0, 3, 1, 2)
        truth = table[np.stack([clip.instances[t] for t in times])[:, ::2, ::2]]  # B h w 2
        kind, colour = (x.argmax(1).numpy() for x in model(torch.from_numpy(frames).float()))
        objects = truth[..., 0] > 0
        for number, hit in enumerate((kind == truth[..., 0], colour == truth[..., 1])):
            right[number] += hit[objects].sum()
            count[number] += objects.sum()
        right[2] += ((kind > 0) == objects).sum()
        count[2] += objects.size
    return dict(zip(("kind", "colour", "object"), (right / count).round(4).tolist()))


def checkpoint(encoder: str = "tiny") -> Path:
    """Where the trained start with that encoder lies."""
    return data_dir("checkpoints") / f"start-{encoder.replace('/', '-')}.pt"


def load_start(
    module: nn.Module, encoder: str = "tiny", part: str = "", rename: Renaming | None = None
) -> None:
    """Load a trained start, or the part of it with that name, into a module, strictly.

    load_start(model.embedding) fills encoder and ASPP of a course-scale COSNet,
    load_start(stream.encoder, "vgg-3/16", "encoder") the encoder of a course-scale DPA. rename:
    the start's names -> the module's, for one that runs the encoder's stages by other names.
    """
    state = read_state(checkpoint(encoder))
    state = {name: value for name, value in state.items() if not name.startswith("names.")}
    if part:
        state = {
            name.removeprefix(f"{part}."): value
            for name, value in state.items()
            if name.startswith(f"{part}.")
        }
    load_weights(module, state, rename=rename)


def command(encoder: str, steps: int, seed: int) -> str:
    """The command that trains a start."""
    return f"python -m vosedu.training.start --encoder {encoder} --steps {steps} --seed {seed}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a start, measure it, write it."""
    parser = argparse.ArgumentParser(prog="python -m vosedu.training.start", description=__doc__)
    parser.add_argument("--encoder", choices=ENCODERS, default="tiny")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=data_dir("checkpoints"), help="folder")
    parser.add_argument("--runs", type=Path, help="folder for the state of an interrupted run")
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    model, plan = build(Config(options.encoder)), recipe(options.steps)

    def tell(history: History) -> None:
        if len(history) % 100 == 0:
            terms = {name: history.column(name)[-100:].mean() for name in ("kind", "colour")}
            said = ", ".join(f"{name} {value:.3f}" for name, value in terms.items())
            print(f"step {len(history)} of {options.steps}: {said}", flush=True)

    _, history = fit(model, plan, programme, seed=options.seed, folder=options.runs, on_step=tell)
    about = {
        "command": command(options.encoder, options.steps, options.seed),
        "config": asdict(model.config),
        "recipe": asdict(plan),
        "hashes": {"config": digest(model.config), "recipe": digest(plan)},
        "data": toyvos.VERSION,
        "seed": options.seed,
        "steps": len(history),
        "seconds": round(history.seconds, 1),
        "val": {suite: measure(model, suite) for suite in ("passers-by", "mixed", "turns")},
    }
    name = checkpoint(options.encoder).stem
    path = save_course(options.out, name, model, history, about)
    print(json.dumps(about["val"], indent=1))
    print(f"{len(history)} steps in {history.seconds:.0f} s\nweights: {path}")


if __name__ == "__main__":
    main()
