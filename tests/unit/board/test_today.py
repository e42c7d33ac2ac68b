"""The day's totals follow the ledger's rows by their differences."""

import random
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callcenter.board.day import day_name, hour_name, hours_of_day
from callcenter.board.today import Today
from metrics.choices import Choices
from metrics.dictionary import FIGURES, build, totals_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_MS = int(datetime(2026, 11, 23, tzinfo=SHANGHAI).timestamp()) * 1000
HOUR = 3_600_000


def row(arrived_ms: int, **values: Any) -> dict[str, Any]:
    """A call's row of the ledger, as far as totals look at it."""
    empty = dict.fromkeys(
        ("answered_ms", "left_ms", "ended_ms", "queued_ms", "outcome", "outcome_reason", "rebuilt_ms", "follows")
    )
    zeros = dict.fromkeys(("talk_ms", "hold_ms", "requeue_wait_ms", "agent_answers", "specialist_answers"), 0)
    flags = {
        "excluded": False,
        "requeue_abandoned": False,
        "clock_adjusted": False,
        "imported": False,
        "blocked": False,
    }
    return {
        **empty,
        **zeros,
        **flags,
        "direction": "inbound",
        "line_code": "general",
        "arrived_ms": arrived_ms,
    } | values


def ended(arrived_ms: int, dice: random.Random) -> dict[str, Any]:
    wait = dice.randrange(40_000)
    if dice.random() < 0.6:
        times = {"answered_ms": arrived_ms + wait, "ended_ms": arrived_ms + wait + 60_000, "talk_ms": 60_000}
        return row(arrived_ms, queued_ms=arrived_ms, outcome="agent_answered", **times)
    outcome = dice.choice(["abandoned_queue", "abandoned_ringing", "abandoned_ivr", "rejected", "voicemail", None])
    line, direction = dice.choice(["general", "enterprise"]), dice.choice(["inbound"] * 5 + ["outbound"])
    return row(
        arrived_ms,
        ended_ms=arrived_ms + wait,
        outcome=outcome,
        line_code=line,
        direction=direction,
        excluded=dice.random() < 0.1,
    )


@pytest.mark.parametrize("seed", range(5))
def test_rows_change_in_any_order_totals_are_those_of_the_rows_as_they_stand(seed: int) -> None:
    dice = random.Random(seed)
    today, rows = Today(), {}
    today.begin(hours_of_day(DAY_MS, SHANGHAI), {})
    for _ in range(300):
        key = dice.randrange(120)
        before = rows.get(key)
        arrived = before["arrived_ms"] if before else DAY_MS + dice.randrange(-2 * HOUR, 26 * HOUR)
        rows[key] = row(arrived) if before is None and dice.random() < 0.5 else ended(arrived, dice)
        today.changed([(before, rows[key])])
    inside = [one for one in rows.values() if DAY_MS <= one["arrived_ms"] < DAY_MS + 24 * HOUR]
    for line in (None, "general", "enterprise"):
        wanted = totals_of(one for one in inside if line in (None, one["line_code"]))
        for name in ("connect_rate", "offered", "agent_answered", "avg_wait_s", today.level):
            assert today.value(name, line) == FIGURES[name].value(wanted), name
        assert today.abandoned(line) == str(sum(wanted[f"abandoned_{how}"] or 0 for how in ("ivr", "queue", "ringing")))
    assert sum(counts["offered"] for _, counts in today.hours()) == today.offered()


def test_call_still_lives_it_counts_nowhere_until_it_has_ended() -> None:
    today = Today()
    today.begin(hours_of_day(DAY_MS, SHANGHAI), {})
    living = row(DAY_MS + HOUR, queued_ms=DAY_MS + HOUR)
    today.changed([(None, living)])
    assert (today.text("offered"), today.text("connect_rate")) == ("0", "—")
    today.changed([(living, living | {"ended_ms": DAY_MS + HOUR + 9000, "outcome": "abandoned_queue"})])
    assert (today.text("offered"), today.text("connect_rate"), today.abandoned()) == ("1", "0.0%", "1")


def test_ledger_was_not_read_yet_nothing_is_claimed() -> None:
    today = Today()
    assert (today.text("offered"), today.text("connect_rate"), today.abandoned(), today.hours()) == ("—", "—", "—", [])


def test_day_begins_with_what_the_ledger_says_of_it() -> None:
    today = Today()
    hours = hours_of_day(DAY_MS, SHANGHAI)
    nothing = dict.fromkeys(today.names, 0)
    some = nothing | {"offered": 4, "agent_answered": 3, "abandoned_queue": 1}
    today.begin(
        hours, {(hours[9], "general"): some, (hours[10], "enterprise"): some | {"offered": 3, "abandoned_queue": 0}}
    )
    assert (today.text("connect_rate"), today.text("connect_rate", "enterprise")) == ("85.7%", "100.0%")
    assert [counts["offered"] for _, counts in today.hours()][8:12] == [0, 4, 3, 0]


def test_plan_leaves_hang_ups_in_the_greeting_out_hours_abandoned_and_offered_follow() -> None:
    today = Today(build(Choices(ivr_hangups_offered=False)))
    today.begin(hours_of_day(DAY_MS, SHANGHAI), {})
    for number, outcome in enumerate(("abandoned_ivr", "abandoned_queue", "agent_answered")):
        at = DAY_MS + number
        today.changed([(None, row(at, ended_ms=at + 9000, answered_ms=at + 1, queued_ms=at, outcome=outcome))])

    assert (today.text("offered"), today.offered(), today.abandoned()) == ("2", 2, "1")
    assert today.hours()[0] == (DAY_MS, {"offered": 2, "answered": 1, "abandoned": 1})


def test_day_has_24_hours_from_midnight_to_midnight_of_the_zone() -> None:
    noon = int(datetime(2026, 11, 23, 4, tzinfo=UTC).timestamp()) * 1000
    hours = hours_of_day(noon, SHANGHAI)
    assert (hours[0], hours[-1], len(hours)) == (DAY_MS, DAY_MS + 24 * HOUR, 25)
    assert (hour_name(hours[9], SHANGHAI), day_name(hours[0], SHANGHAI)) == ("09", "2026-11-23")
    assert hours_of_day(DAY_MS - 1, SHANGHAI)[-1] == DAY_MS


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_day_of_summer_time_has_one_hour_less_or_more(day: tuple[int, int, int], hours: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    at_ms = int(datetime(*day, 15, tzinfo=berlin).timestamp()) * 1000
    assert len(hours_of_day(at_ms, berlin)) - 1 == hours
