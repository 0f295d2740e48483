"""STM: a frame's objects are read from the masks of frames before it.

Section 3 of Oh et al., Video Object Segmentation using Space-Time Memory Networks, ICCV 2019; the
released network is the same. Objects are entries of the batch, O in number; h x w is the size of
the frame, padded to multiples of 16, divided by 16; T is the number of frames in the memory.

| recorded name | symbol | shape |
|---|---|---|
| `memory_encoder.stages.2`, `query_encoder.stages.2` | r4 | O (or 1) x 1024 x h x w |
| `memory_kv.key`, `.value` | k^M, v^M | O x 128 (512) x h x w |
| `query_kv.key`, `.value` | k^Q, v^Q | 1 x 128 (512) x h x w |
| `read.weights` | softmax of k^M . k^Q / sqrt(128) | O x T h w x h w |
| `read` | what is read, then v^Q | O x 1024 x h x w |
| `decoder` | two logits per object: not it, it | O x 2 x 16 h x 16 w |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.checks import check_fields
from vosedu.errors import InputError
from vosedu.nn.inputs import RGB_MEAN, RGB_STD
from vosedu.nn.residual import PlainResidual
from vosedu.nn.stream import Stream, resnet_stream, tiny_stream_of_three
from vosedu.record import recording, tap

MAX_OBJECTS = 10


@dataclass(frozen=True)
class Config:
    """The scale of the network; its form is one.

    encoder: "resnet50" or "tiny". width: channels of the first stage of the tiny encoder.
    key, value: channels of keys and values. hidden: channels of the decoder.
    """

    encoder: str = "resnet50"
    width: int = 64
    key: int = 128
    value: int = 512
    hidden: int = 256

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def released(cls) -> Config:
        """The authors' network."""
        return cls()

    def scaled(self, profile: str) -> Config:
        """The same form at the size of a profile: "quick", "ablate", "course" or "full"."""
        if profile not in _SCALES:
            raise InputError(f"STM has no profile '{profile}'; choose one of {', '.join(_SCALES)}")
        return replace(self, **_SCALES[profile])


_COURSE = {"encoder": "tiny", "width": 16, "key": 32, "value": 64, "hidden": 32}
_SCALES: Mapping[str, dict[str, Any]] = {
    "quick": {"encoder": "tiny", "width": 4, "key": 8, "value": 16, "hidden": 8},
    "ablate": _COURSE,
    "course": _COURSE,
    "full": {},
}
_ENCODERS = {"resnet50": partial(resnet_stream, 50, stages=3), "tiny": tiny_stream_of_three}


class SpaceTimeMemory(NamedTuple):
    """What is remembered of one frame, per object."""

    key: Tensor  # O x key x h x w
    value: Tensor  # O x value x h x w


# 3.1 Key and value embedding ---------------------------------------------------------------------


