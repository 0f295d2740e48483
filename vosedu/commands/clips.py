"""Which clips of a data set a command works on: its options, and what they name."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from vosedu.commands.common import Arguments, refuse
from vosedu.errors import InputError

OPTIONS = ("--split", "--suite", "--root", "--resolution", "--sequences", "--present-only")
"""Those that go with --data."""


def add_clips(p: argparse.ArgumentParser, default: str | None) -> None:
    """--data and the options that go with it."""
    p.add_argument(
        "--data",
        default=default,
        help="toyvos, a name from vosedu data list, or a folder of your own videos and masks"
        + (f" (default: {default})" if default else ""),
    )
    p.add_argument("--split", help="of the data set (default: val, or the one it has)")
    p.add_argument("--suite", help="of ToyVOS (default: mixed)")
    p.add_argument("--root", type=Path, help="folder of a real data set")
    p.add_argument("--resolution", help="of DAVIS (default: 480p)")
    p.add_argument("--sequences", nargs="+", metavar="NAME", help="only these sequences")
    p.add_argument("--present-only", action="store_true", help="leave out absent sequences")


def clips_of(arguments: Arguments) -> Sequence[Any]:
    """The clips that the options of `add_clips` name; says what part of the split they are.

    With --masks and --present-only a sequence without masks counts as absent.
    """
    from vosedu import api, datasets
    from vosedu.datasets.registry import REGISTRY

    wanted = {"suite": arguments.suite, "root": arguments.root, "resolution": arguments.resolution}
    options = {name: value for name, value in wanted.items() if value is not None}
    if (arguments.present_only or arguments.sequences) and _may_be_partial(arguments.data):
        options["present_only"] = True
    usual = REGISTRY[arguments.data].default_split if arguments.data in REGISTRY else "val"
    split, arguments.split = arguments.split, arguments.split or usual
    clips: Sequence[Any]
    if arguments.data not in REGISTRY and Path(arguments.data).is_dir():
        if options or split:
            raise InputError(
                f"{arguments.data} is a folder of your own, which has no "
                f"--{next(iter(options), 'split')}; leave it out"
            )
        clips = datasets.folder(arguments.data)
    elif arguments.data not in (*REGISTRY, "toyvos"):
        raise InputError(
            f"there is neither a data set nor a folder '{arguments.data}'; name a folder, toyvos, "
            f"or one of {', '.join(REGISTRY)}"
        )
    else:
        clips = api.dataset(arguments.data, split=arguments.split, **options)
    masks = getattr(arguments, "masks", None)
    if masks is None and not _may_be_partial(arguments.data):
        refuse(arguments, ("--present-only",), f"on {arguments.data}, where no sequence is absent")
    absent = list(getattr(clips, "missing", ()))
    names = names_of(clips)
    whole = len(names) + len(absent)
    if arguments.sequences:
        if unknown := [name for name in arguments.sequences if name not in names]:
            raise InputError(
                f"{arguments.data} {arguments.split} has no sequence {', '.join(unknown)} here; it "
                f"has {_listing(names)}"
            )
        names, absent = list(dict.fromkeys(arguments.sequences)), []
    if masks is not None and arguments.present_only:
        absent += [name for name in names if not (masks / name).is_dir()]
        names = [name for name in names if name not in absent]
        if not names:
            raise InputError(f"{masks} has no masks of any sequence; give each a subfolder")
    if len(names) < whole:
        print(
            f"{len(names)} of the {whole} sequences of {arguments.data} {arguments.split}"
            + (f"; {len(absent)} missing: {_listing(absent)}" if absent else "")
        )
    return picked(clips, names)


def names_of(clips: Sequence[Any]) -> list[str]:
    """The names of clips, without decoding them where the data set lists them."""
    names = getattr(clips, "names", None)
    return [clip.name for clip in clips] if names is None else list(names)


def picked(clips: Sequence[Any], names: Collection[str]) -> Sequence[Any]:
    """The clips of these names, opened when indexed where the data set can."""
    if len(names) == len(clips):
        return clips
    if hasattr(clips, "pick"):
        return clips.pick(names)
    number = {name: index for index, name in enumerate(names_of(clips))}
    return [clips[number[name]] for name in names]


def _may_be_partial(data: str) -> bool:
    from vosedu.datasets.registry import REGISTRY

    return data in REGISTRY and REGISTRY[data].partial


def _listing(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
