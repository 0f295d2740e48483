"""MobileNetV2 with torchvision's parameter names (Sandler et al., CVPR 2018)."""

from __future__ import annotations

from torch import Tensor, nn

# expansion, channels, blocks, stride: Table 2 of the paper
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
FIVE = (2, 4, 7, 14, 17)
"""Where torchvision's `features` are cut into five parts of strides 2, 4, 8, 16 and 32 with 16, 24,
32, 96 and 160 channels. The last block (320 channels) holds a quarter of the weights; networks with
two or three encoders do without it."""


class InvertedResidual(nn.Module):
    """1x1 to a wide layer, 3x3 per channel, 1x1 back to a narrow one without activation."""

    def __init__(
        self, inputs: int, outputs: int, stride: int, expansion: int, dilation: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers.append(_conv(inputs, hidden, 1))
        layers.append(_conv(hidden, hidden, 3, stride, dilation, groups=hidden))
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """MobileNetV2 as an encoder: the last map of each stride, fine to coarse.

    The maps are what `features[i]` returns for the i in `taken`.

    `output_stride` (8, 16 or 32) turns the strides beyond it into dilation, torchvision's way:
    the block that would have strided keeps the dilation before it. `classes` adds the last 1x1
    convolution and the classifier, so that an ImageNet file loads strictly; `classify` uses
    them. Without them list the prefixes "features.18." and "classifier." as unused. `taken` lists
    the layers to return instead, in rising order; 18 is that last 1x1 convolution.
    """

    def __init__(
        self,
        output_stride: int = 32,
        classes: int = 0,
        in_channels: int = 3,
        taken: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(in_channels, 32, 3, 2)]
        reached, dilation, inputs = 2, 1, 32
        strides, channels = [reached], [32]
        for expansion, outputs, blocks, first_stride in STAGES:
            for block in range(blocks):
                stride, used = (first_stride if block == 0 else 1), dilation
                if reached * stride > output_stride:
                    dilation, stride = dilation * stride, 1
                reached *= stride
                layers.append(InvertedResidual(inputs, outputs, stride, expansion, used))
                inputs = outputs
                strides.append(reached)
                channels.append(outputs)
        last = {stride: index for index, stride in enumerate(strides)}
        if classes or len(layers) in taken:
            layers.append(_conv(inputs, 1280, 1))
            strides.append(reached)
            channels.append(1280)
        self.taken = taken or tuple(last.values())
        self.strides = tuple(strides[index] for index in self.taken)
        self.channels = tuple(channels[index] for index in self.taken)
        if classes:
            self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))
        self.features = nn.Sequential(*layers)

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        maps, x = [], frames
        for index, layer in enumerate(self.features[: self.taken[-1] + 1]):
            x = layer(x)
            if index in self.taken:
                maps.append(x)
        return tuple(maps)

    @classmethod
    def in_five(cls, output_stride: int = 32) -> MobileNetV2:
        """The encoder that returns what ends each part of `FIVE`."""
        return cls(output_stride, taken=tuple(end - 1 for end in FIVE))

    def classify(self, frames: Tensor) -> Tensor:
        """ImageNet logits, B x classes, of a network built with `classes`."""
        return self.classifier(self.features(frames).mean((2, 3)))


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )
