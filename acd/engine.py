"""The engine: one synchronous object that decides who speaks to whom.

Theory of operation: the shell tells it what happened (`handle`) and what time it is (`advance`); it answers with a
`Step`: commands for the switch and records of what was decided. It has no clock, no I/O, no randomness: the same
events at the same instants give the same steps, live, in the simulator, and replayed from a journal. Each call of
`handle` first fires the deadlines that were due by `now`, each as a step of its own, in order.

Each event and each deadline is carried out in two phases: a flow module (`callers`, `lines`, `offers`, `talks`,
`handover`, `seats`, `orders`, `outbound`, `recovery`, `replan`) brings the state up to date, then `matching.settle` gives free calls to
free agents. What the world tells can never raise here; what it tells out of place becomes an `Ignored` record.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from acd import (
    callers,
    consults,
    handover,
    lines,
    matching,
    offers,
    orders,
    outbound,
    rating,
    recording,
    recovery,
    replan,
    seats,
    talks,
)
from acd import events as ev
from acd.calls import Call, Offer
from acd.commands import Command
from acd.errors import ClockRanBackwards, UnknownEvent
from acd.floor import Due, Floor
from acd.line_orders import LineOrder, order_of
from acd.names import CallId, OfferId
from acd.plan import Plan
from acd.records import Record
from agents.presence import DeviceState, Presence
from agents.roster import Agent


class Step(NamedTuple):
    """What one event (and the deadlines due before it) led to, in order."""

    commands: tuple[Command, ...]
    records: tuple[Record, ...]


_HANDLERS: Mapping[type, Callable[[Floor, Any], None]] = {
    ev.CallArrived: callers.on_arrived,
    ev.MenuStarted: callers.on_menu,
    ev.CallQueued: callers.on_queued,
    ev.CallHolding: callers.on_holding,
    ev.CallerGone: callers.on_gone,
    ev.VoicemailLeft: lines.on_voicemail_left,
    ev.OfferConnecting: offers.on_connecting,
    ev.OfferRinging: offers.on_ringing,
    ev.OfferEnded: handover.on_offer_ended,
    ev.OfferAnswered: talks.on_answered,
    ev.TalkEnded: talks.on_ended,
    ev.HoldStarted: talks.on_hold_started,
    ev.HoldEnded: talks.on_hold_ended,
    ev.PartyJoined: talks.on_party_joined,
    ev.PartyLeft: talks.on_party_left,
    ev.HandOverAsked: handover.on_asked,
    ev.ConsultAsked: consults.on_asked,
    ev.ConsultFound: consults.on_found,
    ev.ConsultEnded: consults.on_ended,
    ev.AgentLoggedIn: seats.on_logged_in,
    ev.AgentLoggedOut: seats.on_logged_out,
    ev.AgentReady: seats.on_ready,
    ev.AgentNotReady: seats.on_not_ready,
    ev.WrapUpEnded: seats.on_wrapup_ended,
    ev.WrapUpExtended: seats.on_wrapup_extended,
    ev.DeviceChanged: seats.on_device_changed,
    ev.AgentOrdered: orders.on_agent_ordered,
    ev.LineOrdered: orders.on_line_ordered,
    ev.CallMoved: orders.on_call_moved,
    ev.OutboundStarted: outbound.on_started,
    ev.OutboundAnswered: outbound.on_answered,
    ev.OutboundEnded: outbound.on_ended,
    ev.AgentRestored: recovery.on_agent_restored,
    ev.CallFound: recovery.on_call_found,
    ev.SnapshotDone: recovery.on_snapshot_done,
    ev.LinkLost: recovery.on_link_lost,
    ev.PlanChanged: replan.on_plan_changed,
    ev.ClockStepped: recovery.on_clock_stepped,
    ev.RecordingStarted: recording.on_started,
    ev.RecordingHeld: recording.on_held,
    ev.RecordingEnded: recording.on_ended,
    ev.RatingAsked: rating.on_asked,
    ev.RatingGiven: rating.on_given,
}

HEARD_AGAIN_S = 1.0
"""The deadlines of an offer take silence for its end. A PBX that cannot be heard is silent about everything: they wait, looking
again so often, until its channels were told."""

_DUE: Mapping[Due, Callable[[Floor, Any], None]] = {
    Due.STEP: lines.step_due,
    Due.WISH: handover.wish_due,
    Due.SIGN: offers.sign_due,
    Due.RING: handover.ring_due,
    Due.RETURN: offers.return_due,
    Due.EXIT: lines.exit_due,
    Due.REST: seats.rest_due,
    Due.LEAVING: seats.leaving_due,
    Due.WRAPUP: seats.wrapup_due,
    Due.GATHER: recovery.gather_due,
    Due.OBEY: orders.obey_due,
}


class Engine:
    """Distributes calls to agents.

    `epoch` is the number of this leadership, larger than every one before it: the identities of offers begin with it.
    Nothing is offered on a PBX before its first `SnapshotDone`.
    """

    def __init__(self, plan: Plan, epoch: int) -> None:
        """Raise `BadPlan` or `UnknownStrategy` for a plan that cannot be routed by."""
        self._floor = Floor(plan, epoch)
        replan.seat_everybody(self._floor)

    def handle(self, event: ev.Event, now: float) -> Step:
        """Fire what was due by `now` (seconds), then carry out one event.

        Raises `ClockRanBackwards` when `now` is smaller than before, `UnknownEvent` for anything that is not an event.
        """
        handler = _HANDLERS.get(type(event))
        if handler is None:
            raise UnknownEvent(event)
        self._fire(now)
        floor = self._floor
        floor.at_ms = event.at_ms
        handler(floor, event)
        matching.settle(floor)
        return self._step()

    def advance(self, now: float) -> Step:
        """Fire what was due by `now` (seconds). Raises `ClockRanBackwards`."""
        self._fire(now)
        return self._step()

    def next_deadline(self) -> float | None:
        """Return the instant (seconds) at which `advance` has something to do; None: never, unless something happens."""
        return self._floor.deadlines.next()

    def _fire(self, now: float) -> None:
        floor = self._floor
        if now < floor.now:
            raise ClockRanBackwards(floor.now, now)
        floor.now = now
        while (due := floor.deadlines.pop_due(now)) is not None:
            at, (what, whose, agent) = due
            floor.at_ms = round(at * 1000)
            if what is Due.BAR:
                assert isinstance(whose, Call)
                offers.bar_due(floor, whose, agent)
            elif isinstance(whose, Offer) and whose.call.id.pbx not in floor.up:
                floor.deadlines.set((what, whose, agent), now + HEARD_AGAIN_S)
            else:
                _DUE[what](floor, whose)
            matching.settle(floor)

    def _step(self) -> Step:
        floor = self._floor
        step = Step(tuple(floor.commands), tuple(floor.records))
        floor.commands.clear()
        floor.records.clear()
        return step

    # -- views: nothing here changes anything -------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._floor.plan

    @property
    def calls(self) -> Mapping[CallId, Call]:
        """Inbound calls that live; look, do not touch."""
        return self._floor.calls

    @property
    def agents(self) -> Iterable[Agent]:
        """All agents of the plan; look, do not touch."""
        return tuple(self._floor.roster)

    def agent_at(self, device: str) -> Agent | None:
        """Return who is logged in at a phone."""
        return self._floor.roster.at_device.get(device)

    def agent(self, number: str) -> Agent | None:
        """Return an agent by his number; None when the plan has none (any more)."""
        return self._floor.roster.agents.get(number)

    def who(self, call: CallId, offer: OfferId) -> str | None:
        """Return the agent's or specialist's number of an offer of a living call."""
        found = self._floor.calls.get(call)
        return None if found is None or offer not in found.offers else found.offers[offer].who

    def waiting_by_line(self) -> dict[str, int]:
        """Return line code -> calls that wait in it, those included for whom a phone rings; every line is there."""
        return {code: self._floor.waiting.get(code, 0) for code in self._floor.plan.lines}

    def line_orders(self) -> dict[str, LineOrder]:
        """Return line code -> the supervisor's order in force; lines that are as the plan says are not there."""
        floor = self._floor
        return {code: order for code in floor.plan.lines if (order := order_of(floor, code)) is not None}

    def oldest_wait_by_line(self, now: float) -> dict[str, float]:
        """Return line code -> longest wait of a call that waits in it now, in seconds; 0.0 when none does."""
        oldest = self.waiting_since_by_line().items()
        return {code: 0.0 if at is None else max(now - at / 1000.0, 0.0) for code, at in oldest}

    def waiting_since_by_line(self) -> dict[str, int | None]:
        """Return line code -> instant (ms) from which its longest waiting call waits; None when none does."""
        return {code: self._floor.oldest_ms(code) for code in self._floor.plan.lines}

    def agents_by_presence(self) -> dict[str, int]:
        """Return presence -> number of agents; every presence is there."""
        counts = dict.fromkeys((str(presence) for presence in Presence), 0)
        for agent in self._floor.roster:
            counts[agent.presence] += 1
        return counts

    def unreachable_agents(self) -> int:
        """Return how many agents are logged in at a phone that cannot be reached."""
        floor = self._floor
        return sum(agent.device is not None and not floor.is_reachable(agent) for agent in floor.roster)

    def device_state(self, device: str) -> DeviceState:
        """Return what the PBX said of a phone last; UNKNOWN when it never did."""
        return self._floor.roster.device_states.get(device, DeviceState.UNKNOWN)

    def is_dialled(self, number: str) -> bool:
        """Tell whether a specialist is being dialled or talked to, as far as we know."""
        return bool(self._floor.dialled.get(number))

    def trunk_calls(self) -> dict[str, int]:
        """Return how many calls with the outside are up now, by direction; each takes one channel of a trunk. A
        second one, of a caller who is sent on to an outside number or talks to a specialist on one, is not counted."""
        return {"inbound": len(self._floor.calls), "outbound": len(self._floor.outbound)}

    def snapshot(self) -> dict[str, Any]:
        """Return a status: plain values, for boards and `callcenter status`."""
        floor = self._floor
        return {
            "epoch": floor.epoch,
            "plan": floor.plan.version,
            "pbx_up": sorted(floor.up),
            "calls": len(floor.calls),
            "outbound": len(floor.outbound),
            "waiting": self.waiting_by_line(),
            "oldest_wait_s": self.oldest_wait_by_line(floor.now),
            "agents": self.agents_by_presence(),
            "unreachable": self.unreachable_agents(),
            "deadlines": len(floor.deadlines),
        }

    def __repr__(self) -> str:
        agents = ", ".join(f"{count} {presence}" for presence, count in self.agents_by_presence().items() if count)
        waiting = sum(self._floor.waiting.values())
        return (
            f"<Engine epoch {self._floor.epoch}: {len(self.calls)} calls, {waiting} waiting; agents {agents or 'none'}>"
        )
