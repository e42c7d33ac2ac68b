"""What the witnesses say of a house's calls: the ledger and CEL, each by itself, as stories by number (pure but for reading).

Nothing of the ledger helps to find a call in CEL or the other way round: a call is known by its caller's number, for a call
dialled out by the number dialled, as Asterisk's very first row of the channel has it, before any dialplan ran.
"""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from acd.names import CallId
from callcenter.calls.plan import DIAL_OUT
from callcenter.calls.story import TRUNK, CelStory, Evidence, LedgerStory, Played, Row
from callcenter.demo.last_rows import until_told
from callcenter.demo.witness import phone_row
from callcenter.storage.ledger import Ledger
from callcenter.witness.calls import CelCall, DeviceUse
from callcenter.witness.cel import COLUMNS, CelKind, fields_of, read_cel
from callcenter.witness.channels import channels_of
from callcenter.witness.compare import Comparison, LedgerCall, compare, dialled_differences
from callcenter.witness.dialled import CelDialled, dialled
from callcenter.witness.rebuild import rebuild

FOR_EVER_MS = 1 << 60
CHILDREN = ("offers", "talks", "hand_overs", "placements", "ratings", "recordings")


async def gather(
    ledger: Ledger, cel_file: Path, pbx: str, devices: Sequence[DeviceUse], callers: Collection[str]
) -> Evidence:
    """Hear both, after everything has ended. `pbx`: its name in the ledger; `devices`: who sat where; `callers`: numbers of all
    who called.

    Raises StorageError, WitnessError.
    """
    stories = await _ledger_stories(ledger)
    await until_told(cel_file, callers)
    return await asyncio.to_thread(_with_cel, stories, cel_file, pbx, devices)


def _with_cel(
    stories: Mapping[str, Sequence[LedgerStory]], cel_file: Path, pbx: str, devices: Sequence[DeviceUse]
) -> Evidence:
    rows = read_cel(cel_file).rows
    calls = rebuild(rows, pbx=pbx, callers=(TRUNK,), devices=devices).calls
    out = dialled(rows, (TRUNK,))
    births, channels = _births(cel_file), channels_of(rows)
    cel: dict[str, list[CelStory]] = {}
    for call in calls:
        own = call.call.uniqueid
        legs = sorted((c for c in channels.values() if c.linkedid == own != c.uniqueid), key=lambda c: c.seen_ms)
        rang = tuple(leg.endpoint for leg in legs)
        cel.setdefault(births.get(own, Birth()).caller, []).append(CelStory(call, rang))
    for one in out:
        number = births.get(one.uniqueid, Birth()).dialled.removeprefix(DIAL_OUT)
        cel.setdefault(number, []).append(CelStory(outbound=one))
    everything = [story for told in stories.values() for story in told]
    text = cel_file.read_text(encoding="utf-8", errors="backslashreplace")
    return Evidence(stories, cel, _mismatches(everything, calls, out, devices), text)


def keep_files(folder: Path, played: Iterable[Played], evidence: Evidence) -> None:
    """Write `phones.jsonl`, `ledger.jsonl` and `cel.csv` into a folder, made if missing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    phones = [
        {"kind": one.place.kind, "turn": one.turn, **phone_row(call)}
        for one in played
        for call in (*one.callers.values(), *one.others)
    ]
    ledger = [{**story.row, "children": story.children} for told in evidence.ledger.values() for story in told]
    for name, rows in (("phones", phones), ("ledger", ledger)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "cel.csv").write_text(",".join(COLUMNS) + "\n" + evidence.cel_text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Birth:
    """What Asterisk itself wrote of a channel when it made it."""

    caller: str = ""
    dialled: str = ""


def _births(cel_file: Path) -> dict[str, Birth]:
    """Return Uniqueid -> birth, of every channel."""
    found: dict[str, Birth] = {}
    for line in cel_file.read_text(encoding="utf-8", errors="backslashreplace").splitlines():
        try:
            row = fields_of(line)
        except ValueError:
            continue  # such a line is no row for `read_cel` either
        if row is not None and row["eventtype"] == CelKind.CHAN_START:
            found[row["uniqueid"]] = Birth(row["cidnum"], row["exten"])
    return found


async def _ledger_stories(ledger: Ledger) -> dict[str, list[LedgerStory]]:
    found: dict[str, list[LedgerStory]] = {}
    for row in await ledger.calls(0, FOR_EVER_MS):
        call = CallId(row["pbx"], row["uniqueid"])
        children = {table: await ledger.children(table, call) for table in CHILDREN if table != "offers"}
        children["offers"] = await ledger.offers(call)
        for rows in children.values():
            rows.sort(key=_in_order)
        found.setdefault(row["caller_number"], []).append(LedgerStory(row, children))
    return found


def _in_order(row: Row) -> tuple[int, int]:
    instants = ("made_ms", "opened_ms", "at_ms", "asked_ms")
    return next(int(row[name]) for name in instants if name in row), int(row.get("seq", 0))


def _mismatches(
    stories: Sequence[LedgerStory], calls: Sequence[CelCall], out: Sequence[CelDialled], devices: Sequence[DeviceUse]
) -> dict[str, list[str]]:
    inbound = [story.row for story in stories if story.row["direction"] == "inbound"]
    compared: Comparison = compare([LedgerCall.of(row) for row in inbound], calls)
    found: dict[str, list[str]] = {}
    for mismatch in compared.mismatches:
        found.setdefault(str(mismatch.call), []).append(str(mismatch))
    sits = {use.device: use.agent for use in devices}
    ours = {story.row["uniqueid"]: story.row for story in stories if story.row["direction"] == "outbound"}
    theirs = {one.uniqueid: one for one in out}
    for uniqueid in sorted(ours.keys() | theirs.keys()):
        if words := _outbound_differs(ours.get(uniqueid), theirs.get(uniqueid), sits):
            found[uniqueid] = words
    return found


def _outbound_differs(row: Row | None, cel: CelDialled | None, sits: Mapping[str, str]) -> list[str]:
    if row is None or cel is None:
        return [f"call dialled out is known to {'CEL' if row is None else 'the ledger'} alone: {row or cel}"]
    own, other = LedgerCall.of(row), replace(cel, agent=sits.get(cel.device))
    return [str(one) for one in dialled_differences(own.call, own, other)]
