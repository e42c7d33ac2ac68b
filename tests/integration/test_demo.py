"""`make demo` as a user types it, short: right by itself, and each fault is found, by its own figure only."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from callcenter.demo.evidence import LEDGER_KEYS
from callcenter.demo.witness import lost
from callcenter.witness.cel import COLUMNS

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


FEW = "2464"
"""A seed with so few calls that a seat is free for everybody: a caller who waits only hears a phone ring."""


def _demo(**wishes: str) -> tuple[int, dict[str, Any], str]:
    environment = os.environ | {"DEMO_SECONDS": "6", "DEMO_CALLS_PER_S": "2.5", "DEMO_SEED": FEW} | wishes
    done = subprocess.run(
        [sys.executable, "-m", "callcenter.demo"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] and done.stdout.splitlines()[-1].startswith("{"), done.stdout + done.stderr
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


def _family(pid: int) -> dict[int, str]:
    """A process's descendants that live: pid and start (a pid that was given away again is another process)."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1]), fields[19]
    family = {pid: ""}
    while more := {child: start for child, (up, start) in parents.items() if up in family and child not in family}:
        family |= more
    del family[pid]
    return family


def _still_live(family: dict[int, str]) -> list[int]:
    live = []
    for pid, start in family.items():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            live += [pid] if fields[0] != "Z" and fields[19] == start else []
    return live


def test_demo_without_seconds_ends_at_ctrl_c_with_its_summary_and_leaves_no_process(peers: None) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}
    demo = subprocess.Popen(
        [sys.executable, "-m", "callcenter.demo"],
        env=environment | {"DEMO_CALLS_PER_S": "2.5", "DEMO_SEED": FEW},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    said = []
    try:
        for line in demo.stdout:
            said.append(line)
            if "waiting" in line:
                break
        family = _family(demo.pid)
        demo.send_signal(signal.SIGINT)
        demo.send_signal(signal.SIGINT)
        said += demo.communicate(timeout=90)[0].splitlines()
    finally:
        demo.kill()
        demo.wait()
    result = json.loads(said[-1])

    assert demo.returncode == 0, said
    assert (result["lost"], result["ledger_mismatches"]) == (0, 0)
    assert result["offered"] > 0
    assert len(family) > 10, "Asterisk, the service and a softphone for each seat"
    assert _still_live(family) == []
