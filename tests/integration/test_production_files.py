"""The files of production, judged by the programs that will read them; what they name is there.

Nothing of them is run here: this machine has no container daemon, and systemd is not its first process.
"""

import asyncio
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from callcenter.grafana.draw import SOURCE
from callcenter.grafana.shape import Lang
from callcenter.lab.checkers import find_compose, find_systemd_analyze, judge
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.loader import Program, end, hand_over, private_folder, remove_folder, spawn
from callcenter.lab.ports import free_port
from callcenter.lab.redis import find_redis
from callcenter.storage.errors import SharedStateAway
from callcenter.storage.redis_state import RedisSharedState
from config.settings import PREFIX, Settings, load_settings
from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose.yaml"
EXAMPLE = ROOT / "config" / "compose.example.env"
UNIT = ROOT / "packaging" / "systemd" / "callcenter.service"
EXPOSURE = "20"
"""systemd's own scale, times ten: 0 is shut, 100 is open; below 20 it calls a service OK."""
GIVEN = {
    "SECRETS_FOLDER": "/run/secrets-of-this-test",
    "PBX_SITE": str(ROOT / "config" / "asterisk" / "site.example"),
    "PLAN_FOLDER": str(ROOT / "config"),
}
"""Every variable that compose.yaml insists on."""
GUIDE = ROOT / "docs" / "production.md"
BARE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@pytest.fixture(scope="module")
def compose() -> Program:
    """docker-compose: it resolves a file without a daemon."""
    try:
        return find_compose()
    except PeerUnavailableError as error:
        missing(error)


@pytest.fixture(scope="module")
def systemd() -> Program:
    """systemd-analyze."""
    try:
        return find_systemd_analyze()
    except PeerUnavailableError as error:
        missing(error)


def resolved(compose: Program, *, without: str = "") -> tuple[int, str, str]:
    """Return what docker-compose makes of the file and these variables, and of no `.env`."""
    variables = {name: value for name, value in GIVEN.items() if name != without}
    words = ("--env-file", os.devnull, "--profile", "*", "config", "--format", "json")
    return judge(compose, *words, folder=ROOT, environment=BARE | variables)


@pytest.fixture(scope="module")
def services(compose: Program) -> dict[str, dict[str, Any]]:
    """The services as docker-compose understands them."""
    code, said, errors = resolved(compose)
    assert code == 0, errors
    assert errors == ""
    found: dict[str, dict[str, Any]] = json.loads(said)["services"]
    return found


@pytest.mark.parametrize("name", GIVEN)
def test_compose_without_one_folder_refuses_and_says_what_to_do(compose: Program, name: str) -> None:
    code, _, errors = resolved(compose, without=name)
    assert code != 0
    assert re.search(rf"required variable {name} is missing a value: \w+ \w+", errors), errors


def test_operators_example_has_every_variable_and_no_value_for_what_must_be_given() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    named = {line.lstrip("#").partition("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)}
    asked = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))
    assert asked - named == {"CALLCENTER_LOG_LEVEL"} and named <= asked
    assert {f"{name}=" for name in GIVEN} <= set(lines)


def test_compose_publishes_on_loopback_alone(services: dict[str, dict[str, Any]]) -> None:
    published = {
        (name, port["target"], port["host_ip"]) for name, one in services.items() for port in one.get("ports", ())
    }
    assert {address for _, _, address in published} == {"127.0.0.1"}
    assert not any(port == 5038 for _, port, _ in published)
    assert "network_mode" not in {key for one in services.values() for key in one}


def test_compose_has_everything_and_asks_each_whether_it_is_well(services: dict[str, dict[str, Any]]) -> None:
    kinds = "asterisk callcenter-a callcenter-b postgres redis prometheus alertmanager grafana"
    assert sorted(services) == sorted(kinds.split())
    for name, one in services.items():
        assert one["healthcheck"]["test"], name
        assert one["restart"] == "always"
        assert not one.get("privileged")
    for name in ("callcenter-a", "callcenter-b"):
        assert "/readyz?stand_by=ok" in " ".join(services[name]["healthcheck"]["test"])
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]


def test_services_in_compose_have_a_name_and_a_state_folder_each(services: dict[str, dict[str, Any]]) -> None:
    for key in ("CALLCENTER_INSTANCE", "CALLCENTER_DATABASE_URL"):
        values = {services[name]["environment"][key] for name in ("callcenter-a", "callcenter-b")}
        assert len(values) == (2 if key == "CALLCENTER_INSTANCE" else 1)
    states = {
        volume["source"]
        for name in ("callcenter-a", "callcenter-b")
        for volume in services[name]["volumes"]
        if volume["target"] == services[name]["environment"]["CALLCENTER_STATE_DIR"]
    }
    assert states == {"state-a", "state-b"}


