"""Kill the service, again and again, with callers waiting, ringing, talking and agents in wrap-up: nobody may notice.

Each kill is a SIGKILL at an instant of its kind, seen on the proof's own manager session. After a while the service is started
again on the same state folder. Kinds: `wish` (the PBX is frozen just before a wrap-up ends; the service writes its wish
into the socket and dies; then the PBX goes on and finds it), `taken` (the wish was taken, Dial not begun), `ringing`,
`talking`, `wrapup`, `random`, and `away` (not started again until the callers stand in the PBX's own queue).
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from acd.records import OfferMade
from callcenter.lab.errors import LabError
from callcenter.proof import verdict
from callcenter.proof.hall import WRAPUP_S, Hall, say
from callcenter.proof.verdict import Kill
from callcenter.storage.outbox import START, Position
from callcenter.storage.outbox_reader import OutboxReader

SEED = 12345
AGENTS = 6
WAIT = 24
"""Callers kept waiting: at least 20 at every kill."""
TARGETS = ("wish", "taken", "ringing", "talking", "wrapup")
LONG = (*TARGETS, *("random",) * 20, "away")
SHORT = ("wish", "taken", "ringing", "away")
"""What `make test` does; other callers talk and other agents are in wrap-up at each of them."""
AWAY_S = 20.0
MAX_DOWN_S = 3.0
PAUSE_S = 1.5
WITHIN_S = 20.0
_FREEZE_S = 0.12
_TRIES = 8


class Killer:
    """Kills the service of one hall."""

    def __init__(self, hall: Hall, rng: random.Random) -> None:
        self.hall = hall
        self.kills: list[Kill] = []
        self._rng = rng
        self._kinds: dict[str, Callable[[str], Awaitable[Kill]]] = {
            "wish": self._at_wish,
            "taken": self._at_taken,
            "ringing": self._at_ringing,
            "talking": self._at_talking,
            "wrapup": self._at_wrapup,
            "random": self._at_random,
            "away": self._at_random,
        }

    async def kill(self, kind: str) -> None:
        """Wait for a moment of that kind, kill, start again, and see that it goes on."""
        await self.hall.full()
        kill = await self._kinds[kind](kind)
        await asyncio.sleep(AWAY_S if kind == "away" else self._rng.uniform(0.0, MAX_DOWN_S))
        await self.hall.site.start_service()
        kill.ready_at = time.time()
        await asyncio.sleep(verdict.SETTLE_S)
        await self._listen(kill)
        down_s = kill.ready_at - kill.at
        say(f"kill {len(self.kills)}: {kind}, {kill.census}, away for {down_s:.1f} s")

    def _strike(self, kind: str) -> Kill:
        census = self.hall.census()
        heard = {
            caller.call.sip_call_id: caller.ear.heard_s for caller, seen in self.hall.seen() if seen.held_at is not None
        }
        kill = Kill(kind, time.time(), census, heard)
        self.hall.site.kill_service()
        self.kills.append(kill)
        return kill

    async def _listen(self, kill: Kill) -> None:
        """Find the callers whose sound stood still between the kill and now, though they were in hold all the time."""
        for caller, seen in self.hall.seen():
            before = kill.heard.get(caller.call.sip_call_id)
            await caller.ear.caught_up()
            now = time.time()
            if before is not None and seen.held_through(kill.at, now):
                kill.stalled += caller.ear.heard_s - before < (now - kill.at) / 2

    async def _at_random(self, kind: str) -> Kill:
        for _ in range(_TRIES):
            await asyncio.sleep(self._rng.uniform(0.2, 2.5))
            if min(self.hall.census().values()) > 0:  # nearly always: the instant stays a random one
                break
        return self._strike(kind)

    async def _at_wish(self, kind: str) -> Kill:
        pbx = self.hall.site.pbx
        reader = OutboxReader(self.hall.site.state_dir / "outbox")
        for _ in range(_TRIES):
            await self.hall.watch.wait_for(lambda: bool(self._next_ready(0.1)), WITHIN_S)
            await asyncio.sleep(max(0.0, self._next_ready(0.05) - 0.02 - time.time()))
            position = _end_of(reader)
            pbx.freeze()
            try:
                until = time.time() + _FREEZE_S
                while time.time() < until:
                    if any(isinstance(entry.record, OfferMade) for entry in reader.read(position)):
                        await asyncio.sleep(0.01)  # the record comes first, the wish right behind it
                        return self._strike(kind)
                    await asyncio.sleep(0.003)
            finally:
                pbx.thaw()
            await asyncio.sleep(0.3)
        raise LabError("no wish was written while the PBX stood still")

    def _next_ready(self, ahead_s: float) -> float:
        """Return when the next wrap-up ends that has at least `ahead_s` to go; 0.0: none."""
        soon = time.time() + ahead_s
        return next((at for at, _ in self.hall.watch.wrapping(WRAPUP_S) if at > soon), 0.0)

    async def _at_taken(self, kind: str) -> Kill:
        watch = self.hall.watch
        await watch.set_global("CC_LAB_PAUSE", str(PAUSE_S))
        had = _turns(self.hall)
        await self._await(lambda: _turns(self.hall) > had)
        kill = self._strike(kind)
        await watch.set_global("CC_LAB_PAUSE", "")
        return kill

    async def _at_ringing(self, kind: str) -> Kill:
        had = set(self.hall.watch.ringing)
        await self._await(lambda: bool(set(self.hall.watch.ringing) - had))
        return self._strike(kind)

    async def _at_talking(self, kind: str) -> Kill:
        had = set(self.hall.watch.talking)
        await self._await(lambda: bool(set(self.hall.watch.talking) - had))
        await asyncio.sleep(0.2)
        return self._strike(kind)

    async def _at_wrapup(self, kind: str) -> Kill:
        had = dict(self.hall.watch.talk_ends)
        await self._await(lambda: self.hall.watch.talk_ends != had)
        await asyncio.sleep(0.2)
        return self._strike(kind)

    async def _await(self, is_so: Callable[[], bool]) -> None:
        if not await self.hall.watch.wait_for(is_so, WITHIN_S):
            raise LabError(f"nothing happened for {WITHIN_S:.0f} s: {self.hall.census()}\n{self.hall.site.log_tail()}")


def _turns(hall: Hall) -> int:
    return sum(call.turn_at is not None for call in hall.watch.calls.values())


def _end_of(reader: OutboxReader) -> Position:
    position = START
    while entries := reader.read(position, 1000):
        position = entries[-1].end
    return position


async def run(kinds: Sequence[str], seed: int = SEED) -> dict[str, Any]:
    """Do the kills in a hall of their own and return the counts; `failures` says in words what was not right."""
    rng = random.Random(seed)
    async with Hall(AGENTS, rng, wait=WAIT) as hall:
        killer = Killer(hall, rng)
        hall.keep_line()
        for kind in kinds:
            await killer.kill(kind)
        await hall.full()
        await hall.close_line()
        await hall.over()
        return judge(hall, killer.kills)


def judge(hall: Hall, kills: Sequence[Kill]) -> dict[str, Any]:
    """Return the counts of a run that is over."""
    seen = hall.seen()
    found = {
        "lost": verdict.lost(hall.callers, seen, hall.agents),
        "out_of_order": verdict.out_of_order(seen),
        "rtp_gaps": verdict.rtp_gaps(seen, kills),
        "false_fallbacks": verdict.false_fallbacks(seen, kills),
        "late_fallbacks": verdict.late_fallbacks(seen, kills),
        "wrapups_broken": verdict.wrapups_broken(hall.watch.calls.values(), kills),
    }
    for name, words in found.items():
        for text in words[:10]:
            say(f"{name}: {text}")
    counts = {name: len(words) for name, words in found.items()}
    return {
        "kills": len(kills),
        "callers": len(hall.callers),
        **counts,
        "fell_back": sum(bool(one.fallbacks) for _, one in seen),
        "waiting_min": min((kill.census["waiting"] for kill in kills), default=0),
        "in_hold_over_a_kill": sum(
            one.held_through(kill.at - 0.5, min(kill.ready_at, kill.at + verdict.STALE_S) + 0.5)
            for kill in kills
            for _, one in seen
        ),
    }


FAULTS = ("lost", "out_of_order", "rtp_gaps", "false_fallbacks", "late_fallbacks", "wrapups_broken")


def is_right(result: dict[str, Any]) -> bool:
    """Tell whether nothing was wrong, and the kills met what they should: at least 20 waiting, sound that was listened to."""
    return (
        not any(result[name] for name in FAULTS) and result["waiting_min"] >= 20 and result["in_hold_over_a_kill"] > 0
    )


def main() -> int:
    """The long form: 20 kills at seeded random instants, one in each state, one without a restart."""
    result = asyncio.run(run(LONG))
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if is_right(result) else 1
