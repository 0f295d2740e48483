"""Training clips of several objects: from one still image, or from a video; one laid over another.

A snippet is T frames of one size with their object ids. Sizes and shares as released (section 5
of the reference page).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from vosedu.clip import VOID, Clip
from vosedu.training.data import labelled

MEAN = (124, 116, 104)  # colour of what lies outside a picture: ImageNet's mean


class Snippet(NamedTuple):
    """frames: T of H x W x 3 uint8 RGB. ids: T of H x W uint8, objects numbered from 1."""

    frames: list[np.ndarray]
    ids: list[np.ndarray]


# One still image becomes a clip -----------------------------------------------------------------


def from_still(
    rng: np.random.Generator,
    image: np.ndarray,
    ids: np.ndarray,
    length: int,
    size: tuple[int, int],
) -> Snippet:
    """The image moved anew for every frame but the first, in other colours, cropped to `size`."""
    image, ids = mirrored(image, ids) if rng.random() < 0.5 else (image, ids)
    frames, masks = [], []
    for t in range(length):
        moved, mask = image, ids
        if t:
            moved, mask = mirrored(image, ids) if rng.random() < 0.3 else (image, ids)
            moved, mask = affine(rng, moved, mask)
        moved, mask = resized_crop(rng, coloured(rng, moved), mask, size)
        frames.append(moved)
        masks.append(mask)
    return Snippet(frames, masks)


def affine(
    rng: np.random.Generator, image: np.ndarray, ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotated by up to 20 degrees, moved by 10 %, scaled by 0.9 to 1.1, sheared by 10 degrees."""
    height, width = image.shape[:2]
    turn, shear = np.deg2rad(rng.uniform(-20, 20)), np.deg2rad(rng.uniform(-10, 10, 2))
    scale = rng.uniform(0.9, 1.1)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sheared = np.array([[1, np.tan(shear[0])], [np.tan(shear[1]), 1]])
    matrix = scale * turned @ sheared
    centre = np.array([width, height]) / 2
    move = rng.uniform(-0.1, 0.1, 2) * (width, height)
    warp = np.column_stack([matrix, centre + move - matrix @ centre])
    return (
        cv2.warpAffine(image, warp, (width, height), flags=cv2.INTER_CUBIC, borderValue=MEAN),
        cv2.warpAffine(ids, warp, (width, height), flags=cv2.INTER_NEAREST, borderValue=0),
    )


