"""Training states and course checkpoints: files of tensors and plain values, never pickled code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.training.history import History
from vosedu.writing import replacing, write_text


def save_state(path: str | Path, **state: Any) -> None:
    """Write a training state so that an interruption leaves the previous one intact."""
    with replacing(path) as partial, partial.open("wb") as file:
        torch.save(state, file)


def load_state(path: str | Path) -> dict[str, Any]:
    """Read a file written by `save_state`; nothing in it is executed."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as a training state ({type(error).__name__}); "
            "delete it to start again, or choose another folder"
        ) from error
    if not isinstance(state, dict) or "run" not in state:
        raise InputError(f"{path} is not a training state; choose another folder or delete it")
    return state


def is_finite(state: Any) -> bool:
    """Whether a tensor, or all tensors in nested mappings and lists, have neither NaN nor inf."""
    if isinstance(state, Tensor):
        return bool(state.isfinite().all())
    if isinstance(state, Mapping):
        return all(map(is_finite, state.values()))
    return not isinstance(state, list | tuple) or all(map(is_finite, state))


def save_course(
    folder: str | Path, name: str, model: nn.Module, history: History, about: dict[str, Any]
) -> Path:
    """Write a course checkpoint: `name.pt` (float16 weights), `name.json` (`about`), `name.csv`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        key: value.detach().cpu().half() if value.is_floating_point() else value.cpu()
        for key, value in model.state_dict().items()
    }
    path = folder / f"{name}.pt"
    with replacing(path) as partial, partial.open("wb") as file:
        torch.save(weights, file)
    write_text(path.with_suffix(".json"), json.dumps(about, indent=1, sort_keys=True) + "\n")
    history.to_csv(path.with_suffix(".csv"))
    return path
