"""What all explorers share: a state one can observe, pictures one can click, static twins.

A paper writes one function from a setting to a `View`; `Explorer` turns it into widgets and into
a figure. This package loads ipywidgets and matplotlib; `import vosedu` does not load it.
"""

from vosedu.explore.explorer import Explorer
from vosedu.explore.form import Form
from vosedu.explore.start import on_object
from vosedu.explore.twin import WithTwin
from vosedu.explore.view import Choice, Picture, View, draw
from vosedu.explore.widgets import Clickable, Gallery, choose, slide

__all__ = [
    "Choice",
    "Clickable",
    "Explorer",
    "Form",
    "Gallery",
    "Picture",
    "View",
    "WithTwin",
    "choose",
    "draw",
    "on_object",
    "slide",
]
