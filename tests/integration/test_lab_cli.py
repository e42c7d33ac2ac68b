"""`callcenter lab up|status|down`, as a user types it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.lab.cli import ENV_FILE, STATE_FILE
from callcenter.lab.pbx import Asterisk
from tests.integration.conftest import is_running

pytestmark = pytest.mark.pbx


def lab(state: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "callcenter", "lab", *words]
    environment = os.environ | {"CALLCENTER_STATE_DIR": str(state)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_lab_up_then_down_leaves_private_files_and_then_nothing(asterisk: Asterisk, tmp_path: Path) -> None:
    assert asterisk.pid is not None
    assert lab(tmp_path, "status").returncode == 1
    up = lab(tmp_path, "up", "--phones", "1001-1003")
    try:
        assert up.returncode == 0, up.stderr
        assert lab(tmp_path, "status").stdout.startswith("up: ")
        assert "already up" in lab(tmp_path, "up").stdout
        for name in (STATE_FILE, ENV_FILE):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        state = json.loads((tmp_path / STATE_FILE).read_text(encoding="utf-8"))
        assert f"CALLCENTER_AMI_PORT={state['ami_port']}\n" in (tmp_path / ENV_FILE).read_text(encoding="utf-8")
        assert list(state["phones"]) == ["1001", "1002", "1003"]
    finally:
        assert lab(tmp_path, "down").stdout == "down\n"
    assert not is_running(state["pid"])
    assert not Path(state["folder"]).exists()
    assert list(tmp_path.iterdir()) == []


def test_lab_down_spares_a_process_that_got_its_pid(tmp_path: Path) -> None:
    stranger = {"pid": os.getpid(), "started": 1, "folder": str(tmp_path / "gone"), "systemname": "x"}
    ports = {"sip_port": 1, "ami_port": 2, "phones": {}}
    (tmp_path / STATE_FILE).write_text(json.dumps(stranger | ports), encoding="utf-8")
    assert lab(tmp_path, "status").returncode == 1
    assert lab(tmp_path, "down").stdout == "down\n"


def test_lab_up_with_phones_that_are_no_numbers_is_wrong_use(tmp_path: Path) -> None:
    assert lab(tmp_path, "up", "--phones", "abc").returncode == 2
