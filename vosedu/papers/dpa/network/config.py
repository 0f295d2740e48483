"""What can be chosen about the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    "IX": ("without-prototypes", "full"),
    "X": ("full", "without-prototypes"),
    "XI": ("without-prototypes", "without-prototypes"),
}
_SCALES = {
    "quick": {"width": 1 / 16, "hidden": 16, "norm": True},
    "ablate": {"width": 1 / 8, "hidden": 32, "norm": True},
    "course": {"width": 1 / 8, "hidden": 32, "norm": True},
    "full": {"width": 1.0, "hidden": 128, "norm": False},
}


@dataclass(frozen=True)
class Config:
    """The network's form and scale.

    ima: inter-modality attention. "none"; "released" (refined prototypes, attention between
        positions, each modality reads its own values); "paper" (Eqs. 1 to 5: attention between
        prototypes, values from the other modality); "without-prototypes" (the paper's, with keys
        and values straight from the features).
    ifa: inter-frame attention. "none"; "released" (values are the keys); "fixed" (released, with
        the values the authors compute and drop); "paper" (Eqs. 6 to 10); "without-prototypes"
        (between positions).
    network: "video" (two streams) or "stills" (the appearance stream alone, for pre-training).
    width: scales VGG-16's channels; 1 is the paper's.
    hidden: channels of every squeezed map, hence the number of prototypes; 128 in the paper.
    norm: BatchNorm in the encoders, which training from scratch needs; False in the paper.
    """

    ima: str = "released"
    ifa: str = "released"
    network: str = "video"
    width: float = 1.0
    hidden: int = 128
    norm: bool = False

    @classmethod
    def released(cls, variant: str = "III") -> Config:
        """The authors' code, versions "I" to "VIII" of Table 1, or "pretrain".

        The file they released runs version III; IV is the same file with the lines of IMA, which
        are commented out, switched on. "pretrain" is the network of the still-image stage.
        """
        if variant == "pretrain":
            return cls("released", "none", network="stills")
        ima, ifa = _row(variant, [row for row, parts in _ROWS.items() if _WITHOUT not in parts])
        return cls(ima.replace("full", "released"), ifa.replace("full", "released"))

    @classmethod
    def paper(cls, variant: str = "IV") -> Config:
        """The paper's equations, versions "I" to "XI" of Table 1, or "pretrain"."""
        if variant == "pretrain":
            return cls("paper", "none", network="stills")
        ima, ifa = _row(variant, list(_ROWS))
        return cls(ima.replace("full", "paper"), ifa.replace("full", "paper"))

    def scaled(self, profile: str) -> Config:
        """The same form at the size of a profile: "quick", "ablate", "course" or "full"."""
        return replace(self, **_SCALES[profile])

    def stills(self) -> Config:
        """The network that pre-trains this one on still images."""
        return replace(self, ifa="none", network="stills")


_WITHOUT = "without-prototypes"


def _row(variant: str, known: list[str]) -> tuple[str, str]:
    if variant not in known:
        raise ValueError(f"there is no version {variant!r}: choose one of {', '.join(known)}")
    return _ROWS[variant]
