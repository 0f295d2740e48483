"""DAVIS 2016 and DAVIS 2017: `JPEGImages/<resolution>/<sequence>` beside `Annotations/...`."""

from __future__ import annotations

from pathlib import Path

from vosedu.datasets.files import folders, known_split, listing
from vosedu.datasets.places import find_root
from vosedu.datasets.sequences import DAVIS16, davis16_names, davis17_names
from vosedu.datasets.videos import Video, Videos, gather, merged
from vosedu.errors import InputError


def davis16(
    split: str = "val",
    root: str | Path | None = None,
    resolution: str = "480p",
    present_only: bool = False,
) -> Videos:
    """DAVIS 2016: 30 training and 20 validation videos, one object (id 1) in every frame.

    split: "train", "val" or "trainval"; "train-25" and "train-5" are two parts of "train", on which
    the recipes of the profile davis-small were chosen. root: the folder that holds JPEGImages; by
    default where `vosedu data get davis16` puts it. resolution: a folder name, "480p" or "1080p".
    present_only: read the sequences that are there instead of asking for all of them.

    The archive of DAVIS 2017 serves too: its instances are merged, which is close to, but not
    the same as, the masks of 2016. Clips carry the attributes of DAVIS (`sequences.ATTRIBUTES`).
    Source: Perazzi et al., CVPR 2016.
    """
    return _davis16(split, root, resolution, present_only)


def davis16_flow(
    split: str = "val",
    root: str | Path | None = None,
    resolution: str = "480p",
    present_only: bool = False,
) -> Videos:
    """DAVIS 2016 with the flow pictures that lie in `Flow/<resolution>/<sequence>` beside it.

    They are drawn as `PicturedFlow` says and may come from any method. The arguments are those of
    `davis16`, in whose folder all of it lies.
    """
    return _davis16(split, root, resolution, present_only, with_flow=True)


def _davis16(
    split: str,
    root: str | Path | None,
    resolution: str,
    present_only: bool,
    with_flow: bool = False,
) -> Videos:
    title = f"DAVIS 2016 {split}"
    known_split("DAVIS 2016", split, ("train", "val", "trainval", "train-25", "train-5"))
    base = _base("davis16", root, resolution)

    def locate(name: str) -> Video:
        return Video(
            name,
            base / "JPEGImages" / resolution / name,
            base / "Annotations" / resolution / name,
            DAVIS16[name].attributes,
            read=merged,
            flow=base / "Flow" / resolution / name if with_flow else None,
        )

    return gather(title, davis16_names(split), locate, present_only)


def davis17(
    split: str = "val",
    root: str | Path | None = None,
    resolution: str = "480p",
    task: str = "semi-supervised",
    present_only: bool = False,
) -> Videos:
    """DAVIS 2017: 60 training, 30 validation and 30 test-dev videos with object ids from 1.

    split: "train", "val", "trainval" or "test-dev" (its clips have the first mask only).
    task: "semi-supervised" reads `Annotations`, "unsupervised" reads `Annotations_unsupervised`
    (2019), whose 255 is void and stays 255. The other arguments are those of `davis16`.
    Source: Pont-Tuset et al., arXiv 1704.00675; Caelles et al., arXiv 1905.00737.
    """
    title = f"DAVIS 2017 {split} ({task})"
    known_split("DAVIS 2017", split, ("train", "val", "trainval", "test-dev"))
    tasks = {"semi-supervised": "Annotations", "unsupervised": "Annotations_unsupervised"}
    if task not in tasks:
        raise InputError(f"DAVIS 2017 has no task '{task}'; choose one of {', '.join(tasks)}")
    base = _base("davis17", root, resolution)

    def locate(name: str) -> Video:
        return Video(
            name,
            base / "JPEGImages" / resolution / name,
            base / tasks[task] / resolution / name,
            DAVIS16[name].attributes if name in DAVIS16 else frozenset(),
            expect="some" if split == "test-dev" else "all",
        )

    return gather(title, davis17_names(split), locate, present_only)


def _base(name: str, root: str | Path | None, resolution: str) -> Path:
    base = find_root(name, root, "JPEGImages")
    have = [path.name for path in folders(base / "JPEGImages")]
    if resolution not in have:
        raise InputError(
            f"{base / 'JPEGImages'} has no folder '{resolution}' but "
            f"{listing(have) or 'nothing'}; pass resolution='{(have or ['480p'])[0]}'"
        )
    return base
