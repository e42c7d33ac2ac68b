"""Defects of panoramisk 1.4 in handing on events and late answers: each shown on it, then ours right, same
peer.
"""

import asyncio
import logging

import pytest

from callcenter.asterisk.errors import AmiTimeout
from callcenter.asterisk.link import AmiLink
from tests.integration.ami.conftest import NEVER_S, Recorder, our_client, plain_client, quick_settings
from tests.integration.ami.peer import Headers, Peer, PeerConnection, succeed

COUNT = 50


async def test_events_reach_the_consumer_in_order_of_arrival() -> None:
    async def send_all(connection: PeerConnection) -> None:
        blocks = [f"Event: Newchannel\r\nPrivilege: call,all\r\nUniqueid: {i}\r\n\r\n" for i in range(COUNT)]
        await connection.send("".join(blocks).encode())

    expected = [str(i) for i in range(COUNT)]
    async with Peer() as peer:
        async with plain_client(peer) as client:
            seen: list[str] = []

            async def slow_for_even(_: object, event: Headers) -> None:
                await asyncio.sleep(0.02 if int(event["Uniqueid"]) % 2 == 0 else 0)
                seen.append(event["Uniqueid"])

            client.manager.register_event("Newchannel", slow_for_even)
            await send_all(peer.last)
            await peer.until(lambda: len(seen) == COUNT)
            assert seen != expected

        recorder = Recorder()
        async with our_client(peer, recorder):
            await send_all(peer.last)
            await peer.until(lambda: len(recorder.events) == COUNT)
            assert [event["Uniqueid"] for event in recorder.events] == expected


async def test_async_callback_is_refused_when_the_link_is_made() -> None:
    async def callback(_: object, event: object = None) -> None:
        raise RuntimeError("nobody hears of this")

    async with Peer() as peer:
        async with plain_client(peer) as client:
            client.manager.register_event("Newchannel", callback)
            await peer.last.event("Newchannel")
            await asyncio.sleep(NEVER_S)
            # Swallowed: the link goes on, and the event's failure shows at most when the task is collected.
            assert client.manager.protocol.closed is False

        with pytest.raises(TypeError):
            AmiLink(quick_settings(peer), on_event=callback)


async def test_exception_in_callback_is_logged_and_leaves_the_link_open(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object, event: object) -> None:
        raise RuntimeError("the consumer failed")

    async with Peer() as peer:
        async with plain_client(peer) as client:
            client.may_connect = False
            client.manager.register_event("Newchannel", fail)
            await peer.last.event("Newchannel")
            await peer.until(peer.last.at_end.is_set)
            assert isinstance(client.escaped[0]["exception"], RuntimeError)

        recorder = Recorder()
        recorder.fail_on = "Newchannel"
        caplog.clear()
        async with our_client(peer, recorder) as link:
            await peer.last.event("Newchannel")
            await peer.last.event("Hangup")
            await peer.until(lambda: recorder.told == ["up", "Newchannel", "Hangup"])
            assert link.is_up
            assert link.counters.callback_errors == 1
            errors = [record for record in caplog.records if record.levelno == logging.ERROR]
            assert [str(record.exc_info[1]) for record in errors if record.exc_info] == ["the consumer failed"]


async def test_timed_out_action_does_not_leak_and_its_late_answer_is_dropped() -> None:
    async def late(connection: PeerConnection, action: Headers) -> None:
        await asyncio.sleep(0.06)
        await connection.reply(action, Message="late")

    async with Peer(Redirect=late, Setvar=succeed) as peer:
        async with plain_client(peer) as client:
            future = client.manager.send_action({"Action": "Setvar2"})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(future, 0.03)
            assert len(client.manager.protocol.responses) >= 1  # for as long as the connection lives

        async with our_client(peer, ping_interval_s=30.0) as link:
            await peer.until(lambda: link.last_pong is not None)
            with pytest.raises(AmiTimeout):
                await link.send({"Action": "Redirect"}, timeout_s=0.03)
            assert link.pending_count == 0
            await peer.until(lambda: link.counters.late_replies == 1)
            assert (await link.send({"Action": "Setvar"})).text == ""
            assert (link.pending_count, link.counters.timeouts) == (0, 1)


async def test_cancelled_action_does_not_leak() -> None:
    async with Peer() as peer, our_client(peer, ping_interval_s=30.0) as link:
        await peer.until(lambda: link.last_pong is not None)
        sending = asyncio.ensure_future(link.send({"Action": "Setvar"}))
        await peer.until(lambda: link.pending_count == 1)
        sending.cancel()
        await peer.until(lambda: link.pending_count == 0)


async def test_late_items_of_a_list_are_not_taken_for_live_events() -> None:
    async def late_list(connection: PeerConnection, action: Headers) -> None:
        marker = f"ActionID: {action['ActionID']}"
        await connection.reply(action, EventList="start", Message="Device State list will follow")
        await asyncio.sleep(0.06)
        await connection.event("DeviceStateChange", marker, "Device: PJSIP/8001", "State: NOT_INUSE")
        await connection.event("DeviceStateListComplete", marker, "EventList: Complete", "ListItems: 1")
        await connection.event("DeviceStateChange", "Device: PJSIP/8002", "State: INUSE")

    recorder = Recorder()
    async with Peer(DeviceStateList=late_list) as peer, our_client(peer, recorder) as link:
        with pytest.raises(AmiTimeout):
            await link.send_list({"Action": "DeviceStateList"}, timeout_s=0.03)
        await peer.until(lambda: bool(recorder.events))
        assert [event["Device"] for event in recorder.events] == ["PJSIP/8002"]
