"""What a report reads of the ledger: every total by interval and group, SQL equal to Python, on both databases."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import HandOverResult, OfferResult, Outcome
from acd.records import CallOpened, PresenceChanged, Record
from agents.presence import Presence
from callcenter.storage.figures import Group, Scope
from callcenter.storage.ledger import Ledger
from callcenter.storage.rolled_figures import reading
from callcenter.storage.tables import hand_overs, offers, talks
from metrics.callers import CallerCall, distinct_callers, first_call_resolution
from metrics.choices import DEFAULT, Choices
from metrics.dictionary import DICTIONARY, build
from metrics.lengths import DAY_MS, HOUR_MS
from metrics.states import Change, spans
from metrics.totals import Source
from tests.contract.calls_told import NOON_MS, Told, entries, make_some_imported
from tests.contract.test_ledger_figures import ABANDONED, any_call

EDGES = (NOON_MS - DAY_MS, NOON_MS, NOON_MS + HOUR_MS, NOON_MS + 2 * HOUR_MS, NOON_MS + DAY_MS)
"""Of unequal length, as months are."""
PERIOD = (EDGES[0], EDGES[-1])
CALL_NAMES = tuple(name for name, total in DICTIONARY.totals.items() if total.source is Source.CALLS)
PARTS = {Source.TALKS: talks, Source.OFFERS: offers, Source.HAND_OVERS: hand_overs}


def placed(told: Told, line: str, number: str, platform: str) -> Told:
    """The same call on another line, from another caller."""
    opened = told.records[0]
    assert isinstance(opened, CallOpened)
    told.records[0] = replace(opened, line=line, caller_number=number, platform_id=platform)
    return told


def any_calls(draw: random.Random) -> list[Told]:
    told = [any_call(draw, f"any-{n}") for n in range(300)]
    for number, one in enumerate(told):
        if draw.random() < 0.3:
            offer = one.offered(2, draw.choice(("1001", "1002")), draw.choice(("seat", "specialist")))
            one.offer_ended(offer, 9, draw.choice(list(OfferResult)))
        if draw.random() < 0.2:
            one.handed_over(3, 9, draw.choice(list(HandOverResult)))
        if draw.random() < 0.1 and len(one.records) > 1:
            del one.records[-1]
        placed(one, draw.choice(("general", "tax")), draw.choice(("", "Anonymous ", f"n{number % 90}")), "gz")
    told += [
        Told(f"given-up-{word}-{wait_s}").queued(0).ends(wait_s, word)
        for word in ABANDONED
        for wait_s in (2, 7, 15, 25, 45, 90, 200, 400)
    ]
    told += [placed(Told(f"abroad-{n}", NOON_MS + n).queued(0).ends(4, None), "general", "7", "nj") for n in range(9)]
    return told


async def stored(ledger: Ledger, records: Iterable[Record]) -> None:
    listed = list(records)
    for first in range(0, len(listed), 500):
        await ledger.apply("box", entries(listed[first : first + 500], first))
    assert await ledger.quarantine() == []


@pytest.mark.parametrize("choices", [DEFAULT, Choices(hold_in_talk=False, short_s=11)])
async def test_totals_of_calls_by_interval_line_and_need_equal_python(
    ledger: Ledger, engine: AsyncEngine, choices: Choices
) -> None:
    await stored(ledger, [record for one in any_calls(random.Random(5)) for record in one.records])
    rows = await ledger.calls(*PERIOD)
    needs = {row["uniqueid"]: "general >= 1" if row["queued_ms"] is not None else "" for row in rows}
    dictionary = build(choices)
    keys: dict[Group, Callable[[dict[str, Any]], str]] = {
        Group.NONE: lambda row: "",
        Group.LINE: lambda row: row["line_code"],
        Group.NEED: lambda row: needs[row["uniqueid"]],
        Group.AGENT: lambda row: row["agent"] or "",
    }
    async with reading(engine, dictionary) as figures:
        for group, key_of in keys.items():
            expected = defaultdict(list)
            for row in rows:
                begin = max(edge for edge in EDGES if edge <= row["arrived_ms"])
                expected[begin, key_of(row)].append(row)
            found = await figures.totals(EDGES, CALL_NAMES, group=group)
            in_python = {key: dictionary.totals_of(some) for key, some in expected.items()}
            assert {key: values for key, values in found.items() if key in in_python} == in_python
            assert all(values == dictionary.empty(CALL_NAMES) for key, values in found.items() if key not in in_python)


async def test_scope_narrows_to_a_line_and_a_platform(ledger: Ledger, engine: AsyncEngine) -> None:
    await stored(ledger, [record for one in any_calls(random.Random(6)) for record in one.records])
    rows = await ledger.calls(*PERIOD)
    async with reading(engine) as figures:
        for scope in (Scope(line="tax"), Scope(platform="nj"), Scope("gz", "general"), Scope(line="none")):
            wanted = [
                row
                for row in rows
                if scope.line in (None, row["line_code"]) and scope.platform in (None, row["platform_id"])
            ]
            found = await figures.totals(PERIOD, CALL_NAMES, scope)
            assert found == {(PERIOD[0], ""): DICTIONARY.totals_of(wanted)}


async def part_rows(engine: AsyncEngine, ledger: Ledger, source: Source) -> list[dict[str, Any]]:
    calls = {(row["pbx"], row["uniqueid"]): row for row in await ledger.calls(*PERIOD)}
    async with engine.connect() as connection:
        rows = [dict(row) for row in (await connection.execute(select(PARTS[source]))).mappings()]
    return [row | {f"call.{name}": value for name, value in calls[row["pbx"], row["uniqueid"]].items()} for row in rows]


@pytest.mark.parametrize("source", list(PARTS))
async def test_totals_of_talks_offers_and_hand_overs_by_agent_equal_python(
    ledger: Ledger, engine: AsyncEngine, source: Source
) -> None:
    await stored(ledger, [record for one in any_calls(random.Random(7)) for record in one.records])
    await make_some_imported(engine)
    names = [name for name, total in DICTIONARY.totals.items() if total.source is source]
    by_agent = defaultdict(list)
    for row in await part_rows(engine, ledger, source):
        by_agent[row["agent"]].append(row)
    expected = {(PERIOD[0], agent): DICTIONARY.totals_of(rows, source) for agent, rows in by_agent.items()}
    async with reading(engine) as figures:
        found = await figures.totals(PERIOD, names, group=Group.AGENT)
        whole = await figures.totals(PERIOD, names)
    assert found == expected
    assert whole[PERIOD[0], ""] == DICTIONARY.combined(expected.values())
    assert all(whole[PERIOD[0], ""].values()), "a total that no row ever moved proves nothing"


async def test_answers_of_seats_add_up_to_those_of_the_calls(ledger: Ledger, engine: AsyncEngine) -> None:
    await stored(ledger, [record for one in any_calls(random.Random(8)) for record in one.records])
    async with reading(engine) as figures:
        found = (await figures.totals(PERIOD, ("agent_answers", "seat_answers", "specialist_answers")))[PERIOD[0], ""]
    assert found["agent_answers"] == found["seat_answers"] != 0


def any_states(draw: random.Random) -> dict[str, list[Change]]:
    """Any states of some agents, several within one millisecond, some before the period and after it."""
    return {
        f"10{agent:02}": sorted(
            (
                Change(NOON_MS + draw.randrange(-DAY_MS, 2 * DAY_MS, 1000), draw.choice(list(Presence)))
                for _ in range(draw.choice((1, 30, 200)))
            ),
            key=lambda change: change.at_ms,
        )
        for agent in range(12)
    }


async def test_totals_of_states_by_agent_equal_python(ledger: Ledger, engine: AsyncEngine) -> None:
    states = any_states(random.Random(9))
    await stored(
        ledger,
        (
            PresenceChanged(agent, change.at_ms, change.presence, "", None, 0, None, 0, True, "")
            for agent, changes in states.items()
            for change in changes
        ),
    )
    names = [name for name, total in DICTIONARY.totals.items() if total.source is Source.STATES]
    edges = (NOON_MS - 3 * DAY_MS, NOON_MS, NOON_MS + 7_000_001, NOON_MS + DAY_MS)
    expected = {
        (begin, agent): DICTIONARY.totals_of(spans(changes, begin, end), Source.STATES)
        for begin, end in pairwise(edges)
        for agent, changes in states.items()
    }
    async with reading(engine) as figures:
        found = await figures.totals(edges, names, group=Group.AGENT)
    nothing = DICTIONARY.empty(names)
    assert {key: found.get(key, nothing) for key in expected} == expected
    assert found.keys() <= expected.keys()
    assert all(DICTIONARY.combined(expected.values()).values())


async def test_callers_figures_equal_python(ledger: Ledger, engine: AsyncEngine) -> None:
    draw = random.Random(10)
    told = [
        placed(
            Told(f"c{n}", NOON_MS + draw.randrange(40 * DAY_MS)).queued(0), "general", f"n{draw.randrange(60)}", "gz"
        )
        for n in range(200)
    ]
    for one in told:
        if draw.random() < 0.7:
            one.talks(1, 2).ends(2, Outcome.AGENT_ANSWERED)
    told += [
        placed(Told(f"w{n}").queued(0).talks(1, 2).ends(2, Outcome.AGENT_ANSWERED), "g", " ANONYMOUS", "gz")
        for n in (1, 2)
    ]
    told.append(Told("t", is_test=True).queued(0).ends(3, None))
    told.append(Told("o", direction="outbound").ends(3, None))
    await stored(ledger, [record for one in told for record in one.records])
    period = (NOON_MS + 10 * DAY_MS, NOON_MS + 25 * DAY_MS)
    rows = [row for row in await ledger.calls(0, 2 * NOON_MS) if row["direction"] == "inbound" and not row["excluded"]]
    calls = [CallerCall(row["caller_number"], row["arrived_ms"], row["outcome"] == "agent_answered") for row in rows]
    ended = [
        CallerCall(row["caller_number"], 0, True)
        for row in rows
        if row["ended_ms"] is not None and period[0] <= row["arrived_ms"] < period[1]
    ]
    async with reading(engine) as figures:
        assert await figures.distinct_callers(*period) == distinct_callers(ended)
        assert await figures.first_calls(*period, 0) == first_call_resolution(calls, *period, 0, DEFAULT)
        assert (await figures.first_calls(0, 2 * NOON_MS, 0)).answered > 0
