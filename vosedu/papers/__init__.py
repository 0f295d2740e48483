"""The papers: each is a package of this one that has a `PAPER`, and is found by being there."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from vosedu.errors import InputError
from vosedu.papers.contract import Paper


def papers() -> dict[str, Paper[Any, Any]]:
    """All papers by key, in the order of their years.

    A package without a `PAPER` is none: a network that papers take as a part, such as a propagator.
    """
    packages = (module.name for module in iter_modules(__path__) if module.ispkg)
    all_papers = [paper for paper in map(_paper, packages) if paper is not None]
    return {
        paper.key: paper for paper in sorted(all_papers, key=lambda paper: (paper.year, paper.key))
    }


def paper(key: str) -> Paper[Any, Any]:
    """The paper of that key; InputError, with the keys there are, if there is none."""
    by_key = papers()
    if key not in by_key:
        raise InputError(f"there is no paper '{key}' here; choose one of {', '.join(by_key)}")
    return by_key[key]


def _paper(package: str) -> Paper[Any, Any] | None:
    return getattr(import_module(f"{__name__}.{package}"), "PAPER", None)
