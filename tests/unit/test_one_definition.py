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
from tests.contract.calls_told import all_records, worked_example
from tests.contract.test_report_command import MIDNIGHT_MS, json_of, store

folder = Path.cwd() / ".state"
folder.mkdir(exist_ok=True)
told = worked_example(MIDNIGHT_MS)
asyncio.run(store(told, f"sqlite+aiosqlite:///{folder}/ledger.sqlite3", folder))
exporter = Exporter(lambda: Floor())
exporter.observe(all_records(told))
gauge = next(family for family in families(exporter.freeze()) if family.name == "callcenter_connect_ratio")
report = json_of("2021-01-01", "2021-01-02")
print(json.dumps([report["call_service"]["inbound"]["connect_rate"], gauge.samples[0].value]))
"""


def figures_of(folder: Path) -> list[object]:
    """Run the program on the packages of a folder: connect rate as the report prints it, and as the gauge shows it."""
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
        ("totals", 'yield _count("offered", *INBOUND)', 'yield _count("offered", *ANSWERED_IN)', ["100.0%", 1.0]),
        (
            "call_figures",
            '"connect_rate",\\n        Unit.PERCENT,\\n        ("agent_answered",)',
            '("abandoned_ivr",)',
            None,
        ),
    ],
)
def test_one_changed_definition_moves_report_and_gauge_alike(
    tmp_path: Path, module: str, before: str, after: str, expected: list[object] | None
) -> None:
    for package in ("acd", "agents", "alembic", "callcenter", "config", "metrics", "tests"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "integration"))
    assert figures_of(tmp_path) == ["50.0%", 0.5]
    source = tmp_path / "metrics" / f"{module}.py"
    text = source.read_text(encoding="utf-8")
    if expected is None:
        before = before.replace("\\n", "\n")
        after, expected = before.replace('("agent_answered",)', after), ["16.7%", 1 / 6]
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
}
ROLLUPS = ("callcenter/storage/rollup", "callcenter/storage/rolled")
"""Totals of the dictionary, kept."""
AGGREGATES = {"sum", "count", "avg", "min", "max"}


IN_TEXT = re.compile(
    r"\b(?:count|sum|avg)\s*\(.*\bfrom\s+(?:calls|talks|offers|hand_overs)\b", re.IGNORECASE | re.DOTALL
)


def adds_up(tree: ast.Module) -> bool:
    """Whether a module calls an aggregate of SQL, or has one over the ledger's tables in a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and IN_TEXT.search(node.value):
            return True
        if isinstance(node, ast.Attribute) and node.attr in AGGREGATES:
            if isinstance(node.value, ast.Name) and node.value.id == "func":
                return True
    return False


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
    assert not adds_up(ast.parse("select(func.lower(name))"))
