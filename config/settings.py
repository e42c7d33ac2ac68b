"""Where things are and how to get in: the only module that reads the environment.

Every setting is a variable `CALLCENTER_<NAME>`, from the environment or from a file `.env` in the current folder (the
environment wins); what stands in neither may lie in a file `/run/secrets/callcenter_<name>` of its own, as containers are given their secrets,
where no listing of the container shows it. An empty value counts as not set. What the business decides (lines, agents, skills) is not here but in
the plan. Secrets are `SecretStr`: they show as stars in every repr and are never part of an error.

`STATE_DIR` defaults to `.state` in the current folder, so that a trial leaves everything in one place; in production name
a folder of the service's own (`/var/lib/callcenter`, or `$XDG_STATE_HOME/callcenter` for a user's service).
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSource

from config.errors import SettingsError

PREFIX = "CALLCENTER_"
SECRETS = Path("/run/secrets")
"""Where containers find files of secrets."""
REDIS_PORT = 6379
Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, slots=True)
class AmiLogin:
    """One manager account: who logs in. The secret never shows in a repr."""

    username: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class RedisLogin:
    """Where Redis is, and its password (None: it asks for none), which never shows in a repr."""

    host: str
    port: int
    password: SecretStr | None


class Settings(BaseSettings):
    """All settings, frozen. Field names are the variables' names in lower case, without the prefix."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = None
    """SQLAlchemy URL of the ledger; None: an SQLite file in the state folder. Read it through `database`."""
    database_password: SecretStr | None = None
    """Password that `DATABASE_URL` leaves out; None: it has one, or needs none."""
    redis_url: SecretStr | None = None
    """`redis://:PASSWORD@host:port/0`: two services on one PBX are a pair, which shares through it what agents do, and the second
    one stands by; None: this one is alone. Read it through `redis`."""
    redis_password: SecretStr | None = None
    """Password that `REDIS_URL` leaves out; None: it has one, or Redis asks for none."""
    state_dir: Path = Path(".state")
    """Outbox, embedded store, tokens, lock. Not shared between two services."""
    plan: Path = Path("plan.toml")
    """The business plan."""
    http_host: str = "127.0.0.1"
    http_port: Port = 8345
    board_without_token: bool = False
    """Whether boards that are looked at on this host itself need no token: for a demo, whose numbers are nobody's."""
    token: SecretStr | None = None
    """For commands on another host: a token of `callcenter token create`; None: the local one of the state folder."""
    ami_host: str = "127.0.0.1"
    ami_port: Port = 5038
    """Asterisk's own default; with `AMI_TLS` it usually is 5039."""
    ami_username: str = "callcenter"
    ami_secret: SecretStr | None = None
    """Secret of the manager account. Read it through `ami_login`."""
    ami_secret_file: Path | None = None
    """File that holds the secret (a mounted credential); `AMI_SECRET` wins over it."""
    ami_events_username: str | None = None
    """Account of the second session, which reads events; None: the same pair as for actions."""
    ami_events_secret: SecretStr | None = None
    ami_tls: bool = False
    ami_tls_ca: Path | None = None
    """PEM file of the CA that signed Asterisk's certificate; None: the system's."""
    cel: SecretStr | None = None
    """Where Asterisk writes CEL: a path (CSV or SQLite file) or a database URL; None: not checked. Secret as URLs hold
    passwords."""
    recordings: Path | None = None
    """Asterisk's monitor folder as this service sees it; None: sound files are not looked at (no length, no hash)."""
    instance: str | None = None
    """Name of this service, as others see it on the PBX; None: the host's name."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    cache: Path | None = None
    """Downloads and peers of lab, demo and tests; None: `.cache` of the checkout."""
    require_pbx: bool = False
    """Tests: a real peer that cannot be had is a failure, not a skip."""

    @field_validator("ami_username", "ami_events_username", "ami_host", "instance")
    @classmethod
    def _is_plain(cls, value: str | None) -> str | None:
        if value is not None and (not value.isprintable() or not value.strip()):
            raise ValueError("has a control character or is blank")
        return value

    @field_validator("ami_secret", "ami_events_secret", "database_password", "redis_password")
    @classmethod
    def _is_plain_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().isprintable():
            raise ValueError("has a control character (a line end at its end?)")
        if value is not None and not value.get_secret_value():
            raise ValueError("is empty")  # a file; an empty variable is not set
        return value

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            scheme = value.get_secret_value().partition("://")[0]
            if scheme not in _DRIVERS:
                raise ValueError("must begin with postgresql:// or sqlite:///")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_usable_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _redis_login(value.get_secret_value())
        return value

    @property
    def redis(self) -> RedisLogin | None:
        """The Redis of a pair; None: this service is alone."""
        if self.redis_url is None:
            return None
        login = _redis_login(self.redis_url.get_secret_value())
        return login if login.password is not None else replace(login, password=self.redis_password)

    @property
    def doubts(self) -> list[str]:
        """What is allowed and yet hardly meant, one sentence each."""
        if self.redis_url is not None and self.database.startswith("sqlite"):
            lack = "the ledger is a file of this one alone: name the PostgreSQL of both with CALLCENTER_DATABASE_URL"
            return [f"CALLCENTER_REDIS_URL makes two services a pair, but {lack}"]
        return []

    @property
    def database(self) -> str:
        """The ledger's URL with its asyncio driver; may hold a password, so never log it (use `database_label`)."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.state_dir.absolute() / 'ledger.sqlite3'}"
        scheme, _, rest = self.database_url.get_secret_value().partition("://")
        user, at, place = rest.rpartition("@")
        if self.database_password is not None and at and ":" not in user:
            user = f"{user}:{quote(self.database_password.get_secret_value(), safe='')}"
        return f"{_DRIVERS[scheme]}://{user}{at}{place}"

    @property
    def database_label(self) -> str:
        """The ledger's URL without user and password, for logs and screens."""
        scheme, _, rest = self.database.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}".partition("?")[0]

    @property
    def ami_login(self) -> AmiLogin:
        """The manager account for actions. Raises SettingsError when there is no secret."""
        return AmiLogin(self.ami_username, self._action_secret())

    @property
    def ami_events_login(self) -> AmiLogin:
        """The manager account for the session that reads events: its own pair, or the same as for actions."""
        if self.ami_events_username is None:
            return self.ami_login
        if self.ami_events_secret is None:
            raise SettingsError(
                "CALLCENTER_AMI_EVENTS_SECRET is not set, but CALLCENTER_AMI_EVENTS_USERNAME is: set both or neither"
            )
        return AmiLogin(self.ami_events_username, self.ami_events_secret)

    def _action_secret(self) -> SecretStr:
        if self.ami_secret is not None:
            return self.ami_secret
        if self.ami_secret_file is None:
            raise SettingsError(
                "CALLCENTER_AMI_SECRET is not set: set it to the secret of the manager account "
                f"[{self.ami_username}] in Asterisk's manager.conf, or name a file with CALLCENTER_AMI_SECRET_FILE"
            )
        try:
            secret = self.ami_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not text"
            raise SettingsError(
                f"CALLCENTER_AMI_SECRET_FILE: {self.ami_secret_file} cannot be read: {reason}"
            ) from error
        if not secret or not secret.isprintable():
            raise SettingsError(f"CALLCENTER_AMI_SECRET_FILE: {self.ami_secret_file} must hold one line, the secret")
        return SecretStr(secret)


_DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}


def _redis_login(url: str) -> RedisLogin:
    """Raises ValueError, which says nothing of the password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or REDIS_PORT
    except ValueError:
        raise ValueError("is no URL of the form redis://:PASSWORD@host:port/0") from None
    if parts.scheme != "redis" or not host:
        raise ValueError("must be redis://:PASSWORD@host:port/0 (without TLS: keep Redis on a network of your own)")
    if parts.username not in (None, "", "default"):
        raise ValueError("names a user: only the password of Redis' default user can be used, redis://:PASSWORD@host")
    if parts.path not in ("", "/", "/0") or parts.query or parts.fragment:
        raise ValueError(
            "names something behind host and port: only database 0 can be used, redis://:PASSWORD@host:port/0"
        )
    return RedisLogin(host, port, SecretStr(unquote(parts.password)) if parts.password else None)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from environment and `.env`; `overrides` win (demo, lab, tests).

    Raises SettingsError with every problem at once, each naming its variable.
    """
    where = {"_secrets_dir": SECRETS} if SECRETS.is_dir() else {}
    try:
        return Settings(**{**where, **overrides})
    except ValidationError as error:
        raise SettingsError(*(_in_words(problem["loc"], problem["msg"]) for problem in error.errors())) from None
    except UnicodeDecodeError as error:
        raise SettingsError(".env: is not UTF-8 text: save it so") from error
    except UnreadableSource as error:
        why = error.__cause__
        reason = f"cannot be read: {why.strerror}" if isinstance(why, OSError) else "is not UTF-8 text"
        raise SettingsError(f"a file in {SECRETS} {reason} ({error})") from None


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return one warning for each `CALLCENTER_*` variable of environment and `.env` that is no setting (a typing error?)."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    warnings = []
    for name in sorted({**dotenv_values(".env"), **os.environ} if environ is None else environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            warnings.append(f"{name} is no setting and has no effect" + (f": did you mean {near[0]}?" if near else ""))
    return warnings


def _in_words(loc: tuple[int | str, ...], message: str) -> str:
    name = PREFIX + str(loc[0]).upper() if loc else PREFIX + "*"
    return f"{name}: {message.removeprefix('Value error, ')}: correct it in the environment or in .env"
