"""Defects of panoramisk 1.4 in what is read and written: each first shown on it, then ours right, with the
same peer.
"""

import re
from typing import Any

import pytest

from callcenter.asterisk.errors import AmiBadValue
from tests.integration.ami.conftest import Recorder, is_done_soon, our_client, plain_client
from tests.integration.ami.peer import Headers, Peer, PeerConnection, succeed

NAME = "王小明找市民热线"


async def send_name_byte_by_byte(connection: PeerConnection) -> None:
    """An event whose caller has a Chinese name, each byte of which comes in a segment of its own."""
    raw = NAME.encode()
    await connection.send(
        b"Event: Newchannel\r\nPrivilege: call,all\r\nCallerIDName: ",
        *(raw[i : i + 1] for i in range(len(raw))),
        b"\r\nUniqueid: 1.1\r\n\r\n",
    )


async def test_utf8_split_across_segments_keeps_every_character() -> None:
    async with Peer() as peer:
        async with plain_client(peer) as client:
            names: list[str] = []
            client.manager.register_event("Newchannel", lambda _, event: names.append(event.calleridname))
            await send_name_byte_by_byte(peer.last)
            await peer.until(lambda: bool(names))
            assert names[0] != NAME
            assert len(names[0]) < len(NAME)

        recorder = Recorder()
        async with our_client(peer, recorder):
            await send_name_byte_by_byte(peer.last)
            await peer.until(lambda: bool(recorder.events))
            assert recorder.events[0]["CallerIDName"] == NAME
            assert recorder.events[0]["Uniqueid"] == "1.1"


async def test_line_end_in_value_is_refused_and_nothing_is_sent() -> None:
    forged = "x\r\n\r\nAction: Hangup\r\nChannel: /^PJSIP.*/\r\nActionID: forged"
    async with Peer(Setvar=succeed) as peer:
        async with plain_client(peer) as client:
            client.manager.send_action({"Action": "Setvar", "Variable": "NAME", "Value": forged})
            await peer.until(lambda: "Hangup" in peer.last.names())

        async with our_client(peer) as link:
            for bad in (forged, "a\rb", "a\nb", "a\0b", "\ud800", "x" * 2000):
                with pytest.raises(AmiBadValue) as caught:
                    await link.send({"Action": "Setvar", "Value": bad})
                assert caught.value.header == "Value"
            for bad_key in ("Value\r\nAction", "Value\n", "Va\0lue", "Val:ue", ""):
                with pytest.raises(AmiBadValue):
                    await link.send({"Action": "Setvar", bad_key: "x"})
            with pytest.raises(AmiBadValue):  # the good one before the bad one is not written either
                link.send_many([{"Action": "Setvar", "Value": "good"}, {"Action": "Setvar", "Value": "b\nad"}])
            assert (await link.send({"Action": "Setvar", "Value": "last"})).ok
            assert [a.get("Value") for a in peer.last.actions if a["Action"] == "Setvar"] == ["last"]


async def test_duplicate_event_header_leaves_the_link_open() -> None:
    duplicate = b"Event: UserEvent\r\nUserEvent: CcArrived\r\nEvent: Hangup\r\nUniqueid: 1.1\r\n\r\n"
    async with Peer() as peer:
        async with plain_client(peer) as client:
            client.may_connect = False
            await peer.last.send(duplicate)
            await peer.until(peer.last.at_end.is_set)
            assert isinstance(client.escaped[0]["exception"], AttributeError)

        recorder = Recorder()
        async with our_client(peer, recorder) as link:
            await peer.last.send(duplicate)
            await peer.last.event("Newchannel")
            await peer.until(lambda: len(recorder.events) == 2)
            assert recorder.told == ["up", "CcArrived", "Newchannel"]  # the first one counts
            assert recorder.events[0].get_all("Event") == ("UserEvent", "Hangup")
            assert link.is_up


async def test_originate_without_async_is_answered_and_leaves_the_link_open() -> None:
    async def queued(connection: PeerConnection, action: Headers) -> None:
        await connection.reply(action, Message="Originate successfully queued")

    originate = {"Action": "Originate", "Channel": "PJSIP/8001", "Exten": "100"}
    async with Peer(Originate=queued) as peer:
        async with plain_client(peer) as client:
            client.may_connect = False
            future = client.manager.send_action(dict(originate))
            await peer.until(peer.last.at_end.is_set)
            assert isinstance(client.escaped[0]["exception"], KeyError)
            assert not await is_done_soon(future)

        async with our_client(peer) as link:
            reply = await link.send(originate)
            assert reply.ok
            assert reply.text == "Originate successfully queued"
            assert link.is_up


async def test_queue_add_is_answered() -> None:
    async def added(connection: PeerConnection, action: Headers) -> None:
        await connection.reply(action, Message="Added interface to queue")

    add = {"Action": "QueueAdd", "Queue": "general", "Interface": "PJSIP/8001"}
    async with Peer(QueueAdd=added) as peer:
        async with plain_client(peer) as client:
            assert not await is_done_soon(client.manager.send_action(dict(add)))

        async with our_client(peer) as link:
            reply = await link.send(add)
            assert (reply.ok, reply.text) == (True, "Added interface to queue")


class CountedPattern:
    """A compiled pattern that counts how often it was tried."""

    def __init__(self, pattern: "re.Pattern[str]") -> None:
        self.pattern = pattern
        self.tried = 0

    def match(self, text: str) -> Any:
        """As of re.Pattern."""
        self.tried += 1
        return self.pattern.match(text)


async def test_unwanted_event_costs_no_pattern_and_no_callback() -> None:
    names = [f"Name{i}" for i in range(20)]
    async with Peer() as peer:
        async with plain_client(peer) as client:
            for name in names:
                client.manager.register_event(name, lambda *_: None)
            counted = [(name, CountedPattern(pattern)) for name, pattern in client.manager.patterns]
            client.manager.patterns[:] = counted
            for _ in range(5):
                await peer.last.event("VarSet", "Variable: X", "Value: 1")
            await peer.until(lambda: all(pattern.tried >= 5 for _, pattern in counted))

        recorder = Recorder()
        async with our_client(peer, recorder, keep=frozenset({*names, "Hangup"})) as link:
            before = link.counters.dropped
            for _ in range(5):
                await peer.last.event("VarSet", "Variable: X", "Value: 1")
            await peer.last.event("Hangup")
            await peer.until(lambda: bool(recorder.events))
            assert link.counters.dropped == before + 5
            assert link.counters.events == 1  # only these became a message at all
            assert recorder.told == ["up", "Hangup"]
