"""How much of a call should be in its sound file: talked and not paused, added up from the records while the call lives.

Theory of operation: a file may be there and still lack half of the talk, when the disk became full in between. So the time
that should have been written is counted beside it. A service that was started in the middle of a call counts too little, and
then nothing is missed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from acd.names import CallId, OfferId
from acd.records import CallClosed, Record, RecordingPaused, TalkClosed, TalkOpened


@dataclass(slots=True)
class _Said:
    talking: set[OfferId] = field(default_factory=set)
    is_paused: bool = False
    since_ms: int | None = None
    """Since when it is written; None: it is not."""
    sum_ms: int = 0

    def moved(self, at_ms: int) -> None:
        """Begin, go on or stop counting, as things are now."""
        if self.since_ms is not None:
            self.sum_ms += max(at_ms - self.since_ms, 0)
        self.since_ms = at_ms if self.talking and not self.is_paused else None


class SaidTime:
    """The living calls' time that should be written."""

    def __init__(self) -> None:
        self._calls: dict[CallId, _Said] = {}

    def observe(self, records: Iterable[Record]) -> None:
        """Count."""
        for record in records:
            if isinstance(record, TalkOpened):
                said = self._calls.setdefault(record.call, _Said())
                said.talking.add(record.offer)
            elif isinstance(record, CallClosed):
                self._calls.pop(record.call, None)
                continue
            elif not isinstance(record, TalkClosed | RecordingPaused) or record.call not in self._calls:
                continue
            elif isinstance(record, TalkClosed):
                said = self._calls[record.call]
                said.talking.discard(record.offer)
            else:
                said = self._calls[record.call]
                said.is_paused = record.is_paused
            said.moved(record.at_ms)

    def until(self, call: CallId, at_ms: int) -> int:
        """Return how much of a living call should be written by now, milliseconds; 0 for one that is not known."""
        said = self._calls.get(call)
        if said is None:
            return 0
        return said.sum_ms + (max(at_ms - said.since_ms, 0) if said.since_ms is not None else 0)
