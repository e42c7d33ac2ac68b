"""Whether a UDP port is taken is read, not tried: a trial could take it from the server that is just about to bind it."""

import socket

import pytest

from callcenter.lab.ports import PortRange, is_listening_udp


def test_port_of_an_address_is_taken_for_that_address_and_free_for_another() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.3", 0))
        port = server.getsockname()[1]
        assert is_listening_udp(port, "127.0.0.3")
        assert not is_listening_udp(port, "127.0.0.4")
    assert not is_listening_udp(port, "127.0.0.3")


def test_labs_have_media_ports_of_their_own_until_they_end() -> None:
    taken: list[PortRange] = []
    with pytest.raises(OSError, match="end some of the labs"):
        while True:
            taken.append(PortRange(4000))
    assert len(taken) >= 2  # other labs of this machine may have some
    ports = [port for one in taken for port in range(one.first, one.last + 1)]
    assert len(set(ports)) == len(ports)
    taken.pop().close()
    taken.append(PortRange(4000))
    for one in taken:
        one.close()
