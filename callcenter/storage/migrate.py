"""Brings a database to this version's schema, from a checkout or from an installed wheel.

The migrations lie in `alembic/` of the checkout and in `callcenter/migrations/` of the wheel. An SQLite file is brought
up to date by whoever opens it; PostgreSQL by `callcenter db upgrade`, so that an operator decides when. Several who
upgrade one PostgreSQL at once wait for each other (an advisory lock held by the transaction).
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

import callcenter
from callcenter.storage.database import IMMEDIATE, reaching
from callcenter.storage.errors import SchemaOutdated

UPGRADE_S = 600.0
_LOCK = 12345


def migrations_folder() -> Path:
    """Return the folder of the migrations, in whichever layout we run."""
    package = Path(callcenter.__file__).parent
    shipped = package / "migrations"
    return shipped if shipped.is_dir() else package.parent / "alembic"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def head_revision() -> str:
    """Return the newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "no migrations"
    return head


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision of a database; None when it is empty. Raises LedgerAway."""
    async with reaching(), engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(engine: AsyncEngine) -> str:
    """Bring the database up to date and return its revision. Data are kept. Raises LedgerAway."""

    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with reaching(UPGRADE_S), engine.connect() as plain:
        connection = await plain.execution_options(**IMMEDIATE)
        async with connection.begin():
            await connection.run_sync(run)
    return head_revision()


async def make_ready(engine: AsyncEngine) -> None:
    """Upgrade an SQLite file; for PostgreSQL raise SchemaOutdated unless it is up to date."""
    current, head = await current_revision(engine), head_revision()
    if current == head:
        return
    if engine.dialect.name != "sqlite":
        raise SchemaOutdated(current, head)
    await upgrade(engine)
