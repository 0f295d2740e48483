"""What notebooks share: set-up, pictures in a row, source code, players."""

from __future__ import annotations

import inspect
import io
import re
from html import unescape
from pathlib import Path

import av
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from vosedu import lesson, paths
from vosedu.errors import InputError
from vosedu.figures.inline import alternative_text
from vosedu.figures.sheet import sheet


def pictures(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"frame {k}": rng.integers(0, 256, (24, 40, 3), np.uint8) for k in range(count)}


def test_a_relative_folder_counts_from_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "_CHECKOUT", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert lesson.begin("runs/one") == tmp_path / "runs" / "one"
    assert not (tmp_path / "notebooks" / "runs").exists()
    monkeypatch.chdir(tmp_path)
    assert lesson.begin("runs/one") == Path("runs/one")


def test_an_absolute_folder_stays_and_none_makes_none(tmp_path: Path) -> None:
    assert lesson.begin(tmp_path / "deep" / "er") == tmp_path / "deep" / "er"
    assert (tmp_path / "deep" / "er").is_dir()
    assert lesson.begin() is None


def test_the_seed_decides_random_weights() -> None:
    lesson.begin(seed=3)
    first = torch.rand(4)
    lesson.begin(seed=3)
    assert torch.equal(torch.rand(4), first)


@pytest.mark.parametrize("count, columns, panels", [(1, 4, 1), (3, 4, 3), (6, 4, 8)])
def test_a_sheet_has_a_place_for_every_picture(count: int, columns: int, panels: int) -> None:
    made = sheet(pictures(count), columns)
    titles = [axes.get_title() for axes in made.axes]
    assert len(made.axes) == panels
    assert titles[:count] == [f"frame {k}" for k in range(count)]
    assert made.get_figwidth() <= 10.01


def test_maps_of_a_sheet_share_their_range_and_have_a_colour_bar() -> None:
    made = sheet({"low": np.full((4, 6), 0.5), "high": np.full((4, 6), 2.0)})
    assert {axes.images[0].get_clim() for axes in made.axes[:2]} == {(0.0, 2.0)}
    assert len(made.axes) == 3
    fixed = sheet({"one": np.ones((4, 6))}, vmin=-1, vmax=1)
    assert fixed.axes[0].images[0].get_clim() == (-1, 1)


def test_a_sheet_without_pictures_is_told() -> None:
    with pytest.raises(InputError, match="at least one picture"):
        sheet({})


def test_alternative_text_is_what_the_figure_says() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    left.set(title="ours", xlabel="references N", ylabel="J")
    left.plot([0, 1], label="with IMA")
    left.plot([1, 0])
    right.set_title("paper")
    plt.close(figure)
    assert alternative_text(figure) == "ours: J over references N: with IMA; paper"
    assert alternative_text(sheet({"a frame": np.zeros((2, 2, 3), np.uint8)})) == "a frame"


def test_source_is_the_code_that_runs_in_a_font_of_fixed_width() -> None:
    shown = lesson.source(lesson.shape, sheet).data
    code = unescape(re.sub("<[^>]*>", "", shown))
    assert inspect.getsource(lesson.shape).strip() in code
    assert inspect.getsource(sheet).strip() in code
    assert "font-family: monospace" in shown


def test_shapes_in_words() -> None:
    assert lesson.shape(torch.zeros(2, 3)) == "2 x 3"


def test_a_video_plays_every_frame_and_has_a_picture_of_four() -> None:
    frames = [np.full((24, 40, 3), 20 * t, np.uint8) for t in range(9)]
    made = lesson.video(frames, fps=5, alt="it gets brighter")
    with av.open(io.BytesIO(made.mp4)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(decoded) == 9
    assert [int(frame.mean()) for frame in decoded] == pytest.approx(range(0, 180, 20), abs=6)
    bundle, metadata = made._repr_mimebundle_()
    assert bundle["text/html"].startswith("<video controls")
    assert metadata["image/jpeg"]["alt"] == bundle["text/plain"] == "it gets brighter"
    assert [int(f.mean()) for f in made.frames] == [0, 60, 100, 160]
    with pytest.raises(InputError, match="at least one frame"):
        lesson.video([], 5, "nothing")


def test_text_in_tables_stands_left_and_numbers_right() -> None:
    table = pd.DataFrame({"claim": ["J is lower", ""], "J": [1.25, np.nan]})
    html = lesson.table_html(table)
    assert '<td style="text-align: left">J is lower</td>' in html
    assert html.count("text-align: left") == 1


def test_photographs_can_be_shown_as_jpeg() -> None:
    from vosedu.figures.inline import figure_jpeg

    coarse, fine = (figure_jpeg(sheet(pictures(2)), quality) for quality in (30, 90))
    assert len(coarse) < len(fine)
    assert Image.open(io.BytesIO(coarse)).size == Image.open(io.BytesIO(fine)).size
