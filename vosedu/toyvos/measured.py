"""The 15 DAVIS attributes measured from a rendered clip.

Where DAVIS gives a measurable definition (FM, LR, SV, OV; BC by histograms, EA by edge strength)
it is used; where annotators decided, `RULES` says what is measured and where the line is drawn.
All objects of a clip are merged, as in DAVIS-2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vosedu.toyvos.render import ToyClip


@dataclass(frozen=True)
class Rule:
    """What is measured and when the attribute is given: above (`sign` 1) or below (-1) the line."""

    measure: str
    sign: int
    line: float
    source: str


_D, _O = "DAVIS", "ours"
RULES: dict[str, Rule] = {
    "AC": Rule("largest change of the object's mean Lab colour, in Lab units", 1, 14.0, _O),
    "BC": Rule(
        "chi-squared distance of colour histograms inside and outside the boundary",
        -1,
        0.42,
        "DAVIS's measure, our line",
    ),
    "CS": Rule(
        "mean change of the background's flow from frame to frame, in heights", 1, 0.006, _O
    ),
    "DB": Rule("share of the background that moves by itself", 1, 0.08, _O),
    "DE": Rule("flow left over after an affine fit, in object widths per frame", 1, 0.0072, _O),
    "EA": Rule(
        "Lab contrast across the boundary, in Lab units",
        -1,
        40.0,
        "DAVIS's idea (edge strength), our line",
    ),
    "FM": Rule("mean motion of the centroid per frame, in heights", 1, 20 / 480, _D),
    "HO": Rule("spread of the object's colours (a and b of Lab), in Lab units", 1, 17.0, _O),
    "IO": Rule("share of frames in which two objects touch", 1, 0.5, _O),
    "LR": Rule("mean area of the bounding box, share of the picture", -1, 0.1, _D),
    "MB": Rule("length of the object's path while the shutter is open, in heights", 1, 0.02, _O),
    "OC": Rule("largest share of an object that something covers", 1, 0.15, _O),
    "OV": Rule(
        "longest contact with the picture's border, in object widths",
        1,
        0.5,
        "DAVIS's definition, our line",
    ),
    "SC": Rule("perimeter squared over 4 pi area", 1, 3.4, _O),
    "SV": Rule("smallest bounding box over the largest", -1, 0.5, _D),
}


def attributes(clip: ToyClip) -> frozenset[str]:
    """The codes of the attributes that the clip has."""
    values = measure(clip)
    return frozenset(c for c, r in RULES.items() if r.sign * (values[c] - r.line) > 0)


def measure(clip: ToyClip) -> dict[str, float]:
    """The measured value behind each attribute (nan-free; an unseen object gives zeros)."""
    h, w = clip.size
    masks = [clip.labels[t] > 0 for t in range(len(clip))]
    seen = [t for t, m in enumerate(masks) if m.sum() > 8]
    if not seen:
        return {code: rule.line for code, rule in RULES.items()}
    boxes = np.array([cv2.boundingRect(masks[t].view(np.uint8)) for t in seen], float)
    areas = boxes[:, 2] * boxes[:, 3]
    middles = np.array([[c.mean() for c in np.nonzero(masks[t])] for t in seen])
    steps = np.hypot(*np.diff(middles, axis=0).T) / np.diff(seen) if len(seen) > 1 else np.zeros(1)
    some = seen[:: max(1, len(seen) // 6)]
    colour = [_colours(clip, t, masks[t]) for t in some]
    means = np.array([c["mean"] for c in colour])
    apart = np.linalg.norm(means[:, None] - means[None], axis=-1)
    motion = _motion(clip, masks, seen)
    return {
        "AC": float(apart.max()),
        "BC": float(np.mean([c["histograms"] for c in colour])),
        "EA": float(np.mean([c["edge"] for c in colour])),
        "HO": float(np.mean([c["spread"] for c in colour])),
        "FM": float(np.mean(steps)) / h,
        "LR": float(areas.mean()) / (h * w),
        "SV": float(areas.min() / areas.max()),
        "OV": max(_border(masks[t]) for t in seen),
        "SC": float(np.mean([_complexity(masks[t]) for t in some])),
        "IO": float(np.mean([_touching(clip.labels[t]) for t in seen])),
        **motion,
    }


def _colours(clip: ToyClip, t: int, mask: np.ndarray) -> dict[str, np.ndarray | float]:
    lab = cv2.cvtColor(clip.frames[t], cv2.COLOR_RGB2LAB)
    m = mask.astype(np.uint8)
    r = max(2, round(0.03 * clip.size[0]))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
    inner = m & ~cv2.erode(m, disc, borderValue=1)
    outer = cv2.dilate(m, disc) & ~m
    inside, outside = (_histogram(lab, ring) for ring in (inner, outer))
    gap = 0.5 * float(((inside - outside) ** 2 / (inside + outside + 1e-9)).sum())
    values = lab[mask].astype(np.float32)
    inward = cv2.blur(lab.astype(np.float32) * m[..., None], (2 * r + 1, 2 * r + 1))
    weight = cv2.blur(m.astype(np.float32), (2 * r + 1, 2 * r + 1))
    around = cv2.blur(lab.astype(np.float32), (2 * r + 1, 2 * r + 1)) - inward
    edge = (m & ~cv2.erode(m, np.ones((3, 3), np.uint8), borderValue=1)) > 0
    edge &= (weight > 0.1) & (weight < 0.9)
    one, two = inward[edge] / weight[edge][:, None], around[edge] / (1 - weight[edge])[:, None]
    contrast = float(np.linalg.norm(one - two, axis=-1).mean()) if edge.any() else 0.0
    return {
        "mean": values.mean(0),
        "spread": float(np.linalg.norm(values[:, 1:].std(0))),
        "histograms": gap,
        "edge": contrast,
    }


def _histogram(lab: np.ndarray, ring: np.ndarray) -> np.ndarray:
    parts = [
        cv2.calcHist([lab], [c], ring, [12], r).ravel()
        for c, r in ((0, [0, 256]), (1, [80, 176]), (2, [80, 176]))
    ]
    h = np.concatenate(parts)
    return h / max(float(h.sum()), 1.0)


def _border(mask: np.ndarray) -> float:
    sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return max(int(s.sum()) for s in sides) / float(np.sqrt(mask.sum()))


def _complexity(mask: np.ndarray) -> float:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(o, True) for o in outlines)
    return length**2 / (4 * np.pi * float(mask.sum()))


def _touching(labels: np.ndarray) -> bool:
    ids = [i for i in np.unique(labels) if i]
    if len(ids) < 2:
        return False
    grown = [cv2.dilate((labels == i).astype(np.uint8), np.ones((3, 3), np.uint8)) for i in ids]
    return bool((np.sum(grown, axis=0) > 1).any())


def _motion(clip: ToyClip, masks: list[np.ndarray], seen: list[int]) -> dict[str, float]:
    h = clip.size[0]
    assert clip.flow is not None and clip.scene is not None and clip.visibility is not None
    left, lengths, background, alive = [], [], [], []
    y, x = np.mgrid[0 : clip.size[0], 0 : clip.size[1]].astype(np.float32)
    for t, field in enumerate(clip.flow):
        scenery = clip.instances[t] == 0
        background.append(np.median(field[scenery], axis=0))
        alive.append(1 - float(clip.flow_valid[t][scenery].mean()))
        if t not in seen:
            continue
        own = masks[t]
        lengths.append(float(np.median(np.hypot(*field[own].T))))
        for instance in clip.subjects:
            one = clip.instances[t] == instance
            if one.sum() < 24:
                continue
            a = np.stack([x[one], y[one], np.ones(int(one.sum()), np.float32)], 1)
            fit = a @ np.linalg.lstsq(a, field[one], rcond=None)[0]
            left.append(
                float(np.sqrt(((field[one] - fit) ** 2).sum(-1).mean()) / np.sqrt(one.sum()))
            )
    shake = np.diff(np.array(background), axis=0)
    return {
        "CS": float(np.linalg.norm(shake, axis=-1).mean()) / h if len(shake) else 0.0,
        "DB": float(np.mean(alive)) if alive else 0.0,
        "DE": float(np.mean(left)) if left else 0.0,
        "MB": float(np.mean(lengths)) * clip.scene.shutter / 100 / h if lengths else 0.0,
        "OC": 1 - float(clip.visibility.min()),
    }
