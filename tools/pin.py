"""Pin what the embedded checkpoints score, so that a changed network is noticed.

    python tools/pin.py            # every paper that has a checkpoint
    python tools/pin.py cosnet     # one

Writes tests/golden/course/KEY.json: J of four clips of ToyVOS val and the checkpoint's checksum.
Run it when a checkpoint was trained anew, never to silence a test.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from vosedu import api, ladder, toyvos
from vosedu.paths import data_dir

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden" / "course"
CLIPS = 4


def scores(key: str) -> dict[str, float]:
    """Name of a clip -> mean J of the paper's embedded network, by the paper's protocol."""
    table = api.evaluate(api.load(key), toyvos.split("val")[:CLIPS]).sequences
    return {str(name): round(float(j), 5) for name, j in table["J-Mean"].items()}


def main(keys: Sequence[str]) -> None:
    """Pin these papers, or all that have a checkpoint."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for key in keys or api.papers():
        if (data_dir("checkpoints") / f"{key}.pt").is_file():
            pinned = {"checkpoint": ladder.checksum(key), "J": scores(key)}
            (FOLDER / f"{key}.json").write_text(json.dumps(pinned, indent=1) + "\n")
            print(f"{key}: {pinned['J']}")


if __name__ == "__main__":
    main(sys.argv[1:])
