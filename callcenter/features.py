"""What agents say by feature code: log-in with a proof of the PIN, ready, not ready, wrap-up.

Theory: a phone's identity is its endpoint; who sits there is what the log-in tied to it. The dialplan waits two seconds for
one word of reply on the phone's own channel and plays it. A word is written as `CC_REPLY` and the channel is woken like a
caller's. The PIN never comes here: only the proof made of it and of this very channel's Uniqueid. Wrong tries and locks are
written through to the live state, so that a restart gives nobody five more tries.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from acd import events as e
from acd.plan import Plan
from agents.login import LoginGuard, LoginResult
from callcenter.asterisk.told import FeatureUsed

log = logging.getLogger(__name__)

OK = "ok"
WRONG = "wrong"
LOCKED = "locked"
UNKNOWN = "plan"
"""The plan has no such reason, or we no such code."""
NOBODY = "state"
"""Nobody is logged in at this phone."""
GUARD = "login:"
"""Prefix of the small values that hold wrong tries, before the agent's number."""


class Values(Protocol):
    """What of the live state this needs: small values by name."""

    def put(self, name: str, value: str) -> None:
        """Keep a value."""

    def drop(self, name: str) -> None:
        """Forget a value."""

    def values(self, prefix: str) -> dict[str, str]:
        """Return all values whose name begins with `prefix`."""
        ...


class Features:
    """Feature codes into events of the engine, and the reply for the phone."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        guard: LoginGuard,
        agent_at: Callable[[str], str | None],
        tell: Callable[[e.Event], None],
        reply: Callable[[str, str], None],
        now: Callable[[], float],
        kept: Values,
        extend_s: float = 60.0,
    ) -> None:
        self._plan = plan
        self._guard = guard
        self._agent_at = agent_at
        self._tell = tell
        self._reply = reply
        """(channel's Uniqueid, word)."""
        self._now = now
        self._extend_s = extend_s
        self._kept = kept
        for name, value in kept.values(GUARD).items():
            guard.restore(name.removeprefix(GUARD), value)
        self._handlers: Mapping[str, Callable[[FeatureUsed], str]] = {
            "login": self._login,
            "logout": self._of_agent(lambda agent, used: e.AgentLoggedOut(agent, used.at_ms)),
            "ready": self._of_agent(lambda agent, used: e.AgentReady(agent, used.at_ms)),
            "not_ready": self._not_ready,
            "wrapup_end": self._of_agent(lambda agent, used: e.WrapUpEnded(agent, used.at_ms)),
            "wrapup_extend": self._of_agent(lambda agent, used: e.WrapUpExtended(agent, used.at_ms, self._extend_s)),
            "test": lambda used: OK,
        }

    def used(self, used: FeatureUsed) -> None:
        """Handle one feature code and reply to the phone."""
        handler = self._handlers.get(used.code)
        word = UNKNOWN if handler is None else handler(used)
        log.info("phone %s: %s %s: %s", used.device, used.code, used.agent or used.reason, word)
        self._reply(used.channel, word)

    def _login(self, used: FeatureUsed) -> str:
        spec = self._plan().agents.get(used.agent)
        pin_sha1 = (spec.pin_sha1 or None) if spec is not None else None
        before = self._guard.kept(used.agent)
        result = self._guard.verify(used.agent, pin_sha1, used.channel, used.proof, self._now())
        self._keep(used.agent, before)
        if result is LoginResult.OK:
            self._tell(e.AgentLoggedIn(used.agent, used.device, used.at_ms))
            return OK
        return LOCKED if result is LoginResult.LOCKED else WRONG

    def _keep(self, agent: str, before: str) -> None:
        after = self._guard.kept(agent)
        if after == before:
            return
        if after:
            self._kept.put(GUARD + agent, after)
        else:
            self._kept.drop(GUARD + agent)

    def _not_ready(self, used: FeatureUsed) -> str:
        agent = self._agent_at(used.device)
        if agent is None:
            return NOBODY
        reason = self._plan().not_ready_reasons.get(used.reason)
        if reason is None:
            return UNKNOWN
        self._tell(e.AgentNotReady(agent, used.at_ms, reason))
        return OK

    def _of_agent(self, event: Callable[[str, FeatureUsed], e.Event]) -> Callable[[FeatureUsed], str]:
        def handle(used: FeatureUsed) -> str:
            agent = self._agent_at(used.device)
            if agent is None:
                return NOBODY
            self._tell(event(agent, used))
            return OK

        return handle
