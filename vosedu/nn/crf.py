"""The fully connected CRF that unsupervised VOS papers put after their networks.

Krähenbühl and Koltun, NeurIPS 2011: labels of all pairs of pixels pull on each other, the closer
in place and colour the harder. COSNet's parameters are section 7 of its reference page.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vosedu.errors import InputError

_LARGEST_EXACT = 20_000  # pixels; the exact kernel costs pixels squared


@dataclass(frozen=True)
class CRF:
    """Parameters of a two-label dense CRF.

    smooth: standard deviation in pixels and weight of the kernel of places.
    bilateral: standard deviations in pixels and in grey levels, and weight, of the kernel of
        places and colours.
    stretch: the release rescales every frame's probabilities to 0 .. 1 first, so that a frame
        without an object still gets one. floor: probabilities are kept this far from 0 and 1.
    """

    smooth: tuple[float, float] = (1.0, 5.0)
    bilateral: tuple[float, float, float] = (15.0, 7.0, 9.0)
    steps: int = 5
    stretch: bool = False
    floor: float = 1e-5

    def check(self, size: tuple[int, int]) -> None:
        """InputError where frames of that height and width need the lattice and it is missing."""
        if size[0] * size[1] > _LARGEST_EXACT and not has_lattice():
            raise InputError(
                f"frames of {size[1]} x {size[0]} are too large for the exact CRF; install the "
                "lattice with pip install 'vosedu[crf]', leave --crf out, or shrink the frames"
            )

    def refine(self, probability: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """H x W foreground probability and H x W x 3 uint8 RGB frame -> refined probability.

        Takes the permutohedral lattice of the extra `crf` where it is installed, and the exact
        kernels, on small frames, where it is not. The two agree closely but not to the digit.
        """
        self.check(frame.shape[:2])
        if not has_lattice():
            return self.refine_exactly(probability, frame)
        return self._refine_by_lattice(probability, frame)

    def refine_exactly(self, probability: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """Mean-field inference with the kernels written out; quadratic in the number of pixels."""
        height, width = probability.shape
        unary = torch.from_numpy(self._unary(probability))  # 2 HW
        y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float32)
        rgb = frame.reshape(-1, 3).astype(np.float32).T
        place, colour, weight = self.bilateral
        kernels = [
            (self.smooth[1], _kernel(np.stack([y, x]) / self.smooth[0])),
            (weight, _kernel(np.concatenate([np.stack([y, x]) / place, rgb / colour]))),
        ]
        q = (-unary).softmax(0)
        for _ in range(self.steps):
            q = (-unary + sum(weight * (q @ kernel) for weight, kernel in kernels)).softmax(0)
        return q[1].view(height, width).numpy()

    def _refine_by_lattice(self, probability: np.ndarray, frame: np.ndarray) -> np.ndarray:
        from pydensecrf.densecrf import DIAG_KERNEL, NORMALIZE_SYMMETRIC, DenseCRF2D

        height, width = probability.shape
        place, colour, weight = self.bilateral
        crf = DenseCRF2D(width, height, 2)
        crf.setUnaryEnergy(np.ascontiguousarray(self._unary(probability)))
        kind = {"kernel": DIAG_KERNEL, "normalization": NORMALIZE_SYMMETRIC}
        crf.addPairwiseGaussian(sxy=self.smooth[0], compat=self.smooth[1], **kind)
        rgb = np.require(frame, requirements=("C", "W"))
        crf.addPairwiseBilateral(sxy=place, srgb=colour, rgbim=rgb, compat=weight, **kind)
        return np.asarray(crf.inference(self.steps))[1].reshape(height, width)

    def _unary(self, probability: np.ndarray) -> np.ndarray:
        """-log of background and foreground probability, 2 x HW float32."""
        p = probability.astype(np.float32).ravel()
        low, high = p.min(), p.max()
        if self.stretch and high > low:
            p = (p - low) / (high - low)
        return -np.log(np.clip(np.stack([1 - p, p]), self.floor, 1.0))


def has_lattice() -> bool:
    """Whether the permutohedral lattice of the extra `crf` is installed."""
    return importlib.util.find_spec("pydensecrf") is not None


def _kernel(features: np.ndarray) -> Tensor:
    """D^-1/2 K D^-1/2 with K_ij = exp(-|f_i - f_j|^2 / 2) and D its row sums; D x N -> N x N."""
    f = torch.from_numpy(features)
    squares = f.square().sum(0)
    k = (f.T @ f - squares[:, None] / 2 - squares[None] / 2).clamp_max(0).exp()
    scale = k.sum(1).rsqrt()
    return k * scale[:, None] * scale[None]


@dataclass(frozen=True)
class EnergyCRF(CRF):
    """The CRF of the scripts that AMC-Net and HCPN released, with energies for probabilities.

    e_fg = -log(1 - p) / (1.05 sigmoid(1 - p)), e_bg likewise of p; the scripts hand these to a
    function that takes -log of class probabilities. The likelier class then costs nothing, and the
    other one less than its -log probability; `floor` bounds e. With `stretch` each frame's largest
    probability becomes 1 first. The scripts stop before `steps` where the divergence changes by
    less than 500; this does not.
    """

    def _unary(self, probability: np.ndarray) -> np.ndarray:
        """Unary costs of background and foreground, 2 x HW float32."""
        p = probability.astype(np.float32).ravel()
        if self.stretch and p.max() > 0:
            p = p / p.max()
        energies = [-np.log(q + 1e-8) * (1 + np.exp(-q)) / 1.05 for q in (p, 1 - p)]
        return -np.log(np.clip(np.stack(energies), self.floor, 1.0))
