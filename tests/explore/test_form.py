"""A frozen dataclass as widgets."""

from __future__ import annotations

from vosedu.explore import Form
from vosedu.papers.deaot.config import Config


def test_a_number_that_may_be_none_can_become_none() -> None:
    """DeAOT-L keeps a memory frame every 5 frames, DeAOT-S none: `gap` is a number or None."""
    form = Form(Config.paper("deaot-l"), {}, lambda: None)
    form.fill(Config.paper("deaot-l"), {"gap": None, "layers": 2})
    assert form.changes == {"gap": None, "layers": 2}
