"""`callcenter report` in its formats: the keys of the JSON, the same figures in all of them, what the public part leaves out."""

import asyncio
import csv
import io
import re
from decimal import Decimal
from pathlib import Path

from openpyxl import load_workbook

import config
from acd.names import Outcome
from callcenter.publish.sheet import HEAD_ROWS
from metrics.lengths import DAY_MS
from metrics.totals import REASONS
from tests.contract.calls_told import Told
from tests.contract.import_files import abandoned, answered, write
from tests.contract.test_report_command import MIDNIGHT_MS, home, run, store
from tests.contract.test_report_options import PLAN, json_with, with_day
from tests.unit.publish.page_read import PageRead

__all__ = ["home", "with_day"]


def test_json_has_the_documented_keys_and_reduced_fractions(with_day: Path) -> None:
    found = json_with("--day", "2021-01-01")
    assert found["call_service"]["inbound"] == {
        "name": "接听",
        "call_volume": 4,
        "connect_rate": "40.0%",
        "avg_wait_s": 21,
        "avg_talk_s": 45,
        "max_talk_s": 71,
        "exact": {
            "call_volume": "4",
            "connect_rate": "2/5",
            "avg_wait_s": "41/2",
            "avg_talk_s": "181/4",
            "max_talk_s": "71",
        },
    }
    assert found["call_service"]["outbound"]["connect_rate"] is None
    assert found["call_service"]["total"]["avg_wait_s"] is None
    assert found["report"]["is_final"] is True and found["report"]["open_calls"] == 0
    assert json_with("--day", "2021-01-02")["call_service"]["inbound"]["connect_rate"] is None


