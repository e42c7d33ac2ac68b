"""Cuts a stream of CEL rows of any length into conversations: channels that belong together, each told when it is over (pure).

Theory of operation: two rows belong together when they share a channel, a Linkedid or a bridge, so a conversation is one
call with all its legs, or several calls that a transfer joined. It is over when all its channels have hung up and nothing
came for a while, both by the rows' clock and by their number (the clock may be set); one whose HANGUP is lost is given up
when it is older than any call. So memory holds what goes on at one time, never what was. A row that is there twice counts
once.

Asterisk started anew begins its Uniqueids again: a lower number at a later second. What lived before was dropped then, and
its HANGUP rows will never come.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from callcenter.witness.cel import CelKind, CelMark, CelRow

SETTLE_MS = 30_000
SETTLE_ROWS = 200
LONGEST_MS = 26 * 3_600_000
"""No call is longer, to our mind."""
_RESTART_S = 2
"""Uniqueids of one run may be out of order by less."""
_LOOK_ROWS = 500


@dataclass(slots=True)
class Conversation:
    """Rows that belong together."""

    rows: dict[CelRow, None] = field(default_factory=dict)
    marks: dict[CelMark, None] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)
    living: set[str] = field(default_factory=set)
    """Uniqueids that have not hung up."""
    first_ms: int = 0
    last_ms: int = 0
    touched: int = 0
    """Number of the newest of its rows in the stream."""
    is_dropped: bool = False
    """Asterisk was started anew while it lived."""

    def in_order(self) -> list[CelRow]:
        """Return the rows in the order of time."""
        return sorted(self.rows, key=lambda row: row.at_us)


class Conversations:
    """Takes rows, gives conversations that are over."""

    def __init__(self) -> None:
        self.clock_ms = 0
        """Instant of the newest row."""
        self.rows = 0
        """How many were taken."""
        self.duplicates = 0
        self._by_key: dict[tuple[str, str], Conversation] = {}
        self._open: dict[int, Conversation] = {}
        self._over: list[Conversation] = []
        self._newest = (0, -1)
        """Second and number of the newest channel."""

    def take(self, heard: Iterable[CelRow | CelMark]) -> list[Conversation]:
        """Take rows in about the order in which they were written; return the conversations that are over by now."""
        for row in heard:
            self._take(row)
            if not self.rows % _LOOK_ROWS:
                self._look()
        over, self._over = self._over, []
        return over

    def rest(self) -> list[Conversation]:
        """Return all that are still open: nothing more will come."""
        over, self._over = [*self._over, *self._open.values()], []
        self._open, self._by_key = {}, {}
        return over

    def oldest_ms(self) -> int:
        """Return the instant before which every conversation that began is over."""
        return min((one.first_ms for one in self._open.values()), default=self.clock_ms)

    def _take(self, row: CelRow | CelMark) -> None:
        self.rows += 1
        at_ms = row.at_us // 1000
        self.clock_ms = max(self.clock_ms, at_ms)
        if isinstance(row, CelRow) and row.kind is CelKind.CHAN_START:
            self._see_restart(row)
        one = self._one(_keys(row))
        one.touched, one.last_ms = self.rows, max(one.last_ms, at_ms)
        one.first_ms = min(one.first_ms or at_ms, at_ms)
        if isinstance(row, CelMark):
            self.duplicates += row in one.marks
            one.marks[row] = None
            return
        self.duplicates += row in one.rows
        one.rows[row] = None
        if row.kind is CelKind.CHAN_START:
            one.living.add(row.uniqueid)
        elif row.kind is CelKind.HANGUP:
            one.living.discard(row.uniqueid)

    def _one(self, keys: tuple[tuple[str, str], ...]) -> Conversation:
        """Return the conversation of these keys, joining those that they tie together."""
        found = {id(one): one for key in keys if (one := self._by_key.get(key)) is not None}
        if not found:
            whole = Conversation()
            self._open[id(whole)] = whole
        else:
            whole, *others = sorted(found.values(), key=lambda one: len(one.keys), reverse=True)
            for other in others:
                self._join(whole, other)
        for key in keys:
            whole.keys.add(key)
            self._by_key[key] = whole
        return whole

    def _join(self, whole: Conversation, other: Conversation) -> None:
        del self._open[id(other)]
        whole.rows |= other.rows
        whole.marks |= other.marks
        whole.keys |= other.keys
        whole.living |= other.living
        whole.first_ms = min(whole.first_ms, other.first_ms)
        whole.last_ms = max(whole.last_ms, other.last_ms)
        for key in other.keys:
            self._by_key[key] = whole

    def _see_restart(self, row: CelRow) -> None:
        made = made_of(row.uniqueid)
        if made is None:
            return
        if is_anew(made, self._newest):
            for one in list(self._open.values()):
                one.is_dropped = bool(one.living)
                self._close(one)
            self._newest = made
        self._newest = max(self._newest, made)

    def _look(self) -> None:
        """Set aside what is over."""
        for one in list(self._open.values()):
            quiet_ms = self.clock_ms - one.last_ms
            has_ended = not one.living and quiet_ms > SETTLE_MS and self.rows - one.touched > SETTLE_ROWS
            if has_ended or self.clock_ms - one.first_ms > LONGEST_MS:
                self._close(one)

    def _close(self, one: Conversation) -> None:
        del self._open[id(one)]
        for key in one.keys:
            del self._by_key[key]
        self._over.append(one)


def _keys(row: CelRow | CelMark) -> tuple[tuple[str, str], ...]:
    channel = ("channel", row.uniqueid)
    if isinstance(row, CelMark):
        return (channel,)
    linked = ("linked", row.linkedid)
    return (channel, linked, ("bridge", row.bridge_id)) if row.bridge_id else (channel, linked)


def is_anew(made: tuple[int, int], newest: tuple[int, int]) -> bool:
    """Whether a channel is of another run of Asterisk than the newest one before it. Both: second and number."""
    return made[1] < newest[1] and made[0] >= newest[0] + _RESTART_S


def made_of(uniqueid: str) -> tuple[int, int] | None:
    """Second and number in a Uniqueid (`pbx1-1795482703.12`); None for anything else."""
    second, dot, number = uniqueid.rpartition("-")[2].partition(".")
    return (int(second), int(number)) if dot and second.isdecimal() and number.isdecimal() else None


def pbx_of(uniqueid: str, unnamed: str = "asterisk") -> str:
    """Return the name of the PBX in a Uniqueid (its `systemname`); `unnamed` where it has none."""
    return uniqueid.rpartition("-")[0] or unnamed
