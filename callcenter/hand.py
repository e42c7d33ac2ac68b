"""The supervisor's hand in the running service: names into orders of the engine, and what came of them in a sentence.

Theory: an agent is named by number or by his unique name, a line by code or unique name, a call by its Uniqueid. The engine
judges (`acd.orders`) and says why not; here only names are resolved. What was ordered of a line is kept in the live state
once it is in force, and told to the engine again at the next start. Agents survive by their presence, callers by their
channels.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Protocol

from acd import events as e
from acd.calls import Call, Place
from acd.engine import Engine
from acd.journal import BadJournalLine, read_line, write_line
from acd.line_orders import text_of
from acd.names import Act, LineState
from acd.orders import REASON
from acd.plan import Exit, Plan

log = logging.getLogger(__name__)

KEPT = "line:"
"""Prefix of the small values that hold lines' orders, before the line's code."""
MAX_NUMBER = 32
MAX_LISTED = 500
VOICEMAIL = "voicemail:"
UNKNOWN, CONFLICT, AWAY = 404, 409, 503

AGENT_ACTS: Mapping[str, Act] = {
    "ready": Act.AGENT_READY,
    "not-ready": Act.AGENT_NOT_READY,
    "logout": Act.AGENT_LOGOUT,
}
LINE_STATES: Mapping[str, LineState] = {
    "drain": LineState.DRAINED,
    "open": LineState.OPEN,
    "emergency": LineState.EMERGENCY,
}
_PLACES: Mapping[Place, str] = {
    Place.MENU: "greeting",
    Place.WAITING: "waiting",
    Place.OFFER: "ringing",
    Place.RETURNING: "returning",
    Place.TALK: "talking",
    Place.EXIT: "leaving",
    Place.FALLBACK: "fallback",
}


class Refused(Exception):
    """An order that was not carried out: an HTTP status, and a sentence for the supervisor."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class By:
    """Who orders, and why."""

    who: str
    why: str = ""


class Values(Protocol):
    """What of the live state this needs: small values by name."""

    def put(self, name: str, value: str) -> None:
        """Keep a value."""

    def drop(self, name: str) -> None:
        """Forget a value."""

    def values(self, prefix: str) -> dict[str, str]:
        """Return all values whose name begins with `prefix`."""
        ...


