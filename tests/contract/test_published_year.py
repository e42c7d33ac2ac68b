"""The published year, call by call: 2020 comes out as it was printed (on SQLite a tenth of it), another year as fractions say.

The calls are drawn from a seed that knows only the year's sums. Before and after them lie calls that must not count, on the
very edges of the year too."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from acd.names import EndedBy, Outcome
from callcenter.__main__ import app
from callcenter.sample.load import load
from callcenter.sample.sums import YEAR_2020, YearSums
from callcenter.sample.year import SampleCall, year_of
from metrics.lengths import DAY_MS

YEAR_2021 = YearSums(
    from_ms=YEAR_2020.to_ms,
    to_ms=YEAR_2020.to_ms + 365 * DAY_MS,
    offered=9_173,
    answered=8_716,
    wait_ms=123_022_113,
    talk_in_ms=1_867_291_003,
    longest_in_ms=4_000_500,
    outbound=7_002,
    unreached=801,
    talk_out_ms=911_003_077,
    longest_out_ms=3_999_499,
)
"""Sums that lie on no round number; the longest talks lie at a tie and just below one."""
PUBLISHED = (
    ("接听", "198684", "71.6%", "40", "311", "5443"),
    ("呼出", "259935", "—", "—", "122", "5933"),
    ("合计", "458619", "—", "—", "204", "5933"),
)
"""The table as it was printed."""
TENTH = YEAR_2020.scaled(10)
"""A tenth of 2020's calls; `make proof PROOF=year` has them all on SQLite too."""
PUBLISHED_OF_TENTH = {
    "inbound": (19_868, "71.6%", 40, 311, 5443),
    "outbound": (25_993, None, None, 122, 5933),
    "total": (45_861, None, None, 204, 5933),
}
COLUMNS = ("call_volume", "connect_rate", "avg_wait_s", "avg_talk_s", "max_talk_s")


def beside(sums: YearSums) -> Iterator[SampleCall]:
    """A week of calls before the year and one after it, with a call on each of its edges that is just not in it."""
    week = replace(sums.scaled(50), longest_in_ms=7_000_000, longest_out_ms=8_000_000)
    yield from year_of(replace(week, from_ms=sums.from_ms - 7 * DAY_MS, to_ms=sums.from_ms), seed=1)
    yield from year_of(replace(week, from_ms=sums.to_ms, to_ms=sums.to_ms + 7 * DAY_MS), seed=2)
    for name, at_ms in (("last", sums.from_ms - 1), ("next", sums.to_ms)):
        ended_ms = at_ms + 7_000_000
        yield SampleCall(
            name, "inbound", "general", "1", at_ms, ended_ms, EndedBy.CALLER, outcome=Outcome.ABANDONED_IVR
        )


async def load_year(engine: AsyncEngine, sums: YearSums, seed: int) -> None:
    await load(engine, chain(year_of(sums, seed), beside(sums)), parts=False)
    await engine.dispose()


def report_of(year: int, *more: str) -> dict[str, Any]:
    """The report as somebody who runs the command gets it."""
    result = CliRunner().invoke(app, ["report", "--year", str(year), "--format", "json", *more])
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def typed(*words: str) -> str:
    """What is printed for somebody who types this command; the process is his own."""
    command = (sys.executable, "-m", "callcenter", *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def printed_rows(text: str) -> tuple[tuple[str, ...], ...]:
    """The rows of the first table."""
    rows = [line.strip("│ ").split("│") for line in text.splitlines() if line.startswith("│")]
    return tuple(tuple(cell.strip() for cell in row) for row in rows[: len(PUBLISHED)])


def row_of(report: dict[str, Any], key: str) -> tuple[object, ...]:
    return tuple(report["call_service"][key][column] for column in COLUMNS)


def half_up(value: Fraction) -> int:
    """Round by integers alone."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def percent(value: Fraction) -> str:
    tenths = half_up(value * 1000)
    return f"{tenths // 10}.{tenths % 10}%"


def by_fractions(sums: YearSums) -> dict[str, tuple[object, ...]]:
    """The table that a year of these sums must print."""

    def seconds(total_ms: int, calls: int) -> int:
        return half_up(Fraction(total_ms, 1000 * calls))

    both = sums.answered + sums.outbound
    longest_in, longest_out = seconds(sums.longest_in_ms, 1), seconds(sums.longest_out_ms, 1)
    rate, wait = percent(Fraction(sums.answered, sums.offered)), seconds(sums.wait_ms, sums.offered)
    return {
        "inbound": (sums.answered, rate, wait, seconds(sums.talk_in_ms, sums.answered), longest_in),
        "outbound": (sums.outbound, None, None, seconds(sums.talk_out_ms, sums.outbound), longest_out),
        "total": (both, None, None, seconds(sums.talk_in_ms + sums.talk_out_ms, both), max(longest_in, longest_out)),
    }


def exact_of(sums: YearSums) -> Iterable[tuple[str, Fraction]]:
    yield "connect_rate", Fraction(sums.answered, sums.offered)
    yield "avg_wait_s", Fraction(sums.wait_ms, 1000 * sums.offered)
    yield "avg_talk_s", Fraction(sums.talk_in_ms, 1000 * sums.answered)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, database_url: str) -> None:
    """An operator without a plan, whose ledger is the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CALLCENTER_PLAN", raising=False)
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", database_url)


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_calls_of_2020_print_the_table_that_was_published(home: None, engine: AsyncEngine) -> None:
    await load_year(engine, YEAR_2020, 2020)
    assert printed_rows(await asyncio.to_thread(typed, "report", "--year", "2020")) == PUBLISHED
    public = await asyncio.to_thread(report_of, 2020, "--public")
    assert sum(row["total_volume"] for row in public["call_volume_by_hour"].values()) == 458_619
    assert "277492" not in json.dumps(public), "the public part never shows the calls offered"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_tenth_of_the_calls_of_2020_prints_the_averages_that_were_published(
    home: None, engine: AsyncEngine
) -> None:
    await load_year(engine, TENTH, 2020)
    report = await asyncio.to_thread(report_of, 2020, "--public")
    assert {key: row_of(report, key) for key in PUBLISHED_OF_TENTH} == PUBLISHED_OF_TENTH == by_fractions(TENTH)
    assert len(report["call_volume_by_hour"]) == 24
    volumes = [row["total_volume"] for row in report["call_volume_by_hour"].values()]
    assert sum(volumes) == 45_861 and min(volumes) > 0
    assert "27749" not in json.dumps(report), "the public part never shows the calls offered"


async def test_another_year_prints_what_fractions_say(home: None, engine: AsyncEngine) -> None:
    await load_year(engine, YEAR_2021, 2021)
    report = await asyncio.to_thread(report_of, 2021)
    expected = by_fractions(YEAR_2021)
    assert {key: row_of(report, key) for key in expected} == expected
    exact = report["call_service"]["inbound"]["exact"]
    assert {key: Fraction(exact[key]) for key, _ in exact_of(YEAR_2021)} == dict(exact_of(YEAR_2021))
