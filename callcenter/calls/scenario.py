"""Scenarios: what people do in one kind of call, and what must come out of it; read from `scenarios/*.toml` (pure but for that).

Theory of operation: a file is a family of kinds, a table is a kind. Its cast is named (`seats`, `specialists`), `happens` is a
screenplay of short sentences that `callcenter.calls.play` plays with real phones, and each call of it has a table
`[kind.calls.NAME]` that says what must come out, complete: what is not named there must not be (no further offer, no
further hand-over, nobody else in the talk). NAME is the caller who calls, or the seat who dials out. Nothing here knows how a
phone is moved, and nothing that plays knows what is expected.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from acd.names import EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, Via
from callcenter.calls.errors import CallsUseError, ScenarioError

BLOCKED = "blocked"
"""What a file says in an outcome's place of a caller who is turned away by his number."""
FOLDER = Path(__file__).resolve().parent / "scenarios"


class Stage(StrEnum):
    """Where a kind is played."""

    TOGETHER = "together"
    """Beside all others: no kind shares a line, an agent or a phone with another."""
    AWAY = "away"
    """While the service is dead and Asterisk's own queue serves the lines; told when it is back."""
    CUT = "cut"
    """Beside others, and in the middle the service is gone, at one instant for all of them: it is killed, and every second
    time it loses its link instead."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What must come out of a caller's call. People are named as in the cast; what is not named must not be."""

    outcome: Outcome | None
    """None (`blocked` in the file): he is turned away by his number, which the ledger says and CEL sees as a refusal."""
    reason: str = ""
    agent: str | None = None
    """Who answered first; None: nobody."""
    via: Via | None = None
    """None: the engine brought the two together, where somebody answered."""
    ended_by: EndedBy = EndedBy.CALLER
    offers: tuple[tuple[str, OfferResult], ...] = ()
    """Who was rung by the engine and how it ended, in order."""
    rang: tuple[str, ...] | None = None
    """Whose phones Asterisk dialled for him, in order (CEL); None: those of `offers`."""
    hand_overs: tuple[tuple[HandOverMode, HandOverResult, str | None], ...] = ()
    """Mode, result, who was reached."""
    talks: tuple[str, ...] = ()
    """Who was in a bridge with him, in order."""
    lines: tuple[str, ...] = ("",)
    """Lines in which he was queued, in order; `""` is the kind's own. A line where he never was queued is not here."""
    rating: int | None = None
    message: bool = False
    """Whether a message of his was kept."""
    alternatives: tuple["Inbound", ...] = ()
    """What may come out instead, each complete: where two things happen in one instant, either may be first (`or` in the file)."""

    @property
    def for_cel(self) -> Outcome:
        """What the second witness must allow."""
        return Outcome.REJECTED if self.outcome is None else self.outcome


@dataclass(frozen=True, slots=True)
class Outbound:
    """What must come out of a call that a seat dials out."""

    agent: str
    answered: bool
    status: str
    """How the dial ended, in Asterisk's word: ANSWER, BUSY, NOANSWER."""
    ended_by: EndedBy


Expected = Inbound | Outbound


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of call."""

    kind: str
    family: str
    """Name of its file."""
    what: str
    """One line for a person."""
    happens: tuple[str, ...]
    """The screenplay."""
    calls: Mapping[str, Expected]
    """Who calls -> what must come out."""
    seats: tuple[str, ...] = ()
    """`NAME` or `NAME of LINE`; the first of a line is chosen first. All are ready when it begins."""
    specialists: tuple[str, ...] = ()
    """In the plan's order, all of the kind's own topic."""
    sipp: tuple[str, ...] = ()
    """Whose phone is a SIPp one: it can say any status, and nothing."""
    scripted: tuple[str, ...] = ()
    """Whose phone is the scripted one: it can do what neither SIPp nor baresip can."""
    line: str = ""
    """Further keys of its line in the plan (TOML)."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """Further lines: name -> keys (TOML)."""
    plan: str = ""
    """Further tables of the plan (TOML); `<callers>` is how the numbers of its callers begin."""
    stage: Stage = Stage.TOGETHER
    proof: bool = False
    """Only in the long proof of the witnesses, not among the kinds of `make calls`."""

    @property
    def callers(self) -> tuple[str, ...]:
        """Everybody who calls in."""
        return tuple(name for name, expected in self.calls.items() if isinstance(expected, Inbound))


def load(folder: Path = FOLDER) -> dict[str, Scenario]:
    """Return all scenarios by kind, in the order of files and tables. Raises ScenarioError."""
    found: dict[str, Scenario] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ScenarioError(path.name, str(error)) from error
        for kind, table in tables.items():
            if kind in found:
                raise ScenarioError(f"{path.name} {kind}", f"is in {found[kind].family}.toml already")
            found[kind] = read(path.stem.partition("_")[2] or path.stem, kind, table)
    return found


def chosen(scenarios: Mapping[str, Scenario], only: Iterable[str], *, proof: bool = False) -> list[Scenario]:
    """Return the scenarios named, or all (those of the proof only with `proof`). Raises CallsUseError."""
    names = list(only)
    if unknown := [name for name in names if name not in scenarios]:
        raise CallsUseError(f"no kind {', '.join(unknown)}; there are: {', '.join(scenarios)}")
    return [one for kind, one in scenarios.items() if (kind in names if names else proof or not one.proof)]


def read(family: str, kind: str, table: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a table. Raises ScenarioError."""
    where = f"{family} {kind}"
    try:
        values = {**table, "calls": {name: _expected(one) for name, one in table["calls"].items()}}
        values["stage"] = Stage(values.get("stage", Stage.TOGETHER))
        for name in ("happens", "seats", "specialists", "sipp", "scripted"):
            values[name] = tuple(values.get(name, ()))
        return Scenario(kind=kind, family=family, **values)
    except (KeyError, TypeError, ValueError) as error:
        raise ScenarioError(where, f"{type(error).__name__} {error}") from error


def _expected(table: Mapping[str, Any]) -> Expected:
    if "outcome" not in table:
        return Outbound(**{**table, "ended_by": EndedBy(table["ended_by"])})
    return _inbound({name: value for name, value in table.items() if name != "or"}, table.get("or", ()))


def _inbound(table: Mapping[str, Any], alternatives: Iterable[Mapping[str, Any]] = ()) -> Inbound:
    if unknown := set(table) - {one.name for one in fields(Inbound)} | {"alternatives"} & set(table):
        raise ValueError(f"no such key: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {**table, "outcome": _outcome(table["outcome"])}
    values["alternatives"] = tuple(_inbound(one) for one in alternatives)
    values["ended_by"] = EndedBy(table.get("ended_by", EndedBy.CALLER))
    values["via"] = Via(table["via"]) if "via" in table else None
    values["offers"] = tuple(_offer(text) for text in table.get("offers", ()))
    values["hand_overs"] = tuple(_hand_over(text) for text in table.get("hand_overs", ()))
    values["talks"] = tuple(table.get("talks", ()))
    values["lines"] = tuple(table.get("lines", ("",)))
    values["rang"] = tuple(table["rang"]) if "rang" in table else None
    return Inbound(**values)


def _outcome(word: str) -> Outcome | None:
    return None if word == BLOCKED else Outcome(word)


def _offer(text: str) -> tuple[str, OfferResult]:
    who, result = text.split()
    return who, OfferResult(result)


def _hand_over(text: str) -> tuple[HandOverMode, HandOverResult, str | None]:
    mode, result, *who = text.split()
    return HandOverMode(mode), HandOverResult(result), who[0] if who else None
