"""The lab itself: real peers come up, do what the other tests rely on, and leave nothing behind."""

import asyncio
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from callcenter.lab import sources
from callcenter.lab.apt import PBX, peer_root
from callcenter.lab.baresip import Baresip
from callcenter.lab.errors import PhoneError, StartError
from callcenter.lab.loader import running
from callcenter.lab.pbx import ACTIONS_USER, EVENTS_USER, Asterisk, is_booted
from callcenter.lab.sipp_agent import SippAgent, answers, refuses
from callcenter.lab.sipp_caller import SippCaller
from tests.integration.conftest import is_running

pytestmark = pytest.mark.pbx


def is_there(path: str | Path) -> bool:
    return Path(path).exists()


def test_asterisk_started_has_the_shipped_dialplan_and_users(asterisk: Asterisk) -> None:
    assert "Asterisk 2" in asterisk.rx("core show version")
    assert "CcArrived" in asterisk.rx("dialplan show callcenter-arrive")
    users = asterisk.rx("manager show users")
    assert ACTIONS_USER in users and EVENTS_USER in users
    assert "ERROR" not in asterisk.log_file.read_text(encoding="utf-8")


def test_asterisk_wrong_secret_is_not_booted(asterisk: Asterisk) -> None:
    assert is_booted(asterisk.ami_host, asterisk.ami_port, asterisk.managers["lab"])
    assert not is_booted(asterisk.ami_host, asterisk.ami_port, "wrong")


def test_asterisk_runs_unprivileged(asterisk: Asterisk) -> None:
    status = Path(f"/proc/{asterisk.pid}/status").read_text(encoding="utf-8")
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert "0" not in uids


async def test_asterisk_whose_sip_port_is_taken_does_not_start_without_it() -> None:
    pbx = Asterisk(["1001"])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", pbx.sip_port))
            with pytest.raises(StartError, match=f"UDP port {pbx.sip_port} is taken"):
                await pbx.start()
        assert pbx.pid is None
    finally:
        await pbx.stop()


async def test_asterisk_stopped_leaves_no_process_and_no_folder() -> None:
    pbx = await Asterisk(["1001"]).start()
    pid = pbx.pid
    await pbx.restart()
    assert pbx.pid not in (None, pid)
    pid = pbx.pid
    await pbx.stop()
    assert not is_there(f"/proc/{pid}")
    assert not is_there(pbx.folder)


async def test_phone_logging_in_sends_the_proof_of_its_pin_and_not_the_pin(asterisk: Asterisk) -> None:
    phone = await Baresip(asterisk, "1001").start()
    try:
        await phone.log_in("1001", "246813")
    finally:
        await phone.stop()
    log = asterisk.log_file.read_text(encoding="utf-8")
    proof = re.search(r"CcFeature,Code: login,Endpoint: 1001,Agent: 1001,Proof: (\w+)", log)
    uniqueid = re.search(r"CELGenUserEvent\(CcTest,([^)]+)\)", log)
    assert proof and uniqueid
    inner = hashlib.sha1(b"1001:246813").hexdigest()
    assert proof[1] == hashlib.sha1(f"{uniqueid[1]}:{inner}".encode()).hexdigest()
    assert "246813" not in log


async def test_phones_calling_each_other_note_the_same_call() -> None:
    dialplan = "[pairs]\nexten => _1XXX,1,Dial(PJSIP/${EXTEN},20)\n"
    pbx = await Asterisk(["1001", "1002"], dialplan=dialplan, phone_context="pairs").start()
    caller = await Baresip(pbx, "1001").start()
    callee = await Baresip(pbx, "1002", answer_after_s=0.3, talk_s=1.0).start()
    try:
        made = await caller.dial("1002")
        await caller.wait_for("closed")
        await callee.wait_for("closed")
        heard = callee.calls[0]
        assert made.ended_by == "peer" and heard.ended_by == "self"
        assert made.answered_at and heard.answered_at and abs(made.answered_at - heard.answered_at) < 0.5
        await caller.dial("1002")
        await callee.wait_for("incoming")
        await caller.hang_up()
        await callee.wait_for("closed")
        assert callee.calls[1].answered_at is None and callee.calls[1].ended_by == "peer"
        callee.kill()
        assert callee.process is None
    finally:
        await caller.stop()
        await callee.stop()
        await pbx.stop()


DIALPLAN = """
[trunk-in]
exten => 1,1,Answer(,i)
 same => n,MusicOnHold()
exten => 2,1,Dial(PJSIP/1001,5,g)
 same => n,Set(GLOBAL(SAID)=${DIALSTATUS} ${HANGUPCAUSE})
exten => 3,1,Dial(PJSIP/555@trunk,5)
exten => 4,1,Hangup(17)
exten => 5,1,Ringing()
 same => n,Wait(20)
exten => 6,1,Answer(,i)
 same => n,Read(KEYS,,3,,1,8)
 same => n,Set(GLOBAL(SAID)=keys ${KEYS})
"""


