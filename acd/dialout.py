"""Who may dial what: the pure judgement over an agent's wish to dial out.

Theory of operation: the dialplan asks before it dials, and this says yes with the line, the own number and the call that
is called back, or no with the reason. An agent may dial for one line (`agents.N.outbound`). A number is digits, with a `+`
in front or without, 3 to 20 of them; nothing else is dialled, so neither a keypad code of the trunk nor a part of a
hostile text can be. A denied beginning (`outbound_deny`) holds for every spelling of a number: `+` reads as `00`, and behind `+` and
the own country's code also as the number that it is here. Emergency numbers never come here: the dialplan lets every
phone dial them at once, with the service or without.
"""

from dataclasses import dataclass
from enum import StrEnum

from acd.plan import Plan

MIN_DIGITS = 3
MAX_DIGITS = 20
TIED_MS = 30 * 60 * 1000
"""How long after the talk a number dialled by hand counts as calling that caller back."""
_SEPARATORS = str.maketrans("", "", " -.()")


class Refusal(StrEnum):
    """Why a number is not dialled."""

    NOBODY = "nobody"
    """Nobody is logged in at the phone."""
    NOT_ALLOWED = "not_allowed"
    """The plan lets this agent dial for no line."""
    NO_NUMBER = "no_number"
    """It is no number: too short, too long, or something else than digits."""
    DENIED = "denied"
    """It begins as the plan denies."""
    NO_CALLER = "no_caller"
    """Call-back: the agent spoke to nobody in this shift."""
    WITHHELD = "withheld"
    """Call-back: the caller's number is not known."""


@dataclass(frozen=True, slots=True)
class LastCaller:
    """Whom an agent spoke to last, on an inbound call."""

    pbx: str
    uniqueid: str
    number: str
    """As received and cleaned (`clean`); empty: withheld."""
    since_ms: int = 0
    """Begin of that talk."""
    ended_ms: int | None = None
    """End of that talk; None: it goes on."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What is dialled, and as whom."""

    number: str
    line: str
    own_number: str
    """What the called party sees; empty: the trunk's own."""
    follows: str | None = None
    """Uniqueid of the inbound call that is called back."""


def clean(text: str) -> str:
    """Return a number as it can be dialled, without the separators that people write; empty when it is none."""
    number = text.translate(_SEPARATORS)
    return number if _is_number(number) else ""


def judge(
    plan: Plan,
    agent: str | None,
    number: str,
    pbx: str,
    at_ms: int,
    last: LastCaller | None,
    in_wrapup: bool = False,
) -> Permit | Refusal:
    """Judge a number dialled by hand at a phone where `agent` is logged in (None: nobody is)."""
    allowed = _may(plan, agent, number)
    if isinstance(allowed, Refusal):
        return allowed
    return Permit(number, *allowed, _followed(number, pbx, at_ms, last, in_wrapup))


def judge_call_back(plan: Plan, agent: str | None, pbx: str, last: LastCaller | None) -> Permit | Refusal:
    """Judge the wish to dial the last caller back."""
    if agent is None:
        return Refusal.NOBODY
    if last is None:
        return Refusal.NO_CALLER
    if not last.number:
        return Refusal.WITHHELD
    allowed = _may(plan, agent, last.number)
    if isinstance(allowed, Refusal):
        return allowed
    return Permit(last.number, *allowed, last.uniqueid if last.pbx == pbx else None)


def _may(plan: Plan, agent: str | None, number: str) -> tuple[str, str] | Refusal:
    """Return the line that the agent dials for and its own number, or why not."""
    if agent is None:
        return Refusal.NOBODY
    spec = plan.agents.get(agent)
    line = plan.lines.get(spec.outbound or "") if spec is not None else None
    if line is None:
        return Refusal.NOT_ALLOWED
    if not _is_number(number):
        return Refusal.NO_NUMBER
    if any(spelling.startswith(plan.outbound_deny) for spelling in _spellings(number, plan.country_code)):
        return Refusal.DENIED
    return line.code, line.outbound_number


def _is_number(text: str) -> bool:
    digits = text.removeprefix("+")
    return digits.isascii() and digits.isdigit() and MIN_DIGITS <= len(digits) <= MAX_DIGITS


def _spellings(number: str, country_code: str) -> tuple[str, ...]:
    """Return how a denied beginning may be written in this number."""
    if not number.startswith("+"):
        return (number,)
    digits = number[1:]
    if country_code and digits.startswith(country_code):
        return (number, digits.removeprefix(country_code))
    return (number, "00" + digits)


def _followed(number: str, pbx: str, at_ms: int, last: LastCaller | None, in_wrapup: bool) -> str | None:
    """Return the inbound call that a number dialled by hand calls back, None when it is none."""
    if last is None or last.number != number or last.pbx != pbx:
        return None
    is_fresh = in_wrapup or last.ended_ms is None or at_ms - last.ended_ms <= TIED_MS
    return last.uniqueid if is_fresh else None
