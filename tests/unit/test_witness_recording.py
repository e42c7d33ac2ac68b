"""A recording of a real Asterisk with the shipped dialplan: 22 calls of every kind, CEL beside what AMI said.

`cel_recording.csv` is the file as Asterisk wrote it; `cel_recording_ledger.jsonl` holds the same calls: instants from
the AMI events of the same run, outcome and agent from the script that played callers and agents. It stands for the
ledger, so that each witness can be changed and the change must be found.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from acd.names import Outcome
from callcenter.witness.calls import CelCall, DeviceUse
from callcenter.witness.cel import COLUMNS, parse_lines, read_cel
from callcenter.witness.compare import Comparison, LedgerCall, MismatchName, compare
from callcenter.witness.rebuild import rebuild

DATA = Path(__file__).parent.parent / "data"
PHONES = (
    DeviceUse("8101", "1001"),
    DeviceUse("8102", "1002"),
    DeviceUse("8103", "55", kind="specialist"),
)
LINES = (DATA / "cel_recording.csv").read_text().splitlines()
LEDGER = [LedgerCall.of(json.loads(line)) for line in (DATA / "cel_recording_ledger.jsonl").read_text().splitlines()]

Row = dict[str, str]


def calls_of(lines: Iterable[str]) -> tuple[CelCall, ...]:
    return rebuild(parse_lines(lines).rows, pbx="lab", callers=["trunk"], devices=PHONES).calls


def compared(lines: Iterable[str]) -> Comparison:
    return compare(LEDGER, calls_of(lines))


def fields(line: str) -> Row:
    return dict(zip(COLUMNS, next(csv.reader([line])), strict=True))


def changed(line: str, **columns: str) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow({**fields(line), **columns}.values())
    return out.getvalue()


def shifted(line: str, by_ms: int) -> str:
    at_us = int(fields(line)["eventtime"].replace(".", "")) + by_ms * 1000
    return changed(line, eventtime=f"{at_us // 1_000_000}.{at_us % 1_000_000:06d}")


def first(test: Callable[[Row], bool]) -> int:
    return next(number for number, line in enumerate(LINES) if test(fields(line)))


def of_answered_caller(kind: str) -> int:
    """The caller's first row of this kind in the recording's first call: one talk, the caller hangs up."""
    return first(lambda row: row["eventtype"] == kind and row["uniqueid"] == LEDGER[0].call.uniqueid)


def test_recording_read_whole_without_a_bad_line() -> None:
    read = read_cel(DATA / "cel_recording.csv")

    assert (read.bad, read.torn) == ((), False)
    assert len(read.rows) == 186


def test_recording_agrees_with_ami_in_every_call() -> None:
    told = compared(LINES)

    assert [str(mismatch) for mismatch in told.mismatches] == []
    assert (told.compared, told.open) == (22, 0)


def test_recording_has_every_outcome_that_is_produced_and_they_are_told_apart() -> None:
    outcomes = {call.outcome for call in LEDGER}
    assert outcomes == set(Outcome) - {Outcome.CALLBACK_REQUESTED, Outcome.VOICEMAIL, Outcome.SELF_SERVICE}

    undecided = {tuple(sorted(call.outcomes)) for call in calls_of(LINES) if len(call.outcomes) > 1}
    assert undecided == {("abandoned_ivr", "rejected"), ("abandoned_ringing", "overflowed_out")}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("CHAN_START", MismatchName.ARRIVED_MS),
        ("BRIDGE_ENTER", MismatchName.ANSWERED_MS),
        ("HANGUP", MismatchName.ENDED_MS),
    ],
)
@pytest.mark.parametrize("by_ms", [60, 300])
def test_one_row_shifted_later_is_that_mismatch_in_one_call(kind: str, name: MismatchName, by_ms: int) -> None:
    number = of_answered_caller(kind)

    told = compared([*LINES[:number], shifted(LINES[number], by_ms), *LINES[number + 1 :]])

    assert told.ledger_mismatches == 1
    assert [(mismatch.call, mismatch.name) for mismatch in told.mismatches] == [(LEDGER[0].call, name)]


def test_one_exit_shifted_earlier_is_talk_ended_in_one_call() -> None:
    number = of_answered_caller("BRIDGE_EXIT")

    told = compared([*LINES[:number], shifted(LINES[number], -60), *LINES[number + 1 :]])

    assert [(mismatch.call, mismatch.name) for mismatch in told.mismatches] == [
        (LEDGER[0].call, MismatchName.TALK_ENDED_MS)
    ]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("CHAN_START", {MismatchName.ONLY_IN_LEDGER}),
        ("BRIDGE_ENTER", {MismatchName.TALK}),
        ("HANGUP", {MismatchName.ENDED_MS}),
    ],
)
def test_one_row_deleted_is_one_mismatched_call(kind: str, names: set[MismatchName]) -> None:
    number = of_answered_caller(kind)

    told = compared([*LINES[:number], *LINES[number + 1 :]])

    assert told.ledger_mismatches == 1
    assert {mismatch.name for mismatch in told.mismatches} == names
    assert {mismatch.call for mismatch in told.mismatches} == {LEDGER[0].call}


def test_any_row_deleted_never_touches_another_call() -> None:
    rows = parse_lines(LINES).rows
    for number, row in enumerate(rows):
        left = [*rows[:number], *rows[number + 1 :]]

        told = compare(LEDGER, rebuild(left, pbx="lab", callers=["trunk"], devices=PHONES).calls)

        assert told.ledger_mismatches <= 1
        assert {mismatch.call.uniqueid for mismatch in told.mismatches} <= {row.linkedid}


def test_call_deleted_from_the_ledger_is_only_in_cel() -> None:
    cel = calls_of(LINES)
    for number, call in enumerate(LEDGER):
        (mismatch,) = compare([*LEDGER[:number], *LEDGER[number + 1 :]], cel).mismatches

        assert (mismatch.call, mismatch.name) == (call.call, MismatchName.ONLY_IN_CEL)


def test_any_outcome_of_the_ledger_changed_is_found_but_for_what_cel_cannot_tell() -> None:
    missed = []
    cel = calls_of(LINES)
    for number, call in enumerate(LEDGER):
        for outcome in set(Outcome) - {call.outcome}:
            ledger = [*LEDGER[:number], replace(call, outcome=outcome), *LEDGER[number + 1 :]]
            told = compare(ledger, cel)
            if told.ledger_mismatches != 1:
                missed.append((str(call.outcome), str(outcome)))

    assert sorted(missed) == [("overflowed_out", "abandoned_ringing"), ("rejected", "abandoned_ivr")]


def test_what_the_service_wrote_may_change_and_nothing_else_does() -> None:
    ours = {"cidnum": "x", "exten": "x", "appname": "x", "appdata": "x"}
    kept = [line for line in LINES if not fields(line)["userdeftype"]]

    assert len(kept) < len(LINES)
    assert calls_of(changed(line, **ours) for line in kept) == calls_of(LINES)


def test_lines_in_another_order_tell_the_same() -> None:
    by_channel = sorted(LINES, key=lambda line: fields(line)["uniqueid"], reverse=True)

    assert by_channel != LINES
    assert calls_of(by_channel) == calls_of(LINES)
