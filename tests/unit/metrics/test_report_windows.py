"""The windows that end now: whatever happens in whatever order, they are what a count of all calls gives, to the millisecond."""

import random
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.plan import ALL_LINES
from metrics import report_windows
from metrics.choices import Choices, OutboundVolume
from metrics.dictionary import DICTIONARY, Dictionary, build
from metrics.exporter import Exporter
from metrics.exposition import families
from metrics.floor import Floor
from metrics.lengths import DAY_MS
from metrics.report_windows import OF_ALL_LINES, OPEN_SERIES, REPORT, WINDOWS, ReportWindows, Window, edges_at, names_of

MIDNIGHT_MS = 1_600_041_600_000
Call = dict[str, Any]


def call(
    arrived_ms: int,
    line: str = "general",
    outcome: str | None = "agent_answered",
    *,
    wait_ms: int = 9_000,
    talk_ms: int = 60_000,
    direction: str = "inbound",
    ended: bool = True,
    excluded: bool = False,
) -> Call:
    """A call as the ledger's row has it."""
    is_answered = outcome == "agent_answered"
    return {
        "line_code": line,
        "direction": direction,
        "excluded": excluded,
        "imported": False,
        "blocked": False,
        "rebuilt_ms": None,
        "arrived_ms": arrived_ms,
        "queued_ms": arrived_ms,
        "answered_ms": arrived_ms + wait_ms if is_answered else None,
        "left_ms": None,
        "ended_ms": arrived_ms + wait_ms + (talk_ms if is_answered else 0) if ended else None,
        "outcome": outcome if ended and direction == "inbound" else None,
        "talk_ms": talk_ms if is_answered else 0,
        "hold_ms": 0,
        "requeue_wait_ms": 0,
        "follows": None,
    }


def counted(dictionary: Dictionary, calls: Iterable[Call], edges: dict[Window, int], lines: Iterable[str]) -> Any:
    """What a count of all calls gives, by series and (window, line)."""
    found: dict[str, dict[tuple[str, str], Fraction]] = {series: {} for series in (*REPORT, OPEN_SERIES)}
    listed = list(calls)
    for window, edge in edges.items():
        for line in (*lines, ALL_LINES):
            rows = [row for row in listed if row["arrived_ms"] >= edge and line in (row["line_code"], ALL_LINES)]
            for series, name in names_of(dictionary).items():
                if line != ALL_LINES and series in OF_ALL_LINES:
                    continue
                figure = dictionary.figures[name]
                totals = {term: dictionary.totals[term].over(rows) for term in figure.terms()}
                if (value := figure.value(totals)) is not None:
                    is_rate = series.endswith(("rate", "level"))
                    found[series][window.value, line] = value / 100 if is_rate else value
            found[OPEN_SERIES][window.value, line] = Fraction(dictionary.totals["not_ended"].over(rows) or 0)
    return found


CALLS = st.builds(
    call,
    st.one_of(
        st.integers(-26 * 3_600_000, 0), st.sampled_from([-300_000, -299_999, -300_001, -3_600_000, -DAY_MS, -1])
    ),
    st.sampled_from(["general", "enterprise"]),
    st.sampled_from(["agent_answered", "abandoned_queue", "abandoned_ivr", "rejected", None]),
    wait_ms=st.integers(0, 40_000),
    talk_ms=st.integers(0, 400_000),
    direction=st.sampled_from(["inbound", "inbound", "outbound"]),
    ended=st.booleans(),
    excluded=st.booleans(),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), CALLS),
        st.tuples(st.just("change"), st.tuples(st.integers(0, 99), CALLS)),
        st.tuples(st.just("wait"), st.integers(1, 7_200_000)),
    ),
    max_size=40,
)


@given(STEPS, st.booleans(), st.booleans(), st.integers(1, 5))
def test_calls_come_change_and_grow_old_every_figure_is_that_of_a_full_count(
    steps: list[tuple[str, Any]], offered_without_greeting: bool, attempts_count: bool, discard_at: int
) -> None:
    dictionary = build(
        Choices(
            ivr_hangups_offered=not offered_without_greeting,
            outbound_volume=OutboundVolume.ATTEMPTS if attempts_count else OutboundVolume.CONNECTED,
        )
    )
    now, midnight = MIDNIGHT_MS + 23 * 3_600_000, MIDNIGHT_MS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_windows, "DISCARD_AT", discard_at)
        windows = ReportWindows(dictionary, edges_at(now, midnight))
        begun = min(edges_at(now, midnight).values())
        calls: list[Call] = []
        for what, told in steps:
            if what == "wait":
                now += told
                midnight = MIDNIGHT_MS + (now - MIDNIGHT_MS) // DAY_MS * DAY_MS
                assert windows.advance(edges_at(now, midnight))
            elif what == "tell":
                row = shifted(told, now)
                windows.changed([(None, row)])
                calls.append(row)
            elif calls:
                place, fresh = told[0] % len(calls), told[1]
                before = calls[place]
                after = shifted(fresh, before["arrived_ms"] - fresh["arrived_ms"])
                windows.changed([(before, after)])
                calls[place] = after
            seen = [row for row in calls if row["arrived_ms"] >= begun]
            lines = ("general", "enterprise")
            assert windows.frozen(lines).figures() == counted(dictionary, seen, edges_at(now, midnight), lines)


