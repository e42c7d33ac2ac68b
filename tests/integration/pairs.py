"""An office of pairs: each scripted phone has one agent, who alone serves one line, so that many tries run beside each other.

The line of phone 1101 is dialled by 1101 too. Every verdict is read from the ledger, and CEL, rebuilt by the witness, must agree.
"""

import asyncio
import socket

from acd.names import CallId
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import Leg, Phone, endpoints, header
from callcenter.lab.site import Seat, Site
from callcenter.witness.calls import DeviceUse
from tests.integration.office import Building, Office, Row, until

RING_S = 5
_LINE = """
[lines.l{phone}]
name = "线路{phone}"
name_en = "Line {phone}"
dids = ["{phone}"]
need = "s{phone} >= 1"
ring_s = {ring_s}
wrapup_s = 0
"""


class PairBuilding(Building):
    """So many pairs; `max_misses` as the plan's."""

    def __init__(self, pairs: int, max_misses: int, real: tuple[str, ...] = (), pjsip: str = "") -> None:
        phones = [str(1101 + n) for n in range(pairs)]
        self.agents = {phone: f"8{phone[1:]}" for phone in phones}
        self.ports = {phone: free_port(socket.SOCK_DGRAM) for phone in phones}
        self.real = {phone: f"9{phone[1:]}" for phone in real}
        """Phones that register, with their agents."""
        lines = [*phones, *real]
        plan = f'default_line = "l{lines[0]}"\nmax_misses = {max_misses}\n'
        plan += "".join(_LINE.format(phone=phone, ring_s=RING_S) for phone in lines)
        plan += '[not_ready_reasons]\n1 = "break"\n'
        seats = [
            Seat(agent, f"话务员{agent}", {f"s{phone}": 1}) for phone, agent in {**self.agents, **self.real}.items()
        ]
        pbx = Asterisk(
            real, lines=tuple(f"l{line}" for line in lines), extra={"pjsip.conf": endpoints(self.ports) + pjsip}
        )
        self.site = Site(plan, seats, real, pbx=pbx)


class PairOffice(Office):
    """One test's view."""

    async def judged(self, leg: Leg) -> tuple[Row, list[Row]]:
        """Return row and offers of a call that is over; CEL has told the same."""
        row = await self.row(leg, 15.0)
        self.agree([row])
        return row, await self.offers(row)

    def agree(self, rows: list[Row]) -> None:
        """Assert that CEL tells these calls as the ledger does."""
        building = self.building
        assert isinstance(building, PairBuilding)
        devices = [DeviceUse(phone, agent) for phone, agent in {**building.agents, **building.real}.items()]
        self.agree_with_cel(rows, devices)

    async def talks(self, row: Row) -> list[Row]:
        """A call's talks."""
        async with self.site.ledger() as ledger:
            return await ledger.children("talks", CallId(row["pbx"], row["uniqueid"]))

    async def until_no_channel(self) -> None:
        """Wait until the PBX has no channel left."""

        async def none() -> bool:
            return "0 active channels" in await asyncio.to_thread(self.site.pbx.rx, "core show channels count")

        await until(none, "no channel is left")


def invite_status(leg: Leg) -> int:
    """Final status that the PBX gave to a caller's INVITE; 0: none yet."""
    finals = [
        int(text.split(" ", 2)[1])
        for text in leg.messages
        if text.startswith("SIP/2.0") and header(text, "CSeq").endswith("INVITE")
    ]
    return next((status for status in finals if status >= 200), 0)


async def hang_up_for_good(phone: Phone, leg: Leg) -> None:
    """Hang up as a person does: a CANCEL that crossed with the answer is followed by a BYE."""
    phone.hang_up(leg)

    async def answered() -> bool:
        return leg.is_ended.is_set() or invite_status(leg) > 0

    await until(answered, "the PBX has given its last word", 5.0)
    phone.hang_up(leg)
