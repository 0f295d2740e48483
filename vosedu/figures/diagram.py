"""A network drawn as boxes and arrows, both read from one run of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, is_dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from itertools import islice, pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

OUTPUT = "output"
FILLS = {"input": "#e6f0f8", "part": "white", "output": "#e7f3ec"}
LONG = 15  # letters of a name in one line
LINE = 0.105  # inches for a line of a box
ROUNDS = 8  # of ordering the boxes of a column by their neighbours
WIDE, TALL = 0.8, 0.72  # of a box, as shares of its column and row


@dataclass
class Box:
    """One box. kind: a key of `FILLS`. shapes: of what its calls returned, without the batch."""

    name: str
    kind: str = "part"
    words: str = ""
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    parameters: int = 0
    modules: int = 1

    @property
    def heading(self) -> list[str]:
        """The name, a long one broken at a dot."""
        lines = [""]
        for word in self.name.replace(".", "\0.").split("\0"):
            if lines[-1] and len(lines[-1] + word) > LONG:
                lines.append("")
            lines[-1] += word
        return lines

    @property
    def lines(self) -> list[str]:
        """Name, words, shapes, and the number of parameters and of calls."""
        shapes = list(dict.fromkeys(" x ".join(map(str, shape)) for shape in self.shapes))
        if len(shapes) > 2:
            shapes = [f"{shapes[0]} ...", shapes[-1]]
        calls = len(self.shapes) // self.modules if self.kind == "part" else 1
        counted = f"{self.parameters:,} weights" if self.parameters else ""
        times = f"called {calls} times" if calls > 1 else ""
        return [line for line in (*self.words.split("\n"), *shapes, counted, times) if line]


@dataclass(frozen=True)
class Graph:
    """Boxes by name, in the order of their first call, and which box's result reaches which."""

    boxes: Mapping[str, Box]
    arrows: frozenset[tuple[str, str]]


def architecture(
    model: nn.Module,
    run: Callable[..., Any],
    inputs: Mapping[str, Tensor],
    parts: Mapping[str, str],
    *,
    width: float = 10.0,
) -> Figure:
    """Draw what `run(*inputs)` does: a box for each part, an arrow where a result goes to a part.

        architecture(model, model.forward, {"frame a": a, "frame b": b},
                {"embedding": "V", "coattention": "Z", "head": "Y"})

    Shapes, numbers of parameters, numbers of calls and arrows are those of the run; see `traced`.
    parts: module path, or a pattern such as "decoder.*" for several modules in one box -> words
    below its name. width: of the figure, in inches.
    """
    return drawn(traced(model, run, inputs, parts), width)


def traced(
    model: nn.Module,
    run: Callable[..., Any],
    inputs: Mapping[str, Tensor],
    parts: Mapping[str, str],
) -> Graph:
    """Run once and say which part's result reaches which part, with no other part between.

    Every operation between the parts is followed, also where no gradient flows. KeyError: a part
    that names no module, or one that the run does not call.
    """
    boxes = {name: Box(name, "input", shapes=[tuple(x.shape[1:])]) for name, x in inputs.items()}
    arrows: set[tuple[str, str]] = set()
    with ExitStack() as hooks, torch.no_grad(), _Origins() as origins:
        for pattern, words in parts.items():
            modules = [m for path, m in model.named_modules() if fnmatchcase(path, pattern)]
            if not modules:
                raise KeyError(f"{type(model).__name__} has no module '{pattern}'")
            count = sum(p.numel() for m in modules for p in m.parameters())
            box = Box(pattern, words=words, parameters=count, modules=len(modules))
            for module in modules:
                for handle in _hooked(module, box, boxes, arrows, origins):
                    hooks.callback(handle.remove)
        given = [origins.begin(x, name) for name, x in inputs.items()]
        result = run(*given)
        arrows |= {(before, OUTPUT) for before in origins.of(result)}
    if silent := [pattern for pattern in parts if pattern not in boxes]:
        raise KeyError(f"the run does not call {', '.join(silent)}")
    shapes = [tuple(x.shape[1:]) for x in _tensors(result)]
    boxes[OUTPUT] = Box(OUTPUT, "output", shapes=shapes)
    return Graph(boxes, frozenset((a, b) for a, b in arrows if a != b))


