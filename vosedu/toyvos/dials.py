"""The 15 DAVIS attributes as dials, and what may be asked of a scene."""

from __future__ import annotations

from vosedu.clip import ATTRIBUTES
from vosedu.errors import InputError
from vosedu.toyvos import families, themes

_WORDS = {"low": 0, "high": 100}


def read(dials: dict[str, object]) -> dict[str, int]:
    """Check dials: attribute codes as 0..100, "low" or "high"; family, theme, frames, objects.

    Names become numbers. Raises InputError for an unknown name or a value out of range.
    """
    out: dict[str, int] = {}
    for name, value in dials.items():
        if value is None:
            continue
        if name in ATTRIBUTES:
            out[name] = _WORDS[value] if value in ("low", "high") else _number(name, value, 0, 100)
        elif name == "family":
            out[name] = _choice(name, value, families.NAMES)
        elif name == "theme":
            out[name] = _choice(name, value, themes.NAMES)
        elif name == "frames":
            out[name] = _number(name, value, 2, 200)
        elif name == "objects":
            out[name] = _number(name, value, 1, 4)
        else:
            known = ", ".join([*ATTRIBUTES, "family", "theme", "frames", "objects"])
            raise InputError(f"ToyVOS has no dial {name!r}; choose from {known}")
    if "family" in out and "theme" in out:
        family, theme = families.NAMES[out["family"]], themes.NAMES[out["theme"]]
        if family not in themes.THEMES[theme].families:
            homes = ", ".join(n for n, t in themes.THEMES.items() if family in t.families)
            raise InputError(f"a {family} does not live in the theme {theme!r}; choose {homes}")
    return out


def _number(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        words = ', "low" or "high"' if name in ATTRIBUTES else ""
        raise InputError(
            f"the dial {name} is {value!r}; choose a whole number from {low} to {high}{words}"
        )
    return value


def _choice(name: str, value: object, names: tuple[str, ...]) -> int:
    if value not in names:
        raise InputError(f"ToyVOS has no {name} {value!r}; choose from {', '.join(names)}")
    return names.index(value)
