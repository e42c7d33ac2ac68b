"""What is known of a year that was published: its sums, and nothing about any call."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class YearSums:
    """The sums of a period's calls, milliseconds; the period is [from, to), ms."""

    from_ms: int
    to_ms: int
    offered: int
    answered: int
    wait_ms: int
    """Of all calls offered."""
    talk_in_ms: int
    longest_in_ms: int
    outbound: int
    """Calls that the called party answered."""
    unreached: int
    """Calls dialled out that nobody answered."""
    talk_out_ms: int
    longest_out_ms: int

    def scaled(self, parts: int) -> "YearSums":
        """Return about one part of so many: the same averages and longest talks, fewer calls."""
        return YearSums(
            self.from_ms,
            self.to_ms,
            self.offered // parts,
            self.answered // parts,
            self.wait_ms // parts,
            self.talk_in_ms // parts,
            self.longest_in_ms,
            self.outbound // parts,
            self.unreached // parts,
            self.talk_out_ms // parts,
            self.longest_out_ms,
        )


YEAR_2020 = YearSums(
    from_ms=1_577_808_000_000,
    to_ms=1_609_430_400_000,
    offered=277_492,
    answered=198_684,
    wait_ms=277_492 * 40_000 + 123_456_789,
    talk_in_ms=198_684 * 311_000 - 23_456_789,
    longest_in_ms=5_443_499,
    outbound=259_935,
    unreached=31_007,
    talk_out_ms=259_935 * 122_000 + 34_567_891,
    longest_out_ms=5_932_500,
)
"""The provincial platform's published year, midnights of Asia/Shanghai. Printed were 198684, 71.6%, 40, 311, 5443; 259935,
122, 5933; 458619, 204, 5933: the milliseconds are ours, any that print so; calls tried in vain were not published."""


def split(draw: Random, count: int, total: int, longest: int | None = None) -> Sequence[int]:
    """Return `count` numbers >= 0, spread like waits and talks are, whose sum is `total` and whose largest is `longest` (None:
    any). Raises ValueError where there are no such numbers."""
    cap = total if longest is None else longest
    if count * cap < total or (longest is not None and (count == 0 or total < longest)):
        raise ValueError(f"{count} numbers up to {cap} cannot add up to {total} with the largest among them")
    if not count:
        return []
    fixed = [] if longest is None else [longest]
    rest = total - sum(fixed)
    mean = max(rest / max(count - len(fixed), 1), 1.0)
    parts = [min(int(draw.expovariate(1 / mean)), cap) for _ in range(count - len(fixed))]
    _correct(parts, rest - sum(parts), cap)
    parts += fixed
    draw.shuffle(parts)
    return parts


def _correct(parts: list[int], missing: int, cap: int) -> None:
    """Spread what is missing (or too much) over all parts, each staying within [0, cap]."""
    while missing:
        share = -(-abs(missing) // len(parts))
        for place, part in enumerate(parts):
            if missing > 0:
                moved = min(share, cap - part, missing)
            else:
                moved = -min(share, part, -missing)
            parts[place] += moved
            missing -= moved
            if not missing:
                return
