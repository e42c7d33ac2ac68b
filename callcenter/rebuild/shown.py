"""What became of the gaps, as an operator reads it, and as JSON (pure)."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

from callcenter.rebuild.catch_up import Caught, Told

NAMED = 5
"""So many calls that stay unknown are named in a line; JSON has all."""


def gaps_in_words(caught: Caught, zone: tzinfo, *, is_trial: bool) -> Iterator[str]:
    """Return a line for each gap, and for what else is to be known."""
    yield from caught.notes
    for told in caught.gaps:
        yield _line(told, zone, is_trial=is_trial)


def gaps_as_json(caught: Caught, *, is_trial: bool) -> dict[str, Any]:
    """Return the gaps as JSON-ready values, under `gaps`; instants in ms."""
    return {"dry_run": is_trial, "gaps": [_object(told) for told in caught.gaps], "notes": caught.notes}


def _line(told: Told, zone: tzinfo, *, is_trial: bool) -> str:
    gap = told.gap
    until = (
        f"{_at(gap.to_ms, zone)} (CEL's newest row; the service is still away)"
        if told.is_open
        else _at(gap.to_ms, zone)
    )
    said = f"nobody watched {gap.pbx} from {_at(gap.watched_ms, zone)} to {until}"
    if gap.has_restarted:
        said += ", Asterisk was started anew"
    said += f": {told.calls} {'call' if told.calls == 1 else 'calls'} {'would be ' if is_trial else ''}rebuilt from CEL"
    if told.unknown:
        some = "; ".join(f"{call.uniqueid}: {why}" for call, why in told.unknown[:NAMED])
        more = f"; and {len(told.unknown) - NAMED} more" if len(told.unknown) > NAMED else ""
        said += f", {len(told.unknown)} unknown ({some}{more})"
    return said + (f". Not read whole: {told.why}" if told.why else "")


def _object(told: Told) -> dict[str, Any]:
    gap = told.gap
    return {
        "pbx": gap.pbx,
        "from_ms": gap.watched_ms,
        "to_ms": gap.to_ms,
        "restarted": gap.has_restarted,
        "open": told.is_open,
        "rebuilt": told.calls,
        "read": told.is_read,
        "why_not_read": told.why,
        "unknown": [{"uniqueid": call.uniqueid, "why": why} for call, why in told.unknown],
    }


def _at(at_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
