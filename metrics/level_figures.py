"""Service level and its relatives: what share of calls was answered within so many seconds, from both clocks."""

from collections.abc import Iterator

from metrics.call_figures import abandoned_of, of_offered
from metrics.choices import CLOCK_WORDS, THRESHOLDS_S, Choices, Clock
from metrics.figures import Figure, Unit
from metrics.words import Words


def level_figures(choices: Choices) -> Iterator[Figure]:
    """Return the figures with a threshold."""
    for clock, since in CLOCK_WORDS.items():
        # Who was answered, and nobody tells when he was queued, has no wait from there: "—", and no false 0 %.
        told = ("answered_queued", "agent_answered") if clock is Clock.QUEUE else ()
        for seconds in THRESHOLDS_S:
            within = f"answered_in_{seconds}_{clock}"
            yield Figure(
                f"service_level_{seconds}_{clock}",
                Unit.PERCENT,
                (within,),
                of_offered(choices),
                title=Words(
                    f"Service level {seconds} s from {since.en}", f"{seconds}秒接通率（自{since.zh}，除以来电）"
                ),
                counts=Words(f"answered within {seconds} s / offered", f"{seconds}秒内接通 / 来电总量"),
                clock=clock,
                told=told,
            )
            yield Figure(
                f"answered_within_share_{seconds}_{clock}",
                Unit.PERCENT,
                (within,),
                ("agent_answered",),
                title=Words(
                    f"Answered within {seconds} s of {since.en}", f"{seconds}秒内接通占比（自{since.zh}，除以接通）"
                ),
                counts=Words(f"answered within {seconds} s / answered", f"{seconds}秒内接通 / 座席接通量"),
                clock=clock,
                told=told,
            )
            yield Figure(
                f"service_level_icmi4_{seconds}_{clock}",
                Unit.PERCENT,
                (within,),
                ("agent_answered", *(f"{word}_after_{seconds}_{clock}" for word in abandoned_of(choices))),
                title=Words(
                    f"Service level {seconds} s from {since.en}, early hang-ups ignored",
                    f"{seconds}秒服务水平（自{since.zh}，不计早挂）",
                ),
                counts=Words(
                    f"answered within {seconds} s / (answered + abandoned after {seconds} s)",
                    f"{seconds}秒内接通 /（座席接通量 + 等待超过{seconds}秒后放弃）",
                ),
                clock=clock,
                told=told,
            )
