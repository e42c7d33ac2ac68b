"""What the image of Asterisk runs, in the real Asterisk: it starts without a word, and serves the real service and a call."""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.loader import end, spawn
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import Phone, answers
from callcenter.lab.site import SERVE, Seat
from tests.conftest import missing
from tests.integration.image import CONFIG, OURS, PHONE, SECRET, Image, run_start_script, started
from tests.integration.office import LOG_INS, until

pytestmark = pytest.mark.pbx
PLAN = """
default_line = "general"
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
record = true
"""


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """Asterisk, with the image's configuration and `site.example` filled in."""
    try:
        with started() as image:
            yield image
    except PeerUnavailableError as error:
        missing(error)


def test_asterisk_with_the_images_configuration_starts_without_a_word(image: Image) -> None:
    assert "Asterisk 2" in image.rx("core show version")
    said = [line for line in image.log.splitlines() if re.search("WARNING|ERROR|[Uu]nable", line)]
    assert said == []


def test_asterisk_with_the_images_configuration_has_every_module_it_names(image: Image) -> None:
    wanted = re.findall(r"^load = (\S+)", (CONFIG / "base" / "modules.conf").read_text(encoding="utf-8"), re.M)
    running = re.findall(r"^(\S+\.so) .* Running ", image.rx("module show"), re.M)
    assert wanted and sorted(set(wanted) - set(running)) == []


def test_asterisk_with_the_images_configuration_knows_what_the_dialplan_names(image: Image) -> None:
    lines = (CONFIG / "extensions_callcenter.conf").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith(";"))
    applications = set(re.findall(r"(?:^exten => [^,]+,[^,]+|^ same => n(?:\([^)]*\))?),(\w+)\(", text, re.M))
    applications |= set(re.findall(r"TryExec\((\w+)\(", text))
    functions = set(re.findall(r"(?:\$\{|Set\()([A-Z][A-Z0-9_]+)\(", text))
    assert len(applications) > 20 and len(functions) > 15
    known = set(re.findall(r"^\s*(\w+): ", image.rx("core show applications"), re.M))
    assert sorted({name.lower() for name in applications} - {name.lower() for name in known}) == []
    known = set(re.findall(r"^(\w+) ", image.rx("core show functions"), re.M))
    assert sorted(functions - known) == []


def test_asterisk_with_the_images_configuration_has_what_the_operator_named(image: Image) -> None:
    queues = image.rx("queue show")
    assert all(f"callcenter-{line}" in queues for line in ("default", "general", "enterprise"))
    user = image.rx("manager show user callcenter")
    assert "secret: <Set>" in user and "allow - 172.31.83.0/255.255.255.0" in user
    transport = image.rx("pjsip show transport transport-udp")
    assert "192.0.2.10" in transport and "172.31.83.0/255.255.255.0" in transport
    cel = image.rx("cel show status")
    assert "CEL Logging: Enabled" in cel and "CEL Custom CSV Logging" in cel


