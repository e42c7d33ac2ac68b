"""A scripted SIP phone for tests and benchmarks: says exactly what it is told to say, and writes down what it hears.

One UDP socket is one phone. It answers INVITEs by its `script`, can call, send keys (SIP INFO), refer and hang up. No
media and no retransmission: the peer is an Asterisk on the same machine. Header values are latin-1 or UTF-8 bytes as
given, so that hostile ones can be sent.
"""

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from callcenter.lab.login_keys import AGENT, PIN, until_asked
from callcenter.lab.ports import DEAF

_NUMBERS = itertools.count(1)

SDP = (
    "v=0\r\no=- {n} {n} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio {rtp} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
)


_ENDPOINT = """
[{number}](media)
context = callcenter-phones
aors = {number}
identify_by = username
[{number}]
type = aor
{contact}
"""


def endpoints(ports: Mapping[str, int | None]) -> str:
    """Return what an Asterisk's pjsip.conf (`Asterisk(extra=...)`) says of such phones: none can register, their ports are
    fixed. Port None: a phone that is not there."""
    contacts = {
        number: "max_contacts = 1" if port is None else f"contact = sip:{number}@127.0.0.1:{port}"
        for number, port in ports.items()
    }
    return "".join(_ENDPOINT.format(number=number, contact=contact) for number, contact in contacts.items())


@dataclass(frozen=True, slots=True)
class Script:
    """What a phone does with an INVITE: each step is (seconds after the INVITE, status code)."""

    steps: tuple[tuple[float, int], ...]


RINGS_ONLY = Script(((0.0, 180),))
SILENT = Script(())


def answers(after_s: float = 0.05) -> Script:
    """Ring at once, answer after `after_s` seconds."""
    return Script(((0.0, 180), (after_s, 200)))


def says(status: int) -> Script:
    """Refuse with a status code, without ringing."""
    return Script(((0.0, status),))


@dataclass(slots=True)
class Leg:
    """One SIP dialog of a phone, from either side."""

    call_id: str
    local: str
    remote: str
    target: str
    cseq: int = 1
    heard: list[tuple[float, str]] = field(default_factory=list)
    """(monotonic seconds, first line) of everything that came in this dialog."""
    messages: list[str] = field(default_factory=list)
    request: str = ""
    """The INVITE as it came (called side) or was sent (calling side)."""
    final: int = 0
    """Final status that this phone gave to the INVITE; 0: none yet."""
    is_ended: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended_by: str = ""

    def statuses(self) -> list[int]:
        """Status codes heard so far, in order."""
        return [int(line.split()[1]) for _, line in self.heard if line.startswith("SIP/2.0")]

    async def wait_for(self, status: int, timeout_s: float = 15.0) -> float:
        """Wait until this status was heard; return the instant (monotonic seconds)."""
        async with asyncio.timeout(timeout_s):
            while True:
                for at, line in self.heard:
                    if line.startswith(f"SIP/2.0 {status} "):
                        return at
                self.news.clear()
                await self.news.wait()


def header(message: str, name: str) -> str:
    """Return the first value of a header, empty when it is not there."""
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.*?)\r?$", message, re.IGNORECASE | re.MULTILINE)
    return found.group(1) if found else ""


