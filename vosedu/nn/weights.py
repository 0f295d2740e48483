"""Loading weights strictly, readably, and without ever executing a pickle."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from vosedu.errors import InputError

_WRAPPERS = ("model", "state_dict", "model_state_dict", "network", "net")
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class LoadReport:
    """What was loaded: entries taken, counters the file did not have, entries listed as unused."""

    loaded: int
    absent_counters: int
    unused: tuple[str, ...]


class Renaming:
    """The authors' entry names -> ours, by prefix; as `rename` of `load_weights`.

    pairs: their prefix and ours. The first pair that fits a name decides; a name that none fits
    stays as it is.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    def name(self, name: str) -> str:
        """One entry's name."""
        for theirs, ours in self.pairs:
            if name.startswith(theirs):
                return ours + name.removeprefix(theirs)
        return name

    def __call__(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict (without `module.`) under our names."""
        return {self.name(name): value for name, value in state.items()}


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint file, `module.` prefixes stripped.

    A dict that wraps it under "model", "state_dict", "model_state_dict", "network" or "net" is
    unwrapped. Only tensors and plain containers are read (`weights_only=True`). Raises InputError
    for anything else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no checkpoint file {path}; check the path")
    try:
        with warnings.catch_warnings():  # about pickles of a kind that is refused anyway
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path} is not a file of plain tensors and was not opened, because reading it could "
            "run code hidden in it; save the network's state_dict and give that file"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}): it is damaged, "
            "incomplete or of another kind; fetch it again"
        ) from None
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    return tensors_of(content, str(path))


def tensors_of(state: object, where: str) -> dict[str, Tensor]:
    """`state` as name -> tensor with `module.` prefixes stripped; InputError if it is not that."""
    if (
        not isinstance(state, Mapping)
        or not state
        or not all(isinstance(value, Tensor) for value in state.values())
    ):
        raise InputError(f"{where} holds no state dict (names and tensors); give one that does")
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def load_weights(
    model: nn.Module,
    path_or_state: str | Path | Mapping[str, Tensor],
    *,
    rename: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
    unused: tuple[str, ...] = (),
) -> LoadReport:
    """Load every parameter and buffer of `model`, strictly, or raise InputError and load none.

    `path_or_state` is a checkpoint file or a state dict. `rename` maps the file's state dict to
    the model's names. `unused` lists names, or prefixes ending in a dot, that the file may hold
    and the model does not; names are the file's own. BatchNorm's `num_batches_tracked` may be
    absent.
    """
    if isinstance(path_or_state, Mapping):
        where, given = "the state dict", tensors_of(path_or_state, "the given mapping")
    else:
        where, given = str(path_or_state), read_state(path_or_state)
    skipped = tuple(name for name in given if _listed(name, unused))
    state = {name: value for name, value in given.items() if name not in set(skipped)}
    state = rename(state) if rename else state

    wanted = model.state_dict()
    missing = [n for n in wanted if n not in state and not n.endswith(_COUNTER)]
    unexpected = [n for n in state if n not in wanted]
    misshaped = [n for n in state if n in wanted and state[n].shape != wanted[n].shape]
    if missing or unexpected or misshaped:
        shapes = [f"{n} {tuple(state[n].shape)} for {tuple(wanted[n].shape)}" for n in misshaped]
        faults = "; ".join(
            f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
            for what, names in (
                ("missing", missing),
                ("unexpected", unexpected),
                ("of another shape", shapes),
            )
            if names
        )
        raise InputError(
            f"{where} does not fit {type(model).__name__}, it looks like a checkpoint of another "
            f"network: of {len(wanted)} entries {faults}; choose the configuration it was made "
            "with, or another file"
        )
    absent = {n: wanted[n] for n in wanted if n not in state}
    model.load_state_dict({**state, **absent})
    return LoadReport(len(state), len(absent), skipped)


def _listed(name: str, unused: tuple[str, ...]) -> bool:
    return any(
        name == entry or (entry.endswith(".") and name.startswith(entry)) for entry in unused
    )
