"""Longest talks of the windows that end now: they follow when the longest grows old, is set right, or was never told of."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from metrics.dictionary import DICTIONARY
from metrics.largest import Largest
from metrics.lengths import DAY_MS
from metrics.report_windows import ReportWindows, edges_at
from tests.unit.metrics.test_report_windows import MIDNIGHT_MS, call, figures

CALLS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=30)


@given(CALLS, CALLS, st.lists(st.integers(-1, 11), min_size=1, max_size=5), st.integers(0, 11))
def test_values_are_told_forgotten_and_thrown_away_the_largest_since_each_edge_is_that_of_a_full_look(
    told: list[tuple[int, int]], forgotten: list[tuple[int, int]], edges: list[int], discarded_ms: int
) -> None:
    largest = Largest()
    for arrived_ms, value in told:
        largest.add(arrived_ms, value)
    for one in forgotten:
        largest.remove(*one)
        if one in told:
            told.remove(one)

    def expected(edge_ms: int) -> int | None:
        return max((value for arrived_ms, value in told if arrived_ms >= edge_ms), default=None)

    assert largest.since(edges) == [expected(edge) for edge in edges]
    largest.discard(discarded_ms)
    assert largest.since(edges) == [expected(max(edge, discarded_ms)) for edge in edges]


def test_longest_talk_grows_old_or_is_set_right_the_next_longest_stands_in_its_place() -> None:
    now = MIDNIGHT_MS + DAY_MS // 2
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    oldest, wrong = call(now - 300_000, talk_ms=90_000), call(now - 5, talk_ms=80_000)
    same = [call(now - 5, talk_ms=70_000) for _ in range(2)]
    out = call(now - 3, "enterprise", direction="outbound", talk_ms=200_500)
    windows.changed([(None, row) for row in (oldest, wrong, *same, out)])
    assert figures(windows, "max_talk_seconds")["5m", "all"] == 90
    assert figures(windows, "total_max_talk_seconds")["5m", "all"] == Fraction(401, 2)
    assert figures(windows, "total_average_talk_seconds")["5m", "all"] == Fraction(510_500, 5_000)

    assert windows.advance(edges_at(now + 1, MIDNIGHT_MS))
    assert figures(windows, "max_talk_seconds")["5m", "all"] == 80
    assert figures(windows, "max_talk_seconds")["1h", "all"] == 90

    windows.changed([(wrong, call(now - 5, talk_ms=0)), (same[0], None)])
    assert figures(windows, "max_talk_seconds")["5m", "general"] == 70
    windows.changed([(same[1], None), (call(now - 5, talk_ms=1), None)])
    assert figures(windows, "max_talk_seconds")["5m", "general"] == 0, "its talk had no length, and it was answered"
    assert figures(windows, "outbound_max_talk_seconds")["5m", "all"] == Fraction(401, 2)
