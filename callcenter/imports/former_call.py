"""One row of a file becomes a call of the ledger, or a reason why it is none.

Theory of operation: what a row may say is said by the ledger's own rules: the order of instants (`tables.ORDERED`), the
outcomes and their reasons (`acd.names`), an answer exactly where the outcome is agent_answered, talk only behind an answer
and within the call. Blanks around a call_id, line, agent or caller are no part of it: a padded number is the same caller. The
quick path looks whether all of the rules hold; only when one does not, the slow path finds out which. Nothing is guessed: a
row that contradicts itself is bad. The one thing that is derived is an empty outcome of an inbound call: answered, else hung
up in the queue if it came so far, else in the greeting.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import NoReturn

from acd.names import Outcome, RejectReason
from callcenter.imports.csv_file import OPTIONAL, REQUIRED
from callcenter.imports.errors import BadRow
from callcenter.storage.imported_calls import ImportedCall
from callcenter.storage.tables import ORDERED
from metrics.lengths import DAY_MS

LONGEST_TEXT = 200
"""Characters of a call_id, line, agent or caller: they stand in indexes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_SECONDS = re.compile(r"(\d{1,9})\.(\d{1,9})")
_SYSTEM = "system"
UNKNOWN = "unknown"
"""What a file writes where nobody knows how an unanswered call ended."""
INSTANTS = {"arrived_ms": "arrived_at", "queued_ms": "queued_at", "answered_ms": "answered_at", "ended_ms": "ended_at"}
"""Milestones of the ledger that a file knows, and their columns in it."""
MOST_KNOWN = 10_000
"""Lines and agents that are kept."""
MOST_HOURS = 100_000
"""That are kept: eleven years."""
LONGEST_DAY = 10
"""Characters of a date alone, as `2020-12-31`: no instant, though the library would take it for its midnight."""
TOLERANCE_MS = DAY_MS
"""So much later than now an instant may lie: clocks go wrong, and zones are mistaken."""
WITHIN_HOUR_MS = {f"{m:02}:{s:02}": (m * 60 + s) * 1000 for m in range(60) for s in range(60)}


def _outcomes() -> Iterator[tuple[tuple[str, bool, bool, str], tuple[str | None, str]]]:
    """Yield what may stand under `outcome`: (direction, answered, queued, text) -> (outcome, reason)."""
    abandoned = {True: Outcome.ABANDONED_QUEUE, False: Outcome.ABANDONED_IVR}
    for queued in (True, False):
        yield ("outbound", True, queued, ""), (None, "")
        yield ("outbound", False, queued, ""), (None, "")
        for text in ("", Outcome.AGENT_ANSWERED.value):
            yield ("inbound", True, queued, text), (Outcome.AGENT_ANSWERED.value, "")
        yield ("inbound", False, queued, ""), (abandoned[queued].value, "")
        yield ("inbound", False, queued, UNKNOWN), (None, "")
        for outcome in Outcome:
            if outcome not in (Outcome.AGENT_ANSWERED, Outcome.FAILED):
                yield ("inbound", False, queued, outcome.value), (outcome.value, "")
        for reason in RejectReason:
            yield ("inbound", False, queued, f"rejected({reason.value})"), (Outcome.REJECTED.value, reason.value)
        for text in ("failed", f"failed({_SYSTEM})"):
            yield ("inbound", False, queued, text), (Outcome.FAILED.value, _SYSTEM)


OUTCOMES: Mapping[tuple[str, bool, bool, str], tuple[str | None, str]] = dict(_outcomes())


