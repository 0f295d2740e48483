"""The exceptions whose messages are meant for users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence: what is wrong, where, and what to do. The command line prints it
    without a traceback.
    """


class UnknownName(InputError):
    """A name that is not in a table. options: the names that are."""

    def __init__(self, message: str, options: tuple[str, ...]) -> None:
        super().__init__(message)
        self.options = options


def choose(table: Mapping[str, T], name: str, complaint: str) -> T:
    """The entry of a name; UnknownName with `complaint` and the names there are if it has none."""
    if name not in table:
        message = f"{complaint} '{name}'; choose one of {', '.join(table)}"
        raise UnknownName(message, tuple(table))
    return table[name]
