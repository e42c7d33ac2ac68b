"""What our link promises beyond the defects: order, recovery, TLS, the PBX's clock, and its own end."""

import asyncio
import random
import ssl
from pathlib import Path

import pytest

from callcenter.asterisk.errors import AmiDisconnected, AmiRefused, AmiTimeout, AmiUnreachable, AmiWrongPeer
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.settings import LinkState, Pong
from tests.integration.ami.conftest import Recorder, our_client, quick_settings
from tests.integration.ami.peer import Headers, Peer, PeerConnection, accept, refuse, succeed

TLS = Path(__file__).parent / "tls"


async def accept_with_events_behind(connection: PeerConnection, action: Headers) -> None:
    """The answer to Login and two events in one segment."""
    await connection.send(
        f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: Authentication accepted\r\n\r\n"
        "Event: Newchannel\r\nPrivilege: call,all\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\n\r\n".encode()
    )


async def test_events_right_behind_the_log_in_come_after_connected_and_before_disconnected() -> None:
    recorder = Recorder()
    async with Peer(Login=accept_with_events_behind) as peer, our_client(peer, recorder) as link:
        peer.last.drop()
        await peer.until(lambda: recorder.told.count("up") == 2)
        await link.close()
    session = ["up", "Newchannel", "Hangup", "down"]
    assert recorder.told == session + session


async def test_link_comes_up_when_the_pbx_comes_late_and_again_after_each_loss() -> None:
    peer = Peer(Setvar=succeed)
    await peer.listen()
    await peer.stop_listening()
    async with our_client(peer, wait_up=False) as link:
        await peer.until(lambda: isinstance(link.last_error, AmiUnreachable))
        assert link.state is LinkState.CONNECTING
        for _ in range(3):
            await peer.listen()
            await link.wait_up(20.0)
            assert (await link.send({"Action": "Setvar"})).ok
            await peer.stop_listening()
            await peer.until(lambda: not link.is_up)
        assert link.counters.connects == 3


async def test_callback_may_send_and_close() -> None:
    sent: list[asyncio.Future[object]] = []

    def wake(message: object) -> None:
        sent.extend(link.send_many([{"Action": "Setvar"}, {"Action": "PlayDTMF"}]))  # type: ignore[arg-type]  # wrong on purpose

    async with Peer(Setvar=succeed, PlayDTMF=succeed) as peer:
        link = AmiLink(quick_settings(peer), on_event=wake)
        async with link:
            await link.wait_up(20.0)
            await peer.last.event("Newchannel")
            await peer.until(lambda: len(sent) == 2 and all(future.done() for future in sent))
            assert peer.last.names() == ["Setvar", "PlayDTMF"]

        told: list[str] = []
        closing = AmiLink(
            quick_settings(peer),
            on_event=lambda message: (told.append(message.name), closing.close_soon()),
            on_disconnected=lambda error: told.append("down"),
        )
        async with closing:
            await closing.wait_up(20.0)
            await peer.last.send(b"Event: Hangup\r\n\r\nEvent: Newchannel\r\n\r\n")
            await peer.until(lambda: "down" in told)
        assert told == ["Hangup", "down"]


async def test_exception_in_connected_or_disconnected_changes_nothing() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the consumer failed")

    async with Peer() as peer:
        link = AmiLink(quick_settings(peer), on_connected=fail, on_disconnected=fail, on_pong=fail)
        async with link:
            await peer.until(lambda: link.counters.callback_errors == 2)
            peer.last.drop()
            await peer.until(lambda: link.counters.connects == 2)


async def test_pong_gives_the_clock_of_the_pbx() -> None:
    pongs: list[Pong] = []
    now = [100.0]
    async with Peer() as peer:
        link = AmiLink(quick_settings(peer, ping_interval_s=0.02), on_pong=pongs.append, clock=lambda: now[0])
        async with link:
            await peer.until(lambda: len(pongs) >= 3)
        assert pongs[0] == Pong(received_at=100.0, round_trip_s=0.0, pbx_at_us=1785500000123987)
        assert pongs[0].offset_s == pytest.approx(100.0 - 1785500000.123987, abs=1e-6)
        assert link.last_pong == pongs[-1]


async def test_link_tells_how_long_its_session_is_up() -> None:
    now = [100.0]
    async with Peer() as peer:
        link = AmiLink(quick_settings(peer), clock=lambda: now[0])
        assert link.up_s == 0
        async with link:
            await link.wait_up(20.0)
            now[0] = 130.0
            assert link.up_s == 30.0
            peer.last.drop()
            await peer.until(lambda: link.counters.connects == 2 and link.is_up)
            now[0] = 131.5
            assert link.up_s == 1.5
        assert link.up_s == 0


