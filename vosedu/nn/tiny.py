"""An encoder that a laptop's CPU trains from scratch in minutes."""

from __future__ import annotations

from torch import Tensor, nn

from vosedu.nn.resnet import BasicBlock


class TinyEncoder(nn.Module):
    """Four stages of residual blocks; about 0.3 M parameters at the default width.

    Maps have strides 2, 4, 8, 16 and `width` times 1, 2, 4, 6 channels; with `output_stride` 8
    the last stage keeps stride 8 and takes dilation 2 instead. Returns them fine to coarse; they
    are what the modules `stage1`, ... return.
    """

    def __init__(self, width: int = 16, output_stride: int = 16, in_channels: int = 3) -> None:
        super().__init__()
        self.channels = (width, 2 * width, 4 * width, 6 * width)
        self.strides = (2, 4, 8, output_stride)
        stride, dilation = (2, 1) if output_stride == 16 else (1, 2)
        self.stage1 = nn.Sequential(
            nn.Conv2d(in_channels, width, 5, 2, 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.stage2 = BasicBlock(width, 2 * width, 2, (1, 1), True)
        self.stage3 = BasicBlock(2 * width, 4 * width, 2, (1, 1), True)
        self.stage4 = nn.Sequential(
            BasicBlock(4 * width, 6 * width, stride, (1, dilation), True),
            BasicBlock(6 * width, 6 * width, 1, (dilation, dilation), False),
        )

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        maps, x = [], frames
        for name in ("stage1", "stage2", "stage3", "stage4"):
            x = getattr(self, name)(x)
            maps.append(x)
        return tuple(maps)
