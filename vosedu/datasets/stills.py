"""Still images with object masks: what the papers pre-train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosedu.clip import image_files, image_size, read_image, read_mask
from vosedu.datasets.files import folders, known_split, listing, pixels
from vosedu.datasets.places import find_root
from vosedu.errors import InputError
from vosedu.lazy import LazySequence

DUTS_IMAGES = {"train": 10553, "test": 5019}
DEAOT_STILLS = ("COCO", "ECSSD", "MSRA10K", "PASCAL-S", "PASCALVOC2012")


def foreground(path: Path) -> np.ndarray:
    """A saliency mask as H x W uint8: 1 where its grey is above one half (borders are soft)."""
    return (pixels(path, "L") > 127).astype(np.uint8)


def objects(path: Path) -> np.ndarray:
    """An indexed mask as H x W uint8 object ids; void (255) becomes background."""
    ids = read_mask(path)
    return np.where(ids == 255, 0, ids).astype(np.uint8)


@dataclass(frozen=True)
class Still:
    """One picture and its mask on disk. read: turns the mask file into H x W uint8 ids."""

    image: Path
    mask: Path
    read: Callable[[Path], np.ndarray] = foreground

    @property
    def name(self) -> str:
        """The picture's file name without suffix."""
        return self.image.stem

    def open(self) -> tuple[np.ndarray, np.ndarray]:
        """(H x W x 3 uint8 RGB, H x W uint8 ids). InputError if the two differ in size."""
        self.check()
        return read_image(self.image), self.read(self.mask)

    def check(self) -> None:
        """InputError if picture or mask cannot be opened or differ in size (by their headers)."""
        size, size_of_mask = image_size(self.image), image_size(self.mask)
        if size_of_mask != size:
            raise InputError(
                f"{self.mask} is {size_of_mask[1]} x {size_of_mask[0]} but its picture "
                f"{self.image.name} is {size[1]} x {size[0]}; replace it or leave the pair out"
            )