async def test_service_on_the_images_asterisk_a_caller_reaches_an_agent_and_check_finds_nothing_wrong(
    image: Image, tmp_path: Path
) -> None:
    seat = Seat("8001", "话务员", {"general": 1})
    plan = tmp_path / "plan.toml"
    plan.write_text(f"{PLAN}\n{seat.toml()}", encoding="utf-8")
    settings = {
        **image.settings(),
        "CALLCENTER_PLAN": str(plan),
        "CALLCENTER_STATE_DIR": str(tmp_path / "state"),
        "CALLCENTER_HTTP_PORT": str(free_port()),
    }
    log = tmp_path / "log"
    service = spawn(SERVE, folder=tmp_path, environment=settings, log=log, as_ourselves=True)
    phone = await Phone.open(PHONE, ("127.0.0.1", image.phone_port), ("127.0.0.1", image.sip_port), answers(0.1))
    caller = await Phone.open("13800000001", ("127.0.0.2", 0), ("127.0.0.1", image.sip_port))
    try:
        await until(lambda: says(log, "in step"), "the service distributes calls", 30)
        for _ in range(LOG_INS):
            await phone.log_in(seat.number, seat.pin, image.rx)
            if await is_logged_in(settings):
                break
        leg = caller.call("12345")
        heard = await phone.next_call(40)  # the PBX asks a phone whether it is there when its turn comes
        await leg.wait_for(200)
        await asyncio.sleep(0.5)
        caller.hang_up(leg)
        await asyncio.wait_for(heard.is_ended.wait(), 20)
        said = await asyncio.to_thread(checked, settings, tmp_path)
    finally:
        await asyncio.to_thread(end, service)
        await phone.close()
        await caller.close()
    wrong = [line for line in said.splitlines() if not line.startswith(("ok ", "- "))]
    assert wrong == [], said
    (sound,) = (image.folder / "var" / "spool" / "asterisk" / "monitor").rglob("*.wav")
    assert sound.stat().st_mode & 0o004 and sound.parent.stat().st_mode & 0o005 == 0o005


async def is_logged_in(settings: dict[str, str]) -> bool:
    """Whether the service knows where its only agent sits."""
    url = f"http://127.0.0.1:{settings['CALLCENTER_HTTP_PORT']}/status"

    def ask() -> bool:
        with urllib.request.urlopen(url, timeout=20) as page:
            return bool(json.load(page)["agents"][0]["device"])

    return await asyncio.to_thread(ask)


async def says(log: Path, words: str) -> bool:
    """Whether the service has written this."""
    return words in await asyncio.to_thread(log.read_text, encoding="utf-8")


def checked(settings: dict[str, str], folder: Path) -> str:
    """Return what `callcenter check` says."""
    command = (sys.executable, "-m", "callcenter", "check")
    environment = {"PATH": os.environ["PATH"], **settings}
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_start_script_without_secret_or_with_one_that_means_something_refuses(tmp_path: Path) -> None:
    for secret in ("", "a;b", "a b", "a\nwrite = all"):
        refused = run_start_script(tmp_path, CALLCENTER_AMI_SECRET=secret, **OURS)
        assert refused.returncode == 2 and "CALLCENTER_AMI_SECRET" in refused.stderr
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OURS)
def test_start_script_without_what_only_the_host_knows_refuses(tmp_path: Path, name: str) -> None:
    refused = run_start_script(tmp_path, CALLCENTER_AMI_SECRET=SECRET, **{**OURS, name: ""})
    assert refused.returncode == 2 and f"{name} is not set" in refused.stderr


def test_start_script_keeps_the_secret_to_one_file_of_its_own(tmp_path: Path) -> None:
    done = run_start_script(tmp_path, CALLCENTER_AMI_SECRET=SECRET, **OURS)
    assert done.returncode == 0 and SECRET not in done.stdout
    assert (tmp_path / "manager.conf").stat().st_mode & 0o077 == 0
    assert SECRET in (tmp_path / "manager.conf").read_text(encoding="utf-8")


def test_start_script_is_given_a_file_its_secret_is_used(tmp_path: Path) -> None:
    file = tmp_path / "ami-secret"
    file.write_text(SECRET + "\n")
    done = run_start_script(tmp_path, CALLCENTER_AMI_SECRET_FILE=str(file), **OURS)
    assert done.returncode == 0 and SECRET not in done.stdout
    assert f"secret = {SECRET}\n" in (tmp_path / "manager.conf").read_text()


@pytest.mark.parametrize("content", [None, "", "with a space", "two\nlines"])
def test_start_script_is_given_a_file_of_no_use_it_refuses(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ami-secret").write_text(content)
    refused = run_start_script(tmp_path, CALLCENTER_AMI_SECRET_FILE=str(tmp_path / "ami-secret"), **OURS)
    assert refused.returncode == 2 and "CALLCENTER_AMI_SECRET" in refused.stderr
