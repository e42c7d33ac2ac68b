"""The AMI parser against any segmentation and any bytes, messages, and the protocol on a hand-written
transport.
"""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.errors import AmiBadValue, AmiDisconnected, AmiError, AmiWrongPeer
from callcenter.asterisk.message import AmiMessage, action_bytes, action_pairs
from callcenter.asterisk.parser import MAX_BLOCK_BYTES, AmiParser
from callcenter.asterisk.protocol import AmiProtocol

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
KEEP = frozenset({"Newchannel", "UserEvent", "Hangup"})
STREAM = (
    BANNER
    + (
        "Event: Newchannel\r\nPrivilege: call,all\r\nTimestamp: 1785500000.123987\r\nChannel: PJSIP/trunk-0001\r\n"
        "CallerIDNum: 13800138000\r\nCallerIDName: 王小明🙂\r\nExten: \r\nUniqueid: cc-1.1\r\n\r\n"
        "Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: 名\r\nValue: 值\r\n\r\n"
        "Response: Success\r\nActionID: a-1\r\nPing: Pong\r\nTimestamp: 1785500000.5\r\n\r\n"
        "\r\n\r\nEvent: UserEvent\r\nPrivilege: user,all\r\nUserEvent: CcArrived\r\nChanVariable: A=1\r\n"
        "ChanVariable: B=x=y\r\nUniqueid: cc-1.1\r\nLine: general\r\n\r\n"
        "Privilege: call,all\r\nEvent: Hangup\r\nCause: 16\r\n\r\n"
        "Event: Hangup\r\n\r\n"
    ).encode()
    + b"Event: Newchannel\r\nCallerIDName: \xd6\xd0\xb9\xfa\xff\r\n\r\n"
)


def everything(messages: list[AmiMessage]) -> list[tuple[str, tuple[str, ...]]]:
    """All headers with all values, in order."""
    return [(key, message.get_all(key)) for message in messages for key in message]


def parse(*segments: bytes, keep: frozenset[str] | None = KEEP) -> list[AmiMessage]:
    """What a new parser makes of the segments."""
    parser = AmiParser(keep)
    return [message for segment in segments for message in parser.feed(segment)]


def split_at(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in segments that end at the given places."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


def test_stream_parsed_whole_gives_kept_events_and_responses() -> None:
    messages = parse(STREAM)
    names = [message.name or message["Response"] for message in messages]
    assert names == ["Newchannel", "Success", "CcArrived", "Hangup", "Hangup", "Newchannel"]
    assert messages[0]["callerIDNAME"] == "王小明🙂"
    assert messages[0]["Exten"] == ""
    assert messages[0].at_ms == 1785500000123
    assert "\ufffd" in messages[-1]["CallerIDName"]


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_stream_split_anywhere_gives_the_same_as_whole(cuts: list[int]) -> None:
    for keep in (KEEP, None, frozenset[str]()):
        assert everything(parse(*split_at(STREAM, cuts), keep=keep)) == everything(parse(STREAM, keep=keep))


def test_stream_byte_by_byte_gives_the_same_as_whole() -> None:
    assert everything(parse(*(STREAM[i : i + 1] for i in range(len(STREAM))))) == everything(parse(STREAM))


header_names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12).filter(
    lambda name: name not in {"Event", "Response"}
)
header_values = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=80)


@given(
    st.lists(st.dictionaries(header_names, header_values, max_size=8), max_size=6),
    st.lists(st.integers(min_value=0, max_value=10_000), max_size=20),
)
def test_any_headers_split_anywhere_come_back_unchanged(blocks: list[dict[str, str]], cuts: list[int]) -> None:
    text = "".join(
        "Event: Hangup\r\n" + "".join(f"{key}: {value}\r\n" for key, value in block.items()) + "\r\n"
        for block in blocks
    )
    messages = parse(*split_at(BANNER + text.encode(), cuts))
    assert [dict(message) for message in messages] == [{"Event": "Hangup", **block} for block in blocks]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_after_the_banner_never_raise_and_text_is_storable(segments: list[bytes]) -> None:
    for message in parse(BANNER, *segments, b"\r\n\r\n", b"Event: Hangup\r\nX: ", *segments, b"\r\n\r\n", keep=None):
        for key, values in everything([message]):
            assert "\0" not in key + "".join(values)
            (key + "".join(values)).encode()  # no lone surrogates: any database takes it
        assert isinstance(message.at_ms, int | None)
        assert isinstance(message.name, str)


