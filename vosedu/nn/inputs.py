"""From RGB bytes to what an encoder expects."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

BGR_MEAN = (104.00699, 116.66877, 122.67892)
RGB_MEAN = (0.485, 0.456, 0.406)
RGB_STD = (0.229, 0.224, 0.225)


def caffe_bgr(rgb: Tensor) -> Tensor:
    """B x 3 x H x W RGB, 0..255 -> BGR minus the Caffe mean; no division (COSNet's release)."""
    return rgb.flip(1) - rgb.new_tensor(BGR_MEAN).view(1, 3, 1, 1)


def imagenet_rgb(rgb: Tensor) -> Tensor:
    """B x 3 x H x W RGB, 0..255 -> 0..1, ImageNet mean and standard deviation (torchvision)."""
    mean, std = (rgb.new_tensor(v).view(1, 3, 1, 1) for v in (RGB_MEAN, RGB_STD))
    return (rgb / 255 - mean) / std


def resize_image(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H x W x 3 uint8 -> `size` (height, width) by PIL's bilinear filter, low-passed to shrink."""
    if rgb.shape[:2] == tuple(size):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def to_batch(frames: list[np.ndarray], size: tuple[int, int]) -> Tensor:
    """Frames, each H x W x 3 uint8 -> one B x 3 x h x w float32 tensor of RGB, 0..255."""
    resized = np.stack([resize_image(frame, size) for frame in frames])
    return torch.from_numpy(resized).permute(0, 3, 1, 2).float().contiguous()  # B h w 3 -> B 3 h w
