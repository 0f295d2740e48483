"""DPA: the two-stream network and the one that pre-trains it on still images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.nn.vgg import VGG16
from vosedu.papers.dpa.network.config import Config
from vosedu.papers.dpa.network.decoder import Decoder, Merge, Neck
from vosedu.papers.dpa.network.ifa import build_block5, build_ifa
from vosedu.papers.dpa.network.ima import build_ima, build_still_ima
from vosedu.record import tap


class Features(NamedTuple):
    """What the encoders see in a frame up to block 4; a query and a reference share it."""

    f1: Tensor
    f2: Tensor
    f3: Tensor
    f4_appearance: Tensor
    f4_motion: Tensor


class Reference(NamedTuple):
    """What IFA remembers of one reference frame: keys and values of both modalities."""

    appearance: tuple[Tensor, Tensor]
    motion: tuple[Tensor, Tensor]


class Stream(nn.Module):
    """One modality: its encoder, the squeezed maps that the attentions work on, its neck."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.encoder = VGG16(config.width, config.norm)
        channels4, channels5 = self.encoder.channels[3:]
        self.squeeze4 = nn.Conv2d(channels4, config.prototypes, 1)
        self.squeeze5 = nn.Conv2d(channels5, config.prototypes, 1)
        self.neck = Neck(channels4, channels5, config.decoder)


