"""Free loopback ports, found by trying.

TCP: below the range from which the kernel serves connections (32,768 on a usual Linux), so that none of another process can
get the port between the moment in which it is found free and the one in which its server listens. UDP: the kernel's choice,
for below that range lies the media of Asterisk and of phones.
"""

import random
import socket
import sys
from pathlib import Path

LOWEST, HIGHEST = 12_000, 32_000
TRIES = 200
_UDP_TABLE = Path("/proc/net/udp")
_dice = random.SystemRandom()
"""Not the module's own: a test tool may seed that alike in two processes."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on right now (SOCK_STREAM: TCP, SOCK_DGRAM: UDP). Raises OSError where none is found."""
    candidates = [0] if kind == socket.SOCK_DGRAM else _dice.sample(range(LOWEST, HIGHEST), TRIES)
    failure = OSError("no port is free")
    for candidate in candidates:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, candidate))
            except OSError as error:
                failure = error
                continue
            port: int = probe.getsockname()[1]
            return port
    raise failure


class PortRange:
    """A run of UDP ports below the kernel's own range that no other lab of this machine has meanwhile; `close()` gives it back.

    Theory: a phone that an ended call left behind may go on sending for a while. Asterisk sends sound to where sound comes from
    (rtp_symmetric), so such packets take a silent caller's sound away for good if his port was another lab's before. The
    runs therefore never overlap: who has one holds the port behind it, which another one finds taken.
    """

    def __init__(self, count: int, host: str = "127.0.0.1") -> None:
        """count: how many ports, even. Raises OSError when all runs are taken."""
        step = count + 2
        runs = list(range(LOWEST, HIGHEST - step, step))
        _dice.shuffle(runs)
        self._guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for self.first in runs:
            try:
                self._guard.bind((host, self.first + count))
            except OSError:
                continue
            self.last = self.first + count - 1
            return
        self._guard.close()
        raise OSError(f"no run of {count} UDP ports is free between {LOWEST} and {HIGHEST}: end some of the labs")

    def close(self) -> None:
        """Let others have it."""
        self._guard.close()


def is_listening_udp(port: int, host: str) -> bool:
    """Say whether somebody has the UDP port now. Looked up in the kernel's table: to try it would take the port from a server that
    is just about to bind it."""
    address = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    wanted = {f"{address:08X}:{port:04X}", f"00000000:{port:04X}"}
    return any(line.split()[1] in wanted for line in _UDP_TABLE.read_text(encoding="ascii").splitlines()[1:])
