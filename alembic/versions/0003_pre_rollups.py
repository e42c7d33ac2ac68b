"""Roll-ups: totals kept added up by quarter of an hour and by day, and the marks that say which days changed since.

Revision 0003. `pre`: run before the program that needs it. Triggers write the marks: whoever changes a call, what belongs to
it, or an agent's state leaves one in the same transaction (theory: callcenter/storage/tables_rolled.py). A later migration that
rebuilds one of these tables on SQLite (batch) must create its triggers again; tests/contract/test_rollups.py misses them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CALLS = """
offered agent_answered abandoned_ivr abandoned_queue abandoned_ringing callback_requested voicemail self_service
overflowed_out rejected failed rejected_busy rejected_closed rejected_full rejected_max_wait rejected_no_agent
unknown rebuilt queued wait_ms wait_ivr_ms queue_wait_ms wait_answered_ms queue_wait_answered_ms answered_queued
talk_in_ms hold_in_ms answered_watched longest_in_ms longest_wait_ms requeue_wait_ms requeued requeue_abandoned agent_answers
specialist_answers answered_in_15_arrival abandoned_ivr_after_15_arrival abandoned_queue_after_15_arrival
abandoned_ringing_after_15_arrival answered_in_20_arrival abandoned_ivr_after_20_arrival
abandoned_queue_after_20_arrival abandoned_ringing_after_20_arrival answered_in_30_arrival
abandoned_ivr_after_30_arrival abandoned_queue_after_30_arrival abandoned_ringing_after_30_arrival
answered_in_15_queue abandoned_ivr_after_15_queue abandoned_queue_after_15_queue
abandoned_ringing_after_15_queue answered_in_20_queue abandoned_ivr_after_20_queue
abandoned_queue_after_20_queue abandoned_ringing_after_20_queue answered_in_30_queue
abandoned_ivr_after_30_queue abandoned_queue_after_30_queue abandoned_ringing_after_30_queue short_unanswered
short_abandoned_ivr abandoned_ivr_from_0_to_5 abandoned_ivr_from_5_to_10 abandoned_ivr_from_10_to_20
abandoned_ivr_from_20_to_30 abandoned_ivr_from_30_to_60 abandoned_ivr_from_60_to_120
abandoned_ivr_from_120_to_300 abandoned_ivr_from_300 short_abandoned_queue abandoned_queue_from_0_to_5
abandoned_queue_from_5_to_10 abandoned_queue_from_10_to_20 abandoned_queue_from_20_to_30
abandoned_queue_from_30_to_60 abandoned_queue_from_60_to_120 abandoned_queue_from_120_to_300
abandoned_queue_from_300 short_abandoned_ringing abandoned_ringing_from_0_to_5 abandoned_ringing_from_5_to_10
abandoned_ringing_from_10_to_20 abandoned_ringing_from_20_to_30 abandoned_ringing_from_30_to_60
abandoned_ringing_from_60_to_120 abandoned_ringing_from_120_to_300 abandoned_ringing_from_300 outbound_attempts
outbound_answered outbound_call_backs talk_out_ms longest_out_ms excluded not_ended clock_adjusted
talk_in_ms_less_hold longest_in_ms_less_hold talk_out_ms_less_hold longest_out_ms_less_hold
""".split()

PARTS = """
seat_answers seat_talk_ms seat_watched seat_watched_ms seat_hold_ms seat_outbound seat_offers
seat_offers_not_answered hand_overs hand_overs_reached
""".split()

STATES = """
spent_ready_ms spent_ringing_ms spent_talking_ms spent_hold_ms spent_acw_ms spent_dialling_ms spent_case_work_ms
spent_not_ready_ms wrapup_in_ms
""".split()

_ROLLED = "Totals of calls that arrived in the stretch of time that begins at begin_ms."
_STATES = "Of a day's changes of state: instants at which a state ended, less those at which it began."
DAY_MS = 86_400_000
CHILDREN = ("talks", "offers", "hand_overs", "placements")


def upgrade() -> None:
    """Apply. Nothing is rolled up yet: until `refresh` has run, whoever reads counts the rows."""
    _rolled("rolled_quarters", ("platform_id",), CALLS)
    _rolled("rolled_lines", ("platform_id", "line_code", "need"), CALLS + PARTS)
    _rolled("rolled_agents", ("platform_id", "agent"), PARTS)
    _create("rolled_states", ("agent",), STATES, _STATES)
    op.create_table(
        "rolled_definitions",
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("total", name=op.f("pk_rolled_definitions")),
        comment="What the columns of the roll-ups were computed from; another definition is another total.",
    )
    op.create_table(
        "rollup_marks",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day_ms", sa.BigInteger(), nullable=False),
        sa.Column("writer", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('calls', 'states')", name=op.f("ck_rollup_marks_kind")),
        sa.PrimaryKeyConstraint("kind", "day_ms", "writer", name=op.f("pk_rollup_marks")),
        comment="Days of UTC in which something changed since they were rolled up.",
    )
    if op.get_context().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _rolled(name: str, keys: tuple[str, ...], totals: list[str]) -> None:
    _create(name, keys, totals, _ROLLED)


def _create(name: str, keys: tuple[str, ...], totals: list[str], comment: str) -> None:
    op.create_table(
        name,
        sa.Column("begin_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(key, sa.Text(), nullable=False) for key in keys),
        *(sa.Column(total, sa.BigInteger(), nullable=True) for total in totals),
        sa.PrimaryKeyConstraint("begin_ms", *keys, name=op.f(f"pk_{name}")),
        comment=comment,
    )


# PostgreSQL: one trigger a statement. The writer's number lets two transactions mark one day without waiting for each other.

_DAYS = {
    "calls": f"SELECT arrived_ms - arrived_ms % {DAY_MS} FROM {{rows}}",
    "parts": f"SELECT c.arrived_ms - c.arrived_ms % {DAY_MS} FROM {{rows}} r JOIN calls c USING (pbx, uniqueid)",
    "states": f"""
        SELECT p.at_ms - p.at_ms % {DAY_MS} FROM {{rows}} r JOIN presence_history p
        ON p.agent = r.agent AND p.at_ms >= r.at_ms AND p.at_ms <= coalesce(
            (SELECT min(n.at_ms) FROM presence_history n WHERE n.agent = r.agent AND n.at_ms > r.at_ms
             AND n.presence NOT IN ('talking', 'hold', 'acw')), {2**63 - 1})
        UNION ALL SELECT at_ms - at_ms % {DAY_MS} FROM {{rows}}""",
}
"""The days that a change concerns. Of a state: its own, and those of the changes behind it that it may lend its meaning
(talking, hold and wrap-up belong to what was before them), up to the next one that means something by itself."""
_TABLES = {"calls": "calls", **dict.fromkeys(CHILDREN, "parts"), "presence_history": "states"}


def _postgresql_triggers() -> None:
    for family, days in _DAYS.items():
        op.execute(_function(family, days))
    op.execute(
        "CREATE FUNCTION callcenter_forget_rollups() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM rolled_definitions; RETURN NULL; END $$"
    )
    for table, family in _TABLES.items():
        for act, rows in (
            ("insert", "NEW TABLE AS new_rows"),
            ("update", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
            ("delete", "OLD TABLE AS old_rows"),
        ):
            op.execute(
                f"CREATE TRIGGER mark_{act} AFTER {act.upper()} ON {table} REFERENCING {rows}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION callcenter_mark_{family}()"
            )
        op.execute(
            f"CREATE TRIGGER mark_truncate AFTER TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION callcenter_forget_rollups()"
        )


def _function(family: str, days: str) -> str:
    kind = "states" if family == "states" else "calls"

    def mark(rows: str) -> str:
        return (
            f"INSERT INTO rollup_marks (kind, day_ms, writer) SELECT DISTINCT '{kind}', day, txid_current()"
            f" FROM ({days.format(rows=rows)}) AS days (day) ON CONFLICT DO NOTHING;"
        )

    return f"""
