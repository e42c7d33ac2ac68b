"""What a supervisor says, in a timeline, and what he hears back."""

from acd import events as ev
from acd.names import Act, LineState
from acd.plan import Exit
from acd.records import Ignored, SupervisorActed
from agents.presence import Presence
from tests.scenarios.world import Timeline, call_id, line, ms, plan_of, seat

THREE = plan_of(
    [
        line("general", "general", "12345", max_wait_s=300.0),
        line("enterprise", "enterprise", "12346", wrapup_s=0.0),
        line("night", "night", "12347"),
    ],
    [seat("1001", general=1), seat("1002", general=1), seat("1003", enterprise=1)],
)


def order(t: Timeline, at: float, agent: str, act: Act, reason: str = "") -> list[object]:
    return list(t.tell(at, ev.AgentOrdered(agent, act, ms(at), reason, "local:li", "busy day")))


def say(t: Timeline, at: float, code: str, state: LineState, to: Exit | None = None) -> list[object]:
    return list(t.tell(at, ev.LineOrdered(code, state, ms(at), to, "local:li", "water in the house")))


def move(t: Timeline, at: float, name: str, line: str | None = None, agent: str | None = None) -> list[object]:
    return list(t.tell(at, ev.CallMoved(call_id(name), ms(at), line, agent, "1a2b3c4d", "asked for it")))


def refusal(said: list[object]) -> str:
    """Why nothing was done; an order that was carried out has none."""
    assert not any(isinstance(one, SupervisorActed) for one in said), said
    return next(one.reason for one in said if isinstance(one, Ignored))


def presence(t: Timeline, agent: str) -> Presence:
    return next(one.presence for one in t.engine.agents if one.number == agent)
