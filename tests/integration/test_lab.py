"""The lab itself: real peers come up, do what the other tests rely on, and leave nothing behind."""

import hashlib
import re
from pathlib import Path

import pytest

from callcenter.lab.baresip import Baresip
from callcenter.lab.pbx import ACTIONS_USER, EVENTS_USER, Asterisk, is_booted

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