def shifted(row: Call, by_ms: int) -> Call:
    """The call, so much later."""
    return {
        name: value + by_ms
        if value is not None and name in ("arrived_ms", "queued_ms", "answered_ms", "ended_ms")
        else value
        for name, value in row.items()
    }


def figures(windows: ReportWindows, series: str) -> dict[tuple[str, ...], Fraction]:
    return windows.frozen(["general"]).figures()[f"callcenter_report_{series}"]


def test_call_is_exactly_as_old_as_a_window_it_is_in_and_a_millisecond_later_it_is_out() -> None:
    now = MIDNIGHT_MS + DAY_MS // 2
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    windows.changed([(None, call(now - 300_000)), (None, call(now - 3_600_000))])

    assert figures(windows, "offered")["5m", "all"] == 1
    assert figures(windows, "offered")["1h", "all"] == 2
    assert windows.advance(edges_at(now + 1, MIDNIGHT_MS))
    assert figures(windows, "offered")["5m", "all"] == 0
    assert figures(windows, "offered")["1h", "all"] == 1
    assert figures(windows, "offered")["today", "all"] == 2


def test_midnight_today_begins_anew_and_the_24_hours_go_on() -> None:
    windows = ReportWindows(DICTIONARY, edges_at(MIDNIGHT_MS + DAY_MS - 1, MIDNIGHT_MS))
    windows.changed([(None, call(MIDNIGHT_MS + 1 + n, "general")) for n in range(50)])
    assert figures(windows, "answered")["today", "general"] == 50

    assert windows.advance(edges_at(MIDNIGHT_MS + DAY_MS, MIDNIGHT_MS + DAY_MS))
    assert figures(windows, "answered")["today", "general"] == 0
    assert figures(windows, "answered")["24h", "general"] == 50


def test_figure_does_not_apply_it_has_no_sample_instead_of_zero() -> None:
    now = MIDNIGHT_MS + 1000
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    windows.changed([(None, call(now - 5, ended=False)), (None, call(now - 2, excluded=True))])

    assert figures(windows, "connect_rate") == {}
    assert figures(windows, "average_wait_seconds") == {}
    assert figures(windows, "offered")["24h", "all"] == 0
    assert figures(windows, "open")["5m", "general"] == 1


def test_open_call_ends_it_goes_from_the_open_ones_to_the_offered() -> None:
    now = MIDNIGHT_MS + 1000
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    runs, ended = call(now - 5, "enterprise", ended=False), call(now - 5, "general", wait_ms=21_000)
    windows.changed([(None, runs), (runs, runs), (runs, ended)])

    assert figures(windows, "open")["24h", "all"] == 0
    assert figures(windows, "offered")["24h", "general"] == 1
    assert figures(windows, "offered")["24h", "enterprise"] == 0
    assert figures(windows, "connect_rate")["24h", "all"] == 1
    assert figures(windows, "average_wait_seconds")["24h", "all"] == 21
    assert figures(windows, "service_level")["24h", "all"] == 0


def test_windows_go_back_in_time_what_is_kept_is_counted_and_what_is_not_is_asked_for() -> None:
    now = MIDNIGHT_MS + DAY_MS // 2
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    windows.changed([(None, call(now - 300_000))])
    assert windows.advance(edges_at(now + 1, MIDNIGHT_MS))
    assert figures(windows, "offered")["5m", "all"] == 0

    assert windows.advance(edges_at(now, MIDNIGHT_MS))
    assert figures(windows, "offered")["5m", "all"] == 1
    assert not windows.advance(edges_at(now - 1, MIDNIGHT_MS))


def test_nothing_was_read_there_is_no_sample_of_any_window() -> None:
    windows = ReportWindows()
    windows.changed([(None, call(1))])

    assert not windows.advance(edges_at(MIDNIGHT_MS, MIDNIGHT_MS))
    assert all(values == {} for values in windows.frozen(["general"]).figures().values())


