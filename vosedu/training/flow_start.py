"""The start for pictures of flow: an encoder that tells things from scenery by their motion.

The encoder of `vosedu.training.start` knows frames. This one, of the same shape, is trained on
ToyVOS to mark in the picture of a frame's flow every object, whichever is the subject; what rests
it cannot see. `python -m vosedu.training.flow_start` trains it and writes it to
`data/checkpoints`; `load_flow_start` puts it into a paper's encoder of flow pictures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu import flow, toyvos
from vosedu.nn import TinyEncoder, load_weights
from vosedu.nn.weights import read_state
from vosedu.paths import data_dir
from vosedu.toyvos.render import ToyClip
from vosedu.training.checkpoint import save_course
from vosedu.training.data import mirrored, open_data
from vosedu.training.history import History
from vosedu.training.loading import Batch
from vosedu.training.loop import Loss, fit
from vosedu.training.recipe import Recipe, Stage, Step, digest

NAME = "start-flow"
METHOD = "dis-medium"


@dataclass(frozen=True)
class Config:
    """width: channels of the encoder's first stage."""

    width: int = 16


class MovingThings(nn.Module):
    """The tiny encoder of output stride 8 and a linear classifier of its last map."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = TinyEncoder(config.width, output_stride=8)
        self.head = nn.Conv2d(self.encoder.channels[-1], 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """B x 3 x H x W flow pictures, 0..1 -> logits of "a thing", at half the size."""
        half = [side // 2 for side in pictures.shape[-2:]]
        logits = self.head(self.encoder(pictures)[-1])
        return F.interpolate(logits, half, mode="bilinear", align_corners=False)


def recipe(steps: int = 600) -> Recipe:
    """AdamW on flow pictures, estimated by DIS, of two suites' training clips."""
    stage = Stage(
        name="things",
        data=f"toyvos/mixed/train@{METHOD}+toyvos/turns/train@{METHOD}",
        loss="cross-entropy",
        steps=steps,
        batch_size=6,
        size=(96, 160),
        lr=3e-3,
        optimiser="adamw",
        weight_decay=1e-4,
        schedule="warm poly",
    )
    return Recipe((stage,))


@dataclass(frozen=True)
class Pictures:
    """Draws flow pictures of clips with their objects, mirrored or not."""

    clips: Sequence[ToyClip]

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """`flow`: 3 x H x W, 0..1; `things`: 1 x H/2 x W/2, 0 or 1."""
        clip = self.clips[int(rng.integers(len(self.clips)))]
        t = int(rng.integers(len(clip) - 1))
        picture = flow.to_colour(flow.of(clip)[t])
        picture, things = mirrored(rng, picture, clip.instances[t] > 0)
        return {
            "flow": torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32)) / 255,
            "things": torch.from_numpy(things[None, ::2, ::2].astype(np.float32)),
        }


def programme(stage: Stage) -> tuple[Pictures, Loss]:
    """The samples and the loss of a stage."""
    return Pictures(open_data(stage.data)), things_loss


def things_loss(model: nn.Module, batch: Batch, step: Step) -> Mapping[str, Tensor]:
    """Cross-entropy of "a thing", every pixel alike."""
    logits = model(batch["flow"]).float()
    return {"things": F.binary_cross_entropy_with_logits(logits, batch["things"])}


@torch.inference_mode()
def measure(model: MovingThings, suite: str, split: str = "val", step: int = 4) -> float:
    """Intersection over union of "a thing" on every `step`-th frame of a split, all together."""
    both = either = 0
    for clip in open_data(f"toyvos/{suite}/{split}@{METHOD}"):
        for t in range(0, len(clip) - 1, step):
            picture = flow.to_colour(flow.of(clip)[t]).transpose(2, 0, 1)
            said = model(torch.from_numpy(picture).float()[None] / 255)[0, 0].numpy() > 0
            truth = clip.instances[t][::2, ::2] > 0
            both, either = both + (said & truth).sum(), either + (said | truth).sum()
    return round(float(both / max(either, 1)), 4)


def checkpoint() -> Path:
    """Where the trained start lies."""
    return data_dir("checkpoints") / f"{NAME}.pt"


def load_flow_start(encoder: nn.Module) -> None:
    """Load the trained encoder into one of the same names and shapes, strictly."""
    state = read_state(checkpoint())
    load_weights(
        encoder,
        {n.removeprefix("encoder."): v for n, v in state.items() if n.startswith("encoder.")},
    )


def command(steps: int, seed: int) -> str:
    """The command that trains the start."""
    return f"python -m vosedu.training.flow_start --steps {steps} --seed {seed}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the start, measure it, write it."""
    parser = argparse.ArgumentParser(
        prog="python -m vosedu.training.flow_start", description=__doc__
    )
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=data_dir("checkpoints"), help="folder")
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    model, plan = MovingThings(Config()), recipe(options.steps)

    def tell(history: History) -> None:
        if len(history) % 100 == 0:
            loss = history.column("loss")[-100:].mean()
            print(f"step {len(history)} of {options.steps}: {loss:.3f}", flush=True)

    _, history = fit(model, plan, programme, seed=options.seed, on_step=tell)
    about = {
        "command": command(options.steps, options.seed),
        "config": asdict(model.config),
        "recipe": asdict(plan),
        "hashes": {"config": digest(model.config), "recipe": digest(plan)},
        "data": toyvos.VERSION,
        "seed": options.seed,
        "steps": len(history),
        "seconds": round(history.seconds, 1),
        "val": {suite: measure(model, suite) for suite in ("mixed", "turns")},
    }
    path = save_course(options.out, NAME, model, history, about)
    print(json.dumps(about["val"], indent=1))
    print(f"{len(history)} steps in {history.seconds:.0f} s\nweights: {path}")


if __name__ == "__main__":
    main()
