"""The options of a method: they are the fields of its paper's Inference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
import toypaper
from PIL import Image

from vosedu import api, commands
from vosedu.clip import Clip, read_mask
from vosedu.commands import methods
from vosedu.errors import InputError
from vosedu.nn.crf import CRF
from vosedu.papers.amcnet import inference as amcnet
from vosedu.papers.hcpn import inference as hcpn


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A semi-supervised paper in a temporary folder; its networks need no checkpoint."""
    toypaper.write(tmp_path / "papers", "toy")
    monkeypatch.chdir(tmp_path)
    load = api.load
    monkeypatch.setattr(
        api, "load", lambda key, w="course", **o: load(key, None if key == "toy" else w, **o)
    )
    with toypaper.among_the_papers(tmp_path / "papers"):
        yield "toy"


def squares(name: str = "two", frames: int = 4) -> Clip:
    """A bright and a dark square that move over grey."""
    pictures = [np.full((40, 60, 3), 128, np.uint8) for _ in range(frames)]
    labels = {t: np.zeros((40, 60), np.uint8) for t in range(frames)}
    for t, (picture, ids) in enumerate(zip(pictures, labels.values())):
        for number, (top, level) in enumerate(((4, 250), (22, 10)), 1):
            part = np.s_[top : top + 12, 5 + 4 * t : 17 + 4 * t]
            picture[part], ids[part] = level, number
    return Clip(name, pictures, labels)


def run(*arguments: object) -> int:
    return commands.main([str(argument) for argument in arguments])


def asked(*words: str, method: str) -> object:
    """The Inference that a command line asks for."""
    model = api.load(method, None)
    return methods.inference(model, commands.parse(["segment", "x", "--method", method, *words]))


def test_every_field_is_an_option() -> None:
    words = ["--references", "3", "--sampling", "random", "--exact", "--flip", "--crf"]
    inference = asked(*words, "--size", "96", "160", method="cosnet")
    paper = api.paper("cosnet").Inference
    assert inference == paper(3, "random", exact=True, flip=True, crf=CRF(), size=(96, 160))
    assert asked("--no-flip", method="cosnet") == paper()
    assert asked("--flow", "farneback", method="dpa").flow == "farneback"


@pytest.mark.parametrize(
    "key, crf",
    [("cosnet", CRF()), ("amcnet", amcnet.PAPER_CRF), ("hcpn", hcpn.PAPER_CRF)],
)
def test_crf_without_more_words_is_that_of_the_paper(key: str, crf: CRF) -> None:
    assert asked("--crf", method=key).crf == crf
    assert asked(method=key).crf is None


@pytest.mark.parametrize("key", api.papers())
def test_the_help_of_a_method_describes_its_options(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        commands.main(["segment", "--help", "--method", key])
    text = capsys.readouterr().out
    for field in fields(api.paper(key).Inference):
        assert f"--{field.name.replace('_', '-')}" in text
    assert f"options of {api.paper(key).name}" in text


def test_descriptions_are_the_docstring_s_entries(toy: str) -> None:
    texts = methods.descriptions(api.paper(toy).Inference)
    assert texts["invert"] == "compare inverted grey levels."
    assert texts["gain"] == "factor on the grey levels, which also scales noise."


def test_an_option_of_another_method_is_named() -> None:
    with pytest.raises(InputError, match="dpa has no option --fusion; 'vosedu segment --method"):
        commands.parse(["segment", "x", "--method", "dpa", "--fusion", "prediction"])


def test_a_field_that_no_option_can_give_is_refused() -> None:
    @dataclass(frozen=True)
    class Strange:
        """How to predict."""

        weights: dict[str, float] | None = None

    class Paper:
        name, Inference = "Strange", Strange

    with pytest.raises(TypeError, match="cannot be an option"):
        methods.add_fields(commands.parser(), Paper)


class TestFirstMasks:
    def test_a_grey_mask_starts_the_method(self, toy: str, tmp_path: Path) -> None:
        clip = squares()
        Clip("two", clip.frames).write(tmp_path / "two")
        grey = Image.fromarray((clip.labels[0] == 1).astype(np.uint8) * 255)
        grey.save(tmp_path / "first.png")
        later = Image.fromarray((clip.labels[2] == 2).astype(np.uint8) * 2)
        later.save(tmp_path / "later.png")
        masks = ("--first-mask", tmp_path / "first.png", "--mask", f"2={tmp_path / 'later.png'}")
        assert run("segment", tmp_path / "two", "--method", toy, "--out", "out", *masks) == 0
        found = [read_mask(tmp_path / "out" / "masks" / "two" / f"{t:05d}.png") for t in range(4)]
        assert np.array_equal(found[1], clip.labels[1] == 1)
        assert np.array_equal(found[3], clip.labels[3])

    def test_the_clip_s_own_labels_serve_too(self, toy: str, tmp_path: Path) -> None:
        clip = squares()
        clip.write(tmp_path / "two")
        assert run("segment", tmp_path / "two", "--method", toy, "--out", "out") == 0
        last = read_mask(tmp_path / "out" / "masks" / "two" / "00003.png")
        assert np.array_equal(last, clip.labels[3])

    def test_another_paper_s_prediction_may_start_it(
        self, toy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clip = api.dataset("toyvos", "val")[0]
        Clip("walk", clip.frames[:3]).write(tmp_path / "walk")
        model = api.load("cosnet", api.weights_for("cosnet", rendered=False))
        predicted = next(iter(api.segment(model, Clip.read(tmp_path / "walk")))).mask
        assert predicted.any()
        command = ("segment", tmp_path / "walk", "--method", toy, "--out", "out")
        assert run(*command, "--first-from", "cosnet") == 0
        first = read_mask(tmp_path / "out" / "masks" / "walk" / "00000.png")
        assert np.array_equal(first, predicted)
        capsys.readouterr()
        assert run(*command, "--first-from", toy, "--overwrite") == 2
        assert "Grey needs a first mask itself" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ((), "follows the objects of a mask and 'two' has none"),
            (("--first-mask", "small.png"), "small.png is 8 x 8 but 'two' is 60 x 40"),
            (("--first-mask", "empty.png"), "empty.png holds no object"),
            (("--mask", "9=good.png"), "is for frame 9, but 'two' has 4 frames"),
            (("--mask", "good.png"), "write --mask 12=ball.png"),
            (("--first-mask", "good.png", "--mask", "0=good.png"), "frame 0 has two masks"),
            (("--first-mask", "good.png", "--first-from", "cosnet"), "not both"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_mistakes(
        self,
        options: tuple[str, ...],
        said: str,
        toy: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        clip = squares()
        Clip("two", clip.frames).write(tmp_path / "two")
        Image.fromarray(clip.labels[0]).save("good.png")
        Image.new("L", (8, 8), 1).save("small.png")
        Image.new("L", (60, 40)).save("empty.png")
        assert run("segment", "two", "--method", toy, "--out", "out", *options) == 2
        assert said in capsys.readouterr().err
