"""`callcenter check` on real peers: each thing is broken in turn, and exactly its line says so.

One Asterisk is whole; where the break is in its configuration, a private one has that configuration and no other change.
"Exactly" means: every other line is as in the good run, or `-` because it hangs on the one that is broken.
"""

import asyncio
import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd.names import Outcome
from callcenter.check.finding import Finding, Scene, State
from callcenter.check.run import TABLE, check_all, check_plan, check_settings
from callcenter.check_cli import exit_code
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.postgres import Postgres
from callcenter.lab.redis import Redis
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from callcenter.storage.state_dir import StateDir
from config.prompts import prompt_names
from config.settings import load_settings
from tests.contract.calls_told import Told, all_records, entries
from tests.integration.conftest import missing
from tests.integration.office import at_once
from tests.integration.spoilt_sounds import spoil

pytestmark = pytest.mark.pbx
PLAN = """\
default_line = "general"
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
greeting = "callcenter/welcome"
on_closed = { voicemail = "100", prompt = "callcenter/our-closed" }
[agents.8001]
name = "王芳"
skills = { general = 2 }
pin_sha1 = "5ed25af7b1ed23fb00122e13d7f74c4d8262acd8"
"""
ON_AMI = frozenset(check.item for check in TABLE if check.needs_pbx)
LOGINS = frozenset({"log-in actions", "log-in events"})
PROMPTS = [*prompt_names(), "our-closed"]


@dataclass(frozen=True, slots=True)
class Good:
    """What a call centre that is all right consists of."""

    pbx: Asterisk
    folder: Path

    def settings(self, pbx: Asterisk | None = None) -> dict[str, str]:
        """Names of settings and their values, for `pbx` or the good one."""
        variables = {
            **(pbx or self.pbx).settings(),
            "CALLCENTER_CEL": str((pbx or self.pbx).cel_file),
            "CALLCENTER_PLAN": str(self.folder / "plan.toml"),
            "CALLCENTER_STATE_DIR": str(self.folder / "state"),
            "CALLCENTER_HTTP_PORT": str(free_port()),
        }
        return {name.removeprefix("CALLCENTER_").lower(): value for name, value in variables.items()}


def furnish(pbx: Asterisk) -> None:
    """Give a running Asterisk what the good run needs besides its configuration: prompts, and one CEL row."""
    sounds = pbx.folder / "data" / "sounds" / "zh" / "callcenter"
    sounds.mkdir(parents=True)
    for name in PROMPTS:
        (sounds / f"{name}.alaw").write_bytes(b"\xd5" * 800)
    dial_test_code(pbx)


def dial_test_code(pbx: Asterisk) -> None:
    """Dial *10 as a phone does; the service is away, and the CEL row is written all the same."""
    pbx.rx("channel originate Local/*10@callcenter-phones application Wait 0.2")


@contextlib.asynccontextmanager
async def changed(**files: str) -> AsyncIterator[Asterisk]:
    """An Asterisk that is like the good one but for a text appended to a file (`manager` means manager.conf)."""
    extra = {f"{name}.conf": text for name, text in files.items()}
    pbx = Asterisk(["1001"], lines=("general",), extra=extra)
    await pbx.start()
    try:
        furnish(pbx)
        await until_row(pbx)
        yield pbx
    finally:
        await pbx.stop()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Good]:
    folder = tmp_path_factory.mktemp("check")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    pbx = Asterisk(["1001"], lines=("general",))
    try:
        pbx.start_now()
    except PeerUnavailableError as error:
        missing(error)
    furnish(pbx)
    at_once(lambda: until_row(pbx))
    yield Good(pbx, folder)
    pbx.stop_now()


@pytest.fixture(autouse=True)
def name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's own name is found, whatever machine the tests run on (not so in the command's process)."""
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost")


PATIENT = {"pbx.EVENT_S": 5.0, "host.LOOKUP_S": 10.0, "pbx.LINK_S": 10.0, "run.CHECK_S": 30.0}
DEADLINES = ("pbx.LINK_S", "run.CHECK_S")
"""Those that some tests are about."""


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for two seconds is no fault of the PBX: only tests of the deadlines have the command's own."""
    for name, seconds in PATIENT.items():
        if name not in DEADLINES or "within_the_deadline" not in request.node.name:
            monkeypatch.setattr(f"callcenter.check.{name}", seconds)