def test_services_in_compose_are_a_pair_on_one_redis_and_start_without_it(services: dict[str, dict[str, Any]]) -> None:
    both = [services[name] for name in ("callcenter-a", "callcenter-b")]
    urls = {one["environment"]["CALLCENTER_REDIS_URL"] for one in both}
    assert urls == {"redis://redis:6379/0"}
    for one in both:
        assert one["depends_on"]["redis"]["condition"] == "service_started"
    assert "profiles" not in services["redis"] and "ports" not in services["redis"]


def test_compose_gives_secrets_as_files_that_the_guide_makes_and_to_nobody_else(
    compose: Program, services: dict[str, dict[str, Any]]
) -> None:
    files = {name: one["file"] for name, one in json.loads(resolved(compose)[1])["secrets"].items()}
    assert files == {name: f"{GIVEN['SECRETS_FOLDER']}/{name}" for name in files}
    used = {name: sorted(one["source"] for one in service.get("secrets", ())) for name, service in services.items()}
    assert {secret for of_one in used.values() for secret in of_one} == set(files)
    assert used["callcenter-a"] == used["callcenter-b"] == ["ami-secret", "ledger-password", "redis-password"]
    assert (used["redis"], used["postgres"]) == (["redis-password"], ["ledger-password"])
    made = GUIDE.read_text(encoding="utf-8")
    for name in files:
        assert name in made or name.removesuffix("-a").removesuffix("-b") in made, name
    for name, service in services.items():
        for key in service.get("environment", {}):
            is_secret = re.search(r"PASSWORD|SECRET|TOKEN", key)
            assert not is_secret or key.endswith("_FILE"), f"{name} has {key} in its environment"


@pytest.mark.redis
def test_redis_started_as_compose_does_asks_for_the_password_of_its_file_and_shows_it_nowhere(
    services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    try:
        server = find_redis()
    except PeerUnavailableError as error:
        missing(error)
    port, folder = free_port(), private_folder("cc-compose-redis-")
    (folder / "redis-password").write_text("made-for-this-test\n", encoding="utf-8")
    shell, option, script = services["redis"]["command"]
    differs = {"/run/secrets": str(folder), "/tmp": str(folder), "/data": str(folder), "$$": "$"}
    differs["redis-server"] = shlex.join(server.command())
    here = re.sub("|".join(map(re.escape, differs)), lambda found: differs[found[0]], script)
    hand_over(folder)
    process = spawn([shell, option, f"{here} --port {port}"], folder=folder, log=folder / "log")
    try:
        assert asyncio.run(refusal_of(f"redis://:made-for-this-test@127.0.0.1:{port}")) == ""
        assert "refuses the log-in" in asyncio.run(refusal_of(f"redis://:another@127.0.0.1:{port}"))
        assert "made-for-this-test" not in Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
    finally:
        end(process)
        remove_folder(folder)


async def refusal_of(url: str) -> str:
    """Ask a Redis that is being started; return why it refuses, empty: it does not."""
    login = load_settings(_env_file=None, redis_url=url).redis
    assert login is not None
    shared, why = RedisSharedState(login), ""
    try:
        for _ in range(100):
            try:
                await shared.last_epoch("pbx")
                return ""
            except SharedStateAway as error:
                why = str(error)
            if "refuses" in why:
                break
            await asyncio.sleep(0.1)
    finally:
        await shared.close()
    return why


def test_files_mounted_by_compose_are_in_the_repository(services: dict[str, dict[str, Any]]) -> None:
    binds = [v for one in services.values() for v in one.get("volumes", ()) if v["type"] == "bind"]
    assert len(binds) >= 7
    for bind in binds:
        assert Path(bind["source"]).exists(), bind["source"]
        assert bind["read_only"] and not bind.get("bind", {}).get("create_host_path"), bind["source"]
    for one in services.values():
        if "build" in one:
            assert (Path(one["build"]["context"]) / one["build"]["dockerfile"]).is_file()


def test_grafana_finds_its_source_and_both_sets_of_dashboards_where_compose_puts_them(
    services: dict[str, dict[str, Any]],
) -> None:
    folder = ROOT / "config" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))["datasources"]
    assert (source["type"], source["uid"]) == (SOURCE.type_val, SOURCE.uid)
    host, _, port = source["url"].removeprefix("http://").partition(":")
    assert int(port) in {one["target"] for one in services[host]["ports"]}
    providers = yaml.safe_load((folder / "dashboards" / "callcenter.yaml").read_text(encoding="utf-8"))["providers"]
    mounted = {v["target"]: Path(v["source"]) for v in services["grafana"]["volumes"] if v["type"] == "bind"}
    assert mounted["/etc/grafana/provisioning"] == folder
    shown = [Path(provider["options"]["path"]) for provider in providers]
    assert {path.name for path in shown} == set(Lang)
    for path in shown:
        assert list((mounted[str(path.parent)] / path.name).glob("*.json"))


