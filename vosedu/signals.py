"""Ctrl-C where several processes work for one command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keyboard_ignored() -> Iterator[None]:
    """Ctrl-C has no effect on this process, nor ever on one that is started meanwhile.

    A terminal sends Ctrl-C to all processes of a command. The one that started the others answers
    it and ends them; a process that ends in the middle of its work may hold a lock for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
