"""What gauges show of this instant: one look at the engine, the PBX, the way to the ledger, the gaps.

It runs in the service's own loop for each scrape, so it only reads what is counted already; the one thing that it goes through is the
plan's specialists.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from acd.engine import Engine
from acd.plan import Plan
from agents.presence import Presence
from callcenter.asterisk.pbx import AsteriskPbx
from callcenter.days import midnight_ms, zone_named
from callcenter.floor_status import specialist_state
from callcenter.rebuild.look_back import LookBack
from callcenter.storage.outbox import Outbox
from metrics.floor import SPECIALIST_STATES, Floor


@dataclass(frozen=True, slots=True)
class Gauges:
    """Where to look."""

    plan: Callable[[], Plan]
    """The plan in force, whole, whatever the hour."""
    engine: Engine | None
    """None: nobody is distributed here yet."""
    pbx: AsteriskPbx
    look_back: LookBack
    outbox: Outbox
    now: Callable[[], float]
    """Seconds since the epoch on the PBX's clock."""
    shared_state: str | None = None
    """`ok`, or why what a pair shares is not up to date; None: this service is alone."""

    def floor(self) -> Floor:
        """Return what there is to see now."""
        plan, pbx, now, projector = self.plan(), self.pbx, self.now(), self.look_back.projector
        links = {"actions": pbx.actions, "events": pbx.events}
        seen = Floor(
            waiting=dict.fromkeys(plan.lines, 0),
            oldest_wait_s=dict.fromkeys(plan.lines, 0.0),
            links={(pbx.name, name): link.is_up for name, link in links.items()},
            link_s={(pbx.name, name): link.up_s for name, link in links.items()},
            event_lag_s={pbx.name: pbx.event_lag_s},
            gap_s=self._untold_s(plan, now),
            outbox_records=projector.records_behind(self.outbox.written),
            outbox_dropped=self.outbox.dropped.total(),
            is_database_up=projector.away is None,
            is_leader=pbx.leadership.is_certain,
            is_standing_by=pbx.stands_by_for is not None,
            is_state_shared=None if self.shared_state is None else self.shared_state == "ok",
            unknown_calls=len(self.look_back.unknown),
            epoch=pbx.leadership.epoch,
            plan=plan.version,
            at_ms=int(now * 1000),
        )
        return with_engine(seen, plan, self.engine, now)

    def _untold_s(self, plan: Plan, now: float) -> float:
        """Time of today in which nobody watched the PBX and of which CEL has not told, an outage of now included. While we stand
        by that is the leader's to say."""
        if self.pbx.stands_by_for is not None:
            return 0.0
        midnight = midnight_ms(datetime.fromtimestamp(now, zone := zone_named(plan.zone)).date(), zone)
        is_watched = self.pbx.is_synced
        return self.look_back.gaps.untold_ms(self.pbx.name, midnight, int(now * 1000), is_watched=is_watched) / 1000


def with_engine(seen: Floor, plan: Plan, engine: Engine | None, now: float) -> Floor:
    """Return the gauges of an instant with what the engine knows; `engine` None: as they are."""
    if engine is None:
        return seen
    return replace(
        seen,
        waiting=engine.waiting_by_line(),
        oldest_wait_s=engine.oldest_wait_by_line(now),
        trunk_calls=engine.trunk_calls(),
        agents={Presence(name): count for name, count in engine.agents_by_presence().items()},
        line_states={code: order.state for code, order in engine.line_orders().items()},
        specialists=specialists_by_topic(plan, engine),
    )


def specialists_by_topic(plan: Plan, engine: Engine) -> Mapping[tuple[str, ...], int]:
    """Return (topic, state) -> specialists of the plan, every topic with every state of SPECIALIST_STATES. Busy: being dialled,
    talking, or his phone says so; closed: outside his hours, so the engine does not have him."""
    counts: Counter[tuple[str, ...]] = Counter(
        {(topic, state): 0 for topic in plan.topics for state in SPECIALIST_STATES}
    )
    open_now = {one.number for one in engine.plan.specialists}
    for one in plan.specialists:
        state = specialist_state(one, engine) if one.number in open_now else "closed"
        counts.update((topic, "reachable" if state == "idle" else state) for topic in one.topics)
    return counts
