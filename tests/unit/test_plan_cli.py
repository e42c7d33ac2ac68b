"""Commands for plan, tokens and status: what they print, and their exit codes; against a service on a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents.login import pin_sha1_of
from callcenter.__main__ import app
from callcenter.http.app import create_app
from callcenter.http.server import serving
from callcenter.http.tokens import TokenStore, write_local_token
from config.errors import PlanError
from tests.unit.test_http import ServiceInMemory
from tests.unit.test_plan import GOOD

SECRET_FREE_PORT = "9"
"""Discard: nobody listens there on loopback."""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An operator's folder with a plan; its settings name a service that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLCENTER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", SECRET_FREE_PORT)
    (tmp_path / "plan.toml").write_text(GOOD)
    return tmp_path


@contextmanager
def running(service: ServiceInMemory, state_dir: Path) -> Iterator[int]:
    """Run the service's HTTP in a thread of its own, as another process would."""
    loop = asyncio.new_event_loop()
    over, up, ports = asyncio.Event(), threading.Event(), list[int]()

    async def serve() -> None:
        async with serving(create_app(service, TokenStore(state_dir).owner_of), "127.0.0.1", 0) as port:
            ports.append(port)
            up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(30)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.fixture
def service(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceInMemory]:
    """A running service with its local token."""
    write_local_token(folder / "state")
    one = ServiceInMemory()
    with running(one, folder / "state") as port:
        monkeypatch.setenv("CALLCENTER_HTTP_PORT", str(port))
        yield one


def call(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def test_operator_makes_pin_gets_the_line_for_the_plan_and_never_the_pin() -> None:
    result = call("plan", "pin", "1001", typed="482913\n482913\n")

    assert result.exit_code == 0
    assert f'pin_sha1 = "{pin_sha1_of("1001", "482913")}"' in result.stdout
    assert "482913" not in result.output


@pytest.mark.parametrize(
    ("agent", "typed", "reason"),
    [
        ("1001", "48291\n", "six digits"),
        ("1001", "٤٨٢٩١٣\n", "six digits"),
        ("1001", "482913\n482914\n", "not the same"),
        ("1001", "777777\n777777\n", "too easy"),
        ("1001", "345678\n345678\n", "too easy"),
        ("10a", "", "digits only"),
    ],
)
def test_operator_makes_bad_pin_is_refused_with_code_2(agent: str, typed: str, reason: str) -> None:
    result = call("plan", "pin", agent, typed=typed)

    assert (result.exit_code, result.stdout) == (2, "")
    assert reason in result.stderr


def test_operator_compares_two_files_no_service_is_needed(folder: Path) -> None:
    (folder / "new.toml").write_text(GOOD.replace('"Wang"', '"Wu"'))

    result = call("plan", "diff", "new.toml", "--against", "plan.toml")

    assert (result.exit_code, result.stdout) == (0, "agent 1001: name Wang becomes Wu\n")


def test_operator_compares_with_the_service_sees_what_a_reload_would_do(service: ServiceInMemory, folder: Path) -> None:
    (folder / "plan.toml").write_text(GOOD.replace('"Wang"', '"Wu"'))

    assert call("plan", "diff").stdout == "agent 1001: name Wang becomes Wu\n"
    assert service.reloads == 0


def test_operator_compares_wrong_file_code_2_and_every_problem(folder: Path) -> None:
    (folder / "plan.toml").write_text(GOOD.replace('"general"', '"x"', 1).replace("12346", "y"))

    result = call("plan", "diff")

    assert result.exit_code == 2
    assert "plan.toml:1: default_line" in result.stderr
    assert "plan.toml:14: lines.enterprise.dids[0]" in result.stderr


def test_operator_reloads_changes_are_printed(service: ServiceInMemory) -> None:
    result = call("plan", "reload")

    assert result.exit_code == 0
    assert result.stdout.startswith("agent 1002 (Li) is added\nin force: ")
    assert service.reloads == 1


def test_operator_reloads_wrong_plan_code_2_with_its_problems(service: ServiceInMemory) -> None:
    service.refusal = PlanError("plan.toml:3: topics.1: wrong")

    result = call("plan", "reload")

    assert (result.exit_code, "plan.toml:3: topics.1: wrong" in result.stderr) == (2, True)


def test_operator_has_wrong_token_code_1(service: ServiceInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_TOKEN", "wrong")

    result = call("plan", "reload")

    assert (result.exit_code, "refuses the token" in result.stderr, service.reloads) == (1, True, 0)


def test_operator_on_another_host_uses_a_created_token(
    service: ServiceInMemory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call("token", "create", "--for", "api").stdout.strip()
    monkeypatch.setenv("CALLCENTER_TOKEN", made)

    assert call("plan", "reload").exit_code == 0


@pytest.mark.parametrize("command", [("plan", "reload"), ("plan", "diff"), ("status",)])
def test_service_is_not_running_code_1_says_where(command: tuple[str, ...], folder: Path) -> None:
    write_local_token(folder / "state")

    result = call(*command)

    assert result.exit_code == 1
    assert "the service does not answer on 127.0.0.1:9" in result.stderr


def test_operator_has_no_token_is_told_where_it_should_be() -> None:
    result = call("plan", "reload")

    assert (result.exit_code, "api.token cannot be read" in result.stderr) == (1, True)


def test_operator_asks_status_sees_leader_and_readiness(service: ServiceInMemory) -> None:
    result = call("status")

    assert (result.exit_code, result.stdout) == (0, "leader: yes\nepoch: 7\nready\n")


def test_operator_asks_status_of_unready_service_code_1_says_what_is_missing(service: ServiceInMemory) -> None:
    service.conditions["links"] = False

    result = call("status")

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "NOT READY: links")


def test_operator_lists_and_revokes_tokens() -> None:
    made = call("token", "create", "--for", "board")
    token_id = call("token", "list").stdout.split()[0]

    assert token_id in made.stderr
    assert call("token", "revoke", token_id).exit_code == 0
    assert call("token", "list").stdout == ""
    assert call("token", "revoke", token_id).exit_code == 2
    assert call("token", "create", "--for", "king").exit_code == 2


@pytest.mark.parametrize("command", [("list",), ("create", "--for", "api"), ("revoke", "1a2b3c4d")])
def test_entry_of_a_token_is_spoilt_code_1_names_it(command: tuple[str, ...], folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "tokens.json").write_text('{"1a2b3c4d": {"for": "boards"}}')

    result = call("token", *command)

    assert (result.exit_code, "tokens.json: '1a2b3c4d' is no entry" in result.stderr) == (1, True)


def test_operator_has_wrong_settings_code_2_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", "x")

    result = call("status")

    assert (result.exit_code, "CALLCENTER_HTTP_PORT" in result.stderr) == (2, True)
