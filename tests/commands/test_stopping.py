"""Ctrl-C in real processes: each command ends, says what is kept, and leaves no process behind."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vosedu.clip import Clip

PATIENCE = 120.0  # seconds until a command has come to its work, on a busy machine
MAIN = "import sys; from vosedu.commands import main; sys.exit(main(sys.argv[1:]))"


class Command:
    """`vosedu` in a session of its own, as a terminal has it: Ctrl-C goes to all its processes."""

    def __init__(self, folder: Path, *words: object, program: str = MAIN) -> None:
        self.log = folder / "log.txt"
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, *map(str, words)],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # a test runner in the background may ignore Ctrl-C, and a child inherits that
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def stopped(self, at_work: Callable[[], object]) -> str:
        """What it says when it is stopped at its work; it must be the last thing it says."""
        try:
            self._wait(at_work, alive=True)
            os.killpg(self.process.pid, signal.SIGINT)
            code = self.process.wait(PATIENCE)
            assert code in (130, -signal.SIGINT), self.log.read_text()  # a shell shows both as 130
            self._wait(self._gone)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        said = self.log.read_text()
        assert "Traceback" not in said, said
        *_, last = said.splitlines()
        assert last.startswith("vosedu: stopped; "), said
        return last.removeprefix("vosedu: stopped; ")

    def _wait(self, condition: Callable[[], object], alive: bool = False) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert not alive or self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def _gone(self) -> bool:
        """Whether none of its processes is left."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False


def test_train(tmp_path: Path) -> None:
    words = ("train", "cosnet", "--profile", "quick", "--out", "run", "--workers", 1)
    command = Command(tmp_path, *words, "--set", "steps=1000000")
    kept = command.stopped((tmp_path / "run" / "history.csv").exists)
    assert kept == "the same command goes on from the last save, run/state.pt"


def test_train_before_its_first_save(tmp_path: Path) -> None:
    command = Command(tmp_path, "train", "cosnet", "--out", "run")
    kept = command.stopped((tmp_path / "run").exists)
    assert kept == "no step was saved in run yet, the same command starts again"


def test_evaluate(tmp_path: Path) -> None:
    names = ["mixed-val-000", "mixed-val-001"]
    command = Command(tmp_path, "evaluate", "--sequences", *names, "--csv", "scores")
    kept = command.stopped(lambda: "2 of the" in command.log.read_text())
    assert kept == "no scores were written"
    assert not (tmp_path / "scores").exists()


def test_ablate_in_two_processes(tmp_path: Path) -> None:
    words = ("ablate", "cosnet", "--table", 2, "--profile", "quick", "--store", "store.json")
    command = Command(tmp_path, *words, "--jobs", 2)
    kept = command.stopped(lambda: list(tmp_path.glob("runs/ablate/*")))
    assert kept == "finished runs are kept, the same command goes on from there"


def test_a_computation_that_does_not_return(tmp_path: Path) -> None:
    """As long as one matrix product runs, Python raises no KeyboardInterrupt."""
    frames = [np.zeros((48, 80, 3), np.uint8)] * 2
    Clip("walk", frames).write(tmp_path / "walk")
    program = (
        "import ctypes, sys\n"
        "from pathlib import Path\n"
        "from vosedu.nn import crf\n"
        "def stuck(*_):\n"
        "    Path('stuck').touch()\n"
        "    mutex, lock = ctypes.create_string_buffer(128), ctypes.CDLL(None).pthread_mutex_lock\n"
        "    lock(mutex)\n"
        "    lock(mutex)  # waits for itself, in C\n"
        "crf.CRF.refine = stuck\n"
        f"{MAIN}"
    )
    command = Command(
        tmp_path, "segment", "walk", "--method", "cosnet", "--crf", "--out", "out", program=program
    )
    kept = command.stopped((tmp_path / "stuck").exists)
    assert kept == "the masks so far are in out/unfinished/masks"


def test_bench(tmp_path: Path) -> None:
    command = Command(tmp_path, "bench", "memory", "--json", "bench.json")
    kept = command.stopped(lambda: "----" in command.log.read_text())
    assert kept == "no numbers were written to a file"
    assert not (tmp_path / "bench.json").exists()


def test_tour(tmp_path: Path) -> None:
    pytest.importorskip("papermill", reason="the tour needs papermill")
    command = Command(tmp_path, "tour", "--profile", "quick", "--out", "tour")
    kept = command.stopped((tmp_path / "tour" / "tour.ipynb").exists)
    assert kept == "tour may hold a part of the tour, the same command runs it again"


def test_while_an_extension_is_imported(tmp_path: Path) -> None:
    """matplotlib's ft2font, stopped half-way, makes an ImportError and cannot be unloaded."""
    pytest.importorskip("papermill", reason="the tour needs papermill")
    program = (
        "import enum, time\n"
        "from pathlib import Path\n"
        "usual = enum._proto_member.__set_name__\n"
        "def slow(member, owner, name):\n"
        "    usual(member, owner, name)\n"
        "    if owner.__name__ == 'LoadFlags':\n"
        "        Path('importing').touch()\n"
        "        time.sleep(60)\n"
        "enum._proto_member.__set_name__ = slow\n"
        f"{MAIN}"
    )
    command = Command(tmp_path, "tour", "--profile", "quick", "--out", "tour", program=program)
    kept = command.stopped((tmp_path / "importing").exists)
    assert kept == "tour may hold a part of the tour, the same command runs it again"


class Slow(http.server.BaseHTTPRequestHandler):
    """Sends the beginning of a large file and then nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(10**9))
        self.end_headers()
        self.wfile.write(b"PK" * 2**20)
        with contextlib.suppress(ConnectionError):
            self.connection.recv(1)  # until the other side hangs up

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}/davis.zip"
        site.shutdown()


def test_data_get(tmp_path: Path, server: str) -> None:
    program = (
        "from dataclasses import replace\n"
        "from vosedu.datasets import manage\n"
        "data = manage.entry('davis16')\n"
        f"link = replace(data.parts[0].link, url={server!r}, mirrors=(), size=None, sha256=None)\n"
        "data = replace(data, parts=(replace(data.parts[0], link=link),))\n"
        "manage.entry = lambda name: data\n"
        f"{MAIN}"
    )
    words = ("data", "get", "davis16", "--root", "davis")
    command = Command(tmp_path, *words, program=program)
    kept = command.stopped(lambda: any(p.stat().st_size for p in tmp_path.glob("davis/**/*.part*")))
    assert kept == "the same command goes on from there"
