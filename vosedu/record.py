"""How a tensor inside a network becomes visible.

Inside a network, `x = tap("affinity", x)` names a tensor worth seeing. Outside,

    with record(model, "coattention.*") as tape:
        model(frame, reference)
    tape["coattention.affinity"]          # a list of detached tensors, in call order

A tensor's full name is the path of the module whose `forward` is running, a dot, and the tap's
name. Without a recorder a tap costs one test of a global.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TypeVar

import torch
from torch import nn

T = TypeVar("T")

_tape: Tape | None = None


class Tape(Mapping[str, list[torch.Tensor]]):
    """What a recorder heard: full tap name -> tensors in call order, detached."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns
        self._heard: dict[str, list[torch.Tensor]] = {}
        self._path: list[str] = []

    def _hear(self, name: str, tensor: torch.Tensor) -> None:
        full = f"{self._path[-1]}.{name}" if self._path and self._path[-1] else name
        if any(fnmatchcase(full, pattern) for pattern in self._patterns):
            self._heard.setdefault(full, []).append(tensor.detach())

    def __getitem__(self, name: str) -> list[torch.Tensor]:
        try:
            return self._heard[name]
        except KeyError:
            heard = ", ".join(sorted(self._heard)) or "nothing"
            raise KeyError(f"no tensor named '{name}' was recorded; heard: {heard}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._heard)

    def __len__(self) -> int:
        return len(self._heard)

    def clear(self) -> None:
        """Forget what was heard so far; the recorder goes on."""
        self._heard.clear()


def tap(name: str, x: T) -> T:
    """Name a tensor worth seeing and return it unchanged."""
    if _tape is not None:
        _tape._hear(name, x)
    return x


def recording() -> bool:
    """True while somebody records: a fused kernel then takes its explicit path."""
    return _tape is not None


def _keep_path(tape: Tape, path: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """Hooks that return None, so that inputs and outputs stay what they are."""

    def enter(_module: nn.Module, _inputs: object) -> None:
        tape._path.append(path)

    def leave(_module: nn.Module, _inputs: object, _output: object) -> None:
        tape._path.pop()

    return enter, leave


@contextmanager
def record(model: nn.Module, *patterns: str) -> Iterator[Tape]:
    """Record the tapped tensors of `model` whose full names match one of `patterns` (all if none).

    Patterns are shell style (`*`, `?`, `[...]`). Recorders do not nest.
    """
    global _tape
    if _tape is not None:
        raise RuntimeError("a recorder is already running; leave it before starting another")
    tape = Tape(patterns or ("*",))
    hooks = []
    for path, module in model.named_modules():
        enter, leave = _keep_path(tape, path)
        hooks.append(module.register_forward_pre_hook(enter))
        hooks.append(module.register_forward_hook(leave, always_call=True))
    _tape = tape
    try:
        yield tape
    finally:
        _tape = None
        for hook in hooks:
            hook.remove()
