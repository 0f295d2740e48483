"""From a seed to a scene: who plays, where they go, what the camera does. Integer draws only."""

from __future__ import annotations

from dataclasses import replace

from vosedu.toyvos import families, obstacles, themes
from vosedu.toyvos.body import PALETTES, Look
from vosedu.toyvos.paint import generator
from vosedu.toyvos.scene import Actor, Camera, Obstacle, Scene

ASPECT = 1667  # planned picture width, thousandths of the height
_DYNAMIC = tuple(n for n, t in themes.THEMES.items() if t.motion)
_STATIC = tuple(n for n, t in themes.THEMES.items() if not t.motion)
_COMPLEX = ("kite", "butterfly", "jellyfish", "quadruped", "walker", "snake")
_COMPACT = ("ball", "vehicle", "fish", "bird")
# what objects are blended with when edges are to be ambiguous: the theme's middle colour
MIDDLE = {
    "meadow": (116, 158, 96),
    "street": (150, 134, 128),
    "desert": (218, 166, 112),
    "snow": (196, 208, 226),
    "room": (190, 156, 124),
    "reef": (54, 120, 140),
    "lake": (120, 156, 178),
    "forest": (110, 122, 76),
}
_OBSTACLES = {
    "meadow": (0, 2, 3),
    "street": (1, 4, 2),
    "desert": (1, 3, 2),
    "snow": (0, 2, 3),
    "room": (4, 1, 4),
    "reef": (4, 3, 4),
    "lake": (1, 3, 2),
    "forest": (0, 0, 3),
}


def colour_distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    """Sum of the absolute differences of two colours' channels."""
    return sum(abs(a - b) for a, b in zip(one, other))


