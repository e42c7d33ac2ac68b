"""SIPp's message log, cut into messages however it arrives."""

import pytest

from callcenter.lab.sip_trace import SipMessage, TraceReader, address

LOG = (
    "----------------------------------------------- 2026-01-02T03:04:05.250000Z\n"
    "UDP message sent [99] bytes:\n\n"
    'INVITE sip:12345@127.0.0.1 SIP/2.0\r\nFrom: "张三" <sip:138@127.0.0.2>;tag=1\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\n'
    "\r\nv=0\r\no=phone\r\n\n"
    "----------------------------------------------- 2026-01-02T03:04:05.500000Z\n"
    "UDP message received [99] bytes:\n\n"
    "SIP/2.0 486 Busy Here\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\n\r\n\n"
).encode()


@pytest.mark.parametrize("size", [1, 7, 64, len(LOG)])
def test_trace_in_pieces_of_any_size_gives_the_same_messages(size: int) -> None:
    heard: list[SipMessage] = []
    reader = TraceReader(heard.append)
    for start in range(0, len(LOG), size):
        reader.feed(LOG[start : start + size])
    invite, answer = heard
    assert (invite.is_sent, invite.status, invite.method, invite.call_id) == (True, None, "INVITE", "a@b")
    assert address(invite.headers["from"]) == ("138", "张三")
    assert (answer.is_sent, answer.status, answer.method) == (False, 486, "INVITE")
    assert answer.at - invite.at == 0.25
    assert invite.at == 1767323045.25
