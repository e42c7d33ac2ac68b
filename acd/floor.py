"""What all parts of the engine share: the state, the two outputs of a step, and the few changes everybody makes.

Theory of operation: an event is carried out in two phases. First the flow modules (`lines`, `offers`, `talks`,
`seats`, ...) bring the state up to date and put every call that can be offered now, and every agent who can take
one now, on the floor's two `fresh` lists. Then `matching.settle`, the only place where anybody is given to anybody,
empties both lists. Between two steps no ready agent can take any call that waits.

Instants in records are those of the event that caused them (of the deadline, if one did), but never go back within
one call or one agent: order between channels is not promised by the PBX.
"""

from enum import Enum
from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

from acd.blocked import Blocklist
from acd.calls import PLACES, Call, Offer, Place
from acd.commands import CallCommand, Command, MirrorAgent
from acd.deadlines import Deadlines
from acd.line_orders import LineOrder
from acd.names import WRAPUP_OVERLONG, CallId, OfferId
from acd.plan import Plan
from acd.records import Ignored, Noted, PresenceChanged, Record
from acd.seat import Seat
from acd.stages import Stages
from agents.presence import ON_A_CALL, PAUSED, DeviceState, Presence
from agents.roster import Agent, Roster

if TYPE_CHECKING:
    from acd.consults import Consult

WRAPUP_SLACK_MS = 1_000
"""A wrap-up's end is carried out so late at most when all is well."""


class Due(Enum):
    """What a deadline is for; with the call, offer or seat it makes the deadline's key."""

    STEP = "step"
    WISH = "wish"
    SIGN = "sign"
    RING = "ring"
    RETURN = "return"
    EXIT = "exit"
    BAR = "bar"
    REST = "rest"
    LEAVING = "leaving"
    WRAPUP = "wrapup"
    GATHER = "gather"
    OBEY = "obey"


DueKey: TypeAlias = tuple[Due, Call | Offer | Seat | LineOrder, str]
"""(what for, whose, agent number for a bar)."""