def test_every_section_of_the_json_is_named_in_the_readme_and_none_besides(with_day: Path) -> None:
    (with_day / "plan.toml").write_text(PLAN.replace("since = 2026-01-01", "since = 2020-12-31"), encoding="utf-8")
    readme = (Path(config.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    said = re.search(r"Further sections, by key: ([^;]+);", readme)
    assert said is not None
    further = set(json_with("--day", "2021-01-01", "--interval", "hour")) - {"call_service", "report", "notes"}
    assert further == set(re.findall(r"`(\w+)`", said[1]))


def test_every_key_of_the_json_is_documented_and_none_besides(with_day: Path) -> None:
    (with_day / "plan.toml").write_text(PLAN.replace("since = 2026-01-01", "since = 2020-12-31"), encoding="utf-8")
    found = json_with("--day", "2021-01-01", "--interval", "hour")
    page = (Path(config.__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    assert set(found["report"]) == set(re.findall(r"`(\w+)`", page.split("`report` says")[1].split("\n")[0]))
    documented = {}
    for part in page.split("## `")[1:]:
        head, _, columns = part.partition("| column |")
        documented[head.partition("`")[0]] = (keys_of(head.partition("| row |")[2]), keys_of(columns))
    assert set(documented) == set(found) - {"report", "notes"}
    for name, (rows, columns) in documented.items():
        assert all(set(row) - {"name", "exact"} == columns for row in found[name].values()), name
        assert set(found[name]) <= rows or not rows, name
        assert rows - set(found[name]) <= {f"rejected_{reason}" for reason in REASONS}, name


def keys_of(table: str) -> set[str]:
    """What stands in code in the first column."""
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_all_formats_carry_the_same_figures_cell_by_cell(with_day: Path) -> None:
    (with_day / "plan.toml").write_text(PLAN.replace("since = 2026-01-01", "since = 2020-12-31"), encoding="utf-8")
    period = ("--day", "2021-01-01", "--interval", "hour")
    for kind in ("csv", "html", "xlsx"):
        assert run("report", *period, "--format", kind, "--output", f"r.{kind}").exit_code == 0
    lines = list(csv.DictReader(io.StringIO((with_day / "r.csv").read_text(encoding="utf-8-sig"))))
    assert len(lines) > 400
    by_row: dict[str, dict[str, list[str]]] = {}
    in_json = json_with(*period)
    for line in (line for line in lines if line["section"] != "notes"):
        by_row.setdefault(line["section"], {}).setdefault(line["row"], []).append(line["printed"])
        row = in_json[line["section"]][line["row"]]
        value = row[line["column"]]
        assert line["printed"] == ("—" if value is None else f"{value}"), line
        assert (row["exact"].get(line["column"]) or "") == line["exact"], line
    tables = [list(rows.values()) for rows in by_row.values()]
    assert figures_of(cells_of(run("report", *period).stdout), tables) == tables
    page = PageRead.of((with_day / "r.html").read_text(encoding="utf-8"))
    in_page = [[row[1:] for row in table[1:]] for table in page.tables]
    assert sorted(filter(None, in_page)) == sorted(tables), "what is public stands first"
    for sheet, table in zip(load_workbook(with_day / "r.xlsx"), in_page, strict=False):
        if not table:
            continue
        rows = sheet.iter_rows(HEAD_ROWS + 2, HEAD_ROWS + 1 + len(table), 2, 1 + len(table[0]), values_only=True)
        assert [list(map(shown, values, like)) for values, like in zip(rows, table, strict=True)] == table


def figures_of(rows: list[list[str]], tables: list[list[list[str]]]) -> list[list[list[str]]]:
    """Rows of a printed page without their names and heads, as many and as wide as those of the tables."""
    rest = iter(rows)
    return [[next(row[1:] for row in rest if len(row) == len(cells) + 1) for cells in table] for table in tables]


def shown(value: object, like: str) -> str:
    """A workbook's cell as it is printed where the other formats print `like`."""
    if isinstance(value, str):
        return value
    assert isinstance(value, int | float)
    number = Decimal(repr(value)) * (100 if like.endswith("%") else 1)
    places = len(like.rstrip("%").partition(".")[2])
    return f"{number.quantize(Decimal(1).scaleb(-places))}{'%' if like.endswith('%') else ''}"


def test_public_part_never_shows_the_calls_offered(with_day: Path) -> None:
    """A day of 23 calls offered of which 9 were answered: the 23, and what the other 14 did, stand nowhere."""
    told = [Told(f"p{n}", MIDNIGHT_MS + 9 * DAY_MS).queued(0) for n in range(23)]
    for one in told[:9]:
        one.talks(1, 2).ends(2, Outcome.AGENT_ANSWERED)
    for one in told[9:]:
        one.ends(4, Outcome.ABANDONED_QUEUE)
    folder = with_day / ".more"
    folder.mkdir()
    asyncio.run(store(told, f"sqlite+aiosqlite:///{with_day}/.state/ledger.sqlite3", folder))
    period = ("--day", "2021-01-10", "--public", "--interval", "half-hour")
    found = json_with(*period)
    assert set(found) == {"report", "call_service", "call_volume_by_hour", "call_service_by_interval", "notes"}
    assert found["call_service_by_interval"]["2021-01-10T00:00:00+08:00"]["agent_answered"] == 9
    assert found["call_service"]["inbound"]["connect_rate"] == "39.1%"
    values = [value for section in found.values() if isinstance(section, dict) for value in flat(section)]
    assert 23 not in values and 14 not in values and "9/23" not in values
    for kind in ("text", "csv", "html"):
        page = run("report", *period, "--format", kind).stdout
        assert "39.1%" in page and "9/23" not in page and "放弃率" not in page
    assert run("report", *period, "--format", "xlsx", "--output", "p.xlsx").exit_code == 0
    in_book = {cell for sheet in load_workbook(with_day / "p.xlsx") for row in sheet.values for cell in row}
    assert 9 in in_book and not {23, 14, "9/23"} & in_book
    refused = run("report", "--day", "2021-01-10", "--public", "--explain", "offered")
    assert refused.exit_code == 2 and "not for the public" in refused.stderr
    whole = run("report", "--day", "2021-01-10").stdout
    assert "23" in {word for row in cells_of(whole) for word in row}


def test_public_notes_do_not_count_calls_that_may_be_all_that_were_offered(home: Path) -> None:
    """A year of a former system alone: the number of its calls is that of the calls offered."""
    calls = [answered(f"a{n}") for n in range(9)] + [abandoned(f"b{n}", outcome="unknown") for n in range(14)]
    assert run("import", str(write(home / "old.csv", calls))).exit_code == 0
    for lang, words in (("en", "Calls of a former system are among these"), ("zh", "含导入自原系统的通话")):
        found = json_with("--year", "2020", "--public", "--lang", lang)
        said = "".join(found["notes"])
        assert words in said and not re.search(r"\b(23|14)\b", said)
        for kind in ("text", "csv", "html"):
            page = run("report", "--year", "2020", "--public", "--lang", lang, "--format", kind).stdout
            assert words in page and "39.1%" in page and not re.search(r"\b23 (calls|通)", page)
    assert "23 calls come from a former system" in "".join(json_with("--year", "2020", "--lang", "en")["notes"])


def flat(value: object) -> list[object]:
    return [leaf for one in value.values() for leaf in flat(one)] if isinstance(value, dict) else [value]


def cells_of(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│ ").split("│")] for line in text.splitlines() if "│" in line]
