"""One run: every chosen kind so many times, beside each other, and what came of it.

Theory of operation: kinds whose service lives are played in one house, all at once, the calls of one kind one after the other.
Kinds of the time in which the service is dead have a house of their own, played at the same time: its service is killed,
the callers go to Asterisk's own queue, and when all have been there the service is started again to tell what it finds.
At the end each service is stopped (it stores all it knows) and the witnesses are heard.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from callcenter.calls.evidence import FOR_EVER_MS, gather, keep_files
from callcenter.calls.house import House
from callcenter.calls.plan import Place
from callcenter.calls.play import Performance
from callcenter.calls.scenario import Scenario, Stage
from callcenter.calls.story import Evidence, Played
from callcenter.calls.verdict import Totals, Verdict, judge, totals
from callcenter.demo.fault import change_one_outcome, drop_one_waiting
from callcenter.lab.errors import LabError

AT_ONCE = 12
"""Kinds that are played at the same time in one house."""
STALE_S = 14.0
"""After how long without a heartbeat callers go to Asterisk's own queue, with a little more."""
SETTLE_S = 15.0
TOLD_S = 40.0


class Fault(StrEnum):
    """A fault made on purpose, to show that the run then fails."""

    DROP = "drop"
    """The first caller who waits is hung up inside the PBX: `lost` must be 1."""
    LEDGER = "ledger"
    """One stored outcome is changed before the comparison: `ledger_mismatches` must be 1."""


@dataclass(slots=True)
class Result:
    """What came of a run."""

    totals: Totals
    verdicts: list[Verdict]
    played: list[Played]
    mismatches: list[str] = field(default_factory=list)
    """In what the two witnesses differ."""


Report = Callable[[str], None]
WAYS_TO_CUT = 2
"""The service is killed in one turn and cut off from the PBX in the next: of either so many as of any other kind."""
Look = Callable[[House], Awaitable[None]]


