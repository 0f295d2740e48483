"""Two passes over a clip: what is encoded when, what is held, how views become results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FrameResult
from vosedu.papers.streaming import CheckedFrames, results, two_passes


def run(plan: Sequence[Sequence[int]], **options: int):
    """The order of encodings, and what every target was predicted from."""
    encoded: list[int] = []
    predicted: dict[int, tuple[int, list[int]]] = {}

    def encode(indices: Sequence[int]) -> dict[int, int]:
        encoded.extend(indices)
        return {index: index for index in indices}

    def predict(targets, own, references):
        for target, each, chosen in zip(targets, own, references):
            predicted[target] = (each, chosen)
            yield FrameResult(target)

    found = two_passes(plan, encode, lambda each: 100 + each, predict, **options)
    assert [result.index for result in found] == list(range(len(plan)))
    return encoded, predicted


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_references_ahead_come_first_and_every_frame_is_encoded_once(batch: int) -> None:
    encoded, predicted = run([(0, 4, 9)] * 10, batch=batch)
    assert encoded == [4, 9, 0, 1, 2, 3, 5, 6, 7, 8]
    assert predicted == {t: (t, [100, 104, 109]) for t in range(10)}


def test_references_just_ahead_are_waited_for() -> None:
    plan = [tuple(i for i in (t - 1, t + 1) if 0 <= i < 6) for t in range(6)]
    encoded, predicted = run(plan, ahead=1)
    assert encoded == list(range(6))
    assert predicted[3] == (3, [102, 104])


def test_without_references_there_is_one_pass() -> None:
    encoded, predicted = run([()] * 5, batch=2)
    assert encoded == list(range(5))
    assert predicted[4] == (4, [])


def test_what_is_no_longer_needed_is_let_go() -> None:
    class Counted:
        alive = most = 0

        def __init__(self) -> None:
            Counted.alive += 1
            Counted.most = max(Counted.most, Counted.alive)

        def __del__(self) -> None:
            Counted.alive -= 1

    plan = [(max(t - 1, 0),) for t in range(50)]
    stream = two_passes(
        plan,
        lambda indices: {index: Counted() for index in indices},
        lambda each: Counted(),
        lambda targets, own, references: iter([FrameResult(t) for t in targets]),
    )
    assert len(list(stream)) == 50
    assert Counted.most <= 5


def clip(height: int = 4, width: int = 6) -> Clip:
    return Clip("clip", [np.zeros((height, width, 3), np.uint8)] * 3)


def test_views_are_turned_back_and_averaged() -> None:
    maps = torch.arange(2 * 2 * 4 * 6, dtype=torch.float32).view(4, 1, 4, 6) / 100
    first, second = results("X", clip(), [0, 2], maps, mirrored=True)
    assert (first.index, second.index) == (0, 2)
    np.testing.assert_allclose(first.probability, (maps[0, 0] + maps[1, 0].flip(-1)) / 2)
    np.testing.assert_allclose(second.probability, (maps[2, 0] + maps[3, 0].flip(-1)) / 2)
    plain = list(results("X", clip(), [0], maps[:2]))
    np.testing.assert_allclose(plain[0].probability, maps[:2, 0].mean(0))


def test_maps_are_enlarged_to_the_clip() -> None:
    (result,) = results("X", clip(8, 12), [1], torch.full((1, 1, 4, 6), 0.25))
    assert result.probability.shape == (8, 12)
    assert result.probability.dtype == np.float32
    np.testing.assert_allclose(result.probability, 0.25)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_single_pixel_that_is_no_number_is_refused(value: float) -> None:
    maps = torch.full((2, 1, 4, 6), 0.5)
    maps[1, 0, 2, 3] = value
    stream = results("Net", clip(), [0, 1], maps)
    assert next(stream).index == 0
    with pytest.raises(InputError, match="Net's output for frame 1 of 'clip' is not a number"):
        next(stream)


def test_frames_of_another_size_are_refused_and_two_are_held() -> None:
    asked: list[int] = []

    class Frames(list):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    pictures = [np.zeros((4, 6, 3), np.uint8)] * 4 + [np.zeros((4, 5, 3), np.uint8)]
    frames = CheckedFrames(Clip("clip", Frames(pictures)))
    asked.clear()
    for index in (0, 1, 0, 1, 2, 1, 2, 0):
        frames[index]
    assert asked == [0, 1, 2, 0]
    with pytest.raises(InputError, match="frame 4 of 'clip' is 5 x 4 but the clip is 6 x 4"):
        frames[4]
