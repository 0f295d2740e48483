"""Speed and memory on this machine, beside the budgets of the design."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vosedu.clip import VideoWriter
from vosedu.errors import InputError
from vosedu.text import columns


@dataclass(frozen=True)
class Measurement:
    """One measured number and its budget. at_least: the budget is a lower bound, not an upper."""

    what: str
    value: float
    unit: str
    budget: float
    at_least: bool
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Whether the budget is kept."""
        return self.value >= self.budget if self.at_least else self.value <= self.budget


def run(names: Sequence[str] = (), path: str | Path | None = None) -> list[Measurement]:
    """Measure, print each line as it is known, and write JSON to `path` if given."""
    for name in names:
        if name not in MEASURES:
            raise InputError(f"there is no bench '{name}'; choose from {', '.join(MEASURES)}")
    print(f"{machine()}\n{'-' * 40}")
    found = []
    for name in names or MEASURES:
        for measurement in MEASURES[name]():
            found.append(measurement)
            print(line(measurement), flush=True)
    if path is not None:
        content = {"machine": machine(), "measurements": [asdict(m) for m in found]}
        Path(path).write_text(json.dumps(content, indent=1) + "\n")
    return found


def line(m: Measurement) -> str:
    """One measurement as a line of text."""
    bound = ">=" if m.at_least else "<="
    budget = f"{bound} {m.budget:g} {m.unit}"
    verdict = "kept" if m.kept else "MISSED"
    return columns(
        [(f"{m.what:<48}", f"{m.value:>8.2f} {m.unit:<9}", f"{budget:<15}", verdict, m.detail)]
    )


def machine() -> str:
    """What the numbers were measured on, in words."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )


def _cosnet() -> Iterator[Measurement]:
    from vosedu.papers.cosnet.speed import compare

    for width in ("released", "course"):
        yield _references("COSNet", width, 4, compare)


def _dpa() -> Iterator[Measurement]:
    from vosedu.papers.dpa.speed import compare

    for width in ("released", "course"):
        yield _references("DPA", width, 3, compare)


def _references(
    name: str, width: str, budget: float, compare: Callable[[str], Mapping[str, Any]]
) -> Measurement:
    """Both procedures timed twice in turns; the faster run of each counts."""
    runs = [compare(width) for _ in range(2)]
    slow, fast = (min(run[f"seconds_{who}"] for run in runs) for who in ("released", "ours"))
    found = runs[0]
    return Measurement(
        f"{name}, references encoded once, {width} width",
        slow / fast,
        "times",
        budget,
        True,
        f"{found['frames']} frames of {found['size']}, N = {found['references']}: "
        f"{fast:.2f} s for {slow:.2f} s, "
        f"probabilities equal to {max(run['difference'] for run in runs):.0e}",
    )


def _evaluator() -> Iterator[Measurement]:
    from vosedu.metrics import speed

    found = speed.compare()
    yield Measurement(
        "evaluator, J + F from PNG, against the plain way",
        found["ratio"],
        "times",
        4,
        True,
        f"60 frames of 854 x 480: {found['seconds, evaluator']:.2f} s for "
        f"{found['seconds, plain']:.2f} s, values equal to {found['largest difference']:.0e}",
    )


def _toyvos() -> Iterator[Measurement]:
    from vosedu.toyvos.speed import frames_per_second

    found = frames_per_second()
    yield Measurement(
        "ToyVOS at 96 x 160, motion blur on",
        found["cold"],
        "frames/s",
        200,
        True,
        f"on one core, painting included; {found['warm']:.0f} with painted objects in the cache",
    )


def _memory() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        peaks = [_peak_of_segment(Path(folder), frames) for frames in (60, 600)]
    yield Measurement(
        "memory, 600 frames against 60",
        peaks[1] - peaks[0],
        "MB",
        300,
        False,
        f"vosedu segment of an mp4 of 428 x 240: {peaks[0]:.0f} MB and {peaks[1]:.0f} MB",
    )


def _peak_of_segment(folder: Path, frames: int) -> float:
    """Peak resident memory in MB of `vosedu segment` on a video of that many frames."""
    video = folder / f"{frames}.mp4"
    texture = np.random.default_rng(0).integers(0, 256, (30, 200, 3), np.uint8)
    picture = texture.repeat(8, axis=0).repeat(8, axis=1)
    with VideoWriter(video) as out:
        for index in range(frames):
            out.write(picture[:, index : index + 428])
    program = (
        "import sys\n"
        "from vosedu.bench import peak_memory\n"
        "from vosedu.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(peak_memory())\n"
    )
    arguments = ["segment", str(video), "--out", str(folder / f"{frames}")]
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"vosedu segment failed while it was measured: {done.stderr.strip()}")
    return float(done.stdout.splitlines()[-1])


def peak_memory() -> float:
    """The largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss would start at what the parent process held
        (kilobytes,) = (
            row.split()[1] for row in status.read_text().splitlines() if row.startswith("VmHWM")
        )
        return float(kilobytes) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


MEASURES: dict[str, Callable[[], Iterator[Measurement]]] = {
    "cosnet": _cosnet,
    "dpa": _dpa,
    "evaluator": _evaluator,
    "toyvos": _toyvos,
    "memory": _memory,
}