def test_value_of_four_kilobytes_is_kept_whole() -> None:
    name = "王" * 1400
    (message,) = parse(BANNER, f"Event: Newchannel\r\nCallerIDName: {name}\r\nUniqueid: 1.1\r\n\r\n".encode())
    assert message["CallerIDName"] == name
    assert message["Uniqueid"] == "1.1"


def test_invalid_utf8_and_nul_become_the_replacement_character() -> None:
    (message,) = parse(BANNER, b"Event: Newchannel\r\nCallerIDName: a\xff\0b\r\n\r\n")
    assert message["CallerIDName"] == "a\ufffd\ufffdb"


def test_repeated_header_keeps_all_values_and_the_first_one_counts() -> None:
    (message,) = parse(
        BANNER,
        b"Event: UserEvent\r\nUniqueid: real\r\nChanVariable: A=1\r\nChanVariable: A=2\r\nUniqueid: forged\r\n\r\n",
    )
    assert message["uniqueid"] == "real"
    assert message.get_all("UNIQUEID") == ("real", "forged")
    assert message.variables("chanvariable") == {"A": "1"}
    assert (message.get("Missing"), message.get_all("Missing")) == (None, ())


@pytest.mark.parametrize(
    ("stamp", "at_ms"),
    [
        ("1785500000.999999", 1785500000999),
        ("1785500000.5", 1785500000500),
        ("1785500000", 1785500000000),
        ("", None),
        ("-1.5", None),
        ("now", None),
        ("١٢٣.5", None),
    ],
)
def test_timestamp_is_cut_to_milliseconds_not_rounded(stamp: str, at_ms: int | None) -> None:
    assert AmiMessage({"Event": "Hangup", "Timestamp": stamp}).at_ms == at_ms


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"A" * 300, b"Asterisk\r\n"])
def test_peer_without_ami_banner_is_refused(said: bytes) -> None:
    with pytest.raises(AmiWrongPeer):
        parse(said)


def test_block_without_end_is_refused_before_it_eats_the_memory() -> None:
    with pytest.raises(AmiWrongPeer):
        parse(BANNER, b"Event: Hangup\r\n", b"X" * (MAX_BLOCK_BYTES + 1))


def test_action_is_written_in_order_with_repeated_headers() -> None:
    pairs = action_pairs({"Action": "Originate", "Variable": ["A=1", "B=王"], "Timeout": 3000})
    assert action_bytes(pairs, "id-1") == (
        "Action: Originate\r\nVariable: A=1\r\nVariable: B=王\r\nTimeout: 3000\r\nActionID: id-1\r\n\r\n".encode()
    )


@pytest.mark.parametrize(
    "action",
    [
        {"Variable": "A=1"},
        {"Action": "Ping", "ActionID": "mine"},
        [("Action", "Ping"), ("action", "Hangup")],
        {"Action": "Setvar", "Value": 1.5},
        {"Action": "Setvar", "Value": None},
        {"Action": "Setvar", "Value": True},
        {"Action": "Setvar", "Variable": ["A=1"] * 200},
    ],
)
def test_action_that_cannot_arrive_as_meant_is_refused(action: Any) -> None:
    with pytest.raises(AmiBadValue):
        action_pairs(action)


class FakeTransport(asyncio.Transport):
    """A transport that keeps what is written; each write is one entry."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.aborted = False

    def write(self, data: Any) -> None:
        """Keep it."""
        self.writes.append(bytes(data))

    def abort(self) -> None:
        """Remember it."""
        self.aborted = True


class FakeCarrier:
    """What the protocol tells its connection."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.losses: list[AmiError] = []

    def dispatch(self, event: AmiMessage) -> None:
        """An event."""
        self.events.append(event.name)

    def connection_lost(self, exc: AmiError) -> None:
        """The end."""
        self.losses.append(exc)


def open_protocol() -> tuple[AmiProtocol, FakeTransport, FakeCarrier]:
    """A protocol after the banner."""
    transport, carrier = FakeTransport(), FakeCarrier()
    protocol = AmiProtocol(carrier, KEEP, clock=lambda: 7.0)
    protocol.connection_made(transport)
    protocol.data_received(BANNER)
    return protocol, transport, carrier


def ids_in(written: bytes) -> list[str]:
    """The ActionIDs of the actions written."""
    return [line.partition(": ")[2] for line in written.decode().split("\r\n") if line.startswith("ActionID")]


