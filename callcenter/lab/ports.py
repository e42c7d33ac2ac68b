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


def free_range(count: int, host: str = "127.0.0.1") -> int:
    """Return the first port of a run of `count`, even, below the kernel's own range, with its ends free now.

    Several labs may overlap: Asterisk takes the next port of its range when one is in use.
    """
    for _ in range(100):
        first = _dice.randrange(LOWEST, HIGHEST - count, 2)
        if is_free_udp(first, host) and is_free_udp(first + count - 1, host):
            return first
    return first


def is_listening_udp(port: int, host: str) -> bool:
    """Say whether somebody has the UDP port now. Looked up in the kernel's table: to try it would take the port from a server that
    is just about to bind it."""
    address = int.from_bytes(socket.inet_aton(host), sys.byteorder)
    wanted = {f"{address:08X}:{port:04X}", f"00000000:{port:04X}"}
    return any(line.split()[1] in wanted for line in _UDP_TABLE.read_text(encoding="ascii").splitlines()[1:])


def is_free_udp(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether the UDP port can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
