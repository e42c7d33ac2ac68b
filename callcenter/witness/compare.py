"""Compares the ledger's calls with those rebuilt from CEL: every difference named, with both values (pure).

Theory of operation: each call that ended, for either witness, is looked up in both. An instant may differ by
`LIMIT_MS` (the two are taken in different threads of the PBX: up to 9 ms under load), and has to be there in both or
in none. The ledger's outcome must be among those that CEL's rows allow; a caller whom it turned away by his number has
none, and must have been refused, or gone, without a phone that rang. Where the ledger's talks are told, each must be a
bridge of CEL, with the same person from and to the same instants. A difference is named once, by its cause: a bridge that
one of them lacks is not told again as another agent, outcome or end. Calls that ended for neither are left out and
counted. The service's side knows nothing of this module: whoever reads the ledger makes `LedgerCall`s of its rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from acd.names import CallId, Outcome
from callcenter.witness.calls import CelCall, CelTalk
from callcenter.witness.dialled import CelDialled

LIMIT_MS = 50
BLOCKED = "blocked"
"""What the ledger says in an outcome's place of a caller whom it turned away by his number."""
_TURNED_AWAY = frozenset({Outcome.REJECTED, Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.FAILED})
"""What CEL may say of such a caller: the dialplan refused him, or he (or the PBX) was quicker; no phone rang, nobody spoke."""


class MismatchName(StrEnum):
    """What two witnesses can disagree on."""

    ONLY_IN_LEDGER = "only_in_ledger"
    ONLY_IN_CEL = "only_in_cel"
    OUTCOME = "outcome"
    AGENT = "agent"
    TALK = "talk"
    """A bridge that one of them lacks."""
    TALK_BEGAN_MS = "talk_began_ms"
    ARRIVED_MS = "arrived_ms"
    ANSWERED_MS = "answered_ms"
    TALK_ENDED_MS = "talk_ended_ms"
    ENDED_MS = "ended_ms"
    CEL_ROWS = "cel_rows"
    """A row of CEL is missing or out of place, though the call itself agrees (`callcenter.witness.whole`)."""


_INSTANTS = (
    MismatchName.ARRIVED_MS,
    MismatchName.ANSWERED_MS,
    MismatchName.TALK_ENDED_MS,
    MismatchName.ENDED_MS,
)
"""Milestones of a call's row."""


@dataclass(frozen=True, slots=True)
class LedgerTalk:
    """One talk as the ledger has it."""

    device: str
    """Phone, or the outside number of a specialist."""
    agent: str
    began_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class LedgerCall:
    """One call as the ledger has it, inbound or dialled out. Instants are ms since the epoch on the PBX's clock."""

    call: CallId
    outcome: Outcome | None
    """None: not ended, or ended while nobody watched."""
    agent: str | None
    """Who answered first; None: nobody."""
    arrived_ms: int
    answered_ms: int | None
    talk_ended_ms: int | None
    ended_ms: int | None
    talks: tuple[LedgerTalk, ...] | None = None
    """In order; None: not told."""
    is_blocked: bool = False
    """Turned away by his number: no outcome belongs to it."""

    @property
    def said(self) -> str:
        """The outcome in words."""
        return BLOCKED if self.is_blocked else _said(self.outcome)

    def agrees_with(self, outcomes: frozenset[Outcome]) -> bool:
        """Whether what became of it is among what CEL's rows allow."""
        return bool(outcomes & _TURNED_AWAY) if self.is_blocked else self.outcome in outcomes

    @classmethod
    def of(cls, row: Mapping[str, object], talks: tuple[LedgerTalk, ...] | None = None) -> "LedgerCall":
        """Make it of a row of the table `calls` or of a line of `ledger.jsonl`.

        Raises KeyError where a column is missing and ValueError where a value cannot be.
        """
        instants = {name.value: _instant(row, name.value) for name in _INSTANTS}
        arrived_ms = instants.pop("arrived_ms")
        if arrived_ms is None:
            raise ValueError("arrived_ms is missing")
        outcome = row["outcome"]
        return cls(
            call=CallId(str(row["pbx"]), str(row["uniqueid"])),
            outcome=None if outcome is None else Outcome(str(outcome)),
            agent=str(row["agent"]) if row["agent"] else None,
            arrived_ms=arrived_ms,
            talks=talks,
            is_blocked=bool(row.get("blocked")) and row["answered_ms"] is None,
            **instants,
        )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference in one call."""

    call: CallId
    name: MismatchName
    ledger: str
    cel: str
    """What each says, as text; `-` where it says nothing."""

    def __str__(self) -> str:
        return f"{self.call} {self.name}: ledger {self.ledger}, CEL {self.cel}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out."""

    mismatches: tuple[Mismatch, ...]
    """In the order of arrival of the calls."""
    compared: int
    """Calls that ended for at least one witness."""
    open: int
    """Calls left out because they ended for neither."""

    @property
    def ledger_mismatches(self) -> int:
        """Calls with at least one mismatch."""
        return len({mismatch.call for mismatch in self.mismatches})


