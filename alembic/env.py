"""Runs migrations, on a connection that the program hands over or (from the `alembic` command) on the settings' URL."""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection

from callcenter.storage import tables_after, tables_rolled  # noqa: F401 - their tables belong to the metadata
from callcenter.storage.database import open_engine
from callcenter.storage.tables import metadata
from config.settings import load_settings


def migrate(connection: Connection) -> None:
    """Run what is asked for on one connection. SQLite cannot alter most things in place: tables are rebuilt (batch)."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_settings() -> None:
    """Open the database of the settings and migrate it."""
    engine = open_engine(load_settings().database)
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif given is not None:
    migrate(given)
else:
    asyncio.run(migrate_by_settings())
