"""Free loopback ports, found by asking the kernel."""

import random
import socket


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on right now (SOCK_STREAM: TCP, SOCK_DGRAM: UDP)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def free_range(count: int, host: str = "127.0.0.1") -> int:
    """Return the first port of a run of `count`, even, below the kernel's own range, with its ends free now.

    Several labs may overlap: Asterisk takes the next port of its range when one is in use.
    """
    for _ in range(100):
        first = random.randrange(12_000, 32_000 - count, 2)
        if is_free_udp(first, host) and is_free_udp(first + count - 1, host):
            return first
    return first


def is_free_udp(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether the UDP port can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
