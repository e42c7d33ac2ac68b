"""`callcenter import FILE.csv`, as an operator types it, on both databases."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from acd.names import CallId, EndedBy, Outcome, Via
from acd.records import CallClosed, CallOpened, CallWaiting, TalkClosed, TalkOpened
from callcenter.imports import load
from callcenter.imports.csv_file import REQUIRED
from callcenter.reconcile.ledger_side import LedgerSide
from callcenter.storage.call_fold import CallStory
from callcenter.storage.call_settle import settle
from callcenter.storage.database import open_engine
from callcenter.storage.figures import Group
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from callcenter.storage.rolled_figures import reading
from callcenter.storage.tables import calls
from callcenter.storage.tables_rolled import rolled, rollup_marks
from metrics.rolled import LINES
from tests.contract.calls_told import Told, entries
from tests.contract.import_files import (
    FROM_MS,
    abandoned,
    answered,
    bad_rows,
    corrections,
    ledger_rows,
    outbound,
    run,
    write,
)
from tests.counted import totals_between

YEAR = ("--from", "2020-01-01", "--to", "2021-01-01")
ONE_DAY = "arrived from 2020-03-01 to 2020-03-01 (Asia/Shanghai)\n"
"""What is said of calls that all came on the day of those made here."""


@pytest.fixture
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger at the newest schema, which the commands use from an operator's empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("STATE_DIR", "PLAN"):
        monkeypatch.delenv(f"CALLCENTER_{name}", raising=False)
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", database_url.replace("+aiosqlite", "").replace("+asyncpg", ""))
    asyncio.run(_upgraded(database_url))
    return database_url


async def _upgraded(url: str) -> None:
    engine = open_engine(url)
    await upgrade(engine)
    await engine.dispose()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A few rows already make several chunks."""
    monkeypatch.setattr(load, "CHUNK", 3)
    yield


