"""What a caller hears, judged by the packets themselves: is the sound whole while the service dies?

Theory: Asterisk numbers its RTP packets (sequence, one a packet; timestamp, 8000 a second). As long as nobody touches the
caller's channel both go on evenly, however late this machine delivers them. A jump over 200 ms in either is a gap, and so is
a stream that stands still. Packets of another source (SSRC) begin a new stream: a talk is one, hold music another.
"""

import asyncio
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Self

from callcenter.lab.sipp_caller import CALLERS_HOST

RATE = 8000
PACKET_S = 0.02
GAP_S = 0.2


@dataclass(frozen=True, slots=True)
class Jump:
    """Sound that is missing between two packets that followed each other."""

    at: float
    """Wall clock of the second packet's arrival, seconds since the epoch."""
    lost_s: float


class Ear(asyncio.DatagramProtocol):
    """Listens to one caller's sound on a UDP port of its own."""

    def __init__(self) -> None:
        self.port = 0
        self.jumps: list[Jump] = []
        """Every jump over GAP_S, oldest first."""
        self.heard_s = 0.0
        """Length of sound received, by sequence numbers."""
        self._last: tuple[int, int, int] | None = None
        """SSRC, sequence and timestamp of the newest packet; None before the first."""
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> Self:
        """Bind a free port of the callers' address."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(CALLERS_HOST, 0))
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return self

    async def caught_up(self) -> None:
        """Take all packets that have come by now: a loop that was held up has them still in its socket."""
        if self._transport is not None:
            ours = self._transport.get_extra_info("socket").fileno()
            while select.select([ours], [], [], 0)[0]:  # noqa: ASYNC110 -- the loop reads one packet of a socket at a time
                await asyncio.sleep(0)

    def close(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one packet; what is no RTP is passed over."""
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        sequence, timestamp, source = struct.unpack_from("!HII", data, 2)
        last, self._last = self._last, (source, sequence, timestamp)
        if last is None or last[0] != source:
            return
        steps = (sequence - last[1]) & 0xFFFF
        ticks = (timestamp - last[2]) & 0xFFFFFFFF
        if steps >= 0x8000 or ticks >= 0x80000000:
            self._last = last  # out of order: an older packet
            return
        self.heard_s += steps * PACKET_S
        lost_s = max((steps - 1) * PACKET_S, ticks / RATE - PACKET_S)
        if lost_s > GAP_S:
            self.jumps.append(Jump(time.time(), lost_s))
