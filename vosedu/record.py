"""How a tensor inside a network becomes visible.

    with record(model, "coattention.*") as tape:
        model(frame, reference)
    tape["coattention.affinity"]          # a list of detached tensors, in call order

The full name of what a module returns is the module's path, as `named_modules` gives it. A tensor
that no module returns gets a name inside `forward` by `x = tap("summary", x)`; its full name is
the path of the module whose `forward` is running, a dot, and that name (the name alone where no
module of the recorded model is running).

A recording belongs to its context (`contextvars`): a network that runs in another thread at the
same time is not recorded, not even the same network. Without a recorder there are no hooks, and a
tap costs one look-up of a context variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn


class Tape(Mapping[str, list[Tensor]]):
    """What was recorded: full name -> tensors in call order.

    Each is a copy outside the graph of gradients, so that an operation in place that follows
    (ReLU, often) does not change it, and so that it can be used outside `inference_mode`.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns
        self._tensors: dict[str, list[Tensor]] = {}
        self._running: list[str] = []  # paths of the modules whose forward is running

    def wants(self, name: str) -> bool:
        """Whether a tensor of this full name is recorded."""
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def enter(self, path: str) -> None:
        """The forward of the module at `path` begins."""
        self._running.append(path)

    def leave(self) -> None:
        """The forward that began last ends."""
        self._running.pop()

    def full_name(self, name: str) -> str:
        """The full name of a tap in the module whose forward is running."""
        return f"{self._running[-1]}.{name}" if self._running and self._running[-1] else name

    def add(self, name: str, x: Tensor) -> None:
        """Append a copy of a tensor under its full name."""
        with torch.inference_mode(False), torch.no_grad():
            self._tensors.setdefault(name, []).append(x.clone())

    def __getitem__(self, name: str) -> list[Tensor]:
        try:
            return self._tensors[name]
        except KeyError:
            recorded = ", ".join(sorted(self._tensors)) or "nothing"
            raise KeyError(f"no tensor named '{name}' was recorded; recorded: {recorded}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def clear(self) -> None:
        """Drop what was recorded so far; the recorder goes on."""
        self._tensors.clear()


_tape: ContextVar[Tape | None] = ContextVar("tape", default=None)


def tap(name: str, x: Tensor) -> Tensor:
    """Name a tensor that no module returns, and return it unchanged."""
    tape = _tape.get()
    if tape is not None and tape.wants(full := tape.full_name(name)):
        tape.add(full, x)
    return x


def recording() -> bool:
    """True inside `record`, in its context: a fused kernel then takes its explicit path."""
    return _tape.get() is not None


@contextmanager
def record(model: nn.Module, *patterns: str) -> Iterator[Tape]:
    """Record the tensors of `model` whose full names match one of `patterns` (all if none).

    Recorded are what named modules return and what `tap` names. Of a module that returns anything
    but one tensor (a tuple, a NamedTuple, a dict) nothing is recorded, and neither is what `model`
    itself returns, which the caller has. A module that runs several times gives several tensors.

    Patterns are shell style (`*`, which matches dots as well, `?`, `[...]`). Every match is
    copied: name what is needed rather than recording all of a large network. Raises RuntimeError
    inside another recorder of the same context.
    """
    if recording():
        raise RuntimeError("a recorder is already running; leave it before starting another")
    tape = Tape(patterns or ("*",))
    hooks = []
    for path, module in model.named_modules():
        enter, leave = _hooks(tape, path)
        hooks.append(module.register_forward_pre_hook(enter))
        hooks.append(module.register_forward_hook(leave, always_call=True))
    token = _tape.set(tape)
    try:
        yield tape
    finally:
        _tape.reset(token)
        for hook in hooks:
            hook.remove()


def _hooks(tape: Tape, path: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """Hooks around a module's forward that return None, so that inputs and outputs stay."""
    wanted = path != "" and tape.wants(path)

    def enter(_module: nn.Module, _inputs: object) -> None:
        if _tape.get() is tape:
            tape.enter(path)

    def leave(_module: nn.Module, _inputs: object, output: object) -> None:
        if _tape.get() is tape:
            tape.leave()
            if wanted and isinstance(output, Tensor):
                tape.add(path, output)

    return enter, leave
