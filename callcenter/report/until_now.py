"""Totals with agents' times: they last until now where the period is not over, and belong to no line and no platform.

In a report of one line or platform they would be set against its calls alone: there they are nobody's, and what is made of
them does not apply.
"""

from collections.abc import Iterable

from callcenter.report.period import Period
from callcenter.storage.figures import EVERYTHING, Figures, Found, Group, Scope
from metrics.totals import Source


def states_end_ms(period: Period, now_ms: int, scope: Scope) -> int:
    """Return the instant to which states are counted; the period's beginning where none count."""
    return max(period.from_ms, min(period.to_ms, now_ms)) if scope == EVERYTHING else period.from_ms


async def totals_until_now(
    figures: Figures,
    period: Period,
    now_ms: int,
    names: Iterable[str],
    scope: Scope = EVERYTHING,
    group: Group = Group.NONE,
) -> Found:
    """Return totals of the whole period by group, keyed by its beginning, as `Figures.totals` does; spans of states end now."""
    others, states = parted(figures, names)
    found = await figures.totals((period.from_ms, period.to_ms), others, scope, group)
    spent = await spent_until_now(figures, period, now_ms, states, scope, group)
    nothing, no_time = figures.dictionary.empty(others), figures.dictionary.empty(states)
    return {key: found.get(key, nothing) | spent.get(key, no_time) for key in dict.fromkeys((*found, *spent))}


async def spent_until_now(
    figures: Figures,
    period: Period,
    now_ms: int,
    states: Iterable[str],
    scope: Scope = EVERYTHING,
    group: Group = Group.NONE,
) -> Found:
    """Return the totals of states alone; without a group they are there in any case."""
    end_ms = states_end_ms(period, now_ms, scope)
    if end_ms > period.from_ms:
        return await figures.totals((period.from_ms, end_ms), states, scope, group)
    return {(period.from_ms, ""): figures.dictionary.empty(states)} if group is Group.NONE else {}


def parted(figures: Figures, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the totals that are not of states, and those that are."""
    wanted = tuple(dict.fromkeys(names))
    states = [name for name in wanted if figures.dictionary.totals[name].source is Source.STATES]
    return [name for name in wanted if name not in states], states
