"""What the scenarios share: a small plan, short names for events, and a timeline that runs them through an engine.

Times in scenarios are seconds from T0; instants in records come out in the same seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from acd import events as ev
from acd.commands import Command
from acd.engine import Engine
from acd.names import CallId, EndedBy, OfferResult
from acd.plan import AgentSpec, Line, Plan, SpecialistSpec, Step
from acd.records import PresenceChanged, Record
from agents.presence import DeviceState
from agents.skills import parse_need

T0 = 1_000_000
"""The engine's clock at the start of every scenario, seconds."""

R = TypeVar("R")


def line(code: str, need: str, did: str = "", **more: Any) -> Line:
    steps = tuple(
        Step(after, need=parse_need(text) if text else None, line=to) for after, text, to in more.pop("steps", ())
    )
    return Line(code, code, code, (did,) if did else (), parse_need(need), steps=steps, **more)


def seat(number: str, **skills: int) -> AgentSpec:
    return AgentSpec(number, f"Agent {number}", skills, "")


def plan_of(lines: Iterable[Line], agents: Iterable[AgentSpec], **more: Any) -> Plan:
    by_code = {one.code: one for one in lines}
    by_number = {one.number: one for one in agents}
    return Plan(by_code, more.pop("default_line", next(iter(by_code))), by_number, **more)


PLAN = plan_of(
    [line("general", "general", "12345"), line("enterprise", "enterprise", "12346", wrapup_s=0.0)],
    [seat("1001", general=1), seat("1002", general=2, enterprise=1), seat("1003", enterprise=2)],
    specialists=(
        SpecialistSpec("701", "Tax A", ("01",)),
        SpecialistSpec("702", "Tax B", ("01", "02")),
    ),
    topics={"01": "tax", "02": "housing"},
)


def with_line(plan: Plan, code: str, **more: Any) -> Plan:
    """The plan with some fields of one line changed."""
    return replace(plan, lines={**plan.lines, code: replace(plan.lines[code], **more)})


def call_id(name: str) -> CallId:
    return CallId("pbx1", name)


@dataclass
class Timeline:
    """An engine, and everything it said."""

    plan: Plan = PLAN
    pbx_up: bool = True
    engine: Engine = field(init=False)
    said: list[tuple[float, Record | Command]] = field(default_factory=list)
    journal: list[tuple[ev.Event, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = Engine(self.plan, 3)
        if self.pbx_up:
            self.tell(0, ev.SnapshotDone("pbx1", ms(0)))
            self.said.clear()

    def tell(self, at: float, event: ev.Event) -> list[Record | Command]:
        """Run to `at`, then tell one event; return what came of the event itself."""
        self.run_to(at)
        step = self.engine.handle(event, T0 + at)
        self.journal.append((event, T0 + at))
        out = [*step.records, *step.commands]
        self.said += [(at, one) for one in out]
        return out

    def run_to(self, at: float) -> None:
        """Fire every deadline up to `at` at its own instant."""
        while (due := self.engine.next_deadline()) is not None and due <= T0 + at:
            step = self.engine.advance(due)
            self.said += [(round(due - T0, 3), one) for one in (*step.records, *step.commands)]

    def all(self, kind: type[R]) -> list[R]:
        """Everything of one kind that was said, in order."""
        return [one for _, one in self.said if isinstance(one, kind)]

    def when(self, kind: type[R], **fields: Any) -> list[float]:
        """The instants at which records or commands of a kind with these fields were said."""
        return [
            at
            for at, one in self.said
            if isinstance(one, kind) and all(getattr(one, name) == value for name, value in fields.items())
        ]

    def last(self, kind: type[R]) -> R:
        """The newest of a kind."""
        return self.all(kind)[-1]

    def presences(self, agent: str) -> list[tuple[float, str]]:
        """(instant, presence) of an agent, changes only."""
        out: list[tuple[float, str]] = []
        for at, one in self.said:
            if isinstance(one, PresenceChanged) and one.agent == agent:
                if not out or out[-1][1] != one.presence:
                    out.append((at, str(one.presence)))
        return out

    # -- short names: what happens ------------------------------------------------------------------------------

    def login(self, at: float, *agents: str) -> None:
        for agent in agents:
            self.tell(at, ev.AgentLoggedIn(agent, f"phone{agent}", ms(at)))

    def arrive(self, at: float, name: str, did: str = "12345", **more: Any) -> list[Record | Command]:
        return self.tell(at, ev.CallArrived(call_id(name), ms(at), did, **more))

    def hold(self, at: float, name: str) -> list[Record | Command]:
        return self.tell(at, ev.CallHolding(call_id(name), ms(at)))

    def gone(self, at: float, name: str, by: EndedBy = EndedBy.CALLER) -> list[Record | Command]:
        return self.tell(at, ev.CallerGone(call_id(name), ms(at), by))

    def offer_of(self, name: str) -> str:
        """The open offer of a call, else its newest."""
        call = self.engine.calls[call_id(name)]
        return call.offer.id if call.offer is not None else list(call.offers)[-1]

    def connecting(self, at: float, name: str, offer: str | None = None) -> list[Record | Command]:
        return self.tell(at, ev.OfferConnecting(call_id(name), offer or self.offer_of(name), ms(at)))

    def ringing(self, at: float, name: str) -> list[Record | Command]:
        self.connecting(at, name)
        return self.tell(at, ev.OfferRinging(call_id(name), self.offer_of(name), ms(at)))

    def answered(self, at: float, name: str, offer: str | None = None) -> list[Record | Command]:
        return self.tell(at, ev.OfferAnswered(call_id(name), offer or self.offer_of(name), ms(at)))

    def talk(self, at: float, name: str) -> list[Record | Command]:
        """The open offer rings and is answered at once."""
        self.ringing(at, name)
        return self.answered(at, name)

    def ended(self, at: float, name: str, result: OfferResult, offer: str | None = None) -> list[Record | Command]:
        return self.tell(at, ev.OfferEnded(call_id(name), offer or self.offer_of(name), ms(at), result))

    def talk_ended(self, at: float, name: str, offer: str | None = None) -> list[Record | Command]:
        talk = offer or next(iter(self.engine.calls[call_id(name)].talks))
        return self.tell(at, ev.TalkEnded(call_id(name), talk, ms(at)))

    def device(self, at: float, device: str, state: DeviceState) -> list[Record | Command]:
        return self.tell(at, ev.DeviceChanged(device, state, ms(at)))


def ms(at: float) -> int:
    """Milliseconds on the PBX's clock."""
    return round((T0 + at) * 1000)
