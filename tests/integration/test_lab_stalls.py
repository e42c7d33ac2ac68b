"""Phones made of SIPp do what they are told on a machine that stalls: no cue that they miss is the last one."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import pytest

from callcenter.lab.pbx import Asterisk
from callcenter.lab.sipp_agent import SippAgent, answers
from callcenter.lab.sipp_caller import SippCaller
from callcenter.lab.sipp_process import SippProcess

pytestmark = pytest.mark.pbx
STALL_S = 1.0
DIALPLAN = """
[trunk-in]
exten => 2,1,Dial(PJSIP/1001,20)
exten => 6,1,Answer(,i)
 same => n,Read(KEYS,,5,,1,15)
 same => n,Set(GLOBAL(SAID)=keys ${KEYS})
"""


@contextlib.contextmanager
def stalled(sipp: SippProcess) -> Iterator[None]:
    """Stop a phone for a while from now on."""
    assert sipp.process is not None
    sipp.process.send_signal(signal.SIGSTOP)
    goes_on = asyncio.get_running_loop().call_later(STALL_S, sipp.process.send_signal, signal.SIGCONT)
    try:
        yield
    finally:
        goes_on.cancel()
        sipp.process.send_signal(signal.SIGCONT)


async def test_called_phone_stalls_while_it_rings_it_answers_all_the_same(pbx: Asterisk) -> None:
    phone = await SippAgent(pbx, "1001", answers(0.3)).start()
    caller = await SippCaller(pbx, "13800000001", "2").start()
    await phone.until(lambda _: bool(phone.calls))
    with stalled(phone._sipp):
        await caller.answered()
    await caller.stop()
    await phone.stop()


async def test_pbx_stalls_at_the_answer_called_phone_that_was_told_to_hang_up_does(pbx: Asterisk) -> None:
    phone = await SippAgent(pbx, "1001").start()
    caller = await SippCaller(pbx, "13800000001", "2").start()
    await phone.until(lambda _: bool(phone.calls))
    pbx.freeze()
    await phone.until_said(phone.calls[0], 200)
    phone.hang_up(phone.calls[0])  # no ACK has come
    await asyncio.sleep(STALL_S)
    pbx.thaw()
    assert (await phone.ended()).ended_by == "self"
    await caller.stop()
    await phone.stop()


async def test_caller_stalls_after_many_keys_at_once_each_is_heard_in_order(pbx: Asterisk) -> None:
    caller = await SippCaller(pbx, "13800000001", "6").start()
    await caller.answered()
    with stalled(caller._sipp):
        for key in "4711*":
            caller.press(key)
        await caller.ended()
    await caller.stop()
    assert "SAID=keys 4711*" in pbx.rx("dialplan show globals")
