"""What all explorers share: switches, clickable pictures, and a static figure of every state.

A paper subclasses `Probe`, whose docstring shows how; `Explorer` turns what a probe computes into
widgets and into a figure. This package loads ipywidgets and matplotlib; `import vosedu` does not.
"""

from vosedu.explore.curve import LossCurve
from vosedu.explore.explorer import Explorer
from vosedu.explore.form import Form
from vosedu.explore.lines import linked
from vosedu.explore.marks import Marks
from vosedu.explore.pad import Pad
from vosedu.explore.places import NOISE, Place, available, middle, on_object, place_name
from vosedu.explore.probe import Probe, Trace, by_label
from vosedu.explore.sliders import Sliders
from vosedu.explore.twin import WithTwin
from vosedu.explore.view import Choice, Picture, Rows, View, distribution_map, draw, heat_map

__all__ = [
    "NOISE",
    "Choice",
    "Explorer",
    "Form",
    "LossCurve",
    "Marks",
    "Pad",
    "Picture",
    "Place",
    "Probe",
    "Rows",
    "Sliders",
    "Trace",
    "View",
    "WithTwin",
    "available",
    "by_label",
    "distribution_map",
    "draw",
    "heat_map",
    "linked",
    "middle",
    "on_object",
    "place_name",
]
