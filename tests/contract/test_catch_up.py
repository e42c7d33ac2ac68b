"""Gaps that no service told, told by command on both databases: once, marked, whoever else tells them, and nothing lost."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import CallId, EndedBy, Outcome
from acd.records import GapTold, Record
from callcenter.rebuild.catch_up import Caught, LedgerNotWritable, Where, catch_up
from callcenter.rebuild.gaps import SOURCE, Gap
from callcenter.rebuild.missed import NO_END, missed
from callcenter.rebuild.source import CelAway, read_since
from callcenter.rebuild.tell import tell
from callcenter.storage import database, tell_at_once
from callcenter.storage.errors import SchemaOutdated
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from callcenter.storage.outbox import Outbox
from callcenter.storage.state_dir import StateDir
from callcenter.storage.tables import metadata
from tests.contract.calls_told import entries
from tests.contract.gap_day import FROM_S, GAP, TO_S, Day, away, before_the_gap, closed, opened
from tests.unit.cel_timeline import ms, stamp
from tests.unit.rebuild_world import PEOPLE, plan

READ = replace(GAP, is_read=True)
ALL = (ms(-1000), ms(1_000_000))


@dataclass
class Place:
    """An operator's command, his CEL, his ledger."""

    engine: AsyncEngine
    url: str
    folder: Path

    def where(self) -> Where:
        return Where(self.url, str(self.folder / "callcenter.csv"), self.folder / "state", plan())

    def write(self, lines: Iterable[str], tail: str = "") -> None:
        text = "".join(f"{line}\n" for line in lines) + tail
        (self.folder / "callcenter.csv").write_text(text, encoding="utf-8")

    async def told(self, records: Sequence[Record], outbox: str = "outbox", first: int = 0) -> None:
        ledger = Ledger(self.engine)
        await ledger.apply(outbox, entries(records, first))
        assert await ledger.quarantine() == []

    async def run(self, **how: bool) -> Caught:
        return await catch_up(self.where(), *ALL, **how)

    async def everything(self, *without: str) -> dict[str, list[Any]]:
        """All rows of all tables."""
        found = {}
        async with self.engine.connect() as connection:
            for table in metadata.sorted_tables:
                if table.name not in without:
                    query = select(table).order_by(*table.primary_key.columns)
                    found[table.name] = [tuple(row) for row in await connection.execute(query)]
        return found

    async def outcomes(self) -> dict[str, tuple[object, ...]]:
        rows = await Ledger(self.engine).calls(0, 2**53)
        return {row["uniqueid"]: (row["outcome"], row["agent"], row["rebuilt_ms"] is not None) for row in rows}

    async def gaps(self) -> list[tuple[int, int, bool]]:
        rows = (await self.everything())["gaps"]
        return [(row[1], row[2], bool(row[4])) for row in rows]


@pytest.fixture
def place(engine: AsyncEngine, database_url: str, tmp_path: Path) -> Place:
    return Place(engine, database_url, tmp_path)


TOLD = {
    "pbx-1": ("abandoned_queue", None, False),
    "pbx-2": ("abandoned_queue", None, True),
    "pbx-3": ("abandoned_queue", None, True),
    "pbx-4": ("agent_answered", "1001", True),
    "pbx-6": ("abandoned_queue", None, False),
}


async def test_gap_that_was_never_read_is_told_and_a_second_run_changes_nothing(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())

    (gap,) = (await place.run()).gaps

    assert (gap.calls, gap.is_read, gap.unknown, gap.why, gap.is_open) == (3, True, (), "", False)
    assert await place.outcomes() == TOLD
    assert await place.gaps() == [(ms(FROM_S), ms(TO_S), True)]
    (talk,) = await Ledger(place.engine).children("talks", CallId("pbx", "pbx-4"))
    assert (talk["opened_ms"], talk["closed_ms"], talk["device"], talk["via"]) == (ms(55), ms(70), "8101", "fallback")
    before = await place.everything()
    assert (await place.run()).gaps == []
    (again,) = (await place.run(again=True)).gaps
    assert (again.calls, again.is_read) == (0, True)
    assert await place.everything() == before


async def test_service_that_looked_at_the_same_gap_meanwhile_changes_nothing_by_telling_it_after_us(
    place: Place,
) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())
    cel = await asyncio.to_thread(read_since, str(place.folder / "callcenter.csv"), ms(-60))
    known = await Ledger(place.engine).lived_in("pbx", ms(FROM_S) - 15_000, ms(TO_S))
    its_own = tell(Gap("pbx", ms(FROM_S), ms(TO_S), people=PEOPLE), cel.rows, cel.spoken, known, {"pbx-6"}, plan())
    assert len(its_own.records) > 10

    await place.run()
    before = await place.everything("outbox_positions", "rollup_marks")
    await place.told([GAP, *its_own.records, READ], first=100)

    assert await place.everything("outbox_positions", "rollup_marks") == before


