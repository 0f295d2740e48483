"""The forms and scales of HCPN: the paper's, the release's, and the rows of Tables I to III."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from vosedu.checks import check_fields
from vosedu.errors import InputError


@dataclass(frozen=True)
class Config:
    """The form and the scale of the network; the defaults are the paper's.

    encoder: of each stream: "resnet101", "resnet18", "mobilenet" or "tiny".
    width: channels of the first stage of the tiny encoder.
    inputs: "all"; "frames" or "flow": the other one is a uniform grey picture (Table I).
    streams: 3; 2: one stream for frames, each of which meets the flow alone (Table I).
    cascades: how many of the four stages, counted from the deepest, exchange features (Table III).
    pcm: "stacked" (soft attentions, then one co-attention); "interleaved" (both, five times);
        "none" (Table II).
    affinity: what makes weights of the affinity: "softmax" of rows and columns; "tanh" and a
        normalisation of what is read; "linear": the same without tanh, in the cheaper order.
    merged: which motion features CCM merges: "coattended" or "softattended".
    fusion: how CCM merges them: "gaf"; "released-gaf" (two blends); "addition", "concatenation"
        (Table I); "none": without CCM, their mean (Table II).
    propagation: what goes on to the next stage and to the decoder: "add" (to each stream) or
        "replace" (the equations taken literally), see `Add`.
    bridge: "gac"; "gct" (a gate on each channel); "none" (Table II).
    contours: what the contours do: "product" (their vote multiplies the mask); "input" (they are
        a channel of the decoder's input); "none" (Table II).
    pyramid: "dilations" (three rates); "repeated" (the first one thrice).
    deepest: the decoder's first layer: "pyramid" or "large-kernel".
    rates: dilations of the pyramid.
    hidden: channels of the decoder.
    reduction: divides the channels in the affinity's projections.
    size: height and width that frames are resized to, multiples of 32.
    output: "input" (masks have the size of the frames), "512": masks of 512 x 512.
    """

    encoder: str = "resnet101"
    width: int = 16
    inputs: str = "all"
    streams: int = 3
    cascades: int = 4
    pcm: str = "stacked"
    affinity: str = "softmax"
    merged: str = "coattended"
    fusion: str = "gaf"
    propagation: str = "add"
    bridge: str = "gac"
    contours: str = "product"
    pyramid: str = "dilations"
    deepest: str = "pyramid"
    rates: tuple[int, int, int] = (6, 12, 18)
    hidden: int = 256
    reduction: int = 16
    size: tuple[int, int] = (512, 512)
    output: str = "input"

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def paper(cls, variant: str = "full") -> Config:
        """The network of the paper's equations, or one of `PAPER_ROWS`."""
        if variant not in PAPER_ROWS:
            known = ", ".join(PAPER_ROWS)
            raise InputError(f"HCPN has no variant '{variant}'; choose one of {known}")
        return replace(cls(), **PAPER_ROWS[variant])

    @classmethod
    def released(cls, variant: str = "full") -> Config:
        """The authors' network; there is one variant."""
        if variant != "full":
            raise InputError(f"HCPN was released in one variant, 'full', and not as '{variant}'")
        return cls(
            cascades=3,
            pcm="interleaved",
            affinity="tanh",
            merged="softattended",
            fusion="released-gaf",
            bridge="gct",
            contours="input",
            pyramid="repeated",
            deepest="large-kernel",
            output="512",
        )

    def scaled(self, profile: str) -> Config:
        """The same form at the size of a profile, a name of `PROFILES`."""
        if profile not in _SCALES:
            known = ", ".join(_SCALES)
            raise InputError(f"HCPN has no profile '{profile}'; choose one of {known}")
        return replace(self, **_SCALES[profile])


PAPER_ROWS: dict[str, dict[str, Any]] = {
    "full": {},
    "without flow": {"inputs": "frames"},
    "without frames": {"inputs": "flow"},
    "two streams": {"streams": 2},
    "addition": {"fusion": "addition"},
    "concatenation": {"fusion": "concatenation"},
    "without PCM": {"pcm": "none"},
    "without CCM": {"fusion": "none"},
    "without GAC": {"bridge": "none"},
    "without MCR": {"contours": "none"},
    "as written": {"propagation": "replace"},
    **{f"{n} cascaded": {"cascades": n} for n in (1, 2, 3, 4)},
}
"""The rows of Tables I to III that change the network, and one of ours: V as it is written."""

_SMALL = {
    "encoder": "tiny",
    "rates": (1, 2, 4),
    "reduction": 4,
    "output": "input",
}
_SCALES: dict[str, dict[str, Any]] = {
    "quick": {**_SMALL, "width": 4, "hidden": 8, "size": (64, 96)},
    "ablate": {**_SMALL, "width": 16, "hidden": 16, "size": (64, 96)},
    "course": {**_SMALL, "width": 16, "hidden": 24, "size": (96, 160)},
    "davis-small": {**_SMALL, "encoder": "mobilenet", "hidden": 48, "size": (128, 224)},
    "full": {},
}
