"""Photographs for notebooks."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vosedu.figures.photo import photo


def test_a_wide_picture_is_shown_narrower_with_its_alternative_text() -> None:
    picture = np.full((100, 400, 3), 90, np.uint8)
    shown = photo(picture, "a grey field", widest=200)
    _, metadata = shown._repr_mimebundle_()
    assert metadata["image/jpeg"]["alt"] == "a grey field"
    with Image.open(io.BytesIO(shown.data)) as image:
        assert image.size == (200, 50)
        assert abs(int(np.asarray(image).mean()) - 90) < 3


def test_a_narrow_picture_keeps_its_size() -> None:
    with Image.open(io.BytesIO(photo(np.zeros((10, 20, 3), np.uint8), "").data)) as image:
        assert image.size == (20, 10)
