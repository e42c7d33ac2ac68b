"""The shipped recording rules over hours of calls, asked of a real Prometheus: within one call or 2 % of the calls that ended.

The rules' own expressions are asked at instants of every age of the newest scrape, on it among them, and compared with the calls
counted one by one: those that ended in the window before that scrape. What the rules' head says of where that is not held is
shown too: windows that begin where counters stand at zero, and a restart of the service.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import Prometheus, find_monitoring
from callcenter.sample.year import SampleCall
from tests.conftest import missing
from tests.integration.busy_hours import (
    END_S,
    KILLED_S,
    SCRAPE_S,
    START_S,
    STARTED_S,
    calls_of,
    exposed,
    is_lost,
    scrapes,
)
from tests.integration.monitored import close
from tests.integration.recorded_rules import COUNTS, RATIOS, RULES, WINDOWS_S, Counted, asked_for, expressions

pytestmark = pytest.mark.prometheus
STEP_S = 37
"""Between two instants that are asked about: no divisor in common with a scrape's interval, so each age of a scrape comes."""
SETTLED_S = 180
"""A window that begins so long after a start has enough behind it that no counter stands at zero on the busy line."""
ENOUGH = 20
"""Calls that an average must be one of."""


@dataclass(frozen=True, slots=True)
class Hours:
    """What Prometheus saw, and the calls."""

    prometheus: Prometheus
    calls: Sequence[SampleCall]
    counted: Counted
    """Without those that no sample has."""

    async def shown(self, name: str, window: str, from_s: int = START_S) -> list[tuple[str, int, float]]:
        """Return (line, instant, value) of a rule at many instants."""
        expr = EXPRESSIONS[f"callcenter:{name}:{window}:approx"]
        fields = {"query": expr, "start": str(from_s), "end": str(END_S), "step": str(STEP_S)}
        series = (await self.prometheus.ask("query_range", fields))["result"]
        found = [(one["metric"].get("line", ""), int(at), float(text)) for one in series for at, text in one["values"]]
        assert {line for line, _, _ in found} == {*self.counted.lines_of(name)}
        return found


