"""ResNet encoders: torchvision's, by its parameter names, and the DeepLab-style one of COSNet.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016.
"""

from __future__ import annotations

from itertools import accumulate
from operator import mul

from torch import Tensor, nn

BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet-18 and -34).

    `dilations` are those of the convolution that carries the stride and of what follows it.
    """

    expansion = 1

    def __init__(
        self, inputs: int, width: int, stride: int, dilations: tuple[int, int], project: bool
    ) -> None:
        super().__init__()
        first, second = dilations
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, first, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, second, second, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _projection(inputs, width, stride) if project else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu(x + shortcut)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut; the stride sits on the 3x3 (ResNet v1.5)."""

    expansion = 4
    stride_on_first = False

    def __init__(
        self, inputs: int, width: int, stride: int, dilations: tuple[int, int], project: bool
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if self.stride_on_first else (1, stride)
        dilation, outputs = dilations[0], width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(inputs, outputs, stride) if project else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return self.relu(x + shortcut)


class CaffeBottleneck(Bottleneck):
    """The original bottleneck: the stride sits on the first 1x1 convolution."""

    stride_on_first = True


class ResNet(nn.Module):
    """A ResNet's stem and its first `stages` stages.

    `depth` is 18, 34, 50 or 101. `output_stride` (8, 16 or 32) turns the strides beyond it into
    dilation the way torchvision does: the first block of a dilated stage keeps the dilation of
    the stage before. Returns one map per stage, fine to coarse; `channels` and `strides` say
    what they are. The maps are what the modules `layer1`, ... return.
    """

    def __init__(
        self, depth: int = 18, stages: int = 4, output_stride: int = 32, in_channels: int = 3
    ) -> None:
        super().__init__()
        block = BasicBlock if depth < 50 else Bottleneck
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        steps, reached, dilation, inputs = [], 4, 1, 64
        for stage, blocks in enumerate(BLOCKS[depth][:stages]):
            before = dilation
            stride = 1 if stage == 0 else 2
            if reached * stride > output_stride:
                dilation, stride = dilation * stride, 1
            width = 64 << stage
            outputs = _out(block, width)
            project = stride > 1 or inputs != outputs
            layers = [block(inputs, width, stride, (before, dilation), project)]
            layers += [
                block(outputs, width, 1, (dilation, dilation), False) for _ in range(blocks - 1)
            ]
            inputs = outputs
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
            reached *= stride
            steps.append(stride)
        self.channels = tuple(_out(block, 64 << stage) for stage in range(stages))
        self.strides = tuple(4 * step for step in accumulate(steps, mul))

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        x = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        maps = []
        for stage in range(1, len(self.channels) + 1):
            x = getattr(self, f"layer{stage}")(x)
            maps.append(x)
        return tuple(maps)


class DeepLabResNet(ResNet):
    """The ResNet-101 of COSNet's release, a Caffe-era DeepLab encoder of stride 8.

    Differs from torchvision's: the pooling rounds up, the stride sits on the 1x1 convolutions,
    stages 3 and 4 have dilation 2 and 4 in *every* block, and the first block of every stage has
    a projection. Input: BGR, 0..255, mean subtracted (`vosedu.nn.caffe_bgr`).
    """

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        inputs = 64
        for stage, (blocks, stride, dilation) in enumerate(
            zip(BLOCKS[101], (1, 2, 1, 1), (1, 1, 2, 4), strict=True)
        ):
            width = 64 << stage
            both = (dilation, dilation)
            layers = [CaffeBottleneck(inputs, width, stride, both, True)]
            inputs = 4 * width
            layers += [CaffeBottleneck(inputs, width, 1, both, False) for _ in range(blocks - 1)]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.channels = (256, 512, 1024, 2048)
        self.strides = (4, 8, 8, 8)


def _out(block: type[BasicBlock] | type[Bottleneck], width: int) -> int:
    return width * block.expansion


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
