"""`callcenter report` with its options: periods, filters, intervals, formats that agree, the calls behind a figure."""

import asyncio
import codecs
import csv
import errno
import io
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from sqlalchemy.ext.asyncio import AsyncEngine

import config
from acd.names import WRAPUP_OVERLONG, HandOverResult, OfferResult, Outcome
from acd.records import Noted, PresenceChanged
from agents.presence import Presence
from callcenter.report.build import Request, build_document
from callcenter.report.explain import Addend, Sum, explain
from callcenter.report.period import Interval, Period
from callcenter.storage.figures import Scope
from callcenter.storage.ledger import Ledger
from callcenter.storage.rolled_figures import reading
from metrics.dictionary import FIGURES
from metrics.document import Cell
from metrics.lengths import DAY_MS
from tests.contract.calls_told import Told, handed_to_specialist, worked_example
from tests.contract.import_files import abandoned, write
from tests.contract.test_figures_read import any_calls, placed, stored
from tests.contract.test_report_command import MIDNIGHT_MS, day_by_hand, home, json_of, run, store

__all__ = ["home"]

UTC = ZoneInfo("UTC")
EXPLAINED = {*FIGURES, "fcr", "distinct_callers", "connect_rate_24h_min"}
PLAN = Path(config.__file__).with_name("plan.example.toml").read_text(encoding="utf-8")


@pytest.fixture
def with_day(home: Path) -> Path:
    """A day made by hand on 1 January 2021, and a call of another line and platform on the 3rd."""
    (home / ".state").mkdir()
    other = placed(Told("tax", MIDNIGHT_MS + 2 * DAY_MS).queued(0).talks(3, 9), "tax", "139", "nj")
    other.ends(9, Outcome.AGENT_ANSWERED)
    told = [*day_by_hand(), other]
    asyncio.run(store(told, f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    return home


def date_of(day: int) -> date:
    """The day of so many days since 1970."""
    return date(1970, 1, 1) + timedelta(days=day)


def json_with(*words: str) -> dict[str, Any]:
    result = run("report", "--format", "json", *words)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_shorthands_are_the_same_as_their_days(with_day: Path) -> None:
    for words, first, last in (
        (("--day", "2021-01-01"), "2021-01-01", "2021-01-02"),
        (("--month", "2020-12"), "2020-12-01", "2021-01-01"),
        (("--month", "2021-01"), "2021-01-01", "2021-02-01"),
        (("--year", "2021"), "2021-01-01", "2022-01-01"),
    ):
        found, by_days = json_with(*words), json_of(first, last)
        assert found["report"].pop("made_at") <= by_days["report"].pop("made_at")
        assert found == by_days
    assert json_with("--year", "2021")["call_service"]["inbound"]["call_volume"] == 5
    assert json_with("--day", "2021-01-03")["call_service"]["inbound"]["call_volume"] == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give the period in one way"),
        (("--from", "2021-01-01"), "give the period in one way"),
        (("--day", "2021-01-01", "--year", "2021"), "give the period in one way"),
        (("--from", "2021-01-01", "--to", "2021-01-02", "--day", "2021-01-01"), "give the period in one way"),
        (("--month", "2021-13"), "2021-13"),
        (("--year", "9999"), "the period reaches into the year 9999: 9998 is the last that can be reported"),
        (("--month", "9999-12"), "9998 is the last"),
        (("--day", "9999-12-31"), "9998 is the last"),
        (("--from", "9998-01-01", "--to", "9999-12-31", "--interval", "year"), "9998 is the last"),
        (("--year", "2021", "--line", ""), "there is no line ''"),
        (("--year", "2021", "--line", "taxx"), "there is no line 'taxx'"),
        (("--year", "2021", "--line", "genral"), "did you mean 'general'?"),
        (("--year", "2021", "--scope", "mars"), "no call of platform 'mars' is on record"),
        (("--year", "2021", "--interval", "decade"), "decade"),
        (("--year", "2021", "--format", "xlsx"), "--output FILE.xlsx"),
        (("--year", "2021", "--explain", "conect_rate"), "cannot be listed"),
        (("--year", "2021", "--explain", "calls_by_hour"), "one of them (offered, agent_answered, abandoned)"),
        (("--year", "2021", "--explain", "offered", "--format", "html"), "text, csv or json"),
        (("--year", "2021", "--lang", "fr"), "fr"),
    ],
)
def test_wrong_use_is_refused_in_words_with_exit_code_2(with_day: Path, words: tuple[str, ...], why: str) -> None:
    (with_day / "plan.toml").write_text(PLAN, encoding="utf-8")
    result = run("report", *words)
    assert result.exit_code == 2
    assert why in result.stderr.replace("\n", " ") and not result.stdout


