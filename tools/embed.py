"""Take a trained network into the package.

    python tools/embed.py dpa runs/train/dpa-davis-small-0 --small

copies weights, note and log of a run of `vosedu train` to where `vosedu.load` finds them. Tensors
that are equal, as those of two encoders that were not trained, are stored once.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from torch import Tensor

from vosedu import api
from vosedu.nn import read_state
from vosedu.paths import data_dir


def shared(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same state, in which equal tensors are one tensor, which a file holds once."""
    kept: dict[tuple, Tensor] = {}
    return {
        name: kept.setdefault((value.dtype, value.shape, value.numpy().tobytes()), value)
        for name, value in state.items()
    }


def embed(key: str, run: Path, folder: Path) -> Path:
    """Write a run's weights, note and log to `folder`; returns the file of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(shared(read_state(run / f"{key}.pt")), folder / f"{key}.pt")
    for end in ("json", "csv"):
        shutil.copy(run / f"{key}.{end}", folder)
    return folder / f"{key}.pt"


def main() -> None:
    """Embed what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("key", metavar="KEY", choices=list(api.papers()))
    parser.add_argument("run", metavar="FOLDER", type=Path)
    parser.add_argument("--small", action="store_true", help="the network for real video")
    arguments = parser.parse_args()
    folder = data_dir("checkpoints") / ("davis-small" if arguments.small else "")
    path = embed(arguments.key, arguments.run, folder)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
