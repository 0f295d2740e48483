"""Training data by name."""

from __future__ import annotations

from vosedu import toyvos
from vosedu.training.data import open_data


def test_joined_sets_are_one_set_and_nothing_is_rendered_before_it_is_asked_for() -> None:
    mixed, context = (toyvos.split("train", s) for s in ("mixed", "transient-lookalikes"))
    before = len(mixed._clips) + len(context._clips)
    joined = open_data("toyvos/mixed/train+toyvos/transient-lookalikes/train")
    assert len(joined) == len(mixed) + len(context)
    assert len(mixed._clips) + len(context._clips) == before
    assert joined[len(mixed)].name == context[0].name
