"""`connect_race`: does a wish ever lose a caller, or a caller a wish?

100,000 wishes at 100 to 400 a second, to callers who rest in the shipped hold loop, at random moments and at the edges of
their rests (a heartbeat that is nearly stale makes rests short), and 10,000 whole calls (arrival, wish, dial, answer, BYE)
through the service. A wish whose effect is not seen within a second, and a caller hung up by the PBX, are lost.
A wish is written only when the one before has had its effect. `race` tells wishes whose effect came after a second from
those that never had one; the benchmark counts both as lost, as a caller would. With each late one goes what the PBX's own
answer to a Ping took around that time: if that is long as well, the whole machine stood still.
"""

import asyncio
import itertools
import random
from typing import Any

from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.target import HOLD, Target
from callcenter.bench.arrive import one_call
from callcenter.bench.errors import BenchWrong
from callcenter.bench.floor import Floor
from callcenter.lab.sip_phone import Phone, answers

WISHES = 100_000
CALLS = 10_000
CALLERS = 120
RATES = (100.0, 200.0, 300.0, 400.0)
WHOLE_CALLS_PER_S = 40.0
EFFECT_S = 1.0
GIVE_UP_S = 10.0
EDGE_S = 0.02


class _Waiting:
    """One caller in hold, and the wish under way for him."""

    def __init__(self, uniqueid: str) -> None:
        self.uniqueid = uniqueid
        self.offer = ""
        """The wish under way; empty: none, he rests."""
        self.back = asyncio.Event()
        self.holding_since = 0.0
        """When he last came to rest, on the loop's clock."""
        self.timer: asyncio.TimerHandle | None = None
        self.wished_at = 0.0
        self.is_late = False
        """Whether the wish under way had no effect within EFFECT_S."""


class _Race:
    """Writes wishes and watches their effects."""

    def __init__(self, rng: random.Random) -> None:
        self.callers: dict[str, _Waiting] = {}
        self.lost: list[str] = []
        self.late: list[str] = []
        """Wishes whose effect came, but after a second: how long after, and how the machine was."""
        self.slowest_ping_s = 0.0
        """Since the last late wish."""
        self.all_there = asyncio.Event()
        self.link: AmiLink | None = None
        self._rng = rng
        self._numbers = itertools.count(1)

    def __call__(self, message: AmiMessage) -> None:
        uniqueid = message.get("Uniqueid", "")
        now = asyncio.get_running_loop().time()
        if message.name == "CcHolding":
            caller = self.callers.setdefault(uniqueid, _Waiting(uniqueid))
            caller.holding_since = now
            if len(self.callers) >= CALLERS:
                self.all_there.set()
            if not caller.offer:
                caller.back.set()
        elif message.name == "CcConnecting" and uniqueid in self.callers:
            caller = self.callers[uniqueid]
            if caller.offer and caller.offer in message.get("Target", ""):
                caller.offer = ""
                if caller.timer is not None:
                    caller.timer.cancel()
                if caller.is_late:
                    took_s = now - caller.wished_at
                    self.late.append(f"{took_s:.2f} s (slowest ping {self.slowest_ping_s:.2f} s)")
                    self.slowest_ping_s = 0.0
        elif message.name == "Hangup" and uniqueid in self.callers:
            self.lost.append(f"{uniqueid} hung up")

    def wish(self, caller: _Waiting) -> None:
        """Write one wish: to hold again, which is seen as CcConnecting and then CcHolding."""
        assert self.link is not None
        caller.offer = f"7-{next(self._numbers)}"
        caller.back.clear()
        caller.is_late = False
        target = Target(HOLD, "0", caller.offer, 7, 0)
        self.link.send_many(
            [
                {"Action": "Setvar", "Channel": caller.uniqueid, "Variable": "CC_GO", "Value": str(target)},
                {"Action": "PlayDTMF", "Channel": caller.uniqueid, "Digit": "D", "Receive": "true"},
            ]
        )
        loop = asyncio.get_running_loop()
        caller.wished_at = loop.time()
        caller.timer = loop.call_later(EFFECT_S, self._no_effect, caller, caller.offer)

    def _no_effect(self, caller: _Waiting, offer: str) -> None:
        if caller.offer == offer and not caller.is_late:
            caller.is_late = True
            rest_s = GIVE_UP_S - EFFECT_S
            caller.timer = asyncio.get_running_loop().call_later(rest_s, self._no_effect, caller, offer)
        elif caller.offer == offer:
            self.lost.append(f"wish {offer} of {caller.uniqueid} without effect")
            caller.offer = ""
            caller.back.set()

    def free(self) -> list[_Waiting]:
        """Return the callers who rest without a wish."""
        return [caller for caller in self.callers.values() if not caller.offer and caller.back.is_set()]


