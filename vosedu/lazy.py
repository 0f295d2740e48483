"""Sequences whose items are made when they are indexed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class LazySequence(Sequence[T], Generic[T]):
    """A sequence that makes its items when they are indexed; nothing is kept.

    A subclass gives `__len__` and `item`; a slice is lazy, too.
    """

    @abstractmethod
    def item(self, index: int) -> T:
        """The item at an index from 0 to the length minus 1."""

    def part(self, indices: range) -> Sequence[T]:
        """What a slice gives: the items at some indices."""
        return LazyPart(self, indices)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        which = range(len(self))[index]
        return self.part(which) if isinstance(which, range) else self.item(which)

    def __iter__(self) -> Iterator[T]:
        return (self.item(index) for index in range(len(self)))


class LazyPart(LazySequence[T]):
    """The items of a lazy sequence at some indices."""

    def __init__(self, whole: LazySequence[T], indices: range) -> None:
        self.whole, self.indices = whole, indices

    def __len__(self) -> int:
        return len(self.indices)

    def item(self, index: int) -> T:
        return self.whole.item(self.indices[index])

    def part(self, indices: range) -> Sequence[T]:
        start, step = self.indices.start, self.indices.step
        bounds = (start + indices.start * step, start + indices.stop * step)
        return self.whole.part(range(*bounds, step * indices.step))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, where the whole has them."""
        return self.whole.size


class Made(LazySequence[T]):
    """`length` items made by a function of their index. size: height and width, of frames."""

    def __init__(
        self, length: int, make: Callable[[int], T], size: tuple[int, int] | None = None
    ) -> None:
        self.length, self.make, self.size = length, make, size

    def __len__(self) -> int:
        return self.length

    def item(self, index: int) -> T:
        return self.make(index)
