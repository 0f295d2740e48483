"""HCPN's instance level: which proposals are kept, how they are followed, what is scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from vosedu import metrics, toyvos
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FrameResult
from vosedu.papers.hcpn.instances import (
    Candidate,
    ForegroundPieces,
    Instances,
    MaskRCNN,
    NoisyTruth,
    compare,
    everything,
    segment_instances,
    segment_tracks,
    truth,
)
from vosedu.papers.hcpn.instances.merging import iou
from vosedu.papers.hcpn.instances.pipeline import first_labels, restricted
from vosedu.papers.hcpn.instances.proposals import candidates_of
from vosedu.papers.stm import inference, network

SIZE = (48, 64)


def box(top: int, left: int, side: int = 12) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def two_squares(length: int = 5) -> Clip:
    """Two objects that move apart, and a third thing that is no object."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 90, (*SIZE, 3), np.uint8)
    frames, labels = [], {}
    for t in range(length):
        frame, ids = ground.copy(), np.zeros(SIZE, np.uint8)
        frame[box(30, 40)] = (0, 200, 0)
        for number, (place, colour) in enumerate(
            ((box(4, 4 + 2 * t), (250, 0, 0)), (box(20, 30 - 2 * t), (0, 0, 250))), 1
        ):
            frame[place], ids[place] = colour, number
        frames.append(frame)
        labels[t] = ids
    return Clip("squares", frames, labels)


def true_foreground(clip: Clip) -> Iterator[FrameResult]:
    for t, ids in clip.labels.items():
        yield FrameResult(t, probability=(ids > 0).astype(np.float32))


def perfect(clip: Clip, frames: Sequence[np.ndarray], ids: np.ndarray) -> Iterator[np.ndarray]:
    """A propagator that knows the labels, with the given numbers."""
    table = {int(true): int(np.bincount(ids[clip.labels[0] == true]).argmax()) for true in (1, 2)}
    for labels in clip.labels.values():
        planes = np.zeros((3, *SIZE), np.float32)
        planes[0] = labels == 0
        for true, number in table.items():
            planes[number] = labels == true
        yield planes


def proposals(clip: Clip) -> list[Candidate]:
    """Both objects and the thing, one object twice."""
    return [
        Candidate(box(4, 4), 0.8),
        Candidate(box(30, 40), 0.99),
        Candidate(box(5, 5), 0.7),
        Candidate(box(20, 30), 0.9),
    ]


def test_the_foreground_chooses_and_the_best_score_comes_first() -> None:
    ids = first_labels(proposals(two_squares()), box(4, 4) | box(20, 30), Instances())
    assert set(np.unique(ids)) == {0, 1, 2}
    assert (ids == 1)[box(20, 30)].all() and (ids == 2)[box(4, 4)].all()
    assert not ids[box(30, 40) & ~box(20, 30)].any()


def test_half_a_proposal_must_be_foreground() -> None:
    half = np.zeros(SIZE, bool)
    half[4:16, 4:10] = True  # exactly half
    assert not first_labels([Candidate(box(4, 4), 0.9)], half, Instances()).any()
    half[4, 10] = True
    assert first_labels([Candidate(box(4, 4), 0.9)], half, Instances()).any()


def test_ten_objects_at_most_and_no_gap_in_their_numbers() -> None:
    many = [Candidate(box(4 * (i % 11), 5 * (i % 12), 3), 0.5 + i / 100) for i in range(12)]
    ids = first_labels(many, np.ones(SIZE, bool), Instances(overlap=2.0))
    assert list(np.unique(ids)) == list(range(11))
    covered = [Candidate(box(4, 4), 0.9), Candidate(box(5, 5, 4), 0.5), Candidate(box(20, 30), 0.4)]
    assert list(np.unique(first_labels(covered, np.ones(SIZE, bool), Instances(overlap=2.0)))) == [
        0,
        1,
        2,
    ]


def test_labels_hold_on_foreground_and_foreground_gets_a_label() -> None:
    planes = np.array([[[0.9, 0.1, 0.9]], [[0.02, 0.8, 0.06]], [[0.08, 0.1, 0.04]]])
    foreground = np.array([[True, False, True]])
    assert restricted(planes, foreground).tolist() == [[2, 0, 1]]


