"""A video and its labels, read and written.

Frames are decoded when they are indexed, so that a long video never sits in memory. Masks are
H x W uint8 object ids: 0 background, 255 void.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from vosedu.clip.images import (
    IMAGE_SUFFIXES,
    frame_files,
    image_size,
    read_image,
    read_mask,
    write_mask,
)
from vosedu.clip.output import output_folder
from vosedu.clip.video import VideoFrames
from vosedu.errors import InputError
from vosedu.lazy import LazySequence

VOID = 255
ATTRIBUTES: dict[str, str] = {
    "AC": "appearance change",
    "BC": "background clutter",
    "CS": "camera shake",
    "DB": "dynamic background",
    "DE": "deformation",
    "EA": "edge ambiguity",
    "FM": "fast motion",
    "HO": "heterogeneous object",
    "IO": "interacting objects",
    "LR": "low resolution",
    "MB": "motion blur",
    "OC": "occlusion",
    "OV": "out of view",
    "SC": "shape complexity",
    "SV": "scale variation",
}
"""DAVIS's codes of what makes a video hard."""


class ImageFrames(LazySequence[np.ndarray]):
    """Frames from image files in the given order, decoded when indexed.

    Sizes are compared from the file headers; a file of another size raises InputError.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = [Path(path) for path in paths]
        if not self.paths:
            raise InputError("there are no images to make a clip of; name a folder that holds some")
        sizes = [image_size(path) for path in self.paths]
        for path, size in zip(self.paths, sizes):
            if size != sizes[0]:
                raise InputError(
                    f"{path} is {size[1]} x {size[0]} but {self.paths[0].name} is "
                    f"{sizes[0][1]} x {sizes[0][0]}; all frames of a clip must have one size"
                )
        self.size = sizes[0]

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int) -> np.ndarray:
        return read_image(self.paths[index])

    def part(self, indices: range) -> Sequence[np.ndarray]:
        return ImageFrames([self.paths[index] for index in indices])


class MaskFiles(Mapping[int, np.ndarray]):
    """Labels from mask files, read when indexed.

    paths: frame index -> file. size: the frames' (H, W), against which masks are checked.
    read: turns a file into ids, for data sets with rules of their own.
    """

    def __init__(
        self,
        paths: Mapping[int, Path],
        size: tuple[int, int] | None = None,
        read: Callable[[Path], np.ndarray] = read_mask,
    ) -> None:
        self.paths = dict(sorted(paths.items()))
        self.size = size
        self.read = read

    def __getitem__(self, index: int) -> np.ndarray:
        ids = self.read(self.paths[index])
        if self.size and ids.shape != self.size:
            raise InputError(
                f"the mask {self.paths[index]} is {ids.shape[1]} x {ids.shape[0]} but its frame is "
                f"{self.size[1]} x {self.size[0]}; resize it with nearest neighbour"
            )
        return ids

    def __iter__(self) -> Iterator[int]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Clip:
    """A video and what is known about it.

    frames: T frames, each H x W x 3 uint8 RGB, decoded when indexed.
    labels: frame index -> H x W uint8 object ids (0 background, 255 void); may be sparse.
    flow: None, or T-1 forward fields, each H x W x 2 float32 (dx, dy) in pixels.
    attributes: codes of ATTRIBUTES, e.g. {"OC", "FM"}.
    references: the clip that methods with reference frames take them from; None: this one.
    """

    name: str
    frames: Sequence[np.ndarray]
    labels: Mapping[int, np.ndarray] = field(default_factory=dict)
    flow: Sequence[np.ndarray] | None = None
    attributes: frozenset[str] = frozenset()
    fps: float = 24.0
    references: Clip | None = None

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        size = getattr(self.frames, "size", None)
        return tuple(size) if isinstance(size, tuple) else self.frames[0].shape[:2]

    @property
    def stems(self) -> list[str]:
        """The name of each frame, and of its mask: its file's without suffix, else 00000 ..."""
        paths = getattr(self.frames, "paths", None)
        if paths is None:
            return [f"{index:05d}" for index in range(len(self))]
        return [path.stem for path in paths]

    @classmethod
    def of(cls, frames: Clip | np.ndarray | Iterable[np.ndarray], name: str = "clip") -> Clip:
        """A clip of frames in memory: T x H x W x 3 uint8 RGB, or an iterable of H x W x 3.

        A clip is returned as it is. Raises InputError for anything else.
        """
        if isinstance(frames, Clip):
            return frames
        if isinstance(frames, str | Path):
            raise InputError(
                f"'{frames}' is a path, not a clip; read it with vosedu.Clip.read first"
            )
        if not isinstance(frames, Iterable):
            raise InputError(
                f"a {type(frames).__name__} is not a clip; give a Clip, an array T x H x W x 3 of "
                "uint8, or a list of frames"
            )
        frames = [np.asarray(frame) for frame in frames]
        for index, frame in enumerate(frames):
            _check_frame(frame, index, frames[0])
        return cls(name, frames)

    @classmethod
    def read(
        cls, path: str | Path, masks: str | Path | None = None, name: str | None = None
    ) -> Clip:
        """Read a video file or a folder of frames, with its masks where there are some.

        In the layouts of DAVIS (`JPEGImages/<resolution>/<sequence>`) and of `write`
        (`frames/` beside `masks/`) masks are found by themselves; `masks` names another folder.
        Mask files belong to the frame of the same stem.
        """
        path = Path(path)
        if not path.exists():
            raise InputError(f"there is no file or folder {path}; check the path")
        if path.is_file():
            if path.suffix.lower() in IMAGE_SUFFIXES:
                raise InputError(f"{path} is a single image; name its folder or a video file")
            video = VideoFrames(path)
            clip = cls(name or path.stem, video, fps=video.fps)
        else:
            folder = path / "frames" if (path / "frames").is_dir() else path
            paths = frame_files(folder)
            if not paths:
                raise InputError(
                    f"the folder {path} holds no images; name a folder of frames or a video file"
                )
            clip = cls(name or path.name, ImageFrames(paths))
            masks = masks or _masks_beside(folder)
        return replace(clip, labels=_match_masks(Path(masks), clip)) if masks else clip

    def write(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write frames/NAME.png and masks/NAME.png (indexed) under `folder`; see `stems`.

        With `overwrite` an earlier clip written there is replaced as a whole.
        """
        stems = self.stems
        with output_folder(folder, "Clip.write", ("frames", "masks"), overwrite) as beside:
            (beside / "frames").mkdir()
            for stem, frame in zip(stems, self.frames):
                Image.fromarray(frame).save(beside / "frames" / f"{stem}.png")
            if self.labels:
                (beside / "masks").mkdir()
                for index, ids in self.labels.items():
                    write_mask(beside / "masks" / f"{stems[index]}.png", ids)

    def cut(self, start: int, stop: int) -> Clip:
        """The clip of frames start .. stop - 1."""
        labels = {
            index - start: self.labels[index] for index in self.labels if start <= index < stop
        }
        flow = None if self.flow is None else self.flow[start : stop - 1]
        return replace(self, frames=self.frames[start:stop], labels=labels, flow=flow)


def _check_frame(frame: np.ndarray, index: int, first: np.ndarray) -> None:
    """InputError unless `frame` is H x W x 3 uint8 of the first frame's size."""
    if frame.ndim == 3 and frame.shape[0] == 3 and frame.shape[2] != 3:
        raise InputError(
            f"frame {index} is 3 x {frame.shape[1]} x {frame.shape[2]}, channels first; give "
            "H x W x 3: frame.transpose(1, 2, 0)"
        )
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        shape = " x ".join(map(str, frame.shape)) or "a single value"
        raise InputError(
            f"frame {index} is {shape} of {frame.dtype}; give frames as H x W x 3 uint8 RGB"
        )
    if frame.shape != first.shape:
        raise InputError(
            f"frame {index} is {frame.shape[1]} x {frame.shape[0]} but frame 0 is "
            f"{first.shape[1]} x {first.shape[0]}; all frames of a clip must have one size"
        )


def _masks_beside(frames: Path) -> Path | None:
    if frames.name == "frames":
        candidate = frames.parent / "masks"
    elif frames.parent.parent.name == "JPEGImages":
        candidate = frames.parents[2] / "Annotations" / frames.parent.name / frames.name
    else:
        return None
    return candidate if candidate.is_dir() else None


def _match_masks(folder: Path, clip: Clip) -> MaskFiles:
    if not folder.is_dir():
        raise InputError(f"there is no mask folder {folder}; check the path")
    stems = clip.stems
    index_of = {stem: index for index, stem in enumerate(stems)}
    paths = {index_of[file.stem]: file for file in frame_files(folder) if file.stem in index_of}
    if not paths:
        raise InputError(
            f"no mask in {folder} has the name of a frame (frames are called {stems[0]}, ...); "
            "give each mask its frame's name"
        )
    return MaskFiles(paths, clip.size)
