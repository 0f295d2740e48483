"""What every paper promises, and what the package does for a paper that is merely there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import toypaper

from vosedu import api, bench
from vosedu.ablation.run import score
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.metrics import PROTOCOLS
from vosedu.nn import load_weights
from vosedu.papers.contract import NEEDS, PROFILES, FeatureStore


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[str]:
    """The key of a paper in a temporary folder."""
    toypaper.write(tmp_path / "papers", "toy")
    with toypaper.among_the_papers(tmp_path / "papers"):
        yield "toy"


def two_objects(name: str = "two") -> Clip:
    """A bright and a dark square that move over grey; one labelled frame in two."""
    frames = [np.full((40, 60, 3), 128, np.uint8) for _ in range(5)]
    labels = {t: np.zeros((40, 60), np.uint8) for t in range(5)}
    for t, (frame, ids) in enumerate(zip(frames, labels.values())):
        for number, (top, level) in enumerate(((4, 250), (22, 10)), 1):
            part = np.s_[top : top + 12, 5 + 4 * t : 17 + 4 * t]
            frame[part], ids[part] = level, number
    return Clip(name, frames, labels)


@pytest.mark.parametrize("key", api.papers())
class TestEveryPaper:
    def test_its_fields_fit_together(self, key: str) -> None:
        paper = api.paper(key)
        assert paper.key == key
        assert paper.needs <= set(NEEDS)
        assert paper.protocol in PROTOCOLS
        for kind in (paper.Config, paper.Inference):
            assert is_dataclass(kind) and kind.__dataclass_params__.frozen
            assert isinstance(kind.paper(), kind) and isinstance(kind.released(), kind)
        assert paper.profiles[: len(PROFILES)] == PROFILES
        for profile in paper.profiles:
            assert isinstance(paper.config(profile), paper.Config)
            assert paper.recipe(profile).stages
        assert paper.released.weights or paper.released.reason

    def test_its_network_is_known_as_its_own(self, key: str) -> None:
        paper = api.paper(key)
        assert api.paper_of(paper.build(paper.Config.paper().scaled("quick"))) is paper

    def test_every_option_of_its_inference_is_described(self, key: str) -> None:
        inference = api.paper(key).Inference
        missing = [f.name for f in fields(inference) if f"{f.name}:" not in inference.__doc__]
        assert missing == []


def test_a_paper_is_found_by_being_there(toy: str) -> None:
    assert list(api.papers()) == sorted(api.papers(), key=lambda key: api.paper(key).year)
    assert list(api.papers())[-1] == "toy"
    assert "toy" not in bench.benchmarks(), "it has no benchmarks"


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(InputError, match="no paper 'toy' here; choose one of cosnet,"):
        api.paper("toy")


def test_a_package_without_a_paper_is_a_companion(tmp_path: Path) -> None:
    package = toypaper.write(tmp_path / "papers", "part")
    (package / "__init__.py").write_text('"""A network that papers take as a part."""\n')
    with toypaper.among_the_papers(tmp_path / "papers"):
        assert "part" not in api.papers()
        with pytest.raises(InputError, match="no paper 'part'"):
            api.paper("part")


def test_the_first_masks_come_from_the_labels(toy: str) -> None:
    clips = [two_objects("a"), two_objects("b")]
    scores = api.evaluate(api.load(toy, None), clips)
    assert scores.protocol.name == "toyvos-objects"
    assert len(scores.tracks) == 4
    assert scores.summary()["J&F-Mean"] == 1.0
    model = api.load(toy, None)
    inference = api.inference_of(model)
    assert score(model, clips, inference) == {"J": [1.0, 1.0], "F": [1.0, 1.0]}


def test_a_method_without_its_first_mask_says_what_is_missing(toy: str) -> None:
    clip = two_objects()
    with pytest.raises(InputError, match="Grey needs the mask of the objects to follow in 'two'"):
        api.segment(api.load(toy, None), clip)
    results = list(api.segment(api.load(toy, None), clip, given={0: clip.labels[0]}))
    assert all(np.array_equal(r.mask, clip.labels[r.index]) for r in results)


class TestGiven:
    def test_the_first_annotation_without_void(self) -> None:
        labels = {2: np.array([[0, 1, 255, 3]], np.uint8), 3: np.array([[4, 1, 1, 3]], np.uint8)}
        clip = Clip("late", [np.zeros((1, 4, 3), np.uint8)] * 4, labels)
        (given,) = PROTOCOLS["davis17-semi"].given(clip).items()
        assert given[0] == 2
        assert given[1].tolist() == [[0, 1, 0, 3]]

    def test_objects_that_enter_later_are_given_alone_where_they_count(self) -> None:
        labels = {0: np.array([[0, 1, 0]], np.uint8), 4: np.array([[2, 1, 255]], np.uint8)}
        clip = Clip("late", [np.zeros((1, 3, 3), np.uint8)] * 5, labels)
        given = PROTOCOLS["youtube-vos"].given(clip)
        assert {t: ids.tolist() for t, ids in given.items()} == {0: [[0, 1, 0]], 4: [[2, 0, 0]]}

    @pytest.mark.parametrize("labels", [{}, {0: np.full((1, 3), 255, np.uint8)}])
    def test_a_clip_without_an_object_is_refused(self, labels: dict) -> None:
        clip = Clip("empty", [np.zeros((1, 3, 3), np.uint8)] * 3, labels)
        with pytest.raises(InputError, match="empty has no annotated object"):
            PROTOCOLS["toyvos-objects"].given(clip)


def test_released_weights_predict_as_released(tmp_path: Path) -> None:
    """Once `vosedu.segment` predicted as the paper and the command line as released."""
    dpa = api.paper("dpa")
    torch.manual_seed(0)
    config = dpa.Config.released("I").scaled("quick")
    state = dpa.build(config).state_dict()
    theirs = {f"theirs.{name}": value for name, value in state.items()}
    own, released = tmp_path / "own.pth", tmp_path / "released.pt"
    torch.save(state, own)
    torch.save(theirs, released)
    reads = replace(
        dpa.released,
        load=lambda model, path: load_weights(
            model, path, rename=lambda s: {n.removeprefix("theirs."): v for n, v in s.items()}
        ),
    )
    dpa = replace(dpa, released=reads)
    models = [api.load(dpa, path, config=config) for path in (own, released)]
    assert [model.form for model in models] == ["paper", "released"], "told by the names inside"
    assert api.inference_of(models[0]) == dpa.Inference.paper()
    assert api.inference_of(models[1]) == dpa.Inference.released()
    clip = two_objects()
    released_probability = next(api.segment(models[1], clip)).probability
    assert released_probability.min() == 0 and released_probability.max() > 0.99, "stretched"


def test_a_store_serves_one_network_and_one_clip() -> None:
    cosnet = api.paper("cosnet")
    model, other = (cosnet.build(cosnet.Config.paper().scaled("quick")).eval() for _ in range(2))
    clip, same_name = two_objects(), two_objects()
    features = FeatureStore(model, clip)
    list(api.segment(model, clip, features=features))
    for network, shown in ((model, same_name), (other, clip)):
        with pytest.raises(ValueError, match="make a new FeatureStore"):
            api.segment(network, shown, features=features)
