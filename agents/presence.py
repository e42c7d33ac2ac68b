"""What an agent is doing, one state at a time, and how states may follow each other.

Theory of operation: presence is what the *agent* does; the device state is what his *phone* does. The two are kept
apart, because an agent is not a device: he may be ready while his phone is unreachable, and then he is not offered
anything though his idle clock runs on. `TRANSITIONS` is the only place that says which presence may follow which;
the roster refuses any other, so a wrong step is found where it is made and not in next month's occupancy figures.
"""

from collections.abc import Mapping
from enum import StrEnum


class Presence(StrEnum):
    """One agent's state; times in these states are what occupancy figures add up."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    HOLD = "hold"
    ACW = "acw"
    DIALLING = "dialling"
    CASE_WORK = "case_work"
    """Writes a citizen's matter up, away from calls: a not-ready reason that the plan marks as case work."""
    NOT_READY = "not_ready"


class DeviceState(StrEnum):
    """What the PBX says of a phone, folded to what routing needs to know."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


_P = Presence
TRANSITIONS: Mapping[Presence, frozenset[Presence]] = {
    # at log-in he is ready at once; a phone may be in a talk that we learn of only after its agent logged in there
    _P.LOGGED_OUT: frozenset({_P.READY, _P.TALKING, _P.DIALLING}),
    # talking without ringing: pick-up, attended transfer, the fallback queue, an answer whose ringing was not seen
    _P.READY: frozenset({_P.RINGING, _P.TALKING, _P.DIALLING, _P.CASE_WORK, _P.NOT_READY, _P.LOGGED_OUT}),
    # dialling out of a call: one that he dialled beside it goes on when it ends
    _P.RINGING: frozenset({_P.TALKING, _P.DIALLING, _P.READY, _P.CASE_WORK, _P.NOT_READY, _P.LOGGED_OUT}),
    _P.TALKING: frozenset({_P.HOLD, _P.DIALLING, _P.ACW, _P.READY, _P.CASE_WORK, _P.NOT_READY, _P.LOGGED_OUT}),
    _P.HOLD: frozenset({_P.TALKING, _P.DIALLING, _P.ACW, _P.READY, _P.CASE_WORK, _P.NOT_READY, _P.LOGGED_OUT}),
    # ringing out of wrap-up: a wish that the switch took late; dialling: he calls back to finish the case
    _P.ACW: frozenset({_P.READY, _P.CASE_WORK, _P.NOT_READY, _P.LOGGED_OUT, _P.RINGING, _P.TALKING, _P.DIALLING}),
    _P.DIALLING: frozenset({_P.TALKING, _P.ACW, _P.READY, _P.CASE_WORK, _P.NOT_READY, _P.LOGGED_OUT}),
    _P.CASE_WORK: frozenset({_P.READY, _P.NOT_READY, _P.LOGGED_OUT, _P.RINGING, _P.TALKING, _P.DIALLING}),
    _P.NOT_READY: frozenset({_P.READY, _P.LOGGED_OUT, _P.RINGING, _P.TALKING, _P.DIALLING, _P.CASE_WORK}),
}
"""Presence -> what may follow it. The same presence again (another reason, another deadline) is always allowed."""

ON_A_CALL = frozenset({Presence.RINGING, Presence.TALKING, Presence.HOLD, Presence.DIALLING})
"""States that belong to a call; wishes of the agent wait until they are over."""

AWAY = frozenset({Presence.CASE_WORK, Presence.NOT_READY})
"""Away from calls, with a reason."""

PAUSED = AWAY | {Presence.ACW}
"""States in which the PBX's own fallback queue must pass him over (it sees ringing and talking phones by itself)."""


def is_allowed(before: Presence, after: Presence) -> bool:
    """Tell whether an agent may go from `before` to `after`."""
    return before is after or after in TRANSITIONS[before]