def test_the_pipeline_finds_both_objects() -> None:
    clip = two_squares()
    found = list(segment_instances(clip, true_foreground, proposals, partial(perfect, clip)))
    assert [r.index for r in found] == list(range(5))
    scores = metrics.evaluate({clip.name: [r.labels for r in found]}, [clip], "davis17-unsup")
    summary = scores.summary()
    assert summary["J-Mean"] == summary["F-Mean"] == pytest.approx(1)


def test_a_small_stm_follows_what_it_is_given() -> None:
    clip = two_squares()
    torch.manual_seed(0)
    model = network.build(network.Config().scaled("quick")).eval()
    found = list(
        segment_instances(clip, true_foreground, proposals, partial(inference.propagate, model))
    )
    assert np.array_equal(found[0].labels > 0, clip.labels[0] > 0)
    assert all(((r.labels > 0) == (clip.labels[r.index] > 0)).all() for r in found)


def test_without_a_kept_proposal_the_foreground_is_one_object() -> None:
    clip = two_squares(2)
    seen = []

    def follow(frames: Sequence[np.ndarray], ids: np.ndarray) -> Iterator[np.ndarray]:
        seen.append(ids)
        return (np.stack([ids == 0, ids == 1]).astype(np.float32) for _ in frames)

    found = list(segment_instances(clip, true_foreground, lambda clip: [], follow))
    assert np.array_equal(seen[0], clip.labels[0] > 0)
    assert set(np.unique(found[1].labels)) == {0, 1}


def test_without_foreground_everything_is_empty() -> None:
    clip = two_squares(3)

    def nothing(clip: Clip) -> Iterator[FrameResult]:
        return (FrameResult(t, probability=np.zeros(SIZE, np.float32)) for t in range(3))

    found = list(segment_instances(clip, nothing, proposals, partial(perfect, clip)))
    assert len(found) == 3 and not any(r.labels.any() for r in found)


def test_too_few_frames_are_said_so() -> None:
    clip = two_squares(3)
    with pytest.raises(InputError, match="foreground of 'squares' ends after 1 of 3"):
        list(
            segment_instances(
                clip,
                lambda clip: list(true_foreground(clip))[:1],
                proposals,
                partial(perfect, clip),
            )
        )


def test_the_stand_in_proposes_everything_that_is_there_and_makes_it_worse() -> None:
    clip = toyvos.split("val", "static-lookalikes")[0]
    exact = NoisyTruth(shift=0, thickness=0, missed=0, doubled=0)(clip)
    things = [n for n in np.unique(clip.instances[0]) if n]
    assert len(exact) == len(things) > len(np.unique(clip.labels[0])) - 1
    for number, candidate in zip(things, exact):
        assert iou(candidate.mask, clip.instances[0] == number) == 1
    noisy = NoisyTruth(missed=0, doubled=1)(clip)
    assert len(noisy) == 2 * len(things)
    overlaps = [max(iou(c.mask, e.mask) for e in exact) for c in noisy]
    assert 0.2 < np.mean(overlaps) < 1
    again = NoisyTruth(missed=0, doubled=1)(clip)
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(noisy, again))
    assert NoisyTruth(missed=1)(clip) == []
    with pytest.raises(InputError, match="no labels in its first frame"):
        NoisyTruth()(Clip("bare", clip.frames[:2]))


def test_pieces_of_the_first_foreground_are_proposals() -> None:
    clip = two_squares()
    asked = []

    def foreground(clip: Clip) -> Iterator[FrameResult]:
        for result in true_foreground(clip):
            asked.append(result.index)
            yield result

    found = ForegroundPieces(foreground)(clip)
    assert asked == [0], "the first frame is enough"
    assert {tuple(np.argwhere(c.mask)[0]) for c in found} == {(4, 4), (20, 30)}
    assert [c.score for c in found] == [1, 1]
    assert ForegroundPieces(foreground, least=145)(clip) == []


