"""Parts of a network that a stage does not train: what they compute is computed once and kept.

A frozen module runs in evaluation mode, its parameters get no gradient, and so what it makes of a
picture never changes. With a folder, its outputs go to files and are read when the same picture
comes again; without one the same code computes them at every step.

Kept outputs pay only for pictures that come again: whole frames, mirrored or not. Random crops and
colours never repeat, so augmentation and kept outputs exclude each other: the loop keeps them only
for samples that say that they repeat (`repeats`, in the papers the augmentation "mirror").
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.writing import replacing


def frozen_modules(model: nn.Module, pattern: str) -> dict[str, nn.Module]:
    """The outermost modules whose full names match the regular expression, by name."""
    parts: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in parts)
        if name and not inside and re.fullmatch(pattern, name):
            parts[name] = module
    if not parts:
        raise InputError(f"no part of the network is called '{pattern}'; nothing can be frozen")
    return parts


@contextmanager
def frozen(model: nn.Module, pattern: str, folder: Path | None) -> Iterator[list[nn.Module]]:
    """Freeze the modules that `pattern` names; "" names none. Afterwards all is as it was.

    folder: where their outputs are kept; None keeps none. Yields the frozen modules, which the
    caller puts into evaluation mode.
    """
    modules = list(frozen_modules(model, pattern).values()) if pattern else []
    held = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in held:
        parameter.requires_grad_(False)
    if folder is not None:
        for module in modules:
            module.forward = KeptOutputs(module, folder)
    try:
        yield modules
    finally:
        for module in modules:
            module.__dict__.pop("forward", None)
        for parameter in held:
            parameter.requires_grad_(True)


Output = np.ndarray | tuple[np.ndarray, ...]


class KeptOutputs:
    """A frozen module's `forward` that computes each sample once.

    Called with a batch, B x ..., and further plain arguments, as the module itself; the module
    returns a tensor or a tuple of tensors, each with B in front. A sample's file is named by what
    decides its content: the module's weights and source, the arguments, and the sample's values;
    `folder` can be deleted at any time. What a trained part has touched (it requires a gradient)
    changes from step to step and is computed, not kept. Outputs are float32.
    """

    def __init__(self, module: nn.Module, folder: Path) -> None:
        self._forward = module.forward
        self._folder = folder / _identity(module)

    def __call__(self, x: Tensor, *args: Any, **options: Any) -> Tensor | tuple[Tensor, ...]:
        if x.requires_grad:
            return self._forward(x, *args, **options)
        paths = [self._path(sample, args, options) for sample in x.detach().cpu()]
        stored = {path: kept for path in paths if (kept := _read(path)) is not None}
        new = [path for path in dict.fromkeys(paths) if path not in stored]
        if new:
            with torch.no_grad():
                out = self._forward(x[[paths.index(path) for path in new]], *args, **options)
            for number, path in enumerate(new):
                stored[path] = _sample_of(out, number)
                _write(path, stored[path])
        outputs = [stored[path] for path in paths]
        columns = list(zip(*(o if isinstance(o, tuple) else (o,) for o in outputs)))
        stacked = tuple(torch.from_numpy(np.stack(column)).to(x.device) for column in columns)
        return stacked if isinstance(outputs[0], tuple) else stacked[0]

    def _path(self, sample: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> Path:
        """Where the outputs of a sample lie, without number and suffix."""
        content = hashlib.sha1(repr((args, sorted(options.items()))).encode())
        content.update(str(tuple(sample.shape)).encode())
        content.update(np.ascontiguousarray(sample.numpy()).data)
        name = content.hexdigest()
        return self._folder / name[:2] / name[2:]


def _sample_of(out: Tensor | tuple[Tensor, ...], number: int) -> Output:
    """One sample of a module's outputs."""
    if isinstance(out, Tensor):
        return out[number].float().cpu().numpy()
    return tuple(part[number].float().cpu().numpy() for part in out)


def _read(path: Path) -> Output | None:
    """What `_write` wrote; None where nothing is, or nothing whole."""
    whole = _load(Path(f"{path}.npy"))
    if whole is not None:
        return whole
    parts: list[np.ndarray] = []
    while (part := _load(Path(f"{path}.{len(parts)}.npy"))) is not None:
        parts.append(part)
    return tuple(parts) or None


def _load(path: Path) -> np.ndarray | None:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None


def _write(path: Path, output: Output) -> None:
    """One file, or one for each part, the first at the end: where it lies, all lie."""
    if isinstance(output, np.ndarray):
        return _save(Path(f"{path}.npy"), output)
    for number in reversed(range(len(output))):
        _save(Path(f"{path}.{number}.npy"), output[number])


def _save(path: Path, array: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, sync=False) as partial, partial.open("wb") as file:
            np.save(file, array)
    except OSError as error:
        raise InputError(
            f"what frozen modules compute cannot be kept in {path.parent} ({error.strerror}); "
            "free some space, what was stored so far stays"
        ) from error


def _identity(module: nn.Module) -> str:
    """Digest of a module's layers, weights and source files."""
    content = hashlib.sha1(repr(module).encode())
    for name, value in module.state_dict().items():
        content.update(name.encode())
        content.update(value.detach().cpu().contiguous().numpy().tobytes())
    homes = {type(part).__module__ for part in module.modules()}
    for home in sorted(name for name in homes if name.startswith("vosedu.")):
        content.update(inspect.getsource(sys.modules[home]).encode())
    return content.hexdigest()[:16]
