"""RAFT (Teed and Deng, ECCV 2020) through torchvision, an optional extra."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from vosedu.errors import InputError


class RAFT:
    """Recurrent all-pairs field transforms, the papers' own flow.

    variant: "small" or "large". weights: None for torchvision's (downloaded by torchvision at the
    first use), or a file that holds a state dict under torchvision's names. iterations: recurrent
    updates; torchvision's default is 12, the papers' scripts use 20.

    Frames are padded by repeating the border to multiples of 8 and at least 128 pixels, half on
    either side; unlike in HCPN's released script the padding is cut off the field again.
    The network is built at the first frame, so that naming the method costs nothing.
    """

    MULTIPLE, SMALLEST = 8, 128

    def __init__(
        self,
        variant: Literal["small", "large"] = "small",
        weights: str | Path | None = None,
        iterations: int = 12,
        device: str | torch.device = "cpu",
    ) -> None:
        if variant not in ("small", "large"):
            raise InputError(f"RAFT has no variant '{variant}'; choose small or large")
        self.name = f"raft_{variant}"
        self.iterations = iterations
        self.device = torch.device(device)
        self._zoo = _import_zoo()
        self._weights = None if weights is None else Path(weights)
        self.identity = f"raft-{variant}-{iterations}-{self._weights_identity()}"
        self._network: torch.nn.Module | None = None

    def prepare(self, frame: np.ndarray) -> tuple[torch.Tensor, tuple[int, int, int, int]]:
        """1 x 3 x H' x W' in -1..1, padded, with the padding (left, right, top, bottom)."""
        image = torch.from_numpy(np.array(frame)).to(self.device)
        image = image.permute(2, 0, 1)[None].float() / 127.5 - 1  # H W 3 -> 1 3 H W
        height, width = image.shape[-2:]
        across, down = (max(self.SMALLEST, -(-n // 8) * self.MULTIPLE) - n for n in (width, height))
        padding = (across // 2, across - across // 2, down // 2, down - down // 2)
        return F.pad(image, padding, mode="replicate"), padding

    @torch.inference_mode()
    def between(
        self,
        first: tuple[torch.Tensor, tuple[int, int, int, int]],
        second: tuple[torch.Tensor, tuple[int, int, int, int]],
    ) -> np.ndarray:
        if self._network is None:
            self._network = self._build()
        (image, (left, right, top, bottom)), (other, _) = first, second
        field = self._network(image, other, num_flow_updates=self.iterations)[-1][0]  # 2 H' W'
        height, width = field.shape[-2:]
        field = field[:, top : height - bottom, left : width - right]
        return field.permute(1, 2, 0).contiguous().cpu().numpy()  # 2 H W -> H W 2

    def _build(self) -> torch.nn.Module:
        network = getattr(self._zoo, self.name)(weights=None)
        try:
            network.load_state_dict(self._state(), strict=True)
        except RuntimeError as error:
            raise InputError(
                f"the weights {self._weights or 'of torchvision'} are not {self.name}'s under "
                "torchvision's names; choose the other variant or another file"
            ) from error
        return network.eval().requires_grad_(False).to(self.device)

    def _state(self) -> dict[str, torch.Tensor]:
        if self._weights is None:
            released = self._released()
            try:
                return released.get_state_dict(
                    progress=False, check_hash=True, map_location="cpu", weights_only=True
                )
            except (OSError, RuntimeError) as error:
                raise InputError(
                    f"cannot download {self.name}'s weights from {released.url} ({error}); "
                    "go online once or name a local file: flow.RAFT(weights=...)"
                ) from error
        try:
            state = torch.load(self._weights, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(
                f"cannot read the RAFT weights {self._weights}; download the file again"
            ) from error
        if not isinstance(state, dict):
            raise InputError(
                f"the file {self._weights} holds no state dict; name a file of tensors by name"
            )
        return state

    def _released(self):
        return getattr(self._zoo, f"{self.name.title()}_Weights").DEFAULT

    def _weights_identity(self) -> str:
        if self._weights is None:
            return str(self._released()).rsplit(".", 1)[-1].lower()
        if not self._weights.is_file():
            raise InputError(
                f"there are no RAFT weights at {self._weights}; check the path, or leave it out "
                "to use torchvision's"
            )
        return hashlib.sha256(self._weights.read_bytes()).hexdigest()[:12]


def _import_zoo() -> ModuleType:
    try:
        from torchvision.models import optical_flow
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
        raise InputError(
            "RAFT needs torchvision, which is not installed or does not fit the installed torch; "
            "run pip install 'vosedu[raft]' or choose dis-medium"
        ) from error
    return optical_flow
