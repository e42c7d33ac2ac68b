"""The state that a leader shares with its stand-by: what a shared store does, and its twin in memory.

Theory of operation. There is one state for each PBX: fields with bytes, `agent:<number>` (the record of `PresenceChanged`) and
`value:<name>` (a small value of the live state), and the *claim* of whoever may write it: epoch and instance, ordered as on the
PBX. Every write carries the writer's claim, and the store itself compares: whoever comes with a lesser one is refused
(`NewerLeader`), so a leader that was frozen cannot write over what its successor has written since. A state is read and replaced
whole: while it is replaced everybody reads the one before. A reader believes nothing: fields that it cannot read are left
out, and a state of another format is none (`StateUnreadable`).

The store is never the truth about who leads (the PBX is), and nobody waits for it who routes calls.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from acd.records import PresenceChanged
from callcenter.storage.codec import decode, encode
from callcenter.storage.errors import BadRecord, NewerLeader, SharedStateAway, StateMissing, StateUnreadable

FORMAT = "1"
"""Of the fields below; a state with another one is not read."""
AGENT, VALUE = "agent:", "value:"
OWN_VALUES = frozenset({"epoch"})
"""Small values that say something of one service alone: never shared."""

Value = PresenceChanged | str
"""What a field is made of: an agent's newest state, or a small value."""


class Claim(NamedTuple):
    """Who may write the state of a PBX. Of two, the one with the greater (epoch, instance) is newer."""

    pbx: str
    epoch: int
    instance: str

    @property
    def rank(self) -> tuple[int, str]:
        """What orders the claims on one PBX."""
        return self.epoch, self.instance


@dataclass(frozen=True, slots=True)
class Kept:
    """A state as its last writer left it."""

    epoch: int
    instance: str
    fields: Mapping[str, bytes]

    @property
    def rank(self) -> tuple[int, str]:
        """The writer's, as `Claim.rank`."""
        return self.epoch, self.instance

    def content(self) -> "Content":
        """Return what can be read of it."""
        agents, values, unread = [], {}, 0
        for name, data in self.fields.items():
            if name.startswith(AGENT) and (agent := _agent(name.removeprefix(AGENT), data)) is not None:
                agents.append(agent)
            elif name.startswith(VALUE) and (text := _text(data)) is not None:
                values[name.removeprefix(VALUE)] = text
            else:
                unread += 1
        return Content(sorted(agents, key=lambda one: one.agent), values, unread)


class Content(NamedTuple):
    """What a state says."""

    agents: list[PresenceChanged]
    """By agent number."""
    values: dict[str, str]
    unread: int
    """Fields of which nothing could be made."""


def fields_of(agents: Iterable[PresenceChanged], values: Mapping[str, str]) -> dict[str, Value]:
    """Return what is shared of a live state: name of the field -> value."""
    shared: dict[str, Value] = {AGENT + one.agent: one for one in agents}
    return shared | {VALUE + name: text for name, text in values.items() if name not in OWN_VALUES}


def as_bytes(value: Value) -> bytes:
    """Return a field's bytes."""
    return value.encode() if isinstance(value, str) else encode(value)


def _agent(number: str, data: bytes) -> PresenceChanged | None:
    try:
        record = decode(data)
    except BadRecord:
        return None
    return record if isinstance(record, PresenceChanged) and record.agent == number else None


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


class SharedState(Protocol):
    """What the service needs of a shared store. Every method may raise SharedStateAway, and ends within a deadline."""

    async def last_epoch(self, pbx: str) -> int:
        """Return the epoch of whoever may write the PBX's state; 0 when there is none."""
        ...

    async def read(self, pbx: str) -> Kept | None:
        """Return the PBX's state, None when there is none. Raises StateUnreadable."""
        ...

    async def take(self, claim: Claim) -> Kept | None:
        """Return the state as the one before left it, None when there is none; from now on only this claim, or a newer one,
        writes. Raises NewerLeader, StateUnreadable (then it is taken all the same)."""
        ...

    async def change(self, claim: Claim, puts: Mapping[str, bytes], drops: Collection[str]) -> None:
        """Write fields and forget others, all at once. Raises NewerLeader; StateMissing when what lies there is not this
        claim's, so that it must be replaced."""

    async def replace(self, claim: Claim, fields: Iterable[tuple[str, bytes]]) -> None:
        """Write a whole state, of any size, in the place of what was there. `fields` is gone through in pieces, between
        which others may work. Raises NewerLeader, StateMissing (begin again)."""

    async def resign(self, claim: Claim) -> None:
        """This claim's leader has ended and does nothing more: who stands by may lead at once. Raises NewerLeader, StateMissing."""

    async def resigned(self, pbx: str) -> int:
        """Return the epoch of the PBX's leader if he resigned; 0: he did not."""
        ...

    async def close(self) -> None:
        """Let go of the store."""


@dataclass(slots=True)
class _State:
    rank: tuple[int, str]
    fields: dict[str, bytes] = field(default_factory=dict)
    form: str = FORMAT
    resigned: int = 0


class MemorySharedState:
    """The twin in memory, for services of one process (tests). `away`: why it does not answer; None while it does."""

    def __init__(self) -> None:
        self.states: dict[str, _State] = {}
        self.away: str | None = None
        self.written = 0
        """Fields written or forgotten since the start."""

    async def last_epoch(self, pbx: str) -> int:
        self._ask()
        state = self.states.get(pbx)
        return state.rank[0] if state is not None else 0

    async def read(self, pbx: str) -> Kept | None:
        self._ask()
        return self._kept(self.states.get(pbx))

    async def take(self, claim: Claim) -> Kept | None:
        state = self._judged(claim)
        if state is None:
            return None
        before, state.rank = state.rank, claim.rank
        kept = self._kept(state)
        return None if kept is None else Kept(*before, kept.fields)

    async def change(self, claim: Claim, puts: Mapping[str, bytes], drops: Collection[str]) -> None:
        state = self._judged(claim)
        if state is None or state.rank != claim.rank or state.form != FORMAT:
            raise StateMissing
        state.fields.update(puts)
        for name in drops:
            state.fields.pop(name, None)
        self.written += len(puts) + len(drops)

    async def replace(self, claim: Claim, fields: Iterable[tuple[str, bytes]]) -> None:
        self._judged(claim)
        whole = dict(fields)
        self._judged(claim)
        self.states[claim.pbx] = _State(claim.rank, whole)
        self.written += len(whole)

    async def resign(self, claim: Claim) -> None:
        state = self._judged(claim)
        if state is None or state.rank != claim.rank:
            raise StateMissing
        state.resigned = claim.epoch

    async def resigned(self, pbx: str) -> int:
        self._ask()
        state = self.states.get(pbx)
        return state.resigned if state is not None and state.resigned == state.rank[0] else 0

    async def close(self) -> None:
        """Nothing to let go of."""

    def _ask(self) -> None:
        if self.away is not None:
            raise SharedStateAway(self.away)

    def _judged(self, claim: Claim) -> _State | None:
        self._ask()
        state = self.states.get(claim.pbx)
        if state is not None and state.rank > claim.rank:
            raise NewerLeader(*state.rank)
        return state

    @staticmethod
    def _kept(state: _State | None) -> Kept | None:
        if state is None:
            return None
        if state.form != FORMAT:
            raise StateUnreadable(f"its format is {state.form!r}, not {FORMAT!r}")
        return Kept(*state.rank, dict(state.fields))


def in_pieces(fields: Iterable[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    """Return the fields in lists of at most `size`; none is empty."""
    piece: list[tuple[str, bytes]] = []
    for one in fields:
        piece.append(one)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece
