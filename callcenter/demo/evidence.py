"""Gathers the three witnesses after a run, compares them, and keeps their files: phones, PBX (CEL), ledger."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acd.names import OfferResult
from callcenter.demo.cast import PHONE_OF, SPECIALIST_PHONES
from callcenter.demo.fault import change_one_outcome
from callcenter.demo.last_rows import until_told
from callcenter.demo.witness import lost, phone_row
from callcenter.lab.phone_log import PhoneCall
from callcenter.lab.site import Site
from callcenter.storage.rolled_figures import reading
from callcenter.witness.calls import DeviceUse
from callcenter.witness.cel import COLUMNS, read_cel
from callcenter.witness.compare import Comparison, LedgerCall, compare
from callcenter.witness.rebuild import rebuild

CALLERS_ENDPOINT = "trunk"
REACHED = "hand_overs_reached"
FOR_EVER_MS = 1 << 60
LEDGER_KEYS = (
    "sip_call_id",
    "pbx",
    "uniqueid",
    "line",
    "outcome",
    "outcome_reason",
    "agent",
    "arrived_ms",
    "menu_ms",
    "queued_ms",
    "first_offer_ms",
    "answered_ms",
    "talk_ended_ms",
    "left_ms",
    "ended_ms",
)
"""Keys of `ledger.jsonl`, in order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the witnesses said of a run."""

    phones: list[dict[str, object]]
    """Rows of `phones.jsonl`."""
    calls: list[dict[str, Any]]
    """The ledger's inbound rows, in order of arrival."""
    cel: str
    """Asterisk's CEL file as it stands."""
    comparison: Comparison
    lost: list[Mapping[str, object]]
    ronas: int
    hand_overs: int


async def gather(site: Site, calls: Iterable[PhoneCall], *, change_one: bool = False) -> Evidence:
    """Hear all three, after everything has ended. `change_one`: the ledger's fault is made first.

    Raises LabError, StorageError, WitnessError.
    """
    phones = [phone_row(call) for call in calls]
    async with site.ledger() as ledger:
        if change_one:
            await change_one_outcome(ledger)
        rows = [row for row in await ledger.calls(0, FOR_EVER_MS) if row["direction"] == "inbound"]
        ronas = (await ledger.offer_results(0, FOR_EVER_MS)).get(OfferResult.NOT_ANSWERED.value, 0)
        async with reading(ledger.engine) as figures:
            found = await figures.totals((0, FOR_EVER_MS), [REACHED])
    hand_overs = found[0, ""][REACHED] or 0
    callers = {str(row["number"]) for row in phones if row["role"] == "caller" and row["started_at"]}
    await until_told(site.pbx.cel_file, callers)
    heard = read_cel(site.pbx.cel_file)
    rebuilt = rebuild(heard.rows, pbx=site.pbx.systemname, callers=(CALLERS_ENDPOINT,), devices=_devices())
    return Evidence(
        phones=phones,
        calls=rows,
        cel=site.pbx.cel_file.read_text(encoding="utf-8", errors="backslashreplace"),
        comparison=compare([LedgerCall.of(row) for row in rows], rebuilt.calls),
        lost=lost(phones),
        ronas=ronas,
        hand_overs=hand_overs,
    )


def keep(evidence: Evidence, folder: Path) -> None:
    """Write the three files into `folder` (made if missing). Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = ({key: row["line_code" if key == "line" else key] for key in LEDGER_KEYS} for row in evidence.calls)
    (folder / "phones.jsonl").write_text(_lines(evidence.phones), encoding="utf-8")
    (folder / "ledger.jsonl").write_text(_lines(ledger), encoding="utf-8")
    (folder / "cel.csv").write_text(",".join(COLUMNS) + "\n" + evidence.cel, encoding="utf-8")


def _devices() -> list[DeviceUse]:
    """Who sat where: the demo's own knowledge of its people, not the service's."""
    seats = [DeviceUse(phone, seat) for seat, phone in PHONE_OF.items()]
    return seats + [DeviceUse(phone, phone, "specialist") for phone in SPECIALIST_PHONES]


def _lines(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