def test_rows_that_lie_in_no_window_are_thrown_away() -> None:
    dice = random.Random(3)
    now = MIDNIGHT_MS
    windows = ReportWindows(DICTIONARY, edges_at(now, now))
    for _ in range(12_000):
        now += dice.randrange(60_000)
        windows.changed([(None, call(now))])
        assert windows.advance(edges_at(now, MIDNIGHT_MS + (now - MIDNIGHT_MS) // DAY_MS * DAY_MS))
    assert windows.rows < 86_400_000 / 30_000 * 1.1 + report_windows.DISCARD_AT
    counted = figures(windows, "offered")["24h", "all"]
    assert counted > 2_500

    windows.changed([(None, call(now - 3 * DAY_MS))])
    assert figures(windows, "offered")["24h", "all"] == counted
    assert not windows.advance(edges_at(now - DAY_MS, now - DAY_MS)), "what was thrown away cannot be counted any more"


def test_prometheus_scrapes_the_report_stands_beside_the_counters() -> None:
    now = MIDNIGHT_MS + 1_000_000
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    windows.changed([(None, call(now - 4)), (None, call(now - 3, outcome="abandoned_queue"))])
    windows.changed([(None, call(now - 2, direction="outbound")), (None, call(now - 1, ended=False))])
    exporter = Exporter(Floor, report=lambda: windows.frozen(["general", "night"]))

    shown = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(exporter.freeze())
        for sample in family.samples
    }

    assert shown["callcenter_report_offered", "24h", "night"] == 0
    assert ("callcenter_report_connect_rate", "24h", "night") not in shown
    assert shown["callcenter_report_connect_rate", "24h", "all"] == 0.5
    assert shown["callcenter_report_abandoned", "1h", "general"] == 1
    assert shown["callcenter_report_service_level", "5m", "all"] == 0.5
    assert shown["callcenter_report_average_wait_seconds", "today", "all"] == 9
    assert shown["callcenter_report_average_talk_seconds", "today", "all"] == 60
    assert shown["callcenter_report_outbound_attempts", "today", "all"] == 1
    assert shown["callcenter_report_outbound_reached", "today", "all"] == 1
    assert shown["callcenter_report_open", "today", "all"] == 1
    assert shown["callcenter_report_max_talk_seconds", "today", "all"] == 60
    assert shown["callcenter_report_outbound_average_talk_seconds", "today", "all"] == 60
    assert shown["callcenter_report_outbound_max_talk_seconds", "today", "all"] == 60
    assert shown["callcenter_report_total_calls", "today", "all"] == 2
    assert shown["callcenter_report_total_average_talk_seconds", "today", "all"] == 60
    assert shown["callcenter_report_total_max_talk_seconds", "today", "all"] == 60
    assert ("callcenter_report_max_talk_seconds", "24h", "night") not in shown
    by_line = {name for name, *rest in shown if "night" in rest and name.startswith("callcenter_report_")}
    assert "callcenter_report_answered" in by_line
    assert {name for name in by_line if "outbound" in name or "total" in name} == set(), (
        "the table's other rows are of the whole"
    )
    assert {len(windows.frozen().totals)} == {2 * len(WINDOWS)}


def test_plan_counts_attempts_as_calls_out_reached_stays_what_the_called_party_answered() -> None:
    now = MIDNIGHT_MS + 1_000_000
    windows = ReportWindows(build(Choices(outbound_volume=OutboundVolume.ATTEMPTS)), edges_at(now, MIDNIGHT_MS))
    windows.changed(
        [
            (None, call(now - 2, direction="outbound")),
            (None, call(now - 1, direction="outbound", outcome="abandoned_queue")),
        ]
    )

    assert figures(windows, "outbound_attempts")["5m", "all"] == 2
    assert figures(windows, "outbound_reached")["5m", "all"] == 1


def test_line_was_renamed_it_is_shown_for_as_long_as_a_call_of_it_lies_in_a_window() -> None:
    now = MIDNIGHT_MS + 2 * 86_400_000 - 1
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS + 86_400_000))
    windows.changed([(None, call(now - 10, line="old")), (None, call(now - 5, line="new"))])
    assert {line for _, line in windows.frozen(["new"]).totals} == {"old", "new", ALL_LINES}

    assert windows.advance(edges_at(now + 86_400_000 - 7, MIDNIGHT_MS + 2 * 86_400_000))

    assert {line for _, line in windows.frozen(["new"]).totals} == {"new", ALL_LINES}
    assert figures(windows, "offered")["24h", "all"] == 1


def test_calls_of_thousands_of_unknown_lines_are_imported_few_are_shown_and_all_of_them_count() -> None:
    now = MIDNIGHT_MS + 1_000_000
    windows = ReportWindows(DICTIONARY, edges_at(now, MIDNIGHT_MS))
    windows.changed([(None, call(now - 1, line=f'"{{}}\n{number}')) for number in range(2_000)])

    frozen = windows.frozen(["general"])

    assert len({line for _, line in frozen.totals}) == report_windows.MOST_OTHERS + 2
    assert frozen.figures()["callcenter_report_offered"]["5m", ALL_LINES] == 2_000
