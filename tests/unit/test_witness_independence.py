"""The two witnesses know nothing of each other: held by their imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
OURS = ("acd", "agents", "callcenter", "config", "metrics")
JOINS = (
    "callcenter.demo",
    "callcenter.proof",
    "callcenter.calls",
    "callcenter.__main__",
    "callcenter.rebuild",
    "callcenter.reconcile",
)
"""Who may bring both together: programs that compare; and what tells the ledger from CEL of times in which nobody watched
(such calls are marked, `rebuilt_ms`): it decides nothing about a call that lives."""


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, relative imports refused, imports inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_witness_imports_names_and_itself_only() -> None:
    files = list((ROOT / "callcenter" / "witness").glob("*.py"))
    assert len(files) > 5

    for path in files:
        of_ours = [name for name in imported(path) if name.partition(".")[0] in OURS]
        foreign = [n for n in of_ours if not is_within(n, "acd.names") and not is_within(n, "callcenter.witness")]
        assert foreign == [], f"{path.name} imports {foreign}"


def test_ledger_side_imports_nothing_of_the_witness() -> None:
    files = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    service = [
        path
        for path in files
        if not is_within(module(path), "callcenter.witness") and not any(is_within(module(path), j) for j in JOINS)
    ]
    assert len(service) > 40

    for path in service:
        heard = [name for name in imported(path) if is_within(name, "callcenter.witness")]
        assert heard == [], f"{module(path)} imports {heard}"


def test_reconcile_has_both_in_one_module_only() -> None:
    files = list((ROOT / "callcenter" / "reconcile").glob("*.py"))
    hears = {
        side: {path.name for path in files if any(is_within(name, f"callcenter.{side}") for name in imported(path))}
        for side in ("storage", "witness", "asterisk", "rebuild")
    }

    assert hears["storage"] & hears["witness"] == {"join.py"}
    assert "ledger_side.py" in hears["storage"]
    assert "judge.py" in hears["witness"]
    assert hears["asterisk"] | hears["rebuild"] == set(), (
        "it reads AMI's records and CEL, never the PBX or what was rebuilt"
    )


def test_no_comparison_reads_what_the_dialplan_says() -> None:
    """`spoken` reads rows that hold values of the service: the rebuilding alone may."""
    for package in ("witness", "reconcile", "demo", "proof"):
        for path in (ROOT / "callcenter" / package).glob("*.py"):
            assert not any(is_within(name, "callcenter.witness.spoken") for name in imported(path)), path
