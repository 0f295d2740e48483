"""Training data by name, and what happens to a frame before the network sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from vosedu import flow
from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.lazy import LazySequence
from vosedu.paths import downloads_dir


def open_data(name: str) -> Sequence[Any]:
    """Clips, or pairs of still image and mask, by name.

    "toyvos/SUITE/SPLIT" gives rendered clips and "toyvos/stills/SPLIT" stills; "SET/SPLIT" opens a
    real data set where `vosedu data where SET` finds it, "SET/SPLIT/RESOLUTION" at another
    resolution than 480p, "SET/SPLIT/RESOLUTION/K" with every K-th mask alone. "folder:PATH" is a
    folder of videos with masks, "pairs:PATH" one of images with masks. Several names joined by "+"
    are one set.
    "NAME@METHOD" replaces the clips' flow by that of a method of `vosedu.flow`, so that a network
    is trained on flow as it comes, not on the exact flow of rendered clips.
    """
    if "+" in name:
        return Joined([open_data(part) for part in name.split("+")])
    plain, _, method = name.partition("@")
    return EstimatedFlow(_opened(plain), method) if method else _opened(plain)


def _opened(name: str) -> Sequence[Any]:
    """One data set, with its own flow."""
    parts = name.split("/")
    if name.startswith(("folder:", "pairs:")):
        from vosedu import datasets

        kind, _, path = name.partition(":")
        return datasets.folder(path) if kind == "folder" else datasets.pairs(path)
    if parts[0] == "toyvos":
        from vosedu import toyvos

        if len(parts) != 3:
            raise InputError(f"'{name}' names no ToyVOS data; write toyvos/SUITE/SPLIT")
        if parts[1] == "stills":
            return toyvos.stills(parts[2])
        return toyvos.split(parts[2], parts[1])
    from vosedu import datasets

    if not 2 <= len(parts) <= 4 or (len(parts) == 4 and not parts[3].isdecimal()):
        raise InputError(f"'{name}' names no data set; write SET/SPLIT, for example davis16/train")
    options = {"resolution": parts[2]} if len(parts) > 2 else {}
    clips = datasets.open_dataset(parts[0], split=parts[1], **options)
    return FewerMasks(clips, int(parts[3])) if len(parts) == 4 else clips


class FewerMasks(LazySequence[Clip]):
    """Clips of which every `every`-th mask alone is left, from the first on.

    Neighbouring frames of a video are nearly the same picture: where outputs of frozen modules are
    kept on disk, fewer frames cost less and teach almost as much.
    """

    def __init__(self, clips: Sequence[Clip], every: int) -> None:
        if every < 1:
            raise InputError(f"every {every}-th mask cannot be kept; give 1 or more")
        self._clips, self._every = clips, every

    def __len__(self) -> int:
        return len(self._clips)

    def item(self, index: int) -> Clip:
        clip = self._clips[index]
        kept = sorted(clip.labels)[:: self._every]
        return replace(clip, labels=Chosen(clip.labels, kept))


class Chosen(Mapping[int, np.ndarray]):
    """Some of a clip's labels, read when they are indexed."""

    def __init__(self, labels: Mapping[int, np.ndarray], indices: Sequence[int]) -> None:
        self._labels, self._indices = labels, dict.fromkeys(indices)

    def __getitem__(self, index: int) -> np.ndarray:
        if index not in self._indices:
            raise KeyError(index)
        return self._labels[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


class Joined(LazySequence[Any]):
    """Several data sets, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Any]]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def item(self, index: int) -> Any:
        for part in self.parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        raise IndexError(index)


class EstimatedFlow(LazySequence[Clip]):
    """Clips with the flow of a method in place of their own.

    A field is estimated when it is first read, and read from disk from then on; none is held in
    memory. The files are exact, so that a field read and a field estimated are equal.

    cache: the folder of the files; by default `flow` where downloads go.
    """

    def __init__(self, clips: Sequence[Clip], method: str, cache: str | Path | None = None) -> None:
        self._clips = clips
        # an estimator is made once, because RAFT's reads its weights
        self._method = flow.ESTIMATORS[method]() if method in flow.ESTIMATORS else method
        self._cache = flow.FlowCache(cache or downloads_dir() / "flow", exact=True)

    def __len__(self) -> int:
        return len(self._clips)

    def item(self, index: int) -> Clip:
        clip = self._clips[index]
        return replace(clip, flow=flow.estimate(clip, self._method, cache=self._cache))


def crop_and_flip(
    rng: np.random.Generator, image: np.ndarray, mask: np.ndarray, share: float = 0.9
) -> tuple[np.ndarray, np.ndarray]:
    """A random crop of `share` of each side, mirrored half of the time."""
    height, width = image.shape[:2]
    h, w = round(share * height), round(share * width)
    y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
    turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
    return image[y : y + h, x : x + w][:, turn], mask[y : y + h, x : x + w][:, turn]


def mirrored(rng: np.random.Generator, *pictures: np.ndarray) -> tuple[np.ndarray, ...]:
    """Pictures of one frame, each H x W or H x W x 3, mirrored together half of the time."""
    turn = slice(None, None, -1 if rng.random() < 0.5 else 1)
    return tuple(picture[:, turn] for picture in pictures)


def to_tensors(image: np.ndarray, mask: np.ndarray, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Image and ids at `size` -> 3 x h x w float32 RGB, 0..255, and 1 x h x w float32 foreground.

    Void pixels count as background.
    """
    foreground = ((mask != 0) & (mask != VOID)).astype(np.float32)
    if image.shape[:2] != tuple(size):
        shrinks = image.shape[0] > size[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = cv2.resize(np.ascontiguousarray(image), size[::-1], interpolation=how)
        foreground = cv2.resize(foreground, size[::-1], interpolation=cv2.INTER_NEAREST)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    return pixels, torch.from_numpy(np.ascontiguousarray(foreground)).unsqueeze(0)


def foreground_share(clips: Iterable[Clip]) -> float:
    """The share of foreground among all labelled pixels but void ones, mean over frames: eta."""
    shares = []
    for clip in clips:
        for ids in clip.labels.values():
            shares.append((ids[ids != VOID] > 0).mean())
    return float(np.mean(shares))


def labelled(clip: Clip) -> list[int]:
    """The frames of a clip that have labels."""
    frames = sorted(clip.labels)
    if not frames:
        raise InputError(f"the clip {clip.name} has no labels to train on; leave it out")
    return frames
