"""Lazy sequences behave as lists do, and make nothing that is not asked for."""

from __future__ import annotations

import pytest

from vosedu.lazy import Made


@pytest.fixture
def asked() -> list[int]:
    return []


@pytest.fixture
def squares(asked: list[int]) -> Made[int]:
    def square(index: int) -> int:
        asked.append(index)
        return index**2

    return Made(7, square, size=(4, 6))


LIST = [n**2 for n in range(7)]


def test_it_is_as_a_list(squares: Made[int]) -> None:
    assert list(squares) == LIST and len(squares) == 7
    assert [squares[n] for n in range(-7, 7)] == LIST + LIST
    assert list(reversed(squares)) == LIST[::-1] and squares.index(9) == 3
    for index in (7, -8):
        with pytest.raises(IndexError):
            squares[index]


SLICES = [slice(a, b, c) for a in (None, 0, 2, -3, 9) for b in (None, 5, -1) for c in (None, 2, -2)]


@pytest.mark.parametrize("first", SLICES, ids=str)
def test_slices_of_slices_are_as_a_list_s(squares: Made[int], first: slice) -> None:
    assert list(squares[first]) == LIST[first]
    for second in SLICES:
        part = squares[first][second]
        assert list(part) == LIST[first][second]
        assert [part[n] for n in range(-len(part), 0)] == LIST[first][second]


def test_only_what_is_indexed_is_made(squares: Made[int], asked: list[int]) -> None:
    part = squares[1:][::2]
    assert asked == [] and part.size == (4, 6)
    assert part[1] == 9
    assert asked == [3]
