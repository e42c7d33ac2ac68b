"""Whether a UDP port is taken is read, not tried: a trial could take it from the server that is just about to bind it."""

import socket

from callcenter.lab.ports import is_listening_udp


def test_port_of_an_address_is_taken_for_that_address_and_free_for_another() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.3", 0))
        port = server.getsockname()[1]
        assert is_listening_udp(port, "127.0.0.3")
        assert not is_listening_udp(port, "127.0.0.4")
    assert not is_listening_udp(port, "127.0.0.3")
