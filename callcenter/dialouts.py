"""What a phone hears that wants to dial out: may it, for which line, with which own number; and who called its agent last.

Theory: the phone's channel waits up to two seconds for one word (`CC_REPLY`), as after a feature code. `acd.dialout` judges; a
yes writes line, own number, number and the call that is called back on the phone's channel before the wake, so that they
survive us there. A no is a prompt for the agent and a note on record, and no call. The last caller of an agent is learned from the
records themselves (`observe`) and written through to the live state; it is forgotten when his shift ends.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from acd.dialout import LastCaller, Permit, Refusal, clean, judge, judge_call_back
from acd.names import CallId
from acd.plan import Plan
from acd.records import CallClosed, CallOpened, Noted, PresenceChanged, Record, TalkClosed, TalkOpened
from agents.presence import Presence
from agents.roster import Agent
from callcenter.asterisk.told import DialAsked

log = logging.getLogger(__name__)

OK = "ok"
NOBODY = "login"
OUTBOUND = "outbound"
"""Words of CC_REPLY: nobody is logged in here; this number may not be dialled."""
REFUSED = "outbound_refused"
"""Name of the note on record."""
LAST = "last_caller:"
"""Prefix of the small values that hold last callers, before the agent's number."""


class Values(Protocol):
    """What of the live state this needs: small values by name."""

    def put(self, name: str, value: str) -> None:
        """Keep a value."""

    def drop(self, name: str) -> None:
        """Forget a value."""

    def values(self, prefix: str) -> dict[str, str]:
        """Return all values whose name begins with `prefix`."""
        ...


class DialOuts:
    """Answers phones that ask to dial out."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        agent_at: Callable[[str], Agent | None],
        reply: Callable[[str, str, Mapping[str, str]], None],
        record: Callable[[Sequence[Record]], None],
        kept: Values,
    ) -> None:
        self._plan = plan
        self._agent_at = agent_at
        self._reply = reply
        """(channel's Uniqueid, word, variables to write before it)."""
        self._record = record
        self._kept = kept
        self._callers: dict[CallId, str] = {}
        """Number of each inbound call that lives."""
        self._talks: dict[tuple[CallId, str], str] = {}
        """Call and offer of a seat's talk that goes on -> agent."""
        self._last: dict[str, LastCaller] = {}
        for name, value in kept.values(LAST).items():
            if (last := _read(value)) is not None:
                self._last[name.removeprefix(LAST)] = last

    def asked(self, asked: DialAsked) -> None:
        """Answer one phone."""
        agent = self._agent_at(asked.device)
        number = agent.number if agent is not None else None
        last = self._last.get(number or "")
        if asked.is_call_back:
            answer = judge_call_back(self._plan(), number, asked.pbx, last)
        else:
            in_wrapup = agent is not None and agent.presence is Presence.ACW
            answer = judge(self._plan(), number, asked.number, asked.pbx, asked.at_ms, last, in_wrapup)
        if isinstance(answer, Permit):
            log.info("phone %s: agent %s dials %s for %s", asked.device, number, answer.number, answer.line)
            self._reply(asked.channel, OK, _variables(answer))
            return
        wanted = (last.number if last is not None else "") if asked.is_call_back else asked.number
        detail = f"{number or 'nobody'} at {asked.device}: {wanted or 'no number'}: {answer}"
        log.info("dialling out refused: %s", detail)
        self._record([Noted(asked.at_ms, REFUSED, detail)])
        self._reply(asked.channel, NOBODY if answer is Refusal.NOBODY else OUTBOUND, {})

    def observe(self, records: Sequence[Record]) -> None:
        """Learn from what was decided who spoke to whom."""
        for record in records:
            if isinstance(record, TalkOpened):
                self._talk_opened(record)
            elif isinstance(record, TalkClosed):
                self._talk_closed(record)
            elif isinstance(record, CallOpened):
                if record.direction == "inbound":
                    self._callers[record.call] = clean(record.caller_number)
            elif isinstance(record, CallClosed):
                self._callers.pop(record.call, None)
            elif isinstance(record, PresenceChanged) and record.presence is Presence.LOGGED_OUT:
                if self._last.pop(record.agent, None) is not None:
                    self._kept.drop(LAST + record.agent)

    def _talk_opened(self, record: TalkOpened) -> None:
        number = self._callers.get(record.call)
        if number is None or record.kind != "seat":
            return
        last = self._last.get(record.agent)
        if last is not None and record.at_ms < last.since_ms:
            return  # told late, of what happened while nobody watched
        self._talks[record.call, record.offer] = record.agent
        self._keep(record.agent, LastCaller(record.call.pbx, record.call.uniqueid, number, record.at_ms))

    def _talk_closed(self, record: TalkClosed) -> None:
        agent = self._talks.pop((record.call, record.offer), None)
        last = self._last.get(agent or "")
        if agent is not None and last is not None and last.uniqueid == record.call.uniqueid:
            self._keep(agent, replace(last, ended_ms=record.at_ms))

    def _keep(self, agent: str, last: LastCaller) -> None:
        self._last[agent] = last
        self._kept.put(LAST + agent, f"{last.pbx} {last.uniqueid} {last.since_ms} {last.ended_ms or 0} {last.number}")


def _variables(permit: Permit) -> dict[str, str]:
    """What is written on the phone's channel; nothing empty, which would hide the PBX's own global of that name."""
    values = {
        "CC_OUT": permit.number,
        "CC_LINE": permit.line,
        "CC_OUTBOUND_NUMBER": permit.own_number,
        "CC_FOLLOWS": permit.follows or "",
    }
    return {name: value for name, value in values.items() if value}


def _read(value: str) -> LastCaller | None:
    """Read what `_keep` wrote; None for anything else."""
    parts = value.split(" ")
    if len(parts) != 5 or not all(part.isascii() and part.isdigit() for part in parts[2:4]):
        return None
    pbx, uniqueid, since, ended, number = parts
    return LastCaller(pbx, uniqueid, clean(number), int(since), int(ended) or None)
