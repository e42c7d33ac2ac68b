"""The shipped recording rules as expressions to ask of any Prometheus, and the same figures counted from calls."""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import yaml

from acd.names import Outcome
from callcenter.sample.year import SampleCall

RULES = Path(__file__).resolve().parents[2] / "config" / "prometheus" / "rules" / "recording.yml"
ALL = ""
"""In place of a line: of all lines together."""
WINDOWS_S = {"5m": 300, "1h": 3600, "1d": 86_400}


def expressions(text: str) -> dict[str, str]:
    """Return each recorded name -> its expression, in which no recorded name stands: those are replaced by theirs."""
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    found: dict[str, str] = {}
    for rule in rules:
        found[rule["record"]] = re.sub(r"callcenter:[\w:]+", lambda name: f"({found[name[0]]})", rule["expr"])
    return found


def asked_for(rules: Mapping[str, str]) -> set[str]:
    """Return the names of the samples that these expressions ask for."""
    return set(re.findall(r"callcenter_\w+", " ".join(rules.values())))


class _Sum:
    """What some calls have of something, by when they ended."""

    def __init__(self, values: Sequence[tuple[int, int]]) -> None:
        ordered = sorted(values)
        self._ended = [ended for ended, _ in ordered]
        self._sums = [0, *accumulate(value for _, value in ordered)]

    def within(self, after_ms: int, until_ms: int) -> int:
        """Return it of the calls that ended in (after, until]."""
        return self._sums[bisect_right(self._ended, until_ms)] - self._sums[bisect_right(self._ended, after_ms)]


def _is_in(call: SampleCall) -> bool:
    return call.direction == "inbound"


def _is_answered(call: SampleCall) -> bool:
    return _is_in(call) and call.outcome is Outcome.AGENT_ANSWERED


def _is_reached(call: SampleCall) -> bool:
    return not _is_in(call) and call.answered_ms is not None


def _wait_ms(call: SampleCall) -> int:
    return (call.ended_ms if call.answered_ms is None else call.answered_ms) - call.arrived_ms


_MEASURES: dict[str, Callable[[SampleCall], int]] = {
    "offered": _is_in,
    "answered": _is_answered,
    "abandoned": lambda call: call.outcome in (Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE),
    "outbound_attempts": lambda call: not _is_in(call),
    "outbound_reached": _is_reached,
    "total_calls": lambda call: _is_answered(call) or _is_reached(call),
    "wait_ms": lambda call: _wait_ms(call) * _is_in(call),
    "in_time": lambda call: _is_answered(call) and _wait_ms(call) <= 20_000,
    "talk_ms": lambda call: call.talk_ms * _is_answered(call),
    "outbound_talk_ms": lambda call: call.talk_ms * _is_reached(call),
    "total_talk_ms": lambda call: call.talk_ms,
}
COUNTS = ("offered", "answered", "abandoned", "outbound_attempts", "outbound_reached", "total_calls")
RATIOS = {
    "connect_rate": ("answered", "offered", 1),
    "service_level_20s": ("in_time", "offered", 1),
    "average_wait_seconds": ("wait_ms", "offered", 1000),
    "average_talk_seconds": ("talk_ms", "answered", 1000),
    "outbound_average_talk_seconds": ("outbound_talk_ms", "outbound_reached", 1000),
    "total_average_talk_seconds": ("total_talk_ms", "total_calls", 1000),
}
"""Recorded name -> the measures that it is the quotient of, and by how much it is divided to have seconds."""


class Counted:
    """The figures of the calls that ended in a window."""

    def __init__(self, calls: Sequence[SampleCall]) -> None:
        lines = {call.line for call in calls}
        self._sums = {
            (measure, line): _Sum([(call.ended_ms, int(of(call))) for call in calls if line in (ALL, call.line)])
            for measure, of in _MEASURES.items()
            for line in (ALL, *lines)
        }
        self._lines = sorted(lines)

    def lines_of(self, name: str) -> Sequence[str]:
        """Return whose figures the recorded name is: of each line, or of all together."""
        return (ALL,) if name.startswith("total") else self._lines

    def count(self, measure: str, line: str, after_ms: int, until_ms: int) -> int:
        """Return a measure of the calls that ended in (after, until]."""
        return self._sums[measure, line].within(after_ms, until_ms)

    def ratio(self, name: str, line: str, after_ms: int, until_ms: int) -> tuple[float, int]:
        """Return a rate or an average, and of how many calls it is one (at least one)."""
        above, below, per = RATIOS[name]
        number = self.count(below, line, after_ms, until_ms)
        return self.count(above, line, after_ms, until_ms) / per / max(number, 1), number
