"""After a run every counter equals its query on the ledger, on SQLite and on PostgreSQL: both are made of the same records."""

import random
from collections import Counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import HandOverResult, OfferResult, Outcome, RecordingStatus
from acd.records import CallLeft, Noted, PresenceChanged, Record, RecordingJudged
from agents.presence import Presence
from callcenter.storage.ledger import Ledger
from metrics.buckets import Buckets, Labels
from metrics.exporter import Exporter
from metrics.floor import Floor
from metrics.series import BOUNDS, SERIES, Kind
from tests.contract.calls_told import NOON_MS, Told, all_records, entries, handed_to_specialist, worked_example

LOGGED_OUT = Presence.LOGGED_OUT
UNANSWERED = [
    (Outcome.ABANDONED_IVR, ""),
    (Outcome.ABANDONED_QUEUE, ""),
    (Outcome.ABANDONED_RINGING, ""),
    (Outcome.REJECTED, "full"),
    (Outcome.REJECTED, "no such reason"),
    (Outcome.OVERFLOWED_OUT, ""),
    (Outcome.VOICEMAIL, ""),
    (Outcome.FAILED, "system"),
    (Outcome.AGENT_ANSWERED, ""),
    (None, "unknown"),
]


def a_run(seed: int, calls: int = 150) -> list[Record]:
    """A run of seeded calls with every kind of end, beside the worked example."""
    dice = random.Random(seed)
    told = [*worked_example(), handed_to_specialist(NOON_MS + 7)]
    for number in range(calls):
        call = Told(f"{seed}.{number}", NOON_MS + dice.randrange(3_600_000), is_test=dice.random() < 0.1)
        told.append(call)
        if dice.random() < 0.1:
            call.blocked().ends(1, *dice.choice([(None, "blocked"), (Outcome.REJECTED, "busy")]))
            continue
        at_s = float(dice.choice([0, 8]))
        call.queued(at_s)
        for _ in range(dice.randrange(3)):
            offer = call.offered(at_s)
            at_s += dice.choice([0.5, 15.0, 20.0])
            call.offer_ended(offer, at_s, dice.choice([one for one in OfferResult if one is not OfferResult.ACCEPTED]))
        if dice.random() < 0.6:
            until_s = at_s + dice.choice([0.001, 20.0, 20.001, 305.5])
            call.talks(at_s, until_s)
            if dice.random() < 0.1:
                call.blocked()  # and answered all the same
            if dice.random() < 0.3:
                call.talks(at_s + (until_s - at_s) / 2, until_s + 5, "8801", "specialist")
                until_s += 5
            end = dice.choice([(Outcome.AGENT_ANSWERED, ""), (Outcome.ABANDONED_QUEUE, ""), (None, "unknown")])
            call.ends(until_s + dice.choice([0, 3, 10]), *end)
        else:
            if dice.random() < 0.3:
                call.records.append(CallLeft(call.call, call.ms(at_s), "0851"))
            call.ends(at_s + dice.choice([0, 4.999, 15.0, 15.001, 100.0]), *dice.choice(UNANSWERED))
    for number, result in enumerate(HandOverResult):
        call = Told(f"{seed}.handed-{number}", NOON_MS + 99, is_test=False).queued(0).talks(1, 9)
        told.append(call.handed_over(5, 8, result).ends(9, Outcome.AGENT_ANSWERED))
    unfinished = Told("unfinished").queued(0).talks(1, 9)
    noted = [
        Noted(NOON_MS + n, what, "")
        for n, what in enumerate(["unknown_did", "plan_changed", "unknown_did", "fallback_entered"])
    ]
    whose = told[0].call
    judged = [
        RecordingJudged(
            whose, NOON_MS + n, f"{n}.wav", status, *((9, 9, "ab") if status is RecordingStatus.KEPT else (0, 0, ""))
        )
        for n, status in enumerate([*RecordingStatus, RecordingStatus.NOT_RECORDED])
    ]
    return [*all_records([*told, unfinished]), *noted, *judged, *states(dice)]


def states(dice: random.Random) -> list[Record]:
    """Agents who go from state to state, told in order of time; two records of one instant, one said twice, among them."""
    told = []
    for number in range(5):
        at_ms = NOON_MS
        for _ in range(40):
            at_ms += dice.choice([0, 1, 999, 61_000])
            presence = dice.choice(list(Presence))
            told.append(
                PresenceChanged(f"100{number}", at_ms, presence, "", "101", at_ms, None, 0, presence is not LOGGED_OUT)
            )
    return sorted(told, key=lambda record: record.at_ms)


async def ledger_says(engine: AsyncEngine, name: str) -> list[tuple[Labels, int]]:
    """Return the rows of a series' query: labels and number."""
    sql = SERIES[name].ledger
    assert sql is not None
    async with engine.connect() as connection:
        return [(tuple(row[:-1]), int(row[-1])) for row in await connection.execute(text(sql))]


async def test_run_ends_every_counter_and_histogram_equals_its_query(ledger: Ledger, engine: AsyncEngine) -> None:
    records = a_run(seed=12345)
    exporter = Exporter(lambda: Floor())
    exporter.observe(records)
    await ledger.apply("box", entries(records))
    frozen = exporter.freeze()

    compared = 0
    for name, series in SERIES.items():
        if series.ledger is None:
            continue
        rows = await ledger_says(engine, name)
        if series.kind is Kind.COUNTER:
            assert dict(frozen.counters[name]) == dict(rows), name
        else:
            expected: dict[Labels, Buckets] = {}
            for labels, value in rows:
                bounds = BOUNDS[name][0]
                expected.setdefault(labels, Buckets(bounds, [0] * (len(bounds) + 1))).add(value)
            assert dict(frozen.histograms[name]) == expected, name
        assert rows, f"{name}: the run must move it"
        compared += 1
    assert compared == 16


async def test_run_ends_outcomes_add_up_and_no_ratio_exceeds_one() -> None:
    exporter = Exporter(lambda: Floor())
    for record in a_run(seed=7):
        exporter.observe([record])
        counters = exporter.freeze().counters
        offered = counters["callcenter_calls_offered_total"].get(("general",), 0)
        ended: Counter[str] = Counter()
        for (line, _), count in counters["callcenter_calls_ended_total"].items():
            ended[line] += count
        answered = counters["callcenter_calls_answered_total"].get(("general",), 0)
        abandoned = counters["callcenter_calls_abandoned_total"].get(("general",), 0)
        assert ended["general"] == offered
        assert answered + abandoned <= offered
    assert offered > 100
