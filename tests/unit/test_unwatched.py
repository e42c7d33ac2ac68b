"""Calls that ended while nobody watched: closed once the ledger has come as far as the outbox was at the snapshot."""

from collections.abc import Sequence
from typing import Any

import pytest

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, Record
from callcenter import unwatched
from callcenter.storage.outbox import Position


class Ledger:
    """Open calls as the ledger tells them; counts how often it was asked."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.asked = 0

    async def open_calls(self, pbx: str) -> list[dict[str, Any]]:
        self.asked += 1
        return self.rows


class Projector:
    """Comes one step further at each look, and is never wholly through: records keep coming."""

    def __init__(self, ledger: Ledger, steps: int, away: int = 0) -> None:
        self.ledger = ledger
        self._steps = steps
        self._away = away

    @property
    def away(self) -> str | None:
        self._away -= 1
        return "gone" if self._away >= 0 else None

    @property
    def position(self) -> Position:
        self._steps -= 1
        return Position(1, 1000 - self._steps)

    def depth_bytes(self) -> int:
        return 99


class Sink:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.end = Position(1, 1000)

    def append(self, records: Sequence[Record]) -> None:
        self.records += records


def row(
    uniqueid: str, arrived_ms: int = 5, answered_ms: int | None = None, direction: str = "inbound"
) -> dict[str, Any]:
    return {"uniqueid": uniqueid, "arrived_ms": arrived_ms, "answered_ms": answered_ms, "direction": direction}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwatched, "LOOK_S", 0.0)


async def close(projector: Projector, living: Sequence[str] = ()) -> list[Record]:
    sink = Sink()
    await unwatched.close_unwatched("pbx1", living, 100, projector, sink.end, sink.append)  # type: ignore[arg-type]  # a stand-in
    return sink.records


async def test_service_is_never_quiet_calls_are_closed_all_the_same() -> None:
    ledger = Ledger(row("a"))
    assert await close(Projector(ledger, steps=4, away=2)) == [
        CallClosed(CallId("pbx1", "a"), 100, EndedBy.UNKNOWN, None, "")
    ]
    assert ledger.asked == 1


async def test_answered_call_stays_answered_living_and_new_ones_are_left() -> None:
    ledger = Ledger(
        row("a", answered_ms=9), row("b"), row("c", arrived_ms=100), row("d", answered_ms=9, direction="outbound")
    )
    records = await close(Projector(ledger, steps=0), living=["b"])
    assert [(one.call.uniqueid, one.outcome) for one in records if isinstance(one, CallClosed)] == [
        ("a", Outcome.AGENT_ANSWERED),
        ("d", None),
    ]
