"""Pictures of what a network does on DAVIS val, from the masks that `vosedu segment` wrote.

    vosedu segment --data davis16 --resolution 240p --present-only --method cosnet --out runs/real
    python tools/real.py cosnet runs/real/masks

writes data/pictures/KEY-real.jpg: the middle frame of every sequence with its mask, best J first,
without the sequences from YouTube, as their terms ask (frames: DAVIS 2016, Perazzi et al., CVPR
2016, CC BY-NC 4.0, at half its size); and data/results/KEY/davis-small/without_object.csv: how much
of a frame the network of the profile davis-small marks around the only frames of the set without an
object. They belong to two training sequences, so it has seen them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from vosedu import api, datasets, metrics
from vosedu.clip import read_mask
from vosedu.figures.overlay import overlay
from vosedu.figures.sheet import sheet

DATA = Path(__file__).resolve().parent.parent / "data"
PICTURES, RESULTS = DATA / "pictures", DATA / "results"
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


def without_object(key: str) -> pd.DataFrame:
    """The shares of a frame that the mask and the annotation mark, in per cent, frame by frame."""
    clips = datasets.open_dataset("davis16", "train", resolution="240p", present_only=True)
    model = api.load(key, "davis-small")
    rows = []
    for name, start, stop in (("bmx-bumps", 56, 80), ("surf", 46, 55)):
        clip = clips[name].cut(start, stop)
        rows += [
            {
                "Sequence": name,
                "Frame": start + r.index,
                "marked": 100 * float((r.mask > 0).mean()),
                "object": 100 * float((clip.labels[r.index] > 0).mean()),
            }
            for r in api.segment(model, clip)
        ]
    return pd.DataFrame(rows)


def main(key: str, masks: str) -> None:
    """Write the picture and the table of a paper."""
    figure = sheet(shown(Path(masks)), columns=4)
    figure.savefig(
        PICTURES / f"{key}-real.jpg", dpi=90, pil_kwargs={"quality": 80, "optimize": True}
    )
    table = without_object(key)
    table.round(3).to_csv(RESULTS / key / "davis-small" / "without_object.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
