"""Training pools: many clips of few labelled frames, rendered when asked for and kept on disk.

A suite that decides by clip is learnt by heart from 60 clips. A pool has 1,600 clips of the
suite's distribution, of which six frames each are labelled; the other frames are there (a flow
estimator needs the successor of a labelled one) but are not rendered until they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from vosedu.lazy import LazySequence, Made
from vosedu.paths import downloads_dir
from vosedu.toyvos.disk import RecordFile
from vosedu.toyvos.paint import generator
from vosedu.toyvos.render import ToyClip, default_width, field_at, frame_at
from vosedu.toyvos.scene import VERSION, Scene
from vosedu.toyvos.stage import Options, SceneStage
from vosedu.toyvos.suites import scene

CLIPS, LABELLED, FRAMES = 1600, 6, 16
FIRST_SEED = 300_000  # the seeds of splits and stills are smaller, those of TorchClips larger


class Pool(LazySequence[ToyClip]):
    """The clips of a suite's training pool.

    folder: where rendered frames are kept (default: `toyvos` among the downloads). A clip has 16
    frames; `labels` holds six of them, one of each sixth of the clip, the last frame never.
    Frames, labels, instances and flow (stored as float16) are read from disk, or rendered and
    stored at the first request, so memory does not grow with the pool. A clip carries no scene;
    `plan(k)` gives it.
    """

    def __init__(self, suite: str, height: int = 96, folder: str | Path | None = None) -> None:
        self.suite, self.height = suite, height
        self.size = (height, default_width(height))
        self.seeds = range(FIRST_SEED, FIRST_SEED + CLIPS)
        home = Path(folder) if folder else downloads_dir() / "toyvos"
        stem = f"{VERSION}-{suite}-{height}"
        self._pictures = RecordFile(home / f"{stem}.frames", (*self.size, 5), np.uint8)
        self._fields = RecordFile(home / f"{stem}.flow", (*self.size, 2), np.float16)

    def __len__(self) -> int:
        return len(self.seeds)

    def item(self, index: int) -> ToyClip:
        k = index

        def lazy(count: int, read: Callable[[int], np.ndarray]) -> Made[np.ndarray]:
            return Made(count, read, self.size)

        return ToyClip(
            f"{self.suite}-pool-{k:04d}",
            lazy(FRAMES, lambda t: self._picture(k, t)[..., :3]),
            _Labels(self.times(k), lambda t: self._picture(k, t)[..., 3]),
            lazy(FRAMES - 1, lambda t: self._field(k, t)),
            instances=lazy(FRAMES, lambda t: self._picture(k, t)[..., 4]),
        )

    def plan(self, k: int) -> Scene:
        """The scene of clip k; instance i of the clip is its actor i - 1."""
        return scene(self.seeds[k], self.suite)

    def times(self, k: int) -> tuple[int, ...]:
        """The labelled frames of clip k."""
        rng = generator(5, self.seeds[k])
        ends = [j * (FRAMES - 1) // LABELLED for j in range(LABELLED + 1)]
        return tuple(int(rng.integers(a, b)) for a, b in pairwise(ends))

    def _picture(self, k: int, t: int) -> np.ndarray:
        """H x W x 5 uint8: red, green, blue, label, instance."""
        stored = self._pictures.read(k * FRAMES + t)
        if stored is not None:
            return stored
        stage, wanted = self._stage(k), self.times(k)
        for time in wanted if t in wanted else (t,):  # one clip's frames share what is painted
            rgb, surfaces, _ = frame_at(stage, time)
            maps = (stage.label_of.take(surfaces), stage.instance_of.take(surfaces))
            made = self._pictures.write(k * FRAMES + time, np.dstack([rgb, *maps]))
            stored = made if time == t else stored
        assert stored is not None
        return stored

    def _field(self, k: int, t: int) -> np.ndarray:
        """H x W x 2 float32: flow from frame t to the next, pixels."""
        stored = self._fields.read(k * FRAMES + t)
        if stored is None:
            stored = self._fields.write(k * FRAMES + t, field_at(self._stage(k), t))
        return stored.astype(np.float32)

    def _stage(self, k: int) -> SceneStage:
        return _stage(self.suite, self.seeds[k], self.height)


@lru_cache(maxsize=4)
def _stage(suite: str, seed: int, height: int) -> SceneStage:
    return SceneStage(scene(seed, suite), height, default_width(height), Options())


class _Labels(Mapping[int, np.ndarray]):
    """Labels of some frames, read when they are asked for."""

    def __init__(self, times: tuple[int, ...], read: Callable[[int], np.ndarray]) -> None:
        self._times, self._read = times, read

    def __len__(self) -> int:
        return len(self._times)

    def __iter__(self) -> Iterator[int]:
        return iter(self._times)

    def __getitem__(self, t: int) -> np.ndarray:
        if t not in self._times:
            raise KeyError(t)
        return self._read(t)
