"""What came of a run: figures, the rules for exit 0, the table and the JSON line (pure).

Figures are those of the dictionary (`metrics`), over the ledger's calls; `lost` is the phones' word, `ledger_mismatches`
the second witness's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from metrics.dictionary import FIGURES, totals_of
from metrics.rounding import printed, rounded

FULL_RUN_S = 40.0
FULL_OFFERED = 30
FULL_ANSWERED = 15


@dataclass(frozen=True, slots=True)
class Facts:
    """What the three witnesses said."""

    calls: Sequence[Mapping[str, Any]]
    """The ledger's inbound rows."""
    ronas: int
    hand_overs: int
    """Hand-overs that reached a specialist."""
    lost: int
    mismatches: int
    open: int
    """Calls without an end, for both witnesses."""
    dialled: int
    """Calls that the callers' phones made."""
    lines: Sequence[str]
    is_whole: bool
    """Not cut short by Ctrl-C: the must-have rules hold."""
    seconds: float | None
    """Asked length of the stream."""


def result(facts: Facts) -> dict[str, Any]:
    """Return the JSON object of the last line."""
    totals = totals_of(facts.calls)

    def whole(name: str) -> int:
        value = FIGURES[name].value(totals)
        return 0 if value is None else int(rounded(value, 0))

    return {
        "offered": totals["offered"] or 0,
        "answered": totals["agent_answered"] or 0,
        "abandoned": whole("abandoned"),
        "lost": facts.lost,
        "avg_wait_s": whole("avg_wait_s"),
        "avg_talk_s": whole("avg_talk_s"),
        "max_talk_s": whole("max_talk_s"),
        "ledger_mismatches": facts.mismatches,
        "connect_rate": printed(FIGURES["connect_rate"].value(totals), 1, "%"),
        "ronas": facts.ronas,
        "hand_overs": facts.hand_overs,
        "dialled": facts.dialled,
    }


def broken_rules(facts: Facts) -> list[str]:
    """Return what stands against exit 0, a sentence each; empty: nothing does."""
    said = result(facts)
    rules = [
        (said["lost"] == 0, f"{said['lost']} callers were dropped"),
        (said["ledger_mismatches"] == 0, f"{said['ledger_mismatches']} calls differ between ledger and CEL"),
        (
            said["offered"] == facts.dialled,
            f"the ledger has {said['offered']} calls, the phones made {facts.dialled}",
        ),
        (facts.open == 0, f"{facts.open} calls have no end"),
    ]
    if facts.is_whole:
        rules += [
            (bool(totals_of(_of_line(facts, line))["agent_answered"]), f"line {line} had no answer")
            for line in facts.lines
        ]
        rules += [
            (said["abandoned"] > 0, "nobody abandoned"),
            (facts.ronas > 0, "no phone was left ringing (RONA)"),
            (facts.hand_overs > 0, "no hand-over reached a specialist"),
        ]
    if facts.is_whole and facts.seconds is not None and facts.seconds >= FULL_RUN_S:
        rules += [
            (said["offered"] >= FULL_OFFERED, f"only {said['offered']} calls were offered"),
            (said["answered"] >= FULL_ANSWERED, f"only {said['answered']} calls were answered"),
        ]
    return [sentence for holds, sentence in rules if not holds]


def json_line(facts: Facts) -> str:
    """Return the last line."""
    return json.dumps(result(facts), ensure_ascii=False)


def table(facts: Facts, names: Mapping[str, str]) -> Table:
    """Return the summary by line; `names`: line code -> what the reader reads."""
    shown = Table(title="小结 Summary", box=box.ROUNDED)
    for head in ("线路\nline", "来电\noffered", "接听\nanswered", "放弃\nabandoned", "接通率\nconnect rate"):
        shown.add_column(head, justify="left" if head.endswith("line") else "right")
    for head in ("平均等待\navg wait", "平均通话\navg talk", "最长通话\nmax talk"):
        shown.add_column(head, justify="right")
    for line in facts.lines:
        shown.add_row(names[line], *_cells(_of_line(facts, line)))
    shown.add_section()
    shown.add_row("合计 total", *_cells(facts.calls), style="bold")
    return shown


def _of_line(facts: Facts, line: str) -> list[Mapping[str, Any]]:
    return [row for row in facts.calls if row["line_code"] == line]


def _cells(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    totals = totals_of(calls)
    return [
        str(totals["offered"]),
        str(totals["agent_answered"]),
        printed(FIGURES["abandoned"].value(totals), 0),
        printed(FIGURES["connect_rate"].value(totals), 1, "%"),
        *(printed(FIGURES[name].value(totals), 0, " s") for name in ("avg_wait_s", "avg_talk_s", "max_talk_s")),
    ]
