"""A scene in integers: everything the renderer needs, the same on every machine.

Lengths are thousandths of the frame height, angles thousandths of a radian, times frames, shares
per cent; nothing here is a float, so the digest is exact.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

from vosedu.toyvos import families, themes
from vosedu.toyvos.body import Look

VERSION = "toyvos-1.1"
PIXELS = "toyvos-1.0"
"""The version whose pixels every later one keeps; digests and records carry it."""


@dataclass(frozen=True)
class Camera:
    """Where the camera looks: a pan at constant speed, a tilt, a zoom, shake and roll."""

    x: int
    pan: int  # per frame
    y: int = 0
    tilt: int = 0  # per frame
    zoom: int = 1000  # at frame 0
    zoom_end: int = 1000  # at the last frame
    shake: int = 0  # amplitude
    roll: int = 0  # amplitude, thousandths of a radian
    seed: int = 0


@dataclass(frozen=True)
class Actor:
    """One object: who it is, how it looks, where it goes, and what happens to it.

    path: waypoints (frame, x, y) in the world; y is the foot of ground families, else the centre.
    label: its id in `labels` (0: background there). near: parallax of a flier; walkers get the
    ground's. appear, vanish: the frames between which it is there.
    """

    family: int
    look: Look
    path: tuple[tuple[int, int, int], ...]
    size: int
    size_end: int
    label: int
    near: int
    phase: int = 0
    rate: int = 0  # gait, thousandths of a radian per frame (fliers) or per height walked
    swing: int = 100
    appear: int = -1000
    vanish: int = 1000
    gain: tuple[int, int, int] = (1000, 1000, 1000)  # colour at the peak of its appearance change
    camouflage: int = 0
    blend: tuple[int, int, int] = (0, 0, 0)  # the colour that camouflage moves it towards
    mirror: int = 0


@dataclass(frozen=True)
class Obstacle:
    """Something in front: kind, where it stands (world x), width, seed, parallax."""

    kind: int
    x: int
    width: int
    seed: int
    near: int


@dataclass(frozen=True)
class Scene:
    """Everything that happens, in integers. `digest()` names it."""

    seed: int
    suite: int
    frames: int
    theme: int
    variant: int
    light: tuple[int, int, int]
    camera: Camera
    actors: tuple[Actor, ...]
    obstacles: tuple[Obstacle, ...] = ()
    shutter: int = 50  # share of the frame interval, per cent
    motion: int = 0  # strength of the dynamic background

    def digest(self) -> str:
        """sha256 of the scene and of `PIXELS`, as hexadecimal."""
        return hashlib.sha256(f"{PIXELS} {astuple(self)}".encode()).hexdigest()

    @property
    def theme_name(self) -> str:
        """The background's name."""
        return themes.NAMES[self.theme]

    @property
    def family_names(self) -> tuple[str, ...]:
        """The families of the labelled objects, by id."""
        subjects = sorted((a for a in self.actors if a.label), key=lambda a: a.label)
        return tuple(families.NAMES[a.family] for a in subjects)
