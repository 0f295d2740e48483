"""The types of the contract, the public functions, training, metrics and the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_mypy_finds_nothing(root: Path) -> None:
    """What is checked, and how strictly, stands in pyproject.toml."""
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_says_that_it_is_typed(root: Path) -> None:
    assert (root / "vosedu" / "py.typed").is_file()
