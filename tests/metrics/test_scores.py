"""Result folders, tables, CSV files and the figure."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from vosedu import Clip, InputError, metrics
from vosedu.clip import write_mask
from vosedu.metrics import PROTOCOLS, Scores
from vosedu.metrics.scores import Track
from vosedu.metrics.sequence_statistics import bootstrap_interval

SIZE, FRAMES = (24, 32), 5


def truth(t: int) -> np.ndarray:
    ids = np.zeros(SIZE, np.uint8)
    ids[4:14, t : t + 8] = 1
    return ids


@pytest.fixture
def clips() -> list[Clip]:
    frames = np.full((FRAMES, *SIZE, 3), 90, np.uint8)
    labels = {t: truth(t) for t in range(FRAMES)}
    codes = [frozenset({"OCC", "FM"}), frozenset({"FM"})]
    return [Clip(name, frames, labels, attributes=a) for name, a in zip(("cat", "dog"), codes)]


def save_grey(path, values, mode="L") -> None:
    Image.fromarray(values).convert(mode).save(path)


WRITERS = {
    "indexed": write_mask,
    "0/255": lambda path, ids: save_grey(path, ids * np.uint8(255)),
    "1 bit": lambda path, ids: Image.fromarray(ids > 0).save(path),
    "soft": lambda path, ids: save_grey(path, ids * np.uint8(120) + np.uint8(30)),
    "soft, cut above": lambda path, ids: save_grey(path, ids * np.uint8(170) + np.uint8(30)),
    "ids as grey": lambda path, ids: save_grey(path, ids * np.uint8(3)),
    "grey and alpha": lambda path, ids: save_grey(path, ids * np.uint8(255), "LA"),
}


def write_results(folder, writer, names=("cat", "dog")) -> None:
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for t in range(FRAMES):
            WRITERS[writer](folder / name / f"{t:05d}.png", truth(t))


@pytest.mark.parametrize(
    ("writer", "J", "words"),
    [
        ("indexed", 1, "6 files read as indexed masks"),
        ("1 bit", 1, "6 files read as indexed masks"),
        ("0/255", 1, "6 files read as 0/255 masks"),
        ("grey and alpha", 1, "6 files read as 0/255 masks"),
        ("soft, cut above", 1, "6 files read as soft masks, cut at one half"),
        ("soft", 1, "6 files read as soft masks, cut at one half"),
        ("ids as grey", 1, "6 files read as ids stored as grey levels"),
    ],
)
def test_folders_are_read_as_what_they_are(tmp_path, clips, writer, J, words) -> None:
    write_results(tmp_path, writer)
    scores = metrics.evaluate_folder(tmp_path, clips, "davis16")
    assert scores.summary()["J-Mean"] == J
    assert len(scores.how_read) == 1 and words in scores.how_read[0]
    assert scores.how_read[0] in repr(scores)


def test_soft_masks_are_cut_at_one_half(tmp_path, clips) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for t in range(FRAMES):
            level = np.where(truth(t) > 0, 128, 127).astype(np.uint8)
            save_grey(tmp_path / name / f"{t:05d}.png", level)
    assert metrics.evaluate_folder(tmp_path, clips).summary()["J-Mean"] == 1


def test_a_faint_file_among_soft_ones_is_empty(tmp_path, clips) -> None:
    write_results(tmp_path, "soft, cut above")
    save_grey(tmp_path / "dog" / "00002.png", truth(2) * np.uint8(9))
    frames = metrics.evaluate_folder(tmp_path, clips).frames["J"]
    assert frames[("dog", 1, 2)] == 0 and frames[("dog", 1, 1)] == 1


def test_missing_and_misnamed_results_are_refused(tmp_path, clips) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        metrics.evaluate_folder(tmp_path / "nowhere", clips)
    write_results(tmp_path, "indexed", ["cat"])
    with pytest.raises(InputError, match=r"no masks for dog .*cat"):
        metrics.evaluate_folder(tmp_path, clips)
    write_results(tmp_path, "indexed")
    (tmp_path / "dog" / "00003.png").unlink()
    with pytest.raises(InputError, match=r"dog lacks 1 of 3 .*frame 3"):
        metrics.evaluate_folder(tmp_path, clips)
    for path in (tmp_path / "dog").iterdir():
        path.rename(path.with_name(f"result_{path.name}"))
    with pytest.raises(InputError, match="named like a frame of dog"):
        metrics.evaluate_folder(tmp_path, clips)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (Image.fromarray(np.full(SIZE, 300, np.uint16)), "00001.png"),
        (Image.new("RGBA", SIZE[::-1]), "'RGBA'"),
        (Image.new("RGB", SIZE[::-1]), "'RGB'"),
        (Image.new("1", (8, 6)), "the mask is 8 x 6"),
    ],
    ids=["16 bit", "rgba", "rgb", "size"],
)
def test_files_that_hold_no_mask_are_named(tmp_path, clips, picture, message) -> None:
    write_results(tmp_path, "indexed")
    picture.save(tmp_path / "cat" / "00001.png")
    with pytest.raises(InputError, match=message):
        metrics.evaluate_folder(tmp_path, clips)


def test_a_truncated_file_is_named(tmp_path, clips) -> None:
    write_results(tmp_path, "indexed")
    path = tmp_path / "cat" / "00001.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"cannot read the mask .*00001\.png"):
        metrics.evaluate_folder(tmp_path, clips)


def test_soft_masks_are_no_object_ids(tmp_path, clips) -> None:
    write_results(tmp_path, "soft")
    with pytest.raises(InputError, match=r"00001\.png.*150.*indexed"):
        metrics.evaluate_folder(tmp_path, clips, "davis17-semi")


@pytest.fixture
def scores(clips) -> metrics.Scores:
    results = {"cat": [truth(t) for t in range(FRAMES)], "dog": [truth(t + 4) for t in range(5)]}
    return metrics.evaluate(results, clips, "davis16", temporal=["dog"])


def test_tables(scores) -> None:
    J = 40 / 120
    assert scores.sequences["J-Mean"].to_dict() == {"cat": 1, "dog": pytest.approx(J)}
    assert scores.sequences["T-Mean"].isna().tolist() == [True, False]
    assert scores.frames.shape == (6, 2)
    assert scores.objects.loc[("dog", 1), "Frames"] == 3
    attributes = scores.attributes()
    assert attributes["Sequences"].to_dict() == {"FM": 2, "OCC": 1}
    assert attributes["J-Mean"].to_dict() == {"FM": pytest.approx((1 + J) / 2), "OCC": 1}
    assert scores.worst(2).index.get_level_values("Sequence").tolist() == ["dog", "dog"]
    assert "davis" in repr(scores).lower() and "<table" in scores._repr_html_()


def test_csv_has_the_official_columns(scores, tmp_path) -> None:
    paths = scores.to_csv(tmp_path / "new" / "tables")
    tables = {path.name: list(csv.reader(path.open())) for path in paths}
    official = ["J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"]
    assert tables["global_results.csv"][0] == [*official, "T-Mean"]
    assert tables["per-sequence_results.csv"][:2] == [
        ["Sequence", "J-Mean", "F-Mean"],
        ["cat", "1.000", "1.000"],
    ]
    assert len(tables["per-frame_results.csv"]) == 1 + 6
    with pytest.raises(InputError, match="overwrite"):
        scores.to_csv(tmp_path / "new" / "tables")
    scores.to_csv(tmp_path / "new" / "tables", overwrite=True)


def test_csv_names_objects_where_they_are_scored(clips, tmp_path) -> None:
    results = {name: [truth(t) for t in range(FRAMES)] for name in ("cat", "dog")}
    metrics.evaluate(results, clips, "davis17-semi").to_csv(tmp_path)
    rows = list(csv.reader((tmp_path / "per-sequence_results.csv").open()))
    assert [row[0] for row in rows] == ["Sequence", "cat_1", "dog_1"]


def test_the_figure_shows_sequences_frames_and_attributes(scores, clips) -> None:
    from vosedu.figures.scores import score_figure

    masks = [truth(t + 4) for t in range(FRAMES)]
    figure = score_figure(scores, clips[1], masks, worst=2)
    titles = [axes.get_title(loc) for axes in figure.axes for loc in ("left", "center")]
    assert any(title.startswith("dog") for title in titles)
    assert sum(title.startswith("frame ") for title in titles) == 2
    assert len(figure.axes) == 5
    assert len(score_figure(scores).axes) == 3


def test_the_command_line_scores_a_folder(tmp_path, clips, monkeypatch, capsys) -> None:
    from vosedu import api, commands

    monkeypatch.setattr(api, "dataset", lambda name, **options: clips)
    write_results(tmp_path / "masks", "0/255")
    line = f"evaluate --masks {tmp_path / 'masks'} --data davis16 --csv {tmp_path / 'tables'}"
    assert commands.main(line.split()) == 0
    printed = capsys.readouterr().out
    assert "6 files read as 0/255 masks" in printed and "J-Mean" in printed
    assert (tmp_path / "tables" / "global_results.csv").is_file()


def test_importing_metrics_loads_no_pandas() -> None:
    import subprocess
    import sys

    code = "import sys, vosedu.metrics; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sequence_weighs_as_much_as_it_has_objects() -> None:
    """Half of the sequences have three objects, all found, the others one, which is missed."""

    def track(name: str, number: int, value: float) -> Track:
        return Track(name, number, (1, 2), {m: np.full(2, value) for m in ("J", "F")})

    tracks = [track(f"three-{k}", n, 1.0) for k in range(100) for n in (1, 2, 3)]
    tracks += [track(f"one-{k}", 1, 0.0) for k in range(100)]
    scores = Scores(PROTOCOLS["davis17-semi"], tuple(tracks))
    low, high = scores.intervals()["J"]
    assert scores.summary()["J-Mean"] == pytest.approx(0.75)
    assert low == pytest.approx(0.75 - 0.055, abs=0.02)
    assert high == pytest.approx(0.75 + 0.05, abs=0.02)


def test_intervals_are_bootstraps_over_sequences(clips) -> None:
    """Against the exact distribution of the mean of two redrawn values, a, (a + b) / 2 or b."""
    empty = {t: np.zeros(SIZE, np.uint8) for t in range(FRAMES)}
    right = {t: truth(t) for t in range(FRAMES)}
    scores = metrics.evaluate(lambda c: right if c.name == "cat" else empty, clips, "davis16")
    assert scores.intervals() == {"J": (0.0, 1.0), "F": (0.0, 1.0)}
    rng = np.random.default_rng(1)
    values = rng.normal(0.5, 0.1, 400)
    low, high = bootstrap_interval([*values, np.nan])
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=1e-3)
    assert high == pytest.approx(values.mean() + half, abs=1e-3)
    with pytest.raises(InputError, match="no value"):
        bootstrap_interval([np.nan])
