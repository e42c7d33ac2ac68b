"""What the driver tells about wishes: how long each took from its writing to its effect."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from acd import commands as c
from acd import events as e
from acd.names import CallId
from acd.records import PresenceChanged, Record
from callcenter.clock import PbxClock
from callcenter.driver import Driver
from tests.scenarios.world import PLAN

CALL = CallId("pbx1", "1.1")


@dataclass
class Notes:
    """A sink, a store and hands that write down what they get."""

    records: list[Record] = field(default_factory=list)
    commands: list[c.Command] = field(default_factory=list)

    def append(self, records: Sequence[Record]) -> None:
        self.records += records

    def put_agent(self, record: PresenceChanged) -> None:
        self.records.append(record)

    def execute(self, command: c.Command) -> None:
        self.commands.append(command)

    def mark_answered(self, call: CallId, at_ms: int) -> None:
        pass


def driver_with_an_offer(taken: list[float]) -> tuple[Driver, str]:
    """A driver whose engine has just wished a caller to a ready agent; returns it and the offer."""
    notes = Notes()
    clock = PbxClock(lambda: 1_000.0, lambda: 1_000.0)
    driver = Driver(PLAN, clock, notes, notes, restored=lambda: [], wish_taken=taken.append)
    driver.attach(notes)
    driver.claimed("pbx1", 3)
    driver.tell(e.SnapshotDone("pbx1", 1_000_000))
    driver.tell(e.AgentLoggedIn("1001", "phone1001", 1_000_000))
    driver.tell(e.CallArrived(CALL, 1_000_000, "12345"))
    (offer,) = [command.offer for command in notes.commands if isinstance(command, c.OfferCall)]
    return driver, offer


async def test_wish_is_taken_its_time_is_told_once() -> None:
    taken: list[float] = []
    driver, offer = driver_with_an_offer(taken)
    driver.tell(e.OfferConnecting(CALL, offer, 1_000_000))
    driver.tell(e.OfferConnecting(CALL, offer, 1_000_000))
    driver.close()
    assert len(taken) == 1
    assert 0 < taken[0] < 1


async def test_an_older_wish_is_confirmed_nothing_is_told() -> None:
    taken: list[float] = []
    driver, _ = driver_with_an_offer(taken)
    driver.tell(e.OfferConnecting(CALL, "3-99", 1_000_000))
    driver.close()
    assert taken == []
