"""Ctrl-C while processes are started: they never hear it, and it is not lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from vosedu.signals import keyboard_ignored


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt; a shell's background jobs begin with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_waits_for_the_end_of_the_block() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), keyboard_ignored():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached


def test_without_it_nothing_happens() -> None:
    before = signal.getsignal(signal.SIGINT)
    with keyboard_ignored():
        pass
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_never_hears_it() -> None:
    with keyboard_ignored():
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGINT)
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
