"""A small office on the real PBX for tests of the running service: scripted phones at fixed ports, agents, callers, ledger.

The service is the real process (`callcenter.lab.site`). Phones answer what their script says; a phone's socket belongs to
one test, its agent stays logged in over all of them. Between two tests every agent is not ready.
"""

import asyncio
import contextlib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, Self, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from acd.names import CallId
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import Leg, Phone, Script, answers, endpoints
from callcenter.lab.site import Seat, Site
from callcenter.witness.calls import DeviceUse
from callcenter.witness.cel import read_cel
from callcenter.witness.compare import LedgerCall, compare
from callcenter.witness.rebuild import rebuild
from tests.conftest import missing

_T = TypeVar("_T")
Row = dict[str, Any]

PLAN = """
default_line = "general"
max_misses = 2
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
ring_s = 5
wrapup_s = 0
[lines.special]
name = "专席"
name_en = "Special"
dids = ["12346"]
need = "special >= 1"
ring_s = 5
wrapup_s = 0
max_waiting = 1
on_full = { reject = true }
[lines.real]
name = "软电话"
name_en = "Softphones"
dids = ["12347"]
need = "real >= 1"
record = true
strategy = "most_skilled"
ring_s = 5
wrapup_s = 0
[lines.tax]
name = "税务"
name_en = "Tax"
dids = ["12348"]
need = "tax >= 1"
ring_s = 5
wrapup_s = 0
[not_ready_reasons]
1 = "break"
"""
LOG_INS = 3
"""Times that an agent tries: a service that was busy may have given him no word in time."""
NEAR_MS = 250
"""AMI and CEL of one instant where several PBXs share two cores: a channel's dialplan may wait that long for its turn after the channel
was made. That they agree within 50 ms is judged by tests/integration/test_calls.py and by the long proof."""
TOLD_BY_CEL_S = 10.0
STALE_S = 13.5
"""By then the dialplan takes the service for away: its heartbeat is older than CC_STALE_S."""
SEATS = {"1001": "8001", "1002": "8002", "1003": "8003"}
"""Scripted phone -> its agent."""
SKILLS = {
    "8001": {"general": 2},
    "8002": {"general": 1},
    "8003": {"special": 1},
    "8009": {"tax": 1},
    "8011": {"real": 2},
    "8012": {"real": 1},
}
REAL = ("2001", "2002")
"""Phones that register (baresip)."""


