"""What several commands need: their parsers, the device, progress lines."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from vosedu.errors import InputError

T = TypeVar("T")
Arguments = argparse.Namespace
SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True)
class Commands:
    """The commands of the parser that is being made. method: the paper whose options they take."""

    subparsers: Any
    method: str | None = None

    def add(
        self, run: Callable[[Arguments], int | None], name: str, what: str, example: str
    ) -> argparse.ArgumentParser:
        """A parser for the command `name`, which calls `run`; its help ends in the example."""
        made: argparse.ArgumentParser = self.subparsers.add_parser(
            name,
            help=what,
            description=what[0].upper() + what[1:] + ".",
            epilog=f"example:\n  vosedu {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run, parser=made)
        return made


def refuse(arguments: Arguments, words: Iterable[str], why: str) -> None:
    """InputError where an option was given that the command would not read.

    words: options as they are typed, --part, or positional arguments in capitals, KEY. An option
    that has its default value counts as not given. why: completes "... has no effect".
    """
    for word in words:
        name = word.removeprefix("--").replace("-", "_").lower()
        value = getattr(arguments, name, None)
        if value != arguments.parser.get_default(name):
            raise unread(word if word.startswith("--") else f"'{value}'", why)


def unread(what: str, why: str) -> InputError:
    """What is said of an option that would not be read."""
    return InputError(f"{what} has no effect {why}; leave it out")


def add_device(p: argparse.ArgumentParser) -> None:
    """The option that `device` reads."""
    p.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")


def device(name: str | None) -> str:
    """The device asked for, or the best there is; InputError for one that cannot be used here."""
    import torch

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"the device '{name}' cannot be used here ({str(error).splitlines()[0]}); "
            "vosedu doctor shows what can"
        ) from error
    return name


def progress(items: Iterable[T], total: int, unit: str) -> Iterable[T]:
    """The items, with how far they are and the time left.

    One line that changes on a terminal; elsewhere a line on stderr every ten seconds.
    """
    from tqdm import tqdm

    if sys.stderr.isatty():
        return tqdm(items, total=total, unit=f" {unit}", leave=False)
    return _told(items, total, unit)


def _told(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    began = said = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and now - said > SECONDS_BETWEEN_LINES:
            left = (now - began) / done * (total - done)
            print(f"{done} of {total} {unit}, {left:.0f} s left", file=sys.stderr)
            said = now
        yield item