EXPRESSIONS = expressions(RULES.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hours() -> Iterator[Hours]:
    """Some hours of calls, told to a real exporter and back-filled into a Prometheus."""
    server = Prometheus({"prometheus.yml": f"global: {{scrape_interval: {SCRAPE_S}s}}\n"})
    calls = calls_of(seed=7)
    try:
        monitoring = find_monitoring()
        text = server.folder / "past.txt"
        text.write_text(exposed(calls, asked_for(EXPRESSIONS)), encoding="utf-8")
        words = ("tsdb", "create-blocks-from", "openmetrics", text.name, "data")
        is_content, said = monitoring.check(monitoring.promtool, *words, folder=server.folder)
        assert is_content, said
        server.start_now()
    except PeerUnavailableError as error:
        missing(error)
    yield Hours(server, calls, Counted([call for call in calls if not is_lost(call)]))
    server.stop_now()


SCRAPES = scrapes()


def newest(at_s: int) -> int:
    """Return the instant of the newest scrape, seconds."""
    return SCRAPES[bisect_right(SCRAPES, at_s) - 1]


def is_seen(begin_s: int, at_s: int) -> bool:
    """Whether neither the window's beginning nor the instant lies where a scrape is missing."""
    before = KILLED_S // SCRAPE_S * SCRAPE_S
    return begin_s >= START_S and at_s - newest(at_s) < SCRAPE_S and not before < begin_s < STARTED_S + SCRAPE_S


def is_young(begin_s: int) -> bool:
    """Whether the window begins so shortly after a start that a counter of many calls may stand at zero."""
    return any(0 <= begin_s - start < SETTLED_S for start in (START_S, STARTED_S))


@pytest.mark.parametrize("window", ["5m", "1h"])
@pytest.mark.parametrize("name", COUNTS)
async def test_calls_end_for_hours_a_recorded_count_is_theirs_within_one_call_or_two_percent(
    hours: Hours, name: str, window: str
) -> None:
    ages, spans_restart, most = set(), 0, 0
    for line, at_s, value in await hours.shown(name, window):
        until_s = newest(at_s)
        begin_s = until_s - WINDOWS_S[window]
        if not is_seen(begin_s, at_s) or is_young(begin_s):
            continue
        real = hours.counted.count(name, line, begin_s * 1000, until_s * 1000)
        assert close(value, real), (line, at_s, at_s - until_s, begin_s - STARTED_S)
        ages.add(at_s - until_s)
        spans_restart += begin_s < KILLED_S < until_s
        most = max(most, real)
    assert ages == set(range(SCRAPE_S)) and spans_restart > 5 and most > 50


@pytest.mark.parametrize("window", ["5m", "1h"])
@pytest.mark.parametrize("name", RATIOS)
async def test_calls_end_for_hours_a_recorded_rate_or_average_is_theirs_within_two_percent(
    hours: Hours, name: str, window: str
) -> None:
    compared = 0
    for line, at_s, value in await hours.shown(name, window):
        until_s = newest(at_s)
        begin_s = until_s - WINDOWS_S[window]
        real, calls = hours.counted.ratio(name, line, begin_s * 1000, until_s * 1000)
        if calls < ENOUGH or not is_seen(begin_s, at_s) or is_young(begin_s):
            continue
        assert value == pytest.approx(real, rel=0.02), (line, at_s, at_s - until_s, begin_s - STARTED_S)
        compared += 1
    assert compared > 200


@pytest.mark.parametrize("name", COUNTS)
async def test_window_begins_where_counters_stand_at_zero_a_recorded_count_is_at_most_five_percent_too_low(
    hours: Hours, name: str
) -> None:
    """Prometheus extrapolates no counter to below zero: where it would, it takes the window for shorter than it is."""
    compared = 0
    for line, at_s, value in await hours.shown(name, "5m"):
        until_s = newest(at_s)
        begin_s = until_s - WINDOWS_S["5m"]
        if is_seen(begin_s, at_s) and is_young(begin_s):
            real = hours.counted.count(name, line, begin_s * 1000, until_s * 1000)
            assert 0.95 * real <= value <= real * 1.0001, (line, at_s, at_s - until_s, begin_s - STARTED_S)
            compared += 1
    assert compared > 5


async def test_counters_are_younger_than_the_window_a_recorded_count_is_too_high_by_no_more_than_a_scrape_in_their_age(
    hours: Hours,
) -> None:
    compared = 0
    for window in ("5m", "1h"):
        for line, at_s, value in await hours.shown("offered", window):
            until_s = newest(at_s)
            age_s = until_s - START_S
            if 0 < age_s < WINDOWS_S[window]:
                real = hours.counted.count("offered", line, START_S * 1000, until_s * 1000)
                assert 0.95 * real <= value <= real * (1 + SCRAPE_S / age_s), (line, at_s, age_s)
                compared += 1
    assert compared > 200


@pytest.mark.parametrize("name", COUNTS)
async def test_day_is_asked_for_while_counters_are_some_hours_old_its_count_is_that_of_all_calls(
    hours: Hours, name: str
) -> None:
    from_s = END_S - 10 * STEP_S
    for line, at_s, value in await hours.shown(name, "1d", from_s):
        assert close(value, hours.counted.count(name, line, START_S * 1000, newest(at_s) * 1000)), (line, at_s)


async def test_service_is_killed_what_ended_since_the_last_scrape_is_missing_and_nothing_else(hours: Hours) -> None:
    every = Counted(hours.calls)
    compared = 0
    for line, at_s, value in await hours.shown("offered", "5m"):
        until_s = newest(at_s)
        begin_s = until_s - WINDOWS_S["5m"]
        if is_seen(begin_s, at_s) and begin_s < KILLED_S - SCRAPE_S and STARTED_S < until_s:
            lost = sum(call.line == line and call.direction == "inbound" and is_lost(call) for call in hours.calls)
            assert value == pytest.approx(every.count("offered", line, begin_s * 1000, until_s * 1000) - lost, abs=0.01)
            compared += 1
    assert compared > 10
    assert 0 < sum(map(is_lost, hours.calls)) < 2 * SCRAPE_S
