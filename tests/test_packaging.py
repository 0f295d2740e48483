"""The three lists of dependencies agree, and the commands of the README are the Makefile's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TARGETS = ("venv", "tour", "lab", "test", "bench", "notebooks", "help")


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins(root: Path) -> dict[str, Requirement]:
    lines = [line.split("#")[0].strip() for line in (root / "requirements.txt").open()]
    requirements = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def wanted(project: dict) -> list[Requirement]:
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["notebooks"], *extras["test"]]
    return [Requirement(line) for line in lines]


def test_every_dependency_is_pinned_within_its_range(project: dict, pins: dict) -> None:
    for requirement in wanted(project):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin, f"requirements.txt does not pin {requirement.name}"
        assert re.fullmatch(r"==\d+(\.\d+)*", str(pin.specifier)), f"{pin} is not one exact version"
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{pin} lies outside {requirement}"


def test_requirements_pin_nothing_else(project: dict, pins: dict) -> None:
    assert set(pins) == {canonicalize_name(requirement.name) for requirement in wanted(project)}


def test_torch_is_pinned_without_a_local_suffix(pins: dict) -> None:
    assert str(pins["torch"]) == "torch==2.13.0"


def test_no_file_names_a_package_index_but_pytorch_s(root: Path) -> None:
    for name in ("requirements.txt", "environment.yml", "Makefile", "pyproject.toml"):
        urls = re.findall(r"https?://[^\s\"')]+", (root / name).read_text())
        assert set(urls) <= {"https://download.pytorch.org/whl/cpu", "https://davischallenge.org"}


def test_conda_installs_the_same_set(root: Path, project: dict) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert pip["pip"] == ["-r requirements.txt", "-e ."]
    (python,) = [entry for entry in conda if entry.startswith("python")]
    assert set(conda) == {python, "pip"}, "everything else comes from requirements.txt"
    from packaging.specifiers import SpecifierSet

    assert SpecifierSet(project["requires-python"]).contains(python.split("=")[1] + ".0")


def test_versions_agree(root: Path, project: dict) -> None:
    import vosedu

    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert vosedu.__version__ == project["version"] == citation["version"]
    assert citation["license"] == project["license"] == "BSD-3-Clause"


@pytest.fixture
def make() -> str:
    found = shutil.which("make")
    if not found:
        pytest.skip("make is not installed")
    return found


def run_make(make: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as a newcomer would, whatever the make around this test was told."""
    told = {
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
        "PYTHON",
        "VENV",
        "TORCH_INDEX",
        "JOBS",
    }
    clean = {name: value for name, value in os.environ.items() if name not in told}
    return subprocess.run([make, *arguments], cwd=root, env=clean, capture_output=True, text=True)


def dry_run(make: str, root: Path, *arguments: str) -> str:
    done = run_make(make, root, "-n", "-B", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_without_a_target_explains_every_target(make: str, root: Path) -> None:
    done = run_make(make, root)
    listed = re.findall(r"^make (\w+) +\S", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(TARGETS)


def test_a_fresh_environment_is_the_pinned_one(make: str, root: Path) -> None:
    commands = dry_run(make, root, "tour", "VENV=fresh")
    assert "-m venv fresh" in commands
    assert "pip install  -r requirements.txt" in commands
    assert "pip install --no-deps -e ." in commands
    assert "fresh/bin/python -m vosedu tour" in commands


def test_torch_index_is_passed_on(make: str, root: Path) -> None:
    commands = dry_run(make, root, "venv", "TORCH_INDEX=https://download.pytorch.org/whl/cpu")
    assert "--extra-index-url https://download.pytorch.org/whl/cpu -r" in commands


def test_ci_runs_exactly_make_test(make: str, root: Path) -> None:
    script = (root / ".ci" / "run").read_text().splitlines()
    assert script[-1] == "exec make test"
    assert dry_run(make, root, "test").splitlines()[-1].endswith("-m pytest -n 2 --dist worksteal")


def test_make_says_what_to_install_when_python_is_too_old(make: str, root: Path) -> None:
    done = run_make(make, root, "-B", "venv", "PYTHON=false")
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
