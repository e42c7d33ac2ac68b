"""`make demo` as a user types it, short: right by itself, and each fault is found, by its own figure only."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from callcenter.demo.evidence import LEDGER_KEYS
from callcenter.demo.witness import lost
from callcenter.lab.apt import SOFTPHONE, peer_root
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.installation import find_asterisk
from callcenter.witness.cel import COLUMNS
from tests.integration.conftest import missing

pytestmark = pytest.mark.pbx

PHONE_KEYS = {
    "role",
    "number",
    "sip_call_id",
    "peer_number",
    "started_at",
    "answered_at",
    "ended_at",
    "ended_by",
    "status",
}


@pytest.fixture(scope="module")
def peers() -> None:
    """The demo fetches its peers by itself; where that cannot be, there is nothing to test."""
    try:
        find_asterisk()
        if shutil.which("baresip") is None:
            peer_root(SOFTPHONE)
    except PeerUnavailableError as error:
        missing(error)


def _demo(**wishes: str) -> tuple[int, dict[str, Any], str]:
    environment = os.environ | {"DEMO_SECONDS": "6", "DEMO_CALLS_PER_S": "2.5"} | wishes
    done = subprocess.run(
        [sys.executable, "-m", "callcenter.demo"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_demo_short_run_is_right_and_keeps_three_witnesses(peers: None, tmp_path: Path) -> None:
    code, said, text = _demo(DEMO_KEEP=str(tmp_path / "kept"))
    assert code == 0, text
    assert (said["lost"], said["ledger_mismatches"]) == (0, 0)
    assert said["offered"] >= 6 and said["answered"] > 0 and said["abandoned"] > 0
    assert said["ronas"] > 0 and said["hand_overs"] > 0
    assert "waiting" in text, "no status line"
    phones, ledger = _rows(tmp_path / "kept" / "phones.jsonl"), _rows(tmp_path / "kept" / "ledger.jsonl")
    callers = [row for row in phones if row["role"] == "caller"]
    assert all(set(row) == PHONE_KEYS for row in phones)
    assert {row["role"] for row in phones} == {"caller", "agent", "specialist"}
    assert all(tuple(row) == LEDGER_KEYS for row in ledger)
    assert len(callers) == len(ledger) == said["offered"]
    assert {row["sip_call_id"] for row in callers} == {row["sip_call_id"] for row in ledger}
    assert lost(phones) == []
    with (tmp_path / "kept" / "cel.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


@pytest.mark.parametrize(
    ("fault", "figure", "other"), [("drop", "lost", "ledger_mismatches"), ("ledger", "ledger_mismatches", "lost")]
)
def test_demo_with_a_fault_says_one_and_fails(peers: None, fault: str, figure: str, other: str) -> None:
    code, said, text = _demo(DEMO_FAULT=fault)
    assert (code, said[figure], said[other]) == (1, 1, 0), text