def test_operator_upgrades_as_the_guide_says_no_talk_is_cut_and_what_reads_its_files_at_its_start_is_started_again(
    services: dict[str, dict[str, Any]],
) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    upgrade = guide[guide.index("**Upgrade**") : guide.index("**Back up**")]
    daily, of_asterisk = re.findall(r"```sh\n(.*?)```", upgrade, re.DOTALL)
    asked = [one.split("#")[0].split() for line in daily.splitlines() for one in line.split("&&") if "docker" in one]
    assert all({"build", "run", "up", "restart"} & set(words) for words in asked)
    for words in asked:  # a command that names no service is for all of them
        assert set(words) & set(services) and "asterisk" not in words, words
        assert "up" not in words or "--no-deps" in words, "what a service depends on is made anew with it"
    again = {name for words in asked if "restart" in words for name in words if name in services}
    repository = {
        name
        for name, one in services.items()
        for v in one.get("volumes", ())
        if Path(v["source"]).is_relative_to(ROOT / "config")
    }
    assert {"prometheus", "alertmanager", "grafana"} <= repository
    assert repository - {"asterisk", "callcenter-a", "callcenter-b"} <= again
    assert {name for words in asked if {"up", "restart"} & set(words) for name in words if name in services} == set(
        services
    ) - {"asterisk"}
    assert "core stop gracefully" in of_asterisk and of_asterisk.index("--restart=no") < of_asterisk.index("core stop")


@pytest.mark.parametrize("path", [COMPOSE, EXAMPLE, UNIT, ROOT / "docs" / "production.md", ROOT / "Dockerfile"])
def test_settings_named_in_a_file_of_production_exist(path: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+", path.read_text(encoding="utf-8")))
    assert named <= known


def test_service_given_composes_settings_and_secrets_understands_them(
    services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    given = services["callcenter-a"]["environment"]
    for one in services["callcenter-a"]["secrets"]:
        (tmp_path / one["target"]).write_text(f"made-of-{one['source']}\n", encoding="utf-8")
    fields = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    settings = load_settings(_env_file=None, _secrets_dir=tmp_path, **fields)
    assert settings.database == "postgresql+asyncpg://callcenter:made-of-ledger-password@postgres/callcenter"
    assert settings.ami_login.secret.get_secret_value() == "made-of-ami-secret"
    assert settings.redis is not None and settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == "made-of-redis-password"
    assert settings.doubts == []


@pytest.mark.parametrize("folder", [ROOT, ROOT / "config" / "asterisk"], ids=["service", "asterisk"])
def test_image_copies_what_is_there_and_runs_as_nobody_of_importance(folder: Path) -> None:
    words = (folder / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", words, re.M)
    assert copied
    for pattern in (one for line in copied for one in line.split()):
        assert list(folder.glob(pattern)), pattern
    users = re.findall(r"^USER (\S+)$", words, re.M)
    assert users and users[-1] not in ("root", "0")
    assert words.index("\nUSER ") < words.index("\nENTRYPOINT ")


def test_image_of_the_service_installs_the_lock_by_hash_and_the_wheels_packages() -> None:
    words = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "FROM python:3.12-slim" in words and "--require-hashes --requirement requirements.lock" in words
    packages = re.search(r"packages = \[(.+)\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert packages
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in (*re.findall(r'"(\w+)"', packages[1]), "alembic"):
        assert f"COPY {name}/ {name}/" in words and f"!{name}/" in ignored


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that this machine has in the place of the installed one: the checker looks for it."""
    path = tmp_path / UNIT.name
    program = next(one for one in (Path("/usr/bin/true"), Path("/bin/true")) if one.exists())
    path.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/callcenter/bin/callcenter", str(program)), "utf-8")
    return path


def test_unit_verified_by_systemd_has_nothing_to_complain_of(systemd: Program, unit: Path) -> None:
    code, said, errors = judge(systemd, "verify", str(unit), folder=unit.parent, environment=BARE)
    ours = [line for line in (said + errors).splitlines() if "callcenter" in line]
    assert (code, ours) == (0, [])


def test_unit_judged_by_systemd_is_well_shut(systemd: Program, unit: Path) -> None:
    words = ("security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", str(unit))
    code, said, errors = judge(systemd, *words, folder=unit.parent, environment=BARE)
    assert code == 0, said + errors


def test_operator_copies_the_example_settings_nothing_of_them_wins_over_the_unit() -> None:
    of_unit = set(re.findall(rf"^Environment=({PREFIX}[A-Z_]+)=", UNIT.read_text(encoding="utf-8"), re.M))
    example = (ROOT / "config" / "settings.example.env").read_text(encoding="utf-8")
    assert of_unit and not of_unit & set(re.findall(rf"^({PREFIX}[A-Z_]+)=", example, re.M))
