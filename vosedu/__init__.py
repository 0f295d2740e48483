"""vosedu: video object segmentation, taught, run and reproduced in notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vosedu.clip import Clip
from vosedu.errors import InputError

if TYPE_CHECKING:
    from vosedu.api import dataset, evaluate, load, segment

__version__ = "0.1.0"
__all__ = ["Clip", "InputError", "dataset", "evaluate", "load", "segment"]


def __getattr__(name: str) -> Any:
    if name in {"dataset", "evaluate", "load", "segment"}:
        from vosedu import api

        return getattr(api, name)
    raise AttributeError(f"module 'vosedu' has no attribute '{name}'")