async def test_every_action_waits_for_a_log_in_that_was_accepted() -> None:
    hold = asyncio.Event()

    async def slow_accept(connection: PeerConnection, action: Headers) -> None:
        await hold.wait()
        await accept(connection, action)

    async with Peer(Login=slow_accept) as peer, our_client(peer, wait_up=False) as link:
        await peer.until(lambda: bool(peer.connections and peer.last.actions))
        with pytest.raises(AmiDisconnected):
            await link.send({"Action": "Setvar"})
        hold.set()
        await link.wait_up(20.0)


async def test_peer_that_speaks_no_ami_is_never_told_the_secret() -> None:
    async with Peer(banner=b"SSH-2.0-OpenSSH_9.6\r\n") as peer, our_client(peer, wait_up=False) as link:
        await peer.until(lambda: len(peer.connections) >= 2)
        assert isinstance(link.last_error, AmiWrongPeer)
        assert [connection.actions for connection in peer.connections[:2]] == [[], []]


async def test_log_in_asks_for_events_only_when_some_are_kept() -> None:
    async with Peer() as peer:
        async with our_client(peer):
            assert peer.last.actions[0]["Events"] == "on"
        async with our_client(peer, keep=frozenset()):
            assert peer.last.actions[0]["Events"] == "off"


async def test_refused_at_a_reconnect_stops_the_link_too() -> None:
    recorder = Recorder()
    async with Peer() as peer:
        link = AmiLink(quick_settings(peer), on_disconnected=recorder.disconnected)
        running = asyncio.create_task(link.run())
        await link.wait_up(20.0)
        peer.answers["Login"] = refuse
        peer.last.drop()
        with pytest.raises(AmiRefused):
            await running
        assert (len(peer.connections), recorder.told) == (2, ["down"])
        await link.close()
        assert link.state is LinkState.REFUSED


async def test_run_ends_by_close_and_by_cancellation_and_runs_once() -> None:
    async with Peer() as peer:
        link = AmiLink(quick_settings(peer))
        running = asyncio.create_task(link.run())
        await link.wait_up(20.0)
        await link.close()
        await running
        with pytest.raises(RuntimeError):
            await link.run()
        with pytest.raises(AmiDisconnected):
            await link.wait_up(1.0)

        link = AmiLink(quick_settings(peer))
        running = asyncio.create_task(link.run())
        await link.wait_up(20.0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await peer.until(peer.last.at_end.is_set)
        assert link.state is LinkState.CLOSED


async def test_pause_between_attempts_grows_to_its_maximum_and_is_jittered() -> None:
    link = AmiLink(quick_settings(Peer(), backoff_first_s=0.2, backoff_max_s=8.0), rng=random.Random(1))
    for failures in range(12):
        bound_s = min(8.0, 0.2 * 2**failures)
        pauses = {link._backoff_s(failures) for _ in range(20)}
        assert len(pauses) > 10
        assert all(bound_s / 2 <= pause_s <= bound_s for pause_s in pauses)
    assert link._backoff_s(10_000) <= 8.0


def server_tls() -> ssl.SSLContext:
    """The peer's side: a certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    return context


async def test_tls_with_our_authority_is_up() -> None:
    async with Peer(tls=server_tls(), Setvar=succeed) as peer:
        async with our_client(peer, host="localhost", tls=True, tls_ca_file=TLS / "ca.pem") as link:
            assert (await link.send({"Action": "Setvar"})).ok
        async with our_client(peer, tls=True, tls_ca_file=TLS / "ca.pem", tls_check_name=False) as link:
            assert (await link.send({"Action": "Setvar"})).ok


@pytest.mark.parametrize(
    ("host", "ca_file"),
    [("localhost", "other_ca.pem"), ("127.0.0.1", "ca.pem"), ("localhost", "missing.pem")],
    ids=["wrong_authority", "wrong_name", "no_such_file"],
)
async def test_tls_that_cannot_be_trusted_is_never_told_the_secret(host: str, ca_file: str) -> None:
    async with (
        Peer(tls=server_tls()) as peer,
        our_client(peer, wait_up=False, host=host, tls=True, tls_ca_file=TLS / ca_file) as link,
    ):
        await peer.until(lambda: isinstance(link.last_error, AmiUnreachable))
        with pytest.raises(AmiTimeout):
            await link.wait_up(0.2)
        assert not any(connection.actions for connection in peer.connections)