async def run(
    scenarios: Sequence[Scenario],
    each: int,
    report: Report,
    *,
    keep: Path | None = None,
    fault: Fault | None = None,
    look: Look | None = None,
) -> Result:
    """Play every scenario `each` times and judge. `report` is told how it goes on; `keep`: folder for what the witnesses
    said; `look`: called with each house when everything is told and its service has ended. Raises LabError, StorageError, WitnessError."""
    groups = [[one for one in scenarios if one.stage is stage] for stage in Stage]
    runs = [_HouseRun(group, each, report, fault, look) for group in groups if group]
    tasks = [asyncio.create_task(one.play()) for one in runs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    played = [call for one in runs for call in one.played]
    verdicts = [verdict for one in runs for verdict in one.verdicts]
    if keep is not None:
        for one in runs:
            one.keep(keep / one.stage)
    mismatches = [words for one in runs for told in one.mismatches.values() for words in told]
    count = sum(len(one.mismatches) for one in runs)
    return Result(totals(verdicts, played, count), verdicts, played, mismatches)


class _HouseRun:
    """The kinds of one house."""

    def __init__(
        self, scenarios: Sequence[Scenario], each: int, report: Report, fault: Fault | None, look: Look | None
    ) -> None:
        self.played: list[Played] = []
        self.verdicts: list[Verdict] = []
        self.mismatches: Mapping[str, Sequence[str]] = {}
        self._evidence: Evidence | None = None
        self._house = House(scenarios, report=report)
        self.stage = scenarios[0].stage
        self._each = WAYS_TO_CUT * each if self.stage is Stage.CUT else each
        self._report = report
        self._fault = fault
        self._look = look
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def play(self) -> None:
        """Do it all and take the house down again."""
        house = self._house
        try:
            self._report(f"{len(house.places)} kinds {self.stage}: Asterisk, service and phones are being started")
            await house.open()
            self._report(f"{len(house.handsets)} phones are registered, everybody is ready")
            await {Stage.TOGETHER: self._together, Stage.AWAY: self._away, Stage.CUT: self._in_step}[self.stage]()
            await self._settle()
            await house.site.stop_service()
            evidence = await self._hear()
            if self._look is not None:
                await self._look(house)
        finally:
            await house.close()
        self.verdicts = judge(self.played, evidence)
        self.mismatches = evidence.mismatches
        self._evidence = evidence

    def keep(self, folder: Path) -> None:
        """Write what phones, ledger and CEL said into a folder (made if missing). Raises OSError."""
        if self._evidence is not None:
            keep_files(folder, self.played, self._evidence)

    async def _together(self) -> None:
        dropping = asyncio.create_task(self._drop()) if self._fault is Fault.DROP else None
        try:
            await asyncio.gather(*(self._kind(place) for place in self._house.places.values()))
        finally:
            if dropping is not None:
                dropping.cancel()
                await asyncio.gather(dropping, return_exceptions=True)

    async def _away(self) -> None:
        self._house.site.kill_service()
        self._report("the service is killed: callers go to Asterisk's own queue")
        await asyncio.sleep(STALE_S)
        await self._together()
        await self._house.site.start_service()
        self._report("the service is back")

    async def _in_step(self) -> None:
        """Every kind's first call at the same time, then every kind's second."""
        for turn in range(self._each):
            if turn:
                await self._house.next_turn()
                await asyncio.gather(*(self._house.ready(place) for place in self._house.places.values()))
            plays = [Performance(self._house, place, turn).run() for place in self._house.places.values()]
            self.played += (played := await asyncio.gather(*plays))
            for one in played:
                self._house.played(one.place)
            failures = [f"{one.place.kind} stopped at {one.failure}" for one in played if one.failure]
            self._report(
                "\n".join([f"turn {turn + 1}: {len(played) - len(failures)} kinds played as written", *failures])
            )
        await self._house.mend()

    async def _kind(self, place: Place) -> None:
        async with self._gate:
            failures = []
            for turn in range(self._each):
                try:
                    if turn and self.stage is Stage.TOGETHER:
                        await self._house.ready(place)
                    played = await Performance(self._house, place, turn).run()
                except LabError as error:
                    played = Played(place, turn, failure=f"everybody is ready: {error}")
                self.played.append(played)
                self._house.played(place)
                failures += [played.failure] if played.failure else []
        said = f"stopped at {failures[0]}" if failures else "as written"
        self._report(f"{place.kind}: {self._each - len(failures)} of {self._each} played {said}")

    async def _drop(self) -> None:
        number = await drop_one_waiting(self._house.site.pbx, lambda number: True)
        self._report(f"caller {number} was hung up inside the PBX")

    async def _settle(self) -> None:
        """Wait until the service has no call any more, and until it has told what it found."""
        site = self._house.site
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_S if self.stage is not Stage.TOGETHER else SETTLE_S):
                while True:
                    with contextlib.suppress(OSError):
                        status = await asyncio.to_thread(site.status)
                        if (
                            not status["engine"]["calls"]
                            and not status["engine"]["outbound"]
                            and await self._all_told()
                        ):
                            return
                    await asyncio.sleep(0.3)

    async def _all_told(self) -> bool:
        expected = sum(len(played.place.scenario.calls) for played in self.played)
        async with self._house.site.ledger() as ledger:
            rows = await ledger.calls(0, FOR_EVER_MS)
        has_outcome = [row["direction"] == "inbound" and not row["blocked"] for row in rows]
        told = (row["outcome" if has else "ended_ms"] is not None for row, has in zip(rows, has_outcome, strict=True))
        return sum(told) >= expected

    async def _hear(self) -> Evidence:
        site = self._house.site
        devices = [use for place in self._house.places.values() for use in place.devices()]
        callers = {call.number for one in self.played for call in one.callers.values() if call.started_at}
        async with site.ledger() as ledger:
            if self._fault is Fault.LEDGER:
                with contextlib.suppress(LabError):  # the other house has the call
                    await change_one_outcome(ledger)
            return await gather(ledger, site.pbx.cel_file, site.pbx.systemname, devices, callers)
