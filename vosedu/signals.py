"""Ctrl-C: answered by one process of a command, and answered soon."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

PATIENCE = 1.0  # seconds from Ctrl-C until a computation that does not return is given up


_depth = 0  # blocks of `keyboard_ignored` that this process is in


@contextmanager
def keyboard_ignored(spawned: bool = False) -> Iterator[None]:
    """Ctrl-C waits for the end of the block, and has no effect on processes started in it.

    A terminal sends Ctrl-C to all processes of a command. The one that started the others answers
    it and ends them; a process that ends in the middle of its work may hold a lock for ever.
    spawned: the processes are new programs, not forks; then Ctrl-C in the block is lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    global _depth
    heard: list[int] = []
    wait = signal.SIG_IGN if spawned else lambda number, _frame: heard.append(number)
    before = signal.signal(signal.SIGINT, wait)
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        signal.signal(signal.SIGINT, before)
    if heard:
        signal.raise_signal(signal.SIGINT)


def _in_a_fork() -> None:
    if _depth:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_a_fork)


@contextmanager
def interruptible(last_words: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C ends the block soon, also where one step of the computation takes long.

    Python raises KeyboardInterrupt between two of its own steps, and the product of two large
    matrices is one step. If the block has not ended `PATIENCE` seconds after Ctrl-C, another thread
    calls `last_words` and ends the process and those it started, with exit code 130. That is what
    a kill does, so whoever writes a file in the block must be safe from it (`vosedu.writing`).
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    ended, deciding = threading.Event(), threading.Lock()
    heard, told = os.pipe()  # a signal's number is written here when it comes, whatever runs
    os.set_blocking(told, False)

    def watch() -> None:
        while (number := os.read(heard, 1)) not in (b"", b"\0"):
            if number == bytes([signal.SIGINT]) and not ended.wait(PATIENCE):
                with deciding:
                    if not ended.is_set():
                        end_at_once(last_words)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    try:
        yield
    finally:
        with deciding:
            ended.set()
        signal.set_wakeup_fd(before)
        os.write(told, b"\0")
        watcher.join()
        os.close(heard)
        os.close(told)


def end_at_once(last_words: Callable[[], object]) -> NoReturn:
    """Call `last_words` and end the process and those it started, with exit code 130."""
    try:
        last_words()
    finally:
        try:  # nothing is said after this: a child's end may raise in the main thread
            for process in multiprocessing.active_children():
                process.kill()
        finally:
            os._exit(130)
