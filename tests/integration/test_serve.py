"""`callcenter serve` as an operator types it: how it starts, how it ends, and what it says when it cannot."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from callcenter.lab.ports import free_port
from tests.unit.scripted_port import Port

PLAN = '[lines.general]\nname = "群众诉求"\nname_en = "General"\ndids = ["12345"]\nneed = "general >= 1"\n'
PLAN = (
    f'default_line = "general"\n{PLAN}[agents.1001]\nname = "A"\nskills = {{ general = 1 }}\npin_sha1 = "{"0" * 40}"\n'
)


class Serve:
    """The command in a folder of its own (with a space in its name), pointed at a scripted PBX."""

    def __init__(self, folder: Path, ami_port: int, **settings: str) -> None:
        self.folder = folder / "a folder"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "plan.toml").write_text(PLAN, encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
        self.settings = clean | {
            "CALLCENTER_AMI_PORT": str(ami_port),
            "CALLCENTER_AMI_SECRET": "scripted",
            "CALLCENTER_HTTP_PORT": str(free_port()),
        }
        self.settings |= {f"CALLCENTER_{name}": value for name, value in settings.items()}
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> "Serve":
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "callcenter",
            "serve",
            cwd=self.folder,
            env={name: value for name, value in self.settings.items() if value},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def ended(self) -> tuple[int, str]:
        """Return exit code and standard error."""
        assert self.process is not None
        try:
            async with asyncio.timeout(20):
                _, said = await self.process.communicate()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise
        assert self.process.returncode is not None
        return self.process.returncode, said.decode()

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does: there is nothing here that could set an event."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def is_in_step(port: Port) -> Callable[[], bool]:
    return lambda: bool(port.asked("Status")) and port.globals.get("CC_BEAT", "").count("*") == 3


async def test_started_in_a_folder_with_spaces_it_leads_and_ends_by_term_with_0(tmp_path: Path) -> None:
    async with Port() as port:
        serve = await Serve(tmp_path, port.port).start()
        await until(is_in_step(port))
        serve.stop()
        code, said = await serve.ended()
        assert (code, "Traceback" in said) == (0, False), said
        assert (serve.folder / ".state" / "ledger.sqlite3").exists()
        await until(lambda: all(one.writer.is_closing() for one in port.sessions))


async def test_term_while_the_pbx_cannot_be_reached_ends_it_with_0(tmp_path: Path) -> None:
    serve = await Serve(tmp_path, free_port()).start()
    await until((serve.folder / ".state").exists)
    await until((serve.folder / ".state" / "ledger.sqlite3").exists)
    serve.stop()
    code, said = await serve.ended()
    assert (code, "Traceback" in said) == (0, False), said


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"PLAN": "missing.toml"}, 2, "missing.toml"),
        ({"AMI_SECRET": ""}, 2, "CALLCENTER_AMI_SECRET is not set"),
        ({"HTTP_PORT": "in use"}, 2, "the port is in use"),
        ({"HTTP_PORT": "x"}, 2, "CALLCENTER_HTTP_PORT"),
        ({"LOG_LEVEL": "loud"}, 2, "CALLCENTER_LOG_LEVEL"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all/x.sqlite3"}, 1, "/nowhere"),
    ],
)
async def test_wrong_setting_one_clear_sentence_and_the_code(
    tmp_path: Path, settings: dict[str, str], code: int, words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        if settings.get("HTTP_PORT") == "in use":
            settings = {"HTTP_PORT": str(held.getsockname()[1])}
        found, said = await (await Serve(tmp_path, 1, **settings).start()).ended()
    assert found == code, said
    assert words in said
    assert "Traceback" not in said


async def test_log_in_is_refused_2_and_what_to_correct(tmp_path: Path) -> None:
    async with Port() as port:
        port.is_welcome = False
        code, said = await (await Serve(tmp_path, port.port).start()).ended()
    assert code == 2, said
    assert "correct CALLCENTER_AMI_USERNAME" in said
    assert "Traceback" not in said


async def test_second_on_the_same_folder_is_4_and_names_the_first(tmp_path: Path) -> None:
    async with Port() as port:
        first = await Serve(tmp_path, port.port).start()
        await until(is_in_step(port))
        code, said = await (await Serve(tmp_path, port.port).start()).ended()
        first.stop()
        await first.ended()
    assert code == 4, said
    assert "is in use by" in said


async def test_pbx_is_held_by_another_4_and_its_name(tmp_path: Path) -> None:
    async with Port() as port:

        def moves(at: Port) -> None:
            at.globals["CC_BEAT"] = f"the-other*5*{len(at.actions)}*{int(at.now())}"
            at.before["Getvar"] = moves

        moves(port)
        code, said = await (await Serve(tmp_path, port.port).start()).ended()
    assert code == 4, said
    assert "the-other" in said
    assert "Traceback" not in said


async def test_epoch_is_revoked_while_it_runs_4_and_the_new_leaders_name(tmp_path: Path) -> None:
    async with Port() as port:
        serve = await Serve(tmp_path, port.port).start()
        await until(is_in_step(port))
        epoch = int(port.globals["CC_BEAT"].split("*")[1])
        port.globals |= {f"CC_REVOKED_{epoch}": "1", "CC_BEAT": f"the-new*{epoch + 5}*1*{int(port.now())}"}
        code, said = await serve.ended()
    assert code == 4, said
    assert "the-new" in said
