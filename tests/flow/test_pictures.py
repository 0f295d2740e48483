from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from vosedu import InputError, flow
from vosedu.flow import FlowPictures
from vosedu.nn import resize_image


def test_every_frame_has_the_picture_of_its_own_field(moving_square):
    pictures = FlowPictures(moving_square)
    assert len(pictures) == len(moving_square)
    for index, field in enumerate(moving_square.flow):
        assert_array_equal(pictures.field(index), field)
        assert_array_equal(pictures[index], flow.to_colour(field))
    last = flow.to_colour(flow.advance(moving_square.flow[-1]))
    assert_array_equal(pictures[len(moving_square) - 1], last)
    assert_array_equal(pictures[1:3], [pictures[1], pictures[2]])


def test_the_last_frame_can_be_left_out_and_colours_exchanged(moving_square):
    pictures = FlowPictures(moving_square, last="none", order="bgr")
    assert len(pictures) == len(moving_square) - 1
    assert_array_equal(pictures[0], flow.to_colour(moving_square.flow[0])[..., ::-1])


def test_a_batch_is_drawn_and_then_resized(moving_square):
    pictures = FlowPictures(moving_square)
    batch = pictures.batch([2, 0], (56, 64))
    assert batch.shape == (2, 3, 56, 64)
    assert_array_equal(batch[0].permute(1, 2, 0), resize_image(pictures[2], (56, 64)))


def test_flow_is_estimated_for_clips_that_bring_none(moving_square, tmp_path):
    pictures = FlowPictures(replace(moving_square, flow=None), "dis-fast", cache=tmp_path)
    assert len(pictures) == len(moving_square)
    pictures[0]
    assert len(list(tmp_path.rglob("*.npz"))) == 1


def test_flow_that_does_not_fit_is_refused(moving_square):
    fields = moving_square.flow
    with pytest.raises(InputError, match="5 frames but 3 flow fields"):
        FlowPictures(replace(moving_square, flow=fields[:3]))
    small = replace(moving_square, flow=[field[:50] for field in fields])
    with pytest.raises(InputError, match="flow of frame 1 of 'square' has the shape"):
        FlowPictures(small)[1]
    broken = fields[2].copy()
    broken[3, 4, 1] = np.nan
    with pytest.raises(InputError, match="flow of frame 2 of 'square' holds values"):
        FlowPictures(replace(moving_square, flow=[*fields[:2], broken, fields[3]]))[2]
