"""The masks that a semi-supervised method starts from, on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vosedu.commands import methods
from vosedu.commands.common import Arguments, Commands
from vosedu.errors import InputError


def add_masks(p: argparse.ArgumentParser, commands: Commands) -> None:
    """Options for the first masks, where the method needs one."""
    if commands.method is None:
        return
    from vosedu import api

    if "mask" not in api.paper(commands.method).needs:
        return
    group = p.add_argument_group(
        "what to follow", "one of these; without any, the first mask of the clip's own labels"
    )
    group.add_argument(
        "--first-mask", type=Path, metavar="FILE", help="mask of the first frame, indexed or grey"
    )
    group.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="FRAME=FILE",
        help="mask of objects that appear in that frame (counted from 0); may be repeated",
    )
    group.add_argument(
        "--first-from",
        metavar="KEY",
        help="start from what this unsupervised paper predicts",
    )


def masks_of(clip: Any, arguments: Arguments) -> Mapping[int, Any] | None:
    """Frame -> H x W uint8 ids that the method is given; None for a method that needs none.

    InputError: a file that is no mask of this clip, a frame that the clip does not have, two masks
    of one frame, or no mask at all.
    """
    from vosedu.metrics import PROTOCOLS

    if "first_mask" not in arguments:
        return None
    if arguments.first_from and arguments.first_mask:
        raise InputError("give --first-mask or --first-from, not both")
    given: dict[int, Any] = {}
    if arguments.first_from:
        given[0] = _predicted(clip, arguments)
    named = [(0, arguments.first_mask)] if arguments.first_mask else []
    for index, file in [*named, *map(_frame_and_file, arguments.mask)]:
        if index in given:
            raise InputError(f"frame {index} has two masks; give one file with all its objects")
        given[index] = _read(clip, index, file)
    if not given and len(clip.labels):
        return PROTOCOLS["youtube-vos"].given(clip)
    if not given:
        raise InputError(
            f"{arguments.method} follows the objects of a mask and '{clip.name}' has none; give "
            "--first-mask FILE, or --first-from KEY to start from another paper's prediction"
        )
    return given


def _frame_and_file(text: str) -> tuple[int, Path]:
    frame, _, file = text.partition("=")
    if not frame.isdecimal() or not file:
        raise InputError(f"--mask {text} names no frame and file; write --mask 12=ball.png")
    return int(frame), Path(file)


def _read(clip: Any, index: int, file: Path) -> Any:
    from vosedu.clip import read_mask

    if not index < len(clip):
        raise InputError(
            f"{file} is for frame {index}, but '{clip.name}' has {len(clip)} frames, from 0 on"
        )
    ids = read_mask(file)
    if ids.shape != clip.size:
        raise InputError(
            f"the mask {file} is {ids.shape[1]} x {ids.shape[0]} but '{clip.name}' is "
            f"{clip.size[1]} x {clip.size[0]}; resize it with nearest neighbour"
        )
    if not ids.any():
        raise InputError(f"the mask {file} holds no object; mark the objects with ids from 1 on")
    return ids


def _predicted(clip: Any, arguments: Arguments) -> Any:
    """What an unsupervised paper's embedded network finds in the first frame."""
    from vosedu import api
    from vosedu.commands.common import device

    paper = api.paper(arguments.first_from)
    if "mask" in paper.needs:
        raise InputError(f"{paper.name} needs a first mask itself; name an unsupervised paper")
    weights = methods.weights_for(paper.key, arguments.data)
    model = api.load(paper.key, weights, device=device(arguments.device))
    mask = next(iter(api.segment(model, clip))).mask
    if not mask.any():
        raise InputError(
            f"{paper.name} finds no object in the first frame of '{clip.name}'; give --first-mask"
        )
    return mask
