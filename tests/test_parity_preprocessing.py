"""From a raw frame to the tensor that enters the network, against the authors' own loaders.

Cases, source pictures and tolerances come from the manifest of `preprocessing` in the folder that
VOSEDU_PARITY_DIR names; another frame needs no change here. The pictures are DAVIS frames, which
the repository does not hold, so on other machines the same steps are compared with plain Pillow and
numpy on a rendered frame.

A paper joins with `tests/papers/KEY/preprocessing.py`:

    network_input(name, pictures)   the package's own path to the tensor `name` of the manifest
                                    (its size suffix removed): C x H x W, no batch axis
    plain(name, pictures)           the manifest's steps written anew with Pillow, OpenCV and numpy
    UNUSED                          arrays that never enter the network -> why

`pictures`: the case's sources, H x W x 3 uint8 RGB, masks H x W uint8 as stored.
"""

from __future__ import annotations

import importlib.util
import json
import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from parity import DEVELOPMENT, TESTS
from PIL import Image

from vosedu import api, toyvos

FOLDER = DEVELOPMENT / "preprocessing"
PICTURES = DEVELOPMENT.parent / "data" / "davis-mini"
MANIFEST = FOLDER / "manifest.json"
AUTHORS = json.loads(MANIFEST.read_text())["papers"] if MANIFEST.is_file() else {}
JOINED = sorted(path.parent.name for path in (TESTS / "papers").glob("*/preprocessing.py"))


def adapter(key: str) -> ModuleType:
    """The preprocessing module of a paper's tests."""
    path = TESTS / "papers" / key / "preprocessing.py"
    if not path.is_file():
        companion = {"stm": "hcpn"}.get(key, key)  # built when the paper that it serves is
        if companion in api.papers():
            pytest.fail(f"{key} is built, but {path.relative_to(TESTS.parent)} is missing")
        pytest.skip(f"{key} is not built yet")
    spec = importlib.util.spec_from_file_location(f"preprocessing_{key}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pictures_of(about: dict[str, Any]) -> list[np.ndarray]:
    """The source pictures of an array, enlarged where the manifest says so."""
    if not PICTURES.is_dir():
        pytest.skip(f"the source pictures ({PICTURES.name}) are not beside the parity folder")
    sources = [about["source"]] if isinstance(about["source"], str) else about["source"]
    pictures = []
    for source in sources:
        picture = Image.open(PICTURES / source)
        mask = source.startswith("Annotations")
        if enlarged := re.search(r"enlarged to (\d+)x(\d+)", about["source_size"]):
            how = Image.Resampling.NEAREST if mask else Image.Resampling.LANCZOS
            picture = picture.resize(tuple(map(int, enlarged.groups())), how)
        pictures.append(np.asarray(picture if mask else picture.convert("RGB")))
    return pictures


def assert_equals_the_authors(found: Any, key: str, name: str) -> None:
    about, paper = AUTHORS[key]["tensors"][name], AUTHORS[key]
    found = np.asarray(found)
    assert list(found.shape) == about["full_shape"]
    step = int(re.search(r"::(\d+)", about["thinning"])[1]) if "::" in about["thinning"] else 1
    with np.load(FOLDER / paper["file"], allow_pickle=False) as arrays:
        expected = arrays[name]
    other = json.dumps(about.get("largest_difference_of_other_choices", {}))
    np.testing.assert_allclose(
        found[:, ::step, ::step],
        expected,
        rtol=0,
        atol=paper["atol"],
        err_msg=f"{paper['steps']}; other choices differ by: {other}",
    )
    if "mean_per_channel" in about:  # of the full tensor, what thinning left out included
        mean = found.mean(axis=(1, 2), dtype=np.float64)
        np.testing.assert_allclose(
            mean, about["mean_per_channel"], rtol=0, atol=1e-5 + paper["atol"]
        )


CASES = [pytest.param(k, n, id=f"{k}-{n}") for k, p in AUTHORS.items() for n in p["tensors"]]


@pytest.mark.skipif(not AUTHORS, reason="the parity folder of preprocessing is not here")
@pytest.mark.parametrize(("key", "name"), CASES)
def test_what_enters_the_network_is_what_the_authors_loader_gives(key: str, name: str) -> None:
    module, stem = adapter(key), name.removesuffix("_480")
    if stem in module.UNUSED:
        pytest.skip(module.UNUSED[stem])
    pictures = pictures_of(AUTHORS[key]["tensors"][name])
    assert_equals_the_authors(module.network_input(stem, pictures), key, name)
    assert_equals_the_authors(module.plain(stem, pictures), key, name)


@pytest.mark.parametrize("key", JOINED)
def test_what_enters_the_network_is_what_plain_steps_give(key: str) -> None:
    """A rendered frame, which red and blue, filter, mean and scale all leave a mark on."""
    module, clip = adapter(key), toyvos.split("val", height=120)[0].cut(0, 2)
    mask = np.where(clip.labels[0] > 0, 255, 0).astype(np.uint8)
    for name in module.PLAIN:
        pictures = [mask] if name.startswith("mask") else [clip.frames[0]]
        found = np.asarray(module.network_input(name, pictures))
        expected = np.asarray(module.plain(name, pictures))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4, err_msg=name)
        assert expected.std() > 0.1
