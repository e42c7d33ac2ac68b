"""What our own dialplan said of a call in CEL: line, number dialled, queued, whose phone was dialled for which wish.

Theory of operation: these rows are NOT independent of the service, so no comparison of the two witnesses may read them
(`callcenter.witness.cel` never does). They serve one purpose: what happened while nobody watched is rebuilt for the
ledger from CEL, and a call there needs a line and a queued instant, which Asterisk itself does not know.

Sources: the dialplan's `CELGenUserEvent` rows (tokens of ours only: the dialplan filters them, and so do we once more),
APP_START of `Queue` (whoever is dialled next is dialled by the fallback), ANSWER inside the greeting's context (a greeting
begins with it), and the caller's number of CHAN_START, which he controls: digits or nothing.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from callcenter.witness.cel import fields_of, microseconds_of

MENU_CONTEXT = "callcenter-menu"
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}\Z")
_TOKEN = re.compile(r"[A-Za-z0-9_.*+#@/-]{0,250}\Z")
_KEYS = re.compile(r"[0-9*#]{0,8}\Z")
_INSTANT = re.compile(r"[0-9]{1,12}\.[0-9]{6}\Z")


class DialKind(StrEnum):
    """Who had a phone dialled for the caller."""

    OFFER = "CcOffer"
    """The service's wish for a person."""
    OUT = "CcOut"
    """The service's wish for an exit: an outside number, a mailbox, a refusal."""
    QUEUE = "Queue"
    """The PBX's own queue."""


@dataclass(frozen=True, slots=True)
class Dial:
    """From here on whoever is dialled for the caller is dialled for this."""

    kind: DialKind
    at_ms: int
    target: str = ""
    """The wish, `<kind>*<digits>*<offer>*<epoch>*<ring_s>`; empty for the queue."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the caller left."""

    at_ms: int
    path: str
    size: int | None
    length_ms: int | None


@dataclass(frozen=True, slots=True)
class Rating:
    """What the caller pressed when he was asked for a rating."""

    at_ms: int
    offer: str
    score: int | None
    keys: str


@dataclass(slots=True)
class Spoken:
    """One caller's channel, as the dialplan told it."""

    uniqueid: str
    channel: str
    arrived_ms: int
    line: str = ""
    is_test: bool = False
    did: str = ""
    sip_call_id: str = ""
    """Empty: the dialplan is of a version that does not say it."""
    caller_number: str = ""
    """Empty: withheld, or nothing that a number can be."""
    menu_ms: int | None = None
    queued_ms: int | None = None
    """End of the greeting; None: it never ended, or the line has none (then arrived is queued)."""
    dials: list[Dial] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    recording: str = ""
    """Path of the call's sound file; empty: none was begun."""
    rating: Rating | None = None

    def dial_of(self, leg_ms: int) -> Dial | None:
        """Return what a channel that was made for this caller at `leg_ms` was dialled for; None: for nothing we know."""
        return next((dial for dial in reversed(self.dials) if dial.at_ms <= leg_ms), None)


SpokenRow: TypeAlias = tuple[int, dict[str, str]]
"""(instant ms, columns by name)."""
_KINDS = (
    "CcArrived",
    "CcQueued",
    "CcOffer",
    "CcOut",
    "CcVoicemail",
    "CcRecording",
    "CcRating",
    "APP_START",
    "ANSWER",
    "CHAN_START",
)
LINE_BEGINS = tuple(f'"{kind}"' for kind in _KINDS)
"""How a line of the file begins that may say something here."""


def read_spoken(lines: Iterable[str]) -> dict[str, Spoken]:
    """Read whole lines of the file (pure); callers by Uniqueid."""
    return spoken_of(spoken_rows(lines))


