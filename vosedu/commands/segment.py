"""`vosedu segment`: masks and an overlay video, of one's own clips or of a data set's sequences."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Any

from vosedu.commands import given, methods
from vosedu.commands.clips import OPTIONS, add_clips, clips_of
from vosedu.commands.common import Arguments, Commands, progress, refuse
from vosedu.errors import InputError

WRITER = "vosedu segment"
METHOD = "dpa"  # the best of the embedded networks on real video


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "segment",
        "segment video files, folders of frames, or sequences of a data set",
        "segment holiday.mp4 --method cosnet --references 5 --out runs/holiday",
    )
    p.add_argument(
        "paths", metavar="VIDEO_OR_FOLDER", nargs="*", help='one or several; "clips/*.mp4" too'
    )
    add_clips(p, None)
    p.add_argument("--out", type=Path, help="output folder (default: runs/ and the clip's name)")
    p.add_argument("--overwrite", action="store_true", help="replace earlier results")
    p.add_argument("--fps", type=float, help="frames per second of the overlay video")
    p.add_argument(
        "--soft",
        type=int,
        choices=(8, 16),
        metavar="BITS",
        help="also write probabilities, as grey PNG of 8 or 16 bits",
    )
    methods.add_network(p, commands, METHOD)
    given.add_masks(p, commands)


def run(arguments: Arguments) -> None:
    """Write OUT/masks/CLIP/FRAME.png (indexed) and OUT/overlays/CLIP.mp4 for every clip.

    The masks are in the layout that `vosedu evaluate --masks OUT/masks` reads. Of several clips,
    those whose result is there already are left out, so that a stopped command can be repeated.
    """
    from vosedu import api
    from vosedu.clip import output_folder, written

    if arguments.fps is not None and not 0 < arguments.fps <= 1000:
        raise InputError(f"--fps {arguments.fps:g} is no frame rate; give one such as 24")
    clips, name = _clips(arguments)
    out = arguments.out or Path("runs") / name
    model = methods.load(arguments)
    inference = methods.inference(model, arguments)
    settings = f"{arguments.method}, {arguments.weights}, {model.decision}, {inference}"
    done = written(out, WRITER) if len(clips) > 1 and not arguments.overwrite else {}
    for clip in clips:
        parts = _parts(clip.name, arguments)
        if all(done.get(part) == settings for part in parts):
            print(f"{clip.name}: done already, left as it is")
            continue
        masks_given = given.masks_of(clip, arguments)
        results = api.segment(model, clip, given=masks_given, inference=inference)
        with output_folder(out, WRITER, parts, arguments.overwrite, settings) as beside:
            arguments.kept = f"the masks so far are in {beside / 'masks'}"
            _write(results, clip, [beside / part for part in parts], arguments)
    print(f"masks: {out / 'masks'}\nvideo: {out / 'overlays'}")


def _parts(name: str, arguments: Arguments) -> list[str]:
    """What is written for a clip, relative to the output folder."""
    soft = [f"soft/{name}"] if arguments.soft else []
    return [f"masks/{name}", f"overlays/{name}.mp4", *soft]


def _clips(arguments: Arguments) -> tuple[Sequence[Any], str]:
    """What to segment, and a name for it all."""
    from vosedu.clip import Clip

    if bool(arguments.paths) == (arguments.data is not None):
        raise InputError(
            "name a video or a folder of frames, or a data set: vosedu segment holiday.mp4, or "
            "vosedu segment --data davis16"
        )
    if arguments.data == "toyvos":
        why = "on ToyVOS, whose clips bring their flow"
        methods.refuse_changes(arguments, ("flow", "flow_cache"), why)
    if not arguments.paths:
        return clips_of(arguments), f"{arguments.data}-{arguments.method}"
    refuse(arguments, OPTIONS, "on videos and folders of your own; it goes with --data")
    paths = [each for path in arguments.paths for each in _matching(path)]
    clips = [Clip.read(path) for path in paths]
    names = [clip.name for clip in clips]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(
            f"two of the inputs are called '{twice}' and would share a folder of masks; segment "
            "them one by one with an --out each"
        )
    return clips, names[0] if len(names) == 1 else arguments.method


def _matching(path: str) -> list[str]:
    """The files that a pattern with wildcards names; a path without any is itself."""
    if Path(path).exists() or not any(sign in path for sign in "*?["):
        return [path]
    if not (found := sorted(glob(path))):
        raise InputError(f"no file or folder matches {path}; check the pattern")
    return found


def _write(results: Iterator[Any], clip: Any, paths: Sequence[Path], arguments: Arguments) -> None:
    """One clip's masks, video and probabilities, at the paths of its parts."""
    from vosedu.clip import VideoWriter, write_mask
    from vosedu.figures.overlay import overlay

    masks, video, *soft = paths
    for folder in (masks, video.parent, *soft):
        folder.mkdir(parents=True, exist_ok=True)
    stems = clip.stems
    began = time.perf_counter()
    with VideoWriter(video, arguments.fps or clip.fps) as writer:
        for result, frame in progress(zip(results, clip.frames), len(clip), "frames"):
            name = f"{stems[result.index]}.png"
            write_mask(masks / name, result.mask)
            for folder in soft:
                _write_soft(folder / name, result, arguments.soft)
            writer.write(overlay(frame, result.mask))
    seconds = time.perf_counter() - began
    height, width = clip.size
    print(f"{clip.name}: {len(clip)} frames of {width} x {height} in {seconds:.1f} s")


def _write_soft(path: Path, result: Any, bits: int) -> None:
    """A probability as a grey PNG, 0 for 0 and the largest value for 1."""
    import numpy as np
    from PIL import Image

    if result.probability is None:
        raise InputError("this method gives labels and no probability; leave --soft out")
    kind = np.uint8 if bits == 8 else np.uint16
    levels = np.rint(result.probability * np.iinfo(kind).max).astype(kind)
    Image.fromarray(levels).save(path)