def test_file_that_cannot_be_written_is_one_line_and_exit_1(with_day: Path) -> None:
    result = run("report", "--year", "2021", "--format", "csv", "--output", "no/such/folder.csv")
    assert result.exit_code == 1 and "cannot be written" in result.stderr


def test_last_year_of_the_calendar_that_has_an_end_is_reported(with_day: Path) -> None:
    words = ("--year", "9998", "--interval", "year", "--zone", "America/Los_Angeles")
    assert json_with(*words)["call_service"]["inbound"]["call_volume"] == 0


def test_day_of_half_an_hour_more_has_one_window_of_24_hours_and_none_of_less(home: Path) -> None:
    """The clocks of Lord Howe go back by half an hour: the day has 24 hours and a half."""
    at = "2021-04-04T{}:00+10:30"
    fields = [("a", "12:00"), ("b", "23:20")]
    calls = [
        abandoned(name, arrived_at=at.format(clock), queued_at="", ended_at=at.format(clock)) for name, clock in fields
    ]
    assert run("import", str(write(home / "old.csv", calls))).exit_code == 0
    found = json_with("--day", "2021-04-04", "--zone", "Australia/Lord_Howe")
    assert found["overview"]["offered"]["value"] == 2
    assert found["connect_rate_24h"]["windows"]["value"] == 1


def test_calls_of_no_line_have_a_name_in_the_table_of_lines(with_day: Path) -> None:
    nowhere = placed(Told("nowhere", MIDNIGHT_MS).queued(0).talks(3, 9), "", "139", "nj")
    nowhere.ends(9, Outcome.AGENT_ANSWERED)
    asyncio.run(store([nowhere], f"sqlite+aiosqlite:///{with_day}/.state/ledger.sqlite3", with_day / ".state"))
    for plan in ("", PLAN):
        (with_day / "plan.toml").write_text(plan or 'zone = "Asia/Shanghai"\n', encoding="utf-8")
        for lang, name in (("en", "no line"), ("zh", "未注明线路")):
            rows = json_with("--day", "2021-01-01", "--lang", lang, "--zone", "Asia/Shanghai")["lines"]
            assert rows[""]["name"] == name and rows[""]["offered"] == 1
    assert json_with("--day", "2021-01-01", "--line", "")["call_service"]["inbound"]["call_volume"] == 1
    refused = run("report", "--day", "2021-01-01", "--line", "zzzz")
    assert "(there are , " not in refused.stderr and "''" not in refused.stderr


def test_line_and_scope_narrow_every_section(with_day: Path) -> None:
    by_line, by_scope = json_with("--year", "2021", "--line", "tax"), json_with("--year", "2021", "--scope", "nj")
    for found in (by_line, by_scope):
        assert found["call_service"]["inbound"]["call_volume"] == 1
        assert found["callers"]["distinct_callers"]["value"] == 1
        assert list(found["lines"]) == ["tax"]
        assert {name: row["logged_in_s"] for name, row in found["agents"].items()} == {"1001": None}, "no false zero"
    assert by_line["report"]["line"] == "tax" and by_scope["report"]["platform"] == "nj"
    (with_day / "plan.toml").write_text(PLAN, encoding="utf-8")
    assert json_with("--year", "2021", "--line", "enterprise")["call_service"]["inbound"]["call_volume"] == 0


@pytest.mark.parametrize("interval", list(Interval))
def test_intervals_add_up_to_the_period(with_day: Path, interval: Interval) -> None:
    found = json_with("--from", "2020-12-30", "--to", "2021-01-05", "--interval", interval.value)
    rows = found["intervals"].values()
    for name in ("offered", "agent_answered", "abandoned", "outbound_answered", "total_volume"):
        whole = found["overview"][name]["value"] if name in found["overview"] else None
        assert sum(row[name] for row in rows) == (whole or sum(row[name] for row in found["lines"].values()))
    days = {"year": 2, "month": 2, "week": 2, "day": 6, "hour": 144, "half-hour": 288}
    assert len(rows) == days[interval.value]
    assert next(iter(found["intervals"])) == "2020-12-30T00:00:00+08:00"


