"""Loopback ports of labs, and who may have which: no two labs of this machine ever meet on one.

Theory. A port found free is taken by somebody else in the moment before its server binds it, now and then; and an Asterisk
whose SIP port is gone starts all the same, without it. So who finds a port also claims it, by a name in the kernel's table of
abstract Unix sockets that goes with the process; other labs pass over it. All ports lie below the range from which the
kernel serves who does not care (32,768 on a usual Linux), and no two uses share a range:

    UDP  2,000 to 11,999   signalling of Asterisks and phones
        12,000 to 14,989   media of softphones (baresip chooses)
        14,998             media that nobody listens to (`DEAF`)
        15,000 to 32,000   media of Asterisks, a run for each
    TCP 12,000 to 32,000   AMI, HTTP, databases

Why media has ranges of its own: a phone that an ended call left behind may go on sending for a while. Asterisk sends sound to
where sound comes from (rtp_symmetric), so such packets take a silent caller's sound away for good if they reach his port.
"""

import random
import socket
import sys
from collections import deque
from pathlib import Path

SIGNALLING = range(2_000, 12_000)
SOFTPHONE_MEDIA = range(12_000, 14_990)
DEAF = 14_998
"""The media port of phones that send and hear no sound."""
_PBX_MEDIA = range(15_000, 32_000)
_TCP = range(12_000, 32_000)
_RUN = 1_000
_TRIES = 200
_UDP_TABLE = Path("/proc/net/udp")
_dice = random.SystemRandom()
"""Not the module's own: a test tool may seed that alike in two processes."""
_claims: deque[socket.socket] = deque(maxlen=128)
"""The newest ports found by this process; by the time that one falls out, its server has it or is gone."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """Return a port that nobody has right now and no other lab is about to take (SOCK_STREAM: TCP, SOCK_DGRAM: UDP for
    signalling). Raises OSError where none is found."""
    ports = SIGNALLING if kind == socket.SOCK_DGRAM else _TCP
    failure = OSError("no port is free")
    for port in _dice.sample(ports, _TRIES):
        try:
            claim = _claim(socket.SocketKind(kind).name, port)
        except OSError as error:
            failure = error
            continue
        try:
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind((host, port))
        except OSError as error:
            claim.close()
            failure = error
            continue
        if len(_claims) == _claims.maxlen:
            _claims.popleft().close()
        _claims.append(claim)
        return port
    raise failure


class PortRange:
    """A run of UDP ports for the media of one Asterisk; `close()` gives it back."""

    def __init__(self) -> None:
        """Raises OSError when all runs are taken."""
        for self.first in _dice.sample(_PBX_MEDIA[::_RUN], len(_PBX_MEDIA[::_RUN])):
            try:
                self._claim = _claim("media", self.first)
            except OSError:
                continue
            self.last = self.first + _RUN - 1
            return
        raise OSError(
            f"all UDP ports for media from {_PBX_MEDIA[0]} to {_PBX_MEDIA[-1]} are taken: end some of the labs"
        )

    def close(self) -> None:
        """Let others have it."""
        self._claim.close()


def is_listening_udp(port: int, host: str) -> bool:
    """Say whether somebody has the UDP port now. Looked up in the kernel's table: to try it would take the port from a server that
    is just about to bind it."""
    address = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    wanted = {f"{address:08X}:{port:04X}", f"00000000:{port:04X}"}
    return any(line.split()[1] in wanted for line in _UDP_TABLE.read_text(encoding="ascii").splitlines()[1:])


def _claim(kind: object, port: int) -> socket.socket:
    """Return what keeps other labs from that port while it is open. Raises OSError when another one has it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0callcenter-lab {kind} {port}")
    except OSError:
        claim.close()
        raise
    return claim
