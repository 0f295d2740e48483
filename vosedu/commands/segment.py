"""`vosedu segment`: masks and an overlay video, of one's own clip or of a data set's sequences."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vosedu.commands import given, methods
from vosedu.commands.clips import add_clips, clips_of
from vosedu.commands.common import Arguments, Commands, progress
from vosedu.errors import InputError


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "segment",
        "segment a video file, a folder of frames, or sequences of a data set",
        "segment holiday.mp4 --method cosnet --references 5 --out runs/holiday",
    )
    p.add_argument("path", metavar="VIDEO_OR_FOLDER", type=Path, nargs="?")
    add_clips(p, None)
    p.add_argument("--out", type=Path, help="output folder (default: runs/ and the clip's name)")
    p.add_argument("--overwrite", action="store_true", help="replace an earlier result")
    methods.add_network(p, commands)
    given.add_masks(p, commands)


def run(arguments: Arguments) -> None:
    """Write OUT/masks/CLIP/FRAME.png (indexed) and OUT/overlays/CLIP.mp4 for every clip.

    The masks are in the layout that `vosedu evaluate --masks OUT/masks` reads.
    """
    from vosedu.clip import output_folder

    clips, name = _clips(arguments)
    out = arguments.out or Path("runs") / name
    model = methods.load(arguments)
    with output_folder(out, "vosedu segment", ("masks", "overlays"), arguments.overwrite) as beside:
        arguments.kept = f"the masks so far are in {beside / 'masks'}"
        for clip in clips:
            _segment(model, clip, beside, arguments)
    print(f"masks: {out / 'masks'}\nvideo: {out / 'overlays'}")


def _clips(arguments: Arguments) -> tuple[Any, str]:
    """What to segment, and a name for it all."""
    from vosedu.clip import Clip

    if (arguments.path is None) == (arguments.data is None):
        raise InputError(
            "name a video or a folder of frames, or a data set: vosedu segment holiday.mp4, or "
            "vosedu segment --data davis16"
        )
    if arguments.path is None:
        return clips_of(arguments), f"{arguments.data}-{arguments.method}"
    clip = Clip.read(arguments.path)
    return [clip], clip.name


def _segment(model: Any, clip: Any, out: Path, arguments: Arguments) -> None:
    """One clip's masks and video."""
    from vosedu import api
    from vosedu.clip import VideoWriter, write_mask
    from vosedu.figures.overlay import overlay

    masks, video = out / "masks" / clip.name, out / "overlays" / f"{clip.name}.mp4"
    masks_given = given.masks_of(clip, arguments)
    inference = methods.inference(model, arguments)
    began = time.perf_counter()
    results: Iterator[Any] = api.segment(model, clip, given=masks_given, inference=inference)
    for folder in (masks, video.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with VideoWriter(video, clip.fps) as writer:
        for result, frame in progress(zip(results, clip.frames), len(clip), "frames"):
            write_mask(masks / f"{clip.stems[result.index]}.png", result.mask)
            writer.write(overlay(frame, result.mask))
    seconds = time.perf_counter() - began
    height, width = clip.size
    print(f"{clip.name}: {len(clip)} frames of {width} x {height} in {seconds:.1f} s")
