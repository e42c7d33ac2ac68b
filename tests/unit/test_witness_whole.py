"""One row of CEL lost or moved is exactly one named mismatch, in every kind of call; the exceptions are written here.

`calls_cel.csv` is what a real Asterisk wrote while 31 kinds of `make calls` were played, `calls_ledger.jsonl` what the ledger
had of the same calls, `calls_people.json` who was at which phone. Conversations do not touch each other, so each row is changed
within its own.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from acd.names import CallId
from callcenter.reconcile.judge import Both, judge
from callcenter.witness.account import account_of
from callcenter.witness.calls import CelCall, DeviceUse
from callcenter.witness.cel import CelKind, CelMark, CelRow, fields_of, mark_of, microseconds_of, row_of
from callcenter.witness.conversations import Conversation, Conversations
from callcenter.witness.whole import faults_of
from tests.unit.cel_timeline import Timeline, stamp

DATA = Path(__file__).parent.parent / "data"
Heard = CelRow | CelMark
Row = dict[str, Any]


def heard_of(line: str) -> Heard | None:
    fields = fields_of(line)
    assert fields is not None
    at_us = microseconds_of(fields["eventtime"])
    return row_of(fields, at_us) or mark_of(fields, at_us)


def heard_in(lines: Iterable[str]) -> list[Heard]:
    return [heard for line in lines if (heard := heard_of(line)) is not None]


def over(heard: Iterable[Heard]) -> list[Conversation]:
    conversations = Conversations()
    return [*conversations.take(heard), *conversations.rest()]


HEARD = heard_in((DATA / "calls_cel.csv").read_text().splitlines())
PEOPLE = [DeviceUse(*use) for use in json.loads((DATA / "calls_people.json").read_text())]
LEDGER: dict[CallId, Row] = {
    CallId(row["pbx"], row["uniqueid"]): row
    for row in map(json.loads, (DATA / "calls_ledger.jsonl").read_text().splitlines())
}


@cache
def stories() -> list[tuple[list[Heard], set[CallId]]]:
    """Each conversation's rows in the order of time, and the ledger's calls in it."""
    found = []
    for one in over(HEARD):
        rows: list[Heard] = sorted([*one.rows, *one.marks], key=lambda heard: heard.at_us)
        found.append((rows, {key for key in LEDGER if ("channel", key.uniqueid) in one.keys}))
    return found


def named(heard: Iterable[Heard], calls: Iterable[CallId]) -> list[tuple[str, str]]:
    """All that is named of these calls and of what else these rows are about."""
    told: dict[CallId, Both] = {}
    loose: dict[CallId, str] = {}
    for one in over(heard):
        account = account_of(one, PEOPLE)
        told |= {c.call: Both(c.call, c.arrived_ms, c, None, account.faults.get(c.call, "")) for c in account.calls}
        told |= {key: Both(key, 0, None, d, account.faults.get(key, "")) for key, d in account.dialled.items()}
        if account.loose is not None:
            uniqueid, what = account.loose
            loose[CallId(uniqueid.rpartition("-")[0], uniqueid)] = what
    found = []
    for key in sorted({*calls, *told}):
        row = LEDGER.get(key)
        both = told.get(key) or Both(key, 0, faults=loose.pop(key, ""))
        found += [(key.uniqueid, one.what) for one in judge(both, row, row["talks"] if row else [])[1]]
    return found + [(key.uniqueid, "cel_rows") for key in loose]


def each(kind: str) -> Iterator[tuple[list[Heard], set[CallId], int]]:
    """Every row of a kind: its conversation, the calls in it, its place."""
    for rows, calls in stories():
        for place, heard in enumerate(rows):
            if str(heard.kind) == kind:
                yield rows, calls, place


def test_real_calls_of_every_kind_agree_and_their_rows_are_whole() -> None:
    assert len(LEDGER) == 32
    assert {key for _, calls in stories() for key in calls} == set(LEDGER)
    assert [one for rows, calls in stories() for one in named(rows, calls)] == []
    assert [fault for one in over(HEARD) for fault in faults_of(one)] == []


MET = {row.uniqueid for row in HEARD if isinstance(row, CelRow) and row.kind is CelKind.BRIDGE_ENTER}
LAST = {row.uniqueid: row for row in HEARD if isinstance(row, CelRow) and row.kind is CelKind.HANGUP}
CALLERS = {key.uniqueid for key, row in LEDGER.items() if row["direction"] == "inbound"}


@pytest.mark.parametrize("kind", sorted({str(heard.kind) for heard in HEARD}))
def test_any_row_lost_is_exactly_one_mismatch_but_an_answer_that_nothing_else_implies(kind: str) -> None:
    count, unnoticed = 0, []
    for rows, calls, place in each(kind):
        count += 1
        is_implied = kind != "ANSWER" or is_noticed(rows[place])
        unnoticed += [] if is_implied else [LAST[rows[place].uniqueid].context]

        assert len(named([*rows[:place], *rows[place + 1 :]], calls)) == int(is_implied), rows[place]

    assert count > 30
    few = ["callcenter-feature"] * 5 + ["callcenter-menu", "callcenter-reject"]
    assert sorted(unnoticed) == (few if kind == "ANSWER" else [])


def is_noticed(answer: Heard) -> bool:
    """Whether an ANSWER is implied: its channel met somebody, or stayed a second and more where everybody is answered. Else it
    is of a caller of the menu or a softphone's key that ended at once, or of one who waited and was refused: no figure has it."""
    last = LAST[answer.uniqueid]
    has_stayed = last.at_us - answer.at_us >= 1_000_000 and last.context != "callcenter-reject"
    return answer.uniqueid in MET or has_stayed