def at_once(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine to its end from code without a loop (fixtures that live longer than one test's loop)."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


class Opened(Protocol):
    """A site with its phones."""

    site: Site

    async def open(self) -> Any:
        """Start everything. Raises PeerUnavailableError."""


_B = TypeVar("_B", bound=Opened)


@contextlib.contextmanager
def opened(building: _B) -> Iterator[_B]:
    """Open a building for a whole module and end everything after it; where the peers cannot be had, skip or fail."""
    try:
        at_once(building.open)
    except PeerUnavailableError as error:
        missing(error)
    try:
        yield building
    finally:
        at_once(building.site.stop)


async def until(holds: Callable[[], Awaitable[_T | None]], what: str, within_s: float = 20.0) -> _T:
    """Ask again and again until the answer is neither None nor false; returns it."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        is_last = (
            asyncio.get_running_loop().time() >= deadline
        )  # asked once more, for a stall may have taken all the time
        found = await holds()
        if found:
            return found
        if is_last:
            break
        await asyncio.sleep(0.04)
    raise AssertionError(f"not within {within_s:g} s: {what}")


class Building:
    """What outlives a test: the site and the ports of its scripted phones."""

    agents: Mapping[str, str] = SEATS
    """Scripted phone -> its agent."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.ports = {number: free_port(socket.SOCK_DGRAM) for number in SEATS}
        phones = endpoints(self.ports)
        pbx = Asterisk(REAL, lines=("general", "special", "real", "tax"), extra={"pjsip.conf": phones})
        seats = [Seat(number, f"话务员{number}", skills) for number, skills in SKILLS.items()]
        self.site = Site(PLAN, seats, REAL, environment=environment, pbx=pbx)
        first = seats[0].toml()
        self.site.plan_text = self.site.plan_text.replace(first, f'{first}outbound = "general"\n')

    async def open(self) -> Self:
        """Start everything and log the agents of the scripted phones in, not ready."""
        await self.site.start()
        office = Office(self)
        try:
            await asyncio.gather(*(office.log_in(phone) for phone in self.agents))
            await asyncio.gather(*(office.not_ready(phone) for phone in self.agents))
        finally:
            await office.close()
        return self


class Office:
    """One test's view."""

    def __init__(self, building: Building) -> None:
        self.building = building
        self.site = building.site
        self.sip = ("127.0.0.1", self.site.pbx.sip_port)
        self._phones: dict[str, Phone] = {}
        self._callers: list[Phone] = []

    async def close(self) -> None:
        """Hang everything up, and leave every agent not ready."""
        for phone in (*self._callers, *self._phones.values()):
            for leg in phone.legs.values():
                phone.hang_up(leg)
        await until(self._is_calm, "no call is left")
        agents = (await self.status())["agents"]
        ready, owed = ([one["device"] for one in agents if one["presence"] == what] for what in ("ready", "acw"))
        await asyncio.gather(*(self.leaves(number) for number in owed if number in self.building.agents))
        await asyncio.gather(*(self.not_ready(number) for number in ready if number in self.building.agents))
        for phone in (*self._callers, *self._phones.values()):
            await phone.close()

    async def _is_calm(self) -> bool:
        engine = (await self.status())["engine"]
        return bool(engine["calls"] == engine["outbound"] == 0)

    def agree_with_cel(self, rows: Sequence[Row], devices: Sequence[DeviceUse]) -> None:
        """Assert that CEL tells these inbound calls as the ledger does. `devices`: who sat where.

        Other threads of the PBX write CEL than tell AMI: what it lacks yet is waited for.
        """
        ours = [LedgerCall.of(row) for row in rows]
        keys = {one.call for one in ours}
        deadline = time.monotonic() + TOLD_BY_CEL_S
        while True:
            is_last = time.monotonic() >= deadline
            heard = read_cel(self.site.pbx.cel_file).rows
            told = rebuild(heard, pbx=self.site.pbx.systemname, callers=("trunk",), devices=devices)
            found = compare(ours, [call for call in told.calls if call.call in keys], limit_ms=NEAR_MS)
            if is_last or (found.compared == len(rows) and not found.mismatches):
                break
            time.sleep(0.05)
        assert not found.mismatches, [str(one) for one in found.mismatches]
        assert found.compared == len(rows)

    # --- the service

    async def get(self, path: str) -> str:
        """GET; raises HTTPError."""
        return await asyncio.to_thread(self.site.get, path)

    async def status(self) -> Row:
        """The /status page."""
        return await asyncio.to_thread(self.site.status)

    async def code_of(self, path: str, method: str = "GET", token: str = "") -> tuple[int, str]:
        """Return status and body of a request, whatever the status."""

        def ask() -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = f"http://127.0.0.1:{self.site.http_port}{path}"
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(url, method=method, headers=headers), timeout=5
                ) as page:
                    return int(page.status), str(page.read().decode())
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        return await asyncio.to_thread(ask)

    async def agent(self, number: str) -> Row:
        """An agent as /status shows him."""
        return next(one for one in (await self.status())["agents"] if one["number"] == number)

    async def until_presence(self, number: str, presence: str, within_s: float = 20.0) -> Row:
        """Wait until an agent is in this state."""

        async def is_so() -> Row | None:
            row = await self.agent(number)
            return row if row["presence"] == presence else None

        return await until(is_so, f"agent {number} is {presence}", within_s)

    async def samples(self) -> dict[str, dict[tuple[str, ...], float]]:
        """/metrics: sample name -> label values, that of a bucket last -> value."""
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families(await self.get("/metrics")):
            for sample in family.samples:
                labels = sorted(sample.labels.items(), key=lambda pair: pair[0] == "le")
                found.setdefault(sample.name, {})[tuple(value for _, value in labels)] = sample.value
        return found

    # --- phones and callers

    async def phone(self, number: str, script: Script | None = None) -> Phone:
        """The scripted phone of an endpoint (it answers at once by default)."""
        if number not in self._phones:
            at = ("127.0.0.1", self.building.ports[number])
            self._phones[number] = await Phone.open(number, at, self.sip)
        self._phones[number].script = script or answers(0.05)
        return self._phones[number]

    async def caller(self, number: str = "13800000001") -> Phone:
        """A phone behind the trunk."""
        phone = await Phone.open(number, ("127.0.0.2", 0), self.sip)
        self._callers.append(phone)
        return phone

    async def key_in(self, phone: Phone, agent: str, pin: str) -> Leg:
        """Dial *11 and press number and PIN; returns when the service's word was played."""
        return await phone.log_in(agent, pin, self.site.pbx.rx)

    async def log_in(self, number: str) -> None:
        """Log the agent of a scripted phone in."""
        agent = self.building.agents[number]
        for _ in range(LOG_INS):
            await self.key_in(await self.phone(number), agent, self.site.seats[agent].pin)
            if (await self.agent(agent))["device"] == number:
                return
        raise AssertionError(f"agent {agent} is not logged in at {number}: {await self.agent(agent)}")

    async def code(self, number: str, code: str, *presences: str) -> None:
        """Dial a feature code and wait until it has made the agent one of these."""
        phone = await self.phone(number, self._phones[number].script if number in self._phones else None)
        leg = phone.call(code)

        async def is_so() -> bool:
            return (await self.agent(self.building.agents[number]))["presence"] in presences

        await until(is_so, f"the agent at {number} is {' or '.join(presences)}")
        await leg.wait_for(200)
        phone.hang_up(leg)

    async def ready(self, number: str, script: Script | None = None) -> Phone:
        """Make the agent of a scripted phone ready; the phone answers as the script says. Where a caller waits for him, he may
        ring or talk before anybody has looked."""
        phone = await self.phone(number, script)
        await self.code(number, "*13", "ready", "ringing", "talking")
        return phone

    async def not_ready(self, number: str) -> None:
        """Make the agent of a scripted phone not ready."""
        await self.code(number, "*141", "not_ready")

    async def leaves(self, number: str) -> None:
        """Let the agent of a scripted phone be not ready, now or behind his talk and wrap-up; returns when he was told so."""
        phone = await self.phone(number, self._phones[number].script if number in self._phones else None)
        leg = phone.call("*141")
        await asyncio.wait_for(leg.is_ended.wait(), 20)

    # --- the ledger

    async def row(self, leg: Leg, within_s: float = 20.0) -> Row:
        """The ledger's row of a caller's call, once it has ended."""

        async def ended() -> Row | None:
            rows = await self.rows()
            return next((row for row in rows if row["sip_call_id"] == leg.call_id and row["ended_ms"]), None)

        return await until(ended, f"the ledger has {leg.call_id}", within_s)

    async def rows(self) -> list[Row]:
        """All calls of the ledger."""
        async with self.site.ledger() as ledger:
            return await ledger.calls(0, 2**53)

    async def offers(self, row: Row) -> list[Row]:
        """A call's offers."""
        async with self.site.ledger() as ledger:
            return await ledger.offers(CallId(row["pbx"], row["uniqueid"]))
