"""`arrive`: with an agent idle, from a caller's arrival to the dialling of the agent's phone, at 50 calls a second.

Both instants are Asterisk's own (Timestamp of CcArrived and of CcConnecting, microseconds), seen by a session of ours
beside the service. A call is lost when its dialog ended although the caller had not hung up.
"""

import asyncio
from typing import Any

from callcenter.asterisk.message import AmiMessage
from callcenter.bench.errors import BenchWrong
from callcenter.bench.floor import Floor, instant_ms, percentile
from callcenter.lab.sip_phone import Phone, answers

CALLS = 1000
PER_S = 50.0
SEATS = 80
TALK_S = 0.4


class _Watch:
    """Arrival and target instants by channel."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.took_ms: list[float] = []

    def __call__(self, message: AmiMessage) -> None:
        uniqueid = message.get("Uniqueid", "")
        if message.name == "CcArrived":
            self.arrived[uniqueid] = instant_ms(message)
        elif message.name == "CcConnecting" and uniqueid in self.arrived:
            self.took_ms.append(instant_ms(message) - self.arrived.pop(uniqueid))


async def one_call(phone: Phone, talk_s: float) -> bool:
    """Call, talk, hang up; return whether the call was lost."""
    leg = phone.call("12345")
    try:
        await leg.wait_for(200, 30.0)
        async with asyncio.timeout(talk_s):
            await leg.is_ended.wait()
    except TimeoutError:
        pass
    is_lost = leg.is_ended.is_set()
    phone.hang_up(leg)
    await asyncio.sleep(0.5)
    phone.legs.pop(leg.call_id, None)
    return is_lost or not any(status == 200 for status in leg.statuses())


async def measure(calls: int, per_s: float = PER_S) -> dict[str, Any]:
    """Run so many calls at this rate."""
    floor, watch = Floor(SEATS), _Watch()
    async with floor.open(answers(0.05)), floor.link(["UserEvent"], watch) as link:
        await link.wait_up(5)
        await floor.log_in_everybody(link)
        await asyncio.sleep(0.5)
        phone = await Phone.open("13900000001", ("127.0.0.2", 0), floor.sip)
        loop = asyncio.get_running_loop()
        began, tasks = loop.time(), []
        for n in range(calls):
            await asyncio.sleep(max(0.0, began + n / per_s - loop.time()))
            tasks.append(asyncio.create_task(one_call(phone, TALK_S)))
        lost = sum(await asyncio.gather(*tasks))
        await phone.close()
    if len(watch.took_ms) < calls:
        raise BenchWrong(f"only {len(watch.took_ms)} of {calls} calls reached an agent; {floor.site.log_tail(5)}")
    if lost:
        raise BenchWrong(f"{lost} of {calls} calls were lost")
    return {
        "name": "arrive",
        "calls": calls,
        "p50_ms": round(percentile(watch.took_ms, 0.5), 2),
        "p99_ms": round(percentile(watch.took_ms, 0.99), 2),
        "lost": lost,
    }


def run() -> dict[str, Any]:
    """Measure the long form."""
    return asyncio.run(measure(CALLS))