class Floor:
    """Everything the engine knows, and the step it is making."""

    def __init__(self, plan: Plan, epoch: int) -> None:
        self.plan = plan
        self.epoch = epoch
        self.stages = Stages(plan)
        self.needs = self.stages.needs()
        self.blocklist = Blocklist(plan)
        self.now = 0.0
        self.at_ms = 0
        self.records: list[Record] = []
        self.commands: list[Command] = []
        self.calls: dict[CallId, Call] = {}
        self.outbound: dict[CallId, Offer] = {}
        """Calls that agents dialled, each with its talk to be."""
        self.consults: dict[CallId, Consult] = {}
        """Consult calls of seats, by the phone's own channel."""
        self.roster = Roster()
        self.seats: dict[str, Seat] = {}
        self.deadlines: Deadlines[DueKey] = Deadlines()
        self.up: set[str] = set()
        """PBXes whose calls we know whole: from `SnapshotDone` to `LinkLost`."""
        self.gathering: dict[Call, None] = {}
        """Callers woken out of the PBX's own queue after a snapshot, who are on their way back to hold together. Until the
        last is there nobody is offered, or the quickest would get the agent whom the oldest should."""
        self.held_back: dict[Call, None] = {}
        """Resting calls that will be presented when all are gathered."""
        self.fresh_calls: dict[Call, None] = {}
        self.fresh_seats: dict[Seat, None] = {}
        self.resting: dict[Seat, None] = {}
        """Ready agents who rest after an offer that failed."""
        self.dialled: dict[str, int] = {}
        """Specialists' numbers that are being dialled or talked to."""
        self.orders: dict[str, LineOrder] = {}
        """Line code -> what a supervisor said of it; look with `line_orders.order_of`."""
        self.waiting: dict[str, int] = {}
        """Line code -> calls that wait in it."""
        self._oldest: dict[str, list[tuple[int, int, Call]]] = {}
        self._numbers = 0
        self._offers = 0

    # -- outputs -----------------------------------------------------------------------------------------------

    def at(self, call: Call) -> int:
        """Return the instant for a record of `call`."""
        call.last_ms = max(call.last_ms, self.at_ms)
        return call.last_ms

    def ignore(self, event: object, reason: str, call: CallId | None = None) -> None:
        """Put on record that an event changed nothing."""
        self.records.append(Ignored(self.at_ms, type(event).__name__, reason, call))

    def note(self, what: str, detail: str, call: CallId | None = None) -> None:
        """Put on record what an operator should know."""
        self.records.append(Noted(self.at_ms, what, detail, call))

    def send(self, command: CallCommand) -> None:
        """Give a command for a call, if its PBX can be reached. Each has a deadline that finds it without effect, or is
        given again at `SnapshotDone`."""
        if command.call.pbx in self.up:
            self.commands.append(command)

    def next_number(self) -> int:
        """Return 1, 2, ...: order of calls, stamps and turns."""
        self._numbers += 1
        return self._numbers

    def next_offer(self) -> OfferId:
        """Return a new identity of a wish, unique over restarts."""
        self._offers += 1
        return f"{self.epoch}-{self._offers}"

    # -- calls -------------------------------------------------------------------------------------------------

    def place(self, call: Call, place: Place) -> None:
        """Say where the caller is now."""
        assert place is call.place or place in PLACES[call.place], (call.id, call.place, place)
        call.place = place
        if place is not Place.WAITING:
            self.withdraw(call)
        if call in self.gathering and place is not Place.FALLBACK:
            self.gathered(call)

    def gathered(self, call: Call) -> None:
        """Wait for this caller no more; after the last one all who rest may be offered."""
        self.gathering.pop(call, None)
        self.deadlines.cancel((Due.GATHER, call, ""))
        if not self.gathering:
            held_back, self.held_back = self.held_back, {}
            for one in held_back:
                self.present(one)

    def present(self, call: Call) -> None:
        """Let a resting call be offered from now on, if its PBX can be reached."""
        if self.gathering:
            self.held_back[call] = None
        elif call.stamp == 0 and call.id.pbx in self.up:
            call.slot.add_call(call, self.next_number())
            self.fresh_calls[call] = None

    def withdraw(self, call: Call) -> None:
        """Let a call not be offered for now."""
        if call.stamp:
            call.slot.drop_call(call)
        self.fresh_calls.pop(call, None)
        self.held_back.pop(call, None)

    def count(self, call: Call, line: str | None) -> None:
        """Count a call among those that wait in `line`; None: it does not wait."""
        if call.counted == line:
            return
        if call.counted is not None:
            self.waiting[call.counted] -= 1
        call.counted = line
        if line is not None:
            self.waiting[line] = self.waiting.get(line, 0) + 1
            heappush(self._oldest.setdefault(line, []), (call.wait_from_ms, call.number, call))

    def oldest_ms(self, line: str) -> int | None:
        """Return the instant from which the longest waiting call of `line` waits; None when none does."""
        heap = self._oldest.get(line, [])
        while heap and (heap[0][2].counted != line or heap[0][0] != heap[0][2].wait_from_ms):
            heappop(heap)
        return heap[0][0] if heap else None

    # -- agents ------------------------------------------------------------------------------------------------

    def can_take(self, seat: Seat) -> bool:
        """Tell whether an agent can be offered a call now: ready, at rest from nothing, his phone free."""
        agent = seat.agent
        return (
            agent.presence is Presence.READY
            and seat.offer is None
            and not agent.wants
            and agent.rest_until <= self.now
            and self.roster.device_state(agent) not in (DeviceState.BUSY, DeviceState.UNREACHABLE)
        )

    def refresh(self, seat: Seat) -> None:
        """Bring an agent's place among those who can take a call up to date."""
        if self.can_take(seat):
            if seat.stamp == 0:
                self.fresh_seats[seat] = None
            return
        self.delist(seat)

    def delist(self, seat: Seat) -> None:
        """Take an agent out of the index: before anything changes that a strategy may look at."""
        self.fresh_seats.pop(seat, None)
        if seat.stamp:
            seat.stamp = 0
            for slot in seat.slots:
                slot.ready -= 1

    def enlist(self, seat: Seat) -> None:
        """Put an agent who can take a call into the index."""
        seat.stamp = self.next_number()
        for slot in seat.slots:
            slot.add_seat(seat)

    def move(self, seat: Seat, presence: Presence, reason: str = "", until_ms: int | None = None) -> None:
        """Change an agent's presence, put it on record, and show it to the fallback queues. Said once more of a state that he is
        in already, it changes nothing: he is in it since he came into it."""
        agent = seat.agent
        if (presence, reason) != (agent.presence, agent.reason):
            self._flag_overlong(agent)
            agent.move(presence, self.at_ms)
        agent.reason = reason
        agent.until_ms = until_ms
        self.tell(seat)
        self.refresh(seat)

    def _flag_overlong(self, agent: Agent) -> None:
        """Put on record that a wrap-up which ends now lasted longer than any may: nobody was there to end it. It is kept whole."""
        if agent.presence is not Presence.ACW:
            return
        granted_ms = 0 if agent.until_ms is None else agent.until_ms - agent.wrapup_from_ms
        longest_ms = max(round(agent.wrapup_max_s * 1000), granted_ms)
        over_ms = self.at_ms - agent.wrapup_from_ms - longest_ms
        if over_ms > WRAPUP_SLACK_MS:
            self.note(WRAPUP_OVERLONG, f"{agent.number} {over_ms} ms beyond {longest_ms} ms")

    def tell(self, seat: Seat) -> None:
        """Put an agent's state on record if it is not yet."""
        agent = seat.agent
        reachable = self.is_reachable(agent)
        told = (
            agent.presence,
            agent.reason,
            agent.device,
            agent.ready_ms,
            agent.until_ms,
            agent.misses,
            reachable,
            agent.wants,
        )
        if told == seat.told:
            return
        seat.told = told
        agent.told_ms = max(agent.told_ms, self.at_ms)
        self.records.append(
            PresenceChanged(
                agent=agent.number,
                at_ms=agent.told_ms,
                presence=agent.presence,
                reason=agent.reason,
                device=agent.device,
                ready_ms=agent.ready_ms,
                until_ms=agent.until_ms,
                misses=agent.misses,
                reachable=reachable,
                wants=agent.wants,
            )
        )
        self.mirror(seat)

    def is_reachable(self, agent: Agent) -> bool:
        """Tell whether an agent is logged in at a phone that the PBX does not call unreachable."""
        return agent.device is not None and self.roster.device_state(agent) is not DeviceState.UNREACHABLE

    def mirror(self, seat: Seat) -> None:
        """Let the PBX's fallback queues show an agent as he is, if they do not yet and can be reached."""
        agent = seat.agent
        if not self.up:
            return
        old = seat.mirrored
        if old is not None and old[0] != agent.device:
            self.commands.append(MirrorAgent(agent.number, old[0], (), False, ""))
            seat.mirrored = old = None
        if agent.device is None or agent.presence is Presence.LOGGED_OUT:
            return
        paused = agent.presence in PAUSED
        reason = (agent.reason or str(agent.presence)) if paused else ""
        shown = (agent.device, seat.lines, paused, reason)
        if shown != old:
            seat.mirrored = shown
            self.commands.append(MirrorAgent(agent.number, *shown))

    def is_on_a_call(self, seat: Seat) -> bool:
        """Tell whether an agent's wishes must wait: on a call or in wrap-up."""
        return seat.agent.presence in ON_A_CALL or seat.agent.presence is Presence.ACW
