"""A clip's flow as the networks see it: one picture a frame, drawn with the colour wheel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.flow.cache import FlowCache
from vosedu.flow.estimators import Estimator
from vosedu.flow.fields import Last, of
from vosedu.flow.wheel import to_colour
from vosedu.lazy import LazySequence
from vosedu.nn.inputs import to_batch


class FlowPictures(LazySequence[np.ndarray]):
    """The forward flow of a clip as pictures: H x W x 3 uint8 at the clip's size.

    A picture is drawn when it is asked for, from the field that the clip brings along, else from
    an estimated one; nothing is kept.

    method: of `vosedu.flow`, for clips without flow. last: "negated-backward": the last frame has
    the negated flow from it back to the one before; "none": it has no picture. cache: a folder for
    estimated fields. order: of the channels, "rgb" or "bgr" (HCPN's release).
    Raises InputError for a clip whose flow has another length, size or values that are no numbers.
    """

    def __init__(
        self,
        clip: Clip,
        method: str | Estimator = "dis-medium",
        *,
        last: Last = "negated-backward",
        cache: str | Path | FlowCache | None = None,
        order: Literal["rgb", "bgr"] = "rgb",
    ) -> None:
        self.name, self.shape, self.order = clip.name, clip.size, order
        self.fields = of(clip, method, last, cache)
        if len(self.fields) != len(clip) - (last == "none"):
            fields = len(self.fields) - (last != "none")
            raise InputError(
                f"the clip '{clip.name}' has {len(clip)} frames but {fields} flow fields; give "
                "one field fewer than frames, or none to have them estimated"
            )

    def __len__(self) -> int:
        return len(self.fields)

    def item(self, index: int) -> np.ndarray:
        return to_colour(self.field(index), order=self.order)

    def field(self, index: int) -> np.ndarray:
        """The flow from a frame to the next: H x W x 2 float32 (dx, dy), pixels."""
        field = self.fields[index]
        if field.shape != (*self.shape, 2):
            raise InputError(
                f"the flow of frame {index} of '{self.name}' has the shape {field.shape} and the "
                f"frames are {self.shape[1]} x {self.shape[0]}; compute it at the frames' size"
            )
        if not np.isfinite(field).all():
            raise InputError(
                f"the flow of frame {index} of '{self.name}' holds values that are not numbers; "
                "compute it anew, or leave it out to have it estimated"
            )
        return field

    def batch(self, indices: Sequence[int], size: tuple[int, int]) -> Tensor:
        """Pictures drawn, then resized to `size` (h, w): B x 3 x h x w float32, 0..255."""
        return to_batch([self[index] for index in indices], size)
