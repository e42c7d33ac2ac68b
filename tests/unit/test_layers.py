"""Dependencies point one way, and what is pure stays pure: read from the source, not from what happens to be imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "agents": set(),
    "acd": {"agents"},
    "metrics": {"agents", "acd"},
    "config": {"agents", "acd"},
    "callcenter": {"agents", "acd", "metrics", "config"},
}
PURE = {"agents", "acd"}
IMPURE = {
    "asyncio", "concurrent", "datetime", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time",
    "urllib", "uuid", "zoneinfo",
}  # fmt: skip
PURE_CALLS = {"open", "print", "input", "exec", "eval"}


def modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the package"
            yield (node.module or "").split(".")[0]


def faults(package: str, tree: ast.Module) -> set[str]:
    names = set(imported(tree))
    found = {name for name in names & set(MAY_IMPORT) if name != package and name not in MAY_IMPORT[package]}
    if package in PURE:
        found |= names & IMPURE
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        found |= {func.id for func in calls if isinstance(func, ast.Name) and func.id in PURE_CALLS}
        found |= {"async" for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)}
    return found


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_package_imports_only_what_lies_below_it(package: str) -> None:
    found = {str(path): wrong for path, tree in modules(package) if (wrong := faults(package, tree))}
    assert not found
    assert any(True for _ in modules(package)), "the package is there"


@pytest.mark.parametrize(
    ("package", "source", "fault"),
    [
        ("agents", "from acd.plan import Plan", "acd"),
        ("acd", "import time", "time"),
        ("acd", "def f():\n    from datetime import datetime", "datetime"),
        ("acd", "async def f(): pass", "async"),
        ("acd", "print(1)", "print"),
        ("config", "import callcenter.http", "callcenter"),
        ("metrics", "import config", "config"),
    ],
)
def test_wrong_import_is_found(package: str, source: str, fault: str) -> None:
    assert faults(package, ast.parse(source)) == {fault}
