"""The ledger against CEL over a period, on both databases: what is compared, counted, named, left out."""

import gzip
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import CallId, EndedBy
from acd.records import CallClosed, CallRebuilt, TalkClosed, TalkOpened
from callcenter.reconcile.join import Join, Period
from callcenter.reconcile.ledger_side import LedgerSide
from callcenter.reconcile.verdicts import Result, Verdict
from callcenter.storage.ledger import Ledger
from callcenter.storage.tables import calls
from callcenter.witness import conversations, store
from callcenter.witness.errors import NoCelFile
from callcenter.witness.store import open_cel
from tests.contract.calls_told import entries
from tests.contract.two_witnesses import DAY_S, Office, day, sorted_lines, written
from tests.unit.cel_timeline import ms

ALL = Period(ms(-10), ms(2 * DAY_S))


Heard = Callable[..., Awaitable[Result]]
"""An office, a period, CEL's lines -> what the comparison said."""


@pytest.fixture
def heard(engine: AsyncEngine, ledger: Ledger, tmp_path: Path) -> Heard:
    """Compare an office's two witnesses over a period; `lines`: CEL's file, if it is not what happened."""

    async def compare(office: Office, period: Period = ALL, lines: Iterable[str] | None = None) -> Result:
        await ledger.apply("outbox", entries(office.records))
        path = written(tmp_path, sorted_lines(office) if lines is None else lines)
        return await Join(period, LedgerSide(engine), open_cel(str(path))).run()

    return compare


def named(result: Result) -> list[tuple[str, str]]:
    return [(one.call.uniqueid, one.what) for one in result.differences]


async def test_everything_agrees_over_midnight_and_each_call_counts_once(heard: Heard) -> None:
    result = await heard(day())

    assert named(result) == []
    assert result.warnings == ["CEL does not reach back to the beginning of the period"]
    assert (result.calls, result.counts[Verdict.AGREED], result.agrees) == (3, 3, True)


async def test_call_belongs_to_the_day_on_which_it_arrived(heard: Heard, engine: AsyncEngine, tmp_path: Path) -> None:
    await heard(day())
    for from_s, to_s, count in ((0, DAY_S, 2), (DAY_S, 2 * DAY_S, 1), (0, 150, 1), (3 * DAY_S, 4 * DAY_S, 0)):
        cel = open_cel(str(tmp_path / "callcenter.csv"))
        result = await Join(Period(ms(from_s), ms(to_s)), LedgerSide(engine), cel).run()

        assert (result.calls, result.mismatches) == (count, 0), (from_s, to_s)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"outcome": "abandoned_queue", "answered_ms": None, "talk_ended_ms": None, "via": None, "talk_ms": 0}, "talk"),
        ({"uniqueid": "pbx-3", "outcome": "failed", "outcome_reason": "system"}, "outcome"),
        ({"ended_ms": ms(DAY_S + 50.1)}, "ended_ms"),
        ({"arrived_ms": ms(99.9)}, "arrived_ms"),
        ({"agent": "1002"}, "agent"),
    ],
)
async def test_ledger_changed_by_hand_is_named(
    heard: Heard, engine: AsyncEngine, ledger: Ledger, tmp_path: Path, values: dict[str, object], what: str
) -> None:
    await heard(day())
    uniqueid = values.setdefault("uniqueid", "pbx-1")
    async with engine.begin() as connection:
        await connection.execute(update(calls).where(calls.c.uniqueid == uniqueid).values(**values))

    result = await Join(ALL, LedgerSide(engine), open_cel(str(tmp_path / "callcenter.csv"))).run()

    assert named(result) == [(uniqueid, what)]


async def test_call_of_one_witness_only_is_named_once(heard: Heard) -> None:
    office = day()
    office.records = [r for r in office.records if getattr(r, "call", None) != CallId("pbx", "pbx-3")]
    lines = [line for line in sorted_lines(office) if '"pbx-4"' not in line]

    result = await heard(office, lines=lines)

    assert named(result) == [("pbx-3", "only_in_cel"), ("pbx-4", "only_in_ledger")]
    assert (result.calls, result.counts[Verdict.MISMATCHED], result.counts[Verdict.AGREED]) == (3, 2, 1)


async def test_rebuilt_call_is_counted_apart_and_a_wrong_one_is_named(heard: Heard, ledger: Ledger) -> None:
    office = day()
    office.records += [CallRebuilt(CallId("pbx", f"pbx-{number}"), ms(300)) for number in (1, 3)]
    lines = sorted_lines(office)
    lines = [line.replace(f"{ms(230) // 1000}.", f"{ms(231) // 1000}.") for line in lines]

    result = await heard(office, lines=lines)

    assert named(result) == [("pbx-3", "ended_ms")]
    assert result.differences[0].is_rebuilt
    assert (result.counts[Verdict.REBUILT], result.counts[Verdict.AGREED]) == (1, 1)


async def test_end_that_nobody_watched_is_unknown_and_what_is_known_of_it_is_compared(heard: Heard) -> None:
    office = day()
    call = CallId("pbx", "pbx-3")
    office.records = [r for r in office.records if not isinstance(r, CallClosed) or r.call != call]
    office.records.append(CallClosed(call, ms(300), EndedBy.UNKNOWN, None, ""))

    result = await heard(office)

    assert named(result) == [("pbx-3", "outcome")]
    assert result.differences[0].cel == "abandoned_queue"


