"""The stream of callers: who calls when, which number, how patient, and what the scripted ones do (pure).

Theory of operation: arrivals are Poisson. They are drawn in blocks of up to `BLOCK_S`: first how many (Poisson, but at
least `LEAST` of the mean, so that no run is too thin to show anything), then when; given their number, the arrivals of a
Poisson process are uniform, so only the thinnest blocks are changed by that. In each block some places of the stream are
scripted: a caller who hangs up before anybody can pick up, two whose matter needs a specialist, and one whose first
phone is not picked up. The scripted ones are callers like the others, except for what `Role` says.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from callcenter.demo.cast import DIDS, TOPICS

BLOCK_S = 40.0
LEAST = 0.82
"""Least share of the mean number of calls in a block: 34 of 42 in 40 s."""
ENTERPRISE_SHARE = 0.34
TOPIC_SHARE = 0.12
"""Share of ordinary callers whose matter needs a specialist."""
GIVES_UP_S = 0.9
"""When the scripted impatient caller hangs up: before the fastest seat picks up."""
PATIENT_S = 120.0
SEAT_PICKS_UP_S = (1.1, 2.2)


class Role(Enum):
    """What a caller is there for."""

    ORDINARY = "ordinary"
    GIVES_UP = "gives up"
    """Hangs up before anybody can pick up."""
    HANDED_OVER = "handed over"
    """His seat hands him to a specialist."""
    NOT_PICKED_UP = "not picked up"
    """The first seat whose phone he makes ring lets it ring."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One caller of the stream."""

    index: int
    at_s: float
    """Seconds after the first call."""
    number: str
    """His own number."""
    line: str
    did: str
    patience_s: float
    """How long he waits for a person before he hangs up."""
    talk_s: float
    """How long he and the seat have to say to each other."""
    caller_ends: bool
    """Whether he hangs up first after the talk, or the seat."""
    topic: str | None
    """Topic of which his seat hands him over; None: the seat can help."""
    specialist_s: float
    """How long he talks with a specialist."""
    role: Role = Role.ORDINARY


_SCRIPT = {
    0.10: (Role.NOT_PICKED_UP, "general"),
    0.18: (Role.HANDED_OVER, "enterprise"),
    0.30: (Role.GIVES_UP, "general"),
    0.36: (Role.HANDED_OVER, "general"),
    0.55: (Role.GIVES_UP, "enterprise"),
}
"""Where in a block (share of its calls) which caller stands, and which line he dials."""


def stream(seed: int, seconds: float | None, calls_per_s: float) -> Iterator[Visit]:
    """Yield the callers in order of arrival, the first at 0 s; without end when `seconds` is None."""
    source = random.Random(seed)
    begin, index = 0.0, 0
    while seconds is None or begin < seconds:
        length = BLOCK_S if seconds is None else min(BLOCK_S, seconds - begin)
        is_first = begin == 0.0
        instants = _instants(source, length, calls_per_s, len(_SCRIPT) + 1 if is_first else 0)
        if is_first:
            instants[0] = 0.0
        script = _places(len(instants)) if is_first or length >= BLOCK_S / 2 else {}
        for place, instant in enumerate(instants):
            yield _visit(source, index, begin + instant, script.get(place))
            index += 1
        begin += length


def _places(count: int) -> dict[int, tuple[Role, str]]:
    """Return where the scripted callers stand in a block of so many calls, each in a place of his own."""
    places: dict[int, tuple[Role, str]] = {}
    for share, what in _SCRIPT.items():
        places[max(int(share * count), max(places, default=-1) + 1)] = what
    return places


def _instants(source: random.Random, length: float, calls_per_s: float, least: int) -> list[float]:
    mean = length * calls_per_s
    count, at = -1, 0.0
    while at <= length:
        at += source.expovariate(calls_per_s)
        count += 1
    return sorted(source.uniform(0.0, length) for _ in range(max(count, int(LEAST * mean), least)))


def _visit(source: random.Random, index: int, at_s: float, script: tuple[Role, str] | None) -> Visit:
    is_enterprise, is_hasty = source.random() < ENTERPRISE_SHARE, source.random() < 0.15
    patience_s = source.uniform(2.0, 4.0) if is_hasty else 4.0 + source.expovariate(1 / 14)
    talk_s = min(2.0 + source.expovariate(1 / 3.5), 12.0)
    caller_ends, has_topic = source.random() < 0.5, source.random() < TOPIC_SHARE
    topic, specialist_s = source.choice(sorted(TOPICS)), source.uniform(2.5, 5.0)
    role, line = script or (Role.ORDINARY, "enterprise" if is_enterprise else "general")
    if role is Role.GIVES_UP:
        patience_s = GIVES_UP_S
    elif role is not Role.ORDINARY:
        patience_s = PATIENT_S
    wants_specialist = role is Role.HANDED_OVER or (role is Role.ORDINARY and has_topic)
    return Visit(
        index=index,
        at_s=at_s,
        number=f"138{index:08d}",
        line=line,
        did=DIDS[line],
        patience_s=patience_s,
        talk_s=talk_s,
        caller_ends=caller_ends,
        topic=topic if wants_specialist else None,
        specialist_s=specialist_s,
        role=role,
    )
