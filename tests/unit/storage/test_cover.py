"""Pieces of bins: disjoint, together the bins, whole stretches where they claim it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from callcenter.storage.cover import Piece, cover, joined

EDGES = st.lists(st.integers(-100, 1000), min_size=2, max_size=8, unique=True).map(sorted)


@given(EDGES, st.sampled_from(([], [10], [100, 10], [96, 12])))
def test_pieces_are_the_bins_in_whole_stretches(edges: list[int], steps: list[int]) -> None:
    pieces = list(cover(pairwise(edges), steps))
    assert [edge for piece in pieces for edge in range(piece.from_ms, piece.to_ms)] == list(range(edges[0], edges[-1]))
    for piece in pieces:
        begin = max(edge for edge in edges if edge <= piece.from_ms)
        assert piece.bin_ms == begin
        if piece.step_ms:
            assert piece.from_ms >= 0
            assert (piece.from_ms % piece.step_ms, piece.to_ms % piece.step_ms) == (0, 0)


def test_local_year_is_whole_days_and_quarters_at_its_edges() -> None:
    assert list(cover([(16, 1016)], [100, 4])) == [
        Piece(4, 16, 16, 100),
        Piece(100, 16, 100, 1000),
        Piece(4, 16, 1000, 1016),
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=9))
def test_joined_intervals_cover_the_same_and_touch_nowhere(drawn: list[tuple[int, int]]) -> None:
    intervals = [(begin, begin + length) for begin, length in drawn]
    found = joined(intervals)
    assert {n for a, b in found for n in range(a, b)} == {n for a, b in intervals for n in range(a, b)}
    assert all(one[1] < other[0] for one, other in pairwise(found))
