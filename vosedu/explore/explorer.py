"""One explorer for all papers: a state, its controls, and what `look` says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from typing import Any

import ipywidgets as w
import numpy as np
from matplotlib.figure import Figure
from traitlets import Any as Anything
from traitlets import HasTraits, Int, link

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore.twin import WithTwin
from vosedu.explore.view import Choice, Picture, View, draw
from vosedu.explore.widgets import (
    CLASS,
    LABEL,
    STYLE,
    Clickable,
    Gallery,
    Shown,
    choose,
    columns,
    labelled,
    slide,
)
from vosedu.figures.attention import changes

FACTS = "line-height: 15px; margin: 4px 0; padding-left: 1.2em"
SLIDERS = {
    "frame": "the frame that is shown",
    "x": "the pixel's column, from the left",
    "y": "the pixel's row, from the top",
}


class State(HasTraits):
    """Which clip, frame and pixel (x to the right, y down); choices are added as traits."""

    clip = Int()
    frame = Int()
    x = Int()
    y = Int()


class Explorer(WithTwin):
    """Pick a clip, a frame and a pixel, flip switches, and see what the network looked at.

    look: called as look(clip=, frame=, x=, y=, **choices) with `clip` a number in `clips` and one
        keyword per choice; returns a View. It should keep what is costly (features) by clip and
        frame, so that a switch costs no second encoding. An InputError it raises is shown.
    choices: the switches. The mask is compared with that of the same frame with all switches as
        `untouched` says, and what changed is drawn and counted.
    question: stands above; from the first state on, three clicks should answer it.
    start: the first state, e.g. {"frame": 12, "x": 80, "y": 40}.

    `state` can be observed and set (`explorer.state.frame = 3`), `view` is what is shown now.
    """

    def __init__(
        self,
        look: Callable[..., View],
        clips: Sequence[Clip],
        choices: Sequence[Choice],
        *,
        question: str,
        start: dict[str, Any] | None = None,
    ) -> None:
        self.clips, self.question, self._look = clips, question, look
        self._untouched = {choice.name: choice.untouched for choice in choices}
        self._switches = [choice.name for choice in choices if choice.changes]
        self._untouched_mask = lru_cache(8)(self._see_untouched)
        self.state = State()
        self.state.add_traits(**{name: Anything(v) for name, v in self._untouched.items()})
        self.controls: dict[str, w.ValueWidget] = {
            "clip": w.Dropdown(
                options=[(clip.name, number) for number, clip in enumerate(clips)],
                description="clip",
                tooltip="the clip that is shown",
                style={"description_width": LABEL},
                layout=w.Layout(width="100%"),
            ),
            **{name: slide(name, tip) for name, tip in SLIDERS.items()},
            **{choice.name: choose(choice) for choice in choices},
        }
        self.picture = Clickable(self._clicked)
        self.play = w.Play(interval=800, tooltip="show one frame after the other")
        self.reset_button = w.Button(
            description="reset", icon="undo", tooltip="go back to the first state"
        )
        self._beside: list[Shown] = []
        self._gallery = Gallery()
        self._facts = w.HTML(layout=w.Layout(width="100%", height="88px", overflow="auto"))
        self._quiet = False
        for name, control in self.controls.items():
            link((self.state, name), (control, "value"))
        link((self.state, "frame"), (self.play, "value"))
        self.reset_button.on_click(lambda _: self.reset())
        self.widget = self._arranged(choices)
        self.set(**(start or {}))
        self._first = self.setting
        self.state.observe(self._moved)

    def _arranged(self, choices: Sequence[Choice]) -> w.DOMWidget:
        """Pictures at the left, controls at the right: neither moves when the other changes.

        Sized for a notebook on a screen of 1366 x 768: the target, what changed and the maps of
        the component stand above the fold, beside all controls.
        """
        self._top = w.GridBox()
        left = w.VBox([self._top, self._facts, self._gallery.widget])
        buttons = w.HBox([self.play, self.reset_button])
        places = [self.controls[name] for name in ("clip", *SLIDERS)]
        switches = [labelled(choice, self.controls[choice.name]) for choice in choices]
        right = w.VBox([*places, buttons, *switches])
        sides = w.Layout(
            width="100%", grid_template_columns="minmax(0, 1fr) 330px", grid_gap="0 16px"
        )
        question = w.HTML(f"{STYLE}<b>{escape(self.question)}</b>")
        whole = w.VBox(
            [question, w.GridBox([left, right], layout=sides)],
            layout=w.Layout(width="100%", max_width="1280px"),
        )
        return whole.add_class(CLASS)

    @property
    def setting(self) -> dict[str, Any]:
        """The state as the keywords of `look`."""
        return {name: getattr(self.state, name) for name in self.controls}

    @property
    def changed(self) -> float:
        """The share of pixels whose mask differs from the untouched network's."""
        before = self._untouched_mask(self.state.clip, self.state.frame)
        return float(np.mean(self.view.mask != before))

    def set(self, **state: Any) -> None:
        """Change several parts of the state and look once; raises what `look` raises."""
        self._quiet = True
        try:
            for name in ("clip", *state):  # the clip first, as it says where the sliders end
                if name in state:
                    setattr(self.state, name, state[name])
                self._fit_sliders()
        finally:
            self._quiet = False
        self._show()

    def reset(self) -> None:
        """Go back to the first state."""
        self.set(**self._first)

    def see(self, **setting: Any) -> View:
        """What `look` says of the state with some of it replaced, and what the switches changed."""
        setting = {**self.setting, **setting}
        view = self._look(**setting)
        before = self._untouched_mask(setting["clip"], setting["frame"])
        touched = [
            f"{name} = {setting[name]}"
            for name in self._switches
            if setting[name] != self._untouched[name]
        ]
        share = 100 * np.mean(view.mask != before)
        several = ", yellow: another object" if max(view.mask.max(), before.max()) > 1 else ""
        difference = Picture(
            f"mask changed on {share:.1f} % (blue: gained, orange: lost{several})",
            changes(view.frame, before, view.mask),
        )
        first, *others = view.rows or ((),)
        return View(
            view.frame,
            view.mask,
            view.target,
            ((difference, *first), *others),
            (*view.facts, f"Touched: {', '.join(touched) or 'nothing'}."),
        )

    def figure(self, **setting: Any) -> Figure:
        """The static twin: the present state, or that state with some of it replaced."""
        return draw(self.see(**setting), self.question)

    def _see_untouched(self, clip: int, frame: int) -> np.ndarray:
        return self._look(clip=clip, frame=frame, x=0, y=0, **self._untouched).mask

    def _clicked(self, x: float, y: float) -> None:
        height, width = self.clips[self.state.clip].size
        self._try(x=int(x * width), y=int(y * height))

    def _moved(self, _change: object) -> None:
        if not self._quiet:
            self._try()

    def _try(self, **state: Any) -> None:
        """Do what a user asked for, and say so where it cannot be done."""
        try:
            self.set(**state)
        except InputError as error:
            self._facts.value = f"<b>{escape(str(error))}</b>"

    def _fit_sliders(self) -> None:
        clip = self.clips[self.state.clip]
        for name, end in zip(("frame", "y", "x"), (len(clip), *clip.size)):
            self.controls[name].max = end - 1
        self.play.max = len(clip) - 1

    def _show(self) -> None:
        self.view = self.see()
        first, *others = self.view.rows
        if len(self._beside) != len(first):
            self._beside = [Shown() for _ in first]
            self._top.children = [shown.widget for shown in (self.picture, *self._beside)]
            self._top.layout = columns(1 + len(first))
        for shown, picture in zip((self.picture, *self._beside), (self.view.target, *first)):
            shown.show(picture)
        self._gallery.show(others)
        facts = "".join(f"<li>{escape(fact)}</li>" for fact in self.view.facts)
        self._facts.value = (
            f"<ul style='line-height: 1.25; margin: 0; padding-left: 1.2em'>{facts}</ul>"
        )
