"""`callcenter reconcile`, as an operator types it."""

import asyncio
import csv
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from acd.names import CallId
from acd.records import CallOpened, Record
from callcenter.__main__ import app
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from callcenter.witness.cel import COLUMNS
from tests.contract.calls_told import entries
from tests.contract.gap_day import FROM_S, Day, away, before_the_gap
from tests.contract.two_witnesses import day, sorted_lines, written

PERIOD = ("--from", "2023-11-15", "--to", "2023-11-18")
"""In China the timeline begins on 2023-11-15 at 06:13:20."""
PLAN = """
default_line = "general"
[lines.general]
name = "群众诉求"
name_en = "General"
need = "general >= 1"
[agents.1001]
name = "王芳"
skills = { general = 1 }
"""


async def store(records: Sequence[Record], folder: Path) -> None:
    engine = open_engine(f"sqlite+aiosqlite:///{folder / 'ledger.sqlite3'}")
    await upgrade(engine)
    await Ledger(engine).apply("outbox", entries(records))
    await engine.dispose()


def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for name in ("DATABASE_URL", "STATE_DIR", "PLAN"):
        monkeypatch.delenv(f"CALLCENTER_{name}", raising=False)
    monkeypatch.setenv("CALLCENTER_CEL", "callcenter.csv")
    (folder / ".state").mkdir()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's folder with a ledger and CEL of three calls."""
    at_home(tmp_path, monkeypatch)
    asyncio.run(store(day().records, tmp_path / ".state"))
    written(tmp_path, sorted_lines(day()))
    return tmp_path


def reconcile(*words: str) -> Result:
    return CliRunner().invoke(app, ["reconcile", *(words or PERIOD)])


def test_witnesses_agree_and_the_exit_code_is_0(home: Path) -> None:
    result = reconcile()

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "3 calls: 3 agree, 0 do not; 0 rebuilt from CEL, 0 unknown"


@pytest.mark.parametrize("source", ["cel.db", "sqlite:///cel.db"])
def test_cel_is_a_table_of_sqlite_the_command_says_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    with closing(sqlite3.connect(home / "cel.db")) as table, table:
        table.execute(f"CREATE TABLE cel ({', '.join(COLUMNS)})")
        rows = csv.reader(sorted_lines(day()))
        table.executemany(f"INSERT INTO cel VALUES ({', '.join('?' for _ in COLUMNS)})", rows)
    monkeypatch.setenv("CALLCENTER_CEL", source)

    result = reconcile()

    assert result.stdout.splitlines()[-1] == "3 calls: 3 agree, 0 do not; 0 rebuilt from CEL, 0 unknown"


def test_one_row_later_is_one_line_of_the_table_and_exit_code_1(home: Path) -> None:
    lines = sorted_lines(day())
    late = [number for number, line in enumerate(lines) if '"HANGUP"' in line and '"pbx-3"' in line]
    written(home, [line.replace(".000000", ".300000") if n in late else line for n, line in enumerate(lines)])

    result = reconcile()

    assert result.exit_code == 1
    (row,) = [line for line in result.stdout.splitlines() if "pbx/pbx-3" in line]
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        "2023-11-15 06:16:40.000",
        "pbx/pbx-3",
        "ended_ms",
        "06:17:10.000",
        "06:17:10.300",
    ]
    assert "3 calls: 2 agree, 1 do not (1 mismatches); 0 rebuilt from CEL, 0 unknown" in result.stdout


def test_json_has_every_count_and_the_differences(home: Path) -> None:
    (home / "callcenter.csv").write_text("".join(f"{line}\n" for line in sorted_lines(day()) if '"pbx-4"' not in line))

    result = reconcile(*PERIOD, "--json", "--line", "general")
    told = json.loads(result.stdout)

    assert result.exit_code == 1
    counts = ("calls", "agreed", "mismatched_calls", "mismatches", "rebuilt", "unknown", "open")
    assert {name: told[name] for name in counts} == dict(zip(counts, (3, 2, 1, 1, 0, 0, 0), strict=True))
    assert (told["from"], told["to"], told["line"]) == ("2023-11-15", "2023-11-18", "general")
    assert [(one["uniqueid"], one["what"], one["cel"]) for one in told["differences"]] == [
        ("pbx-4", "only_in_ledger", "-")
    ]