def test_outcomes_add_up_to_offered_and_agents_to_their_answers(with_day: Path) -> None:
    found = json_with("--day", "2021-01-01")
    outcomes = {name: row["calls"] for name, row in found["outcomes"].items()}
    whole = outcomes.pop("inbound_ended")
    assert whole == found["overview"]["offered"]["value"] == 10
    assert sum(count for name, count in outcomes.items() if not name.startswith("rejected_")) == whole
    answers = sum(row["seat_answers"] for row in found["agents"].values())
    assert answers == found["overview"]["agent_answers"]["value"] == 5
    assert found["overview"]["specialist_answers"]["value"] == 1
    shares = [row["share"] for row in found["abandonment"].values()]
    assert shares.count("33.3%") == 3
    assert found["service_levels"]["15"]["service_level_arrival"] == "30.0%"
    assert found["service_levels"]["15"]["answered_within_share_arrival"] == "75.0%"


def test_choices_of_the_plan_move_the_figures_and_are_printed(with_day: Path) -> None:
    own = PLAN.replace("# hold_in_talk = true ", "hold_in_talk = false")
    own = own.replace("# ivr_hangups_offered = true ", "ivr_hangups_offered = false").replace(
        '# outbound_volume = "connected"', 'outbound_volume = "attempts"'
    )
    (with_day / "plan.toml").write_text(own, encoding="utf-8")
    found = json_with("--day", "2021-01-01", "--lang", "en")
    assert found["call_service"]["inbound"]["exact"]["connect_rate"] == "4/9"
    assert found["call_service"]["inbound"]["exact"]["avg_talk_s"] == "161/4"
    assert found["call_service"]["outbound"]["call_volume"] == 2
    assert "Hold is not part of talk." in found["notes"] and "Outbound counts attempts." in found["notes"]
    assert found["report"]["choices"]["hold_in_talk"] is False
    assert found["lines"]["general"]["service_level_20_arrival"] == "44.4%"
    (with_day / "plan.toml").write_text(PLAN.replace("# level_s = 20 ", "level_s = 15"), encoding="utf-8")
    assert json_with("--day", "2021-01-01")["lines"]["general"]["service_level_15_arrival"] == "30.0%"


def test_dictionary_is_printed_under_the_choices_of_the_plan(home: Path) -> None:
    assert "\n  denominator · 分母  offered\n" in run("metrics", "show", "connect_rate").stdout
    own = PLAN.replace("# ivr_hangups_offered = true ", "ivr_hangups_offered = false").replace(
        '# rounding = "half_up" ', 'rounding = "half_even"'
    )
    (home / "plan.toml").write_text(own, encoding="utf-8")
    shown = run("metrics", "show", "connect_rate").stdout
    assert "\n  denominator · 分母  offered - abandoned_ivr\n" in shown
    assert "half even" in shown and "GB/T 8170" in shown
    (home / "plan.toml").write_text("[report]\nlevel_s = 16\n", encoding="utf-8")
    assert (wrong := run("metrics", "list")).exit_code == 2 and "level_s" in wrong.stderr


def test_staff_in_force_is_printed_with_its_sources(with_day: Path) -> None:
    later = PLAN + PLAN[PLAN.index("[[staff]]") :].replace("2026-01-01", "2026-02-01").replace(
        "total = 66", "total = 99"
    )
    (with_day / "plan.toml").write_text(later, encoding="utf-8")
    assert "seats" not in json_with("--month", "2025-12", "--public")
    row = json_with("--month", "2026-01", "--public")["seats"]["city"]
    assert (row["staff_total"], row["call_takers"], row["staff_per_100k"], row["since"]) == (66, 52, 3.7, "2026-01-01")
    assert json_with("--month", "2026-02", "--public")["seats"]["city"]["staff_total"] == 99
    assert "1800000" in run("report", "--month", "2026-01", "--public").stdout