class Instants:
    """Reads ISO 8601 instants as milliseconds since the epoch, cut. `zone`: what those without a zone are meant in.

    Of many instants most lie in hours seen before: what stands around minutes and seconds is looked up."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self.hours: dict[str, int] = {}
        """An instant without its `MM:SS` -> the instant at minute and second 0; those seen so far. With `WITHIN_HOUR_MS` of
        the `MM:SS` it gives what `ms` gives, without a call."""

    def ms(self, text: str) -> int:
        """Return one instant. Raises ValueError; TypeError where it has no zone and none is given."""
        at_ms = self._exactly(text)
        if text[14:19] in WITHIN_HOUR_MS:
            first, last = (self._exactly(f"{text[:14]}{within}{text[19:]}") for within in ("00:00", "59:59"))
            if last - first == WITHIN_HOUR_MS["59:59"]:  # the clocks do not change in between
                if len(self.hours) >= MOST_HOURS:
                    self.hours.clear()
                self.hours[text[:14] + text[19:]] = first
        return at_ms

    def _exactly(self, text: str) -> int:
        if len(text) <= LONGEST_DAY:
            raise ValueError(text)
        at = datetime.fromisoformat(text)
        return ((at if at.tzinfo is not None else at.replace(tzinfo=self._zone)) - _EPOCH) // _MS


class RowReader:
    """Reads the rows of one file. `zone`: what instants without a zone are meant in; None: they are bad. `now_ms`: a call of
    later than this, and a day of tolerance, is bad."""

    def __init__(
        self, header: Sequence[str], columns: Mapping[str, int], zone: tzinfo | None = None, *, now_ms: int
    ) -> None:
        self._asked = (header, columns, zone)
        self._now_ms = now_ms
        self._latest_ms = now_ms + TOLERANCE_MS
        self._width = len(header)
        self._instants = Instants(zone)
        self._known: set[str] = set()
        """Lines and agents that were looked at."""
        places = [columns.get(name, self._width) for name in (*REQUIRED, *OPTIONAL)]
        self._pick = itemgetter(*places)
        self._lacks = [""] if self._width in places else []

    def another(self) -> "RowReader":
        """Return a reader of the same file for another thread: it remembers what it has seen for itself."""
        return RowReader(*self._asked, now_ms=self._now_ms)

    def read(self, row_line: int, fields: list[str]) -> ImportedCall:
        """Return the call of a row. Raises BadRow."""
        if len(fields) != self._width:
            raise BadRow(f"{len(fields)} fields instead of {self._width}")
        told = self._pick(fields + self._lacks if self._lacks else fields)
        call_id, direction, arrived, queued, answered, ended, talk, outcome, line, agent, caller = told
        call_id, line, agent, caller = call_id.strip(), line.strip(), agent.strip(), caller.strip()
        own = call_id + caller
        if len(own) > LONGEST_TEXT or not own.isascii() or "\0" in own or not self._known.issuperset((line, agent)):
            self._look_at(call_id, line, agent, caller)
        hours, within = self._instants.hours, WITHIN_HOUR_MS
        try:
            arrived_ms = hours[arrived[:14] + arrived[19:]] + within[arrived[14:19]]
            queued_ms = hours[queued[:14] + queued[19:]] + within[queued[14:19]] if queued else None
            answered_ms = hours[answered[:14] + answered[19:]] + within[answered[14:19]] if answered else None
            ended_ms = hours[ended[:14] + ended[19:]] + within[ended[14:19]]
        except KeyError:
            arrived_ms, queued_ms, answered_ms, ended_ms = self._instants_of(arrived, queued, answered, ended)
        talk_ms = int(talk) * 1000 if talk.isdecimal() and len(talk) < 10 else _parts_of_seconds(talk)
        if answered_ms is None:
            first, is_whole = ended_ms, not talk_ms
        else:
            first, is_whole = answered_ms, bool(talk) and talk_ms <= ended_ms - answered_ms
        meant = OUTCOMES.get((direction, answered_ms is not None, queued_ms is not None, outcome))
        last = first if queued_ms is None else queued_ms
        in_order = 0 <= arrived_ms <= last <= first <= ended_ms <= self._latest_ms
        if not in_order or not is_whole or meant is None or not call_id:
            _explain(told, (arrived_ms, queued_ms, answered_ms, ended_ms), talk_ms, self._latest_ms)
        values = (
            row_line, call_id, direction, line, caller, agent or None,
            arrived_ms, queued_ms, answered_ms, ended_ms, talk_ms, *meant,
        )  # fmt: skip
        return tuple.__new__(ImportedCall, values)  # four times as fast as by name, ten million times

    def _look_at(self, call_id: str, line: str, agent: str, caller: str) -> None:
        _check_texts(call_id, line, agent, caller)
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known |= {line, agent}

    def _instants_of(
        self, arrived: str, queued: str, answered: str, ended: str
    ) -> tuple[int, int | None, int | None, int]:
        """Read the instants of a row, some of which lie in an hour that was not seen yet."""
        instant = self._instants.ms
        try:
            queued_ms = instant(queued) if queued else None
            return instant(arrived), queued_ms, instant(answered) if answered else None, instant(ended)
        except (ValueError, TypeError, OverflowError):
            self._explain_instants(arrived, queued, answered, ended)

    def _explain_instants(self, *texts: str) -> NoReturn:
        for name, text in zip(INSTANTS.values(), texts, strict=True):
            if not text:
                if name in ("arrived_at", "ended_at"):
                    raise BadRow(f"{name} is empty: a call of a former system has arrived and ended")
                continue
            try:
                self._instants.ms(text)
            except TypeError:
                raise BadRow(f"{name} {_short(text)} has no zone: write +08:00 behind it, or give --zone") from None
            except (ValueError, OverflowError):
                raise BadRow(f"{name} {_short(text)} is no instant: 2020-12-31T23:59:59+08:00 is one") from None
        raise AssertionError(texts)


def _check_texts(*texts: str) -> None:
    """Raise BadRow unless every text can stand in any database, and in an index."""
    for name, text in zip(("call_id", "line", "agent", "caller"), texts, strict=True):
        if len(text) > LONGEST_TEXT:
            raise BadRow(f"{name} has {len(text)} characters, at most {LONGEST_TEXT} can be kept")
        if "\0" in text:
            raise BadRow(f"{name} holds a NUL byte")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRow(f"{name} holds bytes that the file's encoding does not know: give --encoding") from None


def _parts_of_seconds(text: str) -> int:
    """Return seconds with a decimal point as milliseconds, cut; empty is none. Raises BadRow."""
    if not text:
        return 0
    found = _SECONDS.fullmatch(text)
    if found is None:
        raise BadRow(f"talk_s {_short(text)} is no number of seconds: 311 and 311.5 are")
    return int(found[1]) * 1000 + int(f"{found[2]}00"[:3])


def _explain(
    told: tuple[str, ...], instants: tuple[int, int | None, int | None, int], talk_ms: int, latest_ms: int
) -> NoReturn:
    """Raise BadRow with the rule that a row breaks."""
    call_id, direction, *texts, talk, outcome, _, _, _ = told
    call_id = call_id.strip()
    said = dict(zip(INSTANTS, texts, strict=True))
    at = dict(zip(INSTANTS, instants, strict=True))
    answered_ms = at["answered_ms"]
    if not call_id:
        raise BadRow("call_id is empty: without it the call cannot be told from others")
    if direction not in ("inbound", "outbound"):
        raise BadRow(f"direction {_short(direction)} is neither inbound nor outbound")
    for earlier, later in ORDERED:
        first, second = at.get(earlier), at.get(later)
        if first is not None and second is not None and second < first:
            names = f"{INSTANTS[later]} {_short(said[later])} lies before {INSTANTS[earlier]}"
            raise BadRow(f"{names} {_short(said[earlier])}")
    _check_days(said, instants[0], instants[3], latest_ms)
    if answered_ms is None and talk_ms:
        raise BadRow(f"talk_s is {talk}, but answered_at is empty")
    if answered_ms is not None and not talk:
        raise BadRow("answered_at is given, but talk_s is empty")
    if answered_ms is not None and talk_ms > instants[3] - answered_ms:
        raise BadRow(f"talk_s {talk} is longer than from answered_at to ended_at")
    _explain_outcome(direction, outcome, is_answered=answered_ms is not None)


def _check_days(said: Mapping[str, str], arrived_ms: int, ended_ms: int, latest_ms: int) -> None:
    """Raise BadRow for a day on which no call of a former system can have been."""
    if arrived_ms < 0:
        raise BadRow(f"arrived_at {_short(said['arrived_ms'])} lies before 1970")
    for name, at_ms in (("arrived_ms", arrived_ms), ("ended_ms", ended_ms)):
        if at_ms > latest_ms:
            raise BadRow(f"{INSTANTS[name]} {_short(said[name])} lies in the future")


def _explain_outcome(direction: str, outcome: str, *, is_answered: bool) -> NoReturn:
    if direction == "outbound":
        raise BadRow(f"an outbound call has no outcome, but {_short(outcome)} is given: leave it empty")
    if outcome == Outcome.AGENT_ANSWERED.value:
        raise BadRow("the outcome is agent_answered, but answered_at is empty")
    if is_answered and ("inbound", False, True, outcome) in OUTCOMES:
        raise BadRow(f"the outcome is {outcome}, but answered_at is given: the first answer makes it agent_answered")
    raise BadRow(
        f"outcome {_short(outcome)} is unknown: leave it empty, or write one of {', '.join((*Outcome, UNKNOWN))}"
    )


def _short(text: str) -> str:
    """Return a text as it can be shown in a reason."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