def unset(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("CALLCENTER_CEL")


def no_ledger(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CALLCENTER_STATE_DIR", "elsewhere")


def no_file(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CALLCENTER_CEL", "nothing.csv")


def no_table(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CALLCENTER_CEL", "postgresql://cel:secret@127.0.0.1:1/cel")


def plan(home: Path, patch: pytest.MonkeyPatch) -> None:
    (home / "plan.toml").write_text(PLAN, encoding="utf-8")


def nothing(home: Path, patch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize(
    ("how", "words", "said"),
    [
        (nothing, ("--from", "2023-11-18", "--to", "2023-11-15"), "ends before it begins"),
        (nothing, ("--from", "2023-11-15", "--to", "2023-11-15"), "is empty"),
        (
            nothing,
            ("--from", "2011-12-30", "--to", "2011-12-31", "--zone", "Pacific/Apia"),
            "Pacific/Apia left that day out",
        ),
        (nothing, (*PERIOD, "--zone", "Nowhere/Land"), "there is no time zone 'Nowhere/Land'"),
        (plan, (*PERIOD, "--line", "tax"), "there is no line 'tax': general"),
        (nothing, (*PERIOD, "--line", "tax"), "there is no line 'tax'\n"),
        (unset, PERIOD, "CALLCENTER_CEL is not set: set it to the file or database URL"),
        (no_ledger, PERIOD, "there is no ledger in elsewhere"),
        (no_file, PERIOD, "no CEL file at nothing.csv"),
        (no_table, PERIOD, "table cel of 127.0.0.1:1/cel cannot be read: no connection"),
    ],
)
def test_wrong_use_is_exit_code_2_and_says_what_to_do_and_no_secret(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: Callable[[Path, pytest.MonkeyPatch], None],
    words: tuple[str, ...],
    said: str,
) -> None:
    how(home, monkeypatch)

    result = reconcile(*words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret" not in result.stderr


def test_line_that_is_no_longer_in_the_plan_is_compared_as_it_is_reported(home: Path) -> None:
    (home / "plan.toml").write_text(PLAN.replace("general", "tax"), encoding="utf-8")

    result = reconcile(*PERIOD, "--line", "general")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "3 calls: 3 agree, 0 do not; 0 rebuilt from CEL, 0 unknown"


# -- CEL that says nothing ---------------------------------------------------------------------------------------------


def test_cel_is_empty_no_call_is_agreed_that_is_said_and_is_no_success(home: Path) -> None:
    written(home, [])

    result, told = reconcile(), json.loads(reconcile(*PERIOD, "--json").stdout)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "CEL has no row of the period"
    assert result.stdout.splitlines()[-1] == "3 calls: 0 agree, 0 do not; 0 rebuilt from CEL, 3 unknown"
    assert told["warnings"] == ["CEL has no row of the period"]


def test_cel_has_rows_of_other_days_alone_that_is_said(home: Path) -> None:
    written(home, [line.replace('"1700', '"1710') for line in sorted_lines(day())])

    result = reconcile()

    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "CEL has no row of the period")


def test_period_without_a_call_in_either_is_a_success(home: Path) -> None:
    result = reconcile("--from", "2023-12-01", "--to", "2023-12-02")

    assert (result.exit_code, result.stdout.splitlines()[-1].partition(":")[0]) == (0, "0 calls")


def test_unknown_calls_among_agreed_ones_are_a_success(home: Path) -> None:
    lines = sorted_lines(day())
    written(home, [line for line in lines if line.split('"')[3] > "1700086460"])

    result = reconcile()

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "3 calls: 1 agree, 0 do not; 0 rebuilt from CEL, 2 unknown"


# -- time when the service was away ------------------------------------------------------------------------------------


@pytest.fixture
def after_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's folder with a plan, a gap that no service has read, and CEL of it."""
    at_home(tmp_path, monkeypatch)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    made = Day().goes_on()
    asyncio.run(store(made.records, tmp_path / ".state"))
    written(tmp_path, made.lines())
    return tmp_path


SAID = "nobody watched pbx from 2023-11-15 06:13:40.000 to 2023-11-15 06:15:00.000: 3 calls rebuilt from CEL"


def test_gap_is_told_then_compared_and_the_second_run_finds_nothing_to_do(after_a_gap: Path) -> None:
    first, second = reconcile(), reconcile()

    assert first.stdout.splitlines()[0] == SAID
    assert "3 rebuilt from CEL" in first.stdout.splitlines()[-1]
    assert "nobody watched" not in second.stdout
    assert second.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]


def test_dry_run_says_what_would_be_told_and_the_calls_are_still_missing(after_a_gap: Path) -> None:
    result = reconcile(*PERIOD, "--dry-run")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == SAID.replace("calls rebuilt", "calls would be rebuilt")
    assert result.stdout.count("only_in_cel") == 2


def test_json_has_the_gaps_and_what_became_of_them(after_a_gap: Path) -> None:
    lines = Day().goes_on().lines()
    written(after_a_gap, [line for line in lines if not ("HANGUP" in line and '"pbx-2"' in line)])

    told = json.loads(reconcile(*PERIOD, "--json").stdout)

    (gap,) = told["gaps"]
    assert (gap["pbx"], gap["rebuilt"], gap["read"], gap["open"], told["dry_run"]) == ("pbx", 2, True, False, False)
    assert gap["unknown"] == [{"uniqueid": "pbx-2", "why": "CEL does not have its end"}]
    assert told["rebuilt"] == 2


@pytest.fixture
def while_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Day:
    """A day whose service died at its 20th second and is away; its last records wait in the outbox. CEL is not there yet."""
    at_home(tmp_path, monkeypatch)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    made = Day()
    away(tmp_path / ".state", FROM_S, before_the_gap(made))
    asyncio.run(store([], tmp_path / ".state"))
    return made


def report_of(day: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        CliRunner().invoke(app, ["report", "--day", day, "--format", "json", "--lang", "en"]).stdout
    )
    return told


def test_report_is_asked_for_while_the_service_is_away_it_says_since_when_nobody_watches_and_is_not_final(
    while_away: Day, tmp_path: Path
) -> None:

    told, before, after = report_of("2023-11-15"), report_of("2023-11-13"), report_of("2023-11-16")
    assert [gap["told"] for gap in told["gaps"].values()] == ["nobody watches yet: calls are missing"]
    assert next(iter(told["gaps"].values()))["from"] == "2023-11-15 06:13:40+08:00"
    assert [one["report"]["is_final"] for one in (before, told, after)] == [True, False, False]
    assert any("Not final: nobody watches yet" in note for note in told["notes"])
    assert (before["gaps"], len(after["gaps"])) == ({}, 1)

    seen = next(one for one in while_away.records if isinstance(one, CallOpened))
    later = replace(seen, call=CallId("pbx", "later"), at_ms=seen.at_ms + 3_600_000)
    asyncio.run(store([later], tmp_path / ".state"))
    assert report_of("2023-11-16")["gaps"] == {}, "another one watches since"


def test_what_a_service_kept_cannot_be_read_the_report_is_made_all_the_same(while_away: Day, tmp_path: Path) -> None:
    (tmp_path / ".state" / "live.sqlite3").write_bytes(b"no database " * 500)
    assert (report_of("2023-11-15")["gaps"], report_of("2023-11-15")["report"]["is_final"]) == ({}, True)


def test_service_is_away_what_it_left_is_stored_and_the_time_since_is_told(while_away: Day, tmp_path: Path) -> None:
    written(tmp_path, while_away.lines())

    result = reconcile()

    assert "06:14:30.100 (CEL's newest row; the service is still away): 3 calls rebuilt" in result.stdout
    report = CliRunner().invoke(app, ["report", "--day", "2023-11-15", "--format", "json"])
    sections = json.loads(report.stdout)
    told, still_open = sections["gaps"].values()
    assert (told["told"], told["length_s"]) == ("已由CEL补录", 50)
    assert (still_open["told"], still_open["from"]) == ("至今无人值守：缺少来电", told["to"])
    assert sections["report"]["is_final"] is False
    assert {name: sections["completeness"]["inbound"][name] for name in ("completeness", "offered", "rebuilt")} == {
        "completeness": "100.0%",
        "offered": 4,
        "rebuilt": 3,
    }


def test_row_of_cel_that_is_still_to_come_ends_no_gap_and_is_counted(while_away: Day, tmp_path: Path) -> None:
    lines = while_away.lines()
    written(tmp_path, [*lines, lines[-1].replace(lines[-1].split('"')[3], "2800000000.000000")])

    result, told = reconcile(), json.loads(reconcile(*PERIOD, "--json").stdout)

    assert "06:14:30.100 (CEL's newest row; the service is still away): 3 calls rebuilt" in result.stdout
    assert "1 rows of CEL are later than now: nothing is rebuilt from them" in result.stdout
    assert [note.partition(":")[0] for note in told["notes"]] == ["1 rows of CEL are later than now"]
    assert told["warnings"][0] == "1 rows of CEL are later than now: they are left out"
    later = report_of("2026-10-15")
    assert [gap["told"] for gap in later["gaps"].values()] == ["nobody watches yet: calls are missing"]


def test_no_plan_gaps_are_named_and_left(after_a_gap: Path) -> None:
    (after_a_gap / "plan.toml").unlink()

    result = reconcile()

    assert result.stdout.startswith("1 gaps that were not read: they are not rebuilt")


def test_ledger_that_cannot_be_written_is_code_1_and_says_what_to_do(
    after_a_gap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = after_a_gap / ".state" / "ledger.sqlite3"
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", f"sqlite:///file:{path}?mode=ro&uri=true")

    result = reconcile()

    assert result.exit_code == 1
    assert "the ledger cannot be written" in result.stderr and "--dry-run compares only" in result.stderr
