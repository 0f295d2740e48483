"""Short videos made of still images: the object moves over the rest of its own picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vosedu.clip import VOID, Clip
from vosedu.datasets.stills import Stills
from vosedu.lazy import LazySequence

LENGTH = 3  # frames of a clip
MARGIN = 0.05  # of each side: what the camera's motion uncovers is cut off
HOLE_SIDE = 64  # pixels of the longer side at which the hole behind the object is filled


class MovingStills(LazySequence[Clip]):
    """A clip of each still image, as data for networks that read optical flow.

    The picture moves as a whole, as under a moving camera, and its object moves besides, at a
    constant speed, is turned and scaled. What the object leaves is filled with colours from around
    it. Clip k depends on `seed` and k alone. The clips have no flow of their own; estimate it.

    stills: pairs (H x W x 3 uint8 RGB, H x W uint8 ids). All objects of a picture move as one.
    """

    def __init__(self, stills: Stills, length: int = LENGTH, seed: int = 0) -> None:
        self.stills, self.length, self.seed = stills, length, seed

    def __len__(self) -> int:
        return len(self.stills)

    def item(self, index: int) -> Clip:
        image, ids = self.stills[index]
        rng = np.random.default_rng((self.seed, index))
        mask = ((ids != 0) & (ids != VOID)).astype(np.float32)
        camera = Motion.drawn(rng, shift=(0.0, 0.015), turn=0.5, scale=0.007)
        own = Motion.drawn(rng, shift=(0.01, 0.04), turn=2.0, scale=0.01)
        ground, frames, labels = _filled(image, mask), [], {}
        for t in range(self.length):
            frame, labels[t] = _frame(image, mask, ground, camera, own, t - (self.length - 1) / 2)
            frames.append(frame)
        return Clip(self.stills.names[index], frames, labels)


@dataclass(frozen=True)
class Motion:
    """A constant motion: per frame a shift in shares of the sides, a turn in degrees, a scale."""

    shift: tuple[float, float]
    turn: float
    scale: float

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, shift: tuple[float, float], turn: float, scale: float
    ) -> Motion:
        """In a random direction, of a size in the range `shift`; turn and scale up to the given."""
        size, direction = rng.uniform(*shift), rng.uniform(0, 2 * np.pi)
        return cls(
            (size * np.cos(direction), size * np.sin(direction)),
            rng.uniform(-turn, turn),
            rng.uniform(-scale, scale),
        )

    def after(self, time: float, centre: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
        """The 3 x 3 map of pixels (x, y) after `time` frames; size: H, W."""
        height, width = size
        matrix = cv2.getRotationMatrix2D(centre, self.turn * time, (1 + self.scale) ** time)
        matrix[:, 2] += self.shift[0] * time * width, self.shift[1] * time * height
        return np.vstack([matrix, (0, 0, 1)])


def _frame(
    image: np.ndarray,
    mask: np.ndarray,
    ground: np.ndarray,
    camera: Motion,
    own: Motion,
    time: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The picture `time` frames from its middle, H' x W' x 3 uint8, and its mask of 0 and 1.

    ground: the image without its object, see `_filled`.
    """
    size = height, width = mask.shape
    seen = camera.after(time, (width / 2, height / 2), size)
    behind = _moved(ground, seen, cv2.BORDER_REFLECT_101)
    if mask.any():
        rows, columns = np.nonzero(mask)
        seen = seen @ own.after(time, (float(columns.mean()), float(rows.mean())), size)
    cover = _moved(mask, seen, cv2.BORDER_CONSTANT)
    ahead = _moved(image * mask[..., None], seen, cv2.BORDER_CONSTANT)  # thins out with `cover`
    whole = ahead + (1 - cover[..., None]) * behind
    top, left = round(MARGIN * height), round(MARGIN * width)
    inner = slice(top, height - top), slice(left, width - left)
    return np.clip(whole[inner], 0, 255).round().astype(np.uint8), (cover[inner] > 0.5).view(
        np.uint8
    )


def _moved(values: np.ndarray, matrix: np.ndarray, border: int) -> np.ndarray:
    size = values.shape[1::-1]
    return cv2.warpAffine(
        values.astype(np.float32), matrix[:2], size, flags=cv2.INTER_LINEAR, borderMode=border
    )


def _filled(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The image without its object: there, a smooth continuation of what is around it."""
    height, width = mask.shape
    hole = cv2.dilate(mask, np.ones((7, 7), np.uint8))  # the object's border has mixed colours
    factor = min(1.0, HOLE_SIDE / max(height, width))
    small = max(1, round(width * factor)), max(1, round(height * factor))
    shrunk = [cv2.resize(each, small, interpolation=cv2.INTER_AREA) for each in (image, hole)]
    filled = cv2.inpaint(shrunk[0], (shrunk[1] > 0).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    smooth = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(hole[..., None] > 0, smooth, image)


def write(stills: Stills, folder: str | Path, length: int = LENGTH, seed: int = 0) -> Path:
    """Write the clips that `MovingStills` makes to `folder`/NAME/frames and masks; see `folder`.

    A clip that is there already stays, so that an interrupted call goes on.
    """
    target = Path(folder).expanduser()
    for clip in MovingStills(stills, length, seed):
        if not (target / clip.name).exists():
            clip.write(target / clip.name)
    return target
