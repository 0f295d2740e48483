"""What works on this machine, in one screen."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from vosedu.paths import data_dir, downloads_dir, in_checkout
from vosedu.text import columns

EXTRAS = {
    "notebooks": ("papermill", "running the tour and the notebooks"),
    "crf": ("pydensecrf2", "dense CRF post-processing as in the papers"),
    "raft": ("torchvision", "RAFT optical flow"),
    "grade": ("nbgrader", "graded exercises"),
    "vot": ("vot-trax", "following objects under the VOT toolkit"),
}


@dataclass(frozen=True)
class Check:
    """One finding. verdict: "OK", "FAIL" (something needed is broken) or "--" (may be absent)."""

    verdict: str
    what: str
    result: str


def examine() -> list[Check]:
    """Look at everything; nothing is changed and nothing is fetched."""
    return [
        *_python(),
        *_packages(),
        *_device(),
        *_video(),
        *_kernel(),
        *_checkpoints(),
        *_data(),
        *_parity(),
        *_extras(),
    ]


def report(checks: list[Check]) -> str:
    """The findings as text, one line each, and what they mean together."""
    failed = sum(check.verdict == "FAIL" for check in checks)
    lines = columns((check.verdict, check.what, check.result) for check in checks)
    summary = "everything needed works" if not failed else f"{failed} of these need attention"
    return f"{lines}\n\n{summary}; -- marks what is optional and absent"


def _python() -> Iterator[Check]:
    verdict = "OK" if sys.version_info >= (3, 11) else "FAIL"
    where = "a checkout" if in_checkout() else "an installed package"
    yield Check(
        verdict,
        "python",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"vosedu {_version('vosedu') or 'not installed'} from {where}",
    )
    free = shutil.disk_usage(Path.cwd()).free
    yield Check("OK" if free > 1e9 else "FAIL", "disk", f"{free / 1e9:.0f} GB free here")


def _packages() -> Iterator[Check]:
    from packaging.requirements import Requirement

    fine = []
    for line in _requirements():
        needed = Requirement(line)
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        version = _version(needed.name)
        if version is None:
            yield Check("FAIL", "package", f"{needed} is missing: pip install -r requirements.txt")
        elif not needed.specifier.contains(version, prereleases=True):
            yield Check("FAIL", "package", f"{needed.name} {version} does not meet {needed}")
        else:
            fine.append(f"{needed.name} {version}")
    for start in range(0, len(fine), 5):
        yield Check("OK", "packages", ", ".join(fine[start : start + 5]))


def _requirements() -> list[str]:
    if in_checkout():
        import tomllib

        pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
        return tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    return metadata.requires("vosedu") or []


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _device() -> Iterator[Check]:
    import torch

    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
        yield Check("OK", "torch", f"CUDA on {', '.join(names)}; {threads}")
    else:
        yield Check("OK", "torch", f"CPU only, {threads}")


def _video() -> Iterator[Check]:
    import numpy as np

    from vosedu.clip import Clip, VideoWriter

    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "check.mp4"
            with VideoWriter(path) as video:
                for value in (0, 255):
                    video.write(np.full((32, 32, 3), value, np.uint8))
            length = len(Clip.read(path))
        verdict, result = (
            ("OK", "H.264 written and read") if length == 2 else ("FAIL", "lost frames")
        )
    except Exception as error:  # whatever breaks here is the finding
        verdict, result = "FAIL", f"{type(error).__name__}: {error}"
    yield Check(verdict, "video", result)


def _kernel() -> Iterator[Check]:
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        kernels = sorted(KernelSpecManager().find_kernel_specs())
        verdict = "OK" if "python3" in kernels else "FAIL"
        yield Check(verdict, "notebooks", f"kernels: {', '.join(kernels) or 'none'}")
    except ImportError:
        yield Check("--", "notebooks", "no Jupyter: pip install 'vosedu[notebooks]'")


def _checkpoints() -> Iterator[Check]:
    kinds = (("checkpoints", "*.pt", "FAIL"), ("real video", "davis-small/*.pt", "--"))
    for what, pattern, without in kinds:
        files = sorted(data_dir("checkpoints").glob(pattern))
        names = ", ".join(path.stem for path in files)
        total = sum(path.stat().st_size for path in files) / 1e6
        yield Check(
            "OK" if files else without,
            what,
            f"{names} ({total:.1f} MB)" if files else "none embedded",
        )
    released = downloads_dir() / "weights"
    fetched = sorted(path.name for path in released.iterdir()) if released.is_dir() else []
    yield Check(
        "OK" if fetched else "--",
        "released",
        ", ".join(fetched) or "no weights of the authors here: vosedu weights list",
    )


def _data() -> Iterator[Check]:
    folder = downloads_dir()
    names = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    names = [name for name in names if name != "weights"]
    yield Check(
        "OK" if names else "--",
        "data sets",
        f"ToyVOS is built in; in {folder}: {', '.join(names) or 'none (vosedu data list)'}",
    )


def _parity() -> Iterator[Check]:
    golden = Path(__file__).resolve().parent.parent / "tests" / "golden"
    for what, folder in (
        ("golden cases", golden),
        ("parity cases", Path(os.environ.get("VOSEDU_PARITY_DIR", ""))),
    ):
        named = str(folder) != "." and folder.is_dir()
        groups = sorted(path.name for path in folder.iterdir() if path.is_dir()) if named else []
        absent = "not in a wheel" if folder == golden else "VOSEDU_PARITY_DIR names no folder"
        yield Check("OK" if groups else "--", what, ", ".join(groups) or absent)


def _extras() -> Iterator[Check]:
    for extra, (package, purpose) in EXTRAS.items():
        version = _version(package)
        hint = f"{purpose}: pip install {package}"
        yield Check("OK" if version else "--", f"[{extra}]", version or hint)
