"""The forms and scales of DeAOT and AOT: the paper's variants, the release's, the small ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vosedu.checks import check_fields
from vosedu.errors import InputError, choose


@dataclass(frozen=True)
class Config:
    """What a DeAOT is made of; the defaults are the paper's DeAOT-L."""

    encoder: str = "mobilenet"  # "mobilenet", "resnet50", "swin" or "tiny"
    block: str = "gpm"  # "lstt": AOT; without decoupling: "single", or "wide" of 2 C channels
    layers: int = 3  # L
    channels: int = 256  # C, of a stream
    key: int = 128  # C_k; with several heads C, dealt to them
    value: int = 512  # C_v, of a branch
    heads: int = 1
    window: int = 15  # lambda, side of the short-term window
    kernel: int = 5  # of F_dw; 0: no convolution
    objects: int = 10  # identities in the bank
    matching: str = "visual"  # what long- and short-term maps come from; "both" streams
    self_matching: str = "both"  # what the self-propagation map comes from; or "visual"
    projection: str = "branches"  # W_O per branch; "mixed" as released: one across both
    values: str = "linear"  # "silu" as released
    identity: str = "plain"  # "normed" as released: a LayerNorm after the bank
    decoder: int = 256  # channels of the decoder at the coarsest stride
    drop: float = 0.1  # share of dropped branches and channels in training
    gap: int | None = 5  # frames from one long-term memory frame to the next; None: never
    train_gap: int | None = 2  # the same in training

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        ones = ("layers", "key", "value", "heads", "window", "objects", "gap", "train_gap")
        eights = ("channels", "decoder")
        check_fields(
            self, {**dict.fromkeys(ones, 1), **dict.fromkeys(eights, 8), "kernel": 0, "drop": 0}
        )
        for name, factor in (("channels", 8), ("decoder", 8), ("channels", self.heads)):
            if getattr(self, name) % factor:
                raise InputError(f"{name} is {getattr(self, name)}; give a multiple of {factor}")
        for name in ("window", "kernel"):
            if getattr(self, name) % 2 == 0 and getattr(self, name):
                raise InputError(f"{name} is {getattr(self, name)}; give an odd number")
        if self.drop >= 1:
            raise InputError(f"drop is {self.drop:g}; give a share below 1")

    @classmethod
    def paper(cls, variant: str = "deaot-l") -> Config:
        """The paper's network. `variant`: see `VARIANTS`; AOT is as released in either form."""
        return choose(VARIANTS, variant, "DeAOT has no variant")

    @classmethod
    def released(cls, variant: str = "deaot-l") -> Config:
        """The authors' network of a variant: where it parts from the paper, theirs holds."""
        config = choose(VARIANTS, variant, "DeAOT has no released variant")
        if config.block == "lstt":
            return config
        return replace(config, projection="mixed", values="silu", identity="normed")

    def scaled(self, profile: str) -> Config:
        """The same form at another scale: a name of `PROFILES`; "full" is as it is.

        With the tiny encoder the small scales match at stride 8, so that objects of a small frame
        span several positions.
        """
        course = {
            "encoder": "tiny",
            "channels": self.channels // 4,
            "key": 32,
            "value": self.value // 4,
            "window": 9,
            "decoder": 64,
            "drop": 0.0,
        }
        quick = {**course, "channels": self.channels // 8, "key": 16, "value": self.value // 8}
        quick |= {"window": 5, "decoder": 32}
        small = {**course, "encoder": "mobilenet", "channels": self.channels // 2}
        small |= {"key": 64, "value": self.value // 2, "decoder": 96}
        scales: dict[str, dict[str, Any]] = {
            "quick": quick,
            "ablate": course,
            "course": course,
            "davis-small": small,
            "full": {},
        }
        return replace(self, **choose(scales, profile, "DeAOT has no profile"))


def _variants() -> dict[str, Config]:
    """T, S and B keep the reference frames as long-term memory, L every few frames."""
    memory = {"gap": None, "train_gap": None}
    depths = {
        "t": {"layers": 1, **memory},
        "s": {"layers": 2, **memory},
        "b": {"layers": 3, **memory},
        "l": {"layers": 3},
    }
    configs = {}
    for family, form in (("deaot", {}), ("aot", {"block": "lstt", "heads": 8})):
        for depth, fields in depths.items():
            configs[f"{family}-{depth}"] = Config(**form, **fields)
        configs[f"r50-{family}-l"] = Config(encoder="resnet50", **form)
        configs[f"swinb-{family}-l"] = Config(encoder="swin", **form)
    return configs


VARIANTS: Mapping[str, Config] = _variants()
"""deaot-t, -s, -b, -l, r50-deaot-l, swinb-deaot-l, and the same of AOT, in the paper's form."""
