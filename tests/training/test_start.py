"""The common start: what is committed is what its command makes, and fits the papers' networks."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest
import torch

from vosedu import toyvos
from vosedu.errors import InputError
from vosedu.nn.weights import read_state
from vosedu.papers import cosnet
from vosedu.toyvos.names import COLOURS, KINDS, name_table
from vosedu.toyvos.pool import Pool
from vosedu.training import digest, fit, start

TRAINED = [name for name in start.ENCODERS if start.checkpoint(name).is_file()]


@pytest.fixture
def pools(tmp_path):
    return [Pool(suite, 64, tmp_path) for suite in ("passers-by", "mixed")]


def few_steps():
    return start.recipe(3).change(batch_size=2, size=(48, 80))


def test_samples_name_what_the_plan_says(pools) -> None:
    crops = start.Crops(few_steps().stages[0], pools[:1])
    stage = crops.stage
    seen = [crops(np.random.default_rng(k), stage.step(0)) for k in range(6)]
    for sample in seen:
        assert sample["frame"].shape == (3, 48, 80)
        assert sample["names"].shape == (2, 24, 40)
        kind, colour = sample["names"]
        assert ((kind > 0) == (colour > 0)).all()
        assert kind.max() < len(KINDS) and colour.max() < COLOURS
    assert any((sample["names"] > 0).any() for sample in seen)


def test_names_belong_to_instances() -> None:
    scene = toyvos.scene(3, "passers-by")
    table = name_table(scene)
    assert tuple(table[0]) == (0, 0)
    assert KINDS[table[1][0]] == scene.family_names[0]
    assert [int(row[1]) for row in table[1 : len(scene.actors) + 1]] == [
        actor.look.palette + 1 for actor in scene.actors
    ]


def test_training_is_a_function_of_the_seed(pools) -> None:
    def trained(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        model, history = fit(
            start.build(start.Config()),
            few_steps(),
            lambda stage: (start.Crops(stage, pools), start.naming_loss),
            seed=seed,
        )
        assert len(history) == 3
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    first = trained(0)
    assert torch.equal(first, trained(0))
    assert not torch.equal(first, trained(1))


@pytest.mark.parametrize("encoder", TRAINED)
def test_a_committed_start_is_what_its_command_makes(encoder: str) -> None:
    path = start.checkpoint(encoder)
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["command"] == start.command(encoder, about["steps"], 0)
    assert shlex.split(about["command"])[:3] == ["python", "-m", "vosedu.training.start"]
    config, recipe = start.Config(encoder), start.recipe(about["steps"])
    assert about["hashes"] == {"config": digest(config), "recipe": digest(recipe)}
    assert about["data"] == toyvos.VERSION
    assert len(path.with_suffix(".csv").read_text().splitlines()) == about["steps"] + 1
    assert path.stat().st_size <= 3_000_000


@pytest.mark.parametrize("encoder", TRAINED)
def test_a_committed_start_names_what_it_sees(encoder: str, monkeypatch) -> None:
    model = start.build(start.Config(encoder))
    model.load_state_dict(read_state(start.checkpoint(encoder)))
    clips = toyvos.split("val", "passers-by")[:4]
    monkeypatch.setattr(toyvos, "split", lambda *_: clips)
    right = start.measure(model.eval(), "passers-by")
    assert right["kind"] > 0.6 and right["colour"] > 0.6 and right["object"] > 0.9


def test_the_start_fills_a_course_scale_cosnet() -> None:
    for profile in ("course", "ablate"):
        model = cosnet.PAPER.build(cosnet.Config.paper().scaled(profile))
        start.load_start(model.embedding)
        stored = read_state(start.checkpoint())
        ours = model.embedding.state_dict()
        assert all(torch.equal(ours[name].half(), stored[name].half()) for name in ours)


def test_the_start_fits_nothing_else() -> None:
    model = cosnet.PAPER.build(cosnet.Config.paper().scaled("quick"))
    with pytest.raises(InputError, match="does not fit"):
        start.load_start(model.embedding)
    with pytest.raises(InputError, match="no encoder 'vgg'"):
        start.build(start.Config("vgg"))
