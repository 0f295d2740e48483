"""Explorers and the panel in a real browser: JupyterLab driven with a mouse in headless Chromium.

Skipped, with the reason, where no Chromium or no playwright is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "test"
EXPLORER = """\
import vosedu
from vosedu.papers.cosnet.explorer import explore

data = vosedu.dataset("toyvos", split="val", suite="transient-lookalikes")
clips = [data[0].cut(0, 8), data[1].cut(0, 8)]
explorer = explore(vosedu.load("cosnet"), clips)
explorer"""
PANEL = """\
import vosedu
from vosedu.ablation.panel import Panel

clips = [vosedu.dataset("toyvos", split="val")[0].cut(0, 6)]
panel = Panel("cosnet", "1", clips=clips, out_dir="panel")
panel.profile.value, panel.seeds.value = "quick", 1
panel"""


DRAWING = """\
import vosedu
from vosedu.papers.deaot.explorer.drawing import Follow

cell = Follow(vosedu.load("deaot"), vosedu.dataset("toyvos", split="val")[0].cut(0, 4))
cell"""
TRAINING = """\
from vosedu.explore import LossCurve
from vosedu.papers.cosnet import PAPER, training

recipe = training.recipe("quick").change(main={"steps": 120})
total = sum(stage.steps for stage in recipe.stages)
curve = LossCurve(recipe)
config = PAPER.Config.paper().scaled("quick")
_, history = training.train(config, recipe, on_step=curve)
curve.show(history)
print("trained", len(history) == total)"""


def ended(process: subprocess.Popen[bytes]) -> None:
    """A server that is no longer asked anything: it may close its kernels, one after the other.

    How long it takes is its own affair, and that of the machine: nothing is tested here.
    """
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[str]:
    """JupyterLab on a free port, serving a folder with one notebook."""
    folder = tmp_path_factory.mktemp("lab")
    sources = {"explorer": EXPLORER, "panel": PANEL, "drawing": DRAWING, "training": TRAINING}
    for name, source in sources.items():
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source)],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "language_info": {"name": "python"},
            },
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")
    options = {
        "ServerApp.token": TOKEN,
        "ServerApp.root_dir": str(folder),
        "ServerApp.port": "0",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "LabApp.news_url": "",
    }
    environment = {**os.environ, "PYTHONPATH": str(root), "JUPYTER_CONFIG_DIR": str(folder / "cfg")}
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 180
        while not (
            found := re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)/", log.read_text())
        ):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"http://localhost:{found[1]}"
    finally:
        ended(process)


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Notebook:
    """One notebook open in JupyterLab, all cells run."""

    def __init__(
        self, browser: sync_api.Browser, server: str, name: str, shows: str = ".widget-button"
    ) -> None:
        self.problems: list[str] = []
        self.page = browser.new_page(viewport={"width": 1366, "height": 768})
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(f"{server}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        self.page.wait_for_selector("text=| Idle", timeout=60_000)
        self.page.click("li.lm-MenuBar-item:has-text('Run')")
        self.page.click("li.lm-Menu-item[data-command='runmenu:run-all']")
        self.page.wait_for_selector(f".jp-OutputArea-output {shows}", timeout=120_000)

    def picture(self) -> str:
        """What the first picture of the widgets shows now."""
        return self.page.locator("img.widget-image").first.get_attribute("src")

    def wait_for_new_picture(self, before: str) -> None:
        self.page.wait_for_function(
            "before => document.querySelector('img.widget-image').src !== before", arg=before
        )

    def text(self) -> str:
        return self.page.locator(".jp-OutputArea-output").first.inner_text()


@pytest.fixture(scope="module")
def explorer(browser: sync_api.Browser, server: str) -> Notebook:
    return Notebook(browser, server, "explorer")


@pytest.fixture(scope="module")
def panel(browser: sync_api.Browser, server: str) -> Notebook:
    return Notebook(browser, server, "panel")


@pytest.fixture(scope="module")
def drawing(browser: sync_api.Browser, server: str) -> Notebook:
    return Notebook(browser, server, "drawing")


class TestExplorer:
    def test_the_cells_to_click_cover_the_picture(self, explorer: Notebook) -> None:
        image = explorer.page.locator("img.widget-image").first.bounding_box()
        cells = explorer.page.locator(".vosedu-cells").first.locator("button")
        first, last = cells.first.bounding_box(), cells.last.bounding_box()
        assert first["y"] == pytest.approx(image["y"], abs=3)
        bottom = image["y"] + image["height"]
        assert last["y"] + last["height"] == pytest.approx(bottom, abs=5)

    def test_a_click_on_the_picture_moves_the_pixel(self, explorer: Notebook) -> None:
        before = explorer.picture()
        box = explorer.page.locator("img.widget-image").first.bounding_box()
        explorer.page.mouse.click(box["x"] + 0.85 * box["width"], box["y"] + 0.8 * box["height"])
        explorer.wait_for_new_picture(before)
        assert explorer.problems == []

    def test_a_slider_changes_the_frame(self, explorer: Notebook) -> None:
        before = explorer.picture()
        slider = explorer.page.locator(".widget-inline-hbox:has-text('frame') .noUi-handle").first
        slider.focus()
        slider.press("ArrowRight")
        explorer.wait_for_new_picture(before)
        assert explorer.problems == []

    def test_a_sabotage_is_named_and_changes_the_mask(self, explorer: Notebook) -> None:
        before = explorer.picture()
        explorer.page.click(".widget-toggle-button:has-text('closed')")
        explorer.page.wait_for_selector("text=gate = closed")
        explorer.wait_for_new_picture(before)
        assert "mask changed on 0.0 %" not in explorer.text()
        assert explorer.problems == []


class TestPanel:
    def test_a_row_is_trained_and_joins_the_table(self, panel: Notebook) -> None:
        panel.page.locator("select").first.select_option(index=0)
        before = panel.picture()
        panel.page.click("button:has-text('train and compare')")
        panel.wait_for_new_picture(before)
        panel.page.wait_for_selector("text=/1 seed/", timeout=120_000)
        assert panel.problems == []

    def test_a_long_training_can_be_stopped(self, panel: Notebook) -> None:
        panel.page.click(".widget-toggle-button:has-text('course')")
        panel.page.click("button:has-text('train and compare')")
        stop = panel.page.locator("button:has-text('stop')")
        panel.page.wait_for_selector("button:has-text('stop'):not([disabled])", timeout=60_000)
        stop.click()
        panel.page.wait_for_selector("button:has-text('stop')[disabled]", timeout=60_000)
        assert panel.problems == []


class TestDrawing:
    """In order: an object is drawn and followed, a later frame corrected and followed again."""

    def draw(self, drawing: Notebook, corners) -> None:
        """Click a polygon on the frame that is shown, and close it."""
        box = drawing.page.locator("img.widget-image").first.bounding_box()
        for x, y in corners:
            before = drawing.picture()
            drawing.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
            drawing.wait_for_new_picture(before)
        before = drawing.picture()
        drawing.page.click("button:has-text('close')")
        drawing.wait_for_new_picture(before)

    def test_an_object_is_drawn_with_the_mouse_and_followed(self, drawing: Notebook) -> None:
        self.draw(drawing, ((0.2, 0.2), (0.5, 0.2), (0.5, 0.7), (0.2, 0.7)))
        drawing.page.wait_for_selector("text=marked: frames 0")
        drawing.page.click("button:has-text('follow')")
        drawing.page.wait_for_selector("text=followed to frame 3 of 3", timeout=120_000)
        assert drawing.problems == []

    def test_a_later_frame_is_corrected_and_followed_again(self, drawing: Notebook) -> None:
        before = drawing.picture()
        slider = drawing.page.locator(".widget-inline-hbox:has-text('frame') .noUi-handle").first
        slider.focus()
        slider.press("ArrowRight")
        drawing.wait_for_new_picture(before)
        drawing.page.click(".widget-toggle-button:text-is('2')")
        self.draw(drawing, ((0.6, 0.3), (0.9, 0.3), (0.9, 0.6)))
        drawing.page.wait_for_selector("text=marked: frames 0, 1")
        drawing.page.click("button:has-text('follow')")
        drawing.page.wait_for_selector("text=followed to frame 3 of 3", timeout=120_000)
        assert drawing.problems == []


def test_the_loss_is_drawn_again_while_a_network_trains(
    browser: sync_api.Browser, server: str
) -> None:
    training = Notebook(browser, server, "training", shows="img")
    picture = training.page.locator(".jp-OutputArea-output img")
    first = picture.get_attribute("src")
    training.page.wait_for_function(
        "first => document.querySelector('.jp-OutputArea-output img').src !== first", arg=first
    )
    running = picture.get_attribute("src")
    training.page.wait_for_selector("text=trained True", timeout=240_000)
    assert picture.count() == 1, "the picture is replaced, not repeated"
    assert picture.get_attribute("src") not in (first, running), "the last one has all steps"
    assert training.problems == []
