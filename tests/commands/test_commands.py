"""The command line: what it says, writes, refuses and returns."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vosedu import api, commands
from vosedu.clip import PALETTE, Clip, VideoWriter, read_mask
from vosedu.commands.train import trained
from vosedu.nn.crf import CRF
from vosedu.papers import cosnet

COMMANDS = ("tour", "segment", "train", "evaluate", "ablate", "data", "weights", "bench")
COMMANDS += ("vot", "doctor")


def pictures(count: int = 4) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    texture = draw.integers(0, 256, (16, 40, 3), np.uint8).repeat(6, 0).repeat(6, 1)
    return [texture[:, 3 * index : 3 * index + 160].copy() for index in range(count)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network at course scale, as the commands take it."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.pt"
    config = cosnet.Config.paper().scaled("course")
    torch.save(cosnet.build(config).state_dict(), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Clip("walk", pictures()).write(tmp_path / "walk")
    return tmp_path / "walk" / "frames"


def run(*arguments: object) -> int:
    return commands.main([str(argument) for argument in arguments])


class TestHelp:
    def test_every_command_is_listed(self) -> None:
        listed = re.findall(r"^    (\w+)", commands.parser().format_help(), re.MULTILINE)
        assert tuple(listed) == COMMANDS

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_help_has_an_example_that_parses(
        self, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stop:
            run(name, "--help")
        assert stop.value.code == 0
        example = capsys.readouterr().out.split("example:\n")[1].strip()
        program, *words = example.split()
        assert program == "vosedu"
        assert commands.parse(words).run.__module__ == f"vosedu.commands.{name}"

    def test_help_loads_no_torch(self) -> None:
        program = (
            "import sys\nfrom vosedu import commands\n"
            "commands.parser()\nprint('torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout.strip() == "False", done.stderr


def network(checkpoint: Path) -> tuple[object, ...]:
    """The options that name the fixture's network."""
    return ("--method", "cosnet", "--weights", checkpoint)