def resized_crop(
    rng: np.random.Generator, image: np.ndarray, ids: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A crop of 0.8 to 1 of the area and 3 / 4 to 4 / 3 of the shape of `size`, resized to it."""
    height, width = image.shape[:2]
    ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))) * size[1] / size[0]
    area = rng.uniform(0.8, 1.0) * height * width
    h = min(round(np.sqrt(area / ratio)), height)
    w = min(round(np.sqrt(area * ratio)), width)
    y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
    return resized(image[y : y + h, x : x + w], ids[y : y + h, x : x + w], size)


# A video ----------------------------------------------------------------------------------------


def from_video(
    rng: np.random.Generator, clip: Clip, length: int, size: tuple[int, int], gap: int
) -> Snippet:
    """`length` labelled frames of a clip, up to `gap` apart, forwards or backwards.

    The first must show an object; of five draws the first without objects that the first frame
    lacks is taken, and of the last otherwise those objects become background. One scale, crop and
    mirroring serves all frames, colours change from frame to frame.
    """
    indices = labelled(clip)
    for _ in range(5):
        chosen = walk(rng, len(indices), length, gap)
        masks = [clip.labels[indices[i]] for i in chosen]
        known = set(np.unique(masks[0]).tolist()) | {0, VOID}
        if len(known) > 2 and all(set(np.unique(m).tolist()) <= known for m in masks[1:]):
            break
    masks = [np.where(np.isin(m, sorted(known)), m, 0).astype(np.uint8) for m in masks]
    frames = [np.asarray(clip.frames[indices[i]]) for i in chosen]
    frames, masks = shared_crop(rng, frames, masks, size)
    frames = [coloured(rng, frame) for frame in frames]
    if rng.random() < 0.5:
        frames, masks = zip(*(mirrored(f, m) for f, m in zip(frames, masks)))
    return Snippet(list(frames), list(masks))


def walk(rng: np.random.Generator, frames: int, length: int, gap: int) -> list[int]:
    """`length` frame numbers, 1 to `gap` apart, turning round at the ends; half run backwards."""
    steps = rng.integers(1, gap + 1, length - 1)
    places = rng.integers(frames) + np.concatenate([[0], np.cumsum(steps)])
    period = max(2 * (frames - 1), 1)
    places = places % period
    chosen = np.where(places < frames, places, period - places).tolist()
    return chosen[::-1] if rng.random() < 0.5 else chosen


def shared_crop(
    rng: np.random.Generator,
    frames: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    size: tuple[int, int],
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All frames scaled by 0.7 to 1.3 relative to `size`'s height, and cropped to `size` alike.

    Of five crops the first whose first mask shows an object is taken. Where the scaled frame is
    smaller than `size` it lies at a random place on the mean colour.
    """
    scale = rng.uniform(0.7, 1.3) * size[0] / min(frames[0].shape[:2])
    scaled = tuple(max(round(side * scale), 1) for side in frames[0].shape[:2])
    pairs = [resized(frame, mask, scaled) for frame, mask in zip(frames, masks)]
    for _ in range(5):
        place = [int(rng.integers(min(a - b, 0), max(a - b, 0) + 1)) for a, b in zip(scaled, size)]
        cut = [window(frame, mask, place, size) for frame, mask in pairs]
        if (cut[0][1] > 0).any():
            break
    return [frame for frame, _ in cut], [mask for _, mask in cut]


def window(
    image: np.ndarray, ids: np.ndarray, place: Sequence[int], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The window of `size` whose top left is at `place` (negative: outside) of the image."""
    out = np.full((*size, 3), MEAN, np.uint8), np.zeros(size, np.uint8)
    inner = [slice(max(p, 0), max(p, 0) + s) for p, s in zip(place, size)]
    for target, source in zip(out, (image, ids)):
        part = source[tuple(inner)]
        y, x = (max(-p, 0) for p in place)
        target[y : y + part.shape[0], x : x + part.shape[1]] = part[: size[0] - y, : size[1] - x]
    return out


# Both -------------------------------------------------------------------------------------------


def mirrored(image: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(ids[:, ::-1])


def resized(
    image: np.ndarray, ids: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Image bicubic, ids nearest."""
    if image.shape[:2] == tuple(size):
        return np.ascontiguousarray(image), np.ascontiguousarray(ids)
    return (
        cv2.resize(np.ascontiguousarray(image), size[::-1], interpolation=cv2.INTER_CUBIC),
        cv2.resize(np.ascontiguousarray(ids), size[::-1], interpolation=cv2.INTER_NEAREST),
    )


def coloured(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Other brightness, contrast, saturation and hue (80 %), grey (20 %), blurred (30 %)."""
    if rng.random() < 0.8:
        pixels = image.astype(np.float32) * rng.uniform(0.6, 1.4)
        pixels = (pixels - pixels.mean()) * rng.uniform(0.6, 1.4) + pixels.mean()
        grey = pixels.mean(-1, keepdims=True)
        pixels = grey + (pixels - grey) * rng.uniform(0.8, 1.2)
        image = pixels.clip(0, 255).astype(np.uint8)
        colour = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        colour[..., 0] = (colour[..., 0].astype(int) + round(rng.uniform(-18, 18))) % 180
        image = cv2.cvtColor(colour, cv2.COLOR_HSV2RGB)
    if rng.random() < 0.2:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.1, 2.0))
    return image


def pasted(below: Snippet, above: Snippet) -> Snippet:
    """The objects of `above`, picture and ids, laid over `below`; their numbers follow its own."""
    offset = max(int(mask[mask != VOID].max(initial=0)) for mask in below.ids)
    frames, ids = [], []
    for under, under_ids, over, over_ids in zip(*below, *above):
        shown = (over_ids != 0) & (over_ids != VOID)
        frames.append(np.where(shown[..., None], over, under))
        ids.append(np.where(shown, over_ids + offset, under_ids).astype(np.uint8))
    return Snippet(frames, ids)


def renumbered(
    rng: np.random.Generator, snippet: Snippet, most: int, smallest: int
) -> tuple[Snippet, int]:
    """Objects of more than `smallest` pixels in the first frame, at most `most` at random, from 1.

    Others become background. Returns the snippet and the number of its objects.
    """
    found, counts = np.unique(snippet.ids[0], return_counts=True)
    large = [i for i, n in zip(found, counts) if i not in (0, VOID) and n > smallest]
    kept = rng.permutation(large)[:most]
    table = np.zeros(256, np.uint8)
    table[VOID] = VOID
    table[kept.astype(int)] = np.arange(1, len(kept) + 1)
    return Snippet(snippet.frames, [table[mask] for mask in snippet.ids]), len(kept)
