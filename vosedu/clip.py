"""A video and its labels, read and written.

Frames are decoded when they are indexed, so that a long video never sits in memory. Masks are
H x W uint8 object ids: 0 background, 255 void.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from PIL import Image

from vosedu.errors import InputError

VOID = 255
IMAGE_SUFFIXES = frozenset(".jpg .jpeg .png .bmp .ppm .pgm .tif .tiff .webp".split())


def _davis_palette() -> np.ndarray:
    """256 x 3: the bits of an id, dealt to red, green and blue from the highest bit down."""
    colours = np.zeros((256, 3), np.uint8)
    ids = np.arange(256)
    for level in range(7, -1, -1):
        for channel in range(3):
            colours[:, channel] |= (((ids >> channel) & 1) << level).astype(np.uint8)
        ids >>= 3
    return colours


PALETTE = _davis_palette()
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


def read_image(path: str | Path) -> np.ndarray:
    """Read one image file as H x W x 3 uint8 RGB."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"cannot read the image {path} ({error}); replace the file or leave it out"
        ) from error


def read_mask(path: str | Path) -> np.ndarray:
    """Read one mask file as H x W uint8 object ids.

    Indexed PNGs give their indices; grey files whose only values are 0 and 255 give 0 and 1, other
    grey files their values; grey with alpha gives its grey. Colour masks without a palette and
    16-bit masks have no defined ids and raise InputError.
    """
    ids, grey = stored_mask(path)
    if grey and not ((ids != 0) & (ids != 255)).any():
        return (ids != 0).astype(np.uint8)
    return ids


def stored_mask(path: str | Path) -> tuple[np.ndarray, bool]:
    """H x W uint8 values of a mask file as stored, and whether they are grey levels, not ids."""
    try:
        with Image.open(path) as image:
            if image.mode in {"L", "LA"}:
                return np.asarray(image if image.mode == "L" else image.getchannel(0)), True
            if image.mode in {"P", "1"}:
                return np.asarray(image, np.uint8), False
            mode = image.mode
    except (OSError, SyntaxError) as error:
        raise InputError(
            f"cannot read the mask {path} ({error}); replace the file or leave it out"
        ) from error
    raise InputError(
        f"the mask {path} is stored as '{mode}', which carries no object ids; "
        "save it as an indexed (palette) or 8-bit grey PNG"
    )


def write_mask(path: str | Path, ids: np.ndarray) -> None:
    """Write H x W uint8 object ids as an indexed PNG with the DAVIS palette."""
    image = Image.fromarray(np.ascontiguousarray(ids, np.uint8)).convert("L")
    image.putpalette(PALETTE.tobytes())
    image.save(path, format="PNG", optimize=False)


def new_folder(path: str | Path, overwrite: bool = False) -> Path:
    """Make a folder for output; one that holds files already is refused unless `overwrite`."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder; choose another output folder")
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"the output folder {folder} holds files already; choose another or pass --overwrite"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class ImageFrames(Sequence[np.ndarray]):
    """Frames from image files in the given order, decoded when indexed.

    Sizes are compared from the file headers; a file of another size raises InputError.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = [Path(path) for path in paths]
        if not self.paths:
            raise InputError("there are no images to make a clip of; name a folder that holds some")
        sizes = [self._size(path) for path in self.paths]
        for path, size in zip(self.paths, sizes):
            if size != sizes[0]:
                raise InputError(
                    f"{path} is {size[1]} x {size[0]} but {self.paths[0].name} is "
                    f"{sizes[0][1]} x {sizes[0][0]}; all frames of a clip must have one size"
                )
        self.size = sizes[0]

    @staticmethod
    def _size(path: Path) -> tuple[int, int]:
        try:
            with Image.open(path) as image:
                return image.height, image.width
        except (OSError, SyntaxError) as error:
            raise InputError(
                f"cannot read the image {path} ({error}); replace the file or leave it out"
            ) from error

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index):  # type: ignore[override]
        if isinstance(index, slice):
            return ImageFrames(self.paths[index])
        return read_image(self.paths[index])


class _Part(Sequence[np.ndarray]):
    """Some frames of a sequence, still decoded when indexed."""

    def __init__(self, frames: VideoFrames, indices: range) -> None:
        self._frames, self._indices, self.size = frames, indices, frames.size

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index):  # type: ignore[override]
        if isinstance(index, slice):
            return _Part(self._frames, self._indices[index])
        return self._frames[self._indices[index]]

    def __iter__(self) -> Iterator[np.ndarray]:
        start, stop, step = self._indices.start, self._indices.stop, self._indices.step
        if step < 0:
            return (self._frames[index] for index in self._indices)
        return islice(self._frames, start, stop, step)