def compare(ledger: Iterable[LedgerCall], cel: Iterable[CelCall], *, limit_ms: int = LIMIT_MS) -> Comparison:
    """Compare the two witnesses' inbound calls. Raises ValueError when the ledger has a call twice, which its table cannot."""
    ours: dict[CallId, LedgerCall] = {}
    for entry in ledger:
        if entry.call in ours:
            raise ValueError(f"call {entry.call} is in the ledger twice")
        ours[entry.call] = entry
    theirs = {call.call: call for call in cel}
    arrived = {key: call.arrived_ms for key, call in theirs.items()}
    arrived |= {key: call.arrived_ms for key, call in ours.items()}
    mismatches: list[Mismatch] = []
    compared = 0
    for key in sorted(arrived, key=lambda key: (arrived[key], key)):
        own, other = ours.get(key), theirs.get(key)
        if all(call is None or call.ended_ms is None for call in (own, other)):
            continue
        compared += 1
        mismatches += differences(key, own, other, limit_ms)
    return Comparison(tuple(mismatches), compared, len(arrived) - compared)


def differences(key: CallId, own: LedgerCall | None, other: CelCall | None, limit_ms: int = LIMIT_MS) -> list[Mismatch]:
    """Return what the two say differently of one call; of one that is not there for either, nothing."""
    if own is None and other is None:
        return []
    if own is None or other is None:
        name = MismatchName.ONLY_IN_CEL if own is None else MismatchName.ONLY_IN_LEDGER
        return [Mismatch(key, name, "-" if own is None else own.said, _allowed(other))]
    found = [*_instants(key, own, other, ("arrived_ms",), limit_ms), *_met(key, own, other, limit_ms)]
    is_explained = any(mismatch.name is MismatchName.TALK for mismatch in found)
    if other.ended_ms is not None and not own.agrees_with(other.outcomes) and not is_explained:
        found.append(Mismatch(key, MismatchName.OUTCOME, own.said, _allowed(other)))
    return found + _instants(key, own, other, ("ended_ms",), limit_ms)


def dialled_differences(key: CallId, own: LedgerCall, other: CelDialled) -> list[Mismatch]:
    """Return what the two say differently of a call dialled out: was anybody reached, when, and by whom."""
    talks, talk_ended_ms = own.talks or (), own.talk_ended_ms
    if own.talks is not None:
        talk_ended_ms = talks[-1].ended_ms if talks else None
    dialled_ms = own.arrived_ms if other.dialled_ms is None else other.dialled_ms
    found = []
    for name, a, b in (
        (MismatchName.ARRIVED_MS, own.arrived_ms, dialled_ms),
        (MismatchName.ANSWERED_MS, own.answered_ms, other.answered_ms),
        (MismatchName.TALK_ENDED_MS, talk_ended_ms, other.talk_ended_ms),
        (MismatchName.ENDED_MS, own.ended_ms, other.ended_ms),
    ):
        if is_apart(a, b):
            found.append(Mismatch(key, name, _said(a), _said(b)))
    if any(talk.device != other.device for talk in talks):
        found.append(Mismatch(key, MismatchName.TALK, talks[0].device, other.device))
    if own.agent != other.agent and (other.agent is not None or own.agent not in (None, other.device)):
        found.append(Mismatch(key, MismatchName.AGENT, own.agent or "-", other.agent or "-"))
    return found


