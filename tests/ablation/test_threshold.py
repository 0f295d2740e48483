"""Where the masks of rows are cut."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu import ablation, api, metrics
from vosedu.ablation.run import score
from vosedu.ablation.threshold import TRIED, cross_validated, scores_cross_validated
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import Row, Table

RULES = metrics.protocol_of("toyvos")
SIZE = (6, 8)


def a_clip(name: str) -> Clip:
    label = np.zeros(SIZE, np.uint8)
    label[:3] = 1
    return Clip(name, [np.zeros((*SIZE, 3), np.uint8)] * 3, dict.fromkeys(range(3), label))


def probabilities(inside: float, outside: float) -> dict[int, np.ndarray]:
    found = np.full(SIZE, outside, np.float32)
    found[:3] = inside
    return dict.fromkeys(range(3), found)


def test_a_network_that_stays_below_one_half_is_scored_for_what_it_found() -> None:
    clips = [a_clip("a"), a_clip("b")]
    scores = scores_cross_validated(clips, [probabilities(0.4, 0.2)] * 2, RULES)
    assert scores["J"] == [1, 1]
    assert scores["F"] == [1, 1]
    assert scores["J at one half"] == [0, 0]
    assert all(0.2 < threshold < 0.4 for threshold in scores["threshold"])


def test_no_clip_has_a_say_in_its_own_threshold() -> None:
    clips = [a_clip(name) for name in "abcde"]
    odd = probabilities(0.3, 0.1)
    scores = scores_cross_validated(clips, [odd, *[probabilities(0.9, 0.4)] * 4], RULES)
    assert scores["J"] == [0, 1, 1, 1, 1]
    assert scores["threshold"][0] == 0.5


def test_equally_good_thresholds_give_the_one_nearest_to_one_half() -> None:
    regions = np.zeros((3, len(TRIED)))
    assert cross_validated(regions) == [0.5] * 3
    above = TRIED > 0.7
    assert cross_validated(regions + above) == [TRIED[above].min()] * 3


def test_a_clip_that_is_alone_is_cut_at_one_half() -> None:
    scores = scores_cross_validated([a_clip("a")], [probabilities(0.4, 0.2)], RULES)
    assert (scores["J"], scores["threshold"]) == ([0], [0.5])


def test_j_at_one_half_is_the_score_of_the_other_rule(clips) -> None:
    paper = api.paper("cosnet")
    model = paper.build(paper.Config.paper().scaled("quick")).eval()
    at_half = score(model, clips, paper.Inference.paper())
    both = score(model, clips, paper.Inference.paper(), "cross-validated")
    assert both["J at one half"] == pytest.approx(at_half["J"], abs=1e-12)


@pytest.mark.usefixtures("trainings")
def test_a_table_says_where_its_masks_are_cut(tmp_path) -> None:
    table = Table("t", "a table", "full", (Row("full"),), threshold="cross-validated")
    store = ablation.Store(tmp_path / "tablet.json")
    ablation.run_table("cosnet", table, seeds=[0], profile="quick", store=store)
    (record,) = store
    assert set(record.metrics) == {"J", "F", "threshold", "J at one half"}
    assert set(record.metrics["threshold"]) <= set(TRIED.tolist())
    (at_half,) = ablation.run("cosnet", seeds=[0])
    assert "threshold" in record.hashes
    assert "threshold" not in at_half.hashes


def test_names_and_networks_that_have_no_threshold_are_refused(clips) -> None:
    with pytest.raises(InputError, match="no threshold 'best'; choose one of half, cross"):
        ablation.run("cosnet", threshold="best")
    with pytest.raises(InputError, match="no threshold 'best'"):
        ablation.run_table(
            "cosnet", Table("t", "a table", "full", (Row("full"),), threshold="best")
        )
    paper = api.paper("deaot")
    model = paper.build(paper.Config.paper().scaled("quick"))
    with pytest.raises(InputError, match="DeAOT gives labels, which have no threshold"):
        score(model, clips, paper.Inference.paper(), "cross-validated")
