"""From a scene to a clip: motion blur, labels, exact flow, occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.toyvos.affine import compose, invert
from vosedu.toyvos.scene import Scene
from vosedu.toyvos.stage import Drawn, Options, SceneStage

SMALLEST, LARGEST = 64, 480
_MOST_SUBFRAMES = 7


@dataclass(frozen=True)
class ToyClip(Clip):
    """A rendered clip with what real data lacks.

    flow: T-1 forward fields, exact; `flow_valid[t]` is False where the background is dynamic
    (water, foliage): there the field holds the camera's part only. occlusion: T-1 maps, True
    where the pixel of frame t is not seen in frame t+1. instances: T maps of ids that persist,
    look-alikes and clutter included (0: scenery); `subjects` maps an instance id to its label.
    visibility: T x objects, by label: the share of what is in the picture that nothing covers.
    """

    occlusion: Sequence[np.ndarray] = ()
    flow_valid: Sequence[np.ndarray] = ()
    instances: Sequence[np.ndarray] = ()
    visibility: np.ndarray | None = None
    subjects: dict[int, int] = field(default_factory=dict)
    scene: Scene | None = None

    def cut(self, start: int, stop: int) -> ToyClip:
        """The clip of frames start .. stop - 1, with everything known about them."""
        visibility = None if self.visibility is None else self.visibility[start:stop]
        return replace(
            super().cut(start, stop),
            occlusion=self.occlusion[start : stop - 1],
            flow_valid=self.flow_valid[start : stop - 1],
            instances=self.instances[start:stop],
            visibility=visibility,
        )


def default_width(height: int) -> int:
    """The even width closest to 5/3 of the height."""
    return 2 * round(height * 5 / 6)


def check_size(height: int, width: int | None) -> tuple[int, int]:
    """Height and width of a picture, or InputError."""
    width = default_width(height) if width is None else width
    for name, value in (("height", height), ("width", width)):
        if value != int(value) or value % 2:
            raise InputError(f"ToyVOS cannot be rendered at {name} {value}; choose an even number")
        if value < SMALLEST:
            raise InputError(
                f"ToyVOS cannot be rendered at {name} {value}; choose {SMALLEST} or more"
            )
    if height > LARGEST or width > 3 * height:
        raise InputError(
            f"ToyVOS cannot be rendered at {height} x {width}; choose a height of at most "
            f"{LARGEST} and a width of at most three heights"
        )
    return int(height), int(width)


def render(
    scene: Scene,
    height: int = 96,
    width: int | None = None,
    frames: int | None = None,
    *,
    blur: bool = True,
    shadow: bool = True,
    appearance: bool = True,
    dynamic: bool = True,
    name: str | None = None,
) -> ToyClip:
    """Render a scene.

    height, width: even, 64..480 pixels high (width: 5/3 of the height unless given). frames: only
    the first so many. The switches turn off motion blur, shadows, appearance and light change, and
    moving water and foliage; with all four off, warping frame t+1 by `flow[t]` gives frame t
    outside `occlusion[t]`.
    """
    height, width = check_size(height, width)
    count = scene.frames if frames is None else frames
    if not 1 <= count <= scene.frames:
        raise InputError(
            f"the scene has {scene.frames} frames, not {count}; choose 1 to {scene.frames}"
        )
    stage = SceneStage(scene, height, width, Options(blur, shadow, appearance, dynamic))
    pictures, maps, drawn, visible = [], [], [], []
    for t in range(count):
        rgb, surfaces, where = frame_at(stage, t)
        pictures.append(rgb)
        maps.append(surfaces)
        visible.append(stage.visibility(surfaces))
        drawn.append(where)
    flow, occlusion, valid = [], [], []
    for t in range(count - 1):
        field_ = _flow(stage, maps[t], drawn[t], drawn[t + 1])
        flow.append(field_)
        occlusion.append(_occluded(stage, maps[t], maps[t + 1], field_))
        valid.append(stage.steady.take(maps[t]))
    instances = [stage.instance_of.take(m) for m in maps]
    labels = {t: stage.label_of.take(m) for t, m in enumerate(maps)}
    clip = ToyClip(
        name or f"toyvos-{scene.digest()[:8]}",
        pictures,
        labels,
        flow,
        occlusion=occlusion,
        flow_valid=valid,
        instances=instances,
        visibility=np.stack(visible),
        subjects={k + 1: a.label for k, a in enumerate(scene.actors) if a.label},
        scene=scene,
    )
    return clip


def frame_at(stage: SceneStage, t: int) -> tuple[np.ndarray, np.ndarray, dict[int, Drawn]]:
    """One exposed frame; surfaces and maps belong to the middle of the exposure.

    The picture is H x W x 3 uint8, the surfaces are H x W numbers of `SceneStage`.
    """
    rgb, surfaces, drawn = stage.instant(t, True)
    shutter = stage.scene.shutter / 100 if stage.options.blur else 0.0
    count = min(_subframes(stage, t, shutter, drawn), _MOST_SUBFRAMES)
    if count > 1:
        for k in range(count):
            offset = ((k + 0.5) / count - 0.5) * shutter
            if offset:
                rgb += stage.instant(t + offset, False)[0]
    assert surfaces is not None
    # the middle instant is one of an odd number of sub-frames, one more than an even number
    taken = 1 if count <= 1 else count + 1 - count % 2
    light = np.append(np.asarray(stage.scene.light) / (1000 * taken), 0.0)
    picture = cv2.transform(rgb, np.diag(light)[:3])
    picture += 0.5
    np.clip(picture, 0, 255, out=picture)
    return picture.astype(np.uint8), surfaces.astype(np.intp), drawn


def _subframes(stage: SceneStage, t: float, shutter: float, now: dict[int, Drawn]) -> int:
    """As many instants as the fastest surface moves pixels while the shutter is open."""
    if not shutter:
        return 1
    later = stage.where(t + 0.5)
    fastest = 0.0
    for number, a in now.items():
        b = later[number]
        fastest = max(fastest, abs(b.map[2] - a.map[2]), abs(b.map[5] - a.map[5]))
    return int(np.ceil(2 * fastest * shutter / 1.2))


def field_at(stage: SceneStage, t: int) -> np.ndarray:
    """The exact flow from frame t to the next: H x W x 2 float32, pixels."""
    _, surfaces, now = stage.instant(t, True)
    assert surfaces is not None
    return _flow(stage, surfaces.astype(np.intp), now, stage.where(t + 1))


def _flow(
    stage: SceneStage, surfaces: np.ndarray, now: dict[int, Drawn], later: dict[int, Drawn]
) -> np.ndarray:
    """H x W x 2 float32: where each pixel's material is in the next frame, minus where it is."""
    table = np.zeros((len(stage.instance_of), 6), np.float32)
    waves = []
    for number, surface in now.items():
        step = compose(later[number].map, invert(surface.map))
        table[number] = (step[0] - 1, step[1], step[2], step[3], step[4] - 1, step[5])
        if surface.wave is not None:
            waves.append(number)
    a, b, c, d, e, f = (column.take(surfaces) for column in np.ascontiguousarray(table.T))
    x, y = stage.pixels
    flow = np.dstack([a * x + b * y + c, d * x + e * y + f])
    for number in waves:
        rows, columns = np.nonzero(surfaces == number)
        if len(rows):
            flow[rows, columns] = _wave_flow(now[number], later[number], columns, rows)
    return flow


def _wave_flow(now: Drawn, later: Drawn, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    a, b, c, d, e, f = invert(now.map)
    u, v = a * x + b * y + c, d * x + e * y + f
    assert now.wave is not None and later.wave is not None
    if now.wave.along == 0:
        v += later.wave.shift(u) - now.wave.shift(u)
    else:
        u += later.wave.shift(v) - now.wave.shift(v)
    a, b, c, d, e, f = later.map
    return np.stack([a * u + b * v + c - x, d * u + e * v + f - y], -1)


def _occluded(
    stage: SceneStage, surfaces: np.ndarray, later: np.ndarray, flow: np.ndarray
) -> np.ndarray:
    """True where the nearest pixel of the next frame shows another surface, or there is none."""
    x, y = stage.pixels
    target = cv2.remap(
        later.astype(np.int16),
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-1,
    )
    return target != surfaces
