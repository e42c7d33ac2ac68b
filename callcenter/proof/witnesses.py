"""Every kind of call again and again, with real phones; then both witnesses are asked as an operator asks: `callcenter reconcile`.

Kinds are those of `make calls`, and those of the proof alone: hang-ups in the instant of a connect or of a ring's end, and
the service killed, or cut off from the PBX, in each state of a call. What must come out of each call stands in its scenario,
and each witness is compared with that too, so two witnesses that are wrong in the same way are found as well.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcenter.calls.house import House
from callcenter.calls.plan import ZONE
from callcenter.calls.run import Report, Result, run
from callcenter.calls.scenario import Scenario, chosen, load
from callcenter.lab.errors import LabError
from callcenter.lab.site import Site
from callcenter.proof.hall import say

EACH = 5
KINDS = 58
"""So many scenarios there are (a test counts them): with fewer, a file is lost and the proof stands on less than it says."""
CALLS = KINDS * EACH
"""The least that is played: each kind has a call, some have two."""
RECONCILE = (sys.executable, "-m", "callcenter", "reconcile")


@dataclass(slots=True)
class Proof:
    """What came of it."""

    result: Result
    told: list[dict[str, Any]] = field(default_factory=list)
    """What `callcenter reconcile --json` said of each house."""

    def count(self, name: str) -> int:
        """Return one of its counts, all houses together."""
        return sum(int(one[name]) for one in self.told)

    def document(self) -> dict[str, int]:
        """Return the proof's last line."""
        totals = self.result.totals.document()
        wrong = {name: count for name, count in totals.items() if name not in ("kinds", "calls", "ledger_mismatches")}
        counts = {name: self.count(name) for name in ("calls", "mismatches", "unknown", "agreed", "rebuilt", "open")}
        return {"kinds": totals["kinds"], **counts, "played": totals["calls"], **wrong}

    @property
    def is_right(self) -> bool:
        """Whether both witnesses agree on every call that was played, and each with what its scenario says."""
        told = self.document()
        is_whole = told["calls"] == told["played"] == told["agreed"] + told["rebuilt"]
        return self.result.totals.is_right and not self.count("mismatches") and is_whole

    def words(self) -> list[str]:
        """Return what is wrong, in words."""
        said = [
            f"{one['uniqueid']} {one['what']}: ledger {one['ledger']}, CEL {one['cel']}"
            for house in self.told
            for one in house["differences"]
        ]
        said += [f"{one['uniqueid']} unknown: {one['why']}" for house in self.told for one in house["unknown_calls"]]
        said += [f"{v.kind} {v.turn + 1} {v.caller}: {text}" for v in self.result.verdicts for text in v.words]
        return said + [f"{p.place.kind} {p.turn + 1}: {p.failure}" for p in self.result.played if p.failure]


async def prove(scenarios: Sequence[Scenario], each: int, report: Report, **more: Any) -> Proof:
    """Play every scenario `each` times and reconcile each house. `more`: as `callcenter.calls.run.run` takes it.

    Raises LabError, StorageError, WitnessError."""
    told: list[dict[str, Any]] = []

    async def look(house: House) -> None:
        told.append(await reconciled(house.site))

    return Proof(await run(scenarios, each, report, look=look, **more), told)


async def reconciled(site: Site) -> dict[str, Any]:
    """Return what `callcenter reconcile --json` says of all of a site's calls. Raises LabError where it says nothing."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    first, last = today - timedelta(days=1), today + timedelta(days=1)  # a run may pass midnight
    words = (*RECONCILE, "--from", str(first), "--to", str(last), "--json")
    process = await asyncio.create_subprocess_exec(
        *words, env=site.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problem = await process.communicate()
    if process.returncode not in (0, 1) or not out:
        raise LabError(f"callcenter reconcile ended with code {process.returncode}: {problem.decode()}")
    return dict(json.loads(out))


def main() -> int:
    """The long form: five calls of every kind, that is at least `CALLS`."""
    scenarios = chosen(load(), (), proof=True)
    proof = asyncio.run(prove(scenarios, EACH, say))
    for words in proof.words():
        say(words)
    document = proof.document()
    sys.stdout.write(json.dumps(document) + "\n")
    return 0 if proof.is_right and document["kinds"] == KINDS and document["calls"] >= CALLS else 1