async def look(**settings: str) -> list[Finding]:
    """Run all checks with these settings and nothing of the environment's."""
    loaded = load_settings(_env_file=None, **settings)
    plan, findings = check_plan(loaded)
    return [*check_settings(loaded), *findings, *await check_all(Scene(loaded, plan))]


def only_wrong(
    findings: list[Finding], item: str, state: State = State.FAIL, leaves: frozenset[str] = frozenset()
) -> Finding:
    """Assert that this one line is wrong, `leaves` are not checked, and all others are as in the good run; return the line."""
    states = {finding.item: finding.state for finding in findings}
    expected = dict.fromkeys(("settings", "plan", *(check.item for check in TABLE)), State.OK)
    expected |= dict.fromkeys(leaves, State.SKIPPED) | {item: state}
    assert states == expected, "\n".join(map(str, findings))
    return next(finding for finding in findings if finding.item == item)


async def until_row(pbx: Asterisk) -> None:
    """Wait until CEL has a row."""
    for _ in range(400):
        if pbx.cel_file.exists() and pbx.cel_file.stat().st_size:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("CEL wrote no row")


# the good run ----------------------------------------------------------------------------------------------------------


async def test_all_is_well_every_line_is_ok(good: Good) -> None:
    await until_row(good.pbx)

    findings = await look(**good.settings())

    assert {finding.state for finding in findings} == {State.OK}, "\n".join(map(str, findings))
    assert [finding.item for finding in findings] == ["settings", "plan", *(check.item for check in TABLE)]
    assert exit_code(findings) == 0


def command(good: Good, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator types it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
    chosen = {f"CALLCENTER_{name.upper()}": value for name, value in {**good.settings(), **settings}.items()}
    return subprocess.run(
        [sys.executable, "-m", "callcenter", "check"],
        env=environment | chosen,
        cwd=good.folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_command_all_is_well_prints_one_plain_line_each_and_ends_with_0(good: Good) -> None:
    await until_row(good.pbx)

    done = await asyncio.to_thread(command, good)

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) == 2 + len(TABLE)
    lines = [line for line in lines if " host name " not in line]  # that one depends on the machine
    assert all(line.startswith("ok   ") for line in lines)
    assert "\x1b" not in done.stdout
    assert not done.stderr
    assert good.pbx.managers["callcenter"] not in done.stdout


async def test_command_settings_wrong_names_each_variable_and_ends_with_2(good: Good) -> None:
    done = await asyncio.to_thread(command, good, ami_port="sip", ami_secret="", http_port="0")

    assert done.returncode == 2
    assert [line[:5] for line in done.stdout.splitlines()] == ["FAIL "] * 2
    assert "CALLCENTER_AMI_PORT" in done.stdout
    assert "CALLCENTER_HTTP_PORT" in done.stdout


async def test_secret_missing_says_settings_and_the_rest_is_checked(good: Good) -> None:
    await until_row(good.pbx)
    settings = good.settings() | {"ami_secret": "", "ami_events_username": "", "ami_events_secret": ""}
    findings = await look(**{name: value for name, value in settings.items() if value})

    found = only_wrong(findings, "settings", leaves=ON_AMI | LOGINS)

    assert found.says.startswith("CALLCENTER_AMI_SECRET is not set")
    assert exit_code(findings) == 2


async def test_events_secret_missing_says_settings_and_leaves_that_session_out(good: Good) -> None:
    settings = good.settings()
    del settings["ami_events_secret"]

    found = only_wrong(await look(**settings), "settings", leaves=frozenset({"log-in events", "events"}))

    assert found.says.startswith("CALLCENTER_AMI_EVENTS_SECRET is not set")


async def test_command_variable_misspelt_is_a_warning_and_the_rest_is_checked(good: Good) -> None:
    await until_row(good.pbx)

    done = await asyncio.to_thread(command, good, ami_secrt="x")

    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if " host name " not in line]
    warned = [line for line in lines if not line.startswith("ok")]
    assert len(warned) == 1
    assert "did you mean CALLCENTER_AMI_SECRET?" in warned[0]


