"""The command line: `vosedu COMMAND`, one module per command.

Each module has `add`, which gives the command its parser, and `run`, which does the work. Heavy
packages are imported where they are used, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import errno
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version

from vosedu.commands import (
    ablate,
    bench,
    data,
    doctor,
    evaluate,
    segment,
    tour,
    train,
    vot,
    weights,
)
from vosedu.commands.common import Commands
from vosedu.commands.methods import DEFAULT_METHOD
from vosedu.errors import InputError
from vosedu.signals import end_at_once, interruptible

COMMANDS = (tour, segment, train, evaluate, ablate, data, weights, bench, vot, doctor)
METHODS = {"segment": segment.METHOD, "evaluate": DEFAULT_METHOD, "vot": vot.METHOD}
"""The commands that take options of a method, and the method they take unless one is named."""
OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EROFS}
OF_THE_MACHINE |= {errno.ENAMETOOLONG, errno.EMFILE}
"""Errors of disks and folders, which no message of the package foresees."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0: done, 1: a check failed, 2: bad input, 130: stopped."""
    arguments = argparse.Namespace()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        with interruptible(lambda: _say_stopped(arguments)):
            return arguments.run(arguments) or 0
    except InputError as error:
        print(f"vosedu: {_spelled(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in OF_THE_MACHINE:
            raise
        print(f"vosedu: {error.strerror}: {error.filename or 'output'}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        print(
            "vosedu: the memory does not suffice; choose smaller frames, shorter clips or fewer "
            "references",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        _say_stopped(arguments)
        return 130
    except ImportError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        end_at_once(lambda: _say_stopped(arguments))  # a half-initialised extension breaks exit()


def _say_stopped(arguments: argparse.Namespace) -> None:
    """What a command that was stopped leaves behind."""
    kept = getattr(arguments, "kept", "nothing half-done was left behind")
    said = f"\nvosedu: stopped; {kept() if callable(kept) else kept}"
    print(said, file=sys.stderr, flush=True)


def _out_of_memory(error: Exception) -> bool:
    """Whether NumPy, or PyTorch on a CPU or a GPU, found no memory."""
    said = str(error)
    return isinstance(error, MemoryError) or "out of memory" in said or "allocate memory" in said


def _spelled(message: str) -> str:
    """A message of the package with its arguments spelled as options: --present-only."""
    message = re.sub(r"\b(resolution)='(\w+)'", r"--\1 \2", message)
    return re.sub(r"\b([a-z_]+)=True\b", lambda found: f"--{found[1].replace('_', '-')}", message)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line. Those of `METHODS` also take the options of their method.

    InputError: a method that does not exist, or an option that it does not have.
    """
    method = _method(argv)
    whole = parser(method)
    arguments, rest = whole.parse_known_args(argv)
    if rest and method:
        raise InputError(
            f"{method} has no option {rest[0]}; 'vosedu {argv[0]} --method {method} --help' lists "
            "what it has"
        )
    if rest:
        whole.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments


def parser(method: str | None = None) -> argparse.ArgumentParser:
    """All commands and their options; with `method`, a paper's key, also that paper's."""
    whole = argparse.ArgumentParser(prog="vosedu", description="Learn video object segmentation.")
    whole.add_argument("--version", action="version", version=f"vosedu {version('vosedu')}")
    subcommands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add(Commands(subcommands, method))
    return whole


def _method(argv: Sequence[str]) -> str | None:
    """The method that a command line names; None for commands without one."""
    if not argv or argv[0] not in METHODS:
        return None
    usual = METHODS[argv[0]]
    only = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    only.add_argument("--method", default=usual)
    try:
        return only.parse_known_args(argv)[0].method
    except argparse.ArgumentError:  # --method without a value: the whole parser will say so
        return usual