class Stills(LazySequence[tuple[np.ndarray, np.ndarray]]):
    """Pairs (H x W x 3 uint8 RGB, H x W uint8 ids), read when indexed; `a + b` joins two sets."""

    def __init__(self, title: str, stills: Sequence[Still]) -> None:
        self.title = title
        self.stills = tuple(stills)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the pictures, in order."""
        return tuple(still.name for still in self.stills)

    def __len__(self) -> int:
        return len(self.stills)

    def item(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.stills[index].open()

    def part(self, indices: range) -> Stills:
        return Stills(self.title, [self.stills[index] for index in indices])

    def __add__(self, other: Stills) -> Stills:
        return Stills(f"{self.title} + {other.title}", self.stills + other.stills)

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self)} images>"


def pair(
    title: str,
    image_folder: Path,
    mask_folder: Path,
    read: Callable[[Path], np.ndarray] = foreground,
) -> Stills:
    """Pictures and masks of the same name, sorted by name.

    Where several masks carry one name (early archives of DUTS), the one of the picture's size
    counts. InputError: a folder without pictures, a picture without mask, a mask without picture.
    """
    pictures = image_files(image_folder)
    if image_folder == mask_folder:  # MSRA10K tells the two apart by suffix
        pictures = [path for path in pictures if path.suffix.lower() == ".jpg"]
    masks: dict[str, list[Path]] = {}
    for path in image_files(mask_folder):
        if path not in pictures:
            masks.setdefault(path.stem, []).append(path)
    if not pictures:
        raise InputError(f"{title}: there are no pictures in {image_folder}; check the folder")
    if bare := [path.name for path in pictures if path.stem not in masks]:
        raise InputError(
            f"{title}: {len(bare)} of {len(pictures)} pictures have no mask of their name in "
            f"{mask_folder}: {listing(bare, 3)}; unpack the masks again, or remove the pictures"
        )
    if stray := sorted(set(masks) - {path.stem for path in pictures}):
        raise InputError(
            f"{title}: {len(stray)} masks in {mask_folder} have no picture of their name in "
            f"{image_folder}: {listing(stray, 3)}; unpack the pictures again, or remove the masks"
        )
    return Stills(title, [Still(path, _fitting(path, masks[path.stem]), read) for path in pictures])


def _fitting(picture: Path, masks: list[Path]) -> Path:
    if len(masks) == 1:
        return masks[0]
    size = image_size(picture)
    return next((mask for mask in masks if image_size(mask) == size), masks[0])


def pairs(root: str | Path, split: str = "all") -> Stills:
    """Anyone's picture-and-mask pairs: `images/NAME.*` beside `masks/NAME.*`.

    root holds the two folders itself, or subfolders that each hold them; split "all" joins the
    subfolders, another value names one. Masks are foreground where their grey is above one half.
    """
    base = Path(root).expanduser()
    if not base.is_dir():
        raise InputError(f"there is no folder {base}; pass the folder that holds images and masks")
    if (base / "images").is_dir():
        return pair(base.name, base / "images", base / "masks")
    parts = [folder for folder in folders(base) if (folder / "images").is_dir()]
    if not parts:
        raise InputError(
            f"{base} has no folder 'images' beside 'masks', nor a subfolder that has; arrange the "
            "pictures as images/NAME.jpg and masks/NAME.png"
        )
    known_split(base.name, split, ("all", *(part.name for part in parts)))
    wanted = [part for part in parts if split in ("all", part.name)]
    sets = [pair(f"{base.name}/{part.name}", part / "images", part / "masks") for part in wanted]
    return Stills(base.name, [still for one in sets for still in one.stills])


def duts(split: str = "train", root: str | Path | None = None) -> Stills:
    """DUTS: 10553 training and 5019 test pictures ("train", "test", "all").

    root holds `DUTS-TR/DUTS-TR-Image`, `DUTS-TR/DUTS-TR-Mask` and the same of `DUTS-TE`.
    Source: Wang et al., CVPR 2017.
    """
    known_split("DUTS", split, ("train", "test", "all"))
    parts = [code for name, code in (("train", "TR"), ("test", "TE")) if split in (name, "all")]
    base = find_root("duts", root, *(f"DUTS-{code}" for code in parts))
    sets = [
        pair(
            f"DUTS-{code}",
            base / f"DUTS-{code}" / f"DUTS-{code}-Image",
            base / f"DUTS-{code}" / f"DUTS-{code}-Mask",
        )
        for code in parts
    ]
    return Stills(f"DUTS {split}", [still for one in sets for still in one.stills])


def msra10k(split: str = "all", root: str | Path | None = None) -> Stills:
    """MSRA10K: 10000 pictures, `MSRA10K_Imgs_GT/Imgs` with NAME.jpg beside NAME.png.

    Source: Cheng et al., Global contrast based salient region detection, PAMI 2015.
    """
    known_split("MSRA10K", split, ("all",))
    base = find_root("msra10k", root, "Imgs") / "Imgs"
    return pair("MSRA10K", base, base)


def dut_omron(split: str = "all", root: str | Path | None = None) -> Stills:
    """DUT-OMRON: 5168 pictures, `DUT-OMRON-image` and `pixelwiseGT-new-PNG`.

    Source: Yang et al., Saliency detection via graph-based manifold ranking, CVPR 2013.
    """
    known_split("DUT-OMRON", split, ("all",))
    base = find_root("dut-omron", root, "DUT-OMRON-image", "pixelwiseGT-new-PNG")
    return pair("DUT-OMRON", base / "DUT-OMRON-image", base / "pixelwiseGT-new-PNG")


def deaot_stills(
    split: str = "all", root: str | Path | None = None, present_only: bool = False
) -> Stills:
    """The stills of DeAOT's pre-training: COCO, ECSSD, MSRA10K, PASCAL-S, PASCAL VOC 2012.

    split: "all" or one of `DEAOT_STILLS`. root is the prepared layout of the authors, palette
    masks with object ids: `JPEGImages/<set>/NAME.jpg`, `Annotations/<set>/NAME.png`. The archives
    of ECSSD, MSRA10K, PASCAL-S and PASCAL VOC serve as they come, unpacked in `<root>/<set>`; COCO
    keeps its masks as polygons and must be prepared first. present_only: read the sets that are
    there. Source: section "static pre-training" of Yang, Wei and Yang, NeurIPS 2021.
    """
    known_split("the stills of DeAOT", split, ("all", *DEAOT_STILLS))
    base = find_root("deaot-stills", root)
    wanted = DEAOT_STILLS if split == "all" else (split,)
    sets = {name: one for name in wanted if (one := _prepared_or_raw(base, name)) is not None}
    absent = [name for name in wanted if name not in sets]
    if not sets or (absent and not present_only):
        raise InputError(
            f"the stills of DeAOT: {base} has no {listing(absent)}; put each in JPEGImages/<set> "
            "and Annotations/<set>, or pass present_only=True to read what is there"
        )
    return Stills(f"stills of DeAOT {split}", [s for one in sets.values() for s in one.stills])


def _prepared_or_raw(base: Path, name: str) -> Stills | None:
    if (base / "JPEGImages" / name).is_dir():
        return pair(name, base / "JPEGImages" / name, base / "Annotations" / name, objects)
    raw = base / name
    layouts = {
        "ECSSD": ("images", "ground_truth_mask"),
        "MSRA10K": ("MSRA10K_Imgs_GT/Imgs", "MSRA10K_Imgs_GT/Imgs"),
        "PASCAL-S": ("datasets/imgs/pascal", "datasets/masks/pascal"),
    }
    if name in layouts:
        pictures, masks = (raw / part for part in layouts[name])
        return pair(name, pictures, masks) if pictures.is_dir() else None
    if name == "PASCALVOC2012":
        return _voc(raw / "VOCdevkit" / "VOC2012")
    return None


def _voc(base: Path) -> Stills | None:
    """PASCAL VOC 2012 segmentation: only some pictures have masks of their objects."""
    masks = image_files(base / "SegmentationObject")
    if not masks:
        return None
    stills = [Still(base / "JPEGImages" / f"{m.stem}.jpg", m, objects) for m in masks]
    return Stills("PASCALVOC2012", stills)
