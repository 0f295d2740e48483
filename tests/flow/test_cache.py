from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from vosedu import InputError, flow
from vosedu.flow import cache as cache_module
from vosedu.flow.cache import FlowCache


@pytest.fixture
def compute_calls(monkeypatch):
    """How many fields DIS computed."""
    calls = []
    compute = flow.DIS.between

    def counted(self, first, second):
        calls.append(1)
        return compute(self, first, second)

    monkeypatch.setattr(flow.DIS, "between", counted)
    return calls


def stored(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_the_second_pass_computes_nothing_and_agrees_exactly(
    moving_square, tmp_path, compute_calls
):
    first = list(flow.estimate(moving_square, cache=tmp_path, last="negated-backward"))
    assert len(compute_calls) == len(stored(tmp_path)) == 5
    second = list(flow.estimate(moving_square, cache=tmp_path, last="negated-backward"))
    assert len(compute_calls) == 5
    for a, b in zip(first, second):
        assert a.dtype == b.dtype == np.float32
        assert_array_equal(a, b)


def test_stored_fields_are_within_half_precision(moving_square, tmp_path):
    exact = flow.estimate(moving_square)[0]
    cached = flow.estimate(moving_square, cache=tmp_path)[0]
    np.testing.assert_allclose(cached, exact, rtol=2**-11, atol=1e-7)


def test_an_interrupted_pass_is_continued(moving_square, tmp_path, compute_calls):
    fields = iter(flow.estimate(moving_square, cache=tmp_path))
    next(fields), next(fields)
    list(flow.estimate(moving_square, cache=tmp_path))
    assert len(compute_calls) == 4


def test_a_changed_frame_is_noticed(moving_square, tmp_path, compute_calls):
    list(flow.estimate(moving_square, cache=tmp_path))
    changed = [frame.copy() for frame in moving_square.frames]
    changed[2][5, 5, 0] ^= 1
    list(flow.estimate(changed, cache=tmp_path))
    assert len(compute_calls) == 4 + 2  # both pairs that the frame belongs to


def test_methods_and_directions_do_not_share_fields(moving_square, tmp_path):
    clip = moving_square.cut(0, 2)
    for method in ("dis-medium", "dis-fast", "farneback"):
        for direction in ("forward", "backward"):
            cached = flow.estimate(clip, method, direction, cache=tmp_path)[0]
            direct = flow.estimate(clip, method, direction)[0]
            np.testing.assert_allclose(cached, direct, rtol=2**-11, atol=1e-7)
    assert len(stored(tmp_path)) == 6


@pytest.mark.parametrize("keep", [0, 40, 0.5, -8], ids=["empty", "header", "half", "tail"])
def test_a_truncated_file_is_noticed_and_computed_again(
    keep, moving_square, tmp_path, compute_calls
):
    clip = moving_square.cut(0, 2)
    expected = flow.estimate(clip, cache=tmp_path)[0]
    (file,) = stored(tmp_path)
    content = file.read_bytes()
    end = int(len(content) * keep) if isinstance(keep, float) else keep
    file.write_bytes(content[:end])
    with pytest.warns(UserWarning, match="damaged; it is computed again"):
        assert_array_equal(flow.estimate(clip, cache=tmp_path)[0], expected)
    assert file.read_bytes() == content
    assert len(compute_calls) == 2


def test_a_flipped_bit_is_noticed(moving_square, tmp_path):
    clip = moving_square.cut(0, 2)
    expected = flow.estimate(clip, cache=tmp_path)[0]
    (file,) = stored(tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    with pytest.warns(UserWarning, match="damaged"):
        assert_array_equal(flow.estimate(clip, cache=tmp_path)[0], expected)


def test_killed_while_writing_leaves_no_field_and_no_rubbish(moving_square, tmp_path, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            flow.estimate(moving_square, cache=tmp_path)[0]
    assert stored(tmp_path) == []
    assert flow.estimate(moving_square, cache=tmp_path)[0].shape == (*moving_square.size, 2)


def test_a_folder_that_cannot_be_written(moving_square, tmp_path, monkeypatch):
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    for folder in (occupied, occupied / "below"):
        with pytest.raises(InputError, match=r"cannot be written .*choose another folder"):
            flow.estimate(moving_square, cache=folder)

    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache_module.tempfile, "TemporaryFile", refused)
    with pytest.raises(InputError, match="Permission denied"):
        flow.estimate(moving_square, cache=tmp_path)


def test_a_full_disk_keeps_what_was_stored(moving_square, tmp_path, monkeypatch):
    fields = flow.estimate(moving_square, cache=tmp_path)
    first = fields[0]

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match=r"No space left on device.*what was stored so far stays"):
        fields[1]
    assert len(stored(tmp_path)) == 1
    assert_array_equal(fields[0], first)


@pytest.mark.parametrize("fault", ["shape", "numbers"])
def test_an_entry_that_cannot_be_the_field_is_computed_again(tmp_path: Path, fault: str) -> None:
    cache = FlowCache(tmp_path)
    right = np.ones((4, 6, 2), np.float32)
    wrong = np.ones((6, 4, 2)) if fault == "shape" else np.full((4, 6, 2), np.nan)
    cache.fetch("dis", b"a", b"b", lambda: wrong)
    with pytest.warns(UserWarning, match="damaged"):
        field = cache.fetch("dis", b"a", b"b", lambda: right, size=(4, 6))
    assert np.array_equal(field, right)
    assert np.array_equal(cache.fetch("dis", b"a", b"b", lambda: wrong, size=(4, 6)), right)