class Hand:
    """Carries supervisors' orders to the engine."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        engine: Callable[[], Engine | None],
        order: Callable[[e.Event], str | None],
        now: Callable[[], float],
        kept: Values,
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._order = order
        """Lets the engine carry out an order; returns why it did not."""
        self._now = now
        self._kept = kept

    def restored(self) -> Iterator[e.LineOrdered]:
        """Return what supervisors had said of lines before this start."""
        for name, value in self._kept.values(KEPT).items():
            try:
                event, _ = read_line(value)
            except BadJournalLine as error:
                log.error("the order for line %s is lost: %s", name.removeprefix(KEPT), error)
                continue
            if isinstance(event, e.LineOrdered):
                yield replace(event, is_restored=True)

    def agent(self, name: str, order: str, reason: str, by: By) -> str:
        """`ready`, `not-ready` (for `reason`, one of the plan's words) or `logout`. Raises Refused."""
        number = self._agent_named(name)
        act = AGENT_ACTS[order]
        if reason and act is not Act.AGENT_NOT_READY:
            raise Refused(CONFLICT, f"a reason belongs to not-ready, not to {order}")
        words = {*self._plan().not_ready_reasons.values(), REASON}
        if reason and reason not in words:
            raise Refused(UNKNOWN, f"the plan has no reason {_shown(reason)}: it has {', '.join(sorted(words))}")
        self._do(f"agent {number}", e.AgentOrdered(number, act, self._now_ms(), reason, by.who, by.why))
        return self._said_of_agent(number)

    def line(self, name: str, order: str, to: str, by: By) -> str:
        """`drain`, `open` or `emergency` (`to`: a line, an outside number, `voicemail:<box>`). Raises Refused."""
        code = self._line_named(name)
        state = LINE_STATES[order]
        if bool(to) != (state is LineState.EMERGENCY):
            raise Refused(CONFLICT, "an emergency needs a place to go to: --to" if not to else f"{order} goes nowhere")
        event = e.LineOrdered(code, state, self._now_ms(), self._goal(to) if to else None, by.who, by.why)
        self._do(f"line {code}", event)
        if state is LineState.OPEN:
            self._kept.drop(KEPT + code)
            return f"line {code}: open, as the plan says"
        self._kept.put(KEPT + code, write_line(event, 0.0))
        return f"line {code}: {state.value}" + (f" to {text_of(event.to)}" if event.to is not None else "")

    def move(self, call: str, to: str, by: By) -> str:
        """Bring a caller to a line, else to an agent. Raises Refused."""
        found = self._call_named(call)
        codes = self._lines_called(to)
        code = _only(codes, "line", to) if codes else None
        number = None if code is not None else self._agent_named(to, "line or agent")
        self._do(str(found.id), e.CallMoved(found.id, self._now_ms(), code, number, by.who, by.why))
        return f"call {found.id}: to {'line ' + code if code is not None else f'agent {number}'}"

    def calls(self) -> dict[str, object]:
        """Return inbound calls that live, at most `MAX_LISTED` (more would hold the loop up), and how many there are: those
        nobody talks with first, who waits longest first of all."""
        now, calls = self._now(), self._leading().calls.values()
        first = nsmallest(MAX_LISTED, calls, key=lambda call: (bool(call.talks), call.wait_from_ms))
        return {"calls": [_row(call, now) for call in first], "living": len(calls)}

    def lines(self) -> dict[str, str]:
        """Return line code -> what holds for it by a supervisor's order; other lines are not there."""
        engine = self._engine()
        orders = {} if engine is None else engine.line_orders()
        return {
            code: order.state.value + (f" to {text_of(order.to)}" if order.to is not None else "")
            for code, order in orders.items()
        }

    # --- inside

    def _do(self, subject: str, order: e.Event) -> None:
        self._leading()
        refused = self._order(order)
        if refused is not None:
            log.info("%s: not done: %s: %s", subject, order, refused)
            raise Refused(CONFLICT, f"{subject}: {refused}")
        log.info("%s: %s", subject, order)

    def _leading(self) -> Engine:
        engine = self._engine()
        if engine is None:
            raise Refused(AWAY, "this instance distributes no calls now: 'callcenter status' says what is missing")
        return engine

    def _said_of_agent(self, number: str) -> str:
        agent = next(one for one in self._leading().agents if one.number == number)
        later = f"; {agent.wants} after his call and wrap-up" if agent.wants else ""
        reason = f" ({agent.reason})" if agent.reason else ""
        return f"agent {number} ({agent.name}): {agent.presence.value}{reason}{later}"

    def _agent_named(self, name: str, what: str = "agent") -> str:
        agents = self._plan().agents
        if name in agents:
            return name
        return _only([number for number, spec in agents.items() if spec.name == name], what, name)

    def _line_named(self, name: str) -> str:
        return _only(self._lines_called(name), "line", name)

    def _lines_called(self, name: str) -> list[str]:
        lines = self._plan().lines
        return [name] if name in lines else [code for code, one in lines.items() if name in (one.name, one.name_en)]

    def _call_named(self, name: str) -> Call:
        found = [call for id_, call in self._leading().calls.items() if name in (id_.uniqueid, str(id_))]
        if not found:
            raise Refused(UNKNOWN, f"no call {_shown(name)} lives: 'callcenter call list' shows all")
        if len(found) > 1:
            raise Refused(CONFLICT, f"{_shown(name)} lives on several PBXes: write {found[0].id}")
        return found[0]

    def _goal(self, to: str) -> Exit:
        if codes := self._lines_called(to):
            return Exit(line=_only(codes, "line", to))
        box = to.removeprefix(VOICEMAIL)
        if not (box.isascii() and box.isdigit() and len(box) <= MAX_NUMBER):
            raise Refused(
                UNKNOWN, f"{_shown(to)} is no line of the plan, no outside number (digits) and no {VOICEMAIL}BOX"
            )
        if box != to:
            return Exit(voicemail=box)
        if any(to.startswith(beginning) for beginning in self._plan().outbound_deny):
            raise Refused(CONFLICT, f"the plan lets nobody dial {to}: outbound_deny")
        return Exit(number=to)

    def _now_ms(self) -> int:
        return int(self._now() * 1000)


def _only(found: list[str], what: str, name: str) -> str:
    if not found:
        raise Refused(UNKNOWN, f"the plan has no {what} {_shown(name)}")
    if len(found) > 1:
        raise Refused(CONFLICT, f"{_shown(name)} is not unique: {', '.join(found)}")
    return found[0]


def _shown(text: str) -> str:
    """Return what somebody wrote, short and without anything that is not to be seen."""
    return repr(clean(text, 40))


def clean(text: str, most: int) -> str:
    """Return text as one line of at most `most` characters, without control characters."""
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())[:most]


def _row(call: Call, now: float) -> dict[str, object]:
    until_ms = call.talk_from_ms if call.talks else now * 1000
    who: Iterable[str] = [talk.who for talk in call.talks.values()] or ([call.offer.who] if call.offer else [])
    return {
        "id": call.id.uniqueid,
        "pbx": call.id.pbx,
        "line": call.line.code,
        "caller": clean(call.caller_number, MAX_NUMBER),
        "place": _PLACES.get(call.place, call.place.value),
        "waited_s": round(max(until_ms - call.wait_from_ms, 0) / 1000, 1),
        "agents": list(who),
    }
