"""A figure is defined once: changing its definition in the source moves the report and the live gauge with it, and no other
module adds calls up."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio
import json
from pathlib import Path
from metrics.floor import Floor
from metrics.exporter import Exporter
from metrics.exposition import families
from metrics.report_windows import WINDOWS, ReportWindows
from tests.contract.calls_told import all_records, worked_example
from tests.contract.import_files import ledger_rows
from tests.contract.test_report_command import MIDNIGHT_MS, json_of, store

folder = Path.cwd() / ".state"
folder.mkdir(exist_ok=True)
told = worked_example(MIDNIGHT_MS)
database = f"sqlite+aiosqlite:///{folder}/ledger.sqlite3"
asyncio.run(store(told, database, folder))
windows = ReportWindows(edges={window: MIDNIGHT_MS for window in WINDOWS})
windows.changed((None, row) for row in ledger_rows(database))
exporter = Exporter(lambda: Floor(), report=windows.frozen)
exporter.observe(all_records(told))
shown = {family.name: family.samples[0].value for family in families(exporter.freeze()) if family.samples}
report = json_of("2021-01-01", "2021-01-02")
gauges = [shown[name] for name in ("callcenter_connect_ratio", "callcenter_report_connect_rate")]
print(json.dumps([report["call_service"]["inbound"]["connect_rate"], *gauges]))
"""


def figures_of(folder: Path) -> list[object]:
    """Run the program on the packages of a folder: connect rate as the report prints it, and as the two gauges show it, of calls
    as they end and of the report's window."""
    shutil.rmtree(folder / ".state", ignore_errors=True)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[object] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize(
    ("module", "before", "after", "expected"),
    [
        ("totals", 'yield _count("offered", *INBOUND)', 'yield _count("offered", *ANSWERED_IN)', ["100.0%", 1.0, 1.0]),
        (
            "call_figures",
            '"connect_rate",\\n        Unit.PERCENT,\\n        ("agent_answered",)',
            '("abandoned_ivr",)',
            None,
        ),
    ],
)
def test_one_changed_definition_moves_report_and_gauges_alike(
    tmp_path: Path, module: str, before: str, after: str, expected: list[object] | None
) -> None:
    for package in ("acd", "agents", "alembic", "callcenter", "config", "metrics", "tests"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "integration"))
    assert figures_of(tmp_path) == ["50.0%", 0.5, 0.5]
    source = tmp_path / "metrics" / f"{module}.py"
    text = source.read_text(encoding="utf-8")
    if expected is None:
        before = before.replace("\\n", "\n")
        after, expected = before.replace('("agent_answered",)', after), ["16.7%", 1 / 6, 1 / 6]
    assert text.count(before) == 1
    source.write_text(text.replace(before, after), encoding="utf-8")
    assert figures_of(tmp_path) == expected


MAY_ADD_UP = {
    "callcenter/storage/figures_sql.py": "SQL of the dictionary's totals",
    "callcenter/storage/callers_sql.py": "SQL of metrics.callers",
    "callcenter/storage/states_sql.py": "SQL of the spans of metrics.states",
    "callcenter/storage/ledger.py": "counts of outcomes and results by which tests check the figures",
    "callcenter/bench/reported.py": "what a benchmark's data hold, no figure",
    "callcenter/reconcile/ledger_side.py": "the newest state of an agent, no figure",
    "callcenter/storage/call_settle.py": "one call's own holds",
}
ROLLUPS = ("callcenter/storage/rollup", "callcenter/storage/rolled")
"""Totals of the dictionary, kept."""
AGGREGATES = {"sum", "count", "avg", "min", "max"}
IN_TEXT = re.compile(
    r"\b(?:count|sum|avg)\s*\(.*\bfrom\s+(?:calls|talks|offers|hand_overs)\b", re.IGNORECASE | re.DOTALL
)
IN_PYTHON = {"sum", "fsum", "len", "Counter", "mean", "median", "accumulate"}
MEASURES = {
    *("outcome", "outcome_reason", "result", "answered_ms", "talk_ended_ms", "wait_ms", "talk_ms", "hold_ms"),
    *("queue_wait_ms", "requeue_wait_ms", "agent_answers", "specialist_answers", "offers"),
}
"""Columns of the ledger that figures are made of."""


def adds_up(tree: ast.Module) -> bool:
    """Whether a module calls an aggregate of SQL, has one over the ledger's tables in a text, or adds up such columns of rows itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and IN_TEXT.search(node.value):
            return True
        if isinstance(node, ast.Attribute) and node.attr in AGGREGATES:
            if isinstance(node.value, ast.Name) and node.value.id == "func":
                return True
        if isinstance(node, ast.Call) and _name(node.func) in IN_PYTHON and any(map(_is_measure, ast.walk(node))):
            return True
    return False


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _is_measure(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in MEASURES


def test_no_module_outside_the_dictionary_and_its_sql_adds_calls_up() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in ("acd", "agents", "callcenter", "config")
        for path in (ROOT / package).rglob("*.py")
        if adds_up(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {name for name in found if not name.startswith(ROLLUPS)} == set(MAY_ADD_UP)


def test_aggregate_is_found_where_there_is_one() -> None:
    assert adds_up(ast.parse("select(func.count())"))
    assert adds_up(ast.parse("text('SELECT count(*) FROM calls')"))
    assert adds_up(ast.parse("sum(row['talk_ms'] for row in rows)"))
    assert adds_up(ast.parse("collections.Counter(row['outcome'] for row in rows)"))
    assert adds_up(ast.parse("len([row for row in rows if row['answered_ms'] is not None])"))
    assert not adds_up(ast.parse("select(func.lower(name))"))
    assert not adds_up(ast.parse("row['talk_ms'] + sum(row['lines'])"))
