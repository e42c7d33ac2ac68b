"""`callcenter report` and `callcenter db upgrade`, as an operator types them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import config
from acd.names import EndedBy, Outcome
from acd.records import CallLeft
from callcenter.__main__ import app
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import head_revision, upgrade
from callcenter.storage.outbox import Outbox
from callcenter.storage.projector import Projector
from metrics.lengths import DAY_MS
from tests.contract.calls_told import Told, all_records, worked_example

MIDNIGHT_MS = 1_609_430_400_000
"""2021-01-01 00:00 in Shanghai."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's empty folder, nothing set but the state folder's default."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "STATE_DIR", "PLAN"):
        monkeypatch.delenv(f"CALLCENTER_{name}", raising=False)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def report(first: str, last: str, *more: str) -> Result:
    return run("report", "--from", first, "--to", last, *more)


def json_of(first: str, last: str, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report(first, last, "--format", "json", *more).stdout)
    return found


def cells(result: Result) -> list[list[str]]:
    """The printed table's rows."""
    return [
        [cell.strip() for cell in line.strip("│ ").split("│")] for line in result.stdout.splitlines() if "│" in line
    ]


async def store(told: list[Told], database: str, folder: Path) -> None:
    engine = open_engine(database)
    await upgrade(engine)
    outbox = Outbox(folder / "outbox")
    outbox.append(all_records(told))
    assert await Projector(outbox.folder, Ledger(engine)).drain()
    outbox.close()
    await engine.dispose()