@pytest.mark.parametrize(
    ("dialled", "statuses", "status", "ended_by"),
    [("1", [100, 200], 200, "self"), ("4", [100, 486], 486, "peer"), ("5", [100, 180, 487], 487, "self")],
)
async def test_caller_staying_a_second_notes_who_ended_the_call(
    pbx: Asterisk, dialled: str, statuses: list[int], status: int, ended_by: str
) -> None:
    stayed = []
    for _ in range(3):
        caller = await SippCaller(pbx, "13800000001", dialled, stay_s=1.0).start()
        call = await caller.ended()
        await caller.stop()
        assert caller.statuses == statuses
        assert (call.status, call.ended_by) == (status, ended_by)
        assert call.ended_at is not None
        stayed.append(call.ended_at - call.started_at)
    assert ended_by == "peer" or 0.9 < min(stayed) < 1.5, stayed


async def test_called_phone_refusing_is_seen_by_the_dialplan_with_each_code(pbx: Asterisk) -> None:
    """The table of offer results, as the dialplan sees it."""
    phone = await SippAgent(pbx, "1001").start()
    table = {
        486: "BUSY 17",
        600: "BUSY 17",
        480: "NOANSWER 19",
        603: "CHANUNAVAIL 21",
        403: "CHANUNAVAIL 21",
        404: "CHANUNAVAIL 1",
        408: "CHANUNAVAIL 18",
        488: "CHANUNAVAIL 58",
        500: "CHANUNAVAIL 38",
        503: "CONGESTION 34",
    }
    for status, said in table.items():
        phone.script = refuses(status)
        caller = await SippCaller(pbx, "13800000001", "2", name="张三").start()
        await caller.ended()
        await caller.stop()
        assert f"SAID={said}" in pbx.rx("dialplan show globals")
        heard = await phone.ended()
        assert (heard.status, heard.peer_name) == (status, "张三")
    await phone.stop()


async def test_called_phone_rings_and_then_refuses(pbx: Asterisk) -> None:
    phone = await SippAgent(pbx, "1001", refuses(603, after_s=0.5)).start()
    caller = await SippCaller(pbx, "13800000001", "2").start()
    await caller.ended()
    assert (caller.statuses[:2], (await phone.ended()).status) == ([100, 180], 603)
    assert "SAID=CHANUNAVAIL 21" in pbx.rx("dialplan show globals")
    await caller.stop()
    await phone.stop()


async def test_caller_who_hears_ringing_can_press_no_key(pbx: Asterisk) -> None:
    caller = await SippCaller(pbx, "13800000001", "5").start()
    with pytest.raises(PhoneError, match="can press no key"):
        caller.press("1")
    await caller.stop()


async def test_caller_presses_keys_in_the_call_and_hangs_up(pbx: Asterisk) -> None:
    caller = await SippCaller(pbx, "13800000001", "6").start()
    await caller.answered()
    for key in "4*7":
        await asyncio.sleep(0.3)
        caller.press(key)
    call = await caller.ended()
    await caller.stop()
    assert call.ended_by == "peer"
    assert "SAID=keys 4*7" in pbx.rx("dialplan show globals")


async def test_called_phone_answering_then_hanging_up_ends_the_callers_call(pbx: Asterisk) -> None:
    outside = await SippAgent(pbx, None, answers(0.2), talk_s=0.5).start()
    caller = await SippCaller(pbx, "13800000001", "3").start()
    call = await caller.ended()
    said = await outside.ended()
    assert (call.ended_by, said.ended_by) == ("peer", "self")
    assert said.notes[0].startswith("sip:555@")
    await caller.stop()
    await outside.stop()


async def test_called_phone_is_told_to_ring_when_it_has_answered_and_goes_on_talking(pbx: Asterisk) -> None:
    outside = await SippAgent(pbx, None, ((0.0, 200), (0.3, 180)), talk_s=1.0).start()
    caller = await SippCaller(pbx, "13800000001", "3").start()
    call = await caller.ended()
    assert call.answered_at is not None and call.ended_at is not None
    assert call.ended_at - call.answered_at > 0.9
    await caller.stop()
    await outside.stop()


async def test_callers_ringing_in_together_are_all_answered_and_leave_nothing(pbx: Asterisk) -> None:
    before = running()
    callers = [SippCaller(pbx, f"139000000{n:02}", "1") for n in range(10)]
    await asyncio.gather(*(caller.start() for caller in callers))
    await asyncio.gather(*(caller.answered() for caller in callers))
    for caller in callers:
        caller.hang_up()
    await asyncio.gather(*(caller.ended() for caller in callers))
    await asyncio.gather(*(caller.stop() for caller in callers))
    assert {caller.call.ended_by for caller in callers} == {"self"}
    assert set(running()) <= set(before)


def test_owner_killed_takes_its_asterisk_with_it() -> None:
    words = (
        "from callcenter.lab.pbx import Asterisk\n"
        "pbx = Asterisk().start_now()\n"
        "print(pbx.pid, pbx.folder, flush=True)\n"
        "input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        assert is_there(f"/proc/{pid}")
        owner.kill()
        owner.wait()
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)
    shutil.rmtree(folder)


def test_warm_cache_needs_no_network_and_no_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    root, lines = peer_root(PBX), list[str]()
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(sources, "ETC_APT", Path("/nonexistent"))
    assert peer_root(PBX, lines.append) == root
    assert not [line for line in lines if "reading" in line]
