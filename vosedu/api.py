"""What `import vosedu` gives: load, segment, evaluate, dataset."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vosedu import metrics, toyvos
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import load_weights
from vosedu.papers.contract import FrameResult, Paper
from vosedu.paths import data_dir

KEYS = ("cosnet", "dpa")


def paper(key: str | Paper) -> Paper:
    """The paper of that key."""
    if isinstance(key, Paper):
        return key
    if key not in KEYS:
        raise InputError(f"there is no paper '{key}' here; choose one of {', '.join(KEYS)}")
    return import_module(f"vosedu.papers.{key}").PAPER


def papers() -> dict[str, Paper]:
    """All papers by key."""
    return {key: paper(key) for key in KEYS}


def paper_of(model: nn.Module) -> Paper:
    """The paper whose network `model` is."""
    for key in KEYS:
        if isinstance(getattr(model, "config", None), paper(key).Config):
            return paper(key)
    raise InputError(
        f"{type(model).__name__} is not a network of this package; "
        "make one with vosedu.load or a paper's build()"
    )


def load(
    key: str,
    weights: str | Path | None = "course",
    *,
    config: Any = None,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """A paper's network in evaluation mode.

    weights: "course" (embedded, trained by us on ToyVOS), "released" (the authors', fetched with
    `vosedu weights get KEY`), a path to a file of either kind, or None for random weights.
    config: the configuration to build; by default the one the weights were made with, as
    `vosedu train` notes it beside them.
    """
    chosen = paper(key)
    if weights is None or weights == "course" or Path(weights).suffix == ".pt":
        if weights == "course":
            weights = data_dir("checkpoints") / f"{key}.pt"
        config = config or _noted_config(chosen, weights) or chosen.Config.paper().scaled("course")
        model = chosen.build(config)
        if weights is not None:
            load_weights(model, weights)
    else:
        if chosen.released.load is None:
            raise InputError(f"no weights were released for {key}: {chosen.released.reason}")
        config = config or chosen.Config.released()
        model = chosen.build(config)
        chosen.released.load(model, None if weights == "released" else weights)
    return model.to(device).eval()


def _noted_config(chosen: Paper, weights: str | Path | None) -> Any:
    note = Path(weights).with_suffix(".json") if weights is not None else None
    if note is None or not note.is_file():
        return None
    fields = json.loads(note.read_text())["config"]
    return chosen.Config(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    )


def segment(
    model: nn.Module,
    clip: Clip,
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Any = None,
) -> Iterator[FrameResult]:
    """Segment a clip frame by frame, streaming, on the device the model is on.

    given: frame index -> H x W ids, for semi-supervised methods. inference: the paper's Inference;
    by default as the paper describes it.
    """
    chosen = paper_of(model)
    return chosen.segment(model, clip, given=given, inference=inference or chosen.Inference.paper())


def evaluate(
    model: nn.Module,
    clips: Sequence[Clip],
    *,
    protocol: str = "toyvos",
    temporal: bool | Collection[str] = False,
    inference: Any = None,
) -> metrics.Scores:
    """Segment and score clips: J and F per sequence, frame and attribute.

    protocol: a name of `metrics.PROTOCOLS`. temporal: also T, of all sequences or of those named.
    """

    def masks(clip: Clip) -> dict[int, np.ndarray]:
        return {r.index: r.mask for r in segment(model, clip, inference=inference)}

    return metrics.evaluate(masks, clips, protocol=protocol, temporal=temporal)


def dataset(name: str, split: str = "val", **options: Any) -> Sequence[Clip]:
    """Clips of a data set: "toyvos" (option `suite`), or a real one where it has been put.

    vosedu.dataset("toyvos", split="val"); vosedu.dataset("davis16", split="val", root="DAVIS")
    """
    if name == "toyvos":
        return toyvos.split(split, **options)
    from vosedu import datasets

    return datasets.open_dataset(name, split=split, **options)
