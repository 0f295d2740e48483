"""Draw the objects of a frame, watch DeAOT follow them, correct a frame and go on.

Follow(model, clip)                     # widgets; needs a running notebook
Follow(model, clip, {0: ids}).figure()  # the same as a figure
"""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as w
import numpy as np
from matplotlib.figure import Figure

from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.explore import Pad, WithTwin
from vosedu.explore.widgets import encode, slide
from vosedu.figures.attention import thumbnail
from vosedu.figures.overlay import overlay
from vosedu.figures.sheet import sheet
from vosedu.papers.deaot.inference import Inference, Session
from vosedu.papers.deaot.network import DeAOT

SHOWN = 8  # frames of the figure


class Follow(WithTwin):
    """A clip whose objects are marked by hand and followed by a network.

    clip: any clip, such as `Clip.read("my_video.mp4")`. marked: frame -> ids, H x W uint8, of
    frames that are marked already. Marking a frame makes it a reference frame: its mask holds as
    it is drawn. `masks` are the ids of every frame since the last time `run` was called; before the
    first marked frame they are empty.
    """

    def __init__(
        self,
        model: DeAOT,
        clip: Clip,
        marked: Mapping[int, np.ndarray] | None = None,
        inference: Inference | None = None,
    ) -> None:
        if not len(clip):
            raise InputError(f"the clip '{clip.name}' has no frames; choose another")
        self.model, self.clip, self.inference = model, clip, inference
        self.marked = dict(marked or {})
        self.masks = [np.zeros(clip.size, np.uint8) for _ in range(len(clip))]
        self.pad = Pad(self._drawn)
        self.frame = slide("frame", "the frame that is shown, and drawn on")
        self.frame.max = len(clip) - 1
        self.frame.observe(lambda _: self._show(), "value")
        self.play = w.Play(max=len(clip) - 1, interval=250, tooltip="show one frame after another")
        w.link((self.play, "value"), (self.frame, "value"))
        self.follow_button = w.Button(
            description="follow", icon="forward", tooltip="follow the objects from here on"
        )
        self.forget_button = w.Button(
            description="forget marks",
            tooltip="what was drawn on this frame no longer counts",
            layout=w.Layout(width="auto"),
        )
        self.follow_button.on_click(lambda _: self._follow())
        self.forget_button.on_click(lambda _: self._forget())
        self.watched = w.Image(format="jpeg", layout=w.Layout(width="100%"))
        self._said = w.HTML()
        self.pad.side.children = [
            *self.pad.side.children,
            self.frame,
            w.HBox([self.play, self.follow_button, self.forget_button]),
            self._said,
            self.watched,
        ]
        self.widget = self.pad.widget
        self._show()

    def run(self) -> list[np.ndarray]:
        """Follow the objects from the first marked frame to the last frame; returns `masks`."""
        if not self.marked:
            raise InputError("no object is marked yet; draw one on a frame, then follow it")
        for frame, ids in self.marked.items():
            if not 0 <= frame < len(self.clip):
                raise InputError(
                    f"frame {frame} is marked and '{self.clip.name}' has {len(self.clip)} frames, "
                    "counted from 0; mark frames it has"
                )
            if not ((ids > 0) & (ids != VOID)).any() and frame == min(self.marked):
                raise InputError(
                    f"frame {frame} is the first marked one and shows no object; draw one there, "
                    "or let it be forgotten"
                )
        session, first = Session(self.model, self.inference), min(self.marked)
        for index, frame in enumerate(self.clip.frames):
            if index < first:
                self.masks[index] = np.zeros(self.clip.size, np.uint8)
                continue
            given = self.marked.get(index)
            if index == first:
                self.masks[index] = session.start(frame, given)
            else:
                self.masks[index] = session.step(frame)
                if given is not None:
                    self.masks[index] = session.correct(given)
            self._watch(index, frame)
        self._show()
        return self.masks

    def figure(self) -> Figure:
        """Frames of the whole clip with their masks, marked ones first in their titles."""
        count = min(SHOWN, len(self.clip))
        chosen = np.linspace(0, len(self.clip) - 1, count).round().astype(int).tolist()
        chosen = sorted({*chosen, *self.marked})
        pictures = {}
        for index in chosen:
            title = f"frame {index}{', marked' if index in self.marked else ''}"
            pictures[title] = overlay(self.clip.frames[index], self._ids(index))
        return sheet(pictures)

    def _ids(self, index: int) -> np.ndarray:
        return self.marked.get(index, self.masks[index])

    def _show(self) -> None:
        index = self.frame.value
        title = f"frame {index}: {'marked' if index in self.marked else 'as followed'}"
        self.pad.show(self.clip.frames[index], self._ids(index), title)

    def _drawn(self) -> None:
        self.marked[self.frame.value] = self.pad.marks.ids.copy()
        self._said.value = f"marked: frames {', '.join(map(str, sorted(self.marked)))}"

    def _forget(self) -> None:
        self.marked.pop(self.frame.value, None)
        self._show()

    def _follow(self) -> None:
        self.follow_button.disabled = True
        try:
            self.run()
        except InputError as error:
            self.pad.say(str(error))
        finally:
            self.follow_button.disabled = False

    def _watch(self, index: int, frame: np.ndarray) -> None:
        self.watched.value = encode(thumbnail(overlay(frame, self.masks[index])))
        self._said.value = f"followed to frame {index} of {len(self.clip) - 1}"
