"""Where masks are cut: the derivation, checked by counting and by drawing; the choices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vosedu import api
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FrameResult
from vosedu.papers.decision import decided, expected_iou, largest_expected_iou, no_object

Q = np.random.default_rng(0).uniform(0, 0.9, (2, 5)).astype(np.float32)


def ratio(q: np.ndarray, mask: np.ndarray) -> float:
    return q[mask].sum() / (mask.sum() + q[~mask].sum())


def test_no_other_mask_expects_more() -> None:
    masks = [np.array(bits, bool).reshape(Q.shape) for bits in product((0, 1), repeat=Q.size)]
    best = max(masks, key=lambda mask: ratio(Q, mask))
    assert expected_iou(Q) == pytest.approx(ratio(Q, best))
    threshold = expected_iou(Q) / (1 + expected_iou(Q))
    assert threshold < 0.5 and ((threshold < Q) == best).all()
    assert ((largest_expected_iou(Q) > 0.5) == best).all()


def test_it_wins_where_masks_are_drawn_from_the_probabilities() -> None:
    draw = np.random.default_rng(0)
    y, x = np.mgrid[:20, :30]
    q = (0.7 * np.exp(-((y - 9) ** 2 + (x - 14) ** 2) / 40)).astype(np.float32)
    truth = draw.random((400, *q.shape)) < q

    def j(mask: np.ndarray) -> float:
        return float(((truth & mask).sum((1, 2)) / (truth | mask).sum((1, 2))).mean())

    cut = largest_expected_iou(q) > 0.5
    assert j(cut) == pytest.approx(expected_iou(q), abs=0.01)
    assert j(cut) > max(j(q > t) for t in (0.15, 0.5, 0.6)) + 0.005


def test_soft_iou_makes_the_same_mask_by_itself() -> None:
    """Gradient descent on the expected 1 - soft IoU ends at 0 and 1, one half between them."""
    q, logits = torch.from_numpy(Q), torch.zeros(Q.shape, requires_grad=True)

    def expected(p: Tensor) -> Tensor:
        return (p * q).sum() / (q.sum() + (p * (1 - q)).sum())

    optimiser = torch.optim.Adam([logits], 0.1)
    for _ in range(600):
        optimiser.zero_grad()
        (1 - expected(logits.sigmoid())).backward()
        optimiser.step()
    p = logits.sigmoid().detach().numpy()
    assert np.minimum(p, 1 - p).max() < 0.05
    assert ((p > 0.5) == (largest_expected_iou(Q) > 0.5)).all()


def test_a_frame_that_is_probably_empty_stays_empty() -> None:
    faint = np.full((10, 10), 1e-3, np.float32)
    assert no_object(faint) == pytest.approx(0.999**100)
    assert not largest_expected_iou(faint).any()
    assert not largest_expected_iou(np.zeros((10, 10), np.float32)).any()
    faint[4:6, 4:6] = 0.4
    assert (largest_expected_iou(faint) > 0.5).sum() == 4
    assert (largest_expected_iou(np.ones((10, 10), np.float32)) > 0.5).all()


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    paper = api.paper("dpa")
    network = paper.build(paper.Config.paper().scaled("quick"))
    torch.nn.init.constant_(network.decoder.refine1.head.score.bias, -2)  # unsure everywhere
    return network.eval()


@pytest.fixture(scope="module")
def clip() -> Clip:
    draw = np.random.default_rng(0)
    frames = list(draw.integers(0, 256, (3, 48, 80, 3), np.uint8))
    labels = {t: np.ones((48, 80), np.uint8) for t in range(3)}
    flow = list(draw.normal(size=(2, 48, 80, 2)).astype(np.float32))
    return Clip("noise", frames, labels, flow)


def test_the_decision_is_a_choice_of_the_caller(model: nn.Module, clip: Clip) -> None:
    def maps(decision: str | None) -> list[np.ndarray]:
        return [each.probability for each in api.segment(model, clip, decision=decision)]

    for a, b in zip(maps("expected"), maps(None)):
        assert np.array_equal(a, largest_expected_iou(b)) and not np.array_equal(a, b)
    assert all(np.array_equal(a, b) for a, b in zip(maps("half"), maps(None)))
    j = {d: api.evaluate(model, clip, decision=d).summary()["J-Mean"] for d in ("half", "expected")}
    assert j["half"] == 0 < j["expected"]


def test_decisions_that_cannot_be_made_are_refused(model: nn.Module, clip: Clip) -> None:
    with pytest.raises(InputError, match="no decision 'third'; choose one of half, expected"):
        api.segment(model, clip, decision="third")
    labels = iter([FrameResult(0, labels=np.zeros((2, 2), np.uint8))])
    with pytest.raises(InputError, match="this method gives labels"):
        list(decided(labels, "expected"))


def test_the_embedded_network_of_dpa_is_cut_for_the_largest_expected_j(clip: Clip) -> None:
    embedded = api.load("dpa")
    plain = [each.probability for each in api.segment(embedded, clip, decision="half")]
    for result, probability in zip(api.segment(embedded, clip), plain):
        assert np.array_equal(result.probability, largest_expected_iou(probability))