class Phone(asyncio.DatagramProtocol):
    """A phone at (ip, port) that talks to one PBX."""

    def __init__(self, user: str, pbx: tuple[str, int], script: Script = SILENT) -> None:
        self.user = user
        self.pbx = pbx
        self.script = script
        self.forwards_to = ""
        """URI for the Contact of a 302."""
        self.legs: dict[str, Leg] = {}
        self.incoming: asyncio.Queue[Leg] = asyncio.Queue()
        self.address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, user: str, at: tuple[str, int], pbx: tuple[str, int], script: Script = SILENT) -> "Phone":
        """Bind a phone; port 0 takes a free one."""
        phone = cls(user, pbx, script)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: phone, local_addr=at)
        return phone

    async def close(self) -> None:
        """End the phone's own tasks and its socket; dialogs are left as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport:
            self._transport.close()

    # -- calling side ------------------------------------------------------------------------------------------------

    def call(self, number: str, name: bytes = b"", caller: str | None = None, extra: str = "") -> Leg:
        """Send an INVITE. `name` is the raw display name, quoted by the caller of this method where it must be; `extra` is
        whole header lines."""
        n = next(_NUMBERS)
        ip, port = self.address
        display = name + b" " if name else b""
        local = display + f"<sip:{caller or self.user}@{ip}:{port}>;tag=t{n}".encode()
        leg = Leg(
            f"{n}.{time.time_ns()}@{ip}", local.decode("latin-1"), f"<sip:{number}@{self.pbx[0]}:{self.pbx[1]}>", ""
        )
        leg.target = f"sip:{number}@{self.pbx[0]}:{self.pbx[1]}"
        self.legs[leg.call_id] = leg
        sdp = SDP.format(n=n, ip=ip, rtp=DEAF)
        leg.request = self._request(leg, "INVITE", sdp, "application/sdp", extra=extra)
        return leg

    def hang_up(self, leg: Leg) -> None:
        """End a dialog from this side: CANCEL before the answer, else BYE."""
        if leg.is_ended.is_set():
            return
        if not self.was_called(leg) and not any(status >= 200 for status in leg.statuses()):
            self._send(re.sub(r"^INVITE ", "CANCEL ", self._bare(leg.request)).replace(" INVITE\r\n", " CANCEL\r\n"))
            leg.ended_by = "self"
            return
        leg.cseq += 1
        self._request(leg, "BYE")
        leg.ended_by = "self"
        leg.is_ended.set()

    def press(self, leg: Leg, digit: str) -> None:
        """Send one key as SIP INFO."""
        leg.cseq += 1
        self._request(leg, "INFO", f"Signal={digit}\r\nDuration=100\r\n", "application/dtmf-relay")

    async def keys(self, leg: Leg, digits: str, gap_s: float = 0.12) -> None:
        """Send keys one after the other, as a hand does; a feature code's own two (`*7`) in one go, for the PBX takes them for
        a code only within a second of each other, and this process may be held up for longer between the two."""
        at_once = {1} if digits.startswith("*") else set()
        for place, digit in enumerate(digits, 1):
            self.press(leg, digit)
            if place not in at_once:
                await asyncio.sleep(gap_s)

    async def log_in(self, agent: str, pin: str, rx: Callable[[str], str]) -> Leg:
        """Dial *11 and press an agent's number and PIN, each when it is asked for; returns when the service's word was played.
        rx: runs a command of the PBX's console."""
        leg = self.call("*11")
        await leg.wait_for(200)
        await until_asked(rx, self.user, AGENT)
        await self.keys(leg, agent + "#")
        await until_asked(rx, self.user, PIN)
        await self.keys(leg, pin)
        await asyncio.wait_for(leg.is_ended.wait(), 20)
        return leg

    def refer(self, leg: Leg, number: str) -> None:
        """Blind transfer of the other party to `number`."""
        leg.cseq += 1
        self._request(leg, "REFER", extra=f"Refer-To: <sip:{number}@{self.pbx[0]}:{self.pbx[1]}>\r\n")

    def join(self, leg: Leg, other: Leg) -> None:
        """Attended transfer: let the other party of `leg` take this phone's place in the dialog `other`."""
        leg.cseq += 1
        ours, theirs = (re.search(r";tag=([^;>\s]+)", text) for text in (other.local, other.remote))
        assert ours is not None and theirs is not None, "the other dialog is not up"
        dialog = f"{other.call_id.replace('@', '%40')}%3Bto-tag%3D{theirs.group(1)}%3Bfrom-tag%3D{ours.group(1)}"
        uri = other.target.replace("sip:", f"sip:{self.user}@", 1) if "@" not in other.target else other.target
        self._request(
            leg, "REFER", extra=f"Refer-To: <{uri}?Replaces={dialog}>\r\nReferred-By: <sip:{self.user}@pbx>\r\n"
        )

    def take_over(self, other: Leg) -> Leg:
        """Take another phone's place in its dialog with the PBX (INVITE with Replaces), as a pick-up key does."""
        tags = [re.search(r";tag=([^;>\s]+)", text) for text in (other.remote, other.local)]
        assert tags[0] is not None and tags[1] is not None, "the other dialog is not up"
        replaces = f"Replaces: {other.call_id};to-tag={tags[0].group(1)};from-tag={tags[1].group(1)}\r\n"
        return self.call("*13", extra="Require: replaces\r\n" + replaces)

    def resume(self, leg: Leg) -> None:
        """Take the other party back from hold."""
        leg.cseq += 1
        self._request(leg, "INVITE", SDP.format(n=next(_NUMBERS), ip=self.address[0], rtp=DEAF), "application/sdp")

    def hold(self, leg: Leg) -> None:
        """Put the other party on hold (re-INVITE with sendonly)."""
        leg.cseq += 1
        body = SDP.format(n=next(_NUMBERS), ip=self.address[0], rtp=DEAF).replace("sendrecv", "sendonly")
        self._request(leg, "INVITE", body, "application/sdp")

    # -- called side -------------------------------------------------------------------------------------------------

    async def next_call(self, timeout_s: float = 15.0) -> Leg:
        """Return the next INVITE that comes in."""
        async with asyncio.timeout(timeout_s):
            return await self.incoming.get()

    def was_called(self, leg: Leg) -> bool:
        """Whether the other side began this dialog."""
        return self.address[1] != int(self._via_port(leg.request))

    async def _play(self, leg: Leg, script: Script) -> None:
        began = time.monotonic()
        for after_s, status in script.steps:
            await asyncio.sleep(max(0.0, began + after_s - time.monotonic()))
            if leg.is_ended.is_set():
                return
            self.reply(leg, status)

    def reply(self, leg: Leg, status: int) -> None:
        """Answer the INVITE of an incoming leg with a status; 200 brings SDP."""
        body = SDP.format(n=1, ip=self.address[0], rtp=DEAF) if status == 200 else ""
        leg.final = status if status >= 200 else 0
        self._respond(leg.request, status, leg.local, body)

    # -- wire --------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode("latin-1")
        call_id = header(text, "Call-ID")
        first = text.split("\r\n", 1)[0]
        leg = self.legs.get(call_id)
        if first.startswith("SIP/2.0"):
            if leg:
                self._heard(leg, first, text)
                self._on_response(leg, text)
        elif first.startswith("INVITE") and leg is None:
            self._on_invite(call_id, text, first)
        elif leg and not (first.startswith("INVITE") and ";tag=" not in header(text, "To")):  # no retransmission
            self._heard(leg, first, text)
            self._on_request(leg, first.split()[0], text)
        elif first.startswith("OPTIONS"):
            self._respond(text, 200, header(text, "To"))

    def error_received(self, exc: Exception) -> None:
        pass  # the PBX went away: the test's own deadlines tell

    def _heard(self, leg: Leg, first: str, text: str) -> None:
        """Write down what came, once: the PBX says it again where this machine was slow to answer."""
        if text in leg.messages:
            return
        leg.heard.append((time.monotonic(), first))
        leg.messages.append(text)
        leg.news.set()

    def _on_invite(self, call_id: str, text: str, first: str) -> None:
        contact = re.search(r"<([^>]+)>", header(text, "Contact"))
        leg = Leg(call_id, header(text, "To") + f";tag=c{next(_NUMBERS)}", header(text, "From"), "", request=text)
        leg.target = contact.group(1) if contact else ""
        self.legs[call_id] = leg
        self._heard(leg, first, text)
        self.incoming.put_nowait(leg)
        task = asyncio.get_running_loop().create_task(self._play(leg, self.script))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_response(self, leg: Leg, text: str) -> None:
        status, method = int(text.split(" ", 2)[1]), header(text, "CSeq").split()[-1]
        if method != "INVITE" or status < 200:
            return
        leg.remote = header(text, "To")
        contact = re.search(r"<([^>]+)>", header(text, "Contact"))
        if status < 300 and contact:
            leg.target = contact.group(1)
        self._request(leg, "ACK", sequence=int(header(text, "CSeq").split()[0]))
        if status < 300 and leg.ended_by == "self" and not leg.is_ended.is_set():
            self.hang_up(leg)  # the answer crossed with our CANCEL
        if status >= 300 and len([s for s in leg.statuses() if s >= 200]) == 1:
            leg.ended_by = leg.ended_by or "peer"
            leg.is_ended.set()

    def _on_request(self, leg: Leg, method: str, text: str) -> None:
        if method == "ACK":
            return
        if method == "INVITE":  # re-INVITE
            self._respond(text, 200, header(text, "To"), SDP.format(n=2, ip=self.address[0], rtp=DEAF))
            return
        self._respond(text, 200, header(text, "To"))
        if method == "CANCEL":
            if leg.final:
                return  # it crossed with our answer, which stands: the PBX ends it with a BYE
            self.reply(leg, 487)
        if method in ("CANCEL", "BYE"):
            leg.ended_by = leg.ended_by or "peer"
            leg.is_ended.set()

    def _respond(self, request: str, status: int, to: str, body: str = "") -> None:
        vias = "".join(f"Via: {v}\r\n" for v in re.findall(r"^Via:\s*(.*?)\r?$", request, re.M | re.I))
        ip, port = self.address
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._send(
            f"SIP/2.0 {status} Scripted\r\n{vias}From: {header(request, 'From')}\r\nTo: {to}\r\n"
            f"Call-ID: {header(request, 'Call-ID')}\r\nCSeq: {header(request, 'CSeq')}\r\n"
            f"Contact: <{self.forwards_to if status == 302 else f'sip:{self.user}@{ip}:{port}'}>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _request(
        self, leg: Leg, method: str, body: str = "", kind: str = "", sequence: int | None = None, extra: str = ""
    ) -> str:
        ip, port = self.address
        content = f"Content-Type: {kind}\r\n" if body else ""
        text = (
            f"{method} {leg.target} SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:{port};rport;branch=z9hG4bK{next(_NUMBERS)}\r\n"
            f"Max-Forwards: 70\r\nFrom: {leg.local}\r\nTo: {leg.remote}\r\nCall-ID: {leg.call_id}\r\n"
            f"CSeq: {leg.cseq if sequence is None else sequence} {method}\r\nContact: <sip:{self.user}@{ip}:{port}>\r\n"
            f"{extra}{content}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._send(text)
        return text

    @staticmethod
    def _bare(request: str) -> str:
        head = request.split("\r\n\r\n", 1)[0]
        kept = [line for line in head.split("\r\n") if not line.lower().startswith(("content-", "contact"))]
        return "\r\n".join(kept) + "\r\nContent-Length: 0\r\n\r\n"

    @staticmethod
    def _via_port(request: str) -> str:
        found = re.search(r"^Via: SIP/2.0/UDP [^:]+:(\d+)", request, re.MULTILINE)
        return found.group(1) if found else "0"

    def _send(self, text: str) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(text.encode("latin-1"), self.pbx)
