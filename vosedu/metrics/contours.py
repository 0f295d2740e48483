"""From a mask to the simplified polygon along its pixel edges that T compares."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np

from vosedu.metrics.masks import binary

# Tolerances of the two simplifications, on doubled coordinates: 0.05 and 1.5 pixels.
TOLERANCES = (0.1, 3.0)
LONGEST_SEGMENT = 3.0
UP, LEFT, DOWN, RIGHT = 1, 2, 4, 8
BACK = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}


def longest_contour(mask: np.ndarray) -> np.ndarray | None:
    """The contour of a mask with the most vertices, closed, as N x 2 float32 (x, y) in pixels.

    Contours follow pixel edges, are simplified to 1.5 pixels and then cut into segments of at most
    3 pixels. They are walked with the foreground on the right: outer contours clockwise on screen,
    holes the other way. All compete, the last of equally long ones wins. None where every contour
    vanishes in the simplification (objects of one or two pixels, an empty mask).
    """
    mask = binary(mask)
    longest = None
    for contour in trace(mask):
        points = contour * 2
        for tolerance in TOLERANCES:
            points = _simplify(points, tolerance)
        if len(points) > 3 and (longest is None or len(points) >= len(longest)):
            longest = points if _foreground_right(mask, contour) else points[::-1]
    return None if longest is None else _upsample(longest / 2)


def trace(mask: np.ndarray) -> list[np.ndarray]:
    """Closed contours of an H x W mask of 0 and 1, each N x 2 int64 (x, y) pixel corners.

    A contour starts at its first corner in raster order, runs down, and repeats that corner at the
    end. Where pixels touch diagonally four edges meet; such junctions cut contours into pieces,
    which are then put together in the order of the official tool.
    """
    links, stride = _links(mask)
    junctions = np.flatnonzero(links == (UP | LEFT | DOWN | RIGHT)).tolist()
    walker = _Walker(links, stride, set(junctions))
    pieces = [
        walker.walk(junction, direction)
        for junction in reversed(junctions)
        for direction in (UP, LEFT, DOWN, RIGHT)
        if walker.links[junction] & direction
    ]
    contours = _put_together(pieces)
    for corner in np.flatnonzero(links).tolist():
        if walker.links[corner]:
            contours.append(walker.walk(corner, DOWN))
    return [np.stack(np.divmod(contour, stride)[::-1], axis=1) for contour in contours]


def _links(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """For each pixel corner in raster order, which of its four edges lie on a contour, as bits."""
    framed = np.pad(mask, 1)
    across = framed[:-1] != framed[1:]
    down = framed[:, :-1] != framed[:, 1:]
    links = (
        down[:-1] * UP + across[:, :-1] * LEFT + down[1:] * DOWN + across[:, 1:] * RIGHT
    ).astype(np.uint8)
    return links.ravel(), links.shape[1]


class _Walker:
    """Walks along contours from corner to corner and takes up the edges behind it."""

    def __init__(self, links: np.ndarray, stride: int, junctions: set[int]) -> None:
        self.links = bytearray(links.tobytes())
        self.step = {UP: -stride, LEFT: -1, DOWN: stride, RIGHT: 1}
        self.junctions = junctions

    def walk(self, corner: int, direction: int) -> list[int]:
        """The corners up to the next junction, or once around."""
        links, start, corners = self.links, corner, [corner]
        while True:
            links[corner] ^= direction
            corner += self.step[direction]
            links[corner] ^= BACK[direction]
            corners.append(corner)
            if corner == start or corner in self.junctions:
                return corners
            direction = links[corner]


def _put_together(pieces: list[list[int]]) -> list[list[int]]:
    """Pieces between junctions -> closed contours.

    From the end of a piece the walk goes on with the first unused piece, forwards or backwards,
    that does not go straight on. Coming back to a junction of its path closes a contour.
    """
    touching = defaultdict(list)  # junction -> pieces that end there, in order
    for k, piece in enumerate(pieces):
        for junction in {piece[0], piece[-1]}:
            touching[junction].append(k)
    unused, contours = dict.fromkeys(range(len(pieces))), []
    while unused:
        first = next(iter(unused))
        del unused[first]
        path, position = [pieces[first]], {pieces[first][0]: 0}
        while path:
            end, before = path[-1][-1], path[-1][-2]
            if end in position:
                loop = path[position[end] :]
                del path[position[end] :]
                for piece in loop:
                    del position[piece[0]]
                contours.append([end, *(corner for piece in loop for corner in piece[1:])])
                continue
            k, piece = next(
                (k, way)
                for k in touching[end]
                if k in unused
                for way in (pieces[k], pieces[k][::-1])
                if way[0] == end and way[1] - end != end - before
            )
            del unused[k]
            position[end] = len(path)
            path.append(piece)
    return contours


def _foreground_right(mask: np.ndarray, contour: np.ndarray) -> bool:
    """Whether a walk along the contour has the object on its right-hand side."""
    (x, y), (dx, dy) = contour[0], contour[1] - contour[0]
    column, row = x + (dx - dy - 1) // 2, y + (dx + dy - 1) // 2
    height, width = mask.shape
    return bool(0 <= row < height and 0 <= column < width and mask[row, column])


def _simplify(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Radial reduction, then Douglas-Peucker; first and last point always stay."""
    return _douglas_peucker(_thin(points, tolerance), tolerance)


def _thin(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Drop points closer than the tolerance to the last one kept."""
    steps = np.diff(points, axis=0)
    if ((steps**2).sum(1) >= tolerance**2).all():
        return points
    kept, (x, y) = [0], points[0].tolist()
    for index, (u, v) in enumerate(points[1:-1].tolist(), 1):
        if (u - x) ** 2 + (v - y) ** 2 >= tolerance**2:
            kept.append(index)
            x, y = u, v
    return points[[*kept, len(points) - 1]]


def _douglas_peucker(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Keep the point farthest from each segment, the last of equals, where it exceeds tolerance."""
    xs, ys = points.astype(float).T
    kept = np.zeros(len(points), bool)
    kept[[0, -1]] = True
    open_parts = [(0, len(points) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        distances = _squared_distances(
            xs[inner] - xs[first], ys[inner] - ys[first], xs[last] - xs[first], ys[last] - ys[first]
        )
        far = len(distances) - 1 - int(distances[::-1].argmax())
        if distances[far] > tolerance**2:
            split = first + 1 + far
            kept[split] = True
            open_parts += [(first, split), (split, last)]
    return points[kept]


def _squared_distances(x: np.ndarray, y: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """From points (x, y) to the segment (0, 0) - (dx, dy), with the projection in float32."""
    length = dx * dx + dy * dy
    along = x * dx + y * dy
    share = (along / max(length, 1)).astype(np.float32).astype(float)
    share[along <= 0] = 0
    share[along >= length] = 1 if length else 0
    return (x - share * dx) ** 2 + (y - share * dy) ** 2


def _upsample(points: np.ndarray) -> np.ndarray:
    """Cut each segment longer than 3 pixels into equal parts; N x 2 -> M x 2 float32.

    Points are reached by adding up float32 steps: shape contexts have points on the border of two
    sectors, where the last bit decides.
    """
    points = points.astype(np.float32)
    pieces = []
    for start, end in pairwise(points):
        parts = max(1, int(np.ceil(np.hypot(*(end - start)) / LONGEST_SEGMENT)))
        step = (end - start) / np.float32(parts)
        pieces.append(np.cumsum([start] + [step] * (parts - 1), axis=0, dtype=np.float32))
    return np.concatenate([*pieces, points[-1:]])
