"""Values of settings, checked when a settings object is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from vosedu.errors import InputError

LARGEST_SIDE = 4096  # pixels


def check_fields(settings: Any, least: Mapping[str, float] | None = None) -> None:
    """Raise InputError unless the fields of a dataclass hold values of their declared types.

    For `__post_init__`. Numbers must be finite, and at least what `least` says of their field (of
    each entry, for tuples). A field called `size` holds height and width, each 1 to LARGEST_SIDE
    pixels. Fields of other types than numbers, texts, truth values and tuples of them are left
    alone.
    """
    for field in fields(settings):
        value, hint = getattr(settings, field.name), _hints(type(settings))[field.name]
        if not _fits(value, hint):
            raise InputError(
                f"{field.name} is {value!r}, but it takes {_words(hint)}; change that setting"
            )
        numbers = value if isinstance(value, tuple) else (value,)
        low = (least or {}).get(field.name, 1 if field.name == "size" else -math.inf)
        for number in numbers:
            if not isinstance(number, int | float) or isinstance(number, bool):
                continue
            if not math.isfinite(number) or number < low:
                bound = "a finite number" if low == -math.inf else f"{low:g} or more"
                raise InputError(f"{field.name} is {value!r}; give {bound}")
            if field.name == "size" and number > LARGEST_SIDE:
                raise InputError(
                    f"size is {value!r}; give a height and a width of at most {LARGEST_SIDE} pixels"
                )


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a declared type; True for types that are not checked."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if hint is NoneType:
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if Ellipsis in inner:
            return all(_fits(each, inner[0]) for each in value)
        return len(value) == len(inner) and all(map(_fits, value, inner))
    return True


def _words(hint: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_words(each) for each in inner)
    if origin is tuple:
        some = [each for each in inner if each is not Ellipsis]
        many = "any number of values" if Ellipsis in inner else f"{len(some)} values"
        return f"a tuple of {many} ({_words(some[0])})" if some else "a tuple"
    words = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}
    return words.get(hint, "None" if hint is NoneType else str(hint))