class DPA(nn.Module):
    """Frame and flow, and what references remember -> the object's probability at every pixel."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        hidden, levels = config.prototypes, config.decoder
        self.appearance, self.motion = Stream(config), Stream(config)
        *skips, channels4, channels5 = self.appearance.encoder.channels
        self.ima4 = build_ima(config.ima, channels4, hidden)
        self.ima5 = build_ima(config.ima, channels5, hidden)
        self.ifa_appearance = build_ifa(config.ifa, channels5, hidden)
        self.ifa_motion = build_ifa(config.ifa, channels5, hidden)
        self.fuse5_appearance = build_block5(config.ima, config.ifa, channels5)
        self.fuse5_motion = build_block5(config.ima, config.ifa, channels5)
        self.merge4, self.merge5, self.merge6 = Merge(levels), Merge(levels), Merge(levels)
        self.decoder = Decoder(skips, levels)

    @property
    def needs_references(self) -> bool:
        """Whether the network looks at other frames."""
        return self.ifa_appearance.needs_references

    def features(self, frame: Tensor, flow: Tensor) -> Features:
        """Blocks 1 to 4 of both encoders on B x 3 x H x W pictures of a frame and its flow."""
        check_input(frame, "frame")
        check_input(flow, "flow", frame)
        *_, f4_motion = _blocks(self.motion, flow, "motion")
        return Features(*_blocks(self.appearance, frame, "appearance"), f4_motion)

    def encode_reference(self, frame: Tensor, flow: Tensor) -> Reference:
        """What IFA needs of a reference frame: once per video, whatever number of queries.

        The encoders are bare (no IMA, even in version IV) and get no gradient from references.
        """
        with torch.no_grad():
            features = self.features(frame, flow)
        return self.remember(features)

    def remember(self, features: Features) -> Reference:
        """`encode_reference` from the maps of blocks 1 to 4."""
        with torch.no_grad():
            f5_a = self.appearance.encoder.block(5, features.f4_appearance)
            f5_m = self.motion.encoder.block(5, features.f4_motion)
        return Reference(
            self.ifa_appearance.memory(f5_a, self.appearance.squeeze5(f5_a)),
            self.ifa_motion.memory(f5_m, self.motion.squeeze5(f5_m)),
        )

    def forward(
        self, frame: Tensor, flow: Tensor, references: Sequence[Reference] = ()
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Four maps of probabilities, B x 1 x H x W, coarse to fine; the last is the mask's.

        `frame` is normalised with ImageNet's mean and deviation, `flow` a colour picture in
        [0, 1], both B x 3 x H x W with sides divisible by 16.
        """
        return self.predict(self.features(frame, flow), references)

    def predict(
        self, features: Features, references: Sequence[Reference] = ()
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`forward` from the maps of blocks 1 to 4."""
        f1, f2, f3, f4_a, f4_m = features
        if self.needs_references and not references:
            raise InputError(
                "this version of DPA reads reference frames and got none: give `forward` at least "
                "one result of `encode_reference`"
            )

        # IMA at block 4: its maps replace the encoders' own
        x4_a = tap("squeezed4_appearance", self.appearance.squeeze4(f4_a))
        x4_m = tap("squeezed4_motion", self.motion.squeeze4(f4_m))
        g4_a, g4_m = self.ima4(f4_a, f4_m, x4_a, x4_m)

        # IMA and IFA at block 5, side by side
        f5_a = tap("f5_appearance", self.appearance.encoder.block(5, g4_a))
        f5_m = tap("f5_motion", self.motion.encoder.block(5, g4_m))
        x5_a = tap("squeezed5_appearance", self.appearance.squeeze5(f5_a))
        x5_m = tap("squeezed5_motion", self.motion.squeeze5(f5_m))
        ima_a, ima_m = self.ima5(f5_a, f5_m, x5_a, x5_m)
        ifa_a = self.ifa_appearance(f5_a, x5_a, *_memory([r.appearance for r in references]))
        ifa_m = self.ifa_motion(f5_m, x5_m, *_memory([r.motion for r in references]))
        g5_a = self.fuse5_appearance(ima_a, ifa_a)
        g5_m = self.fuse5_motion(ima_m, ifa_m)

        # both streams meet level by level
        levels_a, levels_m = self.appearance.neck(g4_a, g5_a), self.motion.neck(g4_m, g5_m)
        merges = (self.merge4, self.merge5, self.merge6)
        levels = [merge(a, m) for merge, a, m in zip(merges, levels_a, levels_m)]
        return self.decoder(levels, (f1, f2, f3))


class StillDPA(nn.Module):
    """The appearance half of DPA, which is pre-trained on still images."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.appearance = Stream(config)
        *skips, channels4, channels5 = self.appearance.encoder.channels
        self.ima4 = build_still_ima(config.ima, channels4, config.prototypes)
        self.ima5 = build_still_ima(config.ima, channels5, config.prototypes)
        self.decoder = Decoder(skips, config.decoder)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Four maps of probabilities, B x 1 x H x W, coarse to fine, of B x 3 x H x W images."""
        check_input(image, "image")
        stream = self.appearance
        f1, f2, f3, f4 = _blocks(stream, image, "appearance")
        g4 = self.ima4(f4, tap("squeezed4_appearance", stream.squeeze4(f4)))
        f5 = tap("f5_appearance", stream.encoder.block(5, g4))
        x5 = tap("squeezed5_appearance", stream.squeeze5(f5))
        return self.decoder(stream.neck(g4, self.ima5(f5, x5)), (f1, f2, f3))


def build(config: Config) -> nn.Module:
    """The network of a configuration, with random weights: `DPA`, or `StillDPA` for stills."""
    return {"video": DPA, "stills": StillDPA}[config.network](config)


def check_input(x: Tensor, what: str, like: Tensor | None = None) -> None:
    """Raise InputError for a batch of pictures that the network cannot take."""
    height, width = x.shape[-2:]
    if height % 16 or width % 16 or min(height, width) < 32:
        raise InputError(
            f"the {what} is {height} x {width}: resize it so that both sides are multiples of 16, "
            "32 at least"
        )
    if like is not None and x.shape != like.shape:
        raise InputError(
            f"the {what} is {tuple(x.shape)} and its frame {tuple(like.shape)}: give both the "
            "same shape"
        )


def _blocks(stream: Stream, x: Tensor, name: str) -> list[Tensor]:
    """f1 to f4 of a picture."""
    maps = []
    for number in range(1, 5):
        x = tap(f"f{number}_{name}", stream.encoder.block(number, x))
        maps.append(x)
    return maps


def _memory(references: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor | None, Tensor | None]:
    """Keys and values of all references, along the token axis; None without any."""
    if not references:
        return None, None
    keys, values = zip(*references)
    return torch.cat(keys, dim=1), torch.cat(values, dim=1)
