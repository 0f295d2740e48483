"""Flow that lies on disk as pictures of the colour wheel, as the authors of the papers keep it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vosedu.clip import image_files, read_image
from vosedu.datasets.files import check_size, listing
from vosedu.errors import InputError
from vosedu.flow.wheel import WHEEL
from vosedu.lazy import LazySequence


class PicturedFlow(LazySequence[np.ndarray]):
    """A clip's fields, read when indexed: T - 1 of H x W x 2 float32, the longest vector of each 1.

    A picture tells the direction of a vector and its share of the picture's longest one, no length
    in pixels; the papers' networks see no more than that.

    folder: a picture of the Middlebury wheel, in RGB, for each frame but the last, the flow from it
    to the next. frames: the frames' files, whose names the pictures have. size: theirs, H x W.
    Raises InputError where a picture is missing or has another size.
    """

    def __init__(self, folder: Path, frames: Sequence[Path], size: tuple[int, int]) -> None:
        files = {path.stem: path for path in image_files(folder)} if folder.is_dir() else {}
        if absent := [path.stem for path in frames[:-1] if path.stem not in files]:
            raise InputError(
                f"{folder} lacks the flow pictures of {len(absent)} of {len(frames)} frames "
                f"({listing(absent, 3)}); put them there, or let the flow be estimated"
            )
        self._paths = [files[path.stem] for path in frames[:-1]]
        for path in self._paths:
            check_size(path, size, frames[0])

    def __len__(self) -> int:
        return len(self._paths)

    def item(self, index: int) -> np.ndarray:
        return from_colour(read_image(self._paths[index]))


def from_colour(picture: np.ndarray) -> np.ndarray:
    """The field that `vosedu.flow.to_colour` drew, in shares of its longest vector.

    picture: H x W x 3 uint8 RGB. Returns H x W x 2 float32. Exact but for the picture's 8 bits.
    """
    hue, saturation = _hue_and_saturation(picture)
    place = np.interp(hue, WHEEL_HUES, np.arange(len(WHEEL_HUES)))
    angle = 2 * np.pi * place / (len(WHEEL_HUES) - 1)
    field = saturation[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    return field.astype(np.float32)


def _hue_and_saturation(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H x W x 3 uint8 -> H x W hue in degrees from red over yellow on, H x W saturation in 0..1."""
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb, np.float32) / 255, cv2.COLOR_RGB2HSV)
    return hsv[..., 0], hsv[..., 1]


WHEEL_HUES = _hue_and_saturation(WHEEL[None])[0][0]
"""The hue of each colour of the wheel, rising."""
