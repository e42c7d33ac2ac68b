"""Which Asterisk is run: the machine's own where it is new and whole, else a fetched one; never one that runs."""

from pathlib import Path

import pytest

from callcenter.lab import installation
from callcenter.lab.cache import Report
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.installation import find_asterisk

Said = list[str]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    """What is reported; fetching is refused, so that a test sees that it was wanted."""

    def refuse(_: object, report: Report) -> Path:
        raise PeerUnavailableError("a private one is wanted")

    monkeypatch.setattr(installation, "peer_root", refuse)
    return []


def machine_with(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, modules: bool = True) -> Path:
    """A machine on whose PATH there is an Asterisk that says this version, and notes with what it was called."""
    program = folder / "sbin" / "asterisk"
    documentation = folder / "share" / "asterisk" / "documentation"
    for each in (program.parent, documentation, folder / "lib" / "asterisk" / "modules"):
        each.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/called\necho "{version}"\n', encoding="utf-8")
    program.chmod(0o755)
    (documentation / "core-en_US.xml").touch()
    if modules:
        (folder / "lib" / "asterisk" / "modules" / "chan_pjsip.so").touch()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


@pytest.mark.parametrize(
    ("version", "number"),
    [("Asterisk 22.6.0", (22, 6)), ("Asterisk 23.1.2", (23, 1)), ("Asterisk certified/22.8-cert1", (22, 8))],
)
def test_machine_has_a_new_asterisk_its_program_is_used_and_only_asked_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said, version: str, number: tuple[int, int]
) -> None:
    program = machine_with(tmp_path, monkeypatch, version)
    found = find_asterisk(said.append)
    assert (found.program.command(), found.version) == ([str(program)], number)
    assert found.modules == tmp_path / "lib" / "asterisk" / "modules"
    assert (tmp_path / "called").read_text(encoding="utf-8") == "-V\n"
    assert said == []


@pytest.mark.parametrize(
    ("version", "modules"),
    [("Asterisk 22.5.2", True), ("Asterisk 20.18.0", True), ("no idea", True), ("Asterisk 22.6.0", False)],
)
def test_machine_has_an_old_or_incomplete_asterisk_it_is_said_and_a_private_one_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said, version: str, modules: bool
) -> None:
    program = machine_with(tmp_path, monkeypatch, version, modules=modules)
    with pytest.raises(PeerUnavailableError, match="a private one is wanted"):
        find_asterisk(said.append)
    assert said == [f"{program} is older than 22.6 or not complete: a private one is used instead"]
