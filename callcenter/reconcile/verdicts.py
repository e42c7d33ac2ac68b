"""What became of one call when both witnesses were heard, and the sum of it all (pure).

Theory of operation: each call of the period is one of these, in this order:

- `open`: it has not ended for either witness;
- `unknown`: one of the two cannot know: CEL does not reach back so far or has no row of that PBX, nobody watched its end and
  CEL does not tell it, or the PBX's clock was set while it lived. What both know of it must still agree;
- `mismatched`: something differs;
- `rebuilt`: its row was told from CEL after a gap, at least in part, so that it agrees proves nothing;
- `agreed`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from acd.names import CallId

KEPT = 1_000
"""So many mismatches, and unknown calls, are kept to be shown; the others are counted."""


class Verdict(StrEnum):
    """What became of one call."""

    AGREED = "agreed"
    MISMATCHED = "mismatched"
    REBUILT = "rebuilt"
    UNKNOWN = "unknown"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two say differently of one call."""

    call: CallId
    arrived_ms: int
    what: str
    ledger: str
    cel: str
    """What each says, as text; `-` where it says nothing."""
    is_rebuilt: bool = False
    """The ledger's row was told from CEL."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call that cannot be judged, and why."""

    call: CallId
    arrived_ms: int
    why: str


@dataclass(slots=True)
class Result:
    """Everything that came out of a period."""

    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    differences: list[Difference] = field(default_factory=list)
    mismatches: int = 0
    """All differences, those that were not kept too."""
    unknown: list[Unknown] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What is wrong with CEL itself: lines that are no rows, a file that is cut off, nothing of the period."""

    @property
    def calls(self) -> int:
        """Calls of the period that either witness knows."""
        return sum(self.counts.values())

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.mismatches

    @property
    def has_evidence(self) -> bool:
        """Whether some call agreed or was rebuilt, if any was over: where all are unknown the witnesses have not agreed on anything."""
        counts = self.counts
        return not counts[Verdict.UNKNOWN] or bool(counts[Verdict.AGREED] or counts[Verdict.REBUILT])

    def add(self, verdict: Verdict, differences: Iterable[Difference] = (), unknown: Unknown | None = None) -> None:
        """Count one call."""
        self.counts[verdict] += 1
        for one in differences:
            self.note(one)
        if unknown is not None and len(self.unknown) < KEPT:
            self.unknown.append(unknown)

    def note(self, difference: Difference) -> None:
        """Take a difference down."""
        self.mismatches += 1
        if len(self.differences) < KEPT:
            self.differences.append(difference)
