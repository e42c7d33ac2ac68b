"""What the ledger makes of a call's records, the same on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace

import pytest

from acd.names import CallId, EndedBy, HandOverResult, OfferResult, Outcome, Via
from acd.records import (
    CallClosed,
    CallInMenu,
    CallLeft,
    CallOpened,
    CallWaiting,
    Ignored,
    Noted,
    PresenceChanged,
    TalkClosed,
    TalkOpened,
)
from agents.presence import Presence
from callcenter.storage.errors import BadRecord
from callcenter.storage.ledger import Ledger
from callcenter.storage.outbox import START, Position
from callcenter.storage.outbox_reader import Entry
from tests.contract.calls_told import NOON_MS, Told, all_records, entries, handed_to_specialist, worked_example
from tests.counted import outcomes_between


async def stored(ledger: Ledger, told: Told) -> dict[str, object]:
    """Apply one call and return its row."""
    await ledger.apply("box", entries(told.records))
    row = await ledger.call(*told.call)
    assert row is not None
    return row


async def test_answered_call_has_every_milestone_and_one_outcome(ledger: Ledger) -> None:
    told = Told("1.1").menu().queued(8).talks(12, 312, hold_s=30).ends(313, Outcome.AGENT_ANSWERED)
    row = await stored(ledger, told)
    assert {name: row[name] for name in row if name.endswith("_ms")} == {
        "arrived_ms": NOON_MS,
        "menu_ms": NOON_MS,
        "queued_ms": NOON_MS + 8000,
        "first_offer_ms": NOON_MS + 12_000,
        "answered_ms": NOON_MS + 12_000,
        "talk_ended_ms": NOON_MS + 312_000,
        "left_ms": None,
        "ended_ms": NOON_MS + 313_000,
        "wait_ms": 12_000,
        "talk_ms": 300_000,
        "hold_ms": 30_000,
        "requeue_wait_ms": 0,
        "rebuilt_ms": None,
    }
    assert (row["outcome"], row["agent"], row["via"], row["ended_by"]) == ("agent_answered", "1001", "engine", "caller")
    assert (row["caller_name"], row["platform_id"], row["line_code"]) == ("王小明", "gz", "general")
    assert not row["clock_adjusted"] and not row["opening_unseen"]


async def test_offer_refused_and_next_accepted_keep_result_and_reason_of_choice(ledger: Ledger) -> None:
    told = Told("1.2").queued(0)
    told.offer_ended(told.offered(0, "1001"), 5, OfferResult.REFUSED)
    told.talks(6, 20, "1002").ends(20, Outcome.AGENT_ANSWERED)
    row = await stored(ledger, told)
    first, second = await ledger.offers(told.call)
    assert (first["result"], first["ended_ms"], second["result"]) == ("refused", NOON_MS + 5000, "accepted")
    assert first["passed_over"] == '[["1002", "busy"], ["1003", "less_idle"]]'
    assert (second["score_ms"], row["offers"], row["agent"]) == (6000, 2, "1002")
    assert await ledger.offer_results(NOON_MS, NOON_MS + 10_000) == {"refused": 1, "accepted": 1}


async def test_three_way_talk_counts_once_and_specialist_is_no_agent_answer(ledger: Ledger) -> None:
    row = await stored(ledger, worked_example()[4])
    assert (row["talk_ms"], row["agent_answers"], row["specialist_answers"]) == (600_000, 1, 1)


async def test_hand_over_wait_is_apart_from_first_wait(ledger: Ledger) -> None:
    told = handed_to_specialist()
    row = await stored(ledger, told)
    assert (row["wait_ms"], row["talk_ms"], row["requeue_wait_ms"]) == (5000, 180_000, 15_000)
    assert (row["agent_answers"], row["specialist_answers"], row["requeue_abandoned"]) == (1, 1, False)
    (hand_over,) = await ledger.children("hand_overs", told.call)
    assert (hand_over["result"], hand_over["specialist"], hand_over["topic"]) == ("reached", "8801", "03")


async def test_caller_lost_in_hand_over_stays_answered(ledger: Ledger) -> None:
    told = Told("1.3").queued(0).talks(5, 65).handed_over(64, 90, HandOverResult.CALLER_GONE)
    row = await stored(ledger, told.ends(90, Outcome.AGENT_ANSWERED))
    assert (row["outcome"], row["requeue_abandoned"], row["requeue_wait_ms"]) == ("agent_answered", True, 25_000)


async def test_answered_caller_sent_outside_later_stays_answered_and_his_second_wait_ends_there(ledger: Ledger) -> None:
    told = Told("1.31").queued(0).talks(5, 65).queued(65, seq=2)
    told.records.append(CallLeft(told.call, told.ms(95), "0851"))
    row = await stored(ledger, told.ends(600, Outcome.AGENT_ANSWERED))
    assert (row["outcome"], row["wait_ms"], row["talk_ms"]) == ("agent_answered", 5000, 60_000)
    assert (row["requeue_abandoned"], row["requeue_wait_ms"], row["left_ms"]) == (False, 30_000, told.ms(95))


async def test_rejected_call_has_a_reason_and_others_have_none(ledger: Ledger) -> None:
    full = await stored(ledger, Told("1.4").ends(1, Outcome.REJECTED, "full", EndedBy.SYSTEM))
    assert (full["outcome"], full["outcome_reason"], full["ended_by"]) == ("rejected", "full", "system")
    other = Told("1.5").queued(0).ends(9, Outcome.ABANDONED_QUEUE, "patience")
    await ledger.apply("box", entries(other.records, 100))
    row = await ledger.call(*other.call)
    assert row and (row["outcome_reason"], row["end_detail"]) == ("", "patience")


async def test_call_of_which_nothing_was_seen_ends_unknown_and_is_settled_later(ledger: Ledger) -> None:
    told = Told("1.6").queued(0).ends(9, None, by=EndedBy.UNKNOWN)
    assert (await stored(ledger, told))["outcome"] is None
    await ledger.apply("box", entries(Told("1.6").ends(9, Outcome.ABANDONED_QUEUE).records[1:], 100))
    row = await ledger.call(*told.call)
    assert row and row["outcome"] == "abandoned_queue"
    assert await outcomes_between(ledger.engine, NOON_MS, NOON_MS + 1) == {"abandoned_queue": 1}


async def test_calls_without_an_end_are_listed_by_pbx_until_somebody_closes_them(ledger: Ledger) -> None:
    told = Told("1.61").queued(0).talks(2, 9)
    await ledger.apply("box", entries(told.records))
    assert [(row["uniqueid"], row["answered_ms"]) for row in await ledger.open_calls("pbx-1")] == [("1.61", told.ms(2))]
    assert await ledger.open_calls("pbx-2") == []
    closed = Told("1.61").ends(60, Outcome.AGENT_ANSWERED, by=EndedBy.UNKNOWN)
    await ledger.apply("box", entries(closed.records[1:], 100))
    assert await ledger.open_calls("pbx-1") == []


async def test_outcome_once_known_never_changes(ledger: Ledger) -> None:
    told = Told("1.7").queued(0).ends(9, Outcome.ABANDONED_QUEUE).ends(10, Outcome.FAILED, "system")
    row = await stored(ledger, told)
    assert (row["outcome"], row["ended_ms"]) == ("abandoned_queue", NOON_MS + 9000)


async def test_test_call_is_excluded_from_outcomes(ledger: Ledger) -> None:
    row = await stored(ledger, Told("1.8", is_test=True).queued(0).ends(9, Outcome.ABANDONED_QUEUE))
    assert row["excluded"]
    assert await outcomes_between(ledger.engine, NOON_MS, NOON_MS + 1) == {}


async def test_same_entries_twice_have_their_effect_once(ledger: Ledger) -> None:
    told = entries(all_records([*worked_example(), handed_to_specialist()]))
    await ledger.apply("box", told)
    first = await ledger.calls(0, 2 * NOON_MS)
    assert await ledger.apply("box", told[:5]) == told[-1].end
    assert await ledger.calls(0, 2 * NOON_MS) == first
    assert await ledger.position("box") == told[-1].end


async def test_records_replayed_under_another_outbox_change_no_call(ledger: Ledger) -> None:
    records = all_records([*worked_example(), handed_to_specialist()])
    await ledger.apply("box", entries(records))
    first = await ledger.calls(0, 2 * NOON_MS)
    children = [await ledger.children(t, CallId("pbx-1", "D")) for t in ("talks", "placements", "offers")]
    await ledger.apply("other box", entries(records))
    assert await ledger.calls(0, 2 * NOON_MS) == first
    assert [await ledger.children(t, CallId("pbx-1", "D")) for t in ("talks", "placements", "offers")] == children
    assert await ledger.notes() == []


async def test_records_one_by_one_give_the_same_rows_as_in_one_batch(ledger: Ledger) -> None:
    records = all_records([*worked_example(), handed_to_specialist()])
    await ledger.apply("box", entries(records))
    at_once = await ledger.calls(0, 2 * NOON_MS)
    for entry in entries([replace(r, call=CallId("pbx-2", r.call.uniqueid)) for r in records], 1000):  # type: ignore[arg-type, union-attr]  # records of calls alone
        await ledger.apply("box", [entry])
    both = await ledger.calls(0, 2 * NOON_MS)
    assert [row | {"pbx": "pbx-1"} for row in both if row["pbx"] == "pbx-2"] == at_once


async def test_clock_set_back_is_raised_flagged_and_noted(ledger: Ledger) -> None:
    told = Told("1.9").queued(30).talks(20, 10).ends(5, Outcome.AGENT_ANSWERED)
    row = await stored(ledger, told)
    assert row["clock_adjusted"]
    assert row["answered_ms"] == row["talk_ended_ms"] == row["ended_ms"] == NOON_MS + 30_000
    assert [note["kind"] for note in await ledger.notes()] == ["corrected"]
    assert await ledger.quarantine() == []


async def test_call_whose_opening_was_lost_is_kept_and_flagged(ledger: Ledger) -> None:
    told = Told("1.10").queued(1).talks(3, 9).ends(9, Outcome.AGENT_ANSWERED)
    await ledger.apply("box", entries(told.records[1:]))
    row = await ledger.call(*told.call)
    assert row and row["opening_unseen"] and row["arrived_ms"] == NOON_MS + 1000
    await ledger.apply("box", entries(told.records[:1], 100))
    row = await ledger.call(*told.call)
    assert row and not row["opening_unseen"] and (row["arrived_ms"], row["wait_ms"]) == (NOON_MS, 3000)


async def test_answered_call_closed_otherwise_is_agent_answered_and_noted(ledger: Ledger) -> None:
    row = await stored(ledger, Told("1.11").queued(0).talks(2, 9).ends(9, Outcome.ABANDONED_QUEUE))
    assert row["outcome"] == "agent_answered"
    assert "abandoned_queue" in (await ledger.notes())[0]["detail"]


async def test_agent_answered_without_an_answer_is_unknown_not_guessed(ledger: Ledger) -> None:
    row = await stored(ledger, Told("1.12").queued(0).ends(9, Outcome.AGENT_ANSWERED))
    assert (row["outcome"], row["end_detail"]) == (None, "agent_answered, answer unseen")


async def test_answer_told_after_the_end_still_decides(ledger: Ledger) -> None:
    told = Told("1.13").queued(0).ends(9, Outcome.ABANDONED_RINGING)
    told.records.append(TalkOpened(told.call, "x", told.ms(8), "1001", "seat", "1001", Via.FALLBACK))
    row = await stored(ledger, told)
    assert (row["outcome"], row["via"], row["talk_ms"]) == ("agent_answered", "fallback", 1000)


async def test_snapshot_after_a_restart_changes_nothing_known(ledger: Ledger) -> None:
    told = Told("1.14").queued(0).talks(2, 9).ends(9, Outcome.AGENT_ANSWERED)
    first = await stored(ledger, told)
    found = CallOpened(told.call, NOON_MS, "general", "", "", "", "", False, "gz", found=True)
    await ledger.apply("box", entries([found, CallWaiting(told.call, NOON_MS, "general", "general >= 1", 1)], 100))
    assert await ledger.call(*told.call) == first


async def test_talk_whose_end_was_not_seen_ended_with_the_call_until_it_is_told(ledger: Ledger) -> None:
    told = Told("1.15").queued(0).talks(2, 9)
    del told.records[-1]
    row = await stored(ledger, told.ends(9, Outcome.AGENT_ANSWERED))
    assert (row["talk_ms"], row["talk_ended_ms"]) == (7000, NOON_MS + 9000)
    await ledger.apply("box", entries([TalkClosed(told.call, "1-1.15-1", told.ms(8), 500)], 100))
    late = await ledger.call(*told.call)
    assert late and (late["talk_ms"], late["hold_ms"], late["talk_ended_ms"]) == (6000, 500, NOON_MS + 8000)


async def test_names_with_nul_surrogates_and_4_kb_are_stored_safely(ledger: Ledger) -> None:
    told = Told("1.16")
    told.records[0] = replace(told.records[0], caller_name="a\0b\ud800" + "长" * 4096, caller_number="\r\n'; --")  # type: ignore[call-arg]  # the first opens the call
    row = await stored(ledger, told)
    assert str(row["caller_name"]).startswith("a\ufffdb\ufffd") and str(row["caller_name"]).endswith("长" * 4096)
    assert row["caller_number"] == "\r\n'; --"


async def test_record_that_no_database_takes_is_set_aside_and_the_rest_goes_on(ledger: Ledger) -> None:
    huge = CallClosed(CallId("pbx-1", "bad"), 2**70, EndedBy.CALLER, Outcome.FAILED, "system")
    line = Entry(Position(1, 0), Position(1, 1), BadRecord(b"{not json\n", "ValueError"))
    good = Told("1.17").queued(0).ends(9, Outcome.ABANDONED_QUEUE)
    await ledger.apply("box", [line, *entries([huge, *good.records], 1)])
    assert (await ledger.call(*good.call) or {})["outcome"] == "abandoned_queue"
    assert [row["position"] for row in await ledger.quarantine()] == [0, 1]
    assert ledger.quarantined == 2


async def test_record_that_cannot_be_folded_is_set_aside_too(ledger: Ledger) -> None:
    good = Told("1.19").queued(0)
    nonsense = TalkClosed(good.call, "x", None, None)  # type: ignore[arg-type]  # nonsense on purpose
    await ledger.apply("box", entries([good.records[0], CallWaiting(None, 1, "l", "n", 1), nonsense, good.records[1]]))  # type: ignore[arg-type]  # nonsense on purpose
    assert [row["error"].split(":")[0] for row in await ledger.quarantine()] == ["AttributeError"]
    assert (await ledger.call(*good.call) or {})["queued_ms"] == NOON_MS


async def test_two_leaders_that_write_one_call_at_once_lose_nothing(ledger: Ledger) -> None:
    told = [Told(f"2.{n}").menu(1).queued(2).talks(3, 9).ends(10, Outcome.AGENT_ANSWERED) for n in range(20)]
    of_old = (CallInMenu, CallWaiting, CallClosed)
    halves = [[r for one in told for r in one.records if isinstance(r, of_old) is is_old] for is_old in (True, False)]
    boxes = [("old", entries(halves[0])), ("new", entries(halves[1]))]
    steps = [[(box, every[n : n + 7]) for n in range(0, len(every), 7)] for box, every in boxes]

    async def write(batches: list[tuple[str, list[Entry]]]) -> None:
        for box, batch in batches:
            await ledger.apply(box, batch)

    await asyncio.gather(*(write(batches) for batches in steps))
    assert await outcomes_between(ledger.engine, NOON_MS, NOON_MS + 1) == {"agent_answered": 20}
    for row in await ledger.calls(NOON_MS, NOON_MS + 1):
        assert (row["menu_ms"], row["queued_ms"], row["talk_ms"]) == (NOON_MS + 1000, NOON_MS + 2000, 6000)


async def test_presence_keeps_order_within_one_millisecond(ledger: Ledger) -> None:
    states = [Presence.READY, Presence.RINGING, Presence.READY]
    changes = [PresenceChanged("1001", NOON_MS, state, "", "1001", NOON_MS, None, 0, True) for state in states]
    await ledger.apply("box", entries(changes))
    assert [row["presence"] for row in await ledger.presence("1001")] == ["ready", "ringing", "ready"]


async def test_notes_are_kept_and_ignored_events_only_of_calls(ledger: Ledger) -> None:
    call = CallId("pbx-1", "1.18")
    told = [
        Noted(5, "unknown_did", "999"),
        Ignored(6, "DeviceChanged", "foreign"),
        Ignored(7, "CallQueued", "late", call),
    ]
    await ledger.apply("box", entries(told))
    assert [(row["kind"], row["what"], row["uniqueid"]) for row in await ledger.notes()] == [
        ("noted", "unknown_did", None),
        ("ignored", "CallQueued", "1.18"),
    ]


async def test_unseen_outbox_begins_at_the_start(ledger: Ledger) -> None:
    assert await ledger.position("nobody's") == START
    assert await ledger.apply("nobody's", []) == START


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(None, "blocked"), (Outcome.REJECTED, "busy"), (Outcome.ABANDONED_QUEUE, ""), (Outcome.FAILED, "system")],
)
async def test_caller_turned_away_by_his_number_is_excluded_and_has_no_outcome_whatever_is_told(
    ledger: Ledger, outcome: Outcome | None, reason: str
) -> None:
    row = await stored(ledger, Told("1.91").blocked().ends(2, outcome, reason))
    assert (row["blocked"], row["excluded"], row["is_test"]) == (True, True, False)
    assert (row["outcome"], row["outcome_reason"], row["queued_ms"]) == (None, "", None)
    assert row["end_detail"] == "blocked 13800138000: harassment"
    assert await outcomes_between(ledger.engine, NOON_MS, NOON_MS + 1) == {}


async def test_listed_caller_was_answered_all_the_same_he_is_a_call_like_any_other(ledger: Ledger) -> None:
    """However the records are cut into batches, and whichever comes first."""
    told = Told("1.95").blocked().talks(3, 9).ends(9, None, "unknown")
    for name, order in (("1.96", told.records), ("1.97", [told.records[0], *reversed(told.records[1:])])):
        mine = [replace(one, call=CallId("pbx-1", name)) for one in order]  # type: ignore[call-arg]  # records of calls alone
        for number, entry in enumerate(entries(mine)):
            await ledger.apply(f"box-{name}-{number}", [entry])
        row = await ledger.call("pbx-1", name)
        assert row is not None
        assert (row["blocked"], row["excluded"], row["outcome"]) == (True, False, "agent_answered")
    assert await outcomes_between(ledger.engine, NOON_MS, NOON_MS + 1) == {"agent_answered": 2}