def test_call_that_runs_makes_the_period_not_final_and_a_raised_instant_is_told(home: Path) -> None:
    (home / ".state").mkdir()
    running = Told("run", MIDNIGHT_MS).queued(0)
    back = Told("back", MIDNIGHT_MS).queued(0).ends(-5, Outcome.ABANDONED_QUEUE)
    asyncio.run(store([running, back], f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    found = json_with("--day", "2021-01-01", "--lang", "en")
    assert found["report"]["is_final"] is False and found["report"]["open_calls"] == 1
    assert any("1 calls have not ended" in note for note in found["notes"])
    assert any("clock of the PBX set back" in note for note in found["notes"])
    assert found["overview"]["avg_wait_s"]["value"] == 0 and found["overview"]["offered"]["value"] == 1


SHIFT_S = (("ready", 9000), ("ringing", 600), ("talking", 9000), ("hold", 2000), ("acw", 2600), ("case_work", 2000))
"""The worked shift: 11,000 s on the phone, a break of 3600 s at its end."""


def test_worked_shift_of_an_agent_comes_out_to_the_digit(home: Path) -> None:
    (home / ".state").mkdir()
    at_ms, told = MIDNIGHT_MS, Told("s1", MIDNIGHT_MS).queued(0).talks(10, 410, hold_s=40)
    told.ends(410, Outcome.AGENT_ANSWERED)
    missed = Told("s2", MIDNIGHT_MS).queued(0)
    missed.offer_ended(missed.offered(1), 21, OfferResult.NOT_ANSWERED)
    missed.ends(30, Outcome.ABANDONED_QUEUE)
    for presence, seconds in (*SHIFT_S, ("not_ready", 3600), ("logged_out", 1)):
        told.records.append(PresenceChanged("1001", at_ms, Presence(presence), "", "1001", at_ms, None, 0, True, ""))
        at_ms += seconds * 1000
    asyncio.run(store([told, missed], f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    found = json_with("--day", "2021-01-01")
    row = {name: value for name, value in found["agents"]["1001"].items() if name not in ("name", "exact")}
    assert row == {
        "seat_answers": 1,
        "seat_misses": 1,
        "seat_outbound": 0,
        "seat_avg_talk_s": 400,
        "seat_avg_hold_s": 40,
        "seat_avg_wrapup_s": 2600,
        "aht_s": 3000,
        "logged_in_s": 28_800,
        "phone_occupancy": "61.2%",
        "workload_occupancy": "64.3%",
        "utilisation": "56.3%",
    }
    assert found["overview"]["utilisation"]["value"] == "56.3%"
    (home / "plan.toml").write_text(PLAN.replace('# rounding = "half_up" ', 'rounding = "half_even"'), encoding="utf-8")
    assert json_with("--day", "2021-01-01")["agents"]["1001"]["utilisation"] == "56.2%"


def test_wrap_up_outlasted_its_longest_is_counted_whole_and_flagged_in_every_format_but_the_public_and_a_lines(
    home: Path,
) -> None:
    (home / ".state").mkdir()
    told, at_ms = Told("w1", MIDNIGHT_MS).queued(0).talks(0, 10).ends(10, Outcome.AGENT_ANSWERED), MIDNIGHT_MS
    for presence, seconds in (("talking", 10), ("acw", 400), ("ready", 5), ("logged_out", 1)):
        told.records.append(PresenceChanged("1001", at_ms, Presence(presence), "", "1001", at_ms, None, 0, True, ""))
        at_ms += seconds * 1000
    told.records += [
        Noted(MIDNIGHT_MS + 410_000, WRAPUP_OVERLONG, "1001 100000 ms beyond 300000 ms"),
        Noted(MIDNIGHT_MS + DAY_MS, WRAPUP_OVERLONG, "1002 100000 ms beyond 300000 ms"),
    ]
    asyncio.run(store([told], f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    day = ("report", "--day", "2021-01-01", "--lang", "en")
    assert json_with("--day", "2021-01-01")["agents"]["1001"]["seat_avg_wrapup_s"] == 400
    for form in ("text", "json", "csv", "html"):
        said = run(*day, "--format", form).stdout
        assert "longer than any may" in said and "Agents: 1001 (1)." in said, form
    for words in (("--public",), ("--line", "general")):
        assert "longer than any may" not in run(*day, *words).stdout


def test_state_of_a_day_that_is_not_over_lasts_until_now_and_no_longer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".state").mkdir()
    ready = Told("s1", MIDNIGHT_MS).queued(0).ends(3, Outcome.ABANDONED_QUEUE)
    ready.records.append(
        PresenceChanged("1001", MIDNIGHT_MS, Presence.READY, "", "1001", MIDNIGHT_MS, None, 0, True, "")
    )
    asyncio.run(store([ready], f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    for hour, logged_in in ((-1, None), (5, 5 * 3600), (24, 86_400), (200, 86_400)):
        monkeypatch.setattr("callcenter.report_cli.time.time", lambda hour=hour: MIDNIGHT_MS / 1000 + hour * 3600)
        found = json_with("--day", "2021-01-01")
        assert {name: row["logged_in_s"] for name, row in found["agents"].items()} == (
            {} if logged_in is None else {"1001": logged_in}
        )
        assert found["report"]["is_final"] is (hour >= 24)
        why = run("report", "--day", "2021-01-01", "--explain", "connect_rate_24h_min").stdout.splitlines()
        assert why[-1].endswith(found["connect_rate_24h"]["connect_rate_24h_min"]["value"] or "—")
        assert len(why) == 2 + (hour >= 24)
        of_line = json_with("--day", "2021-01-01", "--line", "general")
        assert of_line["overview"]["utilisation"]["value"] is None
        assert any("座席工时不分线路" in note for note in of_line["notes"])
        lines = run("report", "--day", "2021-01-01", "--explain", "utilisation", "--format", "json").stdout.splitlines()
        assert json.loads(lines[-1])["denominator"] == (logged_in or 0) * 1000


def test_hand_over_that_reached_nobody_lowers_the_reach_and_is_lost_again(home: Path) -> None:
    (home / ".state").mkdir()
    reached = handed_to_specialist(MIDNIGHT_MS)
    lost = Told("lost", MIDNIGHT_MS).queued(0).talks(5, 25).handed_over(24, 40, HandOverResult.CALLER_GONE)
    lost.ends(40, Outcome.AGENT_ANSWERED)
    asyncio.run(store([reached, lost], f"sqlite+aiosqlite:///{home}/.state/ledger.sqlite3", home / ".state"))
    overview = {name: row["value"] for name, row in json_with("--day", "2021-01-01")["overview"].items()}
    assert (overview["specialist_reach"], overview["requeue_abandoned"], overview["requeue_wait_s"]) == ("50.0%", 1, 15)
    assert (overview["agent_answered"], overview["agent_answers"], overview["specialist_answers"]) == (2, 2, 1)


# the calls behind a figure ------------------------------------------------------------------------------------------


def test_explain_lists_members_of_numerator_and_denominator(with_day: Path) -> None:
    result = run("report", "--day", "2021-01-01", "--explain", "connect_rate", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    members = {line["call"]: (line["numerator"], line["denominator"]) for line in lines}
    answered = {f"pbx-1/h{n}": ("1", "1") for n in (1, 2, 3, 4)}
    assert members == answered | {f"pbx-1/h{n}": ("0", "1") for n in (5, 6, 7, 8, 9, 10)}
    said = run("report", "--day", "2021-01-01", "--explain", "connect_rate").stdout.splitlines()
    assert len(said) == 12 and said[-1] == "connect_rate: 4 / 10 = 2/5 -> 40.0%"
    last = json.loads(
        run("report", "--day", "2021-01-01", "--explain", "max_talk_s", "--format", "json").stdout.splitlines()[-1]
    )
    assert (last["numerator"], last["printed"]) == (71_000, "71")


def explained(name: str, *words: str, day: str = "2021-01-01") -> list[str]:
    """The lines of a figure's explanation."""
    result = run("report", "--day", day, "--explain", name, *words)
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


def test_what_the_rows_come_to_is_an_equation_that_holds(with_day: Path) -> None:
    assert explained("avg_wait_s")[-1] == "avg_wait_s: 205000 ms / 10 = 41/2 s -> 21"
    assert explained("max_talk_s")[-1] == "max_talk_s: 71000 ms = 71 s -> 71"
    assert explained("offered")[-1] == "offered: 10 = 10 -> 10"
    assert explained("fcr")[-1] == "fcr: 0 / 4 = 0 -> 0.0%"
    assert explained("connect_rate", day="2021-01-02")[-1] == "connect_rate: 0 / 0 -> —"
    assert explained("utilisation")[-1] == "utilisation: 0 ms / 0 ms -> —"


def test_columns_of_the_calls_behind_a_figure_have_heads_in_the_readers_language(with_day: Path) -> None:
    assert explained("avg_wait_s", "--lang", "en")[0].split() == (
        "time call or agent numerator (ms) denominator".split()
    )
    assert explained("avg_wait_s")[0].split() == ["时间", "通话或座席", "分子（ms）", "分母"]
    head, first, *_ = explained("utilisation", "--lang", "en")
    assert head.endswith("denominator (ms)") and first.startswith("utilisation:")
    head, first, *_ = explained("offered", "--lang", "en")
    assert head.split()[-1] == "numerator" and first.split()[-1] == "1", "nothing is divided"
    for name in ("avg_wait_s", "max_wait_s"):
        for lang in ("en", "zh"):
            head, first, *_ = explained(name, "--lang", lang)
            assert cell_len(head) == cell_len(first), "right below their heads"


def test_of_a_maximum_the_calls_are_listed_that_are_it(with_day: Path) -> None:
    assert [line.split()[1] for line in explained("max_talk_s")[1:-1]] == ["pbx-1/h2"]
    rows = list(csv.DictReader(io.StringIO("\n".join(explained("max_wait_s", "--format", "csv")))))
    assert [(row["call"], row["numerator"]) for row in rows] == [("pbx-1/h9", "60000")]
    assert [line.split()[1] for line in explained("total_max_talk_s")[1:-1]] == ["pbx-1/h13"]


def test_calls_behind_a_figure_in_a_csv_file_open_like_the_report_does(with_day: Path) -> None:
    for words in ((), ("--explain", "offered")):
        for kind in ("csv", "json"):
            assert run("report", "--day", "2021-01-01", *words, "--format", kind, "--output", "out").exit_code == 0
            assert (with_day / "out").read_bytes().startswith(codecs.BOM_UTF8) is (kind == "csv")


def test_explain_writes_to_a_file(with_day: Path) -> None:
    words = ("report", "--day", "2021-01-01", "--explain", "fcr", "--output", "why.txt")
    assert run(*words).exit_code == 0
    assert (with_day / "why.txt").read_text(encoding="utf-8").splitlines()[-1] == "fcr: 0 / 4 = 0 -> 0.0%"


def test_explain_that_is_refused_leaves_the_file_as_it_was(with_day: Path) -> None:
    (with_day / "why.txt").write_text("yesterday's", encoding="utf-8")
    words = ("report", "--year", "2021", "--scope", "mars", "--explain", "fcr", "--output", "why.txt")
    assert run(*words).exit_code == 2
    assert (with_day / "why.txt").read_text(encoding="utf-8") == "yesterday's"


def test_explain_whose_reader_goes_away_does_not_blame_the_database(
    with_day: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("shutil.copyfileobj", gone)
    result = run("report", "--day", "2021-01-01", "--explain", "offered")
    assert result.exit_code == 1 and "database" not in result.stderr


def test_explain_without_room_for_the_list_says_where(with_day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", full)
    result = run("report", "--day", "2021-01-01", "--explain", "offered")
    assert result.exit_code == 1 and "No space left" in result.stderr and "database" not in result.stderr


async def test_members_of_every_figure_come_to_what_the_report_prints(ledger: Ledger, engine: AsyncEngine) -> None:
    records = [record for one in any_calls(random.Random(11)) for record in one.records]
    await stored(ledger, records)
    first = min(record.at_ms for record in records)
    request = Request(Period(date_of(first // DAY_MS - 1), date_of(first // DAY_MS + 3), UTC), 2 * first)
    async with reading(engine) as figures:
        document = await build_document(figures, request)
        printed = {
            content.figure: content
            for section in document.sections
            if section.key not in ("lines", "skills", "agents", "call_volume_by_hour", "calls_by_hour")
            for row in section.rows
            for content in row.contents
            if isinstance(content, Cell) and content.figure
        }
        assert len(printed) > 60
        for name, cell in printed.items():
            if name not in EXPLAINED:
                continue
            found = Sum()
            lines = [line async for line in explain(figures, request, name, found)]
            assert found.cell == cell, name
            assert_adds_up(name, lines, found)


def assert_adds_up(name: str, lines: list[Addend], found: Sum) -> None:
    figure = FIGURES.get(name)
    add: Callable[[list[int]], int] = max if figure is not None and figure.longest else sum
    assert found.numerator == (add([line.numerator for line in lines]) if lines else 0)
    assert found.denominator == sum(line.denominator for line in lines)


async def test_scope_of_another_platform_has_none_of_its_members(ledger: Ledger, engine: AsyncEngine) -> None:
    await stored(ledger, [record for one in worked_example() for record in one.records])
    await stored(ledger, handed_to_specialist().records)
    period = Period(date_of(18_000), date_of(19_000), UTC)
    async with reading(engine) as figures:
        request = Request(period, 0, Scope(platform="mars"))
        assert [line async for line in explain(figures, request, "offered", Sum())] == []
