"""A data set of videos: a sequence of clips that are opened when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from vosedu.clip import Clip, ImageFrames, MaskFiles, frame_files, image_files, read_mask
from vosedu.datasets.files import check_size, listing
from vosedu.datasets.flow_folder import PicturedFlow
from vosedu.errors import InputError
from vosedu.lazy import LazySequence


def merged(path: Path) -> np.ndarray:
    """A label file with every object as id 1: DAVIS 2016 counts each non-zero pixel."""
    return (read_mask(path) > 0).astype(np.uint8)


def resized(read: Callable[[Path], np.ndarray], size: tuple[int, int]) -> Callable:
    """`read`, followed by nearest-neighbour resizing of the labels to `size` (H, W)."""

    def read_and_resize(path: Path) -> np.ndarray:
        ids = read(path)
        if ids.shape == size:
            return ids
        return np.asarray(Image.fromarray(ids).resize(size[::-1], Image.Resampling.NEAREST))

    return read_and_resize


@dataclass(frozen=True)
class Video:
    """Where one video of a data set lies and how it is to be read.

    frames: folder of images, or a video file. masks: folder of label files, or None.
    expect: "all" frames must have a label file, "some" frame must, or "any" number will do.
    read: turns a label file into H x W uint8 ids.
    key: what a frame and its label file have in common, computed from either path.
    choose: which files of the mask folder are label files.
    fit: resize labels of another size to the frames (nearest neighbour) instead of refusing them.
    flow: folder of flow pictures (see `PicturedFlow`), or None.
    """

    name: str
    frames: Path
    masks: Path | None = None
    attributes: frozenset[str] = frozenset()
    expect: str = "all"
    read: Callable[[Path], np.ndarray] = read_mask
    key: Callable[[Path], Hashable] = attrgetter("stem")
    choose: Callable[[list[Path]], list[Path]] = list
    fit: bool = False
    fps: float = 24.0
    flow: Path | None = None

    def open(self) -> Clip:
        """The clip; frames and masks are decoded when indexed.

        InputError: no frames, too few masks (see `expect`), a mask without its frame, two masks of
        one frame, a mask of another size than its frame.
        """
        if self.frames.is_file():
            return Clip.read(self.frames, self.masks, self.name)
        pictures = frame_files(self.frames)
        if not pictures:
            raise InputError(
                f"{self.name}: there are no frames in {self.frames}; unpack the data set again, "
                "or leave this sequence out"
            )
        frames = ImageFrames(pictures)
        files = self._label_files(pictures)
        if not self.fit:
            for file in files.values():
                check_size(file, frames.size, pictures[0])
        read = resized(self.read, frames.size) if self.fit else self.read
        return Clip(
            name=self.name,
            frames=frames,
            labels=MaskFiles(files, frames.size, read),
            attributes=self.attributes,
            fps=self.fps,
            flow=self.flow and PicturedFlow(self.flow, pictures, frames.size),
        )

    def _label_files(self, pictures: Sequence[Path]) -> dict[int, Path]:
        if self.masks is None:
            return {}
        if not self.masks.is_dir():
            raise InputError(
                f"{self.name}: there is no folder {self.masks} with its annotations; unpack the "
                "annotations of this data set there"
            )
        index = {self.key(path): i for i, path in enumerate(pictures)}
        files: dict[int, Path] = {}
        for path in self.choose(image_files(self.masks)):
            if (key := self.key(path)) not in index:
                raise InputError(
                    f"{path} has no frame of that name in {self.frames}; remove it, or restore "
                    "the frame"
                )
            if index[key] in files:
                raise InputError(
                    f"{path} and {files[index[key]].name} are both masks of frame "
                    f"{pictures[index[key]].name}; remove one of them"
                )
            files[index[key]] = path
        absent = [i for i in range(len(pictures)) if i not in files]
        if (self.expect == "all" and absent) or (self.expect == "some" and not files):
            raise InputError(
                f"{self.name}: {len(absent)} of {len(pictures)} frames have no mask in "
                f"{self.masks}, the first is {pictures[absent[0]].name}; unpack the "
                "annotations again"
            )
        return files


class Videos(LazySequence[Clip]):
    """The clips of one split, opened when indexed.

    `videos[3]`, `videos["dog"]`, `for clip in videos`; `videos.names` lists what is there and
    `videos.missing` what the split should have but the folder lacks.
    """

    def __init__(self, title: str, videos: Sequence[Video], missing: Sequence[str] = ()) -> None:
        self.title = title
        self.videos = tuple(videos)
        self.missing = tuple(missing)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the videos, in order."""
        return tuple(video.name for video in self.videos)

    def __len__(self) -> int:
        return len(self.videos)

    def item(self, index: int) -> Clip:
        return self.videos[index].open()

    def part(self, indices: range) -> Videos:
        return Videos(self.title, [self.videos[index] for index in indices], self.missing)

    @overload
    def __getitem__(self, which: int | str) -> Clip: ...
    @overload
    def __getitem__(self, which: slice) -> Videos: ...
    def __getitem__(self, which: int | str | slice) -> Clip | Videos:
        """A clip by number or name, or a shorter data set by slice."""
        if isinstance(which, str):
            if which not in self.names:
                raise InputError(
                    f"{self.title} has no sequence '{which}' here; it has {listing(self.names)}"
                )
            which = self.names.index(which)
        return super().__getitem__(which)

    def pick(self, names: Sequence[str]) -> Videos:
        """The videos of these names, in this order."""
        by_name = {video.name: video for video in self.videos}
        if unknown := [name for name in names if name not in by_name]:
            raise InputError(
                f"{self.title} has no sequence {listing(unknown)} here; "
                f"it has {listing(self.names)}"
            )
        return Videos(self.title, [by_name[name] for name in names])

    def __repr__(self) -> str:
        expected = len(self) + len(self.missing)
        if not self.missing:
            return f"<{self.title}: {len(self)} videos>"
        return f"<{self.title}: {len(self)} of {expected} videos; missing: {listing(self.missing)}>"


def gather(
    title: str,
    names: Sequence[str],
    locate: Callable[[str], Video],
    present_only: bool,
) -> Videos:
    """The videos of these names; absent ones are an InputError unless `present_only`."""
    videos = [locate(name) for name in names]
    present = [video for video in videos if video.frames.is_dir()]
    missing = [video.name for video in videos if video not in present]
    if missing and (not present_only or not present):
        say = "none" if not present else f"only {len(present)}"
        raise InputError(
            f"{title}: {say} of the {len(names)} sequences is in {videos[0].frames.parent}, "
            f"missing {listing(missing)}; get the rest, or pass present_only=True to read "
            "what is there"
        )
    return Videos(title, present, missing)
