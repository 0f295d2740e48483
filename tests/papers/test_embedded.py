"""What embedded weights say about how their network predicts holds wherever it is looked at."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from vosedu import api, toyvos


@pytest.mark.parametrize("key", ["cosnet", "amcnet", "hcpn", "dpa"])
def test_an_explorer_shows_the_mask_that_segment_gives(key: str) -> None:
    clip = toyvos.split("val", "mixed")[0].cut(0, 8)
    model = api.load(key)
    masks = [result.probability > 0.5 for result in api.segment(model, clip)]
    shown = import_module(f"vosedu.papers.{key}.explorer").explore(model, clip).see(frame=4).mask
    assert masks[4].any()
    np.testing.assert_array_equal(shown, masks[4])