def test_operator_imports_a_file_he_sees_how_far_it_is(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", mixed(300))
    done = run("import", str(path))
    size = path.stat().st_size // 1000
    assert size > 10
    assert "loading, kB" in done.stderr
    assert f"{size}/{size}" in done.stderr
    assert "adding up days" in done.stderr


def mixed(number: int = 30) -> list[list[str]]:
    """Calls of all kinds."""
    return [(answered, abandoned, outbound)[n % 3](f"c{n}", line=f"线路{n % 4}") for n in range(number)]


def test_calls_are_loaded_and_counted_by_the_report_without_any_plan(database: str, tmp_path: Path) -> None:
    done = run("import", str(write(tmp_path / "old.csv", mixed())))
    assert (done.exit_code, done.stdout) == (0, f"old.csv as source 'import': 30 rows: 30 new\n{ONE_DAY}")
    printed = run("report", *YEAR, "--lang", "en")
    volumes = [line.split("│")[2].strip() for line in printed.stdout.splitlines() if "│" in line]
    assert volumes[:3] == ["10", "10", "20"]
    assert "50.0%" in printed.stdout and not (tmp_path / "old.csv.bad.csv").exists()
    rows = ledger_rows(database)
    assert {(row["pbx"], row["line_code"], row["imported"]) for row in rows} == {
        ("import", f"线路{n}", True) for n in range(4)
    }


OURS_ALONE = (
    ("overview", "specialist_answers"),
    ("overview", "requeue_abandoned"),
    ("outbound", "outbound_call_backs"),
)
"""What no file of calls tells."""


def test_what_a_former_system_does_not_tell_is_no_zero_until_a_call_of_ours_is_beside(
    database: str, tmp_path: Path
) -> None:
    assert run("import", str(write(tmp_path / "old.csv", [answered("a"), abandoned("b")]))).exit_code == 0
    told = json.loads(run("report", *YEAR, "--format", "json").stdout)
    assert [told[section][name]["value"] for section, name in OURS_ALONE] == [None] * 3
    assert told["agents"]["1001"]["seat_misses"] is None
    asyncio.run(_apply(database, Told("live", FROM_MS).queued(0).talks(5, 9).ends(9, Outcome.AGENT_ANSWERED)))
    told = json.loads(run("report", *YEAR, "--format", "json").stdout)
    assert [told[section][name]["value"] for section, name in OURS_ALONE] == [0] * 3
    assert told["agents"]["1001"]["seat_misses"] == 0


def test_former_system_does_not_tell_who_was_queued_no_rate_from_there_is_a_false_zero(
    database: str, tmp_path: Path
) -> None:
    assert run("import", str(write(tmp_path / "none.csv", [abandoned("b", queued_at="")]))).exit_code == 0
    level = json.loads(run("report", *YEAR, "--format", "json").stdout)["service_levels"]["20"]
    assert level["service_level_queue"] == "0.0%", "nobody was answered: that is known"
    assert run("import", str(write(tmp_path / "old.csv", [answered("a", queued_at="")]))).exit_code == 0
    level = json.loads(run("report", *YEAR, "--format", "json").stdout)["service_levels"]["20"]
    assert {name: level[name] for name in level if name.endswith("_queue")} == {
        "service_level_queue": None,
        "answered_within_share_queue": None,
        "service_level_icmi4_queue": None,
    }
    assert level["service_level_arrival"] == "50.0%"
    assert run("import", str(write(tmp_path / "more.csv", [answered("c")]))).exit_code == 0
    level = json.loads(run("report", *YEAR, "--format", "json").stdout)["service_levels"]["20"]
    assert level["service_level_queue"] == "33.3%"


def told_live(row: dict[str, Any]) -> CallStory:
    """The same call, told to the ledger as a PBX's calls are."""
    call = CallId(row["pbx"], row["uniqueid"])
    number, agent = row["caller_number"], row["agent"] if row["direction"] == "outbound" else None
    opened = CallOpened(
        call, row["arrived_ms"], row["line_code"], "", number, "", "", False, "", row["direction"], agent
    )
    story = CallStory(call)
    story.take(opened)
    if row["queued_ms"] is not None:
        story.take(CallWaiting(call, row["queued_ms"], row["line_code"], "", 1))
    if row["answered_ms"] is not None:
        begin = row["answered_ms"]
        story.take(TalkOpened(call, "1-1", begin, row["agent"] or "", "seat", "", Via.ENGINE))
        story.take(TalkClosed(call, "1-1", begin + row["talk_ms"], 0))
    outcome = None if row["outcome"] is None else Outcome(row["outcome"])
    story.take(CallClosed(call, row["ended_ms"], EndedBy.UNKNOWN, outcome, row["outcome_reason"]))
    return story


def test_row_is_the_one_that_the_ledger_makes_of_the_same_call_told_live(database: str, tmp_path: Path) -> None:
    words = [
        "abandoned_ringing",
        "callback_requested",
        "voicemail",
        "self_service",
        "rejected(full)",
        "failed",
        "unknown",
    ]
    told = [
        *mixed(),
        *(abandoned(word, outcome=word) for word in words),
        outbound("no answer", answered_at="", talk_s=""),
    ]
    assert run("import", str(write(tmp_path / "old.csv", told))).exit_code == 0
    found = ledger_rows(database)
    assert len(found) == len(told)
    for row in found:
        by_ledger = settle(told_live(row))
        unlike = {name for name in row if row[name] != by_ledger[name]}
        assert unlike == ({"imported", "via", "talk_ended_ms"} if row["answered_ms"] is not None else {"imported"})


def test_import_again_changes_nothing_and_says_so(database: str, tmp_path: Path, small_chunks: None) -> None:
    path = str(write(tmp_path / "old.csv", mixed()))
    assert run("import", path).exit_code == 0
    before = ledger_rows(database)
    again = run("import", path)
    assert (again.exit_code, again.stdout) == (0, f"old.csv as source 'import': 30 rows: 30 unchanged\n{ONE_DAY}")
    assert ledger_rows(database) == before and corrections(database) == []


def test_other_content_is_a_correction_that_the_notes_tell(database: str, tmp_path: Path) -> None:
    write(tmp_path / "old.csv", [answered("a"), answered("b"), abandoned("c")])
    write(tmp_path / "new.csv", [answered("a", talk_s="300", agent=""), answered("b"), answered("c")])
    assert run("import", str(tmp_path / "old.csv")).exit_code == 0
    done = run("import", str(tmp_path / "new.csv"))
    assert (done.exit_code, done.stdout) == (
        0,
        f"new.csv as source 'import': 3 rows: 1 unchanged, 2 corrected\n{ONE_DAY}",
    )
    said = dict(corrections(database))
    assert said["a"] == "agent '1001' -> None, talk_ms 311000 -> 300000"
    assert "outcome 'abandoned_queue' -> 'agent_answered'" in said["c"] and set(said) == {"a", "c"}
    assert run("import", str(tmp_path / "new.csv")).stdout.endswith(f"3 unchanged\n{ONE_DAY}")
    row = next(row for row in ledger_rows(database) if row["uniqueid"] == "c")
    assert (row["wait_ms"], row["agent_answers"], row["outcome"]) == (20_000, 1, "agent_answered")
    assert len(corrections(database)) == 2


def test_sources_keep_their_calls_apart(database: str, tmp_path: Path) -> None:
    path = str(write(tmp_path / "old.csv", [answered("a")]))
    assert run("import", path, "--source", "北").exit_code == run("import", path, "--source", "south").exit_code == 0
    assert sorted((row["pbx"], row["uniqueid"]) for row in ledger_rows(database)) == [("south", "a"), ("北", "a")]


def test_bad_rows_go_to_a_file_with_line_and_reason_and_the_rest_is_loaded(
    database: str, tmp_path: Path, small_chunks: None
) -> None:
    rows = [answered("a"), answered("b", ended_at=AT_NOON), abandoned("c"), ["d"], answered("e", direction="up")]
    done = run("import", str(write(tmp_path / "old.csv", [*rows, outbound("f")])))
    assert (done.exit_code, done.stdout) == (3, f"old.csv as source 'import': 6 rows: 3 new, 3 bad\n{ONE_DAY}")
    assert "old.csv.bad.csv" in done.stderr
    assert [row["uniqueid"] for row in ledger_rows(database)] == ["a", "c", "f"]
    (_, late), (_, short), (_, up) = found = bad_rows(tmp_path / "old.csv.bad.csv")
    assert [line for line, _ in found] == ["3", "5", "6"]
    assert "lies before" in late and short == "1 fields instead of 10" and "'up'" in up


AT_NOON = "2020-02-29T12:00:00+08:00"


def test_file_of_bad_rows_is_corrected_and_imported_in_turn(database: str, tmp_path: Path) -> None:
    run("import", str(write(tmp_path / "old.csv", [answered("a"), answered("b", direction="in")])))
    bad = tmp_path / "old.csv.bad.csv"
    again = run("import", str(bad))
    assert again.exit_code == 3 and bad_rows(tmp_path / "old.csv.bad.csv.bad.csv")[0][0] == "2"
    bad.write_text(bad.read_text(encoding="utf-8-sig").replace(",in,", ",inbound,"), encoding="utf-8")
    assert run("import", str(bad)).stdout == f"old.csv.bad.csv as source 'import': 1 rows: 1 new\n{ONE_DAY}"
    assert len(ledger_rows(database)) == 2


def test_call_that_stands_in_the_file_twice_counts_once(database: str, tmp_path: Path, small_chunks: None) -> None:
    rows = [answered("a"), answered("a"), *mixed(6), answered("a", talk_s="1"), answered("a"), abandoned("a")]
    path = str(write(tmp_path / "old.csv", rows))
    done = run("import", path)
    assert done.stdout == f"old.csv as source 'import': 11 rows: 7 new, 2 repeated in the file, 2 bad\n{ONE_DAY}"
    found = bad_rows(tmp_path / "old.csv.bad.csv")
    assert [line for line, _ in found] == ["10", "12"]
    assert "before with other content: talk_ms 311000 -> 1000" in found[0][1]
    before = ledger_rows(database)
    assert (
        run("import", path).stdout
        == f"old.csv as source 'import': 11 rows: 7 unchanged, 2 repeated in the file, 2 bad\n{ONE_DAY}"
    )
    assert ledger_rows(database) == before and corrections(database) == []


def test_file_whose_rows_all_have_one_id_is_one_call_and_many_bad_rows(database: str, tmp_path: Path) -> None:
    rows = [answered("1", talk_s=str(n % 311)) for n in range(5000)]
    done = run("import", str(write(tmp_path / "old.csv", rows)))
    assert "5000 rows: 1 new, 16 repeated in the file, 4983 bad" in done.stdout
    assert [row["talk_ms"] for row in ledger_rows(database)] == [0]


def test_first_good_row_of_a_call_counts_when_an_earlier_one_is_bad(database: str, tmp_path: Path) -> None:
    rows = [answered("a", direction="x"), answered("a"), answered("a", talk_s="1")]
    assert "1 new, 2 bad" in run("import", str(write(tmp_path / "old.csv", rows))).stdout
    assert [row["talk_ms"] for row in ledger_rows(database)] == [311_000]


def test_bad_row_of_a_call_that_was_there_does_not_stop_the_good_one_behind_it(database: str, tmp_path: Path) -> None:
    run("import", str(write(tmp_path / "old.csv", [answered("a")])))
    rows = [answered("a", direction="x"), answered("a", talk_s="300")]
    assert "1 corrected, 1 bad" in run("import", str(write(tmp_path / "new.csv", rows))).stdout
    assert [row["talk_ms"] for row in ledger_rows(database)] == [300_000]


def test_name_of_a_pbx_is_no_source_and_its_calls_stay(database: str, tmp_path: Path) -> None:
    asyncio.run(_apply(database, Told("a").queued(0).talks(5, 9).ends(9, Outcome.AGENT_ANSWERED)))
    before = ledger_rows(database)
    path = str(write(tmp_path / "old.csv", [answered("a")]))
    refused = run("import", path, "--source", "pbx-1")
    assert refused.exit_code == 2 and "choose another --source" in refused.stderr
    assert ledger_rows(database) == before
    assert run("import", path).exit_code == 0 and len(ledger_rows(database)) == 2


async def _apply(url: str, told: Told) -> None:
    engine = open_engine(url)
    await Ledger(engine).apply("box", entries(told.records))
    await engine.dispose()


def test_imported_calls_are_none_of_a_pbx_that_bears_their_sources_name(database: str, tmp_path: Path) -> None:
    assert (
        run("import", str(write(tmp_path / "old.csv", [answered("a"), answered("b")])), "--source", "pbx-1").exit_code
        == 0
    )
    asyncio.run(_apply(database, Told("live", FROM_MS).queued(0)))
    assert asyncio.run(_watched(database)) == [["live"]] * 3


async def _watched(url: str) -> list[list[str]]:
    """The PBX's calls as the looking back, the closing of open calls and the reconciliation with CEL find them."""
    engine = open_engine(url)
    ledger = Ledger(engine)
    lived = await ledger.lived_in("pbx-1", FROM_MS - 1000, FROM_MS + 1_000_000)
    is_open = await ledger.open_calls("pbx-1")
    arrived = await LedgerSide(engine).arrived(FROM_MS - 1000, FROM_MS + 1_000_000)
    await engine.dispose()
    return [
        [call.uniqueid for call in lived],
        [row["uniqueid"] for row in is_open],
        [call.uniqueid for call in arrived],
    ]


def test_import_killed_in_the_middle_and_run_again_equals_one_clean_import(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", [row for n in range(2000) for row in mixed_of(n)])
    process = subprocess.run([sys.executable, "-c", KILLED, "import", str(path)], capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert asyncio.run(_count(database)) == 39 * 50
    done = run("import", str(path))
    assert done.exit_code == 0 and "unchanged" in done.stdout and " new" in done.stdout
    again = ledger_rows(database)
    assert run("import", str(path), "--source", "clean").exit_code == 0
    clean = [row | {"pbx": "import"} for row in ledger_rows(database) if row["pbx"] == "clean"]
    assert len(again) == 6000 and clean == again
    assert corrections(database) == []


KILLED = """
import os, signal
from callcenter.__main__ import main
from callcenter.imports import load
from callcenter.storage.imported_calls import ImportedCalls
add, left = ImportedCalls.add, 40

async def killed(calls):
    global left
    new, left = await add(calls), left - 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return new

load.CHUNK, ImportedCalls.add = 50, killed
main()
"""
"""The command, with small chunks, killed when the database has all of the fortieth and it is not committed."""


def mixed_of(number: int) -> list[list[str]]:
    """Three calls that no other number has."""
    return [answered(f"a{number}"), abandoned(f"b{number}"), outbound(f"o{number}")]


async def _count(url: str) -> int:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return int(await connection.scalar(select(func.count()).select_from(calls)) or 0)
    finally:
        await engine.dispose()


def test_totals_in_sql_are_those_of_python_over_imported_calls(database: str, tmp_path: Path) -> None:
    assert run("import", str(write(tmp_path / "old.csv", mixed()))).exit_code == 0
    totals = asyncio.run(_totals(database))
    assert (totals["offered"], totals["agent_answered"], totals["abandoned_queue"], totals["outbound_answered"]) == (
        20,
        10,
        10,
        10,
    )
    assert (totals["wait_ms"], totals["talk_in_ms"], totals["talk_out_ms"]) == (800_000, 3_110_000, 1_220_000)
    assert (totals["agent_answers"], totals["not_ended"], totals["longest_in_ms"]) == (10, 0, 311_000)


async def _totals(url: str) -> dict[str, int | None]:
    engine = open_engine(url)
    try:
        return await totals_between(engine, FROM_MS, FROM_MS + 1)
    finally:
        await engine.dispose()


def test_agents_of_imported_calls_have_their_talks_beside_those_told_live(database: str, tmp_path: Path) -> None:
    rows = [answered("a"), answered("b", agent="1002", talk_s="100"), outbound("c"), abandoned("d", agent="1003")]
    assert run("import", str(write(tmp_path / "old.csv", [*rows, answered("e", agent="")]))).exit_code == 0
    asyncio.run(_apply(database, Told("live", FROM_MS).queued(0).talks(5, 9).ends(9, Outcome.AGENT_ANSWERED)))
    found = asyncio.run(_by_agent(database))
    assert found == {"1001": (2, 315_000, 1, 1), "1002": (1, 100_000, 0, 0)}


async def _by_agent(url: str) -> dict[str, tuple[int | None, ...]]:
    names = ("seat_answers", "seat_talk_ms", "seat_outbound", "seat_watched")
    engine = open_engine(url)
    async with reading(engine) as figures:
        found = await figures.totals((FROM_MS, FROM_MS + 3_600_000), names, group=Group.AGENT)
    await engine.dispose()
    return {agent: tuple(totals[name] for name in names) for (_, agent), totals in found.items()}


def test_roll_ups_are_up_to_date_behind_an_import_of_many_days_in_order(
    database: str, tmp_path: Path, small_chunks: None
) -> None:
    days = [
        [field.replace("2020-03-01", f"2020-03-{day:02}") for field in abandoned(f"c{day}")] for day in range(1, 31)
    ]
    assert run("import", str(write(tmp_path / "old.csv", days))).exit_code == 0
    assert asyncio.run(_marks_and_rolled(database)) == (0, 30)


async def _marks_and_rolled(url: str) -> tuple[int, int]:
    """How many days are not rolled up, and how many imported calls the roll-ups hold."""
    engine = open_engine(url)
    async with engine.connect() as connection:
        marks = await connection.scalar(select(func.count()).select_from(rollup_marks))
        imported = await connection.scalar(select(func.sum(rolled[LINES].c.imported)))
    await engine.dispose()
    return int(marks or 0), int(imported or 0)


def test_number_with_a_blank_is_the_same_caller_and_one_with_a_country_code_is_not(
    database: str, tmp_path: Path
) -> None:
    numbers = ("13800138000", " 13800138000", "13800138000\u3000", "+8613800138000")
    rows = [[*answered(f" c{n}"), number] for n, number in enumerate(numbers)]
    assert run("import", str(write(tmp_path / "old.csv", rows, (*REQUIRED, "caller")))).exit_code == 0
    told = json.loads(run("report", *YEAR, "--format", "json").stdout)
    assert told["callers"]["distinct_callers"]["value"] == 2
    assert [row["uniqueid"] for row in ledger_rows(database)] == ["c0", "c1", "c2", "c3"]


def on(row: list[str], day: str) -> list[str]:
    """The same call on another day."""
    return [field.replace("2020-03-01", day) for field in row]


def test_days_that_cannot_be_are_bad_rows_and_those_loaded_are_said(
    database: str, tmp_path: Path, small_chunks: None
) -> None:
    days = ("2020-03-01", "0001-01-01", "2020-02-28", "1969-07-20", "2099-01-01", "2020-12-31")
    late = [field.replace("T10:", "T23:").replace("+08:00", "Z") for field in on(answered("last"), "2020-12-31")]
    path = write(tmp_path / "old.csv", [*(on(answered(f"c{day}"), day) for day in days), late])
    done = run("import", str(path))
    assert done.exit_code == 3
    assert done.stdout == (
        "old.csv as source 'import': 7 rows: 4 new, 3 bad\narrived from 2020-02-28 to 2021-01-01 (Asia/Shanghai)\n"
    )
    reasons = [reason for _, reason in bad_rows(tmp_path / "old.csv.bad.csv")]
    assert ["1970" in reason or "future" in reason for reason in reasons] == [True] * 3
    assert run("import", str(path), "--zone", "UTC").stdout.endswith("from 2020-02-28 to 2020-12-31 (UTC)\n")


def test_day_of_a_row_that_was_not_loaded_is_not_said(database: str, tmp_path: Path) -> None:
    rows = [answered("a"), on(answered("a"), "2020-05-05")]
    assert run("import", str(write(tmp_path / "old.csv", rows))).stdout.endswith(f"1 new, 1 bad\n{ONE_DAY}")
    assert "arrived" not in run("import", str(write(tmp_path / "old.csv", [["a"]]))).stdout


def test_hostile_texts_are_kept_as_given_or_bad(database: str, tmp_path: Path) -> None:
    rows = [
        answered("emoji 📞", line="a,b\nc", agent='say "hi"'),
        answered("tab\there\\n", line="\\N", agent="\\."),
        answered("nul\0"),
        answered("long", line="x" * 4096),
    ]
    done = run("import", str(write(tmp_path / "old.csv", rows)))
    assert done.exit_code == 3 and "2 new, 2 bad" in done.stdout
    assert sorted((row["uniqueid"], row["line_code"], row["agent"]) for row in ledger_rows(database)) == [
        ("emoji 📞", "a,b\nc", 'say "hi"'),
        ("tab\there\\n", "\\N", "\\."),
    ]


def test_gbk_file_without_zones_is_read_with_both_told(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", [[field.replace("+08:00", "") for field in answered("a", line="政务服务热线")]])
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk"))
    refused = run("import", str(path))
    assert refused.exit_code == 3 and "read as gb18030" in refused.stderr
    bad = (tmp_path / "old.csv.bad.csv").read_bytes().decode("gb18030")
    assert "has no zone" in bad and "政务服务热线" in bad
    assert run("import", str(path), "--encoding", "gbk", "--zone", "Asia/Shanghai").exit_code == 0
    (row,) = ledger_rows(database)
    assert (row["line_code"], row["arrived_ms"]) == ("政务服务热线", FROM_MS)


def test_file_cut_in_the_middle_of_a_line_loses_that_line_only(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", [answered("a"), answered("b")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    done = run("import", str(path))
    assert done.exit_code == 3 and "1 new, 1 bad" in done.stdout
    assert "ends inside this line" in bad_rows(tmp_path / "old.csv.bad.csv")[0][1]
    path.write_bytes(whole[:-1])
    done = run("import", str(path))
    assert done.exit_code == 0 and "last line has no line end" in done.stderr


def test_header_alone_is_no_error(database: str, tmp_path: Path) -> None:
    done = run("import", str(write(tmp_path / "old.csv", [])))
    assert (done.exit_code, done.stdout) == (0, "old.csv as source 'import': 0 rows: it has a header only\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nothing.csv",), "cannot be read"),
        (("old.csv", "--zone", "Mars/Olympus"), "Mars/Olympus"),
        (("old.csv", "--encoding", "klingon"), "klingon"),
        (("old.csv", "--source", " "), "--source"),
        (("old.csv", "--bad", "old.csv"), "--bad"),
        (("old.csv", "--bad", "linked.csv"), "--bad names the file itself"),
        ((".",), "cannot be read: it is a folder"),
        (("pipe",), "cannot be read: it is a folder or a pipe"),
        (("letter.csv",), "lacks call_id"),
        (("header.csv",), "lacks queued_at"),
        (("empty.csv",), "is empty"),
    ],
)
def test_wrong_use_is_refused_in_words_and_nothing_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CALLCENTER_DATABASE_URL", raising=False)
    write(Path("old.csv"), [answered("a")])
    write(Path("header.csv"), [], ["call_id", "direction", "arrived_at"])
    Path("empty.csv").write_bytes(b"")
    Path("letter.csv").write_bytes(b"x")
    Path("linked.csv").symlink_to("old.csv")
    os.mkfifo("pipe")
    done = run("import", *words)
    assert done.exit_code == 2 and why in done.stderr
    assert len(done.stderr.splitlines()) <= 2 and not os.path.exists(".state")


def test_database_that_cannot_be_reached_is_exit_1_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    done = run("import", str(write(tmp_path / "old.csv", [answered("a")])))
    assert done.exit_code == 1 and "run it again" in done.stderr and "secret" not in done.stderr
