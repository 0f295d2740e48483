"""The one exception that speaks to the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence: what is wrong, where, and what to do. The command line prints it
    without a traceback.
    """


def choose(table: Mapping[str, T], name: str, complaint: str) -> T:
    """The entry of a name; InputError with `complaint` and the names there are if it has none."""
    if name not in table:
        raise InputError(f"{complaint} '{name}'; choose one of {', '.join(table)}")
    return table[name]