# settings, plan, this host ---------------------------------------------------------------------------------------------


async def test_host_name_not_found_is_a_warning(good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    await until_row(good.pbx)
    monkeypatch.setattr(socket, "gethostname", lambda: "nowhere.invalid")

    line = only_wrong(await look(**good.settings()), "host name", State.WARN)

    assert "nowhere.invalid is not found" in line.says
    assert "/etc/hosts" in line.do


async def test_plan_wrong_every_problem_is_a_line_and_the_exit_code_is_2(good: Good, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        PLAN.replace("general >= 1", "general >").replace("12345", "1 2"), encoding="utf-8"
    )

    findings = await look(**good.settings() | {"plan": str(tmp_path / "plan.toml")})

    wrong = [finding for finding in findings if finding.item == "plan"]
    assert len(wrong) == 2
    assert all("plan.toml:" in finding.says for finding in wrong)
    only_wrong(findings, "plan", leaves=frozenset({"queues", "recordings", "voicemail"}))
    assert exit_code(findings) == 2


async def test_state_folder_not_usable_says_state(good: Good, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = good.settings() | {"state_dir": str(tmp_path / "file" / "state")}

    found = only_wrong(await look(**settings), "state")

    assert "CALLCENTER_STATE_DIR" in found.do


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: the case before this one holds for it")
async def test_state_folder_not_writable_says_state(good: Good, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o500)

    findings = await look(**good.settings() | {"state_dir": str(tmp_path / "state")})
    only_wrong(findings, "state", leaves=frozenset({"database"}))


async def test_service_runs_on_the_state_folder_state_names_it_and_nothing_is_disturbed(
    good: Good, tmp_path: Path
) -> None:
    state = StateDir(tmp_path / "state")
    state.lock("here-1")
    try:
        findings = await look(**good.settings() | {"state_dir": str(state.folder)})
        with pytest.raises(Exception, match="in use by here-1"):
            StateDir(tmp_path / "state").lock("other")
    finally:
        state.release()

    assert "in use by here-1" in next(str(finding) for finding in findings if finding.item == "state")
    assert exit_code(findings) == 0


async def test_http_port_taken_says_http(good: Good) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    findings = await look(**good.settings() | {"http_port": str(port)})

    server.close()
    assert "CALLCENTER_HTTP_PORT" in only_wrong(findings, "http").do


# database --------------------------------------------------------------------------------------------------------------


async def test_database_down_says_database(good: Good) -> None:
    settings = good.settings() | {"database_url": f"postgresql://callcenter:secret-word@127.0.0.1:{free_port()}/ledger"}

    found = only_wrong(await look(**settings), "database")

    assert "does not answer" in found.says
    assert "secret-word" not in str(found)


@pytest.mark.postgres
@pytest.mark.redis
async def test_pair_with_a_common_ledger_all_is_well_and_without_one_settings_say_so(
    good: Good, postgres_url: str, private_redis: Redis
) -> None:
    settings = good.settings() | {"redis_url": private_redis.url}

    only_wrong(await look(**settings), "settings", State.WARN)
    engine = open_engine(load_settings(_env_file=None, database_url=postgres_url).database)
    await upgrade(engine)
    await engine.dispose()
    findings = await look(**settings, database_url=postgres_url)

    assert {finding.state for finding in findings} == {State.OK}
    assert "share agents' states" in next(finding.says for finding in findings if finding.item == "redis")


@pytest.mark.redis
async def test_redis_refuses_the_password_or_hangs_or_is_down_says_redis_and_no_password(
    good: Good, private_redis: Redis
) -> None:
    url = private_redis.url.replace(private_redis.password, "secret-word")
    for case, redis_url in (
        ("wrong", url),
        ("frozen", private_redis.url),
        ("down", f"redis://127.0.0.1:{free_port()}"),
    ):
        if case == "frozen":
            private_redis.freeze()
        try:
            findings = await look(**good.settings() | {"redis_url": redis_url})
        finally:
            private_redis.thaw()
        found = next(finding for finding in findings if finding.item == "redis")
        assert found.state is State.FAIL and "CALLCENTER_REDIS_URL" in found.do
        assert "secret-word" not in str(found) and private_redis.password not in str(found)


@pytest.mark.postgres
async def test_postgresql_not_migrated_says_db_upgrade_and_after_it_all_is_well(good: Good, postgres_url: str) -> None:
    settings = good.settings() | {"database_url": postgres_url}

    found = only_wrong(await look(**settings), "database")
    engine = open_engine(load_settings(_env_file=None, **settings).database)
    await upgrade(engine)
    await engine.dispose()
    after = await look(**settings)

    assert "'callcenter db upgrade'" in found.do
    assert {finding.state for finding in after} == {State.OK}


@pytest.mark.postgres
async def test_postgresql_frozen_says_database_within_the_deadline(
    good: Good, private_postgres: Postgres, postgres_url: str
) -> None:
    private_postgres.freeze()
    try:
        began = time.monotonic()
        found = only_wrong(await look(**good.settings() | {"database_url": postgres_url}), "database")
        took_s = time.monotonic() - began
    finally:
        private_postgres.thaw()

    assert found.do
    assert took_s < 15


# Asterisk --------------------------------------------------------------------------------------------------------------


async def test_port_closed_says_ami_and_leaves_the_rest_of_asterisk_out(good: Good) -> None:
    settings = good.settings() | {"ami_port": str(free_port())}

    found = only_wrong(await look(**settings), "ami", leaves=ON_AMI | LOGINS)

    assert "CALLCENTER_AMI_PORT" in found.do


async def test_asterisk_hangs_says_ami_within_the_deadline(good: Good) -> None:
    good.pbx.freeze()
    try:
        began = time.monotonic()
        found = only_wrong(await look(**good.settings()), "ami", leaves=ON_AMI | LOGINS)
        took_s = time.monotonic() - began
    finally:
        good.pbx.thaw()

    assert "does not answer" in found.says
    assert took_s < 15


async def test_something_else_listens_says_ami(good: Good) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    settings = good.settings() | {"ami_port": str(server.sockets[0].getsockname()[1])}

    found = only_wrong(await look(**settings), "ami", leaves=ON_AMI | LOGINS)

    server.close()
    assert "does not speak AMI" in found.says


async def test_ca_file_missing_says_ami_and_names_the_setting(good: Good) -> None:
    settings = good.settings() | {"ami_tls": "1", "ami_tls_ca": "/no/such/ca.pem"}

    found = only_wrong(await look(**settings), "ami", leaves=ON_AMI | LOGINS)

    assert "CALLCENTER_AMI_TLS_CA" in found.says


async def test_tls_on_a_plain_port_says_ami(good: Good) -> None:
    found = only_wrong(await look(**good.settings() | {"ami_tls": "1"}), "ami", leaves=ON_AMI | LOGINS)

    assert "TLS" in found.says + found.do


async def test_actions_secret_wrong_says_that_log_in(good: Good) -> None:
    found = only_wrong(await look(**good.settings() | {"ami_secret": "wrong"}), "log-in actions", leaves=ON_AMI)

    assert "CALLCENTER_AMI_SECRET" in found.do


async def test_events_secret_wrong_says_that_log_in(good: Good) -> None:
    settings = good.settings() | {"ami_events_secret": "wrong"}

    found = only_wrong(await look(**settings), "log-in events", leaves=frozenset({"events"}))

    assert "CALLCENTER_AMI_EVENTS_SECRET" in found.do


@pytest.mark.parametrize(
    ("write", "refused", "leaves"),
    [
        ("call,user,reporting", ["QueueAdd", "QueuePause", "QueueRemove"], ()),
        ("call,agent,user", ["CoreSettings", "CoreStatus", "ShowDialPlan"], ("asterisk", "system name", "dialplan")),
        ("agent,user,reporting", ["Hangup", "PlayDTMF", "Setvar"], ("events",)),
        ("call,agent,reporting", ["UserEvent"], ("events",)),
    ],
)
async def test_privilege_missing_says_privileges_and_names_the_actions(
    good: Good, write: str, refused: list[str], leaves: tuple[str, ...]
) -> None:
    async with changed(manager=f"\n[callcenter](+)\nwrite = {write}\n") as pbx:
        found = only_wrong(await look(**good.settings(pbx)), "privileges", leaves=frozenset(leaves))

    assert found.says == f"callcenter may not: {', '.join(refused)}"


async def test_privilege_too_great_is_a_warning(good: Good) -> None:
    async with changed(manager="\n[callcenter](+)\nwrite = all\n") as pbx:
        findings = await look(**good.settings(pbx))

    assert "Command" in only_wrong(findings, "privileges", State.WARN).says
    assert exit_code(findings) == 0


async def test_timestampevents_off_says_events(good: Good) -> None:
    async with changed(manager="\n[general](+)\ntimestampevents = no\n") as pbx:
        found = only_wrong(await look(**good.settings(pbx)), "events")

    assert "timestampevents=yes" in found.do


@pytest.mark.parametrize("read", ["call,agent", "agent,user", "none"])
async def test_events_not_readable_says_events(good: Good, read: str) -> None:
    async with changed(manager=f"\n[callcenter-events](+)\nread = {read}\n") as pbx:
        found = only_wrong(await look(**good.settings(pbx)), "events")

    assert "[callcenter-events]" in found.do


async def test_dialplan_of_another_version_says_dialplan(good: Good) -> None:
    async with changed() as pbx:
        pbx.rx("dialplan set global CC_VERSION 0")
        found = only_wrong(await look(**good.settings(pbx)), "dialplan")

    assert "version 0" in found.says


async def test_dialplan_not_included_says_dialplan(good: Good, tmp_path: Path) -> None:
    async with changed() as pbx:
        (pbx.folder / "etc" / "extensions_callcenter.conf").write_text("[globals]\n", encoding="utf-8")
        pbx.rx("dialplan reload")
        found = only_wrong(await look(**good.settings(pbx)), "dialplan")

    assert "callcenter-hold" in found.says


async def test_fallback_queue_missing_says_queues_and_prints_its_section(good: Good, tmp_path: Path) -> None:
    more = PLAN + '[lines.enterprise]\nname = "企业"\nname_en = "Enterprise"\ndids = ["12346"]\nneed = "general >= 1"\n'
    (tmp_path / "plan.toml").write_text(more, encoding="utf-8")

    found = only_wrong(await look(**good.settings() | {"plan": str(tmp_path / "plan.toml")}), "queues")

    assert "[callcenter-enterprise](callcenter-queue)" in found.do


async def test_app_queue_not_loaded_says_queues(good: Good) -> None:
    async with changed(modules="\nnoload = app_queue.so\n") as pbx:
        found = only_wrong(await look(**good.settings(pbx)), "queues")

    assert "app_queue.so" in found.do


async def test_system_name_not_set_is_a_warning(good: Good) -> None:
    async with changed() as pbx:
        conf = pbx.folder / "etc" / "asterisk.conf"
        conf.write_text(conf.read_text(encoding="utf-8").replace("systemname =", ";systemname ="), encoding="utf-8")
        await pbx.restart()
        found = only_wrong(await look(**good.settings(pbx)), "system name", State.WARN)

    assert "systemname" in found.do


async def test_another_instance_holds_the_pbx_is_a_warning_with_its_name(good: Good) -> None:
    async with changed() as pbx:
        pbx.rx(f"dialplan set global CC_BEAT other-1234*5*9*{int(time.time())}")
        found = only_wrong(await look(**good.settings(pbx)), "leader", State.WARN)

    assert "other-1234" in found.says
    assert "exit code 4" in found.do


@pytest.mark.redis
async def test_the_other_one_of_a_pair_leads_all_is_well_and_its_name_is_told(good: Good, private_redis: Redis) -> None:
    async with changed() as pbx:
        pbx.rx(f"dialplan set global CC_BEAT other-1234*5*9*{int(time.time())}")
        findings = await look(**good.settings(pbx) | {"redis_url": private_redis.url})

    found = next(finding for finding in findings if finding.item == "leader")
    assert found.state is State.OK and "other-1234" in found.says and "stand by" in found.says


# CEL and sounds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["off", "no folder"])
async def test_cel_writes_no_row_says_cel_and_after_repair_the_test_code_makes_one(good: Good, how: str) -> None:
    off = "\n[general](+)\nenable = no\n" if how == "off" else ""
    pbx = Asterisk(["1001"], lines=("general",), extra={"cel.conf": off})
    await pbx.start()
    try:
        if how == "no folder":
            pbx.cel_file.parent.rmdir()
        furnish(pbx)
        await asyncio.sleep(0.5)  # a row would be there by now: the good run waits far less
        found = only_wrong(await look(**good.settings(pbx)), "cel")

        pbx.cel_file.parent.mkdir(exist_ok=True)
        os.chown(pbx.cel_file.parent, *_owner(pbx.folder))
        conf = pbx.folder / "etc" / "cel.conf"
        conf.write_text(conf.read_text(encoding="utf-8").removesuffix(off), encoding="utf-8")
        pbx.rx("module reload cel")
        dial_test_code(pbx)
        await until_row(pbx)
        after = await look(**good.settings(pbx))
    finally:
        await pbx.stop()

    assert "dial *10 from any phone" in found.do
    assert {finding.state for finding in after} == {State.OK}, "\n".join(map(str, after))


def _cel_in_sqlite(path: Path, at_s: float) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE cel (eventtype TEXT, eventtime TEXT)")
        connection.execute("INSERT INTO cel VALUES ('CHAN_START', ?)", (f"{at_s:.6f}",))


def _owner(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_uid, stat.st_gid


async def test_cel_newest_row_is_a_week_old_is_a_warning(good: Good, tmp_path: Path) -> None:
    old = tmp_path / "cel.csv"
    old.write_text(
        f'"CHAN_START","{time.time() - 7 * 86_400:.6f}","","","","","","","","","","",""\n', encoding="utf-8"
    )

    found = only_wrong(await look(**good.settings() | {"cel": str(old)}), "cel", State.WARN)

    assert "7 days" in found.says
    assert "*10" in found.do


async def test_cel_stopped_before_the_ledgers_last_call_says_cel(good: Good, tmp_path: Path) -> None:
    database = tmp_path / "ledger.sqlite3"
    settings = good.settings() | {"database_url": f"sqlite:///{database}"}
    await look(**settings)  # an SQLite file is made and brought up to date
    now_ms = int(time.time() * 1000)
    engine = open_engine(load_settings(_env_file=None, **settings).database)
    call = Told("1", now_ms).queued(0).ends(0, Outcome.ABANDONED_QUEUE)
    await Ledger(engine).apply("box", entries(all_records([call])))
    await engine.dispose()
    (tmp_path / "cel.csv").write_text(f'"CHAN_START","{now_ms / 1000 - 600:.6f}",""\n', encoding="utf-8")

    found = only_wrong(await look(**settings | {"cel": str(tmp_path / "cel.csv")}), "cel")

    assert "a call ended 10 minutes after it" in found.says


async def test_cel_in_sqlite_its_newest_row_counts(good: Good, tmp_path: Path) -> None:
    path = tmp_path / "cel.db"
    await asyncio.to_thread(_cel_in_sqlite, path, time.time() - 5)

    findings = await look(**good.settings() | {"cel": str(path)})

    assert {finding.state for finding in findings} == {State.OK}, "\n".join(map(str, findings))


async def test_prompts_missing_is_a_warning_with_their_number(good: Good) -> None:
    async with changed() as pbx:
        (pbx.folder / "data" / "sounds" / "zh" / "callcenter" / f"{PROMPTS[0]}.alaw").unlink()
        found = only_wrong(await look(**good.settings(pbx)), "sounds", State.WARN)

    assert "1 of " in found.says


async def test_greeting_without_a_file_is_a_warning_with_its_name(good: Good) -> None:
    async with changed() as pbx:
        (pbx.folder / "data" / "sounds" / "zh" / "callcenter" / "welcome.alaw").unlink()
        found = only_wrong(await look(**good.settings(pbx)), "sounds", State.WARN)

    assert "callcenter/welcome" in found.says


async def test_exits_prompt_without_a_file_is_a_warning_with_its_name(good: Good) -> None:
    async with changed() as pbx:
        (pbx.folder / "data" / "sounds" / "zh" / "callcenter" / "our-closed.alaw").unlink()
        found = only_wrong(await look(**good.settings(pbx)), "sounds", State.WARN)

    assert "callcenter/our-closed" in found.says


async def test_prompt_of_a_blocked_number_without_a_file_is_a_warning_with_its_name(good: Good, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    entry = '[[blocked]]\nnumber = "13900001234"\nwhy = "x"\nprompt = "callcenter/our-refusal"\n'
    plan.write_text(f"{PLAN}\n{entry}", encoding="utf-8")

    found = only_wrong(await look(**good.settings() | {"plan": str(plan)}), "sounds", State.WARN)

    assert "callcenter/our-refusal" in found.says


async def test_mailbox_of_an_exit_missing_is_a_warning_with_its_number(good: Good, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace('voicemail = "100"', 'voicemail = "777"'), encoding="utf-8")
    found = only_wrong(await look(**good.settings() | {"plan": str(plan)}), "voicemail", State.WARN)

    assert "777" in found.says


async def test_app_voicemail_not_loaded_says_voicemail(good: Good) -> None:
    async with changed(modules="\nnoload = app_voicemail.so\n") as pbx:
        found = only_wrong(await look(**good.settings(pbx)), "voicemail", State.WARN)

    assert "app_voicemail.so" in found.do


# recordings -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded_plan(tmp_path: Path) -> dict[str, str]:
    """A setting: the good plan, its line recorded."""
    plan = tmp_path / "recorded.toml"
    plan.write_text(PLAN.replace("[lines.general]", "[lines.general]\nrecord = true"), encoding="utf-8")
    return {"plan": str(plan)}


async def test_recorded_line_whose_files_are_seen_is_all_right(good: Good, recorded_plan: dict[str, str]) -> None:
    findings = await look(**good.settings() | recorded_plan)

    assert {finding.state for finding in findings} == {State.OK}, "\n".join(map(str, findings))
    assert "hours of talk" in next(finding.says for finding in findings if finding.item == "recordings")


async def test_recorded_line_no_folder_is_named_is_a_warning_that_names_it(
    good: Good, recorded_plan: dict[str, str]
) -> None:
    settings = good.settings() | recorded_plan
    del settings["recordings"]
    found = only_wrong(await look(**settings), "recordings", State.WARN)

    assert found.do.endswith(str(good.pbx.recordings))


async def test_recordings_folder_is_another_than_asterisks_says_both(
    good: Good, recorded_plan: dict[str, str], tmp_path: Path
) -> None:
    found = only_wrong(
        await look(**good.settings() | recorded_plan | {"recordings": str(tmp_path)}), "recordings", State.FAIL
    )

    assert str(tmp_path) in found.says
    assert str(good.pbx.recordings) in found.says


async def test_recordings_folder_is_not_there_or_cannot_be_written_says_so(
    good: Good, recorded_plan: dict[str, str], tmp_path: Path
) -> None:
    gone = good.settings() | recorded_plan | {"recordings": str(tmp_path / "gone")}
    assert "is no folder" in only_wrong(await look(**gone), "recordings", State.FAIL).says

    async with changed() as pbx:
        (pbx.recordings / "callcenter").write_text("in the way")
        found = only_wrong(await look(**good.settings(pbx) | recorded_plan), "recordings", State.FAIL)
    assert found.says.endswith("callcenter is no folder")


async def test_app_mixmonitor_not_loaded_says_recordings(good: Good, recorded_plan: dict[str, str]) -> None:
    async with changed(modules="\nnoload = app_mixmonitor.so\n") as pbx:
        found = only_wrong(await look(**good.settings(pbx) | recorded_plan), "recordings", State.FAIL)

    assert "app_mixmonitor.so" in found.do


@pytest.mark.parametrize("how", ["empty", "folder", "foreign", "forbidden", "rate"])
async def test_prompt_that_asterisk_cannot_play_is_a_warning_with_its_file(good: Good, how: str) -> None:
    async with changed() as pbx:
        folder = pbx.sounds / "zh" / "callcenter"
        (folder / "away.alaw").unlink()
        path = folder / "away.wav"
        spoil(path, how, *_owner(pbx.folder))
        found = only_wrong(await look(**good.settings(pbx)), "sounds", State.WARN)

    assert str(path) in found.says
