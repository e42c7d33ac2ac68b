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


def test_operator_reads_the_example_every_setting_of_the_service_is_in_it(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "config" / "settings.example.env").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?CALLCENTER_([A-Z_]+)=", text, re.MULTILINE))

    assert named == {name.upper() for name in Settings.model_fields} - {"CACHE", "REQUIRE_PBX"}

    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert load_settings() == load_settings(_env_file=None)
