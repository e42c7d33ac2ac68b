"""A comparison as an operator reads it, and as JSON."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

from rich.console import Console
from rich.table import Table

from callcenter.reconcile.verdicts import Difference, Result, Unknown, Verdict

SHOWN = 200
"""So many rows are printed; JSON has all that were kept."""
_INSTANT = "_ms"


def print_result(result: Result, title: str, zone: tzinfo, console: Console) -> None:
    """Print warnings, the table of mismatches, the calls that cannot be judged, and the summary."""
    for warning in result.warnings:
        console.print(warning, highlight=False, markup=False, soft_wrap=True)
    if result.differences:
        table = Table(title=f"mismatches, {title}".replace("[", r"\["), title_justify="left")
        for name in ("arrived", "call", "what", "ledger", "CEL"):
            table.add_column(name, overflow="fold")
        for one in result.differences[:SHOWN]:
            table.add_row(*_cells(one, zone))
        console.print(table, markup=False)
        if result.mismatches > SHOWN:
            console.print(f"and {result.mismatches - min(SHOWN, len(result.differences))} more", highlight=False)
    for unknown in result.unknown[:SHOWN]:
        told = f"unknown: {_at(unknown.arrived_ms, zone)} {unknown.call}: {unknown.why}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    if result.counts[Verdict.UNKNOWN] > SHOWN:
        console.print(f"and {result.counts[Verdict.UNKNOWN] - SHOWN} more unknown", highlight=False)
    console.print(summary(result), highlight=False, markup=False, soft_wrap=True)


def summary(result: Result) -> str:
    """Return the comparison in one line."""
    counts = result.counts
    said = f"{result.calls} calls: {counts[Verdict.AGREED]} agree, {counts[Verdict.MISMATCHED]} do not"
    said += f" ({result.mismatches} mismatches)" if result.mismatches else ""
    said += f"; {counts[Verdict.REBUILT]} rebuilt from CEL, {counts[Verdict.UNKNOWN]} unknown"
    return said + (f", {counts[Verdict.OPEN]} still going on" if counts[Verdict.OPEN] else "")


def as_json(result: Result, period: dict[str, Any]) -> dict[str, Any]:
    """Return everything as JSON-ready values; `period` stands first."""
    counts = result.counts
    return {
        **period,
        "calls": result.calls,
        "agreed": counts[Verdict.AGREED],
        "mismatched_calls": counts[Verdict.MISMATCHED],
        "mismatches": result.mismatches,
        "rebuilt": counts[Verdict.REBUILT],
        "unknown": counts[Verdict.UNKNOWN],
        "open": counts[Verdict.OPEN],
        "differences": [
            {
                "pbx": one.call.pbx,
                "uniqueid": one.call.uniqueid,
                "arrived_ms": one.arrived_ms,
                "what": one.what,
                "ledger": one.ledger,
                "cel": one.cel,
                "rebuilt": one.is_rebuilt,
            }
            for one in result.differences
        ],
        "unknown_calls": [_unknown(one) for one in result.unknown],
        "warnings": result.warnings,
    }


def _unknown(one: Unknown) -> dict[str, Any]:
    return {"pbx": one.call.pbx, "uniqueid": one.call.uniqueid, "arrived_ms": one.arrived_ms, "why": one.why}


def _cells(one: Difference, zone: tzinfo) -> Iterator[str]:
    yield _at(one.arrived_ms, zone)
    yield str(one.call)
    yield f"{one.what} (rebuilt)" if one.is_rebuilt else one.what
    for said in (one.ledger, one.cel):
        yield _at(int(said), zone, day=False) if one.what.endswith(_INSTANT) and said.isdecimal() else said


def _at(at_ms: int, zone: tzinfo, *, day: bool = True) -> str:
    instant = datetime.fromtimestamp(at_ms / 1000, zone)
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f" if day else "%H:%M:%S.%f")[:-3]
