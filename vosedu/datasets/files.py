"""Looking at folders and image files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vosedu.clip import image_size, opened
from vosedu.errors import InputError


def folders(folder: Path) -> list[Path]:
    """The folders directly in a folder, sorted by name; hidden ones are left out."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def pixels(path: Path, mode: str) -> np.ndarray:
    """An image file as uint8: H x W in mode "L" (grey), H x W x 3 in mode "RGB"."""
    with opened(path) as image:
        return np.asarray(image.convert(mode))


def check_size(file: Path, size: tuple[int, int], frame: Path) -> None:
    """InputError if the file of labels or flow has not the (H, W) `size` of its frame."""
    if (size_of_file := image_size(file)) != size:
        raise InputError(
            f"{file} is {size_of_file[1]} x {size_of_file[0]} but its frame {frame.name} is "
            f"{size[1]} x {size[0]}; use files of the same resolution as the frames"
        )


def last_number(path: Path) -> int | str:
    """The number at the end of a file's name (camel01_0009_gt -> 9), or the name if it has none."""
    digits = re.search(r"(\d+)$", path.stem.removesuffix("_gt"))
    return int(digits[1]) if digits else path.stem


def listing(names: Sequence[str], most: int = 8) -> str:
    """Names in one line; of many, the first few and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def known_split(title: str, split: str, splits: Sequence[str]) -> None:
    """InputError unless `split` is one of `splits`."""
    if split not in splits:
        raise InputError(f"{title} has no split '{split}'; choose one of {', '.join(splits)}")
