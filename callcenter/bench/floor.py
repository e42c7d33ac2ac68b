"""A call centre for benchmarks: private Asterisk, the real service, and scripted phones on one socket each group.

Phones have static contacts, so nothing registers; agents log in by a feature event with a right proof, sent over the
lab's own manager session, because three hundred spoken log-ins would measure nothing. Calls are real SIP calls.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence

from agents.login import proof_of
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.settings import AmiSettings
from callcenter.lab.cache import Report
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import SILENT, Phone, Script, endpoints
from callcenter.lab.site import Seat, Site

PLAN = """
default_line = "general"
[lines.general]
name = "群众诉求"
name_en = "General appeals"
dids = ["12345"]
need = "general >= 1"
ring_s = 20
wrapup_s = 0
[topics]
"""


def quiet(_text: str) -> None:
    """A benchmark prints nothing but its line."""


class Floor:
    """Asterisk, service and phones of a benchmark."""

    def __init__(self, seats: int, *, extra_phones: Sequence[str] = (), dialplan: str = "", queues: str = "") -> None:
        """seats: agents 8001, 8002, ... at phones 1001, 1002, ... extra_phones: more endpoints on the same socket."""
        self.agents_port = free_port(socket.SOCK_DGRAM)
        self.devices = [str(1001 + n) for n in range(seats)]
        self.seats = [Seat(str(8001 + n), f"Seat {n + 1}", {"general": 1}) for n in range(seats)]
        phones = endpoints(dict.fromkeys((*self.devices, *extra_phones), self.agents_port))
        extra: Mapping[str, str] = {"pjsip.conf": phones, "queues.conf": queues}
        report: Report = quiet
        pbx = Asterisk(lines=("default", "general"), dialplan=dialplan, extra=extra, report=report)
        self.site = Site(PLAN, self.seats, (), pbx=pbx, report=report)
        self.pbx = pbx

    @property
    def sip(self) -> tuple[str, int]:
        """Where Asterisk listens."""
        return ("127.0.0.1", self.pbx.sip_port)

    @contextlib.asynccontextmanager
    async def open(self, script: Script = SILENT, *, service: bool = True) -> AsyncIterator[Phone]:
        """Start everything; yields the socket of all agents' phones. Ends everything."""
        await self.pbx.start()
        try:
            self.site.write_plan(self.site.plan_text)
            agents = await Phone.open("agents", ("127.0.0.1", self.agents_port), self.sip, script)
            if service:
                await self.site.start_service()
            try:
                yield agents
            finally:
                await agents.close()
        finally:
            await self.site.stop()

    def link(self, keep: Sequence[str] = (), on_event: "object" = None) -> AmiLink:
        """Return a manager session of the lab's own user (all privileges)."""
        settings = AmiSettings("127.0.0.1", self.pbx.ami_port, "lab", self.pbx.managers["lab"], frozenset(keep))
        if callable(on_event):
            return AmiLink(settings, on_event=on_event)
        return AmiLink(settings)

    async def log_in_everybody(self, link: AmiLink) -> None:
        """Log every agent in at his phone."""
        for seat, device in zip(self.seats, self.devices, strict=True):
            uniqueid = f"bench-{device}"
            proof = proof_of(uniqueid, seat.pin_sha1)
            await link.send(
                {
                    "Action": "UserEvent",
                    "UserEvent": "CcFeature",
                    "Uniqueid": uniqueid,
                    "Code": "login",
                    "Endpoint": device,
                    "Agent": seat.number,
                    "Proof": proof,
                }
            )


def instant_ms(message: AmiMessage) -> float:
    """Return a message's Timestamp in milliseconds, with its microseconds."""
    at_us = message.at_us
    return 0.0 if at_us is None else at_us / 1000


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
