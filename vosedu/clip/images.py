"""Image files: which ones a folder holds, and their pixels as RGB frames or object ids."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from vosedu.errors import InputError

IMAGE_SUFFIXES = frozenset(".jpg .jpeg .png .bmp .ppm .pgm .tif .tiff .webp".split())
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_ORIENTATION = 0x0112  # the EXIF tag; values 5 to 8 exchange height and width


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


def image_files(folder: Path) -> list[Path]:
    """The image files directly in a folder, in natural order (2.png before 10.png).

    Hidden files are left out. A link to a file that does not exist raises InputError.
    """
    if not folder.is_dir():
        return []
    files = []
    for path in folder.iterdir():
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
        if path.is_symlink() and not path.exists():
            raise InputError(
                f"{path} is a link to a file that does not exist; restore the file or remove the "
                "link"
            )
        if path.is_file():
            files.append(path)
    return sorted(files, key=natural_order)


def frame_files(folder: Path) -> list[Path]:
    """`image_files` of a folder of frames: two files of one name (2.png, 2.jpg) are refused."""
    files = image_files(folder)
    first: dict[str, Path] = {}
    for path in files:
        other = first.setdefault(path.stem, path)
        if other is not path:
            raise InputError(
                f"{path} and {other.name} are two files of one frame; remove one of them"
            )
    return files


def natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """A sorting key by which numbers in names count as numbers."""
    parts = [part for part in re.split(r"(\d+)", path.stem) if part]
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts], path.name


@contextmanager
def opened(path: str | Path, kind: str = "image") -> Iterator[Image.Image]:
    """An image file opened by Pillow; what Pillow refuses becomes one InputError."""
    try:
        with warnings.catch_warnings():  # Pillow warns from its limit on and refuses twice as much
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            yield image
    except (OSError, SyntaxError, ValueError, *_BOMBS) as error:
        raise InputError(
            f"cannot read the {kind} {path} ({error}); replace the file or leave it out"
        ) from error


def read_image(path: str | Path) -> np.ndarray:
    """Read one image file as H x W x 3 uint8 RGB, turned upright as its EXIF data ask.

    16-bit grey files are scaled to 8 bits. Files of 32-bit or floating-point pixels have no
    defined white and raise InputError.
    """
    with opened(path) as image:
        mode = image.mode
        if mode.startswith("I;16"):
            grey = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
            return np.repeat((grey // 257).astype(np.uint8)[..., None], 3, 2)
        if mode not in {"I", "F"}:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    raise InputError(
        f"the image {path} holds {'floating-point' if mode == 'F' else '32-bit'} pixels, whose "
        "white is not defined; save it with 8 bits a channel"
    )


def image_size(path: str | Path) -> tuple[int, int]:
    """(H, W) of an image file as `read_image` gives it, from its header."""
    with opened(path) as image:
        turned = image.getexif().get(_ORIENTATION, 1) >= 5
        return (image.width, image.height) if turned else (image.height, image.width)


def read_mask(path: str | Path) -> np.ndarray:
    """Read one mask file as H x W uint8 object ids.

    Indexed PNGs give their indices; grey files whose only values are 0 and 255 give 0 and 1, other
    grey files their values; grey with alpha gives its grey. InputError: colour masks without a
    palette and 16-bit masks, which have no defined ids, and JPEG, whose compression changes ids.
    """
    ids, grey = stored_mask(path)
    if grey and not ((ids != 0) & (ids != 255)).any():
        return (ids != 0).astype(np.uint8)
    if Path(path).suffix.lower() in {".jpg", ".jpeg"}:
        raise InputError(
            f"the mask {path} is a JPEG, whose compression changes object ids; save it as PNG"
        )
    return ids


def stored_mask(path: str | Path) -> tuple[np.ndarray, bool]:
    """H x W uint8 values of a mask file as stored, and whether they are grey levels, not ids."""
    with opened(path, "mask") as image:
        if image.mode in {"L", "LA"}:
            return np.asarray(image if image.mode == "L" else image.getchannel(0)), True
        if image.mode in {"P", "1"}:
            return np.asarray(image, np.uint8), False
        mode = image.mode
    raise InputError(
        f"the mask {path} is stored as '{mode}', which carries no object ids; "
        "save it as an indexed (palette) or 8-bit grey PNG"
    )


def write_mask(path: str | Path, ids: np.ndarray) -> None:
    """Write H x W uint8 object ids as an indexed PNG with the DAVIS palette."""
    image = Image.fromarray(np.ascontiguousarray(ids, np.uint8)).convert("L")
    image.putpalette(PALETTE.tobytes())
    image.save(path, format="PNG", optimize=False)