class Director:
    """Plans one scene. `dials` hold numbers 0..100; a missing dial is drawn."""

    def __init__(self, seed: int, suite: int, dials: dict[str, int]) -> None:
        self.seed, self.suite, self.dials = seed, suite, dict(dials)
        self.rng = generator(1, suite, seed)
        self.frames = dials.get("frames", 16)
        for code, often in _OFTEN.items():
            high = self.draw(0, 100) < often
            value = self.draw(55, 101) if high else self.draw(0, 30)
            self.dials.setdefault(code, value)
        self.theme = self._theme()
        self.home = themes.THEMES[themes.NAMES[self.theme]]
        self.horizon = round(1000 * self.home.horizon)
        self.camera = self._camera()

    def draw(self, low: int, high: int) -> int:
        """A whole number from low to high - 1."""
        return int(self.rng.integers(low, high))

    def pick(self, options: tuple) -> object:
        """One of the options."""
        return options[self.draw(0, len(options))]

    def span(self, code: str, low: int, high: int) -> int:
        """The dial's value on a scale from low to high."""
        return low + (high - low) * self.dials[code] // 100

    def _theme(self) -> int:
        names = _DYNAMIC if self.dials["DB"] >= 50 else _STATIC if self.draw(0, 4) else themes.NAMES
        if "family" in self.dials:
            family = families.NAMES[self.dials["family"]]
            fits = tuple(n for n in names if family in themes.THEMES[n].families)
            names = fits or tuple(n for n, t in themes.THEMES.items() if family in t.families)
        name = self.pick(names)
        return self.dials.get("theme", themes.NAMES.index(name))

    def _camera(self) -> Camera:
        still = self.draw(0, 100) < 20
        pan = 0 if still else self.draw(6, 28) * (1 - 2 * self.draw(0, 2))
        shake = self.span("CS", 0, 17) if self.dials["CS"] >= 20 else 0
        return Camera(
            self.draw(0, 2400),
            pan,
            self.draw(-20, 21),
            0,
            1000 + shake,
            1000 + shake,
            shake,
            shake // 2,
            self.draw(0, 65536),
        )

    def look(self) -> Look:
        """How an individual looks."""
        middle = MIDDLE[themes.NAMES[self.theme]]
        order = sorted(range(len(PALETTES)), key=lambda k: colour_distance(PALETTES[k][0], middle))
        if self.dials["HO"] >= 50:
            order = [k for k in order if k in _VIVID]
        # clutter wears the object's colours, a clear view keeps them apart
        half = len(order) // 2
        options = order[:half] if self.dials["BC"] >= 50 else order[half:]
        palette = options[self.draw(0, len(options))]
        return Look(palette, self.draw(0, 5), self.draw(0, 1000), self.dials["HO"])

    def family(self) -> int:
        """A family that lives here, compact or complex as the dial SC says."""
        if "family" in self.dials:
            return self.dials["family"]
        wanted = _COMPLEX if self.dials["SC"] >= 50 else _COMPACT
        if self.dials["DE"] >= 50:
            wanted = tuple(f for f in wanted if f not in ("ball", "vehicle"))
        fits = tuple(f for f in self.home.families if f in wanted) or self.home.families
        return families.NAMES.index(self.pick(fits))

    def size(self, family: int, shrink: int = 100) -> int:
        """A size that gives the object its share of the picture (LR), in thousandths."""
        low, high = (8, 18) if self.dials["LR"] >= 50 else (56, 122)
        share = self.draw(low, high) * shrink / 100
        kind = families.FAMILIES[families.NAMES[family]]
        size = (share / 1000 * ASPECT / 1000 / kind.area) ** 0.5
        return round(1000 * min(max(size, 0.11), 0.8))

    def near(self, family: int, y: int, flier: int) -> int:
        """Parallax in thousandths of an actor whose path is at height y."""
        if families.FAMILIES[families.NAMES[family]].ground:
            return round(1000 * themes.depth(y / 1000, self.home.horizon))
        return flier

    def height(self, family: int, size: int) -> int:
        """Where it stands or flies."""
        if families.FAMILIES[families.NAMES[family]].ground:
            return self.draw(max(self.horizon + 130, min(size * 12 // 10, 940)), 985)
        top, low = size // 2 + 20, 620 if self.home.motion != "sway" else 700
        return self.draw(min(top, low - 40), low)

    def world(self, x: int, t: int, near: int) -> int:
        """World x of what is at picture x at frame t."""
        return x + (self.camera.x + self.camera.pan * t) * near // 1000

    def walk(
        self,
        family: int,
        size: int,
        near: int,
        y: int,
        speed: int,
        start: int | None = None,
        direction: int = 0,
    ) -> tuple[tuple[tuple[int, int, int], ...], int]:
        """A path at `speed` per frame in the picture, as world waypoints, and its direction."""
        kind = families.FAMILIES[families.NAMES[family]]
        last = self.frames - 1
        direction = direction or 1 - 2 * self.draw(0, 2)
        travel = speed * last
        if start is None:
            middle = ASPECT // 2 + self.draw(-180, 181)
            start = middle - direction * travel // 2
            if self.dials["OV"] >= 50:
                edge = self.draw(-size // 4, size // 8)
                if self.draw(0, 2):
                    start = edge if direction > 0 else ASPECT - edge
                else:
                    start = (ASPECT - edge - travel) if direction > 0 else edge + travel
            else:
                low = min(size // 2 + 30, ASPECT // 2)
                ends = start, start + direction * travel
                if max(ends) - min(ends) < ASPECT - 2 * low:
                    start += max(0, low - min(ends)) - max(0, max(ends) - (ASPECT - low))
        points = []
        step = 5
        frames = [*range(0, last, step), last]
        if len(frames) > 2 and last - frames[-2] < 3:
            del frames[-2]
        for k, t in enumerate(frames):
            x = start + direction * speed * t
            dy = 0
            if not kind.ground:
                dy = self.draw(-70, 71) if k else 0
            elif not kind.directed:
                dy = self.draw(-15, 16)
            points.append((t, self.world(x, t, near), y + dy))
        return tuple(points), direction

    def gait(self, family: int, size: int, direction: int) -> int:
        """The rate of the gait cycle that goes with the size."""
        name = families.NAMES[family]
        kind = families.FAMILIES[name]
        if name == "ball":
            return direction * 2000 * 1000 // size
        if name == "vehicle":
            return 8700 * 1000 // size
        if kind.ground:
            return {"walker": 7000, "quadruped": 6200, "snake": 11000}[name] * 1000 // size
        return self.draw(500, 950)

    def actor(
        self,
        label: int,
        family: int | None = None,
        look: Look | None = None,
        size: int | None = None,
        speed: int | None = None,
        y: int | None = None,
        start: int | None = None,
        direction: int = 0,
        **changes: object,
    ) -> Actor:
        """One moving object."""
        family = self.family() if family is None else family
        size = self.size(family) if size is None else size
        look = look or self.look()
        speed = self.speed() if speed is None else speed
        y = self.height(family, size) if y is None else y
        near = self.near(family, y, self.draw(600, 1000))
        path, direction = self.walk(family, size, near, y, speed, start, direction)
        end = size
        if self.dials["SV"] >= 50:
            small = size * self.span("SV", 80, 45) // 100
            size, end = (small, size) if self.draw(0, 2) else (size, small)
        gain = (1000, 1000, 1000)
        if self.dials["AC"] >= 30:
            s = self.span("AC", 0, 100)
            tint = self.pick(((-62, -58, -40), (-30, -60, -66), (-66, -40, -20), (30, 10, -55)))
            gain = tuple(1000 + 10 * v * s // 100 for v in tint)
        camouflage = self.span("EA", 0, 62) if self.dials["EA"] >= 30 else 0
        if self.dials["BC"] >= 50:
            camouflage = max(camouflage, 20)
        made = Actor(
            family,
            look,
            path,
            size,
            end,
            label,
            near,
            self.draw(0, 6283),
            self.gait(family, size, direction),
            self.span("DE", 18, 100),
            gain=gain,
            camouflage=camouflage,
            blend=MIDDLE[themes.NAMES[self.theme]],
            mirror=int(direction < 0),
        )
        return replace(made, **changes)

    def speed(self) -> int:
        """Speed in the picture, per frame; above DAVIS's 20 of 480 pixels when FM is high."""
        if self.dials["FM"] >= 50:
            return self.draw(50, 68)
        if self.dials["MB"] >= 50:
            return self.draw(28, 40)
        return self.draw(22, 32) if self.dials["OC"] >= 30 else self.draw(9, 26)

    def standing(self, like: Actor | None, x: int, y: int, size: int, **changes: object) -> Actor:
        """Something that stays where it is in the world: a copy of `like`, or another family."""
        if like is None:
            others = tuple(f for f in self.home.families if f not in ("kite", "bird"))
            family = families.NAMES.index(self.pick(others or self.home.families))
            like = Actor(
                family,
                self.look(),
                ((0, 0, 0),),
                size,
                size,
                0,
                self.draw(600, 1000),
                mirror=self.draw(0, 2),
            )
        near = self.near(like.family, y, like.near)
        made = replace(
            like,
            path=((0, self.world(x, self.frames // 2, near), y),),
            label=0,
            near=near,
            phase=self.draw(0, 6283),
            size=size,
            size_end=size,
            gain=(1000, 1000, 1000),
            mirror=self.draw(0, 2),
        )
        return replace(made, **changes)

    def hide(self, actor: Actor, at: int, share: int) -> Obstacle:
        """An obstacle that the actor passes at frame `at`, as wide as `share` per cent of it."""
        t, x, _ = min(actor.path, key=lambda p: abs(p[0] - at))
        picture = x - (self.camera.x + self.camera.pan * t) * actor.near // 1000
        near = self.draw(1120, 1300)
        kind = self.pick(_OBSTACLES[themes.NAMES[self.theme]])
        if not families.FAMILIES[families.NAMES[actor.family]].ground:
            kind = self.pick(_TALL)  # what flies must not pass above
        wide = _WIDE.get(families.NAMES[actor.family], 85) * max(actor.size, actor.size_end) // 100
        if obstacles.KINDS[kind] in ("fence", "bush"):  # painted 2.4 times as wide
            wide = wide * 6 // 10
        width = min(max(wide * share // 100, 50), 260)
        return Obstacle(kind, self.world(picture, t, near), width, self.draw(0, 500), near)

    def scene(
        self, actors: list[Actor], hidden: list[Obstacle] | None = None, **changes: object
    ) -> Scene:
        """The finished scene."""
        clutter = min(2, self.dials["BC"] // 34)
        variant = 3 * self.draw(0, themes.VARIANTS // 3) + clutter
        light = self.draw(-60, 61)
        warm = self.draw(-40, 41)
        shutter = self.span("MB", 20, 100) if self.dials["MB"] >= 30 else self.draw(15, 40)
        motion = self.span("DB", 40, 100) if self.home.motion and self.dials["DB"] >= 30 else 0
        made = Scene(
            self.seed,
            self.suite,
            self.frames,
            self.theme,
            variant,
            (960 + light + warm, 960 + light, 960 + light - warm),
            self.camera,
            tuple(actors),
            tuple(hidden or ()),
            shutter,
            motion,
        )
        return replace(made, **changes)


_WIDE = {"walker": 42, "jellyfish": 66, "kite": 76, "quadruped": 115, "snake": 110, "vehicle": 100}
_TALL = tuple(obstacles.KINDS.index(n) for n in ("trunk", "pole", "pillar"))
_VIVID = (0, 1, 2, 3, 5, 7, 11, 13)  # palettes whose colours differ in hue
_OFTEN = {  # how often a dial is high when nobody sets it, per cent
    "AC": 22,
    "BC": 40,
    "CS": 25,
    "DB": 30,
    "DE": 50,
    "EA": 25,
    "FM": 25,
    "HO": 60,
    "IO": 0,
    "LR": 15,
    "MB": 35,
    "OC": 28,
    "OV": 22,
    "SC": 55,
    "SV": 20,
}
