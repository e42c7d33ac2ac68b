"""How the service is: does it distribute calls, does it stand by, and what is missing; for /readyz and /status."""

from typing import Any

from callcenter.asterisk.pbx import AsteriskPbx
from callcenter.storage.outbox import Outbox
from callcenter.storage.projector import Projector


def readiness(
    pbx: AsteriskPbx, outbox: Outbox, projector: Projector, shared_state: str | None
) -> tuple[bool, dict[str, Any]]:
    """Return whether calls are distributed now, and each part's word on it. `shared_state`: `ok`, or why what a pair shares is not
    up to date (neither stops the routing); None: this service is alone."""
    links = {"ami_actions": pbx.actions.is_up, "ami_events": pbx.events.is_up}
    sound = {**links, "outbox": not outbox.dropped.total()}
    parts = {"leader": pbx.leadership.is_ours, "snapshot": pbx.is_synced, **sound}
    said = {"ledger": projector.away or "ok"} | ({} if shared_state is None else {"shared_state": shared_state})
    if (beat := pbx.stands_by_for) is None:
        return all(parts.values()), {**parts, **said}
    standing_by = f"standing by: {beat.instance} leads (epoch {beat.epoch})"
    return False, {"leader": standing_by, **sound, "stand_by": all(sound.values()), **said}


def connection_status(pbx: AsteriskPbx, shared_state: str | None) -> dict[str, Any]:
    """Return who leads and how the PBX is connected, as JSON-ready values."""
    beat = pbx.stands_by_for
    return {
        "leader": pbx.leadership.is_ours,
        "epoch": pbx.leadership.epoch,
        "stands_by_for": beat.instance if beat is not None else None,
        "shared_state": shared_state,
        "pbx": pbx.name,
        "synced": pbx.is_synced,
        "links": {"actions": pbx.actions.is_up, "events": pbx.events.is_up},
        "event_lag_s": round(pbx.event_lag_s, 4),
        "refused_actions": pbx.switch.refused,
    }
