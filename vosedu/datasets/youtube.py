"""YouTube-Objects (a mask on every tenth frame) and YouTube-VOS (many objects, late arrivals)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosedu.datasets.files import folders, known_split, last_number, listing, pixels
from vosedu.datasets.places import find_root
from vosedu.datasets.sequences import YOUTUBE_OBJECTS
from vosedu.datasets.videos import Video, Videos
from vosedu.errors import InputError


def youtube_objects(
    split: str = "all", root: str | Path | None = None, present_only: bool = False
) -> Videos:
    """YouTube-Objects: the 126 videos of 10 categories that have masks; there is no training part.

    split: "all", or one category. root holds one folder per category, each
    `<category>/data/<video>/shots/<shot>/` with `images/*.jpg` (or the frames themselves) and
    `labels/*.jpg`. Clips are called <category>_<video>, with _<shot> where a video has several;
    `category(clip.name)` gives the category, over which one of the two published averages runs.
    A label above 127 is object (id 1); labels of another size are resized, as the papers' scripts
    do. Masks: Jain and Grauman, ECCV 2014; videos: Prest et al., CVPR 2012.
    """
    known_split("YouTube-Objects", split, ("all", *YOUTUBE_OBJECTS))
    wanted = tuple(YOUTUBE_OBJECTS) if split == "all" else (split,)
    base = find_root("youtube-objects", root, *wanted, some=present_only)
    videos = [video for name in wanted for video in _shots(base / name)]
    count = {name: sum(category(video.name) == name for video in videos) for name in wanted}
    short = [
        f"{n} ({count[n]} of {YOUTUBE_OBJECTS[n]})" for n in wanted if count[n] < YOUTUBE_OBJECTS[n]
    ]
    if short and (not present_only or not videos):
        raise InputError(
            f"YouTube-Objects {split}: {base} lacks annotated videos of {listing(short)}; get the "
            "rest, or pass present_only=True to read what is there"
        )
    return Videos(f"YouTube-Objects {split}", videos, short)


def category(name: str) -> str:
    """The category of a YouTube-Objects clip: what stands before the first underscore."""
    return name.split("_")[0]


def _shots(folder: Path) -> list[Video]:
    videos = []
    for video in folders(folder / "data"):
        shots = [shot for shot in folders(video / "shots") if (shot / "labels").is_dir()]
        for shot in shots:
            name = f"{folder.name}_{video.name}"
            videos.append(
                Video(
                    name if len(shots) == 1 else f"{name}_{shot.name}",
                    shot / "images" if (shot / "images").is_dir() else shot,
                    shot / "labels",
                    expect="some",
                    read=read_annotation,
                    key=last_number,
                    fit=True,
                )
            )
    return videos


def read_annotation(path: Path) -> np.ndarray:
    """One YouTube-Objects label as H x W uint8: 1 where its grey is above 127."""
    return (pixels(path, "L") > 127).astype(np.uint8)


YOUTUBE_VOS_VIDEOS: Mapping[tuple[int, str], int] = {
    (2018, "train"): 3471,
    (2018, "valid"): 474,
    (2018, "test"): 508,
    (2019, "train"): 3471,
    (2019, "valid"): 507,
    (2019, "test"): 541,
}
"""Number of videos of each release and split, as youtube-vos.org states it."""


def youtube_vos(
    split: str = "train",
    root: str | Path | None = None,
    year: int = 2019,
    all_frames: bool = False,
    present_only: bool = False,
) -> Videos:
    """YouTube-VOS 2018 or 2019: object ids, masks at 6 frames per second.

    split: "train" (every frame has a mask), "valid" or "test" (each object has one mask, in the
    frame where it first appears; the others are hidden on the server). all_frames: the frames of
    `<split>_all_frames` at 30 per second, with the same masks. root holds `<split>/JPEGImages` and
    `<split>/Annotations`. Labels may start late: `labels` then begins after frame 0.
    Source: Xu et al., arXiv 1809.03327.
    """
    title = f"YouTube-VOS {year} {split}"
    known_split("YouTube-VOS", split, ("train", "valid", "test"))
    if (year, split) not in YOUTUBE_VOS_VIDEOS:
        raise InputError(f"there is no YouTube-VOS {year}; choose year 2018 or 2019")
    base = find_root(f"youtube-vos-{year}", root, split)
    masks = base / split / "Annotations"
    frames = base / (f"{split}_all_frames" if all_frames else split) / "JPEGImages"
    if not frames.is_dir():
        raise InputError(f"{title}: there is no folder {frames}; unpack the frames there")
    videos = [
        Video(
            folder.name,
            folder,
            masks / folder.name,
            expect="all" if split == "train" and not all_frames else "some",
            fps=30.0 if all_frames else 6.0,
        )
        for folder in folders(frames)
    ]
    lacking = YOUTUBE_VOS_VIDEOS[year, split] - len(videos)
    if not videos or (lacking > 0 and not present_only):
        raise InputError(
            f"{title}: {frames} holds {len(videos)} of {YOUTUBE_VOS_VIDEOS[year, split]} videos; "
            "unpack the archive again, or pass present_only=True to read what is there"
        )
    return Videos(title, videos, [f"{lacking} videos"] if lacking > 0 else ())


@dataclass(frozen=True)
class VosObject:
    """One object of a YouTube-VOS video: its category and the frame names where it is annotated."""

    category: str
    frames: tuple[str, ...]


def youtube_vos_objects(
    split: str = "train", root: str | Path | None = None, year: int = 2019
) -> Mapping[str, Mapping[int, VosObject]]:
    """Video name -> object id -> VosObject, from `meta.json`; for splits by category."""
    path = find_root(f"youtube-vos-{year}", root, split) / split / "meta.json"
    try:
        videos = json.loads(path.read_text(encoding="utf-8"))["videos"]
        return {
            video: {
                int(number): VosObject(entry["category"], tuple(entry["frames"]))
                for number, entry in content["objects"].items()
            }
            for video, content in videos.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a YouTube-VOS meta.json ({error!r}); unpack the archive again"
        ) from error
