"""Settings: names, defaults, errors that name the variable, secrets that never show."""

import os
import re
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import Settings, load_settings, unknown_variables

SECRET = "s3cret-of-the-pbx"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but the test's own."""
    for name in [name for name in os.environ if name.startswith("CALLCENTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_operator_sets_nothing_gets_documented_defaults(tmp_path: Path) -> None:
    settings = load_settings()

    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8345)
    assert settings.plan == Path("plan.toml")
    assert settings.database == f"sqlite+aiosqlite:///{tmp_path / '.state' / 'ledger.sqlite3'}"
    assert settings.redis_url is None


def test_operator_writes_dotenv_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CALLCENTER_HTTP_PORT=9001\nCALLCENTER_AMI_HOST=pbx.example\nOTHER=1\n")
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", "9002")

    settings = load_settings()

    assert (settings.http_port, settings.ami_host) == (9002, "pbx.example")


def test_operator_leaves_value_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_REDIS_URL", "")

    assert load_settings().redis_url is None


def test_operator_makes_three_mistakes_all_are_named_and_no_secret_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", "80000")
    monkeypatch.setenv("CALLCENTER_AMI_SECRET", SECRET + "\nAction: Command")
    monkeypatch.setenv("CALLCENTER_DATABASE_URL", f"mysql://u:{SECRET}@db/x")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    named = [problem.partition(":")[0] for problem in caught.value.problems]
    assert sorted(named) == ["CALLCENTER_AMI_SECRET", "CALLCENTER_DATABASE_URL", "CALLCENTER_HTTP_PORT"]
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_service_logs_its_settings_no_secret_shows() -> None:
    settings = load_settings(ami_secret=SECRET, database_url=f"postgresql://u:{SECRET}@db/x?password={SECRET}")

    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.ami_login!r}"
    assert SECRET not in settings.database_label
    assert settings.database_label == "postgresql+asyncpg://db/x"
    assert settings.database.startswith(f"postgresql+asyncpg://u:{SECRET}@db/x")


def test_operator_sets_no_ami_secret_error_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"CALLCENTER_AMI_SECRET is not set: set it to .*manager"):
        _ = load_settings().ami_login


def test_operator_names_secret_file_its_one_line_is_used(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")

    assert load_settings(ami_secret_file=tmp_path / "secret").ami_login.secret.get_secret_value() == SECRET


@pytest.mark.parametrize("content", [b"", b"a\nb\n", b"\xff\xfe"])
def test_operator_names_unusable_secret_file_error_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)

    with pytest.raises(SettingsError, match="CALLCENTER_AMI_SECRET_FILE"):
        _ = load_settings(ami_secret_file=tmp_path / "secret").ami_login


def test_operator_names_no_events_account_the_same_pair_is_used() -> None:
    settings = load_settings(ami_username="a", ami_secret=SECRET)

    assert settings.ami_events_login == settings.ami_login


def test_operator_names_events_account_without_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="CALLCENTER_AMI_EVENTS_SECRET"):
        _ = load_settings(ami_secret=SECRET, ami_events_username="events").ami_events_login


def test_operator_mistypes_a_name_is_told_which_was_meant() -> None:
    assert unknown_variables({"CALLCENTER_HTTP_PROT": "1", "CALLCENTER_PLAN": "x", "HOME": "/"}) == [
        "CALLCENTER_HTTP_PROT is no setting and has no effect: did you mean CALLCENTER_HTTP_PORT?"
    ]


