"""Photographs in notebooks: small files, with alternative text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from IPython.display import Image as Shown


def photo(picture: np.ndarray, alt: str, widest: int = 960, quality: int = 80) -> Shown:
    """A picture to end a notebook cell with, as JPEG (a tenth of the PNG's size).

    picture: H x W x 3 uint8; made narrower if it is wider than `widest` pixels. alt: what it shows,
    for those who cannot see it.
    """
    from IPython.display import Image as Shown

    return Shown(data=jpeg_bytes(picture, widest, quality), format="jpeg", alt=alt)


def jpeg_bytes(picture: np.ndarray, widest: int = 960, quality: int = 80) -> bytes:
    """H x W x 3 uint8 -> a JPEG file, made narrower if it is wider than `widest` pixels."""
    image = Image.fromarray(picture)
    if image.width > widest:
        image = image.resize((widest, round(image.height * widest / image.width)), Image.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
