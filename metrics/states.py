"""What agents did with their time: the spans of their states, and the totals that occupancies and wrap-up are made of.

Theory of operation: a state lasts from its record to the agent's next one; cut to a period, an agent's states are **spans**,
rows of integer milliseconds, and the totals over spans are of the same language as those of calls (`metrics.totals`). A talk
and its wrap-up belong to an outbound call when he dialled before it (`after_dialling`), else to an inbound one. Time in
which a phone rang unanswered is ringing; what follows is not_ready. Specialists have no states, and logged-out time is in
no total. Storage makes the same spans in SQL (a test holds the two equal).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agents.presence import Presence
from metrics.expressions import Field, Flag, Is, Row, Where
from metrics.totals import Source, Total

CARRIES_ON = (Presence.TALKING, Presence.HOLD, Presence.ACW)
"""States that belong to what was before them."""
ON_PHONE = (Presence.RINGING, Presence.DIALLING, Presence.TALKING, Presence.HOLD, Presence.ACW)
LOGGED_IN = tuple(presence for presence in Presence if presence is not Presence.LOGGED_OUT)


class Change(NamedTuple):
    """One change of one agent's state; those of an agent are in order."""

    at_ms: int
    presence: Presence


def spans(changes: Iterable[Change], from_ms: int, to_ms: int) -> Iterator[Row]:
    """Return one agent's spans within [from, to), as rows. Before the first change he counts as logged out."""
    since, state, dialled = from_ms, Presence.LOGGED_OUT, False
    for at_ms, presence in (*changes, Change(to_ms, Presence.LOGGED_OUT)):
        until = min(max(at_ms, since), to_ms)
        if until > since:
            yield {"presence": state.value, "after_dialling": dialled, "spent_ms": until - since}
        if presence not in CARRIES_ON:
            dialled = presence is Presence.DIALLING
        since, state = until, presence


def spent(*states: Presence) -> tuple[str, ...]:
    """Return the names of the totals of these states."""
    return tuple(f"spent_{presence}_ms" for presence in states)


def state_totals() -> Iterator[Total]:
    """Return the totals of spans: one for each state, and the wrap-up that followed inbound talks."""
    span = Field("spent_ms")
    for presence in LOGGED_IN:
        yield Total(spent(presence)[0], Where(span, (Is("presence", presence.value),)), source=Source.STATES)
    after_inbound = (Is("presence", Presence.ACW.value), Flag("after_dialling", False))
    yield Total("wrapup_in_ms", Where(span, after_inbound), source=Source.STATES)