class _Origins(TorchFunctionMode):
    """Inside, it knows of every tensor from which boxes' results it was computed."""

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[int, frozenset[str]] = {}
        self._kept: list[Tensor] = []  # a tensor that is gone would lend its id to another

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        before = self.of((args, kwargs))
        for tensor in _tensors(args[0] if func is Tensor.__setitem__ else result):
            self._note(tensor, before)
        return result

    def of(self, value: Any) -> frozenset[str]:
        """The boxes that the tensors in nested lists, tuples and mappings come from."""
        known = (self._of.get(id(tensor), frozenset()) for tensor in _tensors(value))
        return frozenset().union(*known)

    def begin(self, value: Any, name: str) -> Any:
        """The same tensors as new objects, which come from the box of that name alone."""

        def fresh(tensor: Tensor) -> Tensor:
            tensor = tensor.view_as(tensor)
            self._note(tensor, frozenset((name,)))
            return tensor

        return _mapped(fresh, value)

    def _note(self, tensor: Tensor, names: frozenset[str]) -> None:
        self._of[id(tensor)] = names
        self._kept.append(tensor)


def _hooked(
    module: nn.Module,
    box: Box,
    boxes: dict[str, Box],
    arrows: set[tuple[str, str]],
    origins: _Origins,
) -> Iterator[RemovableHandle]:
    """Hooks that note where a module's inputs come from, and that its results come from it."""

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        boxes.setdefault(box.name, box)
        arrows.update((name, box.name) for name in origins.of((args, kwargs)))

    def after(_: nn.Module, args: Any, result: Any) -> Any:
        box.shapes += [tuple(x.shape[1:]) for x in islice(_tensors(result), 1)]
        return origins.begin(result, box.name)

    yield module.register_forward_pre_hook(before, with_kwargs=True)
    yield module.register_forward_hook(after)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _tensors([getattr(value, each.name) for each in fields(value)])


def _mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(change, each) for each in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(change, each) for each in value)
    return value


def drawn(graph: Graph, width: float = 10.0) -> Figure:
    """The graph from left to right: a box stands one column after the last that it hears."""
    onward, back = _directed(graph)
    column = _columns(graph.boxes, onward)
    ways = [_way(a, b, column) for a, b in onward]
    ways += [_way(b, a, column)[::-1] for a, b in back if (b, a) not in onward]
    place = _places(_ordered(graph.boxes, column, ways))
    rows = 1 + max(y for _, y in place.values())
    across = 1 + max(column.values())
    lines = max(len(box.heading) + len(box.lines) for box in graph.boxes.values())
    figure = plt.figure(figsize=(width, rows * (0.3 + LINE * lines)))
    plt.close(figure)  # so that it is shown only where it is returned to
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.5, across - 0.5), ylim=(rows - 0.5, -0.5))
    axes.set_axis_off()
    words = ", ".join(f"{a} to {b}" for a, b in [*onward, *back])
    axes.set_xlabel(f"a diagram with the arrows {words}")  # not drawn: its alternative text
    for way in ways:
        _arrow(axes, [place[stop] for stop in way], both=(way[-1], way[0]) in back)
    size = min(8.5, 72 * width / across * WIDE / (0.68 * _letters(graph.boxes.values())))
    for name, box in graph.boxes.items():
        _box(axes, box, place[name], size)
    return figure


def _letters(boxes: Iterable[Box]) -> float:
    """The longest line, in letters of a name's size; the other lines are smaller."""
    names = max(len(line) for box in boxes for line in box.heading)
    return max(names, max(0.8 * len(line) for box in boxes for line in box.lines))


Arrow = tuple[str, str]
Stop = Any  # a box's name, or (from, to, column) where an arrow passes a column


def _directed(graph: Graph) -> tuple[list[Arrow], list[Arrow]]:
    """The arrows of which none closes a circle, those of the first calls first, and the others."""
    order = {name: number for number, name in enumerate(graph.boxes)}
    arrows = sorted(
        graph.arrows, key=lambda e: (order[e[0]] > order[e[1]], order[e[0]], order[e[1]])
    )
    onward: list[Arrow] = []
    back: list[Arrow] = []
    for arrow in arrows:
        try:
            _sorted(graph.boxes, [*onward, arrow])
            onward.append(arrow)
        except CycleError:
            back.append(arrow)
    return onward, back


