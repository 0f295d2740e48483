"""`vosedu vot`: follow objects under the VOT challenge's toolkit, which starts this command.

The toolkit and the tracker are two processes that speak TraX, a protocol over standard input and
output: the first frame comes with the regions of the objects, each further one with those of new
objects, and every frame is answered with one mask per object. Frames arrive one by one, so that
nothing can be read ahead. In the toolkit's trackers.ini:

    [DeAOT]
    protocol = trax
    command = vosedu vot --method deaot --skip 4 --long-frames 8
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from vosedu.commands import methods
from vosedu.commands.common import Arguments, Commands
from vosedu.errors import InputError

METHOD = "deaot"


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "vot",
        "follow objects as a tracker of the VOT toolkit, which starts this command",
        "vot --method deaot --skip 4 --long-frames 8",
    )
    methods.add_network(p, commands, METHOD)
    p.set_defaults(data=None)


def run(arguments: Arguments) -> None:
    """Answer the toolkit's requests until it ends the session."""
    from vosedu.papers.deaot.inference import Session
    from vosedu.papers.deaot.network import DeAOT

    try:
        import trax
    except ImportError as error:
        raise InputError(
            "the package vot-trax, which speaks with the toolkit, is not installed; "
            "pip install 'vosedu[vot]'"
        ) from error
    model = methods.load(arguments)
    if not isinstance(model, DeAOT):
        raise InputError(
            f"{arguments.method} follows no given objects frame by frame; choose --method {METHOD}"
        )
    inference = methods.inference(model, arguments)
    sys.stdout.flush()  # what was printed so far must not run into the protocol's lines
    regions = [trax.Region.RECTANGLE, trax.Region.POLYGON, trax.Region.MASK]
    formats = [trax.Image.PATH]
    with trax.Server(regions, formats, tracker_name="vosedu", multiobject=True) as server:
        while (request := server.wait()).type in ("initialize", "frame"):
            frame, new = _picture(request), [region for region, _ in request.objects or ()]
            if request.type == "initialize":
                session, count = Session(model, inference), len(new)
                ids = session.start(frame, numbered(new, frame.shape[:2]))
            else:
                given = numbered(new, frame.shape[:2], count) if new else None
                ids, count = session.step(frame, given), count + len(new)
            server.status([(trax.Mask.create(mask), {}) for mask in masks_of(ids, count)])


def numbered(regions: Iterable[Any], size: tuple[int, int], before: int = 0) -> np.ndarray:
    """The toolkit's regions of some objects as ids, H x W uint8.

    The n-th region has the id before + n; where two overlap, the later one holds. Parts outside
    the frame are left out.
    """
    ids = np.zeros(size, np.uint8)
    for number, region in enumerate(regions, before + 1):
        if number > 254:
            raise InputError(
                f"the toolkit names object {number}; at most 254 objects can be followed"
            )
        ids[inside(region, size)] = number
    return ids


def inside(region: Any, size: tuple[int, int]) -> np.ndarray:
    """The pixels of a frame that a mask, a polygon or a rectangle of the toolkit covers."""
    import cv2

    covered = np.zeros(size, np.uint8)
    if region.type == "mask":
        x, y = region.offset()
        mask = region.array()
        rows, columns = np.nonzero(mask)
        rows, columns = rows + y, columns + x
        kept = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
        covered[rows[kept], columns[kept]] = 1
    elif region.type == "polygon":
        cv2.fillPoly(covered, [np.rint(list(region)).astype(np.int32)], 1)
    else:
        left, top, width, height = region.bounds()
        covered[_span(top, height), _span(left, width)] = 1
    return covered > 0


def _span(start: float, length: float) -> slice:
    """The pixels of a side of a rectangle, to the nearest, from the frame's edge on."""
    return slice(max(round(start), 0), max(round(start + length), 0))


def masks_of(ids: np.ndarray, count: int) -> Sequence[np.ndarray]:
    """Ids, H x W -> one mask for each of `count` objects, H x W uint8 of 0 and 1."""
    return [(ids == number).astype(np.uint8) for number in range(1, count + 1)]


def _picture(request: Any) -> np.ndarray:
    """The colour frame of a request, H x W x 3 uint8 RGB."""
    from vosedu.clip import read_image

    return read_image(request.image["color"].path())
