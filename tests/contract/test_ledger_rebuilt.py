"""What CEL tells afterwards, on both databases: late instants are put back, live ones and counts stay, twice is once."""

from acd.names import CallId, EndedBy, Outcome, Via
from acd.records import CallClosed, CallOpened, CallRebuilt, Record, TalkClosed, TalkOpened
from callcenter.storage.ledger import Ledger
from tests.contract.calls_told import NOON_MS, entries

CALL = CallId("pbx-1", "found")


def at(seconds: float) -> int:
    return NOON_MS + int(seconds * 1000)


def opened(seconds: float, offer: str = "joined-x.9") -> TalkOpened:
    return TalkOpened(CALL, offer, at(seconds), "1001", "seat", "8101", Via.FALLBACK)


FOUND: list[Record] = [
    CallOpened(CALL, at(0), "general", "12345", "138", "", "sip", False, "gz", found=True),
    opened(60),
    TalkClosed(CALL, "joined-x.9", at(90), 0),
    CallClosed(CALL, at(90), EndedBy.UNKNOWN, Outcome.AGENT_ANSWERED, ""),
]
TOLD: list[Record] = [
    CallRebuilt(CALL, at(60)),
    opened(20),
    TalkClosed(CALL, "joined-x.9", at(80), 0),
    CallClosed(CALL, at(80.5), EndedBy.AGENT, Outcome.AGENT_ANSWERED, ""),
]


async def test_instants_that_a_snapshot_saw_too_late_are_put_back_and_the_talk_is_one(ledger: Ledger) -> None:
    await ledger.apply("outbox", entries(FOUND))
    await ledger.apply("outbox", entries(TOLD, first=10))
    await ledger.apply("another", entries([*TOLD, *TOLD]))
    row = await ledger.call(*CALL)
    assert row is not None
    assert (row["answered_ms"], row["talk_ended_ms"], row["ended_ms"]) == (at(20), at(80), at(80.5))
    assert (row["talk_ms"], row["wait_ms"], row["agent_answers"], row["ended_by"]) == (60_000, 20_000, 1, "agent")
    assert [(talk["opened_ms"], talk["closed_ms"]) for talk in await ledger.children("talks", CALL)] == [
        (at(20), at(80))
    ]
    assert await ledger.quarantine() == []


async def test_without_the_mark_nothing_is_put_back(ledger: Ledger) -> None:
    await ledger.apply("outbox", entries([*FOUND, *TOLD[1:]]))
    row = await ledger.call(*CALL)
    assert row is not None
    assert (row["answered_ms"], row["talk_ended_ms"], row["ended_ms"]) == (at(60), at(90), at(90))


async def test_end_that_was_seen_live_is_not_put_back(ledger: Ledger) -> None:
    seen = CallClosed(CALL, at(90), EndedBy.CALLER, Outcome.AGENT_ANSWERED, "")
    await ledger.apply("outbox", entries([*FOUND[:-1], seen, *TOLD]))
    row = await ledger.call(*CALL)
    assert row is not None
    assert (row["ended_ms"], row["ended_by"]) == (at(90), "caller")


async def test_calls_of_a_time_are_those_that_lived_in_it_and_the_open_ones(ledger: Ledger) -> None:
    records: list[Record] = []
    for name, begins_s, ends_s in (("before", 0, 5), ("across", 2, 30), ("inside", 20, 25), ("after", 50, 60)):
        call = CallId("pbx-1", name)
        records.append(CallOpened(call, at(begins_s), "general", "12345", "138", "", "", False, "gz"))
        records.append(CallClosed(call, at(ends_s), EndedBy.CALLER, Outcome.ABANDONED_QUEUE, ""))
    records.append(CallOpened(CallId("pbx-1", "old"), at(-200_000), "general", "12345", "138", "", "", False, "gz"))
    records.append(CallOpened(CallId("pbx-2", "other"), at(20), "general", "12345", "138", "", "", False, "gz"))
    await ledger.apply("outbox", entries(records))
    found = await ledger.lived_in("pbx-1", at(10), at(40))
    assert sorted(key.uniqueid for key in found) == ["across", "inside", "old"]
