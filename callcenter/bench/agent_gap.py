"""`agent_gap`: from an agent's BYE to his next INVITE, on the wire, ours and Asterisk's own queue in the same run.

One agent and eight waiting callers (or nine: ten call in turn) on each side, at the same time, on the same Asterisk. Talk is uniform 0.4 to 1.6 s,
seeded, so that it does not lock to the queue's tick. `Queue()` with retry=1, autofill=yes, ringinuse=no: its best.
"""

import asyncio
import random
import statistics
import time
from typing import Any

from callcenter.bench.errors import BenchWrong
from callcenter.bench.floor import Floor, percentile
from callcenter.lab.sip_phone import Leg, Phone

PAIRS = 200
CALLERS = 10
AWAY_S = (0.1, 0.35)
"""A caller who was served calls again after a while, not in the instant that is measured."""
TALK_S = (0.4, 1.6)
QUEUE_PHONE = "1900"
QUEUE_DID = "77700"
_DIALPLAN = f"""
[callcenter-inbound](+)
exten => {QUEUE_DID},1,Answer(,i)
 same => n,Queue(bench,c)
 same => n,Hangup()
"""
_QUEUES = f"""
[bench]
strategy = leastrecent
retry = 1
timeout = 20
autofill = yes
ringinuse = no
wrapuptime = 0
joinempty = yes
member => PJSIP/{QUEUE_PHONE}
"""


class _Agent:
    """An agent who answers at once, talks, hangs up, and measures how long the next call takes to reach him."""

    def __init__(self, phone: Phone, seed: int) -> None:
        self.phone = phone
        self.gaps_ms: list[float] = []
        self._talks = random.Random(seed)
        self._hung_up_at: float | None = None

    async def take(self, leg: Leg) -> None:
        """Take one call from its INVITE to our BYE."""
        if self._hung_up_at is not None:
            self.gaps_ms.append((leg.heard[0][0] - self._hung_up_at) * 1000)
        self.phone.reply(leg, 200)
        await asyncio.sleep(self._talks.uniform(*TALK_S))
        self._hung_up_at = time.monotonic()
        self.phone.hang_up(leg)


async def _keep_calling(phone: Phone, did: str) -> None:
    """One caller of the pool: some time after his call has ended, he calls again."""
    pauses = random.Random(phone.user)
    while True:
        leg = phone.call(did)
        await leg.is_ended.wait()
        phone.legs.pop(leg.call_id, None)
        await asyncio.sleep(pauses.uniform(*AWAY_S))


async def measure(pairs: int) -> dict[str, Any]:
    """Run until both sides have so many gaps."""
    floor = Floor(1, extra_phones=[QUEUE_PHONE], dialplan=_DIALPLAN, queues=_QUEUES)
    async with floor.open() as agents, floor.link() as link:
        await link.wait_up(5)
        await floor.log_in_everybody(link)
        ours, theirs = _Agent(agents, 1), _Agent(agents, 2)
        callers = [await Phone.open(f"139{n:08d}", ("127.0.0.2", 0), floor.sip) for n in range(2 * CALLERS)]
        tasks = [
            asyncio.create_task(_keep_calling(phone, QUEUE_DID if n % 2 else "12345"))
            for n, phone in enumerate(callers)
        ]
        try:
            async with asyncio.timeout(pairs * 4 + 60):
                await _serve(agents, ours, theirs, pairs)
        except TimeoutError as error:
            counts = f"{len(ours.gaps_ms)} and {len(theirs.gaps_ms)} of {pairs} pairs"
            raise BenchWrong(f"calls stopped coming: {counts}; {floor.site.log_tail(5)}") from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for phone in callers:
                await phone.close()
    queue, own = theirs.gaps_ms[:pairs], ours.gaps_ms[:pairs]
    return {
        "name": "agent_gap",
        "pairs": pairs,
        "app_queue_ms": round(statistics.median(queue), 2),
        "ours_ms": round(statistics.median(own), 2),
        "ours_p95_ms": round(percentile(own, 0.95), 2),
        "ratio": round(statistics.median(queue) / statistics.median(own), 1),
    }


async def _serve(agents: Phone, ours: _Agent, theirs: _Agent, pairs: int) -> None:
    """Hand each INVITE to the agent whose phone it is for, until both have enough."""
    running: set[asyncio.Task[None]] = set()
    while len(ours.gaps_ms) < pairs or len(theirs.gaps_ms) < pairs:
        leg = await agents.incoming.get()
        agent = theirs if f"sip:{QUEUE_PHONE}@" in leg.request.split("\r\n", 1)[0] else ours
        task = asyncio.create_task(agent.take(leg))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()


def run() -> dict[str, Any]:
    """Measure the long form."""
    return asyncio.run(measure(PAIRS))
