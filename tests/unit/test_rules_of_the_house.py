"""What the whole checkout keeps: strict tests, short modules and functions, no address or path of somebody's machine."""

import ast
import asyncio
import re
import tomllib
import warnings
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from acd.names import EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, RejectReason, Via
from agents.presence import Presence

ROOT = Path(__file__).resolve().parents[2]
OURS = ("acd", "agents", "alembic", "callcenter", "config", "docs", "metrics", "packaging", "scripts", "tests", ".ci")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
NOT_COUNTED = {("alembic/versions/0001_pre_calls_ledger.py", "upgrade")}
"""A migration is one list of columns and rules."""
FOREIGN = re.compile(
    r"pypi\.(?:org|python)|pythonhosted|deb\.debian\.org|ftp\.\w+\.debian|mirrors?\.[a-z]+\.[a-z]|npmjs|--index-url|"
    r"(?<![\w.])/(?:root|home|work|Users)/\w",
)
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".conf",
    ".env",
    ".lock",
    ".txt",
    ".svg",
    ".xml",
    ".ini",
    ".mako",
    ".csv",
    ".jsonl",
    ".json",
}
TEXT |= {".yml", ".yaml", ".service", ".sh", ".sql", ".html", ".css", ".js", ""}


def texts() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".env")
    for name in OURS:
        yield from (path for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def modules() -> list[Path]:
    return [path for path in texts() if path.suffix == ".py"]


async def test_tests_run_with_asyncio_debug() -> None:
    assert asyncio.get_running_loop().get_debug()


def test_warning_in_a_test_is_an_error() -> None:
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_linter_and_types_are_as_strict_as_we_say() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    rules = {"ASYNC", "B", "C4", "DTZ", "G", "I", "ISC", "PERF", "PGH", "RUF", "T20", "UP"}
    assert rules <= set(settings["ruff"]["lint"]["select"])
    assert settings["mypy"]["strict"] is True
    assert "--strict-markers" in settings["pytest"]["ini_options"]["addopts"]


@pytest.mark.parametrize(
    "words", [Outcome, OfferResult, RejectReason, Presence, HandOverResult, HandOverMode, Via, EndedBy]
)
def test_every_word_of_the_ledger_is_in_the_glossary(words: type[StrEnum]) -> None:
    known = set(re.findall(r"\w+", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")))
    assert {word.value for word in words} <= known


def test_modules_are_not_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    product = {name: length for name, length in lengths.items() if not name.startswith("tests")}
    assert len(product) > 100
    assert {name: length for name, length in product.items() if length > LONGEST_MODULE} == {}


def test_functions_are_not_too_long() -> None:
    found = {}
    for path in modules():
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                found[name, node.name] = node.end_lineno - node.lineno + 1
    assert len(found) > 1000
    assert {one for one, length in found.items() if length > LONGEST_FUNCTION} - NOT_COUNTED == set()


def test_no_text_names_a_machine_or_a_package_server() -> None:
    me = Path(__file__).resolve()
    found, seen = [], 0
    for path in texts():
        if path.suffix in TEXT and path != me:
            seen += 1
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [
                f"{path.relative_to(ROOT)}:{n}: {line[:100]}" for n, line in enumerate(lines, 1) if FOREIGN.search(line)
            ]
    assert seen > 200
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["see /" + "root/x", "https://pypi" + ".org/simple", "http://deb.deb" + "ian.org/debian", "--index" + "-url x"],
)
def test_what_must_not_stand_anywhere_is_recognised(line: str) -> None:
    assert FOREIGN.search(line)
