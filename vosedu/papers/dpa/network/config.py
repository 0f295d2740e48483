"""What can be chosen about the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from vosedu.errors import InputError

T = TypeVar("T")

_WITHOUT = "without-prototypes"
# Rows of Table 1 of the paper; V to VIII are IV with another number of references.
_ROWS = {
    "I": ("none", "none"),
    "II": ("full", "none"),
    "III": ("none", "full"),
    "IV": ("full", "full"),
    "V": ("full", "full"),
    "VI": ("full", "full"),
    "VII": ("full", "full"),
    "VIII": ("full", "full"),
    "IX": (_WITHOUT, "full"),
    "X": ("full", _WITHOUT),
    "XI": (_WITHOUT, _WITHOUT),
}
_SCALES: dict[str, dict[str, Any]] = {
    "quick": {"width": 1 / 16, "prototypes": 16, "decoder": 16, "norm": True, "size": (48, 80)},
    "ablate": {"width": 1 / 8, "prototypes": 32, "decoder": 16, "norm": True, "size": (96, 160)},
    "course": {"width": 3 / 16, "prototypes": 32, "decoder": 16, "norm": True, "size": (96, 160)},
    "full": {},
}


@dataclass(frozen=True)
class Config:
    """The network's form and scale.

    ima: inter-modality attention. "none"; "released" (refined prototypes, attention between
        positions, each modality reads its own values); "paper" (attention between prototypes,
        values from the other modality); "without-prototypes" (the paper's, with keys and values
        straight from the features).
    ifa: inter-frame attention. "none"; "released" (values are the keys); "fixed" (released, with
        the values the authors compute and drop); "paper" (keys, values and query embedded from
        prototypes); "without-prototypes" (the paper's, between positions).
    network: "video" (two streams) or "stills" (the appearance stream alone, for pre-training).
    width: scales VGG-16's channels; 1 is the paper's.
    prototypes: how many, which is also the number of channels of the squeezed maps; 128 in the
        paper.
    decoder: channels of the levels that the decoder merges; 128 in the paper.
    norm: BatchNorm in the encoders, which training from scratch needs; False in the paper.
    size: height and width that frames are resized to, multiples of 16. Released: 512 x 512, the
        table's: 352 x 352.
    """

    ima: str = "released"
    ifa: str = "released"
    network: str = "video"
    width: float = 1.0
    prototypes: int = 128
    decoder: int = 128
    norm: bool = False
    size: tuple[int, int] = (512, 512)

    @classmethod
    def released(cls, variant: str = "III") -> Config:
        """The authors' code, versions "I" to "VIII" of Table 1, or "pretrain".

        The file they released runs version III; IV is the same file with the lines of IMA, which
        are commented out, switched on. "pretrain" is the network of the still-image stage.
        """
        if variant == "pretrain":
            return cls("released", "none", network="stills")
        known = {row: parts for row, parts in _ROWS.items() if _WITHOUT not in parts}
        ima, ifa = _one_of(known, variant, "released version")
        return cls(ima.replace("full", "released"), ifa.replace("full", "released"))

    @classmethod
    def paper(cls, variant: str = "IV") -> Config:
        """The paper's equations, versions "I" to "XI" of Table 1, or "pretrain"."""
        if variant == "pretrain":
            return cls("paper", "none", network="stills", size=(352, 352))
        ima, ifa = _one_of(_ROWS, variant, "version")
        return cls(ima.replace("full", "paper"), ifa.replace("full", "paper"), size=(352, 352))

    def scaled(self, profile: str) -> Config:
        """The same form at the size of a profile: "quick", "ablate", "course" or "full"."""
        return replace(self, **_one_of(_SCALES, profile, "profile"))

    def stills(self) -> Config:
        """The network that pre-trains this one on still images."""
        return replace(self, ifa="none", network="stills")


def _one_of(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        raise InputError(f"DPA has no {what} '{name}'; choose one of {', '.join(known)}")
    return known[name]
