"""Hears both witnesses over a period and compares them, call by call: the only module that knows both.

Theory of operation: CEL is read once, from a little before the period on; each conversation that is over is told
(`callcenter.witness.account`) with the roster of its time, and its calls are looked up in the ledger. A day of the
ledger is swept for calls that CEL did not tell when everything that began on it is over. So a period of any length
takes the memory of what goes on at one time, and two days of keys. A call belongs to the period in which it arrived, for
whichever witness says so. Tests and excluded calls are compared like any other.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from acd.names import CallId
from callcenter.reconcile.errors import ReconcileError
from callcenter.reconcile.judge import Both, judge
from callcenter.reconcile.ledger_side import LedgerSide, Row
from callcenter.reconcile.verdicts import Difference, Result
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, StorageError
from callcenter.storage.migrate import make_ready
from callcenter.witness.account import CelAccount, account_of
from callcenter.witness.calls import CelCall, DeviceUse
from callcenter.witness.cel import CelMark, CelRow, fields_of, mark_of, microseconds_of, row_of
from callcenter.witness.compare import MismatchName
from callcenter.witness.conversations import Conversation, Conversations, pbx_of
from callcenter.witness.dialled import CelDialled
from callcenter.witness.errors import WitnessError
from callcenter.witness.seek import AHEAD_MS
from callcenter.witness.store import CelStore, Piece, open_cel
from metrics.lengths import DAY_MS

BEFORE_MS = 600_000
"""CEL is read from so long before the period: channels that a call of the period met may be older."""
NEAR_MS = 60_000
"""A call that CEL has so near to the period is looked up: the ledger may say that it arrived in it."""
ROSTER_MS = 2 * DAY_MS
"""For so long the roster is read at once."""
BAD_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Period:
    """What is compared."""

    from_ms: int
    to_ms: int
    line: str | None = None
    """Code of the only line whose calls count; None: all. CEL knows no lines: calls of CEL alone count for each."""


async def compare_period(
    database: str, source: str, period: Period, specialists: Collection[str], progress: Callable[[float], None]
) -> Result:
    """Compare a ledger (SQLAlchemy URL) with CEL (path or URL). Raises ReconcileError."""
    async with _ledger(database) as ledger:
        return await Join(period, ledger, open_cel(source), specialists, progress).run()


async def knows_line(database: str, code: str) -> bool:
    """Tell whether any call of a ledger (SQLAlchemy URL) is of this line, in force or not. Raises ReconcileError."""
    async with _ledger(database) as ledger:
        return await ledger.knows_line(code)


@asynccontextmanager
async def _ledger(database: str) -> AsyncIterator[LedgerSide]:
    engine = open_engine(database)
    try:
        await make_ready(engine)
        yield LedgerSide(engine)
    except LedgerAway as error:
        raise ReconcileError(f"the ledger's database cannot be used: {error}", is_use=False) from error
    except StorageError as error:
        raise ReconcileError(str(error), is_use=True) from error
    except WitnessError as error:
        raise ReconcileError(f"{error} (CALLCENTER_CEL)", is_use=True) from error
    finally:
        await engine.dispose()


@dataclass(slots=True)
class _Roster:
    """Who was at which phone, of some days."""

    ledger: LedgerSide
    specialists: Collection[str]
    people: list[DeviceUse] = field(default_factory=list)
    from_ms: int = 0
    to_ms: int = -1

    async def at(self, from_ms: int, to_ms: int) -> list[DeviceUse]:
        if from_ms < self.from_ms or to_ms > self.to_ms:
            self.from_ms, self.to_ms = from_ms, max(to_ms, from_ms + ROSTER_MS)
            seats = await self.ledger.seats(self.from_ms, self.to_ms)
            self.people = [DeviceUse(one.device, one.agent, "seat", one.from_ms, one.until_ms) for one in seats]
            self.people += [DeviceUse(number, number, "specialist") for number in self.specialists]
        return self.people


class Join:
    """One comparison."""

    def __init__(
        self,
        period: Period,
        ledger: LedgerSide,
        cel: CelStore,
        specialists: Collection[str] = (),
        progress: Callable[[float], None] = lambda share: None,
    ) -> None:
        """specialists: numbers of specialists on phones of ours. progress: told how much of the period is read, 0 to 1."""
        self.result = Result()
        self._period = period
        self._ledger = ledger
        self._cel = cel
        self._roster = _Roster(ledger, specialists)
        self._progress = progress
        self._conversations = Conversations()
        self._seen: dict[CallId, int] = {}
        """Calls that were told, of the days that are not swept yet, and when they arrived."""
        self._loose: dict[CallId, tuple[int, str]] = {}
        """What is wrong with rows that make no call, and when that was; the ledger may know the call all the same."""
        self._swept_ms = period.from_ms
        self._oldest_ms: int | None = None
        self._pbxes: set[str] = set()
        self._bad = 0
        self._latest_us = (time.time_ns() // 1_000_000 + AHEAD_MS) * 1000
        self._later = 0
        self._within = 0
        """Rows of the period, of whatever kind."""

    async def run(self) -> Result:
        """Compare. Raises WitnessError, LedgerAway."""
        period = self._period
        self._oldest_ms = await self._cel.oldest_ms()
        async for heard in self._heard():
            await self._tell(self._conversations.take(heard))
            await self._sweep(self._conversations.oldest_ms() - NEAR_MS)
            clock_ms = self._conversations.clock_ms
            self._progress(min(max(clock_ms - period.from_ms, 0) / (period.to_ms - period.from_ms), 1.0))
            if self._conversations.oldest_ms() > period.to_ms + NEAR_MS:
                break
        await self._tell(self._conversations.rest())
        await self._sweep(period.to_ms)
        self._warn()
        return self.result

    async def _heard(self) -> AsyncIterator[list[CelRow | CelMark]]:
        async for piece in self._cel.pieces(self._period.from_ms - BEFORE_MS):
            yield self._parsed(piece)

    def _parsed(self, piece: Piece) -> list[CelRow | CelMark]:
        heard: list[CelRow | CelMark] = []
        for number, line in enumerate(piece.lines):
            try:
                fields = fields_of(line)
                if fields is None:
                    continue
                at_us = microseconds_of(fields["eventtime"])
                if at_us > self._latest_us:
                    self._later += 1
                    continue
                self._within += self._is_within(at_us // 1000)
                if (row := row_of(fields, at_us) or mark_of(fields, at_us)) is not None:
                    heard.append(row)
            except ValueError as error:
                at = f", byte {piece.offsets[number]}" if piece.offsets else ""
                self._is_bad(f"{piece.where}{at}: no row of CEL: {error}")
        if piece.torn:
            self._is_bad(f"{piece.where}: cut off in the middle of its last line, which is left out")
        return heard

    def _is_bad(self, what: str) -> None:
        self._bad += 1
        if self._bad <= BAD_SHOWN:
            self.result.warnings.append(what)

    def _warn(self) -> None:
        warnings = self.result.warnings
        if self._bad > BAD_SHOWN:
            warnings.append(f"and {self._bad - BAD_SHOWN} more lines that are no rows")
        if self._later:
            warnings.append(f"{self._later} rows of CEL are later than now: they are left out")
        if self._conversations.duplicates:
            warnings.append(f"{self._conversations.duplicates} rows of CEL are there twice: each counted once")
        if not self._within:
            warnings.append("CEL has no row of the period")
        elif self._oldest_ms is not None and self._oldest_ms > self._period.from_ms:
            warnings.append("CEL does not reach back to the beginning of the period")

    # --- CEL's calls

    async def _tell(self, conversations: Sequence[Conversation]) -> None:
        told: dict[CallId, Both] = {}
        for one in conversations:
            people = await self._roster.at(one.first_ms, one.last_ms)
            account = account_of(one, people)
            self._keep_loose(one, account)
            for both in _calls(account, one.first_ms >= self._period.from_ms):
                if both.call in self._seen or not self._is_near(both) or self._is_swept(both):
                    continue  # the last: a file that is there twice
                self._pbxes.add(both.call.pbx)
                told[both.call] = both
        rows = await self._ledger.with_talks(told)
        for call, both in told.items():
            self._judge(both, rows.get(call))
            self._seen[call] = both.arrived_ms

    def _keep_loose(self, conversation: Conversation, account: CelAccount) -> None:
        if account.loose is not None:
            uniqueid, what = account.loose
            self._loose[CallId(pbx_of(uniqueid), uniqueid)] = (conversation.first_ms, what)

    def _is_swept(self, both: Both) -> bool:
        """Everything that began so early is over and was told."""
        return self._period.from_ms <= both.arrived_ms < self._swept_ms - NEAR_MS

    def _is_within(self, at_ms: int) -> bool:
        return self._period.from_ms <= at_ms < self._period.to_ms

    def _is_near(self, both: Both) -> bool:
        at_ms = both.arrived_ms
        return self._period.from_ms - NEAR_MS <= at_ms < self._period.to_ms + NEAR_MS

    def _judge(self, both: Both, known: tuple[Row, list[Row]] | None) -> None:
        row, talks = known if known is not None else (None, [])
        arrived = [both.arrived_ms] if row is None else [int(row["arrived_ms"])]
        if both.cel is not None:
            arrived.append(both.cel.arrived_ms)
        if not any(self._is_within(at_ms) for at_ms in arrived):
            return
        if row is not None and self._period.line is not None and row["line_code"] != self._period.line:
            return
        self.result.add(*judge(both, row, talks))

    # --- the ledger's

    async def _sweep(self, until_ms: int) -> None:
        """Judge what the ledger has of each whole day before `until_ms` and CEL did not tell."""
        until_ms = min(until_ms, self._period.to_ms)
        while self._swept_ms < until_ms:
            end_ms = min(self._swept_ms + DAY_MS, self._period.to_ms)
            if end_ms > until_ms:
                return
            keys = await self._ledger.arrived(self._swept_ms, end_ms)
            missing = [key for key in keys if key not in self._seen]
            for call, (row, talks) in (await self._ledger.with_talks(missing)).items():
                faults = self._loose.pop(call, (0, ""))[1]
                both = Both(call, int(row["arrived_ms"]), faults=faults, why_not=self._why_not(call, row))
                self._judge(both, (row, talks))
            self._note_loose(end_ms)
            self._swept_ms = end_ms
            self._seen = {call: at_ms for call, at_ms in self._seen.items() if at_ms >= end_ms - NEAR_MS}

    def _note_loose(self, until_ms: int) -> None:
        """Rows that are wrong in what is no call of anybody (a feature code) are named too: rows get lost."""
        for call, (at_ms, what) in [*self._loose.items()]:
            if at_ms < until_ms:
                del self._loose[call]
                if self._is_within(at_ms):
                    self.result.note(Difference(call, at_ms, MismatchName.CEL_ROWS, "-", what))

    def _why_not(self, call: CallId, row: Row) -> str:
        """Why CEL cannot know of this call; empty: it should."""
        if self._oldest_ms is None or row["arrived_ms"] < self._oldest_ms - NEAR_MS:
            return "older than the oldest row of CEL"
        if self._pbxes and call.pbx not in self._pbxes:
            return f"CEL has no row of the PBX {call.pbx}"
        return ""


def _calls(account: CelAccount, is_whole: bool) -> list[Both]:
    """The calls of a conversation, each with what is wrong with its rows. `is_whole`: it was read from its beginning."""
    found: list[tuple[CallId, int, CelCall | None, CelDialled | None]] = [
        (call.call, call.arrived_ms, call, None) for call in account.calls
    ]
    for key, one in account.dialled.items():
        instants = (one.dialled_ms, one.answered_ms, one.ended_ms)
        at_ms = next((instant for instant in instants if instant is not None), None)
        if at_ms is not None:
            found.append((key, at_ms, None, one))
    faults = account.faults if is_whole else {}
    return [Both(call, at_ms, cel, dialled, faults.get(call, "")) for call, at_ms, cel, dialled in found]