CREATE FUNCTION callcenter_mark_{family}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN {mark("old_rows")} END IF;
    IF TG_OP <> 'DELETE' THEN {mark("new_rows")} END IF;
    RETURN NULL;
END $$"""


# SQLite: one trigger a row; writers come one after the other, so a mark needs no writer.

_ROW_DAYS = {
    "calls": f"SELECT {{row}}.arrived_ms - {{row}}.arrived_ms % {DAY_MS} AS day",
    "parts": (
        f"SELECT c.arrived_ms - c.arrived_ms % {DAY_MS} AS day FROM calls c"
        " WHERE c.pbx = {row}.pbx AND c.uniqueid = {row}.uniqueid"
    ),
    "states": f"""
        SELECT {{row}}.at_ms - {{row}}.at_ms % {DAY_MS} AS day
        UNION SELECT p.at_ms - p.at_ms % {DAY_MS} FROM presence_history p
        WHERE p.agent = {{row}}.agent AND p.at_ms >= {{row}}.at_ms AND p.at_ms <= coalesce(
            (SELECT n.at_ms FROM presence_history n WHERE n.agent = {{row}}.agent AND n.at_ms > {{row}}.at_ms
             AND n.presence NOT IN ('talking', 'hold', 'acw') ORDER BY n.at_ms LIMIT 1), {2**63 - 1})""",
}


def _sqlite_triggers() -> None:
    for table, family in _TABLES.items():
        for act, rows in (("insert", ("NEW",)), ("update", ("OLD", "NEW")), ("delete", ("OLD",))):
            marks = " ".join(_sqlite_mark(family, row) for row in rows)
            op.execute(f"CREATE TRIGGER mark_{table}_{act} AFTER {act.upper()} ON {table} BEGIN {marks} END")


def _sqlite_mark(family: str, row: str) -> str:
    kind = "states" if family == "states" else "calls"
    return (
        f"INSERT INTO rollup_marks (kind, day_ms, writer) SELECT '{kind}', day, 0 FROM ({_ROW_DAYS[family].format(row=row)})"
        f" WHERE NOT EXISTS (SELECT 1 FROM rollup_marks m WHERE m.kind = '{kind}' AND m.day_ms = day AND m.writer = 0);"
    )


def downgrade() -> None:
    """Take back."""
    is_postgresql = op.get_context().dialect.name == "postgresql"
    for table in _TABLES:
        acts = ("insert", "update", "delete", "truncate") if is_postgresql else ("insert", "update", "delete")
        for act in acts:
            op.execute(f"DROP TRIGGER mark_{act} ON {table}" if is_postgresql else f"DROP TRIGGER mark_{table}_{act}")
    if is_postgresql:
        for name in (*(f"mark_{family}" for family in _DAYS), "forget_rollups"):
            op.execute(f"DROP FUNCTION callcenter_{name}()")
    for table in (
        "rollup_marks",
        "rolled_definitions",
        "rolled_states",
        "rolled_agents",
        "rolled_lines",
        "rolled_quarters",
    ):
        op.drop_table(table)