class TestSegment:
    def test_a_folder_gives_indexed_masks_and_a_video(
        self, folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert run("segment", folder, *network(checkpoint), "--out", out) == 0
        masks = sorted((out / "masks" / "frames").iterdir())
        assert [mask.name for mask in masks] == [f"{index:05d}.png" for index in range(4)]
        with Image.open(masks[0]) as image:
            assert image.mode == "P"
            assert image.getpalette() == PALETTE.ravel().tolist()
        assert read_mask(masks[0]).shape == (96, 160)
        assert Clip.read(out / "overlays" / "frames.mp4").size == (96, 160)
        assert len(Clip.read(out / "overlays" / "frames.mp4")) == 4
        assert str(out / "overlays") in capsys.readouterr().out

    def test_a_video_gives_the_same_masks_as_its_decoded_frames(
        self, checkpoint: Path, tmp_path: Path
    ) -> None:
        with VideoWriter(tmp_path / "walk.mp4") as video:
            for picture in pictures(12):
                video.write(picture)
        Clip("walk", list(Clip.read(tmp_path / "walk.mp4").frames)).write(tmp_path / "walk")
        for source, out in (("walk.mp4", "a"), ("walk", "b")):
            options = (*network(checkpoint), "--out", tmp_path / out, "--references", 2)
            assert run("segment", tmp_path / source, *options) == 0
        for index in range(12):
            name = f"masks/walk/{index:05d}.png"
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

    def test_crf_is_the_inference_setting(
        self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refined = []
        monkeypatch.setattr(CRF, "refine", lambda self, p, frame: refined.append(self) or p)
        Clip("walk", pictures(3)).write(tmp_path / "walk")
        options = (*network(checkpoint), "--out", tmp_path / "out", "--crf")
        assert run("segment", tmp_path / "walk", *options) == 0
        assert refined == [CRF()] * 3

    def test_an_earlier_result_is_replaced_only_when_told(
        self, folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command = ("segment", folder, *network(checkpoint), "--out", tmp_path / "out")
        assert run(*command) == 0
        stale = tmp_path / "out" / "masks" / "frames" / "00099.png"
        Image.new("P", (4, 4)).save(stale)
        capsys.readouterr()
        assert run(*command) == 2
        assert "holds files already" in capsys.readouterr().err
        assert run(*command, "--overwrite") == 0
        assert not stale.exists()

    def test_ctrl_c_says_what_is_kept(
        self,
        folder: Path,
        checkpoint: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        written = []

        def write_two(path: Path, ids: np.ndarray) -> None:
            if len(written) == 2:
                raise KeyboardInterrupt
            written.append(path)
            path.write_bytes(b"mask")

        monkeypatch.setattr("vosedu.clip.write_mask", write_two)
        out = tmp_path / "out"
        assert run("segment", folder, *network(checkpoint), "--out", out) == 130
        assert "the masks so far are in" in capsys.readouterr().err
        assert len(list((out / "unfinished" / "masks").rglob("*.png"))) == 2
        assert not (out / "masks").exists()


def empty_folder(tmp_path: Path) -> list[object]:
    (tmp_path / "clip").mkdir()
    return ["segment", tmp_path / "clip"]


def mixed_sizes(tmp_path: Path) -> list[object]:
    Clip("clip", [*pictures(2), pictures(1)[0][:48]]).write(tmp_path / "clip")
    return ["segment", tmp_path / "clip"]


def truncated_jpeg(tmp_path: Path) -> list[object]:
    (tmp_path / "clip").mkdir()
    for index, picture in enumerate(pictures()):
        Image.fromarray(picture).save(tmp_path / "clip" / f"{index:05d}.jpg")
    last = tmp_path / "clip" / "00003.jpg"
    last.write_bytes(last.read_bytes()[:-300])
    return ["segment", tmp_path / "clip"]


def one_frame(tmp_path: Path) -> list[object]:
    Clip("clip", pictures(1)).write(tmp_path / "clip")
    return ["segment", tmp_path / "clip"]


def no_video(tmp_path: Path) -> list[object]:
    (tmp_path / "clip.mp4").write_text("not a video")
    return ["segment", tmp_path / "clip.mp4"]


def nothing(tmp_path: Path) -> list[object]:
    return ["segment", tmp_path / "missing"]


def full_folder(tmp_path: Path) -> list[object]:
    Clip("clip", pictures()).write(tmp_path / "clip")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    return ["segment", tmp_path / "clip"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (empty_folder, "holds no images"),
        (mixed_sizes, "all frames of a clip must have one size"),
        (truncated_jpeg, "00003.jpg"),
        (one_frame, "has one frame"),
        (no_video, "clip.mp4"),
        (nothing, "there is no file or folder"),
        (full_folder, "holds files already"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_clips_get_one_sentence(
    make: Callable[[Path], list[object]],
    said: str,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [*make(tmp_path), *network(checkpoint), "--out", tmp_path / "out"]
    assert run(*arguments) == 2
    assert_one_sentence(capsys.readouterr(), said)


def assert_one_sentence(captured: object, said: str) -> None:
    assert captured.out == ""
    assert captured.err.startswith("vosedu: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err


def another_network(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)


def another_scale(path: Path) -> None:
    config = cosnet.Config.paper().scaled("quick")
    torch.save(cosnet.build(config).state_dict(), path)


def text_file(path: Path) -> None:
    path.write_text("weights")


def cut_short(path: Path) -> None:
    another_network(path)
    path.write_bytes(path.read_bytes()[:-100])


def a_list(path: Path) -> None:
    torch.save([1, 2, 3], path)


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


def trap(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weight": Trap(path.parent / "sprung")}))


def trap_in_a_torch_file(path: Path) -> None:
    torch.save({"weight": Trap(path.parent / "sprung")}, path)


def not_there(path: Path) -> None:
    pass


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (another_network, "another network"),
        (another_scale, "another network"),
        (text_file, "weights."),
        (cut_short, "weights."),
        (a_list, "no state dict"),
        (trap, "weights."),
        (trap_in_a_torch_file, "weights."),
        (not_there, "no checkpoint file"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_checkpoints_get_one_sentence_and_run_nothing(
    make: Callable[[Path], None],
    said: str,
    suffix: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"weights{suffix}"
    make(path)
    given = ("--method", "cosnet", "--weights", path)
    assert run("segment", folder, *given, "--out", tmp_path / "out") == 2
    assert_one_sentence(capsys.readouterr(), said)
    assert not (tmp_path / "sprung").exists(), "code hidden in a checkpoint was run"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["segment", ".", "--method", "nonet"], "no paper 'nonet'"),
        (["train", "nonet"], "no paper 'nonet'"),
        (["train", "cosnet", "--profile", "huge"], "no profile 'huge'"),
        (["train", "cosnet", "--profile", "quick", "--device", "abacus"], "'abacus'"),
        (["evaluate", "--data", "nodata"], "nodata"),
        (["evaluate", "--method", "dpa", "--crf"], "dpa has no option --crf"),
        (["ablate", "cosnet", "--table", "99"], "no table '99'"),
        (["ablate", "cosnet", "--table", "1", "--rows", "none"], "no row 'none'"),
        (["data", "get"], "name a data set"),
        (["data", "get", "nodata"], "nodata"),
        (["tour", "--profile", "nope"], "no profile 'nope'; choose quick or course"),
        (["segment"], "name a video or a folder"),
        (["segment", ".", "--data", "toyvos"], "name a video or a folder"),
        (["segment", "--data", "toyvos", "--sequences", "walk"], "no sequence walk"),
        (["evaluate", "--sequences", "walk"], "no sequence walk"),
        (["weights", "get"], "name a paper"),
        (["weights", "get", "imagenet"], "name one of resnet50-0676ba61.pth"),
        (["weights", "get", "nonet"], "no weights of 'nonet'; choose one of cosnet"),
        (["weights", "get", "dpa"], "no weights were released"),
        (["bench", "nothing"], "nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_other_mistakes(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert_one_sentence(capsys.readouterr(), said)


@pytest.mark.parametrize("number", sorted(commands.OF_THE_MACHINE))
def test_a_full_disk_is_one_sentence(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number), "runs/walk/masks/00001.png")

    monkeypatch.setattr(Clip, "read", full)
    assert run("segment", "walk") == 2
    said = f"{os.strerror(number)}: runs/walk/masks/00001.png"
    assert_one_sentence(capsys.readouterr(), said)


def test_a_file_that_may_not_grow_is_one_sentence(tmp_path: Path) -> None:
    """A limit on the size of files, in a process of its own: nothing is simulated."""
    train = f"{sys.executable} -m vosedu train cosnet --profile quick --out {tmp_path / 'run'}"
    done = subprocess.run(["bash", "-c", f"ulimit -f 40; {train}"], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("vosedu: ")]
    assert len(said) == 1 and "File too large" in said[0] and "Traceback" not in done.stderr


def test_as_a_module_there_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vosedu", "segment", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        f"vosedu: the folder {tmp_path} holds no images; name a folder of frames or a video file\n"
    )


class TestTrain:
    def test_a_quick_run_writes_a_checkpoint_that_segments(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "run"
        assert run("train", "cosnet", "--profile", "quick", "--out", out) == 0
        assert {"cosnet.pt", "cosnet.json", "cosnet.csv"} <= {path.name for path in out.iterdir()}
        assert "weights:" in capsys.readouterr().out
        note = json.loads((out / "cosnet.json").read_text())
        assert note["data"].startswith("toyvos/mixed/train") and "toyvos-1.0" in note["data"]

    def test_the_note_names_the_data_that_was_drawn_from(
        self, folder: Path, tmp_path: Path
    ) -> None:
        Clip("walk", pictures(), {t: np.ones((96, 160), np.uint8) for t in range(4)}).write(
            tmp_path / "videos/walk"
        )
        change = ("--set", "cycle=('video',)", "stills=", "steps=1", "--initial", "")
        command = ("train", "cosnet", "--profile", "ablate", "--data", tmp_path / "videos", *change)
        assert run(*command, "--out", tmp_path / "run") == 0
        note = json.loads((tmp_path / "run/cosnet.json").read_text())
        assert note["data"] == f"folder:{tmp_path / 'videos'}"
        assert f"--data {tmp_path / 'videos'}" in note["command"]

    def test_own_videos_get_the_flow_of_the_recipe(self, tmp_path: Path) -> None:
        (tmp_path / "videos").mkdir()
        words = ["train", "amcnet", "--data", str(tmp_path / "videos")]
        _, recipe = trained(api.paper("amcnet"), commands.parse(words))
        assert recipe.stages[-1].data == f"folder:{tmp_path / 'videos'}@dis-medium"
        assert recipe.stages[:-1] == api.paper("amcnet").recipe("course").stages[:-1]

    def test_data_that_is_not_there_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("train", "cosnet", "--profile", "quick", "--out", tmp_path / "out")
        assert run(*words, "--data", "holidays") == 2
        assert "'holidays' names no data set" in capsys.readouterr().err
        assert not (tmp_path / "out").exists(), "it is said before the work"
        (tmp_path / "a+b").mkdir()
        assert run(*words, "--data", tmp_path / "a+b") == 2
        assert "rename it or link it" in capsys.readouterr().err


def test_data_and_weights_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "list") == 0
    assert "davis16" in capsys.readouterr().out
    assert run("data", "where", "davis16") == 0
    assert "licence" in capsys.readouterr().out
    assert run("weights", "list") == 0
    assert "none:" in capsys.readouterr().out, "DPA released none, and the list says so"


def test_the_tables_of_a_paper_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ablate", "cosnet") == 0
    assert "Co-attention" in capsys.readouterr().out


class TestTrainingKeepsWhatIsThere:
    def test_a_foreign_checkpoint_is_not_replaced(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "cosnet.pt").write_bytes(b"mine")
        assert run("train", "cosnet", "--profile", "quick", "--out", tmp_path) == 2
        assert "is not replaced" in capsys.readouterr().err
        assert (tmp_path / "cosnet.pt").read_bytes() == b"mine"

    def test_a_full_disk_is_one_sentence(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "state.pt")

        monkeypatch.setattr(torch, "save", full)
        assert run("train", "cosnet", "--profile", "quick", "--out", tmp_path / "out") == 2
        assert "No space left on device" in capsys.readouterr().err
        assert not list((tmp_path / "out").glob("*.pt"))
