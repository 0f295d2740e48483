"""Video files: frames decoded in order, and an H.264 writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from vosedu.errors import InputError
from vosedu.lazy import LazyPart, LazySequence
from vosedu.writing import beside, into_place


class _VideoPart(LazyPart[np.ndarray]):
    """Some frames of a video, still decoded when indexed; each iteration has its own decoder."""

    def __iter__(self) -> Iterator[np.ndarray]:
        start, stop, step = self.indices.start, self.indices.stop, self.indices.step
        if step < 0:
            return super().__iter__()
        return islice(self.whole, start, stop, step)


class VideoFrames(LazySequence[np.ndarray]):
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

    def part(self, indices: range) -> Sequence[np.ndarray]:
        return _VideoPart(self, indices)

    def item(self, index: int) -> np.ndarray:
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
        self._partial = beside(self.path)
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
            into_place(self._partial, self.path)
        else:
            self._partial.unlink(missing_ok=True)