async def test_two_commands_at_once_tell_each_call_once(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())

    ran = await asyncio.gather(place.run(), place.run())

    assert sorted(gap.calls for caught in ran for gap in caught.gaps) == [0, 3]
    assert await place.outcomes() == TOLD
    assert [note["what"] for note in await Ledger(place.engine).notes()] == ["calls_rebuilt"]


async def test_trial_says_the_same_and_changes_nothing(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())
    before = await place.everything()

    (gap,) = (await place.run(is_trial=True)).gaps

    assert (gap.calls, gap.is_read) == (3, True)
    assert await place.everything() == before


async def test_period_without_a_gap_nothing_is_read_and_nothing_changes(place: Place) -> None:
    await place.told([*Day().records, READ])
    before = await place.everything()

    assert (await catch_up(place.where(), *ALL)).gaps == []  # CEL is not even there
    assert (await catch_up(place.where(), ms(200), ms(300))).gaps == []
    assert await place.everything() == before


async def test_caller_who_lives_on_is_not_touched_whether_the_ledger_knows_him_or_not(place: Place) -> None:
    day = Day().goes_on()
    day.cel.arrives(80, "found")
    day.cel.begins(80.5, "8102", caller="found")
    day.cel.enters(81, "8102", "b2")
    day.cel.enters(81.001, "found", "b2")
    day.cel.arrives(90, "not yet")
    uniqueid = day.cel._channels["found"][1]
    await place.told([*day.records, opened(uniqueid, 80)])
    place.write(day.lines())
    before = await Ledger(place.engine).call("pbx", uniqueid)

    await place.run()

    assert await Ledger(place.engine).call("pbx", uniqueid) == before
    assert set(await place.outcomes()) == {*TOLD, uniqueid}


