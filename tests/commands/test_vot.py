"""`vosedu vot` under the VOT toolkit: its regions, and a clip of ToyVOS from end to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from vosedu import api, commands, toyvos
from vosedu.clip import Clip
from vosedu.commands import vot
from vosedu.errors import InputError

SIZE = (4, 6)


def region(kind: str, **methods: object) -> SimpleNamespace:
    """What a region of the package vot-trax offers, of one kind."""
    return SimpleNamespace(type=kind, **{name: lambda v=v: v for name, v in methods.items()})


def pixels(rows: slice, columns: slice) -> np.ndarray:
    wanted = np.zeros(SIZE, bool)
    wanted[rows, columns] = True
    return wanted


class TestRegions:
    def test_a_rectangle_covers_its_pixels_inside_the_frame(self) -> None:
        found = vot.inside(region("rectangle", bounds=(4.0, -1.0, 5.0, 3.0)), SIZE)
        assert np.array_equal(found, pixels(slice(0, 2), slice(4, 6)))

    def test_a_rectangle_outside_the_frame_covers_nothing(self) -> None:
        for bounds in ((-5.0, 0.0, 3.0, 3.0), (9.0, 0.0, 3.0, 3.0)):
            assert not vot.inside(region("rectangle", bounds=bounds), SIZE).any()

    def test_a_mask_lies_at_its_offset_and_is_cut_at_the_edge(self) -> None:
        for offset, covered in (((4, 3), (3, 4, 4, 6)), ((-1, -1), (0, 1, 0, 2))):
            mask = region("mask", array=np.ones((2, 3), np.uint8), offset=offset)
            top, bottom, left, right = covered
            wanted = pixels(slice(top, bottom), slice(left, right))
            assert np.array_equal(vot.inside(mask, SIZE), wanted)

    def test_a_polygon_is_filled(self) -> None:
        class Polygon(list):
            type = "polygon"

        corners = Polygon([(1.0, 1.0), (3.2, 1.0), (3.2, 2.9), (1.0, 2.9)])
        assert np.array_equal(vot.inside(corners, SIZE), pixels(slice(1, 4), slice(1, 4)))

    def test_objects_are_numbered_in_order_and_the_later_one_lies_on_top(self) -> None:
        left = region("rectangle", bounds=(0.0, 0.0, 3.0, 4.0))
        right = region("rectangle", bounds=(2.0, 0.0, 4.0, 4.0))
        ids = vot.numbered([left, right], SIZE, before=5)
        assert ids[0].tolist() == [6, 6, 7, 7, 7, 7]
        assert [int(mask.sum()) for mask in vot.masks_of(ids, 7)[5:]] == [8, 16]

    def test_more_objects_than_ids_are_refused(self) -> None:
        whole = region("rectangle", bounds=(0.0, 0.0, 6.0, 4.0))
        with pytest.raises(InputError, match="at most 254 objects"):
            vot.numbered([whole], SIZE, before=254)


class TestRefusals:
    def test_without_the_protocols_package(self, monkeypatch, capsys) -> None:
        monkeypatch.setitem(sys.modules, "trax", None)
        assert commands.main(["vot"]) == 2
        assert "pip install 'vosedu[vot]'" in capsys.readouterr().err

    def test_a_method_that_follows_no_given_objects(self, monkeypatch, capsys) -> None:
        monkeypatch.setitem(sys.modules, "trax", SimpleNamespace())
        assert commands.main(["vot", "--method", "cosnet", "--weights", "course"]) == 2
        assert "choose --method deaot" in capsys.readouterr().err


# Under the toolkit -------------------------------------------------------------------------------

FRAMES, LATE = 6, 3  # frames of the clip, and the frame in which its last object is given


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of the toolkit with one sequence of two objects."""
    pytest.importorskip("trax", reason="the package vot-trax is not installed")
    pytest.importorskip("vot", reason="the package vot-toolkit is not installed")
    sequence = tmp_path / "sequences" / "toy"
    (sequence / "color").mkdir(parents=True)
    clip = the_clip()
    for t, frame in enumerate(clip.frames, 1):
        Image.fromarray(frame).save(sequence / "color" / f"{t:08d}.png")
    (sequence / "sequence").write_text(
        f"channels.color=color/%08d.png\nfps=10\nlength={len(clip)}\n"
    )
    for k, first in STARTS.items():
        lines = ["0" if t < first else encoded(clip.labels[t] == k) for t in range(len(clip))]
        (sequence / f"groundtruth_{k}.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "sequences" / "list.txt").write_text("toy\n")
    (tmp_path / "config.yaml").write_text("registry: [./trackers.ini]\nstack: ./stack.yaml\n")
    (tmp_path / "stack.yaml").write_text(
        "title: local\nexperiments:\n  baseline:\n    type: unsupervised\n    repetitions: 1\n"
        "    multiobject: True\n"
    )
    (tmp_path / "trackers.ini").write_text(
        f"[vosedu]\nprotocol = trax\ntimeout = 300\ncommand = {sys.executable} -m vosedu vot "
        "--weights course --long-frames 1\n"
    )
    return tmp_path


STARTS = {1: 0, 2: LATE}
"""Object -> the frame in which the toolkit names it. With two in one frame it chooses the order."""


def the_clip() -> Clip:
    """A clip of which two objects are followed."""
    return toyvos.split("val", "similar-objects")[0].cut(0, FRAMES)


def encoded(mask: np.ndarray) -> str:
    """A mask in the toolkit's text format: its offset, size, and lengths of runs, zeros first."""
    height, width = mask.shape
    flat = np.concatenate([[0], mask.ravel().astype(int)])
    ends = np.flatnonzero(np.diff(flat))
    runs = np.diff([0, *ends, mask.size])
    return f"m0,0,{width},{height}," + ",".join(map(str, runs))


def test_masks_under_the_toolkit_are_those_of_segment(workspace: Path) -> None:
    """The toolkit starts the command, names objects, one of them late, and keeps its masks."""
    from vot.region import Mask
    from vot.region.io import read_trajectory

    done = subprocess.run(
        [sys.executable, "-m", "vot", "evaluate", "--workspace", str(workspace), "vosedu"],
        capture_output=True,
        text=True,
    )
    kept = {p.name: p for p in workspace.glob("results/vosedu/baseline/toy/toy_*_001.bin")}
    clip = the_clip()
    given = {t: np.where(clip.labels[t] == k, k, 0).astype(np.uint8) for k, t in STARTS.items()}
    assert sorted(kept) == [f"toy_{k}_001.bin" for k in STARTS], done.stdout + done.stderr
    expected = {r.index: r.labels for r in api.segment(api.load("deaot"), clip, given=given)}
    for k, first in STARTS.items():
        found = read_trajectory(str(kept[f"toy_{k}_001.bin"]))
        for t in range(first + 1, len(clip)):
            assert isinstance(found[t], Mask)
            mask = found[t].rasterize((0, 0, clip.size[1] - 1, clip.size[0] - 1)) > 0
            assert np.array_equal(mask, expected[t] == k)
