"""FBMS-59: 59 videos, annotated on some frames only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vosedu.datasets.files import known_split, last_number, pixels
from vosedu.datasets.places import find_root
from vosedu.datasets.sequences import fbms_names
from vosedu.datasets.videos import Video, Videos, gather

_FOLDERS = {"test": "Testset", "train": "Trainingset"}
_DARKEST_OBJECT = {"marple7": 0.05, "marple2": 0.4}


def fbms(split: str = "test", root: str | Path | None = None, present_only: bool = False) -> Videos:
    """FBMS-59: 30 "test" and 29 "train" videos; papers report J on test and train on none of it.

    root holds `Testset` and `Trainingset`, by default where `vosedu data get fbms` unpacks them.
    Each video is `<name>/*.jpg` with `<name>/GroundTruth`. Only annotated frames have labels. All
    objects are merged into id 1. The annotations mix formats: colour PPM with white background
    (preferred where present, because its grey twin loses objects), grey PGM whose dark levels are
    background, and, in converted copies, PNG with the papers' rule "above 128". Labels of another
    size than the frames are resized, as the papers' scripts do.
    Source: Ochs, Malik and Brox, PAMI 2014.
    """
    known_split("FBMS-59", split, ("test", "train", "all"))
    base = find_root("fbms", root, *(_FOLDERS[s] for s in _FOLDERS if split in (s, "all")))
    where = {name: base / _FOLDERS[s] for s in _FOLDERS for name in fbms_names(s)}

    def locate(name: str) -> Video:
        return Video(
            name,
            where[name] / name,
            where[name] / name / "GroundTruth",
            expect="some",
            read=read_annotation,
            key=last_number,
            choose=_annotations,
            fit=True,
        )

    return gather(f"FBMS-59 {split}", fbms_names(split), locate, present_only)


def read_annotation(path: Path) -> np.ndarray:
    """One annotation file as H x W uint8: 1 on every object, 0 elsewhere (rules: see `fbms`)."""
    if path.suffix.lower() == ".ppm":
        return (pixels(path, "RGB") < 255).any(axis=2).astype(np.uint8)
    grey = pixels(path, "L")
    if path.suffix.lower() == ".pgm":
        video = path.parent.parent.name
        return (grey > 255 * _DARKEST_OBJECT.get(video, 0.1)).astype(np.uint8)
    return (grey > 128).astype(np.uint8)


def _annotations(files: list[Path]) -> list[Path]:
    files = [path for path in files if "PROB" not in path.name]
    return [path for path in files if path.suffix.lower() == ".ppm"] or files