async def test_cel_begins_in_the_gap_what_it_has_is_told_and_the_gap_stays_unread(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(line for line in day.lines() if line.split('"')[3] > stamp(45))

    (gap,) = (await place.run()).gaps

    assert not gap.is_read and "begins later" in gap.why
    told = await place.outcomes()
    assert told == {name: one for name, one in TOLD.items() if name != "pbx-3"} | {"pbx-2": (None, None, True)}
    assert [(call.uniqueid, why) for call, why in gap.unknown] == [("pbx-2", "CEL does not have its beginning")]
    before = await place.everything()
    await place.run()
    assert await place.everything() == before
    assert await place.gaps() == [(ms(FROM_S), ms(TO_S), False)]

    place.write(day.lines())  # the older files are back
    (gap,) = (await place.run()).gaps
    assert (gap.is_read, gap.unknown) == (True, ())
    assert await place.outcomes() == TOLD


async def test_cel_is_cut_in_the_middle_of_a_line_of_the_gap_the_rest_is_told_when_it_is_there(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    lines = day.lines()
    end = next(n for n, line in enumerate(lines) if "HANGUP" in line and '"pbx-4"' in line)
    place.write(lines[:end], tail=lines[end][:60])

    (gap,) = (await place.run()).gaps

    assert not gap.is_read and "cut off in the middle of a line" in gap.why and "*10" in gap.why
    assert (await place.outcomes())["pbx-3"] == TOLD["pbx-3"]
    assert "pbx-4" not in await place.outcomes()  # without its end he may live on
    place.write(lines)
    assert [gap.is_read for gap in (await place.run()).gaps] == [True]
    assert await place.outcomes() == TOLD


async def test_end_that_cel_lost_stays_unknown_and_is_named(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(line for line in day.lines() if not ("HANGUP" in line and '"pbx-2"' in line))

    (gap,) = (await place.run()).gaps

    assert gap.is_read
    assert gap.unknown == ((CallId("pbx", "pbx-2"), NO_END),)
    assert (await place.outcomes())["pbx-2"] == (None, None, False)


async def test_rows_of_another_pbx_in_the_same_store_are_not_told(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    others = [line.replace('"pbx-', '"other-') for line in Day().lines()]
    place.write(sorted([*day.lines(), *others], key=lambda line: line.split('"')[3]))

    await place.run()

    assert await place.outcomes() == TOLD


# -- a service that stays away ------------------------------------------------------------------------------------------


async def test_service_stays_away_its_last_records_are_stored_and_the_calls_since_are_told(place: Place) -> None:
    day = Day()
    away(place.folder / "state", FROM_S, before_the_gap(day))
    place.write(day.lines())
    newest_ms = ms(70.1)

    (gap,) = (await place.run()).gaps

    assert (gap.is_open, gap.calls, gap.is_read) == (True, 3, True)
    assert (gap.gap.watched_ms, gap.gap.to_ms) == (ms(FROM_S), newest_ms)
    expected = {name: one for name, one in TOLD.items() if name != "pbx-6"}
    assert await place.outcomes() == expected
    assert await place.gaps() == [(ms(FROM_S), newest_ms, True)]
    before = await place.everything()
    assert [gap.calls for gap in (await place.run()).gaps] == [0]
    assert await place.everything() == before

    # it comes back: its gap takes the place of the piece, and there is nothing to tell
    state = StateDir(place.folder / "state")
    outbox = Outbox(state.outbox)
    later = GapTold("pbx", ms(FROM_S), ms(150))
    await Ledger(place.engine).apply(outbox.identity, entries([later, replace(later, is_read=True)], first=10**6))
    outbox.close()
    assert await place.gaps() == [(ms(FROM_S), ms(150), True)]
    assert await place.outcomes() == expected
    assert await Ledger(place.engine).quarantine() == []


async def test_period_before_the_service_ended_changes_nothing_not_even_what_waits_in_its_outbox(place: Place) -> None:
    day = Day()
    away(place.folder / "state", FROM_S, before_the_gap(day))
    place.write(day.lines())

    assert (await catch_up(place.where(), ms(-100), ms(10))).gaps == []

    assert await place.outcomes() == {}


async def test_state_folder_was_put_back_what_waits_in_its_outbox_is_the_services_to_tell(place: Place) -> None:
    day, state = Day(), away(place.folder / "state", FROM_S)
    place.write(day.lines())
    outbox, ledger = Outbox(state.outbox), Ledger(place.engine)
    behind = await ledger.apply(outbox.identity, entries([GAP], first=10**6))
    outbox.append(before_the_gap(day))
    outbox.close()

    notes = (await place.run()).notes

    assert any("is older than the ledger" in note for note in notes)
    assert await ledger.position(outbox.identity) == behind


async def test_service_runs_its_open_gap_is_its_own(place: Place) -> None:
    day = Day()
    state = away(place.folder / "state", FROM_S)
    await place.told(before_the_gap(day))
    place.write(day.lines())
    state.lock("desk")
    try:
        assert (await place.run()).gaps == []
    finally:
        state.release()
    assert [gap.calls for gap in (await place.run()).gaps] == [3]


async def test_another_service_watches_since_nothing_is_told_and_that_is_said(place: Place) -> None:
    day = Day().goes_on()
    away(place.folder / "state", FROM_S)
    await place.told([one for one in day.records if not isinstance(one, GapTold)])
    place.write(day.lines())

    caught = await place.run()

    assert caught.gaps == [] and "another one watches since" in caught.notes[0]


async def test_another_service_has_begun_to_watch_and_nobody_has_called_since_its_gap_is_its_own(place: Place) -> None:
    day = Day()
    away(place.folder / "state", FROM_S)
    await place.told([*before_the_gap(day), GAP])
    place.write(day.lines())

    caught = await catch_up(place.where(), ms(TO_S + 1), ALL[1])  # after its gap

    assert caught.gaps == [] and "another one watches since" in caught.notes[0]


async def test_another_service_saw_a_caller_go_since_nothing_is_told_though_nobody_has_come(place: Place) -> None:
    day = Day()
    away(place.folder / "state", FROM_S)  # of a stand-by: the leader's calls are in the ledger, and go on
    gone = closed("pbx-2", 60, EndedBy.CALLER, Outcome.ABANDONED_QUEUE)
    await place.told([*before_the_gap(day), gone])
    place.write(day.lines())

    caught = await place.run()

    assert caught.gaps == [] and "another one watches since" in caught.notes[0]
    assert await place.gaps() == []


async def test_callers_who_live_on_while_the_service_is_away_are_left_to_it(place: Place) -> None:
    day = Day()
    day.cel.arrives(65, "lives on")
    away(place.folder / "state", FROM_S, before_the_gap(day))
    place.write(line for line in day.lines() if not ("HANGUP" in line and '"pbx-2"' in line))

    await place.run()

    row = await Ledger(place.engine).call("pbx", "pbx-2")
    assert row is not None and (row["ended_ms"], row["rebuilt_ms"]) == (None, None)
    assert set(await place.outcomes()) == {"pbx-1", "pbx-2", "pbx-3", "pbx-4"}


async def test_asterisk_was_started_anew_meanwhile_who_lived_failed_then(place: Place) -> None:
    day = Day()
    lines = [line for line in day.lines() if not ("HANGUP" in line and '"pbx-2"' in line)]
    numbered = []
    for line in lines:  # Uniqueids as Asterisk makes them: second and number
        for name, made in (
            ("pbx-1", "10.1"),
            ("pbx-2", "15.2"),
            ("pbx-3", "30.3"),
            ("pbx-4", "50.0"),
            ("pbx-5", "51.1"),
        ):
            line = line.replace(f'"{name}"', f'"pbx-17000000{made}"')
        numbered.append(line)
    records = before_the_gap(day)
    names = {"pbx-1": "pbx-1700000010.1", "pbx-2": "pbx-1700000015.2"}
    records = [
        replace(one, call=CallId("pbx", names[one.call.uniqueid])) if getattr(one, "call", None) else one  # type: ignore[union-attr, call-arg, arg-type]  # records of calls alone have one
        for one in records
    ]
    away(place.folder / "state", FROM_S, records)
    place.write(numbered)

    (gap,) = (await place.run()).gaps

    assert gap.gap.has_restarted
    row = await Ledger(place.engine).call("pbx", "pbx-1700000015.2")
    assert row is not None
    assert (row["outcome"], row["outcome_reason"], row["ended_by"]) == ("failed", "system", "system")
    assert ms(FROM_S) <= row["ended_ms"] <= ms(70.1)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def test_cel_is_away_the_gap_stays_and_the_message_says_what_to_do(place: Place) -> None:
    await place.told(Day().records)
    before = await place.everything()

    with pytest.raises(CelAway, match="cel-custom"):
        await place.run()

    assert await place.everything() == before


async def test_ledger_is_read_only_nothing_is_lost_and_a_trial_still_works(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())
    before = await place.everything()
    if place.engine.dialect.name == "sqlite":
        path = place.url.partition("///")[2]
        place.url = f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true"
    else:
        name = place.url.rpartition("/")[2].partition("?")[0]
        async with place.engine.begin() as connection:
            await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))

    with pytest.raises(LedgerNotWritable, match=r"read.?only"):
        await place.run()

    assert [gap.calls for gap in (await place.run(is_trial=True)).gaps] == [3]
    assert await place.everything() == before


@pytest.mark.postgres
async def test_working_out_takes_longer_than_the_database_lets_a_service_think_it_is_told_all_the_same(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = Day().goes_on()
    engine = database.open_engine(postgres_url)
    await upgrade(engine)
    place = Place(engine, postgres_url, tmp_path)
    await place.told(day.records)
    place.write(day.lines())
    monkeypatch.setattr(database, "IDLE_MS", "200")

    def slowly(*given: Any) -> Any:
        time.sleep(1.0)
        return missed(*given)

    monkeypatch.setattr("callcenter.rebuild.catch_up.missed", slowly)

    (gap,) = (await place.run()).gaps

    assert gap.calls == 3
    assert await place.outcomes() == TOLD
    await engine.dispose()


async def test_command_dies_before_its_commit_nothing_is_told_and_the_next_run_tells_all(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())
    before = await place.everything()

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(tell_at_once, "upsert", dies)
        await place.run()

    assert await place.everything() == before
    await place.run()
    assert await place.outcomes() == TOLD


@pytest.mark.postgres
async def test_ledger_is_not_migrated_the_message_says_how(postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaOutdated, match="callcenter db upgrade"):
        await catch_up(Where(postgres_url, "callcenter.csv", tmp_path, plan()), *ALL)


async def test_without_a_plan_gaps_are_named_and_not_told(place: Place) -> None:
    await place.told(Day().records)

    caught = await catch_up(replace(place.where(), plan=None), *ALL)

    assert caught.gaps == [] and "CALLCENTER_PLAN" in caught.notes[0]


async def test_our_records_have_positions_of_their_own(place: Place) -> None:
    day = Day().goes_on()
    await place.told(day.records)
    place.write(day.lines())
    await place.run()

    positions = {row[0]: row[2] for row in (await place.everything())["outbox_positions"]}

    assert positions["outbox"] == len(day.records) and positions[SOURCE] > 10
