"""The widgets that all explorers share, with a "network" that thresholds brightness."""

from __future__ import annotations

import base64
import io

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore import Choice, Explorer, Picture, View
from vosedu.explore.widgets import Gallery, Shown, choose
from vosedu.figures.attention import EXCHANGED, GAINED, LOST, changes
from vosedu.figures.inline import palette_png

CHOICES = (
    Choice("shown", "show", ("frame", "negative"), "frame", changes=False),
    Choice("threshold", "threshold", (64, 128, 192), 128),
    Choice("input", "input", ("as it is", "black", "broken"), "as it is"),
)


def clip(name: str, length: int, height: int, width: int, seed: int) -> Clip:
    rng = np.random.default_rng(seed)
    return Clip(name, list(rng.integers(0, 256, (length, height, width, 3), np.uint8)))


@pytest.fixture
def explorer() -> Explorer:
    clips = [clip("first", 5, 24, 40, 0), clip("second", 3, 36, 30, 1)]

    def look(clip: int, frame: int, x: int, y: int, shown: str, threshold: int, input: str) -> View:
        if input == "broken":
            raise InputError("the input is broken; choose another")
        image = clips[clip].frames[frame] * np.uint8(input != "black")
        mask = (image.mean(2) > threshold).astype(np.uint8)
        picture = Picture(shown, 255 - image if shown == "negative" else image)
        pictures = (picture,) * (1 + frame)
        return View(
            image, mask, Picture("target", image), ((), pictures), (f"{mask[y, x]} at {x}, {y}",)
        )

    return Explorer(look, clips, CHOICES, question="Is it bright?", start={"frame": 2, "x": 7})


def shown(explorer: Explorer) -> list[bytes]:
    """The bytes of every picture on the page."""

    def images(widget: ipywidgets.Widget) -> list[bytes]:
        if isinstance(widget, ipywidgets.Image):
            return [bytes(widget.value)]
        return [b for child in getattr(widget, "children", ()) for b in images(child)]

    return images(explorer.widget)


def size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_it_starts_where_it_was_told_to_with_nothing_touched(explorer: Explorer) -> None:
    assert (explorer.state.frame, explorer.state.x) == (2, 7)
    assert explorer.changed == 0
    assert explorer.view.facts[-1] == "Touched: nothing."


def test_every_trait_of_the_state_has_a_control_and_both_follow_each_other(explorer) -> None:
    explorer.state.threshold = 64
    assert explorer.controls["threshold"].value == 64
    explorer.controls["frame"].value = 4
    assert explorer.state.frame == 4
    assert explorer.setting == {
        "clip": 0, "frame": 4, "x": 7, "y": 0,
        "shown": "frame", "threshold": 64, "input": "as it is",
    }  # fmt: skip


def test_a_switch_changes_the_mask_and_says_so(explorer: Explorer) -> None:
    before = explorer.view.mask
    explorer.controls["threshold"].value = 64
    assert explorer.view.mask.sum() > before.sum()
    assert explorer.changed == pytest.approx(np.mean(explorer.view.mask != before))
    assert explorer.view.facts[-1] == "Touched: threshold = 64."
    assert f"{100 * explorer.changed:.1f} %" in explorer.view.rows[0][0].title


def test_what_is_shown_is_no_switch(explorer: Explorer) -> None:
    before = shown(explorer)
    explorer.controls["shown"].value = "negative"
    assert explorer.changed == 0
    assert explorer.view.facts[-1] == "Touched: nothing."
    assert shown(explorer) != before


@pytest.mark.parametrize("x, y", [(0.01, 0.02), (0.5, 0.5), (0.99, 0.99)], ids=str)
def test_a_click_moves_the_pixel_into_the_clicked_cell(explorer: Explorer, x: float, y: float):
    explorer.picture.click(x, y)
    assert abs(explorer.state.x / 40 - x) <= 0.1
    assert abs(explorer.state.y / 24 - y) <= 1 / 6
    assert f"at {explorer.state.x}, {explorer.state.y}" in explorer.view.facts[0]