async def test_cel_that_begins_later_makes_older_calls_unknown_not_wrong(heard: Heard) -> None:
    office = day()
    lines = [line for line in sorted_lines(office) if line.split('"')[3] > f"{ms(DAY_S + 60) // 1000}"]

    result = await heard(office, lines=lines)

    assert named(result) == []
    assert [(one.call.uniqueid, one.why) for one in result.unknown] == [
        ("pbx-1", "older than the oldest row of CEL"),
        ("pbx-3", "older than the oldest row of CEL"),
    ]
    assert result.counts[Verdict.AGREED] == 1


async def test_call_that_goes_on_is_open(heard: Heard) -> None:
    office = day()
    office.arrives(DAY_S + 200)

    result = await heard(office)

    assert (named(result), result.counts[Verdict.OPEN], result.calls) == ([], 1, 4)


async def test_line_leaves_out_the_calls_of_the_others(heard: Heard) -> None:
    office = day()
    office.gives_up(office.arrives(300, "enterprise"), 310)

    assert (await heard(office, Period(ALL.from_ms, ALL.to_ms, "enterprise"))).calls == 1


async def test_agent_behind_a_phone_is_the_one_of_that_time(heard: Heard) -> None:
    office = Office()
    office.answered(office.arrives(100), 110, 120)
    office.present("1001", None, 130)
    office.present("1009", "8101", 140)
    office.answered(office.arrives(150), 160, 170, "8101", "1009")

    result = await heard(office)

    assert (named(result), result.counts[Verdict.AGREED]) == ([], 2)


async def test_file_cut_garbage_and_doubles_are_told_and_no_figure_is_wrong(heard: Heard) -> None:
    lines = sorted_lines(day())
    lines = [*lines[:5], lines[3], "garbage", lines[5][:40], *lines[5:], lines[-1][:30]]

    result = await heard(day(), lines=["", *lines[:-1], lines[-1] + "\0"])

    assert named(result) == []
    assert result.counts[Verdict.AGREED] == 3
    assert [warning.partition(": ")[2][:60] for warning in result.warnings[:2]] == [
        "no row of CEL: 1 columns instead of 13",
        "no row of CEL: not CSV: unexpected end of data",
    ]
    assert "1 rows of CEL are there twice: each counted once" in result.warnings


async def test_file_cut_in_the_middle_of_its_last_line_says_so(
    engine: AsyncEngine, ledger: Ledger, tmp_path: Path
) -> None:
    office = day()
    await ledger.apply("outbox", entries(office.records))
    path = written(tmp_path, sorted_lines(office))
    path.write_bytes(path.read_bytes()[:-20])

    result = await Join(ALL, LedgerSide(engine), open_cel(str(path))).run()

    assert result.warnings[0] == "callcenter.csv: cut off in the middle of its last line, which is left out"
    assert named(result) == [("pbx-4", "cel_rows")]


async def test_rotated_and_compressed_files_are_read_as_one(
    engine: AsyncEngine, ledger: Ledger, tmp_path: Path
) -> None:
    office = day()
    await ledger.apply("outbox", entries(office.records))
    lines = sorted_lines(office)
    written(tmp_path, lines[-6:])
    written(tmp_path, lines[10:-6], "callcenter.csv.1")
    (tmp_path / "callcenter.csv.2.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines[:10]).encode()))
    written(tmp_path, lines[:3], "callcenter.csv.bak")

    result = await Join(ALL, LedgerSide(engine), open_cel(str(tmp_path / "callcenter.csv"))).run()

    assert (named(result), result.counts[Verdict.AGREED]) == ([], 3)


async def test_file_that_is_there_twice_counts_once_however_late(
    engine: AsyncEngine, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SETTLE_ROWS", 0), ("SETTLE_MS", 0), ("_LOOK_ROWS", 1)):
        monkeypatch.setattr(conversations, name, value)
    monkeypatch.setattr(store, "_LINES", 5)
    office = day()
    await ledger.apply("outbox", entries(office.records))
    text = "".join(f"{line}\n" for line in sorted_lines(office))
    (tmp_path / "callcenter.csv.1").write_text(text)
    (tmp_path / "callcenter.csv.1.gz").write_bytes(gzip.compress(text.encode()))

    result = await Join(ALL, LedgerSide(engine), open_cel(str(tmp_path / "callcenter.csv"))).run()

    assert (named(result), result.calls, result.counts[Verdict.AGREED]) == ([], 3, 3)


def test_no_file_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoCelFile, match="cel-custom"):
        open_cel(str(tmp_path / "callcenter.csv"))


async def test_caller_turned_away_by_his_number_is_agreed_when_cel_saw_him_refused_or_gone(heard: Heard) -> None:
    office = Office()
    for at_s, by in ((100, "the dialplan"), (110, "himself")):
        office.turned_away(office.arrives(at_s), at_s + 3, by=by)

    result = await heard(office)

    assert (named(result), result.counts[Verdict.AGREED]) == ([], 2)


async def test_caller_whom_the_ledger_turned_away_spoke_to_somebody_it_is_one_mismatch(heard: Heard) -> None:
    office = Office()
    name = office.arrives(100)
    office.answered(name, 110, 120)
    office.records = [one for one in office.records if not isinstance(one, TalkOpened | TalkClosed)]
    office.block(name, 100)

    result = await heard(office)

    assert named(result) == [(office.uniqueid(name), "talk")]