def _sorted(boxes: Iterable[str], arrows: Iterable[Arrow]) -> list[str]:
    """The boxes, each after those that it hears."""
    before: dict[str, list[str]] = {name: [] for name in boxes}
    for a, b in arrows:
        before[b].append(a)
    return list(TopologicalSorter(before).static_order())


def _columns(boxes: Mapping[str, Box], arrows: Sequence[Arrow]) -> dict[str, int]:
    column: dict[str, int] = {}
    for name in _sorted(boxes, arrows):
        column[name] = 1 + max((column[a] for a, b in arrows if b == name), default=-1)
    for name, box in boxes.items():  # an input stands just before the part that takes it
        after = [column[b] for a, b in arrows if a == name]
        if box.kind == "input" and after:
            column[name] = min(after) - 1
    column[OUTPUT] = max(column.values())
    return column


def _way(a: str, b: str, column: Mapping[str, int]) -> list[Stop]:
    return [a, *((a, b, c) for c in range(column[a] + 1, column[b])), b]


def _ordered(
    boxes: Iterable[str], column: Mapping[str, int], ways: Sequence[Sequence[Stop]]
) -> list[list[Stop]]:
    """What stands in each column, from top to bottom, with few crossings of arrows."""
    layers: list[list[Stop]] = [[] for _ in range(1 + max(column.values()))]
    for name in boxes:
        layers[column[name]].append(name)
    near: dict[Stop, list[Stop]] = defaultdict(list)
    for way in ways:
        for stop in way[1:-1]:
            layers[stop[2]].append(stop)
        for one, other in pairwise(way):
            near[one].append(other)
            near[other].append(one)
    for number in range(ROUNDS):
        height = {s: (i + 0.5) / len(layer) for layer in layers for i, s in enumerate(layer)}
        for layer in layers if number % 2 else reversed(layers):
            mean = {s: np.mean([height[n] for n in near[s]] or [height[s]]) for s in layer}
            layer.sort(key=mean.__getitem__)
            height |= {s: (i + 0.5) / len(layer) for i, s in enumerate(layer)}
    return layers


def _places(layers: Sequence[Sequence[Stop]]) -> dict[Stop, tuple[float, float]]:
    """Column and row of everything; a passing arrow takes half the room of a box."""
    room = [[1.0 if isinstance(stop, str) else 0.5 for stop in layer] for layer in layers]
    most = max(map(sum, room))
    place = {}
    for x, (layer, sizes) in enumerate(zip(layers, room)):
        y = (most - sum(sizes)) / 2 - 0.5
        for stop, size in zip(layer, sizes):
            place[stop] = (float(x), y + size / 2)
            y += size
    return place


def _arrow(axes: Any, stops: Sequence[tuple[float, float]], both: bool) -> None:
    half = WIDE / 2
    (x0, y0), (x1, y1) = stops[0], stops[-1]
    points = [(x0 + half, y0)]
    for x, y in stops[1:-1]:
        points += [(x - half, y), (x + half, y)]
    points.append((x1 - half, y1))
    corners, codes = [points[0]], [Path.MOVETO]
    for (xa, ya), (xb, yb) in pairwise(points):
        middle = (xa + xb) / 2
        corners += [(middle, ya), (middle, yb), (xb, yb)]
        codes += [Path.CURVE4] * 3
    look = {"edgecolor": "0.45", "facecolor": "none", "linewidth": 0.9}
    axes.add_patch(PathPatch(Path(corners, codes), zorder=1, **look))
    tips = [(points[-1], "right"), *([(points[0], "left")] if both else [])]
    for (x, y), side in tips:
        axes.plot(x, y, marker=9 if side == "right" else 8, color="0.45", markersize=5, zorder=3)


def _box(axes: Any, box: Box, place: tuple[float, float], size: float) -> None:
    x, y = place
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDE / 2, y - TALL / 2 - 0.1),
            WIDE,
            TALL + 0.2,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=FILLS[box.kind],
            edgecolor="0.3",
            linewidth=0.9,
            zorder=2,
        )
    )
    lines = [*box.heading, *box.lines]
    step = (TALL + 0.12) / max(len(lines), 4)
    for number, line in enumerate(lines):
        name = number < len(box.heading)
        axes.text(
            x,
            y + (number - (len(lines) - 1) / 2) * step,
            line,
            fontsize=size if name else 0.85 * size,
            fontweight="bold" if name else "normal",
            ha="center",
            va="center",
            zorder=4,
        )