def spoken_rows(lines: Iterable[str]) -> list[SpokenRow]:
    """Return the rows that may say something. Lines that are no rows are left out: `parse_lines` tells them."""
    rows: list[SpokenRow] = []
    for line in lines:
        if not line.startswith(LINE_BEGINS):
            continue
        try:
            fields = fields_of(line)
            if fields is not None and _may_say(fields):
                rows.append((microseconds_of(fields["eventtime"]) // 1000, fields))
        except ValueError:
            continue
    return rows


def _may_say(fields: dict[str, str]) -> bool:
    """Leave out what most rows of two kinds are: other applications, answers outside a greeting."""
    if fields["eventtype"] == "APP_START":
        return fields["appname"] == "Queue"
    return fields["eventtype"] != "ANSWER" or fields["context"] == MENU_CONTEXT


def spoken_of(rows: Iterable[SpokenRow]) -> dict[str, Spoken]:
    """Put rows together: callers by Uniqueid."""
    told: dict[str, Spoken] = {}
    ordered = sorted(rows, key=lambda row: row[0])
    numbers: dict[str, str] = {}
    for at_ms, fields in ordered:
        if fields["eventtype"] == "CHAN_START":
            numbers[fields["uniqueid"]] = number_of(fields["cidnum"])
        elif fields["eventtype"] == "CcArrived":
            _arrived(told, at_ms, fields, numbers.get(fields["uniqueid"], ""))
        elif (one := told.get(fields["uniqueid"])) is not None and (take := _TAKE.get(fields["eventtype"])):
            take(one, at_ms, fields)
    return told


def number_of(text: str) -> str:
    """Return a caller's number as it may stand in the ledger: digits, `*`, `#`, a leading plus; else nothing."""
    plain = re.sub(r"[ ().-]", "", text)
    return plain if _NUMBER.match(plain) else ""


def _said(fields: dict[str, str]) -> str:
    """What CELGenUserEvent was given; empty where it is not of the dialplan's kind."""
    try:
        extra = json.loads(fields["eventextra"] or "{}")
    except ValueError:
        return ""
    text = extra.get("extra", "") if isinstance(extra, dict) else ""
    return text if isinstance(text, str) and _TOKEN.match(text) else ""


def _arrived(told: dict[str, Spoken], at_ms: int, fields: dict[str, str], number: str) -> None:
    line, _, rest = _said(fields).partition("*")
    instant, _, rest = rest.partition("*")
    test, _, rest = rest.partition("*")
    sip_call_id, _, did = rest.partition("*")
    arrived_ms = _instant_ms(instant)
    told[fields["uniqueid"]] = Spoken(
        uniqueid=fields["uniqueid"],
        channel=fields["channame"],
        arrived_ms=at_ms if arrived_ms is None else arrived_ms,
        line=line,
        is_test=test == "1",
        did=did,
        sip_call_id=sip_call_id,
        caller_number=number,
    )


def _queued(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    if one.queued_ms is None:
        instant_ms = _instant_ms(_said(fields).partition("*")[2])
        one.queued_ms = at_ms if instant_ms is None else instant_ms


def _dialled(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    one.dials.append(Dial(DialKind(fields["eventtype"]), at_ms, _said(fields)))


def _spoke(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    path, _, rest = _said(fields).partition("*")
    size, _, length = rest.partition("*")
    if path:
        one.messages.append(Message(at_ms, path, _whole(size), _whole(length)))


def _recorded(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    one.recording = one.recording or _said(fields)


def _rated(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    score, _, rest = _said(fields).partition("*")
    offer, _, keys = rest.partition("*")
    counts = int(score) if score in {"1", "2", "3", "4", "5"} else None
    one.rating = Rating(at_ms, offer, counts, keys if _KEYS.match(keys) else "")


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _app_started(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    if fields["appname"] == "Queue":
        one.dials.append(Dial(DialKind.QUEUE, at_ms))


def _answered(one: Spoken, at_ms: int, fields: dict[str, str]) -> None:
    if fields["context"] == MENU_CONTEXT and one.menu_ms is None:
        one.menu_ms = at_ms


def _instant_ms(text: str) -> int | None:
    """`1795482036.153765` as milliseconds; None for anything else."""
    try:
        return microseconds_of(text) // 1000 if _INSTANT.match(text) else None
    except ValueError:
        return None


_TAKE: dict[str, Callable[[Spoken, int, dict[str, str]], None]] = {
    "CcQueued": _queued,
    "CcOffer": _dialled,
    "CcOut": _dialled,
    "CcVoicemail": _spoke,
    "CcRecording": _recorded,
    "CcRating": _rated,
    "APP_START": _app_started,
    "ANSWER": _answered,
}
