"""What the course's notebooks share: one set-up cell, pictures in a row, source code, videos.

from vosedu import lesson

out = lesson.begin(out_dir, seed=seed)      # figures and tables in one style, random seeds
lesson.show({"frame 0": clip.frames[0], "frame 4": clip.frames[4]})
lesson.source(network.Gate)
"""

from __future__ import annotations

import inspect
import re
import textwrap
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from vosedu.clip import VideoWriter
from vosedu.errors import InputError
from vosedu.figures.inline import use_small_figures
from vosedu.figures.overlay import COLOURS, contact_sheet
from vosedu.figures.photo import jpeg_bytes
from vosedu.figures.sheet import sheet
from vosedu.paths import output_dir

if TYPE_CHECKING:
    from IPython.display import HTML

PINK, SKY, GREEN, YELLOW, BLUE, VERMILION, ORANGE = (tuple((c / 255).tolist()) for c in COLOURS)
"""Okabe and Ito's colours as matplotlib takes them; told apart with any colour vision."""


def begin(
    out_dir: str | Path | None = None, *, seed: int = 0, jpeg: int | None = None, **settings: Any
) -> Path | None:
    """Set up a notebook and return the folder for its files, which exists then.

    out_dir: as `vosedu.paths.output_dir` takes it; None: no files. seed: of PyTorch's generator.
    jpeg: draw figures as JPEG of this quality, for notebooks full of photographs; by default as
    PNG of 256 colours. settings: matplotlib's rcParams.
    """
    torch.manual_seed(seed)
    use_small_figures(jpeg, **settings)
    pd.set_option("display.max_colwidth", None, "display.max_columns", None, "display.precision", 2)
    _align_text_left()
    return None if out_dir is None else output_dir(out_dir)


def show(
    pictures: Mapping[str, np.ndarray],
    columns: int = 4,
    width: float | None = None,
    **options: Any,
) -> None:
    """Display pictures of one size side by side, each under its title; maps share a colour bar.

    pictures: title -> H x W x 3 uint8, or H x W numbers. width: inches of one picture; by default
    the page is filled. options: of matplotlib's imshow, e.g. vmin and vmax of the maps.
    """
    from IPython.display import display

    display(sheet(pictures, columns, width, **options))


def source(*things: Any) -> HTML:
    """The package's own code of classes or functions, as it runs, in a font of fixed width."""
    from IPython.display import HTML
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    code = "\n\n\n".join(textwrap.dedent(inspect.getsource(thing)).strip() for thing in things)
    look = HtmlFormatter(noclasses=True, nobackground=True, prestyles="font-family: monospace")
    return HTML(highlight(code, PythonLexer(), look))


def shape(x: Any) -> str:
    """The shape of an array or tensor in words, "3 x 96 x 160"."""
    return " x ".join(map(str, x.shape))


@dataclass(frozen=True)
class EmbeddedVideo:
    """A player in a notebook cell; where no video can be shown, four of its frames.

    mp4: the file's bytes. frames: the four, H x W x 3 uint8. alt: what it shows, in words.
    """

    mp4: bytes
    frames: tuple[np.ndarray, ...]
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        width = self.frames[0].shape[1]
        data = b64encode(self.mp4).decode("ascii")
        html = (
            f'<video controls loop muted width="{max(480, width)}" aria-label="{self.alt}" '
            f'src="data:video/mp4;base64,{data}">{self.alt}</video>'
        )
        still = jpeg_bytes(contact_sheet(self.frames, 4), quality=75)
        bundle = {"text/html": html, "image/jpeg": b64encode(still).decode("ascii")}
        return {**bundle, "text/plain": self.alt}, {"image/jpeg": {"alt": self.alt}}


def video(frames: Iterable[np.ndarray], fps: float, alt: str) -> EmbeddedVideo:
    """H.264 of frames, each H x W x 3 uint8, as a player for a notebook cell.

    fps: frames per second. alt: what it shows, for those who cannot see it.
    """
    frames = list(frames)
    if not frames:
        raise InputError("a video needs at least one frame; give a clip with frames")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        with VideoWriter(path, fps) as writer:
            for frame in frames:
                writer.write(frame)
        chosen = np.linspace(0, len(frames) - 1, 4).round().astype(int)
        return EmbeddedVideo(path.read_bytes(), tuple(frames[t] for t in chosen), alt)


def _align_text_left() -> None:
    """In a notebook: text in cells of tables to the left, numbers to the right."""
    from IPython import get_ipython

    if (shell := get_ipython()) is not None:
        html = shell.display_formatter.formatters["text/html"]
        html.for_type(pd.DataFrame, table_html)


def table_html(frame: pd.DataFrame, most: int = 60) -> str:
    """A table as HTML, its text to the left; at most `most` rows."""
    html = frame.to_html(max_rows=most, notebook=True)
    return re.sub(r"<td>(?=[^<]*[A-Za-z]{2})(?!NaN<)", '<td style="text-align: left">', html)
