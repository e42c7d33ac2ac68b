"""Whether a UDP port is taken is read, not tried: a trial could take it from the server that is just about to bind it."""

import os
import socket
import subprocess
import sys

import pytest

from callcenter.lab import ports
from callcenter.lab.ports import PortRange, free_port, is_listening_udp


def test_port_of_an_address_is_taken_for_that_address_and_free_for_another() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.3", 0))
        port = server.getsockname()[1]
        assert is_listening_udp(port, "127.0.0.3")
        assert not is_listening_udp(port, "127.0.0.4")
    assert not is_listening_udp(port, "127.0.0.3")


def test_labs_have_media_ports_of_their_own_until_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # Numbers that no lab beside us is to have: with all real ones taken, even for a moment, none of them could start.
    first = os.getpid() * 100_000
    monkeypatch.setattr(ports, "_PBX_MEDIA", range(first, first + 17_000))
    taken: list[PortRange] = []
    with pytest.raises(OSError, match="end some of the labs"):
        while True:
            taken.append(PortRange())
    assert len(taken) == 17
    found = [port for one in taken for port in range(one.first, one.last + 1)]
    assert len(set(found)) == len(found)
    taken.pop().close()
    taken.append(PortRange())
    for one in taken:
        one.close()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_port_found_free_is_found_by_no_other_lab_before_its_server_has_it(
    kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = 2_000 + os.getpid() % 490 * 20  # this test may run beside itself, in another checkout
    for uses in ("_TCP", "SIGNALLING"):
        monkeypatch.setattr(ports, uses, range(first, first + 20))
    monkeypatch.setattr(ports, "_TRIES", 20)
    found = [free_port(kind) for _ in range(3)]
    ask = f"from callcenter.lab import ports; ports._TCP = ports.SIGNALLING = range({first}, {first + 20})\n"
    ask += "ports._TRIES = 20\n"
    ask += f"try:\n  while True: print(ports.free_port({int(kind)}))\nexcept OSError: pass"
    others = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    assert len({*found}) == 3 and len(others) >= 10
    assert not {*found} & {int(port) for port in others}


def test_uses_of_udp_ports_share_none_and_lie_below_what_the_kernel_gives_away() -> None:
    media = ports._PBX_MEDIA
    uses = [*ports.SIGNALLING, *ports.SOFTPHONE_MEDIA, ports.DEAF, *range(media[0], media[-1] + 1)]
    assert len(set(uses)) == len(uses)
    assert max(uses) < 32_768