async def _beat(link: AmiLink, second_ahead: list[int], watched: _Race) -> None:
    """Keep a heartbeat: `second_ahead` says how far it is shifted, so that rests are long or as short as a second."""
    counter, loop = 0, asyncio.get_running_loop()
    while True:
        asked_at = loop.time()
        pong = await link.send({"Action": "Ping"})
        watched.slowest_ping_s = max(watched.slowest_ping_s, loop.time() - asked_at)
        second = (pong.message.at_us or 0) // 1_000_000 + second_ahead[0]
        counter += 1
        await link.send({"Action": "Setvar", "Variable": "CC_BEAT", "Value": f"bench*7*{counter}*{second}"})
        await asyncio.sleep(0.5)


async def race(wishes: int, seed: int = 1) -> dict[str, Any]:
    """Send so many wishes; return how many were sent and what was lost."""
    floor, rng = Floor(1), random.Random(seed)
    watched = _Race(rng)
    async with floor.open(service=False), floor.link(["UserEvent", "Hangup"], watched) as link, floor.link() as actions:
        await link.wait_up(5)
        await actions.wait_up(5)
        watched.link = actions
        ahead = [0]
        beat = asyncio.create_task(_beat(actions, ahead, watched))
        await asyncio.sleep(0.2)
        phone = await Phone.open("13900000002", ("127.0.0.2", 0), floor.sip)
        for _ in range(CALLERS):
            phone.call("12345")
            await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            await watched.all_there.wait()
        sent = await _send_wishes(watched, wishes, rng, ahead)
        await asyncio.sleep(EFFECT_S + 0.2)
        if any(caller.is_late for caller in watched.callers.values() if caller.offer):
            await asyncio.sleep(GIVE_UP_S)
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        lost = list(watched.lost)
        ended = sum(leg.is_ended.is_set() for leg in phone.legs.values())
        for leg in list(phone.legs.values()):
            phone.hang_up(leg)
        await phone.close()
    return {"wishes": sent, "lost": max(len(lost), ended), "late": watched.late}


async def _send_wishes(watched: _Race, wishes: int, rng: random.Random, ahead: list[int]) -> int:
    """A quarter at each rate; half of them at random moments, half at the edge of a caller's rest."""
    loop = asyncio.get_running_loop()
    sent, due = 0, loop.time()
    while sent < wishes:
        rate = RATES[min(len(RATES) - 1, sent * len(RATES) // wishes)]
        ahead[0] = -8 if (sent // 500) % 2 else 0
        due += rng.expovariate(rate)
        await asyncio.sleep(max(0.0, due - loop.time()))
        free = watched.free()
        if not free:
            await asyncio.sleep(0.005)
            continue
        caller = _at_edge(free, loop.time(), rng) if sent % 2 else rng.choice(free)
        watched.wish(caller)
        sent += 1
    return sent


def _at_edge(free: list[_Waiting], now: float, rng: random.Random) -> _Waiting:
    """Return a caller whose rest is about to end or to begin, if there is one."""
    near = [one for one in free if min((now - one.holding_since) % 5.0, -(now - one.holding_since) % 5.0) < EDGE_S]
    return rng.choice(near or free)


async def whole_calls(calls: int) -> int:
    """Run whole calls through the service; return how many were lost."""
    floor = Floor(80)
    async with floor.open(answers(0.02)), floor.link() as link:
        await link.wait_up(5)
        await floor.log_in_everybody(link)
        await asyncio.sleep(0.5)
        phone = await Phone.open("13900000003", ("127.0.0.2", 0), floor.sip)
        loop = asyncio.get_running_loop()
        began, lost = loop.time(), 0
        running: set[asyncio.Task[bool]] = set()
        for n in range(calls):
            await asyncio.sleep(max(0.0, began + n / WHOLE_CALLS_PER_S - loop.time()))
            running.add(asyncio.create_task(one_call(phone, 0.2)))
            done = {task for task in running if task.done()}
            lost += sum(task.result() for task in done)
            running -= done
        lost += sum(await asyncio.gather(*running))
        await phone.close()
    return lost


async def measure(wishes: int, calls: int) -> dict[str, Any]:
    """Run both parts."""
    result = await race(wishes)
    lost_calls = await whole_calls(calls)
    late = result["late"]
    lost = result["lost"] + len(late) + lost_calls
    if lost:
        told = f"{result['lost']} without effect or hung up, {len(late)} later than {EFFECT_S:g} s {late[:5]}"
        raise BenchWrong(f"of {result['wishes']} wishes {told}; of {calls} whole calls {lost_calls} lost")
    return {"name": "connect_race", "wishes": result["wishes"], "calls": calls, "lost": lost}


def run() -> dict[str, Any]:
    """Measure the long form (about ten minutes)."""
    return asyncio.run(measure(WISHES, CALLS))
