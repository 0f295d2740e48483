"""Speed and memory on this machine, beside the budgets of the design."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from vosedu import api
from vosedu.clip import VideoWriter
from vosedu.errors import InputError
from vosedu.papers.contract import Benchmark
from vosedu.text import columns
from vosedu.writing import check_writable, write_text


@dataclass(frozen=True)
class Measurement:
    """One measured number beside its budget. at_least: the budget is a lower bound."""

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


def benchmarks() -> dict[str, tuple[Benchmark, ...]]:
    """Everything that is measured: those of each paper by its key, then the package's own."""
    of_papers = {key: paper.benchmarks for key, paper in api.papers().items() if paper.benchmarks}
    return {**of_papers, **OWN}


def run(names: Sequence[str] = (), path: str | Path | None = None) -> list[Measurement]:
    """Measure, print each line as it is known, and write JSON to `path` if given."""
    by_name = benchmarks()
    for name in names:
        if name not in by_name:
            raise InputError(f"there is no bench '{name}'; choose from {', '.join(by_name)}")
    if path is not None:
        check_writable(path)
    print(f"{machine()}\n{'-' * 40}")
    measurements = []
    for name in names or by_name:
        for benchmark in by_name[name]:
            measurements.append(measured(benchmark))
            print(line(measurements[-1]), flush=True)
    if path is not None:
        content = {"machine": machine(), "measurements": [asdict(m) for m in measurements]}
        write_text(path, json.dumps(content, indent=1) + "\n")
    return measurements


def measured(benchmark: Benchmark) -> Measurement:
    """Run one benchmark."""
    value, detail = benchmark.measure()
    return Measurement(
        benchmark.what, value, benchmark.unit, benchmark.budget, benchmark.at_least, detail
    )


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


def _evaluator() -> tuple[float, str]:
    from vosedu.metrics import speed

    race = speed.compare()
    return race["ratio"], (
        f"60 frames of 854 x 480: {race['seconds, evaluator']:.2f} s for "
        f"{race['seconds, plain']:.2f} s, values equal to {race['largest difference']:.0e}"
    )


def _toyvos() -> tuple[float, str]:
    from vosedu.toyvos.speed import frames_per_second

    rates = frames_per_second()
    return rates["cold"], (
        f"on one core, painting included; {rates['warm']:.0f} with painted objects in the cache"
    )


def _memory() -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as folder:
        peaks = [_peak_of_segment(Path(folder), frames) for frames in (60, 600)]
    return peaks[1] - peaks[0], (
        f"vosedu segment of an mp4 of 428 x 240: {peaks[0]:.0f} MB and {peaks[1]:.0f} MB"
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
        "from vosedu.commands import main\n"
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


OWN = {
    "evaluator": (
        Benchmark("evaluator, J + F from PNG, against the plain way", "times", 4, True, _evaluator),
    ),
    "toyvos": (Benchmark("ToyVOS at 96 x 160, motion blur on", "frames/s", 200, True, _toyvos),),
    "memory": (Benchmark("memory, 600 frames against 60", "MB", 300, False, _memory),),
}
"""What is measured of the package itself."""
