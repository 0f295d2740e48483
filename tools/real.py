"""Pictures of what a network does on DAVIS val, from the masks that `vosedu segment` wrote.

    vosedu segment --data davis16 --resolution 240p --present-only --method cosnet --out runs/real
    python tools/real.py cosnet runs/real/masks

writes data/pictures/KEY-real.jpg: the middle frame of every sequence with its mask, best J first.
Sequences from YouTube are left out, as their terms ask. The frames are those of DAVIS 2016
(Perazzi et al., CVPR 2016; CC BY-NC 4.0), at half its size.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from vosedu import datasets, metrics
from vosedu.clip import read_mask
from vosedu.figures.overlay import overlay
from vosedu.figures.sheet import sheet

PICTURES = Path(__file__).resolve().parent.parent / "data" / "pictures"
YOUTUBE = {
    *("dog-agility", "drift-turn", "drift-straight", "motocross-bumps", "motocross-jump"),
    "parkour",
}


def shown(masks: Path) -> dict[str, np.ndarray]:
    """Title -> overlay of the middle frame of each sequence, H x W x 3 uint8; the best first."""
    found = []
    for clip in datasets.open_dataset("davis16", "val", resolution="240p", present_only=True):
        if clip.name in YOUTUBE:
            continue
        t = len(clip) // 2
        mask = read_mask(masks / clip.name / f"{clip.stems[t]}.png")
        j = metrics.region(mask > 0, clip.labels[t] > 0)
        found.append((j, f"{clip.name}, J {100 * j:.0f}", overlay(clip.frames[t], mask)))
    return {title: picture for _, title, picture in sorted(found, key=lambda one: -one[0])}


def main(key: str, masks: str) -> None:
    """Write the picture of a paper."""
    figure = sheet(shown(Path(masks)), columns=4)
    figure.savefig(
        PICTURES / f"{key}-real.jpg", dpi=90, pil_kwargs={"quality": 80, "optimize": True}
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
