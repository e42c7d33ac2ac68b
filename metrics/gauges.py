"""Gauges of a scrape: what was frozen, by series and labels."""

from acd.names import LineState
from agents.presence import Presence
from metrics.buckets import Labels
from metrics.exporter import Frozen
from metrics.floor import Floor


def gauges(frozen: Frozen) -> dict[str, dict[Labels, float]]:
    """Return the value of each gauge."""
    exact = {**frozen.figures, **frozen.report.figures()}
    figures = {name: {labels: float(value) for labels, value in values.items()} for name, values in exact.items()}
    return _of_floor(frozen.floor) | _of_service(frozen.floor) | _of_crew(frozen) | figures


def _of_floor(floor: Floor) -> dict[str, dict[Labels, float]]:
    return {
        "callcenter_calls_waiting": {(line,): count for line, count in floor.waiting.items()},
        "callcenter_oldest_wait_seconds": {(line,): wait_s for line, wait_s in floor.oldest_wait_s.items()},
        "callcenter_trunk_calls": {(direction,): count for direction, count in floor.trunk_calls.items()},
        "callcenter_line_state": {
            (line, state.value): float(floor.line_states.get(line, LineState.OPEN) is state)
            for line in (() if floor.is_standing_by else floor.waiting)
            for state in LineState
        },
        "callcenter_agents": {(presence.value,): floor.agents.get(presence, 0) for presence in Presence},
        "callcenter_specialists": dict(floor.specialists),
    }


def _of_service(floor: Floor) -> dict[str, dict[Labels, float]]:
    return {
        "callcenter_ami_link_up": {link: float(is_up) for link, is_up in floor.links.items()},
        "callcenter_ami_link_seconds": {link: floor.link_s.get(link, 0.0) for link in floor.links},
        "callcenter_ami_event_lag_seconds": {(pbx,): lag_s for pbx, lag_s in floor.event_lag_s.items()},
        "callcenter_reconciliation_gap_seconds": {(): floor.gap_s},
        "callcenter_unknown_calls": {(): floor.unknown_calls},
        "callcenter_outbox_records": {(): floor.outbox_records},
        "callcenter_database_up": {(): float(floor.is_database_up)},
        "callcenter_leader": {(): float(floor.is_leader)},
        "callcenter_standing_by": {(): float(floor.is_standing_by and all(floor.links.values()))},
        "callcenter_shared_state_up": {} if floor.is_state_shared is None else {(): float(floor.is_state_shared)},
        "callcenter_epoch": {(): floor.epoch},
    }


def _of_crew(frozen: Frozen) -> dict[str, dict[Labels, float]]:
    crew = frozen.crew
    return {
        "callcenter_estimated_wait_seconds": {(line,): wait_s for line, wait_s in frozen.estimates_s.items()},
        "callcenter_line_agents": {(line, presence.value): count for (line, presence), count in crew.lines.items()},
        "callcenter_agents_not_ready": {(reason,): count for reason, count in crew.reasons.items()},
        "callcenter_line_agents_not_ready": {
            (line, reason): count for (line, reason), count in crew.line_reasons.items()
        },
        "callcenter_agents_unreachable": {(): crew.unreachable},
        "callcenter_skill_agents_logged_in": {(skill,): count for skill, count in crew.skills.items()},
    }