def _met(key: CallId, own: LedgerCall, other: CelCall, limit_ms: int) -> list[Mismatch]:
    """Compare with whom the caller was together, and when."""
    if own.talks is not None and (found := compare_talks(key, own.talks, other.met, limit_ms)):
        return found
    if (own.answered_ms is None) != (other.answered_ms is None):
        talk = MismatchName.TALK
        return [Mismatch(key, talk, _spoke(own.agent, own.answered_ms), _spoke(other.agent, other.answered_ms))]
    found = []
    if own.agent != other.agent and not (other.talks and other.talks[0].is_outside):
        found.append(Mismatch(key, MismatchName.AGENT, _said(own.agent), _said(other.agent)))
    return found + _instants(key, own, other, ("answered_ms", "talk_ended_ms"), limit_ms)


def _instants(key: CallId, own: object, other: object, names: Iterable[str], limit_ms: int) -> list[Mismatch]:
    found = []
    for name in names:
        a, b = getattr(own, name), getattr(other, name)
        if is_apart(a, b, limit_ms):
            found.append(Mismatch(key, MismatchName(name), _said(a), _said(b)))
    return found


def is_apart(a: int | None, b: int | None, limit_ms: int = LIMIT_MS) -> bool:
    """Whether two instants are not the same: further apart than `limit_ms`, or one of them unknown."""
    return (a is None) != (b is None) or (a is not None and b is not None and abs(a - b) > limit_ms)


def compare_talks(
    key: CallId, talks: Iterable[LedgerTalk], met: Iterable[CelTalk], limit_ms: int = LIMIT_MS
) -> list[Mismatch]:
    """Pair each talk of the ledger with the bridge of CEL that it is, by person and time, and name what differs."""
    found: list[Mismatch] = []
    left = list(met)
    for talk in talks:
        own = f"{talk.agent} at {talk.device} from {talk.began_ms}"
        near = [one for one in left if _is_same_phone(talk, one) and _overlap(talk, one, limit_ms)]
        if not near:
            found.append(Mismatch(key, MismatchName.TALK, own, "-"))
            continue
        one = min(near, key=lambda one: abs(one.began_ms - talk.began_ms))
        left.remove(one)
        if not one.is_outside and (one.agent or one.device) != talk.agent:
            found.append(Mismatch(key, MismatchName.AGENT, talk.agent, _said(one.agent)))
        for name, a, b in (
            (MismatchName.TALK_BEGAN_MS, talk.began_ms, one.began_ms),
            (MismatchName.TALK_ENDED_MS, talk.ended_ms, one.ended_ms),
        ):
            is_told = any(other.name is name and other.cel == _said(b) for other in found)  # the caller left them all
            if is_apart(a, b, limit_ms) and not is_told:
                found.append(Mismatch(key, name, _said(a), _said(b)))
    return found + [
        Mismatch(key, MismatchName.TALK, "-", _spoke(one.agent or one.device, one.began_ms)) for one in left
    ]


def _is_same_phone(talk: LedgerTalk, one: CelTalk) -> bool:
    return one.is_outside or talk.device == one.device


def _overlap(talk: LedgerTalk, one: CelTalk, limit_ms: int) -> bool:
    begins_late = one.ended_ms is not None and talk.began_ms > one.ended_ms + limit_ms
    ends_early = talk.ended_ms is not None and talk.ended_ms < one.began_ms - limit_ms
    return not begins_late and not ends_early


def _spoke(agent: str | None, at_ms: int | None) -> str:
    return "-" if at_ms is None else f"{agent or 'somebody'} from {at_ms}"


def _said(value: object) -> str:
    return "-" if value is None else str(value)


def _allowed(call: CelCall | None) -> str:
    return "-" if call is None else " or ".join(sorted(call.outcomes)) or "not ended"


def _instant(row: Mapping[str, object], name: str) -> int | None:
    value = row[name]
    if value is not None and not isinstance(value, int):
        raise ValueError(f"{name} is not integer milliseconds: {value!r}")
    return value
