"""How fast ToyVOS renders here."""

from __future__ import annotations

import time

import cv2

from vosedu.toyvos.render import render
from vosedu.toyvos.suites import scene


def frames_per_second(clips: int = 24, height: int = 96, suite: str = "mixed") -> dict[str, float]:
    """CPU frames per second of one thread, motion blur on.

    "cold" includes painting the backgrounds and objects, "warm" is with them in the cache.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        scenes = [scene(k, suite) for k in range(clips)]
        rates = {}
        for name in ("cold", "warm"):
            start = time.process_time()
            count = sum(len(render(s, height)) for s in scenes)
            rates[name] = count / (time.process_time() - start)
        return rates
    finally:
        cv2.setNumThreads(threads)
