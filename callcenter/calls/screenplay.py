"""The language of screenplays: short sentences, each one act of one person at his phone (pure).

`caller dials`, `seat rings`, `seat picks up`, `1.5 s pass`: the first word is who, the rest is what. A sentence that
nobody can play, or that is about somebody who is not in the cast, is refused when the file is read, not when it is played.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from callcenter.calls.errors import ScenarioError
from callcenter.calls.scenario import Inbound, Outbound, Scenario

OUTSIDE = "outside"
SERVICE = "service"


class Part(StrEnum):
    """What somebody is."""

    CALLER = "caller"
    PHONE = "phone"
    """A seat or a specialist at his phone."""
    OUTSIDE = "outside"
    """Whoever is behind the trunk."""
    SERVICE = "service"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence, read."""

    text: str
    part: Part
    who: str
    act: str
    """Name of the act; `callcenter.calls.play` has a method of this name for the part."""
    with_: str = ""
    """What the act is done with: keys, a status, a line, seconds."""


_SECONDS = r"(\d+(?:\.\d+)?) s"
ACTS: Mapping[Part, tuple[tuple[str, str], ...]] = {
    # Sentence without its first word, as a pattern -> act. A group is what the act is done with.
    Part.CALLER: (
        (r"dials(?: (\w+))?", "dials"),
        (r"hears (ringing|music|a voice)", "hears"),
        (r"presses ([0-9*#]+)", "presses"),
        (rf"speaks for {_SECONDS}", "speaks"),
        (r"hangs up", "hangs_up"),
        (r"hangs up as the ring time of (\w+) ends", "hangs_up_at_ring_end"),
        (r"is let go", "is_let_go"),
    ),
    Part.PHONE: (
        (r"will say (\d{3}|nothing)", "will_say"),
        (r"rings", "rings"),
        (r"does not ring", "does_not_ring"),
        (r"picks up", "picks_up"),
        (r"picks up as (\w+) hangs up", "picks_up_in_the_instant"),
        (r"refuses", "refuses"),
        (r"stops ringing", "is_let_go"),
        (r"hangs up", "hangs_up"),
        (r"is let go", "is_let_go"),
        (r"presses (\*[78]) and the topic", "presses_topic"),
        (r"transfers to the topic", "transfers"),
        (r"puts the caller on hold", "holds"),
        (r"calls the topic", "consults"),
        (r"is answered", "is_answered"),
        (r"joins the two", "joins"),
        (r"is killed", "is_killed"),
        (r"dials out", "dials_out"),
        (r"is ready", "is_ready"),
        (r"is not ready", "is_not_ready"),
    ),
    Part.OUTSIDE: (
        (r"rings", "rings"),
        (r"picks up", "picks_up"),
        (r"says (\d{3})", "says"),
        (r"hangs up", "hangs_up"),
        (r"is let go", "is_let_go"),
    ),
    Part.SERVICE: (
        (r"is about to go", "is_about_to_go"),
        (r"is gone", "is_gone"),
        (r"is back", "is_back"),
    ),
}


def steps_of(scenario: Scenario) -> tuple[Step, ...]:
    """Return the scenario's screenplay, read. Raises ScenarioError."""
    return tuple(_step(scenario, text) for text in scenario.happens)


def name_of(seat: str) -> str:
    """`NAME of LINE` -> NAME."""
    return seat.partition(" of ")[0]


def line_of(seat: str) -> str:
    """`NAME of LINE` -> LINE, the kind's own is the empty name."""
    return seat.partition(" of ")[2]


def cast(scenario: Scenario) -> dict[str, Part]:
    """Return who is in it. Raises ScenarioError where a name is there twice or an expectation is about a stranger."""
    phones = [name_of(seat) for seat in scenario.seats] + list(scenario.specialists)
    names = [*phones, *scenario.callers, OUTSIDE, SERVICE]
    if len(set(names)) < len(names):
        raise ScenarioError(f"{scenario.family} {scenario.kind}", f"a name is there twice: {names}")
    for name, expected in scenario.calls.items():
        people = {name} if isinstance(expected, Outbound) else {expected.agent, *expected.talks} - {None}
        if isinstance(expected, Inbound):
            people |= {who for who, _ in expected.offers} | {*(expected.rang or ())}
        if strangers := {str(one) for one in people} - {*phones, OUTSIDE}:
            raise ScenarioError(f"{scenario.family} {scenario.kind}", f"nobody is called {', '.join(strangers)}")
    parts = dict.fromkeys(phones, Part.PHONE) | dict.fromkeys(scenario.callers, Part.CALLER)
    return parts | {OUTSIDE: Part.OUTSIDE, SERVICE: Part.SERVICE}


def _step(scenario: Scenario, text: str) -> Step:
    if passes := re.fullmatch(rf"{_SECONDS} pass", text):
        return Step(text, Part.TIME, "", "pass", passes[1])
    who, _, rest = text.partition(" ")
    part = cast(scenario).get(who)
    if part is None:
        raise ScenarioError(f"{scenario.family} {scenario.kind}", f"nobody is called {who!r}: {text!r}")
    for pattern, act in ACTS[part]:
        if found := re.fullmatch(pattern, rest):
            return Step(text, part, who, act, (found[1] or "") if found.groups() else "")
    raise ScenarioError(f"{scenario.family} {scenario.kind}", f"a {part} cannot do that: {text!r}")