@pytest.fixture
def with_calls(home: Path) -> Path:
    (home / ".state").mkdir()
    last_year = [Told("late", MIDNIGHT_MS - 60_000).queued(0).talks(90, 200)]
    told = [*worked_example(MIDNIGHT_MS), *last_year]
    asyncio.run(store(told, f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    return home


def test_worked_example_is_printed_to_the_digit(with_calls: Path) -> None:
    result = report("2021-01-01", "2021-01-02")
    assert result.exit_code == 0
    assert cells(result)[:3] == [
        ["接听", "3", "50.0%", "27", "407", "600"],
        ["呼出", "1", "—", "—", "180", "180"],
        ["合计", "4", "—", "—", "350", "600"],
    ]
    assert ["合计：全部来电", "6"] in cells(result) and "未定稿" not in result.stdout


def day_by_hand() -> list[Told]:
    """A day of every kind of end, of which each printed figure can be computed in the head."""
    noon = MIDNIGHT_MS + 43_200_000
    one = Told("h1", noon).queued(0).talks(10, 70, hold_s=20).ends(75, Outcome.AGENT_ANSWERED)
    two = (
        Told("h2", noon).queued(0).talks(20, 81).queued(81, 2).talks(90, 100, "1002").ends(100, Outcome.AGENT_ANSWERED)
    )
    three = Told("h3", noon).queued(0).talks(1, 31).talks(11, 31, "8801", "specialist").ends(31, Outcome.AGENT_ANSWERED)
    lost_again = Told("h4", noon).queued(0).talks(5, 25).queued(25, 2).ends(65, Outcome.AGENT_ANSWERED)
    gone = Told("h5", noon).menu().ends(4, Outcome.ABANDONED_IVR)
    tired = Told("h6", noon).queued(0).ends(50, Outcome.ABANDONED_QUEUE)
    out = Told("h7", noon).queued(0)
    out.records.append(CallLeft(out.call, out.ms(30), "0851"))
    out.ends(630, Outcome.OVERFLOWED_OUT, by=EndedBy.CALLER)
    full = Told("h8", noon).ends(0, Outcome.REJECTED, "full", EndedBy.SYSTEM)
    late = Told("h9", MIDNIGHT_MS + DAY_MS - 1000).queued(0).ends(60, Outcome.ABANDONED_RINGING)
    cut = Told("h10", noon).queued(0).ends(25, Outcome.FAILED, "system", EndedBy.SYSTEM)
    trial = Told("h11", noon, is_test=True).queued(0).talks(500, 9000).ends(9000, Outcome.AGENT_ANSWERED)
    listed = Told("h14", noon).blocked().ends(4, None, "blocked", EndedBy.SYSTEM)
    never = Told("h12", noon, direction="outbound").ends(40, None, by=EndedBy.AGENT)
    reached = Told("h13", noon, direction="outbound").talks(30, 131).ends(131, None, by=EndedBy.AGENT)
    return [one, two, three, lost_again, gone, tired, out, full, late, cut, trial, listed, never, reached]


def test_day_made_by_hand_every_figure_is_its_definition_rounded_once(home: Path) -> None:
    """Waits 10 20 1 5 4 50 30 0 60 25 = 205 over ALL ten: 20.5. Talks 60 + (61 + 10) + 30 + 20 = 181 over 4: 45.25."""
    (home / ".state").mkdir()
    asyncio.run(store(day_by_hand(), f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    result = report("2021-01-01", "2021-01-02", "--lang", "en")
    assert cells(result)[:3] == [
        ["Answered", "4", "40.0%", "21", "45", "71"],
        ["Outbound", "1", "—", "—", "101", "101"],
        ["Total", "5", "—", "—", "56", "101"],
    ]
    outcomes = json_of("2021-01-01", "2021-01-02")["outcomes"]
    assert {name: row["calls"] for name, row in outcomes.items() if row["calls"]} == {
        "agent_answered": 4,
        "abandoned_ivr": 1,
        "abandoned_queue": 1,
        "abandoned_ringing": 1,
        "overflowed_out": 1,
        "rejected": 1,
        "failed": 1,
        "inbound_ended": 10,
        "rejected_full": 1,
    }
    assert json_of("2021-01-01", "2021-01-02")["overview"]["blocked"]["value"] == 1
    outbound = json_of("2021-01-01", "2021-01-02")["outbound"]
    assert (outbound["outbound_attempts"]["value"], outbound["outbound_reached_rate"]["value"]) == (2, "50.0%")
    assert "1 test or internal calls, not counted" in result.stdout and "never reach us" in result.stdout
    assert "Besides, 1 calls of blocked numbers, not counted." in result.stdout
    assert "Silence is not detected" in result.stdout and "list of blocked numbers are not among" in result.stdout
    assert "另有 1 通黑名单号码来电，不计入。" in report("2021-01-01", "2021-01-02").stdout
    why = run("report", "--day", "2021-01-01", "--explain", "blocked").stdout.splitlines()
    assert [line for line in why if "h14" in line] and not [line for line in why if "h11" in line]
    even = report("2021-01-01", "2021-01-02", "--lang", "en", "--rounding", "half_even")
    assert cells(even)[0] == ["Answered", "4", "40.0%", "20", "45", "71"]
    assert cells(report("2021-01-02", "2021-01-03", "--lang", "en"))[0] == ["Answered", "0", "—", "—", "—", "—"]


def test_english_table_says_what_is_not_final(with_calls: Path) -> None:
    result = report("2020-12-31", "2021-01-01", "--lang", "en")
    assert cells(result)[0] == ["Answered", "0", "—", "—", "—", "—"]
    assert "Not final: 1 calls have not ended" in result.stdout


@pytest.mark.parametrize(
    ("days", "en", "zh"),
    [
        (("2020-01-01", "2021-01-01"), "2020-01-01 to 2020-12-31", "2020年1月1日至2020年12月31日"),
        (("2020-12-31", "2021-01-01"), "2020-12-31", "2020年12月31日"),
    ],
)
def test_period_is_said_by_its_days_as_a_reader_of_what_is_published_counts_them(
    home: Path, days: tuple[str, str], en: str, zh: str
) -> None:
    assert report(*days, "--lang", "en").stdout.startswith(f"Hotline: call statistics  {en} (Asia/Shanghai)\n")
    assert f"<dd>{zh}（Asia/Shanghai）</dd>" in report(*days, "--format", "html").stdout


def test_section_without_a_row_has_its_title_above_its_note(home: Path) -> None:
    said = report("2020-01-01", "2021-01-01", "--lang", "en").stdout.splitlines()
    assert said[said.index("No gap is on record.") - 1] == "Times in which nobody watched"


def test_plan_zone_moves_midnight_and_zone_option_wins(with_calls: Path) -> None:
    example = Path(config.__file__).with_name("plan.example.toml").read_text(encoding="utf-8")
    (with_calls / "plan.toml").write_text(example.replace('zone = "Asia/Shanghai"', 'zone = "UTC"'), encoding="utf-8")
    assert cells(report("2021-01-01", "2021-01-02"))[0][1] == "0"
    assert cells(report("2020-12-31", "2021-01-01"))[0][1] == "3"
    assert cells(report("2021-01-01", "2021-01-02", "--zone", "Asia/Shanghai"))[0][1] == "3"


def test_first_report_on_an_empty_folder_makes_the_ledger_and_says_there_are_no_calls(home: Path) -> None:
    result = report("2021-01-01", "2021-01-02", "--lang", "en")
    assert result.exit_code == 0 and "No calls in this period." in result.stdout
    assert (home / ".state" / "ledger.sqlite3").exists()
    assert (home / ".state").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        ("2021-01-02", "2021-01-01", "ends before it begins"),
        ("2021-01-01", "2021-01-01", "is empty"),
        ("2021-02-30", "2021-03-01", "2021-02-30"),
        ("yesterday", "2021-03-01", "yesterday"),
    ],
)
def test_wrong_period_is_refused_in_words(home: Path, first: str, last: str, why: str) -> None:
    result = report(first, last)
    assert result.exit_code == 2
    assert why in result.stderr
    assert not (home / ".state").exists()


def test_unknown_zone_is_refused_by_name(home: Path) -> None:
    result = report("2021-01-01", "2021-01-02", "--zone", "Mars/Olympus")
    assert result.exit_code == 2 and "Mars/Olympus" in result.stderr


def test_plan_that_cannot_be_read_is_refused_with_the_way_round_it(home: Path) -> None:
    (home / "plan.toml").write_text("zone = 5\n")
    result = report("2021-01-01", "2021-01-02")
    assert result.exit_code == 2 and "plan.toml" in result.stderr and "--zone" in result.stderr
    assert report("2021-01-01", "2021-01-02", "--zone", "Asia/Shanghai").exit_code == 0


def test_wrong_setting_is_refused_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", "mysql://x")
    result = report("2021-01-01", "2021-01-02")
    assert result.exit_code == 2 and "CALLCENTER_DATABASE_URL" in result.stderr


def test_database_that_cannot_be_reached_is_one_line_and_exit_1(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    result = report("2021-01-01", "2021-01-02")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1 and "secret" not in result.stderr


@pytest.mark.postgres
def test_postgresql_is_refused_until_upgraded(home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", postgres_url)
    refused = report("2021-01-01", "2021-01-02")
    assert refused.exit_code == 2 and "callcenter db upgrade" in refused.stderr
    upgraded = run("db", "upgrade")
    assert upgraded.exit_code == 0 and head_revision() in upgraded.stdout and "callcenter@" not in upgraded.stdout
    assert report("2021-01-01", "2021-01-02").exit_code == 0
