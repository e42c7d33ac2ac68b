"""Which stretches of a roll-up fill an interval, and what is left over at its edges. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """A part of a bin."""

    step_ms: int
    """Of stretches so long it is made; 0: it fills no whole stretch."""
    bin_ms: int
    """Beginning of the bin that it belongs to."""
    from_ms: int
    to_ms: int


def cover(bins: Iterable[tuple[int, int]], steps: Sequence[int]) -> Iterator[Piece]:
    """Return disjoint pieces that together are the bins, of the longest stretches possible (`steps`: the longest first).
    Stretches begin at multiples of their length; nothing before instant 0 is in one."""
    for begin, end in bins:
        yield from _cover(begin, begin, end, steps)


def _cover(bin_ms: int, from_ms: int, to_ms: int, steps: Sequence[int]) -> Iterator[Piece]:
    if from_ms >= to_ms:
        return
    if not steps:
        yield Piece(0, bin_ms, from_ms, to_ms)
        return
    step, *finer = steps
    first, last = max(-(-from_ms // step) * step, 0), to_ms // step * step
    if first >= last:
        yield from _cover(bin_ms, from_ms, to_ms, finer)
        return
    yield from _cover(bin_ms, from_ms, first, finer)
    yield Piece(step, bin_ms, first, last)
    yield from _cover(bin_ms, last, to_ms, finer)


def joined(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of intervals: rising, none touching another."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