@pytest.mark.parametrize(
    ("context", "hangup_s", "is_named"),
    [
        ("callcenter-hold", 0.9, False),
        ("callcenter-hold", 1.1, True),
        ("callcenter-feature", 1.1, True),
        ("callcenter-early", 1.1, False),
        ("callcenter-connect", 20.0, False),
        ("callcenter-reject", 20.0, False),
    ],
)
def test_caller_without_an_answer_hung_up_it_is_named_where_everybody_who_stays_is_answered(
    context: str, hangup_s: float, is_named: bool
) -> None:
    timeline = Timeline()
    timeline.begins(0.0, "caller", caller="caller", endpoint="trunk")
    timeline.line(hangup_s, "HANGUP", "caller", context)
    timeline.line(hangup_s, "CHAN_END", "caller", context)
    timeline.line(hangup_s, "LINKEDID_END", "caller", context)
    (conversation,) = over(heard_in(timeline.lines))
    assert [context in fault.what for fault in faults_of(conversation)] == [True] * is_named


def test_caller_back_in_hold_hung_up_in_that_instant_no_answer_is_missed() -> None:
    timeline = Timeline()
    timeline.begins(0.0, "caller", caller="caller", endpoint="trunk")
    for at_s, kind in ((0.1, "APP_START"), (20.0, "APP_END"), (20.01, "HANGUP"), (20.01, "CHAN_END")):
        timeline.line(at_s, kind, "caller", "callcenter-hold")
    timeline.line(20.01, "LINKEDID_END", "caller", "callcenter-hold")
    (conversation,) = over(heard_in(timeline.lines))
    assert faults_of(conversation) == []


JUDGED: dict[str, Callable[[Any], bool]] = {
    "CHAN_START": lambda row: row.uniqueid in CALLERS,
    "BRIDGE_ENTER": lambda row: True,
    "BRIDGE_EXIT": lambda row: row.context != "callcenter-asking",
    "HANGUP": lambda row: True,
    "CHAN_END": lambda row: True,
    "LINKEDID_END": lambda row: LAST[row.uniqueid].linkedid == row.linkedid,
}
"""Rows that are noticed whichever way they are moved. Not among them are a leg's beginning, an application's, an ANSWER; the end of a
Linkedid whose channel lived on with another one's; when a seat who joined two calls left the one in which the other two go on."""
BY_MS = (-300, -60, 60, 300)
UNNOTICED = {
    "ANSWER": (98, (11, 47, 55, 47)),
    "APP_START": (38, (2, 2, 9, 0)),
    "APP_END": (38, (5, 6, 1, 1)),
    "CHAN_START": (85, (50, 60, 30, 4)),
    "BRIDGE_EXIT": (1, (1, 1, 0, 0)),
    "LINKEDID_END": (3, (3, 3, 3, 3)),
}
"""The other rows: how many there are, and how many of them are not noticed when they are moved by each of `BY_MS`: those that come to
lie beyond no neighbour."""


@pytest.mark.parametrize("kind", sorted(UNNOTICED))
def test_any_other_row_moved_is_at_most_one_mismatch_and_so_many_are_none(kind: str) -> None:
    some = [one for one in each(kind) if kind not in JUDGED or not JUDGED[kind](one[0][one[2]])]
    unnoticed = []
    for by_ms in BY_MS:
        found = []
        for rows, calls, place in some:
            moved = replace(rows[place], at_us=rows[place].at_us + by_ms * 1000)
            found.append(len(named([*rows[:place], moved, *rows[place + 1 :]], calls)))
        assert max(found) <= 1
        unnoticed.append(found.count(0))

    assert (len(some), tuple(unnoticed)) == UNNOTICED[kind]


def queued() -> Timeline:
    """A caller in Queue, who is connected twenty seconds later."""
    timeline = Timeline()
    timeline.begins(0.0, "caller", caller="caller", endpoint="trunk")
    timeline.line(0.1, "ANSWER", "caller", "callcenter-fallback")
    timeline.line(0.2, "APP_START", "caller", "callcenter-fallback", app="Queue")
    timeline.begins(20.0, "8101", caller="caller")
    timeline.line(22.0, "ANSWER", "8101")
    timeline.talks(22.1, 30.0, "8101", caller="caller")
    timeline.line(30.01, "APP_END", "caller", "callcenter-fallback", app="Queue")
    for at_s, name in ((30.02, "8101"), (30.1, "caller")):
        timeline.ends(at_s, name, by="8101")
        timeline.line(at_s, "CHAN_END", name)
    timeline.line(30.1, "LINKEDID_END", "caller")
    return timeline