async def test_several_actions_go_out_in_one_write_and_are_answered_each() -> None:
    protocol, transport, _ = open_protocol()
    wish, wake = protocol.send_many([{"Action": "Setvar", "Value": "v"}, {"Action": "PlayDTMF", "Digit": "D"}])
    assert len(transport.writes) == 1
    assert transport.writes[0].index(b"Setvar") < transport.writes[0].index(b"PlayDTMF")
    first, second = ids_in(transport.writes[0])
    protocol.data_received(f"Response: Error\r\nActionID: {second}\r\nMessage: No such channel\r\n\r\n".encode())
    assert (wish.done(), wake.done()) == (False, True)
    protocol.data_received(f"Response: Success\r\nActionID: {first}\r\n\r\n".encode())
    assert (wish.result().ok, wake.result().ok, wake.result().text) == (True, False, "No such channel")
    assert wish.result().message.received_at == 7.0
    assert protocol.pending_count == 0


async def test_list_collects_its_own_items_between_live_events() -> None:
    protocol, transport, carrier = open_protocol()
    listing = protocol.send({"Action": "Status"}, as_list=True)
    (own,) = ids_in(transport.writes[0])
    protocol.data_received(
        f"Response: Success\r\nActionID: {own}\r\nEventList: start\r\n\r\n"
        f"Event: Status\r\nActionID: {own}\r\nChannel: a\r\n\r\n"
        "Event: Hangup\r\nUniqueid: 1.1\r\n\r\n"
        f"Event: VarSet\r\nActionID: other\r\nValue: forged\r\nActionID: {own}\r\n\r\n"
        f"Event: Hangup\r\nUniqueid: 1.2\r\nX: y\r\nActionID: other\r\nActionID: {own}\r\n\r\n"
        f"Event: Status\r\nActionID: {own}\r\nChannel: b\r\n\r\n"
        f"Event: StatusComplete\r\nActionID: {own}\r\nEventList: Complete\r\nItems: 2\r\n\r\n".encode()
    )
    assert [item["Channel"] for item in listing.result().events] == ["a", "b"]
    assert carrier.events == ["Hangup", "Hangup"]


async def test_list_refused_by_the_pbx_is_answered_at_once() -> None:
    protocol, transport, _ = open_protocol()
    listing = protocol.send({"Action": "Status"}, as_list=True)
    (own,) = ids_in(transport.writes[0])
    protocol.data_received(f"Response: Error\r\nActionID: {own}\r\nMessage: Permission denied\r\n\r\n".encode())
    assert (listing.result().ok, listing.result().events) == (False, ())


async def test_lists_given_up_without_end_do_not_pile_up() -> None:
    protocol, _, _ = open_protocol()
    for _ in range(300):
        protocol.send({"Action": "Status"}, as_list=True).cancel()
        await asyncio.sleep(0)
    assert protocol.pending_count == 0
    assert len(protocol._parser.wanted_ids) <= 64


async def test_loss_fails_everything_pending_once_and_nothing_is_told_after_it() -> None:
    protocol, transport, carrier = open_protocol()
    pending = [protocol.send({"Action": "Ping"}), protocol.send({"Action": "Status"}, as_list=True)]
    protocol.cut(AmiDisconnected("gone"))
    protocol.connection_lost(None)
    protocol.data_received(b"Event: Hangup\r\n\r\n")
    assert transport.aborted
    assert all(isinstance(future.exception(), AmiDisconnected) for future in pending)
    assert (len(carrier.losses), carrier.events, protocol.pending_count) == (1, [], 0)
    with pytest.raises(AmiDisconnected):
        protocol.send({"Action": "Ping"})
    assert len(transport.writes) == 2


async def test_consumer_that_ends_the_session_is_told_nothing_more() -> None:
    protocol, _, carrier = open_protocol()

    def dispatch_and_cut(event: AmiMessage) -> None:
        carrier.events.append(event.name)
        protocol.cut(AmiDisconnected("enough"))

    carrier.dispatch = dispatch_and_cut  # type: ignore[method-assign]  # replaced on purpose
    protocol.data_received(b"Event: Hangup\r\n\r\nEvent: Newchannel\r\n\r\n")
    assert carrier.events == ["Hangup"]


async def test_wrong_peer_cuts_the_connection() -> None:
    transport, carrier = FakeTransport(), FakeCarrier()
    protocol = AmiProtocol(carrier, KEEP)
    protocol.connection_made(transport)
    protocol.data_received(b"SSH-2.0-OpenSSH_9\r\n")
    assert transport.aborted
    assert isinstance(carrier.losses[0], AmiWrongPeer)
