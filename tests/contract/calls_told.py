"""Calls told as records, the way the engine tells them: instants in seconds from arrival."""

from collections.abc import Iterable, Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import CallId, EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, Via
from acd.records import (
    CallBlocked,
    CallClosed,
    CallInMenu,
    CallOpened,
    CallWaiting,
    HandOverClosed,
    HandOverOpened,
    OfferClosed,
    OfferMade,
    PassedOver,
    Record,
    TalkClosed,
    TalkOpened,
)
from callcenter.storage.outbox import Position
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.tables import calls

NOON_MS = 1_600_000_000_000


class Told:
    """One call being told; every method adds records at seconds after its arrival."""

    def __init__(self, uniqueid: str, arrived_ms: int = NOON_MS, *, direction: str = "inbound", is_test: bool = False):
        self.call = CallId("pbx-1", uniqueid)
        self.arrived_ms = arrived_ms
        self.records: list[Record] = [
            CallOpened(
                self.call,
                arrived_ms,
                "general",
                "12345",
                "13800138000",
                "王小明",
                f"{uniqueid}@phones",
                is_test,
                "gz",
                direction,
            )
        ]
        self._offers = 0
        self._hand_overs = 0

    def ms(self, at_s: float) -> int:
        """Instant of so many seconds after the arrival."""
        return self.arrived_ms + int(at_s * 1000)

    def blocked(self, why: str = "harassment") -> "Told":
        self.records.append(CallBlocked(self.call, self.arrived_ms, "13800138000", why))
        return self

    def menu(self, at_s: float = 0.0) -> "Told":
        self.records.append(CallInMenu(self.call, self.ms(at_s)))
        return self

    def queued(self, at_s: float, seq: int = 1) -> "Told":
        self.records.append(CallWaiting(self.call, self.ms(at_s), "general", "general >= 1", seq))
        return self

    def offered(self, at_s: float, agent: str = "1001", kind: str = "seat") -> str:
        """An offer is made; returns its id."""
        self._offers += 1
        offer = f"1-{self.call.uniqueid}-{self._offers}"
        passed = (PassedOver("1002", "busy"), PassedOver("1003", "less_idle"))
        made = (self.call, offer, self._offers, self.ms(at_s), agent, kind, agent, "general", 0, "general >= 1")
        self.records.append(OfferMade(*made, "longest_idle", at_s, 2, passed))
        return offer

    def offer_ended(self, offer: str, at_s: float, result: OfferResult) -> "Told":
        self.records.append(OfferClosed(self.call, offer, self.ms(at_s), result))
        return self

    def talks(self, from_s: float, to_s: float, agent: str = "1001", kind: str = "seat", hold_s: float = 0) -> "Told":
        """An offer is accepted and the talk runs to its end."""
        offer = self.offered(from_s, agent, kind)
        self.offer_ended(offer, from_s, OfferResult.ACCEPTED)
        self.records.append(TalkOpened(self.call, offer, self.ms(from_s), agent, kind, agent, Via.ENGINE))
        self.records.append(TalkClosed(self.call, offer, self.ms(to_s), int(hold_s * 1000)))
        return self

    def handed_over(self, asked_s: float, closed_s: float, result: HandOverResult, to: str | None = None) -> "Told":
        self._hand_overs += 1
        self.records += [
            HandOverOpened(self.call, self._hand_overs, self.ms(asked_s), "1001", "03", HandOverMode.BLIND),
            HandOverClosed(self.call, self._hand_overs, self.ms(closed_s), result, to),
        ]
        return self

    def ends(self, at_s: float, outcome: Outcome | None, reason: str = "", by: EndedBy = EndedBy.CALLER) -> "Told":
        self.records.append(CallClosed(self.call, self.ms(at_s), by, outcome, reason))
        return self


def worked_example(arrived_ms: int = NOON_MS) -> list[Told]:
    """The calls A to F of the definitions' worked example, with F's outbound call."""
    a = Told("A", arrived_ms).menu().queued(8).talks(12, 312, hold_s=30).ends(312, Outcome.AGENT_ANSWERED)
    b = Told("B", arrived_ms).menu().queued(8).ends(48, Outcome.ABANDONED_QUEUE)
    c = Told("C", arrived_ms).menu().ends(3, Outcome.ABANDONED_IVR)
    d = Told("D", arrived_ms).menu().queued(8).talks(28, 148).queued(148, seq=2)
    d.talks(168, 368, "1002").ends(368, Outcome.AGENT_ANSWERED)
    e = Told("E", arrived_ms).menu().queued(8).talks(10, 610).talks(210, 610, "8801", "specialist")
    e.ends(610, Outcome.AGENT_ANSWERED)
    f = Told("F", arrived_ms).menu().queued(8).ends(60, Outcome.CALLBACK_REQUESTED)
    back = Told("F-back", arrived_ms + 3_600_000, direction="outbound").talks(9, 189).ends(189, None, by=EndedBy.AGENT)
    return [a, b, c, d, e, f, back]


def handed_to_specialist(arrived_ms: int = NOON_MS) -> Told:
    """Call G: a seat talks 60, hands over blind, the caller waits 15, the specialist talks 120."""
    g = Told("G", arrived_ms).queued(0).talks(5, 65)
    g.handed_over(64, 80, HandOverResult.REACHED, "8801").talks(80, 200, "8801", "specialist")
    return g.ends(200, Outcome.AGENT_ANSWERED)


async def make_some_imported(engine: AsyncEngine) -> None:
    """Let every unanswered call of the ledger be one of a former system."""
    async with engine.begin() as connection:
        await connection.execute(update(calls).where(calls.c.answered_ms.is_(None)).values(imported=True))


def entries(records: Iterable[Record], first: int = 0) -> list[Entry]:
    """Return records as entries of an outbox, one position each."""
    return [Entry(Position(1, n), Position(1, n + 1), record) for n, record in enumerate(records, start=first)]


def all_records(told: Sequence[Told]) -> list[Record]:
    """Return the records of several calls in order of their instants, as the engine would write them."""
    return sorted((record for call in told for record in call.records), key=lambda record: record.at_ms)
