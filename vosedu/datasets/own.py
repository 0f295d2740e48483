"""Your own frames and masks as a data set."""

from __future__ import annotations

from pathlib import Path

from vosedu.clip import image_files
from vosedu.clip.images import natural_order
from vosedu.datasets.files import folders
from vosedu.datasets.videos import Video, Videos
from vosedu.errors import InputError

VIDEO_SUFFIXES = frozenset(".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg".split())


def folder(root: str | Path, masks: str | Path | None = None) -> Videos:
    """Every video in a folder, with its masks where there are some.

        from vosedu import datasets
        clips = datasets.folder("my_videos")

    Any of these layouts is recognised (frames are pictures that sort in order of time):

        my_videos/JPEGImages/<video>/*.jpg    my_videos/Annotations/<video>/*.png      as DAVIS
        my_videos/frames/<video>/*.jpg        my_videos/masks/<video>/*.png
        my_videos/<video>/frames/*.jpg        my_videos/<video>/masks/*.png            as Clip.write
        my_videos/frames/*.jpg                my_videos/masks/*.png                    one video
        my_videos/<video>/*.jpg               masks=OTHER: OTHER/<video>/*.png
        my_videos/<video>.mp4                 masks=OTHER: OTHER/<video>/00000.png ...

    A mask has the name of its frame and holds object ids (indexed PNG), or 0 and 255. Masks may be
    missing, for some frames or altogether; one without its frame is an InputError.
    """
    base = Path(root).expanduser()
    if not base.is_dir():
        raise InputError(f"there is no folder {base}; pass the folder that holds your videos")
    frames, labels = _parts(base, masks)
    if image_files(frames):
        videos = [Video(base.name, frames, _existing(labels), expect="any")]
    else:
        files = [
            p
            for p in sorted(frames.iterdir(), key=natural_order)
            if p.suffix.lower() in VIDEO_SUFFIXES
        ]
        videos = [Video(p.stem, p, _existing(labels and labels / p.stem)) for p in files]
        videos += [v for one in folders(frames) if (v := _video(one, labels)) is not None]
    if not videos:
        raise InputError(
            f"{frames} holds no frames and no videos, neither do its subfolders; put the frames of "
            "each video in a folder of its own"
        )
    return Videos(base.name, videos)


def _parts(base: Path, masks: str | Path | None) -> tuple[Path, Path | None]:
    """The folder of frames and the folder of masks (or None) of a data set."""
    if masks is not None:
        given = Path(masks).expanduser()
        if not given.is_dir():
            raise InputError(f"there is no folder {given}; pass the folder that holds the masks")
        return base, given
    for frames, labels in (("JPEGImages", "Annotations"), ("frames", "masks")):
        if (base / frames).is_dir():
            return _resolution(base / frames), _resolution(base / labels)
    return base, None


def _resolution(path: Path) -> Path:
    """DAVIS puts a folder per resolution between; with exactly one, step into it."""
    inside = folders(path)
    if len(inside) == 1 and folders(inside[0]):
        return inside[0]
    return path


def _video(path: Path, labels: Path | None) -> Video | None:
    if image_files(path / "frames"):
        return Video(path.name, path / "frames", _existing(path / "masks"), expect="any")
    if image_files(path):
        return Video(path.name, path, _existing(labels and labels / path.name), expect="any")
    return None


def _existing(path: Path | None) -> Path | None:
    return path if path is not None and path.is_dir() else None
