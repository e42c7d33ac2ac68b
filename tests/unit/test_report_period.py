"""Periods of a zone: half-open between local midnights, with intervals that cover them without gap or overlap."""

from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from callcenter.report.period import Interval, Period
from callcenter.report.question import ONE_WAY, Days
from metrics.lengths import HOUR_MS

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def test_year_of_shanghai_begins_and_ends_at_its_own_midnights() -> None:
    period = Period(date(2020, 1, 1), date(2021, 1, 1), SHANGHAI)
    assert (period.from_ms, period.to_ms) == (1_577_808_000_000, 1_609_430_400_000)
    counts = {interval: len(period.edges(interval)) - 1 for interval in Interval}
    assert counts == {
        Interval.YEAR: 1,
        Interval.MONTH: 12,
        Interval.WEEK: 53,
        Interval.DAY: 366,
        Interval.HOUR: 8784,
        Interval.HALF_HOUR: 17_568,
    }


@pytest.mark.parametrize("interval", list(Interval))
@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, LORD_HOWE])
def test_intervals_cover_the_period_without_gap_or_overlap(interval: Interval, zone: ZoneInfo) -> None:
    period = Period(date(2021, 3, 3), date(2021, 11, 18), zone)
    edges = period.edges(interval)
    assert (edges[0], edges[-1]) == (period.from_ms, period.to_ms)
    assert all(begin < end for begin, end in pairwise(edges))
    if interval not in (Interval.HOUR, Interval.HALF_HOUR):
        assert all(f"{period.local(edge):%H:%M}" == "00:00" for edge in edges)


def test_weeks_begin_on_mondays_and_months_on_the_first_cut_by_the_period() -> None:
    period = Period(date(2021, 1, 30), date(2021, 3, 2), SHANGHAI)
    weeks = [f"{period.local(edge):%a %d}" for edge in period.edges(Interval.WEEK)]
    assert weeks == ["Sat 30", "Mon 01", "Mon 08", "Mon 15", "Mon 22", "Mon 01", "Tue 02"]
    assert [f"{period.local(edge):%m-%d}" for edge in period.edges(Interval.MONTH)] == [
        *("01-30", "02-01", "03-01", "03-02")
    ]


def test_days_of_summer_time_have_23_and_25_hours() -> None:
    spring = Period(date(2021, 3, 28), date(2021, 3, 29), BERLIN)
    autumn = Period(date(2021, 10, 31), date(2021, 11, 1), BERLIN)
    assert len(spring.hours()) - 1 == 23 and len(autumn.hours()) - 1 == 25
    assert {end - begin for begin, end in pairwise(spring.hours())} == {HOUR_MS}


def test_zone_whose_summer_time_is_half_an_hour_is_counted_in_half_hours() -> None:
    period = Period(date(2021, 4, 4), date(2021, 4, 5), LORD_HOWE)
    hours = period.hours()
    assert {end - begin for begin, end in pairwise(hours)} == {HOUR_MS // 2}
    assert (hours[0], hours[-1]) == (period.from_ms, period.to_ms)


def test_period_without_a_day_is_refused() -> None:
    for first, last, why in (
        (date(2021, 1, 1),) * 2 + ("is empty",),
        (date(2021, 1, 2), date(2021, 1, 1), "ends before"),
    ):
        with pytest.raises(ValueError, match=why):
            Period(first, last, SHANGHAI)


def test_december_and_its_year_end_at_the_next_new_year() -> None:
    assert Days(month=date(2021, 12, 1)).bounds() == (date(2021, 12, 1), date(2022, 1, 1))
    assert Days(year=date(2021, 1, 1)).bounds() == (date(2021, 1, 1), date(2022, 1, 1))
    assert Days(day=date(2021, 12, 31)).bounds() == (date(2021, 12, 31), date(2022, 1, 1))
    with pytest.raises(ValueError, match=ONE_WAY[:30]):
        Days(day=date(2021, 1, 1), month=date(2021, 1, 1)).bounds()


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"])
def test_hours_on_the_clock_are_those_of_each_instant(zone: str) -> None:
    period = Period(date(2018, 1, 30), date(2018, 12, 2), ZoneInfo(zone))
    begins = period.hours()[:-1]
    assert period.hours_on_the_clock(begins) == [period.local(at_ms).hour for at_ms in begins]


def test_day_that_the_zone_left_out_is_no_period() -> None:
    samoa = ZoneInfo("Pacific/Apia")
    with pytest.raises(ValueError, match="Pacific/Apia left that day out"):
        Period(date(2011, 12, 30), date(2011, 12, 31), samoa)
    whole = Period(date(2011, 12, 29), date(2012, 1, 1), samoa)
    assert len(whole.hours()) - 1 == 48, "the days beside it are whole"
