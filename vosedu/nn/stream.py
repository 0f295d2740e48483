"""An encoder that runs stage by stage, so that streams can exchange features in between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from vosedu.nn.mobilenet import FIVE, MobileNetV2
from vosedu.nn.resnet import ResNet
from vosedu.nn.tiny import TinyEncoder


class Stream(nn.Module):
    """One encoder, to be run stage by stage: a stem, then its stages; `channels` are theirs."""

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], channels: Sequence[int]):
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)


def resnet_stream(depth: int, width: int = 64, stages: int = 4) -> Stream:
    """A ResNet of that depth, stages of stride 4, 8, 16 and 32; its width is always 64."""
    net = ResNet(depth, stages)
    stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
    return Stream(stem, [getattr(net, f"layer{n + 1}") for n in range(stages)], net.channels)


def mobilenet_stream(width: int = 0) -> Stream:
    """MobileNetV2: stages of stride 4, 8, 16 and 32; its width is always the same."""
    net = MobileNetV2.in_five()
    stem, *stages = (net.features[a:b] for a, b in pairwise((0, *FIVE)))
    return Stream(stem, stages, net.channels[1:])


def tiny_stream(width: int) -> Stream:
    """The tiny encoder: stages of stride 4, 8, 16 and 16 with 2, 4, 6 and 6 times `width`."""
    net = TinyEncoder(width)
    stages = [net.stage2, net.stage3, *net.stage4]
    return Stream(net.stage1, stages, (2 * width, 4 * width, 6 * width, 6 * width))


def tiny_stream_of_three(width: int) -> Stream:
    """The tiny encoder: stages of stride 4, 8 and 16 with 2, 4 and 6 times `width` channels."""
    net = TinyEncoder(width)
    return Stream(net.stage1, [net.stage2, net.stage3, net.stage4], net.channels[1:])
