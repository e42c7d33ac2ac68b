"""Defects of panoramisk 1.4 around losing and making a connection: each shown on it, then ours right, same
peer.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from callcenter.asterisk.carrier import AmiConnection
from callcenter.asterisk.errors import AmiDisconnected, AmiRefused, AmiTimeout, AmiUnreachable
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.protocol import AmiProtocol
from callcenter.asterisk.settings import LinkState
from tests.integration.ami.conftest import (
    NEVER_S,
    PlainClient,
    Recorder,
    is_done_soon,
    our_client,
    plain_client,
    quick_settings,
)
from tests.integration.ami.peer import Headers, Peer, PeerConnection, hang_up, ignore, refuse, succeed

REDIRECT = {"Action": "Redirect", "Channel": "PJSIP/trunk-1", "Exten": "8001", "Context": "c", "Priority": 1}
SETVAR = {"Action": "Setvar", "Variable": "X", "Value": "1"}


async def test_action_in_flight_is_not_sent_again_after_reconnect() -> None:
    async with Peer(Redirect=hang_up, Setvar=succeed) as peer:
        async with plain_client(peer) as client:
            client.manager.send_action(dict(REDIRECT))
            await peer.until(lambda: [c.names() for c in peer.connections[:2]] == [["Redirect"], ["Redirect"]])

    async with Peer(Redirect=hang_up, Setvar=succeed) as peer, our_client(peer) as link:
        with pytest.raises(AmiDisconnected):
            await link.send(REDIRECT)
        await link.wait_up(20.0)
        await link.send(SETVAR)  # whatever came before it would be seen before it
        assert [connection.names() for connection in peer.connections] == [["Redirect"], ["Setvar"]]


async def test_action_sent_while_down_is_refused_and_never_sent_later() -> None:
    async with Peer(Setvar=succeed) as peer:
        async with plain_client(peer) as client:
            await peer.stop_listening()
            await peer.until(lambda: client.manager.protocol.closed)
            client.manager.send_action(dict(REDIRECT))
            await peer.listen()
            await peer.until(lambda: peer.last.names() == ["Redirect"])

    async with Peer(Setvar=succeed) as peer, our_client(peer) as link:
        await peer.stop_listening()
        await peer.until(lambda: not link.is_up)
        with pytest.raises(AmiDisconnected):
            await link.send(REDIRECT)
        with pytest.raises(AmiDisconnected):
            link.send_many([REDIRECT])
        await peer.listen()
        await link.wait_up(20.0)
        await link.send(SETVAR)
        assert peer.last.names() == ["Setvar"]


async def test_list_cut_by_disconnect_fails_at_once() -> None:
    async def half_a_list(connection: PeerConnection, action: Headers) -> None:
        await connection.reply(action, EventList="start", Message="Channel status will follow")
        await connection.event("Status", f"ActionID: {action['ActionID']}", "Channel: PJSIP/a-1")
        connection.drop()

    async with Peer(Status=half_a_list) as peer:
        async with plain_client(peer) as client:
            assert not await is_done_soon(client.manager.send_action({"Action": "Status"}))

        async with our_client(peer) as link:
            with pytest.raises(AmiDisconnected):
                await link.send_list({"Action": "Status"}, timeout_s=60.0)


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue of new connections is full: whoever connects waits, as on a network that swallows
    packets.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            yield port
        finally:
            for filler in fillers:
                filler.close()


async def test_connect_without_answer_ends_at_its_deadline() -> None:
    peer = Peer()
    with deaf_port() as peer.port:
        client = PlainClient(peer)
        connecting = client.manager.connect()
        assert not await is_done_soon(connecting)
        connecting.remove_done_callback(client.manager.connection_made)
        connecting.cancel()

        async with our_client(peer, wait_up=False, connect_timeout_s=0.05) as link:
            await peer.until(lambda: link.last_error is not None)
            with pytest.raises(AmiTimeout) as caught:
                await link.wait_up(NEVER_S)
            assert isinstance(caught.value.__cause__, AmiUnreachable)
            assert not link.is_up


@pytest.mark.parametrize("banner", [b"", b"Asterisk Call Manager/11.0.0\r\n"], ids=["no_banner", "no_answer"])
async def test_log_in_without_answer_ends_at_its_deadline_and_is_tried_again(banner: bytes) -> None:
    async with Peer(banner=banner, Login=ignore) as peer:
        async with plain_client(peer, wait_for_login=False) as client:
            assert not await is_done_soon(client.manager.authenticated_future)

        async with our_client(peer, wait_up=False, login_timeout_s=0.03) as link:
            await peer.until(lambda: len(peer.connections) >= 4)
            assert isinstance(link.last_error, AmiTimeout | AmiUnreachable)


async def test_action_without_answer_ends_at_its_deadline() -> None:
    async with Peer() as peer:
        async with plain_client(peer) as client:
            assert not await is_done_soon(client.manager.send_action(dict(SETVAR)))

        async with our_client(peer) as link:
            with pytest.raises(AmiTimeout) as caught:
                await link.send(SETVAR, timeout_s=0.03)
            assert (caught.value.action, caught.value.timeout_s) == ("Setvar", 0.03)
            assert link.is_up


async def test_half_open_link_is_found_by_the_missing_pong() -> None:
    async with Peer(Ping=ignore) as peer:
        async with plain_client(peer, ping_delay=0) as client:
            await peer.until(lambda: "Ping" in [action["Action"] for action in peer.last.actions])
            await asyncio.sleep(NEVER_S)
            assert client.manager.protocol.closed is False  # and it will stay so

        recorder = Recorder()
        async with our_client(peer, recorder, pong_timeout_s=0.05) as link:
            await peer.until(lambda: "down" in recorder.told)
            assert "pong" in str(link.last_error)


async def test_ping_answered_with_an_error_closes_the_link() -> None:
    async def error(connection: PeerConnection, action: Headers) -> None:
        await connection.reply(action, "Error", Message="Permission denied")

    async with Peer(Ping=error) as peer:
        async with plain_client(peer, ping_delay=0) as client:
            assert not await is_done_soon(asyncio.ensure_future(peer.last.at_end.wait()))
            assert client.manager.protocol.closed is False

        recorder = Recorder()
        async with our_client(peer, recorder):
            await peer.until(lambda: "down" in recorder.told)


async def test_close_leaves_no_pending_future_and_does_not_reconnect() -> None:
    async with Peer() as peer:
        async with plain_client(peer) as client:
            pending = client.manager.send_action(dict(SETVAR))
            client.manager.close()
            assert not await is_done_soon(pending)

        async with plain_client(peer) as client:
            connections = len(peer.connections)
            client.manager.connection_lost(None)  # a loss: its timer to reconnect runs
            client.manager.close()
            await peer.until(lambda: len(peer.connections) > connections)

        recorder = Recorder()
        async with our_client(peer, recorder) as link:
            connections = len(peer.connections)
            pending = link.send_many([SETVAR])[0]
            await link.close()
            assert pending.done()
            assert isinstance(pending.exception(), AmiDisconnected)
            assert recorder.told == ["up", "down"]
            assert (link.state, link.pending_count) == (LinkState.CLOSED, 0)
            await asyncio.sleep(NEVER_S)
            assert len(peer.connections) == connections
            with pytest.raises(AmiDisconnected):
                await link.send(SETVAR)


async def test_close_while_reconnecting_does_not_reconnect() -> None:
    async with Peer() as peer, our_client(peer, backoff_first_s=60.0, backoff_max_s=60.0) as link:
        peer.last.drop()
        await peer.until(lambda: not link.is_up)
        await link.close()
        await asyncio.sleep(NEVER_S)
        assert len(peer.connections) == 1


async def test_manager_under_our_link_has_no_will_of_its_own() -> None:
    lost: list[Exception] = []
    async with Peer() as peer:
        connection = AmiConnection(
            "127.0.0.1",
            peer.port,
            None,
            lambda carrier: AmiProtocol(carrier, frozenset()),
            lambda _: None,
            lost.append,
        )
        connection.reconnect_timeout = 0  # were it to reconnect, it would do so at once
        protocol = await connection.open()
        assert connection.pinger is None
        pending = protocol.send(SETVAR)
        await peer.until(lambda: peer.last.names() == ["Setvar"])
        peer.last.drop()
        await peer.until(lambda: bool(lost))
        await asyncio.sleep(NEVER_S)
        assert (len(peer.connections), len(lost), list(connection.awaiting_actions)) == (1, 1, [])
        assert isinstance(pending.exception(), AmiDisconnected)


async def test_wrong_password_stops_the_link() -> None:
    async with Peer(Login=refuse) as peer:
        async with plain_client(peer, wait_for_login=False):
            await peer.until(lambda: len(peer.connections) >= 5)  # and so on without end

    async with Peer(Login=refuse) as peer:
        link = AmiLink(quick_settings(peer))
        with pytest.raises(AmiRefused) as caught:
            await link.run()
        assert caught.value.username == "service"
        assert "secret" not in str(caught.value)
        assert link.state is LinkState.REFUSED
        await asyncio.sleep(NEVER_S)
        assert len(peer.connections) == 1

    async with Peer(Login=refuse) as peer, our_client(peer, wait_up=False) as link:
        with pytest.raises(AmiRefused):
            await link.wait_up(20.0)


async def test_asterisk_that_shuts_down_refuses_the_log_in_and_is_tried_again() -> None:
    async def leave(connection: PeerConnection, action: Headers) -> None:
        await connection.reply(action, "Error", Message="Asterisk is shutting down")

    async with Peer(Login=leave) as peer, our_client(peer, wait_up=False) as link:
        await peer.until(lambda: len(peer.connections) >= 3)
        assert link.state is LinkState.CONNECTING
        assert isinstance(link.last_error, AmiDisconnected)


async def test_sending_before_connect_is_a_clear_error() -> None:
    peer = Peer()
    with pytest.raises(AttributeError):
        PlainClient(peer).manager.send_action(dict(SETVAR))

    link = AmiLink(quick_settings(peer))
    with pytest.raises(AmiDisconnected):
        await link.send(SETVAR)
    with pytest.raises(AmiDisconnected):
        await link.send_list({"Action": "Status"})
