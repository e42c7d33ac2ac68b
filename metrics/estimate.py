"""How long a caller will wait: an estimate at his arrival, out of the line's last answers (pure; no clock, O(1) for each record).

Theory of operation. Whoever is first in a line waits until an agent is free for him: the *gap*, from the later of the line's previous answer
and his own joining to his answer. A gap costs the agents who work for the line `gap x agents` of their time, and this product hardly
changes when agents come or go, so the mean of the last `ANSWERS` products, divided by the agents who work for the line now, is
the gap to expect. With `ahead` callers before him (who wait, ring or hear the greeting) a caller waits

    (ahead + 1) x mean(gap x agents then) / agents now

Agents shared with other lines are in it by themselves: the line's own gaps are longer by what the others take. Gaps of callers who
found an agent ready say nothing of a queue (they measure how rarely people call), so they are kept apart: whoever finds more agents
ready than callers in the greeting waits as long as those before him in this case, on average, mostly the ring. The
greeting's own mean length comes before either, and no estimate is shorter than it and that ring.

What is shown: nobody works for the line: no estimate. An agent is ready: one from the first call on (0, as long as nobody was
answered). All are busy and fewer than `FEW` gaps are known: none. Agents who work for a line are those of its own need (`Crew.working`);
what its steps widen shows in its gaps. Calls that were told from CEL afterwards are not looked at. Callers found at a start are ahead of
others like any; a gap before their first answer is not counted, for it began before us.
"""

from collections import deque
from dataclasses import dataclass, field

from acd.names import CallId
from metrics.crew import Crew

ANSWERS = 50
"""How many of the last answers a mean is made of. Six agents at 94 % load, 3,000 calls, mean wait 289 s: 50 err by 56 s on average, 20 by
72; who knows the true gap by 47, the last caller's wait by 74 and the mean of the last 20 waits by 90."""
FEW = 5
"""With fewer gaps than these there is no estimate while all agents are busy."""


class Mean:
    """Mean of the last `ANSWERS` values."""

    def __init__(self) -> None:
        self._values: deque[int] = deque()
        self._total = 0

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: int) -> None:
        """Take one more in, and let the oldest go."""
        self._values.append(value)
        self._total += value
        if len(self._values) > ANSWERS:
            self._total -= self._values.popleft()

    def value(self) -> int:
        """Return it, cut to an integer; 0 when there is none."""
        return self._total // len(self._values) if self._values else 0


@dataclass(slots=True)
class _Line:
    ahead: int = 0
    """Callers who wait for a person, greeting and ringing included."""
    greeted: int = 0
    """Those of them who still hear the greeting."""
    answered_ms: int = 0
    """The newest answer."""
    greeting_ms: Mean = field(default_factory=Mean)
    straight_ms: Mean = field(default_factory=Mean)
    """From joining to the answer, of those who found an agent ready."""
    cost_ms: Mean = field(default_factory=Mean)
    """Gap times agents, of the others."""


@dataclass(slots=True)
class _Caller:
    line: str
    arrived_ms: int
    queued_ms: int | None = None
    is_found: bool = False
    """He waited before our start: what we know of him begins in the middle."""
    is_offered: bool = False
    goes_straight: bool = False
    """An agent was chosen for him at the very instant at which he joined."""


class Estimates:
    """Estimated waits of all lines; told of each caller in order."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._lines: dict[str, _Line] = {}
        self._callers: dict[CallId, _Caller] = {}

    def wait_ms(self, line: str) -> int | None:
        """Return how long a caller who arrived now would wait, milliseconds; None: there is nothing to say it from."""
        known = self._line(line)
        agents = self._crew.working(line)
        if not agents:
            return None
        straight_ms = known.greeting_ms.value() + known.straight_ms.value()
        if self._crew.free(line) > known.greeted:
            return straight_ms
        if len(known.cost_ms) < FEW:
            return None
        return max((known.ahead + 1) * known.cost_ms.value() // agents, straight_ms)

    def arrived(self, call: CallId, line: str, at_ms: int, *, is_found: bool = False) -> int | None:
        """A caller arrived; return the estimate of his wait, milliseconds; None also for one who was found waiting or talking."""
        estimate_ms = None if is_found else self.wait_ms(line)
        self._join(call, _Caller(line, at_ms, is_found=is_found))
        return estimate_ms

    def queued(self, call: CallId, line: str, at_ms: int) -> None:
        """He begins to wait: behind the greeting, in another line, or anew after a talk."""
        before = self._callers.get(call)
        self.gone(call)
        is_found = before is not None and before.is_found
        self._join(call, _Caller(line, at_ms if before is None else before.arrived_ms, at_ms, is_found))
        if before is not None and before.queued_ms is None:
            self._line(line).greeting_ms.add(max(at_ms - before.arrived_ms, 0))

    def offered(self, call: CallId, at_ms: int) -> None:
        """Somebody was chosen for him."""
        caller = self._callers.get(call)
        if caller is not None:
            caller.is_offered = True
            caller.goes_straight = caller.goes_straight or caller.queued_ms == at_ms

    def answered(self, call: CallId, at_ms: int) -> None:
        """A person talks to him."""
        caller = self._callers.get(call)
        self.gone(call)
        if caller is None or caller.queued_ms is None or (caller.is_found and not caller.is_offered):
            return  # found in a talk: nobody knows who was before him
        line = self._line(caller.line)
        if caller.goes_straight:
            line.straight_ms.add(max(at_ms - caller.queued_ms, 0))
        elif line.answered_ms or not caller.is_found:
            gap_ms = max(at_ms - max(line.answered_ms, caller.queued_ms), 0)
            line.cost_ms.add(gap_ms * max(self._crew.working(caller.line), 1))
        line.answered_ms = max(line.answered_ms, at_ms)

    def gone(self, call: CallId) -> None:
        """He waits no more."""
        caller = self._callers.pop(call, None)
        if caller is not None:
            line = self._line(caller.line)
            line.ahead -= 1
            line.greeted -= caller.queued_ms is None

    def _join(self, call: CallId, caller: _Caller) -> None:
        self._callers[call] = caller
        line = self._line(caller.line)
        line.ahead += 1
        line.greeted += caller.queued_ms is None

    def _line(self, code: str) -> _Line:
        if code not in self._lines:
            self._lines[code] = _Line()
        return self._lines[code]