class VideoFrames(Sequence[np.ndarray]):
    """Frames of a video file, decoded in order, turned upright as the file asks.

    Indexing forwards continues the decoder, indexing backwards opens the file again; methods that
    need frames out of order therefore make sequential passes. Each iteration has its own decoder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._open() as container:
            stream = container.streams.video[0]
            self.fps = float(stream.average_rate or 24)
            self._length = sum(
                bool(packet.size and not packet.is_discard) for packet in container.demux(stream)
            )
        if not self._length:
            raise InputError(f"the video {path} holds no frames; choose another file")
        self._decoder: Iterator[np.ndarray] | None = None
        self._next = 0
        self.size: tuple[int, int] = self[0].shape[:2]

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, OSError) as error:
            raise InputError(
                f"cannot read the video {self.path} ({error.strerror}); "
                "convert it to mp4 or give a folder of frames"
            ) from error
        if not container.streams.video or container.format.name == "tty":  # text reads as a video
            container.close()
            raise InputError(f"{self.path} has no video stream; choose another file")
        return container

    def __iter__(self) -> Iterator[np.ndarray]:
        number = 0
        with self._open() as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            try:
                for number, frame in enumerate(container.decode(stream), 1):  # noqa: B007
                    upright = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
                    yield np.ascontiguousarray(upright)
            except av.FFmpegError as error:
                raise InputError(
                    f"the video {self.path} breaks off at frame {number} ({error.strerror}); "
                    "convert it again or cut it before that frame"
                ) from error
        if number < len(self):
            raise InputError(
                f"the video {self.path} ends after {number} of {len(self)} frames; convert it again"
            )

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index):  # type: ignore[override]
        if isinstance(index, slice):
            return _Part(self, range(len(self))[index])
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._decoder is None or index < self._next:
            self._decoder, self._next = iter(self), 0
        try:
            while self._next <= index:
                frame = next(self._decoder)
                self._next += 1
        except InputError:
            self._decoder = None
            raise
        return frame


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
    """

    name: str
    frames: Sequence[np.ndarray]
    labels: Mapping[int, np.ndarray] = field(default_factory=dict)
    flow: Sequence[np.ndarray] | None = None
    attributes: frozenset[str] = frozenset()
    fps: float = 24.0

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        known = getattr(self.frames, "size", None)
        return tuple(known) if isinstance(known, tuple) else self.frames[0].shape[:2]

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
            stems = [f"{index:05d}" for index in range(len(video))]
        else:
            folder = path / "frames" if (path / "frames").is_dir() else path
            paths = _files(folder, IMAGE_SUFFIXES)
            if not paths:
                raise InputError(
                    f"the folder {path} holds no images; name a folder of frames or a video file"
                )
            clip = cls(name or path.name, ImageFrames(paths))
            stems = [file.stem for file in paths]
            masks = masks or _masks_beside(folder)
        return replace(clip, labels=_match_masks(Path(masks), stems, clip.size)) if masks else clip

    def write(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write frames/00000.png and masks/00000.png (indexed) under `folder`."""
        folder = new_folder(folder, overwrite)
        (folder / "frames").mkdir(exist_ok=True)
        for index, frame in enumerate(self.frames):
            Image.fromarray(frame).save(folder / "frames" / f"{index:05d}.png")
        if self.labels:
            (folder / "masks").mkdir(exist_ok=True)
            for index, ids in self.labels.items():
                write_mask(folder / "masks" / f"{index:05d}.png", ids)

    def cut(self, start: int, stop: int) -> Clip:
        """The clip of frames start .. stop - 1."""
        labels = {
            index - start: self.labels[index] for index in self.labels if start <= index < stop
        }
        flow = None if self.flow is None else self.flow[start : stop - 1]
        return replace(self, frames=self.frames[start:stop], labels=labels, flow=flow)


def _files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and file.suffix.lower() in suffixes and not file.name.startswith(".")
    )


def _masks_beside(frames: Path) -> Path | None:
    if frames.name == "frames":
        candidate = frames.parent / "masks"
    elif frames.parent.parent.name == "JPEGImages":
        candidate = frames.parents[2] / "Annotations" / frames.parent.name / frames.name
    else:
        return None
    return candidate if candidate.is_dir() else None


def _match_masks(folder: Path, stems: Sequence[str], size: tuple[int, int]) -> MaskFiles:
    if not folder.is_dir():
        raise InputError(f"there is no mask folder {folder}; check the path")
    index_of = {stem: index for index, stem in enumerate(stems)}
    found = {
        index_of[file.stem]: file
        for file in _files(folder, IMAGE_SUFFIXES)
        if file.stem in index_of
    }
    if not found:
        raise InputError(
            f"no mask in {folder} has the name of a frame (frames are called {stems[0]}, ...); "
            "give each mask its frame's name"
        )
    return MaskFiles(found, size)


class VideoWriter:
    """Write RGB frames to an H.264 mp4 that browsers play.

    with VideoWriter("out.mp4", fps=24) as video: video.write(frame)   # H x W x 3 uint8

    Odd sides lose their last row or column (the 4:2:0 format needs even ones). The file appears
    under its name when it is complete.
    """

    def __init__(self, path: str | Path, fps: float = 24.0, overwrite: bool = False) -> None:
        self.path = Path(path)
        if self.path.exists() and not overwrite:
            raise InputError(f"{self.path} exists already; choose another name or pass --overwrite")
        self._partial = self.path.with_name(f".{self.path.name}.partial")
        self._container = av.open(str(self._partial), "w", format="mp4")
        self._rate = max(1, round(fps * 1000))
        self._stream: av.video.stream.VideoStream | None = None

    def write(self, frame: np.ndarray) -> None:
        """Append one H x W x 3 uint8 RGB frame."""
        height, width = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", Fraction(self._rate, 1000))
            self._stream.width, self._stream.height = width, height
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = {"crf": "20", "preset": "veryfast"}
        elif (height, width) != (self._stream.height, self._stream.width):
            raise InputError(
                f"a frame of {width} x {height} cannot follow frames of {self._stream.width} x "
                f"{self._stream.height} in {self.path}; all frames of a video must have one size"
            )
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(frame[:height, :width]), format="rgb24"
        )
        for packet in self._stream.encode(picture):
            self._container.mux(packet)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None and kind is None:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()
        if kind is None and self._stream is not None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink(missing_ok=True)
