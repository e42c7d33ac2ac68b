"""The dictionary's figures over the ledger: the worked example to the digit, and SQL equal to Python, on both databases."""

import random
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import WRAPUP_OVERLONG, EndedBy, HandOverResult, Outcome, RejectReason
from acd.records import CallLeft, CallOpened, CallRebuilt, Noted
from callcenter.storage.ledger import Ledger
from callcenter.storage.rolled_figures import reading
from metrics.dictionary import totals_of
from metrics.document import printed_rows
from metrics.lengths import DAY_MS
from metrics.report import call_service
from tests.contract.calls_told import (
    NOON_MS,
    Told,
    all_records,
    entries,
    handed_to_specialist,
    make_some_imported,
    worked_example,
)
from tests.counted import figure_text, outcomes_between, totals_between

ABANDONED = (Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.ABANDONED_RINGING)


async def test_worked_example_a_to_f_comes_out_to_the_digit(ledger: Ledger, engine: AsyncEngine) -> None:
    await ledger.apply("box", entries(all_records(worked_example())))
    totals = await totals_between(engine, NOON_MS, NOON_MS + DAY_MS)
    assert (totals["offered"], totals["agent_answered"]) == (6, 3)
    assert (totals["abandoned_queue"], totals["abandoned_ivr"], totals["callback_requested"]) == (1, 1, 1)
    assert figure_text("connect_rate", totals) == "50.0%"
    assert totals["wait_ms"] == (12 + 48 + 3 + 28 + 10 + 60) * 1000
    assert figure_text("avg_wait_s", totals) == "27"
    assert totals["talk_in_ms"] == (300 + 320 + 600) * 1000
    assert totals["agent_answers"] == 4
    assert printed_rows(call_service(totals), "zh") == (
        ("接听", "3", "50.0%", "27", "407", "600"),
        ("呼出", "1", "—", "—", "180", "180"),
        ("合计", "4", "—", "—", "350", "600"),
    )


async def test_worked_example_a_to_f_has_its_other_figures_to_the_digit(ledger: Ledger, engine: AsyncEngine) -> None:
    await ledger.apply("box", entries(all_records(worked_example())))
    totals = await totals_between(engine, NOON_MS, NOON_MS + DAY_MS)
    assert {name: figure_text(name, totals) for name in WORKED} == WORKED


WORKED = {
    "connect_rate_excl_short": "60.0%",
    "asa_s": "9",
    "abandon_rate": "33.3%",
    "short_abandons": "1",
    "service_level_15_arrival": "33.3%",
    "answered_within_share_15_arrival": "66.7%",
    "service_level_icmi4_15_arrival": "50.0%",
    "agent_answers": "4",
    "specialist_answers": "1",
    "hold_s": "10",
    "requeue_wait_s": "20",
    "outbound_avg_talk_s": "180",
}
"""Of six calls: answered after 12, 28 and 10 s; hung up at 48 and 3; one asked for a call-back at 60."""


