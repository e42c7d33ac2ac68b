"""The lab itself: real peers come up, do what the other tests rely on, and leave nothing behind."""

from pathlib import Path

import pytest

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
