"""The fields of a frozen dataclass as widgets one can edit."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any

import ipywidgets as w

from vosedu.errors import InputError

STYLE = {"description_width": "130px"}


class Form:
    """One widget for each field of `base` that holds a plain value.

    base: an instance of a frozen dataclass. options: field -> the values of a menu; a text without
    options, or with only one, can be typed.
    on_change: called without arguments after every edit.
    """

    def __init__(
        self,
        base: Any,
        options: Mapping[str, Collection[str]],
        on_change: Callable[[], None],
    ) -> None:
        self.base = base
        self._parse: dict[str, Callable[[Any], Any]] = {}
        self.fields: dict[str, w.ValueWidget] = {}
        for field in fields(base):
            value, optional = getattr(base, field.name), "None" in str(field.type)
            made = _widget(field.name, value, options.get(field.name, ()), optional)
            if made is not None:
                self.fields[field.name], self._parse[field.name] = made
                self.fields[field.name].observe(lambda _: on_change(), "value")
        self.widget = w.VBox(list(self.fields.values()))

    @property
    def changes(self) -> dict[str, Any]:
        """The fields whose values differ from the base's; raises InputError for unreadable text."""
        values = {name: self._parse[name](widget.value) for name, widget in self.fields.items()}
        return {name: v for name, v in values.items() if v != getattr(self.base, name)}

    def fill(self, base: Any, changes: Mapping[str, Any]) -> None:
        """Show another base of the same class with some fields replaced."""
        self.base = base
        for name, widget in self.fields.items():
            value = changes.get(name, getattr(base, name))
            shown = value if self._parse[name] is _as_it_is else repr(value)
            if isinstance(widget, w.Dropdown) and shown not in widget.options:
                widget.options = (*widget.options, shown)
            widget.value = shown


def _as_it_is(value: Any) -> Any:
    return value


def _widget(
    name: str, value: Any, options: Collection[str], optional: bool
) -> tuple[w.ValueWidget, Callable[[Any], Any]] | None:
    """A widget and what turns its value into the field's; None for a value that is not plain.

    optional: the field also takes None, so its value is typed as in Python.
    """
    common = {"description": name, "style": STYLE}
    kind = None if optional else type(value)
    if kind is bool:
        return w.Checkbox(value, indent=True, **common), _as_it_is
    if kind is int:
        return w.IntText(value, **common), _as_it_is
    if kind is float:
        return w.FloatText(value, **common), _as_it_is
    if kind is str:
        menu = tuple(dict.fromkeys((*options, value)))
        if len(menu) > 1:
            return w.Dropdown(options=menu, value=value, **common), _as_it_is
        return w.Text(value, continuous_update=False, **common), _as_it_is
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError):
        return None

    def parse(text: str) -> Any:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError) as error:
            raise InputError(
                f"'{text}' is no value for {name}; write it as in Python, for example {value!r}"
            ) from error

    return w.Text(repr(value), continuous_update=False, **common), parse