async def test_worked_example_g_counts_the_specialists_talk_and_not_the_second_wait(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    await ledger.apply("box", entries(handed_to_specialist().records))
    totals = await totals_between(engine, NOON_MS, NOON_MS + 1)
    assert (totals["offered"], totals["agent_answered"], totals["requeue_wait_ms"]) == (1, 1, 15_000)
    assert (totals["agent_answers"], totals["specialist_answers"]) == (1, 1)
    assert figure_text("avg_talk_s", totals) == "180"


async def test_answer_at_the_threshold_is_within_it_and_a_millisecond_later_is_not(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    told = [
        Told(f"at-{wait_s}").queued(1).talks(wait_s, 90).ends(90, Outcome.AGENT_ANSWERED)
        for wait_s in (15, 15.001, 16, 16.001, 20, 20.001, 30, 30.001)
    ]
    told += [Told(f"gone-{wait_s}").queued(0).ends(wait_s, Outcome.ABANDONED_QUEUE) for wait_s in (4.999, 5)]
    await ledger.apply("box", entries(all_records(told)))
    totals = await totals_between(engine, NOON_MS, NOON_MS + 1)
    within = {name: totals[f"answered_in_{name}"] for name in ("15_arrival", "15_queue", "20_arrival", "30_arrival")}
    assert within == {"15_arrival": 1, "15_queue": 3, "20_arrival": 5, "30_arrival": 7}
    assert figure_text("service_level_15_arrival", totals) == "10.0%"
    assert (totals["short_unanswered"], figure_text("short_abandons", totals)) == (1, "1")


async def test_call_belongs_whole_to_the_interval_of_its_arrival(ledger: Ledger, engine: AsyncEngine) -> None:
    midnight = 1_609_430_400_000  # 2021-01-01 00:00 in Shanghai
    late = Told("late", midnight - 60_000).queued(0).talks(90, 200).ends(200, Outcome.AGENT_ANSWERED)
    on_the_dot = Told("dot", midnight).queued(0).ends(5, Outcome.ABANDONED_QUEUE)
    await ledger.apply("box", entries([*late.records, *on_the_dot.records]))
    old = await totals_between(engine, midnight - DAY_MS, midnight)
    new = await totals_between(engine, midnight, midnight + DAY_MS)
    assert (old["offered"], old["agent_answered"], old["talk_in_ms"]) == (1, 1, 110_000)
    assert (new["offered"], new["agent_answered"], new["abandoned_queue"]) == (1, 0, 1)


async def test_wait_ends_with_first_answer_else_with_hand_over_or_the_call(ledger: Ledger) -> None:
    answered = Told("w1").queued(3).talks(7, 20).ends(30, Outcome.AGENT_ANSWERED)
    left = Told("w2").queued(3).ends(11, Outcome.ABANDONED_QUEUE)
    waiting = Told("w3").queued(3)
    out = Told("w4").queued(3)
    out.records.append(CallLeft(out.call, out.ms(60), "0851"))
    out.ends(600, Outcome.OVERFLOWED_OUT)
    back = Told("w5").queued(3)
    back.records.append(CallLeft(back.call, back.ms(60), "0851"))
    back.ends(75, Outcome.REJECTED, "max_wait", EndedBy.SYSTEM)
    message = Told("w6").queued(3)
    message.records.append(CallLeft(message.call, message.ms(20), "voicemail 100"))
    message.ends(95, Outcome.VOICEMAIL)
    silent = Told("w7").queued(3)
    silent.records.append(CallLeft(silent.call, silent.ms(20), "voicemail 100"))
    silent.ends(40, Outcome.ABANDONED_QUEUE)
    told = (answered, left, waiting, out, back, message, silent)
    await ledger.apply("box", entries([record for one in told for record in one.records]))
    waits = {row["uniqueid"]: row["wait_ms"] for row in await ledger.calls(NOON_MS, NOON_MS + 1)}
    assert waits == {"w1": 7000, "w2": 11_000, "w3": None, "w4": 60_000, "w5": 75_000, "w6": 20_000, "w7": 40_000}


async def test_call_that_has_not_ended_is_in_no_figure_but_counted(ledger: Ledger, engine: AsyncEngine) -> None:
    talking = Told("o1").queued(0).talks(5, 9)
    del talking.records[-1]
    ended = Told("o2").queued(0).talks(5, 9).ends(9, Outcome.AGENT_ANSWERED)
    await ledger.apply("box", entries([*talking.records, *ended.records]))
    totals = await totals_between(engine, NOON_MS, NOON_MS + 1)
    assert (totals["offered"], totals["agent_answered"], totals["not_ended"]) == (1, 1, 1)
    assert figure_text("connect_rate", totals) == "100.0%"


async def test_test_calls_are_counted_apart(ledger: Ledger, engine: AsyncEngine) -> None:
    await ledger.apply(
        "box", entries(Told("t", is_test=True).queued(0).talks(1, 2).ends(2, Outcome.AGENT_ANSWERED).records)
    )
    totals = await totals_between(engine, NOON_MS, NOON_MS + 1)
    assert (totals["offered"], totals["agent_answers"], totals["excluded"]) == (0, 0, 1)


async def test_calls_of_blocked_numbers_are_counted_apart_from_tests(ledger: Ledger, engine: AsyncEngine) -> None:
    told = [
        Told("b1").blocked().ends(2, None, "blocked"),
        Told("b2").blocked().talks(1, 2).ends(2, Outcome.AGENT_ANSWERED),
        Told("t", is_test=True).queued(0).ends(2, Outcome.ABANDONED_QUEUE),
    ]
    await ledger.apply("box", entries(all_records(told)))
    totals = await totals_between(engine, NOON_MS, NOON_MS + 1)
    assert (totals["blocked"], totals["excluded"], totals["offered"], totals["unknown"]) == (1, 1, 1, 0)
    assert totals["agent_answered"] == totals["agent_answers"] == 1


def any_call(draw: random.Random, name: str) -> Told:
    """A call of any kind, with any of the things that may be missing."""
    told = Told(
        name,
        NOON_MS + draw.randrange(10_000_000),
        direction=draw.choice(("inbound", "inbound", "outbound")),
        is_test=draw.random() < 0.1,
    )
    if draw.random() < 0.2:
        opened = told.records[0]
        assert isinstance(opened, CallOpened)
        told.records[0] = replace(opened, follows="1.1")
    at_s = draw.randrange(4)
    if draw.random() < 0.8:
        told.queued(at_s if draw.random() < 0.95 else -3)
    for agent in range(draw.choice((0, 0, 1, 1, 2, 3))):
        begin = at_s + draw.random() * 30
        at_s = begin + draw.random() * 300
        told.talks(begin, at_s, f"10{agent}", draw.choice(("seat", "specialist", "unknown")), draw.random() * 5)
        if draw.random() < 0.2:
            told.handed_over(at_s, at_s + 3, draw.choice(list(HandOverResult)))
    if draw.random() < 0.1:
        told.records.append(CallLeft(told.call, told.ms(at_s), "0851"))
    if draw.random() < 0.1:
        told.records.append(CallRebuilt(told.call, told.ms(at_s)))
    if draw.random() < 0.9:
        reason = draw.choice([*RejectReason, "patience", ""])
        outcome = draw.choice([*Outcome, *ABANDONED, Outcome.REJECTED, None])
        told.ends(
            at_s + draw.choice((1, 4, 8, 15, 25, 50, 100, 300, 500)) * draw.random(),
            outcome,
            reason,
            draw.choice(list(EndedBy)),
        )
    return told


async def test_sql_and_python_agree_on_every_total_of_any_calls(ledger: Ledger, engine: AsyncEngine) -> None:
    draw = random.Random(20201231)
    told = [any_call(draw, f"any-{n}") for n in range(600)]
    told += [
        Told(f"given-up-{word}-{wait_s}").queued(0).ends(wait_s, word, by=EndedBy.CALLER)
        for word in ABANDONED
        for wait_s in (2, 7, 15, 25, 45, 90, 200, 400)
    ]
    told += [Told("listed").blocked().ends(2, None, "blocked")]
    told += [Told(f"refused-{why}").queued(0).ends(3, Outcome.REJECTED, why) for why in RejectReason]
    records = [record for one in told for record in one.records]
    for first in range(0, len(records), 500):
        await ledger.apply("box", entries(records[first : first + 500], first))
    assert await ledger.quarantine() == []
    await make_some_imported(engine)
    moved: set[str] = set()
    for from_ms, to_ms in (
        (0, 2 * NOON_MS),
        (NOON_MS, NOON_MS + 3_000_000),
        (NOON_MS + 3_000_000, NOON_MS + 3_000_001),
    ):
        in_sql = await totals_between(engine, from_ms, to_ms)
        in_python = totals_of(await ledger.calls(from_ms, to_ms))
        assert in_sql == in_python
        moved |= {name for name, value in in_sql.items() if value}
    assert set(in_sql) - moved == set(), "a total that no call ever moved proves nothing"


async def test_outcomes_and_unknown_add_up_to_offered(ledger: Ledger, engine: AsyncEngine) -> None:
    draw = random.Random(7)
    records = [record for n in range(100) for record in any_call(draw, f"any-{n}").records]
    await ledger.apply("box", entries(records))
    totals = await totals_between(engine, 0, 2 * NOON_MS)
    counted = await outcomes_between(ledger.engine, 0, 2 * NOON_MS)
    assert sum(counted.values()) == totals["offered"]
    assert {word: totals[word or "unknown"] for word in counted} == counted


async def test_wrap_ups_outlasted_their_longest_their_agents_are_those_of_the_period(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    told = [(0, "1002"), (999, "1001"), (1_000, "1003"), (-1, "1004")]
    flags = [Noted(NOON_MS + ms, WRAPUP_OVERLONG, f"{agent} 5000 ms beyond 300000 ms") for ms, agent in told]
    await ledger.apply("box", entries([*flags, Noted(NOON_MS, "phone_taken", "1005")]))
    async with reading(engine) as figures:
        assert await figures.overlong_wrapups(NOON_MS, NOON_MS + 1_000) == ["1002", "1001"]
