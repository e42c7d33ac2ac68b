"""Who may log in: the proof of a PIN, and the lock after too many wrong ones.

Theory of operation: the dialplan never sends a PIN. It sends SHA1(<uniqueid>:<SHA1(<agent>:<PIN>)>) in lower-case
hex (Asterisk's SHA1() function); the plan stores SHA1(<agent>:<PIN>), so we compute the same and compare. The
channel's Uniqueid makes each proof good for one channel only. Five wrong proofs in a row lock the *agent number* for
ten minutes: while it is locked even a right proof is refused, and a refused try does not make the lock longer.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha1
from hmac import compare_digest

MAX_WRONG = 5
LOCK_S = 600.0


class LoginResult(StrEnum):
    """What the feature code plays to the agent."""

    OK = "ok"
    WRONG = "wrong"
    LOCKED = "locked"
    UNKNOWN = "unknown"


def proof_of(uniqueid: str, pin_sha1: str) -> str:
    """Return the proof that the dialplan computes on channel `uniqueid` for the stored `pin_sha1` (hex, 40 digits)."""
    return sha1(f"{uniqueid}:{pin_sha1.lower()}".encode(), usedforsecurity=False).hexdigest()


def pin_sha1_of(agent: str, pin: str) -> str:
    """Return what the plan stores for an agent number and a PIN."""
    return sha1(f"{agent}:{pin}".encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class LoginGuard:
    """Counts wrong proofs by agent number. `now` is seconds on any clock that never runs backwards."""

    max_wrong: int = MAX_WRONG
    lock_s: float = LOCK_S
    _wrong: dict[str, int] = field(default_factory=dict)
    _locked_until: dict[str, float] = field(default_factory=dict)

    def verify(self, agent: str, pin_sha1: str | None, uniqueid: str, proof: str, now: float) -> LoginResult:
        """Judge one try. `pin_sha1` is None for an agent number that the plan does not have (never locked: nothing to guess)."""
        if pin_sha1 is None:
            return LoginResult.UNKNOWN
        if now < self._locked_until.get(agent, now):
            return LoginResult.LOCKED
        if self._locked_until.pop(agent, None) is not None:
            self._wrong.pop(agent, None)
        if compare_digest(proof_of(uniqueid, pin_sha1).encode(), proof.lower().encode()):
            self._wrong.pop(agent, None)
            return LoginResult.OK
        self._wrong[agent] = self._wrong.get(agent, 0) + 1
        if self._wrong[agent] >= self.max_wrong:
            self._locked_until[agent] = now + self.lock_s
        return LoginResult.WRONG

    def kept(self, agent: str) -> str:
        """Return what must survive a restart, as `<wrong tries> <locked until>`; empty: nothing."""
        wrong, until = self._wrong.get(agent, 0), self._locked_until.get(agent, 0.0)
        return f"{wrong} {until:.0f}" if wrong else ""

    def restore(self, agent: str, kept: str) -> None:
        """Take back what `kept` returned before the restart, on the same clock; what cannot be read is nothing."""
        wrong, _, until = kept.partition(" ")
        if not (kept.isascii() and wrong.isdigit() and until.isdigit()):
            return
        self._wrong[agent] = int(wrong)
        if int(until):
            self._locked_until[agent] = float(until)

    def unlock(self, agent: str) -> None:
        """Forget an agent's wrong tries (a supervisor's hand)."""
        self._wrong.pop(agent, None)
        self._locked_until.pop(agent, None)
