"""STM outside of its parity cases: propagation, the fused read, its errors, its training."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import TinyEncoder
from vosedu.papers.stm import training
from vosedu.papers.stm.inference import Inference, propagate
from vosedu.papers.stm.network import STM, Config, SpaceTimeMemory, build
from vosedu.papers.stm.training import Triples, follow, recipe, started, train
from vosedu.record import record
from vosedu.training import Step, digest
from vosedu.training.start import load_start

QUICK = Config().scaled("quick")


@pytest.fixture(scope="module")
def model() -> STM:
    torch.manual_seed(0)
    return build(QUICK).eval()


def clip(length: int = 7, size: tuple[int, int] = (40, 56)) -> Clip:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(length)]
    labels = {}
    for t in range(length):
        labels[t] = np.zeros(size, np.uint8)
        labels[t][5:15, 5 + t : 20 + t], labels[t][20:35, 30 - t : 45 - t] = 1, 3
    return Clip("two", frames, labels)


def ids() -> np.ndarray:
    given = clip().labels[0].copy()
    given[given == 3] = 2
    given[0, 0] = 255
    return given


def test_planes_are_probabilities_and_the_first_frame_is_given(model: STM) -> None:
    planes = list(propagate(model, clip().frames, ids()))
    assert len(planes) == 7
    assert all(p.shape == (3, 40, 56) for p in planes)
    assert np.array_equal(planes[0].argmax(0), np.where(ids() == 255, 0, ids()))
    assert all(np.allclose(p.sum(0), 1, atol=1e-5) for p in planes)


def test_the_memory_keeps_every_nth_frame_and_the_last_one(
    model: STM, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    segment = STM.segment

    def counting(self: STM, frame: torch.Tensor, memory: list[SpaceTimeMemory]) -> torch.Tensor:
        used.append(len(memory))
        return segment(self, frame, memory)

    monkeypatch.setattr(STM, "segment", counting)
    list(propagate(model, clip().frames, ids()))
    assert used == [1, 2, 2, 2, 2, 2]
    used.clear()
    list(propagate(model, clip().frames, ids(), Inference(memorise_every=1)))
    assert used == [1, 2, 3, 4, 5, 6]


def test_the_fused_read_is_the_explicit_one(model: STM) -> None:
    key, value = torch.randn(2, 8, 3, 4), torch.randn(2, 16, 3, 4)
    memory = [SpaceTimeMemory(key, value), SpaceTimeMemory(2 * key, -value)]
    query = SpaceTimeMemory(3 * torch.randn(1, 8, 3, 4), torch.randn(1, 16, 3, 4))
    with torch.no_grad():
        fused = model.read(memory, query)
        with record(model, "read.weights") as tape:
            explicit = model.read(memory, query)
    torch.testing.assert_close(fused, explicit, atol=1e-5, rtol=1e-5)
    (weights,) = tape["read.weights"]
    assert weights.shape == (2, 24, 12)
    assert weights.sum(1).allclose(torch.ones(2, 12), atol=1e-5)
    assert weights.std() > 1e-2


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((40, 56), np.uint8),
        np.full((40, 56), 2, np.uint8),
        np.arange(40 * 56, dtype=np.uint32).reshape(40, 56) % 12,
        np.ones((8, 8), np.uint8),
    ],
    ids=["empty", "a gap", "too many", "another size"],
)
def test_masks_it_cannot_follow_are_said_so(model: STM, given: np.ndarray) -> None:
    with pytest.raises(InputError):
        list(propagate(model, clip().frames, given))


def test_samples_hold_the_objects_of_the_first_frame() -> None:
    shown = clip()
    late = {t: m * (m == 1) if t < 3 else m for t, m in shown.labels.items()}
    sample = Triples([Clip("late", shown.frames, late)])
    for seed in range(5):
        found = sample(np.random.default_rng(seed), Step(0, "video", 0.0))
        assert found["frames"].shape == (3, 3, 40, 56) and found["ids"].shape == (3, 40, 56)
        assert found["frames"].max() <= 1
        present = set(found["ids"][0].unique().tolist()) - {0}
        assert present and present == set(range(1, max(present) + 1))
        assert set(found["ids"].unique().tolist()) - {0} <= present
    with pytest.raises(InputError, match="none has an object"):
        Triples([Clip("empty", shown.frames, {t: 0 * m for t, m in late.items()})])(
            np.random.default_rng(0), Step(0, "video", 0.0)
        )


def test_following_a_batch_is_following_each_clip(model: STM) -> None:
    shown = clip(3, (48, 64))
    frames = torch.from_numpy(np.stack(shown.frames)).permute(0, 3, 1, 2).float() / 255
    two = torch.from_numpy(np.stack(list(shown.labels.values()))).long()
    two[two == 3] = 2
    one = (two == 1).long()
    with torch.no_grad():
        both = follow(
            model, torch.stack([frames, frames.flip(-1)]), torch.stack([two, one.flip(-1)])
        )
        alone = [
            follow(model, f[None], i[None])
            for f, i in ((frames, two), (frames.flip(-1), one.flip(-1)))
        ]
    assert both.item() == pytest.approx(sum(alone).item() / 2, rel=1e-5)
    planes = list(propagate(model, shown.frames, two[0].numpy().astype(np.uint8)))
    right = [np.take_along_axis(p, i[None].numpy(), 0) for p, i in zip(planes[1:], two[1:])]
    expected = -np.mean([np.log(p).mean() for p in right])
    assert alone[0].item() == pytest.approx(expected, rel=1e-3)


def test_training_learns_and_is_a_function_of_the_seed() -> None:
    shown = clip(4, (96, 160))

    def data(name: str) -> list[Clip]:
        return [shown]

    one, history = train(QUICK, recipe("quick"), seed=3, data=data)
    two, _ = train(QUICK, recipe("quick"), seed=3, data=data)
    assert np.isfinite(history.column("loss")).all()
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name]), name
    with pytest.raises(InputError, match="profile 'full'"):
        recipe("full")


def test_the_common_start_fills_both_encoders() -> None:
    begun = started(build(Config().scaled("course")), 0, "common start").eval()
    start = TinyEncoder().eval()
    load_start(start, "tiny", "encoder")
    frames = torch.rand(1, 3, 32, 48)
    expected = start(frames)[1:]
    for encoder in (begun.memory_encoder, begun.query_encoder):
        for found, r in zip(encoder.run_stages(encoder.stem(frames)), expected):
            torch.testing.assert_close(found, r)
    with pytest.raises(InputError, match="no start 'imagenet'"):
        started(build(QUICK), 0, "imagenet")
    with pytest.raises(InputError):
        started(build(QUICK), 0, "common start")  # of another width


@pytest.mark.skipif(not training.checkpoint().is_file(), reason="no course STM is embedded here")
def test_the_embedded_network_is_what_its_command_makes() -> None:
    about = json.loads(training.checkpoint().with_suffix(".json").read_text())
    assert about["command"] == training.command(about["steps"], about["seed"])
    config, plan = Config().scaled("course"), recipe("course").change(steps=about["steps"])
    assert about["hashes"] == {"config": digest(config), "recipe": digest(plan)}
    assert about["steps"] == recipe("course").stages[0].steps and about["seed"] == 0
    rows = training.checkpoint().with_suffix(".csv").read_text().splitlines()
    assert len(rows) == about["steps"] + 1
    assert training.checkpoint().stat().st_size <= 3_000_000


def test_the_course_command_writes_a_network_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [clip(4, (48, 64)), clip(4, (48, 64))]
    monkeypatch.setattr(training, "train", partial(train, data=lambda name: clips, device="cpu"))
    monkeypatch.setattr(training, "checkpoint", lambda: tmp_path / "stm.pt")
    training.main(["--steps", "1", "--seed", "3", "--out", str(tmp_path)])
    planes = list(propagate(training.load_course(), clip(3).frames, ids()))
    assert [p.shape for p in planes] == [(3, 40, 56)] * 3
    assert json.loads((tmp_path / "stm.json").read_text())["seed"] == 3