def test_sources_of_foreground_are_compared_in_one_pipeline() -> None:
    clip = two_squares()

    def half(clip: Clip) -> Iterator[FrameResult]:
        for t, ids in clip.labels.items():
            yield FrameResult(t, probability=(ids == 1).astype(np.float32))

    def follow(frames: Sequence[np.ndarray], ids: np.ndarray) -> Iterator[np.ndarray]:
        """Knows where both squares and the thing are, whatever their numbers."""
        for labels in clip.labels.values():
            things = [labels == 1, labels == 2, box(30, 40)]
            planes = np.zeros((int(ids.max()) + 1, *SIZE), np.float32)
            for thing, first in zip(things, (box(4, 4), box(20, 30), box(30, 40))):
                number = int(np.bincount(ids[first]).argmax())
                if number:
                    planes[number][thing] = 1
            planes[0] = planes[1:].max(0) == 0
            yield planes

    sources = {"truth": truth, "half": half}
    js = {n: s.summary()["J-Mean"] for n, s in compare([clip], sources, proposals, follow).items()}
    assert js["truth"] > 0.95
    assert js["half"] == pytest.approx(0.5, abs=0.05), "one of two objects is never kept"
    (ids, *_) = (r.labels for r in segment_instances(clip, everything, proposals, follow))
    assert set(np.unique(ids)) == {1, 2, 3}, "all proposals are kept, every pixel gets a label"


def test_a_detector_s_result_becomes_candidates() -> None:
    found = {
        "masks": torch.from_numpy(np.stack([box(4, 4) * 0.6, box(20, 30) * 0.4, box(30, 40)]))[
            :, None
        ],
        "scores": torch.tensor([0.5, 0.9, 0.2]),
    }
    (only,) = candidates_of(found, 0.3)
    assert only.score == pytest.approx(0.5) and np.array_equal(only.mask, box(4, 4))
    assert [c.score for c in candidates_of(found, 0.1)] == pytest.approx([0.5, 0.2])


def test_what_mask_rcnn_lacks_is_said_so(tmp_path) -> None:
    with pytest.raises(InputError, match=r"torchvision|weights are not at"):
        MaskRCNN(weights=tmp_path / "none.pth")


def moving(clip: Clip) -> Clip:
    """The squares with their exact flow; their labels stay apart from each other."""
    fields = []
    for t in range(len(clip) - 1):
        field = np.zeros((*SIZE, 2), np.float32)
        field[clip.labels[t] == 1, 0], field[clip.labels[t] == 2, 0] = 2, -2
        fields.append(field)
    return replace(clip, flow=fields)


def test_pieces_of_the_foreground_become_tracks() -> None:
    clip = moving(two_squares(6))
    foreground = list(true_foreground(clip))
    lost = replace(foreground[3], probability=foreground[3].probability * (clip.labels[3] != 1))
    foreground[3] = lost  # one object is missed in one frame and found again by its colour
    found = list(segment_tracks(clip, foreground))
    assert [r.index for r in found] == list(range(6))
    names = [np.unique(r.labels[clip.labels[r.index] == 2]) for r in found]
    assert len({tuple(n) for n in names}) == 1, "an object keeps its id"
    (first,), (again,) = (np.unique(found[t].labels[clip.labels[t] == 1]) for t in (0, 5))
    assert first == again != 0
    assert not found[3].labels[clip.labels[3] == 1].any()
    scores = metrics.evaluate({clip.name: [r.labels for r in found]}, [clip], "davis17-unsup")
    assert scores.summary()["J-Mean"] == pytest.approx(11 / 12)


def test_without_flow_a_fast_object_is_not_followed() -> None:
    """The control of the test above: with the flow of rest, links break where nothing overlaps."""
    clip = moving(two_squares(4))
    far = {t: np.roll(m, 14 * t, 1) for t, m in clip.labels.items()}
    frames = [np.roll(f, 14 * t, 1) for t, f in enumerate(clip.frames)]
    jumping = replace(clip, labels=far, frames=frames)

    def tracks(step: float) -> int:
        fields = [np.full((*SIZE, 2), (step, 0), np.float32)] * 3
        found = list(segment_tracks(replace(jumping, flow=fields), true_foreground(jumping)))
        return sum(r.labels.any() for r in found)

    assert tracks(14) == 4
    assert tracks(0) < 4


def test_a_clip_without_foreground_has_no_tracks() -> None:
    clip = moving(two_squares(3))
    nothing = [FrameResult(t, probability=np.zeros(SIZE, np.float32)) for t in range(3)]
    assert [r.labels.any() for r in segment_tracks(clip, nothing)] == [False] * 3
