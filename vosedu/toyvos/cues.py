"""What an ideal reading of one cue would mark: what moves, what looks alike, all objects.

These predictors read the instance map and the plan of the scene, so they show what a cue is worth
when it is read without error; they bound what a network can reach with that cue alone.
"""

from __future__ import annotations

import math

import numpy as np

from vosedu import metrics
from vosedu.toyvos.motion import Course
from vosedu.toyvos.render import ToyClip
from vosedu.toyvos.scene import Actor, Scene

_STILL = 0.002  # heights per frame; less counts as standing


def every_object(clip: ToyClip, t: int, level: float = 0.0) -> np.ndarray:
    """H x W bool: all objects of frame t, the subject's and the others' (what one frame shows)."""
    return clip.instances[t] > 0


def largest_object(clip: ToyClip, t: int, level: float = 0.0) -> np.ndarray:
    """H x W bool: the object of frame t with most pixels."""
    areas = np.bincount(clip.instances[t].ravel(), minlength=2)
    return clip.instances[t] == 1 + int(areas[1:].argmax())


def central_object(clip: ToyClip, t: int, level: float = 0.0) -> np.ndarray:
    """H x W bool: the object of frame t whose centroid is closest to the picture's centre."""
    h, w = clip.size
    ids = clip.instances[t]
    objects = [k for k in np.unique(ids) if k]
    if not objects:
        return np.zeros((h, w), bool)

    def away(k: int) -> float:
        y, x = np.nonzero(ids == k)
        return math.hypot(y.mean() - h / 2, x.mean() - w / 2)

    return ids == min(objects, key=away)


def what_moves(clip: ToyClip, t: int, level: float = 0.0) -> np.ndarray:
    """H x W bool: the objects that change place or size in the world from frame t to the next.

    In the last frame: from the one before. The camera's motion does not count.
    """
    scene = _scene(clip)
    now = min(t, len(clip) - 2)
    return _marked(clip, t, [k for k, a in enumerate(scene.actors) if _moves(a, scene, now)])


def what_looks_alike(clip: ToyClip, t: int, level: float = 0.0) -> np.ndarray:
    """H x W bool: the objects of the kind and look of a labelled object."""
    actors = _scene(clip).actors
    wanted = {(a.family, a.look) for a in actors if a.label}
    return _marked(clip, t, [k for k, a in enumerate(actors) if (a.family, a.look) in wanted])


def cue_scores(clip: ToyClip) -> np.ndarray:
    """Which cue is right in each frame: T x 2 float32, J of what moves and of what looks alike.

    J is 1 where the cue marks exactly the labelled objects, less where it marks others, 0 where it
    misses them. In `turns` the larger of the two changes sides from stretch to stretch; around a
    change, while objects appear or vanish, both may be low.
    """
    return np.array(
        [
            [
                metrics.region(cue(clip, t), clip.labels[t] > 0)
                for cue in (what_moves, what_looks_alike)
            ]
            for t in range(len(clip))
        ],
        np.float32,
    )


def _scene(clip: ToyClip) -> Scene:
    assert clip.scene is not None
    return clip.scene


def _marked(clip: ToyClip, t: int, actors: list[int]) -> np.ndarray:
    return np.isin(clip.instances[t], [k + 1 for k in actors])


def _moves(actor: Actor, scene: Scene, t: int) -> bool:
    course = Course(actor, scene)
    (x0, y0), (x1, y1) = course.at(t), course.at(t + 1)
    grows = abs(course.presence(t + 1) - course.presence(t)) * actor.size / 1000
    return max(math.hypot(x1 - x0, y1 - y0), grows) > _STILL
