"""The PBX's clock as this process knows it: the only source of `now` for the live engine.

Theory: each verified ping tells one sample `local monotonic at receipt - PBX Timestamp`. Delays only make samples
larger, so the smallest sample of the last minute is the best one. `now()` is local monotonic time minus that offset,
held so that it never runs backwards. When the PBX's clock really moved by more than a second (the newest sample
disagrees with the window, in a direction or by an amount that delay cannot explain), the window starts afresh and the
step is told to the caller, who makes it a record.
"""

from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0
STEP_S = 1.0


class PbxClock:
    """Seconds since the epoch on the PBX's clock, monotonic; before the first sample, the local wall clock's guess."""

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset = monotonic() - wall()
        self._samples: deque[tuple[float, float]] = deque()
        """(local monotonic at receipt, offset), oldest first, of the last WINDOW_S."""
        self._floor = float("-inf")
        """The latest `now` given out: the clock never runs backwards."""

    @property
    def offset_s(self) -> float:
        """Local monotonic minus PBX time, seconds."""
        return self._offset

    @property
    def is_synchronised(self) -> bool:
        """Whether at least one sample of the PBX's clock has been seen."""
        return bool(self._samples)

    def now(self) -> float:
        """Return the PBX's time now, seconds since the epoch; never less than what was returned before."""
        now = self._monotonic() - self._offset
        self._floor = max(self._floor, now)
        return self._floor

    def pbx_now(self) -> float:
        """Return what the PBX's clock shows, also after it was put back: for what the PBX itself compares with its clock."""
        return self._monotonic() - self._offset

    def sample(self, received: float, pbx_s: float, round_trip_s: float = 0.0) -> float:
        """Take one sample: at local monotonic `received` the PBX said `pbx_s`. Return the step in seconds, 0.0 for none.

        A step forward of the PBX's clock makes samples smaller at once; a step back makes them larger by more than the
        measured `round_trip_s` of the ping can explain.
        """
        offset = received - pbx_s
        first = not self._samples
        moved = self._offset - offset
        is_step = not first and (moved > STEP_S or -moved > STEP_S + round_trip_s)
        if first or is_step:
            self._samples.clear()
        self._samples.append((received, offset))
        while self._samples and self._samples[0][0] < received - WINDOW_S:
            self._samples.popleft()
        self._offset = min(value for _, value in self._samples)
        if first:
            self._floor = float("-inf")
        return moved if is_step else 0.0
