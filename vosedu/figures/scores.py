"""An evaluation in pictures: sequences, frames with the worst ones shown, attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vosedu.clip import VOID, Clip
from vosedu.figures.overlay import COLOURS, outline, overlay
from vosedu.metrics import Scores

COLOUR = {"J": tuple(COLOURS[4] / 255), "F": tuple(COLOURS[0] / 255)}
MARKER = {"J": "-", "F": "--"}


def score_figure(
    scores: Scores,
    clip: Clip | None = None,
    masks: Mapping[int, np.ndarray] | Sequence[np.ndarray] | None = None,
    worst: int = 3,
    most: int = 25,
) -> Figure:
    """One page: per-sequence bars, one clip's frames with the worst as pictures, attributes.

    clip: whose frames are drawn (by default, without pictures, those of the lowest sequence).
    masks: its H x W masks by frame number, drawn over the `worst` frames. most: how many sequences
    the bars show, lowest first.
    """
    name = clip.name if clip is not None else lowest_sequences(scores, 1)[0]
    with_attributes = any(scores.attribute_codes.values())
    with_pictures = clip is not None and masks is not None and worst > 0
    figure = plt.figure(figsize=(11, 6.4), layout="constrained")
    plt.close(figure)  # so that it is shown only where it is returned to
    left, right = figure.subfigures(1, 2, width_ratios=(2, 3))
    sequence_bars(left.subplots(), scores, most)
    heights = [3] + [2] * with_pictures + [3] * with_attributes
    parts = right.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0].tolist()
    frame_curves(parts.pop(0).subplots(), scores, name)
    if with_pictures:
        row = parts.pop(0).subplots(1, worst, squeeze=False)[0]
        worst_frames(row, scores, clip, masks)
    if with_attributes:
        attribute_bars(parts.pop(0).subplots(), scores)
    return figure


def lowest_sequences(scores: Scores, count: int) -> list[str]:
    """Names of the sequences with the lowest mean J, lowest first."""
    return scores.sequences["J-Mean"].sort_values(kind="stable").index[:count].tolist()


def sequence_bars(axes: Axes, scores: Scores, most: int = 25) -> None:
    """Mean J and F of each sequence, lowest on top; lines mark the means over all."""
    names = lowest_sequences(scores, most)
    table = scores.sequences.loc[names]
    measures = scores.protocol.measures
    rows, height = np.arange(len(names)), 0.8 / len(measures)
    for k, measure in enumerate(measures):
        offset = (k - (len(measures) - 1) / 2) * height
        values = table[f"{measure}-Mean"]
        axes.barh(rows + offset, values, height, color=COLOUR[measure], label=measure)
        axes.axvline(
            scores.summary()[f"{measure}-Mean"], color=COLOUR[measure], ls=MARKER[measure], lw=1.2
        )
    axes.set_yticks(rows, names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("mean over scored frames")
    all_of_them = len(names) == len(scores.sequences)
    shown = "all" if all_of_them else f"the lowest {len(names)} of {len(scores.sequences)}"
    axes.set_title(f"{scores.protocol.title}: {shown} sequences", fontsize=10, loc="left")
    _tidy(axes)


def frame_curves(axes: Axes, scores: Scores, sequence: str) -> None:
    """J and F of every scored frame of one sequence, a thin line per object and their mean."""
    tracks = [track for track in scores.tracks if track.sequence == sequence]
    for measure in scores.protocol.measures:
        style = {"color": COLOUR[measure], "ls": MARKER[measure]}
        if len(tracks) > 1:
            for track in tracks:
                axes.plot(track.frames, track.values[measure], lw=0.7, alpha=0.5, **style)
        mean = scores.frames.loc[sequence][measure].groupby("Frame").mean()
        axes.plot(mean.index, mean, lw=1.8, label=measure, **style)
    axes.axhline(0.5, color="0.6", lw=0.8)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("frame")
    axes.set_ylabel("J, F" if len(scores.protocol.measures) > 1 else "J")
    axes.set_title(f"{sequence} (grey: the threshold of recall)", fontsize=10, loc="left")
    _tidy(axes)


def worst_frames(
    row: Sequence[Axes],
    scores: Scores,
    clip: Clip,
    masks: Mapping[int, np.ndarray] | Sequence[np.ndarray],
) -> None:
    """The clip's frames of lowest J: prediction tinted, the true outline in white."""
    lowest = scores.frames.loc[clip.name]["J"].groupby("Frame").mean().sort_values(kind="stable")
    for axes, (frame, value) in zip(row, lowest.items()):
        picture = overlay(clip.frames[frame], np.asarray(masks[frame], np.uint8))
        truth = np.asarray(clip.labels[frame])
        picture[outline(np.where(truth == VOID, 0, truth))] = 255
        axes.imshow(picture)
        axes.set_title(f"frame {frame}: J {value:.2f}", fontsize=9)
    for axes in row:
        axes.axis("off")


def attribute_bars(axes: Axes, scores: Scores) -> None:
    """Mean J and F over the sequences that carry an attribute; lines mark the means over all."""
    table = scores.attributes()
    measures = scores.protocol.measures
    rows, width = np.arange(len(table)), 0.8 / len(measures)
    for k, measure in enumerate(measures):
        offset = (k - (len(measures) - 1) / 2) * width
        values = table[f"{measure}-Mean"]
        axes.bar(rows + offset, values, width, color=COLOUR[measure], label=measure)
        mean = scores.summary()[f"{measure}-Mean"]
        axes.axhline(mean, color=COLOUR[measure], ls=MARKER[measure], lw=1.2)
    labels = [f"{code}\n{int(count)}" for code, count in table["Sequences"].items()]
    axes.set_xticks(rows, labels, fontsize=8)
    axes.set_ylim(0, 1)
    axes.set_ylabel("mean of sequences")
    axes.set_xlabel("attribute, and how many sequences carry it")
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    if len(axes.get_legend_handles_labels()[0]) > 1:
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
        axes.legend(ncols=2, fontsize=8, frameon=False, **place)
