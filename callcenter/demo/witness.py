"""What the phones themselves say: which callers the PBX dropped, and what their logs look like in a file (pure).

A seat's phone shows the line's number as the other side's and "line, caller's number" as its name; the caller's number
is what joins the two logs, so that is what the rows have as `peer_number`.
"""

import re
from collections.abc import Iterable, Mapping

from callcenter.lab.phone_log import PhoneCall

_CALLER = re.compile(r"(?:^|\s)(\d{7,15})\s*$")


def caller_shown(call: PhoneCall) -> str:
    """Return the caller's number that a seat's phone showed; the other side's number where it showed none."""
    found = _CALLER.search(call.peer_name)
    return found[1] if found else call.peer_number


def phone_row(call: PhoneCall) -> dict[str, object]:
    """Return a call's row of `phones.jsonl`."""
    row = call.row()
    if call.direction == "in":
        row["peer_number"] = caller_shown(call)
    return row


def lost(rows: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return the callers' rows whose dialog the PBX ended though nobody had hung up and no exit was in the scenario.

    Rows are those of `phones.jsonl`. A caller whose other side ended the call is not lost if the last seat or specialist
    he spoke to hung up himself; one who spoke to nobody, or whose seat was cut off too, is. The demo's plan has no exit.
    """
    told = list(rows)
    spoken: dict[object, list[Mapping[str, object]]] = {}
    for row in told:
        if row["role"] in ("agent", "specialist") and row["answered_at"] is not None:
            spoken.setdefault(row["peer_number"], []).append(row)
    found = []
    for row in told:
        if row["role"] != "caller" or row["ended_by"] != "peer":
            continue
        others = sorted(spoken.get(row["number"], ()), key=lambda other: float(str(other["answered_at"])))
        if not others or others[-1]["ended_by"] != "self":
            found.append(row)
    return found
