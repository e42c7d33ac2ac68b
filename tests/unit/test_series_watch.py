"""The rule that every series is moved by some test: it fails a whole run, and leaves a part of one alone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONFTEST = """\
from tests.series_watch import Plugin
def pytest_configure(config):
    config.pluginmanager.register(Plugin())
"""
MOVES_ONE = """\
from metrics.floor import Floor
from metrics.exporter import Exporter
def test_moves_one():
    Exporter(lambda: Floor(epoch=1)).freeze()
def test_moves_none():
    pass
"""


@pytest.mark.parametrize(
    ("arguments", "fails"),
    [
        ([], True),
        (["-n", "2", "--dist", "load"], True),
        (["suite/test_it.py"], False),
        (["-n", "2", "suite/test_it.py"], False),
        (["-k", "one"], False),
        (["-m", "not slow"], False),
    ],
    ids=["whole", "whole, two at a time", "path", "path, two at a time", "word", "mark"],
)
def test_suite_moves_one_series_only_a_whole_run_fails(tmp_path: Path, arguments: list[str], fails: bool) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = suite\nmarkers = slow\n")
    (suite / "conftest.py").write_text(CONFTEST)
    (suite / "test_it.py").write_text(MOVES_ONE)

    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    run = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)

    assert (run.returncode == 1) is fails, run.stdout
    assert ("no test ever moved the series callcenter_leader" in run.stdout) is fails
    assert "no test ever moved the series callcenter_epoch" not in run.stdout