def what_is_wrong(lines: Iterable[str]) -> list[str]:
    (conversation,) = over(heard_in(lines))
    return [fault.what.partition(": ")[2] for fault in faults_of(conversation)]


@pytest.mark.parametrize(
    ("kind", "whose", "at_s", "said"),
    [
        ("CHAN_START", "pbx-2", 20.0, []),
        ("CHAN_START", "pbx-2", 0.21, []),
        ("CHAN_START", "pbx-2", 0.1, ["its CHAN_START is in nobody's Dial or Queue"]),
        ("CHAN_START", "pbx-2", 22.01, ["a row before its CHAN_START"]),
        ("APP_START", "pbx-1", 20.04, []),
        ("APP_START", "pbx-1", 20.06, ["its CHAN_START is in nobody's Dial or Queue"]),
        (
            "APP_START",
            "pbx-1",
            22.2,
            ["APP_START while it is in a bridge", "its CHAN_START is in nobody's Dial or Queue"],
        ),
        ("APP_START", "pbx-1", -0.1, ["a row before its CHAN_START"]),
        ("APP_END", "pbx-1", 29.9, ["APP_END while it is in a bridge"]),
        ("APP_END", "pbx-1", 30.2, ["a row behind its HANGUP"]),
    ],
)
def test_queue_rings_a_phone_late_and_each_row_that_cannot_lie_where_it_does_is_named(
    kind: str, whose: str, at_s: float, said: list[str]
) -> None:
    lines = queued().lines
    (number,) = [n for n, line in enumerate(lines) if line.startswith(f'"{kind}"') and f'"{whose}","pbx-1"' in line]
    lines[number] = lines[number].replace(lines[number].split('"')[3], stamp(at_s))

    assert what_is_wrong(lines) == said


@pytest.mark.parametrize(("second", "said"), [(0, 0), (-1, 0), (-2, 1), (1, 1), (-3600, 1)])
def test_channel_of_another_second_than_its_uniqueid_is_named(second: int, said: int) -> None:
    lines = [line.replace('"pbx-1"', f'"pbx-{1_700_000_000 + second}.7"') for line in queued().lines]

    assert what_is_wrong(lines) == ["its CHAN_START is not of the second in its Uniqueid"] * said


@pytest.mark.parametrize("by_ms", BY_MS)
@pytest.mark.parametrize("kind", sorted(JUDGED))
def test_any_row_moved_is_exactly_one_mismatch(kind: str, by_ms: int) -> None:
    for rows, calls, place in each(kind):
        if JUDGED[kind](rows[place]):
            moved = replace(rows[place], at_us=rows[place].at_us + by_ms * 1000)

            assert len(named([*rows[:place], moved, *rows[place + 1 :]], calls)) == 1, moved


def test_every_row_twice_is_the_same_as_once() -> None:
    conversations = Conversations()
    twice = [*conversations.take([row for row in HEARD for _ in (1, 2)]), *conversations.rest()]

    def told(some: Iterable[Conversation]) -> set[CelCall]:
        return {call for one in some for call in account_of(one, PEOPLE).calls}

    assert conversations.duplicates == len(HEARD)
    assert told(twice) == told(over(HEARD))


def crashed() -> list[Heard]:
    """One talks and one waits when Asterisk dies; a minute later it is there again and takes a call."""
    timeline = Timeline()
    for at_s, name in ((0.0, "talks"), (1.0, "waits")):
        timeline.begins(at_s, name, caller=name, endpoint="trunk")
        timeline.line(at_s + 0.1, "ANSWER", name, "callcenter-hold")
    timeline.begins(2.0, "8101", caller="talks")
    timeline.enters(3.0, "8101")
    timeline.enters(3.0, "talks")
    lines = [line.replace("pbx-", "pbx-1700000000.") for line in timeline.lines]
    again = Timeline()
    again.begins(60.0, "new", caller="new", endpoint="trunk")
    again.ends(65.0, "new", by="new")
    return heard_in(lines + [line.replace("pbx-1", "pbx-1700000060.0") for line in again.lines])


def test_asterisk_started_anew_dropped_what_lived_and_the_next_call_is_another() -> None:
    calls = {
        call.call.uniqueid: call
        for one in over(crashed())
        for call in account_of(one, [DeviceUse("8101", "1001")]).calls
    }
    told = {name: (call.is_dropped, call.ended_ms is None, set(call.outcomes)) for name, call in calls.items()}

    assert told == {
        "pbx-1700000000.1": (True, True, {"agent_answered"}),
        "pbx-1700000000.2": (True, True, {"failed"}),
        "pbx-1700000060.0": (False, False, {"abandoned_queue"}),
    }
    assert [fault for one in over(crashed()) if one.is_dropped for fault in faults_of(one)] == []
