"""The supervisor's commands in tests: run as he would, as a process of its own, or sent as the command sends them."""

import asyncio
import getpass
import sys
import time

from acd.names import CallId
from callcenter.lab.sip_phone import Leg
from callcenter.service_client import ServiceClient, ServiceError
from config.settings import Settings
from tests.integration.office import Office, Row, until

AT_ONCE_S = 1.0
"""What the product promises: an order takes effect within a second."""
ME = f"local:{getpass.getuser()}"


class Done:
    """What a command said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"{self.code}: {self.out} {self.err}"


async def command(office: Office, *words: str) -> Done:
    """Run `callcenter` with the settings of the site, as a supervisor would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from callcenter.start import main; main()",
        *words,
        env=office.site.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(), err.decode())


async def ordered(office: Office, what: str, **values: str) -> float:
    """Send an order as the command does, and return when it was sent (seconds since the epoch, as the PBX has them too)."""
    settings = Settings(state_dir=office.site.state_dir, http_port=office.site.http_port)
    deadline = time.time() + 20.0
    while True:
        began = time.time()
        try:
            await asyncio.to_thread(ServiceClient(settings).order, f"/hand/{what}", values, "li")
            return began
        except ServiceError as error:
            # his own feature code has not quite ended: a supervisor would press again
            if "phone is busy" not in str(error) or began > deadline:
                raise
            await asyncio.sleep(0.1)


async def became_s(office: Office, agent: str, presence: str, since: float) -> float:
    """How long after an instant an agent came into a state, by the ledger: when we noticed it does not matter."""

    async def told() -> float | None:
        async with office.site.ledger() as ledger:
            rows = await ledger.presence(agent)
        return next((r["at_ms"] / 1000 for r in rows if r["presence"] == presence and r["at_ms"] / 1000 > since), None)

    return await until(told, f"the ledger has agent {agent} {presence}") - since


async def rung_s(office: Office, call: str, agent: str, since: float) -> float:
    """How long after an instant a call was offered to an agent, by the ledger: how soon his phone says that it rings is ours."""

    async def told() -> float | None:
        offers = await of_call(office, "offers", call)
        return next((one["made_ms"] / 1000 for one in offers if one["agent"] == agent), None)

    return await until(told, f"the ledger has the offer to {agent}") - since


async def queued_s(office: Office, call: str, line: str, since: float) -> float:
    """How long after an instant a call was queued in a line, by the ledger."""

    async def told() -> float | None:
        placements = await of_call(office, "placements", call)
        return next((p["at_ms"] / 1000 for p in placements if (p["kind"], p["line"]) == ("queued", line)), None)

    return await until(told, f"the ledger has the call in {line}") - since


async def of_call(office: Office, table: str, call: str) -> list[Row]:
    """Rows of a call in a table of the ledger."""
    async with office.site.ledger() as ledger:
        return await ledger.children(table, CallId(office.site.pbx.systemname, call))


async def acted(office: Office, count: int, **newest: str) -> list[Row]:
    """The newest interventions of the ledger, once the last of them has these values."""

    async def rows() -> list[Row] | None:
        async with office.site.ledger() as ledger:
            found = (await ledger.interventions())[-count:]
        is_there = len(found) == count and all(found[-1][name] == value for name, value in newest.items())
        return found if is_there else None

    return await until(rows, f"the ledger has {newest}")


async def waiting(office: Office, line: str, count: int) -> None:
    async def is_so() -> bool:
        return bool((await office.status())["engine"]["waiting"][line] == count)

    await until(is_so, f"{count} wait in {line}")


async def caller_in(office: Office, number: str, line: str, count: int = 1) -> tuple[Leg, str]:
    """Call a number and wait until he waits in that line; returns his leg and his call's id."""
    phone = await office.caller(f"138000{len(office._callers):05}")
    leg = phone.call(number)
    await waiting(office, line, count)
    return leg, await id_of(office, leg)


async def id_of(office: Office, leg: Leg) -> str:
    async def known() -> str | None:
        rows = await office.rows()
        return next((row["uniqueid"] for row in rows if row["sip_call_id"] == leg.call_id), None)

    return await until(known, "the ledger knows the call")


async def killed_and_back(office: Office) -> None:
    """The service dies as in a crash and is started again."""
    await asyncio.to_thread(office.site.kill_service)
    await office.site.start_service()
