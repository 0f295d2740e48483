"""What `tools/measure_deaot.py` measures, and that its results belong to what is embedded."""

from __future__ import annotations

import json

import measure_deaot
import numpy as np
import pytest
from pytest import approx

from vosedu import api, ladder, toyvos
from vosedu.paths import data_dir


def test_a_clip_is_played_to_and_fro() -> None:
    clip = toyvos.split("val")[0].cut(0, 3)
    longer = measure_deaot.to_and_fro(clip, 6)
    assert len(longer) == len(longer.labels) == 6
    for t, k in enumerate((0, 1, 2, 1, 0, 1)):
        assert np.array_equal(longer.frames[t], clip.frames[k])
        assert np.array_equal(longer.labels[t], clip.labels[k])


def test_a_cap_bounds_memory_and_j_is_that_of_segment() -> None:
    model = api.load("deaot", "course-t")
    clip = measure_deaot.to_and_fro(toyvos.split("val", "similar-objects")[0].cut(0, 4), 12)
    js, held = measure_deaot.followed(model, clip, None)
    assert len(js) == len(held) == 11 and held[0] == held[-1]
    large = api.load("deaot")
    _, growing = measure_deaot.followed(large, clip, None)
    _, capped = measure_deaot.followed(large, clip, 1)
    assert growing[-1] > growing[0] == capped[0] == approx(capped[-1])
    masks = [r.labels for r in api.segment(model, clip, given={0: clip.labels[0]})]
    objects = [k for k in np.unique(clip.labels[0]) if k not in (0, 255)]
    again = [
        np.mean([measure_deaot.metrics.region(masks[t] == k, clip.labels[t] == k) for k in objects])
        for t in range(1, len(clip))
    ]
    assert js == approx(again)


def test_the_three_networks_of_the_course_are_measured_alike() -> None:
    found = measure_deaot.family(clips=1)["rows"]
    assert list(found) == list(measure_deaot.NETWORKS)
    for row in found.values():
        assert set(row["scores"]) == set(measure_deaot.SUITES) and row["ms per frame"] > 0
        assert all(
            len(js) == 1 and 0 <= js[0] <= 1 for s in row["scores"].values() for js in s.values()
        )
    assert found["DeAOT-T"]["parameters"] < found["DeAOT-L"]["parameters"]
    assert found["DeAOT-T"]["memory"][-1] < found["DeAOT-L"]["memory"][-1]


def test_what_is_kept_was_measured_with_what_is_embedded() -> None:
    for name in ("family", "caps"):
        path = data_dir("results") / "deaot" / f"{name}.json"
        if not path.is_file():
            pytest.skip(f"not run here: python tools/measure_deaot.py {name}")
        kept = json.loads(path.read_text())
        assert kept["data"] == toyvos.PIXELS and kept["commit"]
        if name == "caps":
            assert kept["weights"] == ladder.checksum("deaot")
            continue
        for network, row in kept["rows"].items():
            assert row["checkpoint"] == ladder.checksum("deaot", row["weights"]), network
            for suite, scores in row["scores"].items():
                assert len(scores["J"]) == kept["clips"][suite]