def test_a_click_looks_once(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(explorer, "_show", lambda: looked.append(explorer.setting))
    explorer.picture.click(0.9, 0.9)
    assert len(looked) == 1


def test_a_shorter_clip_pulls_the_sliders_in(explorer: Explorer) -> None:
    explorer.set(frame=4, x=39, y=23)
    explorer.state.clip = 1
    assert (explorer.state.frame, explorer.state.x, explorer.state.y) == (2, 29, 23)
    assert explorer.controls["y"].max == 35
    assert explorer.view.mask.shape == (36, 30)


def test_the_gallery_follows_the_number_of_pictures(explorer: Explorer) -> None:
    for frame in (0, 4, 1):
        explorer.state.frame = frame
        assert len(shown(explorer)) == 2 + (1 + frame)  # target, difference, the row
        assert all(size(picture) == (40, 24) for picture in shown(explorer))


def test_a_bad_input_is_told_and_the_explorer_goes_on(explorer: Explorer) -> None:
    explorer.state.input = "broken"
    assert "the input is broken; choose another" in explorer._facts.value
    explorer.state.input = "black"
    assert explorer.view.mask.sum() == 0
    assert explorer.changed > 0


def test_it_displays_with_its_picture_beside_it(explorer: Explorer) -> None:
    bundle, metadata = explorer._repr_mimebundle_()
    assert explorer.view.target.title in metadata["image/png"]["alt"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert size(base64.b64decode(bundle["image/png"]))[0] > 600
    assert "0x" not in bundle["text/plain"]


def test_the_static_twin_shows_any_setting_and_leaves_the_state_alone(explorer: Explorer) -> None:
    setting = explorer.setting
    assert palette_png(explorer.figure(threshold=64)) != palette_png(explorer.figure())
    assert explorer.setting == setting
    texts = [text.get_text() for text in explorer.figure(threshold=64).texts]
    assert texts[0] == "Is it bright?"
    assert "Touched: threshold = 64." in texts[1]


def test_large_frames_are_shown_small() -> None:
    large = clip("large", 2, 500, 900, 0)

    def look(clip: int, frame: int, x: int, y: int) -> View:
        image = large.frames[frame]
        return View(image, image[..., 0] // 128, Picture("target", image))

    explorer = Explorer(look, [large], (), question="How large?")
    assert size(shown(explorer)[0]) == (320, 178)


def test_reset_goes_back_to_the_first_state(explorer: Explorer) -> None:
    before = explorer.setting
    explorer.set(clip=1, frame=0, threshold=64, shown="negative")
    explorer.reset_button.click()
    assert explorer.setting == before
    assert explorer.changed == 0


def test_play_moves_through_the_frames_of_the_clip(explorer: Explorer) -> None:
    explorer.play.value = 4
    assert explorer.state.frame == 4
    explorer.state.clip = 1
    assert explorer.play.max == 2
    assert explorer.play.value == explorer.state.frame == 2


def test_the_pictures_beside_the_target_stay_where_they_are(explorer: Explorer) -> None:
    """Only the gallery below, at the end of the left column, grows with the number of pictures."""
    top = list(explorer._top.children)
    for setting in ({"frame": 4}, {"threshold": 64}, {"clip": 1}, {"frame": 0}):
        explorer.set(**setting)
        assert list(explorer._top.children) == top
    assert [shown.widget for shown in (explorer.picture, *explorer._beside)] == top


@pytest.mark.parametrize("count, columns", [(1, 3), (3, 3), (5, 5), (8, 6)])
def test_a_row_of_the_gallery_never_exceeds_the_width(count: int, columns: int) -> None:
    gallery = Gallery()
    gallery.show([[Picture("one", np.zeros((4, 4, 3), np.uint8))] * count])
    assert gallery.widget.children[0].layout.grid_template_columns == (
        f"repeat({columns}, minmax(0, 1fr))"
    )


def test_titles_scales_and_tooltips_are_on_the_page(explorer: Explorer) -> None:
    shown = Shown()
    shown.show(Picture("a <map>", np.zeros((4, 4, 3), np.uint8), ("0", "4 x uniform")))
    title, _, scale = shown.widget.children
    assert 'title="a &lt;map&gt;"' in title.value
    assert "linear-gradient" in scale.value and "4 x uniform" in scale.value
    tip = Choice(
        "gate", "gate", ("learned", "open"), "learned", help="a factor", tips={"open": "1"}
    )
    assert choose(tip).tooltips == ("a factor", "1")
    assert all(control.tooltip for control in explorer.controls.values())


def test_pixels_that_change_their_object_are_told_apart() -> None:
    frame = np.full((1, 4, 3), 100, np.uint8)
    before, after = np.array([[0, 1, 1, 1]], np.uint8), np.array([[1, 0, 2, 1]], np.uint8)
    drawn = changes(frame, before, after)[0]
    expected = [0.4 * 50 + 0.6 * np.asarray(c) for c in (GAINED, LOST, EXCHANGED, [255] * 3)]
    assert drawn == pytest.approx(np.round(expected), abs=1)