def test_operator_mistypes_a_name_in_the_env_file_is_told_as_well(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CALLCENTER_PLAM=plan.toml\nOTHER=1\n", encoding="utf-8")

    assert unknown_variables() == ["CALLCENTER_PLAM is no setting and has no effect: did you mean CALLCENTER_PLAN?"]


@pytest.mark.parametrize(
    ("url", "host", "port", "password"),
    [
        ("redis://redis", "redis", 6379, None),
        ("redis://127.0.0.1:6380/0", "127.0.0.1", 6380, None),
        (f"redis://:{SECRET}@cache.example:6379/", "cache.example", 6379, SECRET),
        ("redis://default:a%40b%2Fc@[::1]:7000/0", "::1", 7000, "a@b/c"),
    ],
)
def test_operator_names_a_redis_it_is_understood(url: str, host: str, port: int, password: str | None) -> None:
    settings = load_settings(redis_url=url)

    assert settings.redis is not None
    assert (settings.redis.host, settings.redis.port) == (host, port)
    shown = settings.redis.password
    assert (shown.get_secret_value() if shown is not None else None) == password
    assert SECRET not in f"{settings!r} {settings.redis!r}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"rediss://:{SECRET}@h", "without TLS"),
        (f"unix:///{SECRET}", "must be redis://"),
        (f"redis://bob:{SECRET}@h", "names a user"),
        (f"redis://:{SECRET}@h/1", "only database 0"),
        (f"redis://:{SECRET}@h/0?timeout=1", "only database 0"),
        (f"redis://:{SECRET}@h:port", "is no URL"),
        (f"redis://:{SECRET}@[::1", "is no URL"),
        (SECRET, "must be redis://"),
    ],
)
def test_operator_names_a_redis_that_cannot_be_used_the_error_says_what_can_and_shows_no_password(
    url: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        load_settings(redis_url=url)
    assert str(caught.value).startswith("CALLCENTER_REDIS_URL: ") and SECRET not in str(caught.value)


def test_operator_makes_a_pair_without_a_common_ledger_is_told() -> None:
    assert "CALLCENTER_DATABASE_URL" in load_settings(redis_url="redis://h").doubts[0]
    assert load_settings(redis_url="redis://h", database_url="postgresql://h/x").doubts == []
    assert load_settings().doubts == []


def test_container_has_files_of_secrets_they_are_read_and_variables_win(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("ami_secret", "database_password", "redis_password"):
        (secrets / f"callcenter_{name}").write_text(f"{SECRET}/{name}\n")
    (secrets / "of-somebody-else").write_text("x")

    settings = load_settings(_secrets_dir=secrets, database_url="postgresql://cc@db/x", redis_url="redis://h")

    assert settings.ami_login.secret.get_secret_value() == f"{SECRET}/ami_secret"
    assert settings.database == f"postgresql+asyncpg://cc:{SECRET}%2Fdatabase_password@db/x"
    assert settings.database_label == "postgresql+asyncpg://db/x"
    assert settings.redis is not None and settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == f"{SECRET}/redis_password"
    monkeypatch.setenv("CALLCENTER_AMI_SECRET", "of-the-variable")
    assert load_settings(_secrets_dir=secrets).ami_login.secret.get_secret_value() == "of-the-variable"


def test_url_has_a_password_of_its_own_that_one_is_used() -> None:
    settings = load_settings(
        database_url="postgresql://u:own@db/x", database_password="x", redis_url="redis://:own@h", redis_password="x"
    )
    assert settings.database == "postgresql+asyncpg://u:own@db/x"
    assert settings.redis is not None and settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == "own"
    assert load_settings(database_url="sqlite:///x", database_password="x").database == "sqlite+aiosqlite:///x"


@pytest.mark.parametrize(("content", "says"), [(b"\n", "is empty"), (b"a\nb", "control character"), (b"\xff", "UTF-8")])
def test_file_of_a_secret_is_unusable_the_error_says_so(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "callcenter_ami_secret").write_bytes(content)
    with pytest.raises(SettingsError, match=says):
        load_settings(_secrets_dir=tmp_path)


def test_file_of_a_secret_may_not_be_read_the_error_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "callcenter_ami_secret").write_text(SECRET)

    def refuse(self: Path, *args: object, **options: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(SettingsError, match=r"cannot be read: Permission denied .*ami_secret"):
        load_settings(_secrets_dir=tmp_path)


def test_operator_reads_the_example_every_setting_of_the_service_is_in_it(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "config" / "settings.example.env").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?CALLCENTER_([A-Z_]+)=", text, re.MULTILINE))

    assert named == {name.upper() for name in Settings.model_fields} - {"CACHE", "REQUIRE_PBX"}

    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert load_settings() == load_settings(_env_file=None)
