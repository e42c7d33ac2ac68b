"""What the public report leaves open: each choice is a named setting with our default, and is printed in the table's note.

A figure that depends on a choice is defined from it (`metrics.totals`, `metrics.dictionary`), so that report, gauges and
simulator change together. The sentence of a choice says what holds now, in the words of somebody who reads the report.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from metrics.rounding import Rounding
from metrics.words import Words


class OutboundVolume(StrEnum):
    """What an outbound call is, in the volume of calls."""

    CONNECTED = "connected"
    ATTEMPTS = "attempts"


class BlockedCalls(StrEnum):
    """Where callers count who were turned away by their number. There is one answer: such a call has no outcome, and the
    outcomes must add up to the calls offered, so among those it cannot be. It is a setting all the same, so that the table's
    note says it, and a later answer has a name."""

    EXCLUDED = "excluded"


class SilentCalls(StrEnum):
    """What an answered call is in which nobody speaks. There is one answer, since we do not listen: it is what it is by its
    milestones, an answered call with its talk."""

    COUNTED = "counted"


class Clock(StrEnum):
    """From when a wait is counted."""

    ARRIVAL = "arrival"
    QUEUE = "queue"


CLOCK_WORDS = {Clock.ARRIVAL: Words("arrival", "呼入"), Clock.QUEUE: Words("the queue", "进入排队")}
"""Since when, in words."""

THRESHOLDS_S = (15, 20, 30)
"""Of service level and answered-within share."""


@dataclass(frozen=True, slots=True)
class Choices:
    """One value for each open choice. Field names are the settings' names."""

    hold_in_talk: bool = True
    """Whether the time on hold within a talk is talk."""
    outbound_volume: OutboundVolume = OutboundVolume.CONNECTED
    ivr_hangups_offered: bool = True
    """Whether callers who hang up in the greeting are among the calls offered."""
    level_s: int = 20
    """Threshold of the N-second rate that is shown first, seconds."""
    level_clock: Clock = Clock.ARRIVAL
    short_s: int = 5
    """An unanswered call shorter than this is a short abandon, seconds."""
    fcr_before_days: int = 7
    fcr_after_days: int = 7
    blocked_calls: BlockedCalls = BlockedCalls.EXCLUDED
    silent_calls: SilentCalls = SilentCalls.COUNTED
    rounding: Rounding = Rounding.HALF_UP

    def __post_init__(self) -> None:
        """Raise ValueError for what no figure can be made of."""
        for name, lowest in (("short_s", 1), ("fcr_before_days", 1), ("fcr_after_days", 1)):
            if getattr(self, name) < lowest:
                raise ValueError(f"{name} must be at least {lowest}")
        if self.level_s not in THRESHOLDS_S:
            raise ValueError(f"level_s must be one of {', '.join(map(str, THRESHOLDS_S))}")

    def sentences(self, lang: str) -> Iterator[str]:
        """Return what holds, one sentence for each choice, for the note below the table (`zh` or `en`)."""
        for field in fields(self):
            value = getattr(self, field.name)
            said = _SAID[field.name]
            words = said.get(value, said.get(None))
            assert words is not None, field.name
            yield words.in_(lang).format(value)


DEFAULT = Choices()

_SAID: dict[str, dict[object, Words]] = {
    "hold_in_talk": {
        True: Words("Hold is part of talk.", "通话时长含保持。"),
        False: Words("Hold is not part of talk.", "通话时长不含保持。"),
    },
    "outbound_volume": {
        OutboundVolume.CONNECTED: Words(
            "Outbound counts calls answered by the called party.", "呼出只计被叫已接听的通话。"
        ),
        OutboundVolume.ATTEMPTS: Words("Outbound counts attempts.", "呼出按拨打次数计。"),
    },
    "ivr_hangups_offered": {
        True: Words("Hang-ups in the greeting are offered calls.", "来电总量含在语音导航中挂断的来电。"),
        False: Words("Hang-ups in the greeting are not offered calls.", "来电总量不含在语音导航中挂断的来电。"),
    },
    "level_s": {None: Words("The threshold of the N-second rate is {} s.", "N秒接通率的N为{}秒。")},
    "level_clock": {
        Clock.ARRIVAL: Words("Its clock starts at arrival.", "N秒接通率自来电呼入起计时。"),
        Clock.QUEUE: Words("Its clock starts in the queue.", "N秒接通率自进入排队起计时。"),
    },
    "short_s": {None: Words("Unanswered calls under {} s are short abandons.", "等待不足{}秒而放弃的为速挂。")},
    "fcr_before_days": {
        None: Words("First-call resolution looks back {} days.", "一次解决率向前看{}天。"),
    },
    "fcr_after_days": {
        None: Words("First-call resolution looks ahead {} days.", "一次解决率向后看{}天。"),
    },
    "blocked_calls": {
        BlockedCalls.EXCLUDED: Words(
            "Callers turned away by the list of blocked numbers are not among the calls offered; they are counted apart.",
            "因号码列入黑名单而被拒的来电不在来电总量中，另行计数。",
        ),
    },
    "silent_calls": {
        SilentCalls.COUNTED: Words(
            "Silence is not detected: an answered call in which nobody speaks is an answered call.",
            "不检测无声来电：接听后无人说话的，按已接通来电计。",
        ),
    },
    "rounding": {
        Rounding.HALF_UP: Words("Exact ties are rounded half up.", "精确值恰在中间时四舍五入。"),
        Rounding.HALF_EVEN: Words(
            "Exact ties are rounded to even (GB/T 8170).", "精确值恰在中间时按 GB/T 8170 取偶数。"
        ),
    },
}
