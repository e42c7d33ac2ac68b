"""The schema: migrations build what the program expects, and the CHECK constraints hold, on both databases."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import Outcome
from callcenter.storage import migrate
from callcenter.storage.call_fold import CallStory
from callcenter.storage.call_settle import settle
from callcenter.storage.database import open_engine
from callcenter.storage.errors import SchemaOutdated
from callcenter.storage.ledger import Ledger
from callcenter.storage.tables import ORDERED, calls, metadata
from tests.contract.calls_told import Told, entries


def good_row() -> dict[str, Any]:
    """An answered call's row, as the fold makes it."""
    told = Told("good").menu(1).queued(2).talks(3, 9).ends(10, Outcome.AGENT_ANSWERED)
    story = CallStory(told.call)
    for record in told.records:
        story.take(record)  # type: ignore[arg-type]  # records of calls alone
    return settle(story) | {"left_ms": told.ms(5)}


async def insert(engine: AsyncEngine, row: dict[str, Any]) -> None:
    async with engine.begin() as connection:
        await connection.execute(calls.insert().values(row))


async def test_good_row_is_taken_and_equal_instants_are_in_order(engine: AsyncEngine) -> None:
    await insert(engine, good_row())
    one = {name: 5 for name in good_row() if name.endswith("_ms") and good_row()[name] is not None}
    await insert(engine, good_row() | one | {"uniqueid": "all at once", "hold_ms": 0})


@pytest.mark.parametrize(("earlier", "later"), ORDERED)
async def test_milestones_out_of_order_are_refused(engine: AsyncEngine, earlier: str, later: str) -> None:
    row = good_row()
    names = ["menu_ms", "queued_ms", "first_offer_ms", "answered_ms", "talk_ended_ms", "left_ms", "ended_ms"]
    free = {name: None for name in names if name not in (earlier, later)}
    row |= free | {"outcome": None, "via": None, "ended_by": None, "talk_ms": 0, "hold_ms": 0, "arrived_ms": 0}
    row |= {earlier: 1001, later: 1000}
    if "talk_ended_ms" in (earlier, later):
        row["answered_ms"] = row["answered_ms"] or 0
    row["via"] = None if row["answered_ms"] is None else "engine"
    row["ended_by"] = None if row["ended_ms"] is None else "caller"
    with pytest.raises(IntegrityError, match=f"{earlier}_{later}".replace("_ms", "")):
        await insert(engine, row)
    await insert(engine, row | {later: 1001})


UNANSWERED = {"answered_ms": None, "via": None, "talk_ended_ms": None, "talk_ms": 0, "hold_ms": 0}
BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("outcome_answered", {"outcome": "abandoned_queue"}),
    (
        "outcome",
        {"outcome": "vanished", "answered_ms": None, "via": None, "talk_ended_ms": None, "talk_ms": 0, "hold_ms": 0},
    ),
    ("outcome_at_end", {"ended_ms": None, "ended_by": None}),
    ("outcome_inbound", {"direction": "outbound"}),
    ("outcome_reason", {"outcome_reason": "full"}),
    ("outcome_reason", {"outcome_reason": "full", "outcome": None}),
    ("via_answered", {"via": None}),
    ("ended_by_at_end", {"ended_by": None}),
    ("ended_by", {"ended_by": "nobody"}),
    ("direction", {"direction": "sideways", "outcome": None}),
    ("hold_in_talk", {"hold_ms": 6001}),
    ("talk_answered", {"outcome": None, "answered_ms": None, "via": None, "talk_ended_ms": None}),
    ("talk_ended_answered", {"outcome": None, "answered_ms": None, "via": None, "talk_ms": 0, "hold_ms": 0}),
    ("durations", {"requeue_wait_ms": -1}),
    ("test_excluded", {"is_test": True}),
    ("test_excluded", {"blocked": True, **UNANSWERED, "outcome": None}),
    ("outcome_at_end", {"blocked": True, "excluded": True, **UNANSWERED, "outcome": "abandoned_queue"}),
]


@pytest.mark.parametrize(("name", "change"), BROKEN)
async def test_row_that_breaks_a_rule_is_refused_by_that_rule(
    engine: AsyncEngine, name: str, change: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=f"ck_calls_{name}"):
        await insert(engine, good_row() | change)


@pytest.mark.parametrize("reason", ["", "because"])
async def test_rejected_without_a_known_reason_is_refused(engine: AsyncEngine, reason: str) -> None:
    row = good_row() | UNANSWERED | {"outcome": "rejected"}
    with pytest.raises(IntegrityError, match="outcome_reason"):
        await insert(engine, row | {"outcome_reason": reason})
    await insert(engine, row | {"outcome_reason": "full"})


async def test_call_is_stored_once_by_pbx_and_uniqueid(engine: AsyncEngine) -> None:
    await insert(engine, good_row())
    with pytest.raises(IntegrityError):
        await insert(engine, good_row())
    await insert(engine, good_row() | {"pbx": "pbx-2"})


def _shape(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    return {
        table: (
            sorted(check["name"] or "" for check in inspector.get_check_constraints(table)),
            sorted((check["sqltext"] for check in inspector.get_check_constraints(table)), key=str),
            sorted((key["constrained_columns"] for key in inspector.get_foreign_keys(table)), key=str),
        )
        for table in metadata.tables
    }


async def test_migrations_build_what_the_tables_say_checks_included(engine: AsyncEngine, database_url: str) -> None:
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        )
        assert differences == []
        migrated = await connection.run_sync(_shape)
    async with engine.begin() as connection:
        found = MetaData()
        await connection.run_sync(found.reflect)
        await connection.run_sync(found.drop_all)
        await connection.run_sync(metadata.create_all)
        assert await connection.run_sync(_shape) == migrated


async def test_upgrade_twice_keeps_data(engine: AsyncEngine, ledger: Ledger) -> None:
    await ledger.apply("box", entries(Told("kept").records))
    assert await migrate.upgrade(engine) == migrate.head_revision() == await migrate.current_revision(engine)
    assert await ledger.call("pbx-1", "kept")


async def test_empty_sqlite_is_made_ready_and_empty_postgresql_is_refused_with_what_to_do(database_url: str) -> None:
    engine = open_engine(database_url)
    if engine.dialect.name == "sqlite":
        await migrate.make_ready(engine)
        assert await migrate.current_revision(engine) == migrate.head_revision()
    else:
        with pytest.raises(SchemaOutdated, match="callcenter db upgrade"):
            await migrate.make_ready(engine)
    await engine.dispose()