class QueryEncoder(nn.Module):
    """r2, r3 and r4 of a frame, strides 4, 8 and 16. The frame is RGB in [0, 1]."""

    mean: Tensor
    std: Tensor

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.stem, self.stages, self.channels = stream.stem, stream.stages, stream.channels
        self.register_buffer("mean", torch.tensor(RGB_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(RGB_STD).view(1, 3, 1, 1))

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """B x 3 x H x W -> r2, r3, r4."""
        return self.run_stages(self.stem((frame - self.mean) / self.std))

    def run_stages(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the stem gives -> r2, r3, r4."""
        r2 = self.stages[0](x)
        r3 = self.stages[1](r2)
        return r2, r3, self.stages[2](r3)


class MemoryEncoder(QueryEncoder):
    """The same of a frame and, per object, its mask and the mask of all other objects."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        frame = stream.stem[0]
        like = (frame.out_channels, frame.kernel_size, frame.stride, frame.padding)
        self.mask = nn.Conv2d(1, *like, bias=False)
        self.others = nn.Conv2d(1, *like, bias=False)

    def forward(self, frame: Tensor, masks: Tensor, others: Tensor) -> tuple[Tensor, ...]:
        """1 (or O) x 3 x H x W, O x 1 x H x W, O x 1 x H x W -> r2, r3, r4, O of each."""
        convolution, *rest = self.stem
        x = convolution((frame - self.mean) / self.std)
        x = x + self.mask(masks) + self.others(others)  # 1 C H W, O C H W -> O C H W
        for layer in rest:
            x = layer(x)
        return self.run_stages(x)


class KeyValue(nn.Module):
    """Key and value of r4, 3 x 3 convolutions."""

    def __init__(self, inputs: int, key: int, value: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(inputs, key, 3, padding=1)
        self.value = nn.Conv2d(inputs, value, 3, padding=1)

    def forward(self, r4: Tensor) -> SpaceTimeMemory:
        """B x inputs x h x w -> keys and values."""
        return SpaceTimeMemory(self.key(r4), self.value(r4))


# 3.2 Space-time memory read ----------------------------------------------------------------------


class Read(nn.Module):
    """softmax(k^M . k^Q / sqrt(D)) v^M, then v^Q behind it."""

    def forward(self, memory: Sequence[SpaceTimeMemory], query: SpaceTimeMemory) -> Tensor:
        """Memories of T frames and the query of one -> O x 2 value x h x w."""
        objects, height, width = len(memory[0].key), *query.key.shape[-2:]
        keys = torch.stack([m.key for m in memory], dim=2).flatten(2)  # T of O D h w -> O D Thw
        values = torch.stack([m.value for m in memory], dim=2).flatten(2)
        q = query.key.flatten(2).expand(objects, -1, -1)  # 1 D h w -> O D hw
        scale = q.shape[1] ** -0.5
        if recording():
            weights = (keys.transpose(1, 2) @ q * scale).softmax(1)  # O Thw hw
            read = values @ tap("weights", weights)
        else:
            read = F.scaled_dot_product_attention(
                q.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), scale=scale
            ).transpose(1, 2)  # O hw D, O Thw D, O Thw C -> O hw C -> O C hw
        read = read.unflatten(2, (height, width))  # O C hw -> O C h w
        return torch.cat([read, query.value.expand(objects, -1, -1, -1)], dim=1)


# 3.3 Decoder -------------------------------------------------------------------------------------


class STMRefine(nn.Module):
    """A skip connection: what came from below, enlarged twice, plus the frame's features."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.skip = PlainResidual(hidden)
        self.merge = PlainResidual(hidden)

    def forward(self, features: Tensor, below: Tensor) -> Tensor:
        """1 x inputs x H x W and O x hidden x H/2 x W/2 -> O x hidden x H x W."""
        skip = self.skip(self.reduce(features))
        return self.merge(skip + enlarge(below, 2))


class STMDecoder(nn.Module):
    """What was read, and r3 and r2 of the frame -> two logits per object and pixel."""

    def __init__(self, value: int, r3: int, r2: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(2 * value, hidden, 3, padding=1)
        self.merge = PlainResidual(hidden)
        self.refine3 = STMRefine(r3, hidden)
        self.refine2 = STMRefine(r2, hidden)
        self.predict = nn.Conv2d(hidden, 2, 3, padding=1)

    def forward(self, read: Tensor, r3: Tensor, r2: Tensor) -> Tensor:
        """O x 2 value x h x w -> O x 2 x 16 h x 16 w."""
        m4 = self.merge(self.reduce(read))
        m2 = self.refine2(r2, self.refine3(r3, m4))
        return enlarge(self.predict(F.relu(m2)), 4)


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Bilinear, corners not aligned."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


# The network -------------------------------------------------------------------------------------


class STM(nn.Module):
    """Remembers frames with their objects and segments another frame; made by `build`.

    Frames are 1 x 3 x H x W, RGB in [0, 1], of any size; they are padded with zeros here.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        make = partial(_encoder(config), config.width)
        self.memory_encoder, self.query_encoder = MemoryEncoder(make()), QueryEncoder(make())
        r2, r3, r4 = self.query_encoder.channels
        self.memory_kv = KeyValue(r4, config.key, config.value)
        self.query_kv = KeyValue(r4, config.key, config.value)
        self.read = Read()
        self.decoder = STMDecoder(config.value, r3, r2, config.hidden)

    def memorise(self, frame: Tensor, masks: Tensor) -> SpaceTimeMemory:
        """A frame and its objects' probabilities, O x H x W without background -> its memory."""
        others = others_of(masks)
        return self.memorise_objects(frame, masks.unsqueeze(1), others.unsqueeze(1))

    def memorise_objects(self, frame: Tensor, masks: Tensor, others: Tensor) -> SpaceTimeMemory:
        """`memorise` for objects of one frame, or each with a frame of its own.

        1 (or O) x 3 x H x W, and O x 1 x H x W each: the object and all others of its frame.
        """
        return self.memory_kv(self.memory_encoder(pad(frame), pad(masks), pad(others))[2])

    def segment(self, frame: Tensor, memory: Sequence[SpaceTimeMemory]) -> Tensor:
        """A frame and the memories of frames before it -> logits of 11 planes, 11 x H x W.

        Plane 0 is the background, planes behind the last object are empty; their softmax is the
        probability of each.
        """
        r2, r3, r4 = self.query_encoder(pad(frame))
        logits = self.decoder(self.read(memory, self.query_kv(r4)), r3, r2)
        return crop(aggregate(logits.softmax(1)[:, 1]), frame.shape[-2:])


def others_of(masks: Tensor) -> Tensor:
    """Per object the mask of all other objects, O x H x W both."""
    return (masks.sum(0, keepdim=True) - masks).clamp(0, 1)


def aggregate(probability: Tensor) -> Tensor:
    """Soft aggregation: each object's own probability, O x H x W -> logits, 11 x H x W.

    The background has the product of 1 - p over the objects; log(p / (1 - p)) of each.
    """
    empty = probability.new_zeros(MAX_OBJECTS - len(probability), *probability.shape[1:])
    background = (1 - probability).prod(0, keepdim=True)
    p = torch.cat([background, probability, empty]).clamp(1e-7, 1 - 1e-7)
    return (p / (1 - p)).log()


def pad(x: Tensor) -> Tensor:
    """Zeros around B x C x H x W up to multiples of 16; an odd number has one more at the end."""
    top, bottom, left, right = _margins(x.shape[-2:])
    return F.pad(x, (left, right, top, bottom))


def crop(x: Tensor, size: Sequence[int]) -> Tensor:
    """The inside of a padded map, whose own size was `size`."""
    top, _, left, _ = _margins(size)
    return x[..., top : top + size[0], left : left + size[1]]


def _margins(size: Sequence[int]) -> tuple[int, int, int, int]:
    (top, bottom), (left, right) = ((-n % 16 // 2, -n % 16 - -n % 16 // 2) for n in size)
    return top, bottom, left, right


def _encoder(config: Config) -> Any:
    if config.encoder not in _ENCODERS:
        known = ", ".join(_ENCODERS)
        raise InputError(f"STM has no encoder '{config.encoder}'; choose one of {known}")
    return _ENCODERS[config.encoder]


def build(config: Config) -> STM:
    """The network a Config describes, with random weights; raises InputError for unknown names."""
    return STM(config)
