"""The options of a method: which weights, and every field of its paper's Inference."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from vosedu.commands.common import Arguments, Commands, add_device, unread

DEFAULT_METHOD = "cosnet"
_FIELD = "inference."  # begins the names of parsed options that are fields


def add_network(
    p: argparse.ArgumentParser, commands: Commands, default: str = DEFAULT_METHOD
) -> None:
    """--method, --weights and --device, and the method's own options where it is known."""
    p.add_argument(
        "--method",
        default=default,
        metavar="KEY",
        help=f"the paper (default: {default}); --help lists the options of the one named",
    )
    p.add_argument(
        "--weights",
        help="davis-small (for real video), course (for ToyVOS), released, or a file (default: the "
        "first where the method has it and the clips are not ToyVOS's, else course)",
    )
    p.add_argument(
        "--decision",
        metavar="NAME",
        help="where masks are cut out of probabilities: half, or expected, frame by frame where "
        "the J to be expected is largest (default: as the embedded weights say, else half)",
    )
    add_device(p)
    if commands.method is not None:
        from vosedu import api

        add_fields(p, api.paper(commands.method))


def add_fields(p: argparse.ArgumentParser, paper: Any) -> None:
    """One option for each field of the paper's Inference, unless the command has it already."""
    group = p.add_argument_group(
        f"options of {paper.name}", "defaults: as the paper, or as released with released weights"
    )
    hints, texts = get_type_hints(paper.Inference), descriptions(paper.Inference)
    for field in fields(paper.Inference):
        with contextlib.suppress(argparse.ArgumentError):
            group.add_argument(
                f"--{field.name.replace('_', '-')}",
                dest=_FIELD + field.name,
                help=texts.get(field.name, "").replace("%", "%%"),
                **_reading(hints[field.name], field.metadata.get("given")),
            )


def changes(arguments: Arguments) -> dict[str, Any]:
    """The fields of Inference that the command line gives, by name."""
    return {
        name.removeprefix(_FIELD): tuple(value) if isinstance(value, list) else value
        for name, value in vars(arguments).items()
        if name.startswith(_FIELD) and value is not None
    }


def refuse_changes(arguments: Arguments, names: Iterable[str], why: str) -> None:
    """InputError where one of these fields of Inference was given but would not be read."""
    given = changes(arguments)
    for name in names:
        if name in given:
            raise unread(f"--{name.replace('_', '-')}", why)


def inference(model: Any, arguments: Arguments) -> Any:
    """How a network predicts, in the form of its weights, with the changes that were asked for."""
    from vosedu import api
    from vosedu.nn import crf

    changed = replace(api.inference_of(model), **changes(arguments))
    if getattr(changed, "crf", None) is not None and not crf.has_lattice():
        print(
            "note: without the extra 'crf' the CRF is computed exactly, which takes seconds a "
            "frame; pip install 'vosedu[crf]' makes it fast",
            file=sys.stderr,
        )
    return changed


def load(arguments: Arguments) -> Any:
    """The network that `--method`, `--weights` and `--device` name; says which weights it took."""
    from vosedu import api
    from vosedu.commands.common import device

    if arguments.weights is None:
        arguments.weights = weights_for(arguments.method, arguments.data)
        print(f"weights: {arguments.weights}, {WEIGHTS[arguments.weights]}")
    model = api.load(arguments.method, arguments.weights, device=device(arguments.device))
    if arguments.decision is not None:
        model.__dict__["decision"] = arguments.decision
    return model


WEIGHTS = {
    "davis-small": "a small network trained on real video (DAVIS 2016)",
    "course": "a small network trained on the rendered clips of ToyVOS",
}
"""What the embedded weights are."""


def weights_for(key: str, data: str | None) -> str:
    """The embedded weights that are the default for a method on a data set; None: own videos."""
    from vosedu import api

    return api.weights_for(api.paper(key).key, rendered=data == "toyvos")


def descriptions(kind: type) -> dict[str, str]:
    """The entries `name: text` of a docstring, each on one line."""
    entries = re.findall(r"^(\w+): (.*(?:\n[ ]+.*)*)", inspect.getdoc(kind) or "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _reading(hint: Any, given: Any = None) -> dict[str, Any]:
    """How argparse reads a field of that type; TypeError for one that no option can give.

    given: what the bare option of a field of settings stands for; None: the type's defaults.
    """
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    kind = kinds[0] if NoneType in get_args(hint) and len(kinds) == 1 else hint
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if kind in (int, float, str):
        return {"type": kind}
    if get_origin(kind) is tuple:
        count = "+" if Ellipsis in get_args(kind) else len(get_args(kind))
        return {"type": get_args(kind)[0], "nargs": count}
    if isinstance(kind, type) and is_dataclass(kind):
        return {"action": "store_const", "const": given or kind()}
    raise TypeError(f"a field of type {hint} cannot be an option of the command line")
