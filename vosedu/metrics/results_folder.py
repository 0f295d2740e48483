"""Anybody's folder of result files, read as what it most likely is, and said in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from vosedu.clip import Clip, image_files, stored_mask
from vosedu.errors import InputError
from vosedu.metrics.evaluate import Groups, evaluate
from vosedu.metrics.matching import MAX_PROPOSALS
from vosedu.metrics.protocols import Protocol, protocol_of
from vosedu.metrics.scores import Scores

HALF = 128


def evaluate_folder(
    folder: str | Path,
    clips: Iterable[Clip],
    protocol: str | Protocol = "davis16",
    *,
    temporal: bool | Collection[str] = False,
    groups: Groups | None = None,
    threads: int | None = None,
) -> Scores:
    """Score a folder of mask files, one subfolder per sequence, named like the clip's frames.

    Files may be indexed PNGs, 0/255 masks, or soft grey masks, which are cut at one half;
    `scores.how_read` says how they were understood. The other arguments are those of `evaluate`.

    InputError names the file: no folder for a sequence, a missing frame, another size, 16-bit or
    colour files, grey levels where object ids are needed.
    """
    rules = protocol_of(protocol)
    results = ResultFolder(folder, rules)
    return evaluate(results, clips, rules, temporal=temporal, groups=groups, threads=threads)


class ResultFolder:
    """Result files as a function of the clip, which `evaluate` takes."""

    def __init__(self, folder: str | Path, protocol: Protocol) -> None:
        self.folder, self.protocol = Path(folder), protocol
        if not self.folder.is_dir():
            raise InputError(f"there is no folder {self.folder}; check the path to the results")
        self._read: Counter[str] = Counter()
        self._lock = Lock()

    def __call__(self, clip: Clip) -> Mapping[int, np.ndarray]:
        """Frame number -> H x W uint8 ids, decoded when indexed."""
        files = image_files(self.folder / clip.name)
        if not files:
            there = sorted(path.name for path in self.folder.iterdir() if path.is_dir())
            listing = (
                ", ".join(there[:5]) + (", ..." if len(there) > 5 else "") if there else "none"
            )
            raise InputError(
                f"{self.folder} has no masks for {clip.name} (its subfolders: {listing}); put each "
                "sequence's masks in a subfolder of its name"
            )
        return _ResultFiles(self, _by_frame(files, clip))

    def read(self, path: Path) -> np.ndarray:
        """One file -> H x W uint8 ids."""
        values, grey = stored_mask(path)
        kind, ids = self._understand(values, grey, path)
        with self._lock:
            self._read[kind] += 1
        return ids

    def _understand(self, values: np.ndarray, grey: bool, path: Path) -> tuple[str, np.ndarray]:
        merged = self.protocol.objects == "merged"
        if not grey:
            return "indexed masks" + (", every id but 0 is foreground" if merged else ""), values
        if not ((values != 0) & (values != 255)).any():
            return "0/255 masks", (values != 0).view(np.uint8)
        if merged and self._grey_is_soft:
            kind = f"soft masks, cut at one half (grey {HALF} and above is foreground)"
            return kind, (values >= HALF).view(np.uint8)
        if values.max() > MAX_PROPOSALS:
            raise InputError(
                f"{path} holds grey level {values.max()}, which is neither 0, 255 nor an id up to "
                f"{MAX_PROPOSALS}; {self.protocol.title} scores object ids, save them as an "
                "indexed PNG"
            )
        return "ids stored as grey levels", values

    @cached_property
    def _grey_is_soft(self) -> bool:
        """Whether grey files hold soft masks: one level above any plausible id tells."""
        folders = sorted(path for path in self.folder.iterdir() if path.is_dir())
        files = [image_files(folder) for folder in folders]
        likely = [group[len(group) // 2] for group in files if group]
        for path in [*likely, *(path for group in files for path in group)]:
            values, grey = stored_mask(path)
            if grey and values.max(initial=0) > MAX_PROPOSALS:
                return True
        return False

    @property
    def how_read(self) -> tuple[str, ...]:
        """One line per kind of file met."""
        return tuple(f"{n} files read as {kind}" for kind, n in sorted(self._read.items()))


class _ResultFiles(Mapping[int, np.ndarray]):
    def __init__(self, folder: ResultFolder, paths: Mapping[int, Path]) -> None:
        self._folder, self._paths = folder, paths

    def __getitem__(self, frame: int) -> np.ndarray:
        return self._folder.read(self._paths[frame])

    def __iter__(self) -> Iterator[int]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _by_frame(files: list[Path], clip: Clip) -> dict[int, Path]:
    """Frame number -> file of the frame's name; of its number where frames are not files."""
    stems = clip.stems
    frame_of = {stem: t for t, stem in enumerate(stems)}
    by_frame: dict[int, Path] = {}
    for path in files:
        frame = frame_of.get(path.stem)
        if frame is None:
            continue
        if frame in by_frame:
            raise InputError(
                f"{path} and {by_frame[frame].name} are both for frame {frame}; keep one"
            )
        by_frame[frame] = path
    if not by_frame:
        raise InputError(
            f"no file in {files[0].parent} is named like a frame of {clip.name} (the first frame "
            f"is {stems[0]}, the first file {files[0].name}); give each mask its frame's name"
        )
    return by_frame
