"""Time of agents in states, as the exporter shows it and as the ledger has it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SLACK_S = 0.5
"""The PBX's clock and ours, for all agents together."""


async def states_going_on(connection: AsyncConnection) -> list[tuple[str, int]]:
    """The newest state of each agent, and since when, ms."""
    newest = "SELECT presence, at_ms, row_number() OVER (PARTITION BY agent ORDER BY at_ms DESC, segment DESC, position DESC)"
    rows = await connection.execute(
        text(f"SELECT presence, at_ms FROM ({newest} AS n FROM presence_history) AS told WHERE n = 1")
    )
    return [(row[0], row[1]) for row in rows]


def compare_time(
    rows: list[tuple[object, ...]],
    shown: dict[tuple[str, ...], float],
    going_on: list[tuple[str, int]],
    between_s: tuple[float, float],
) -> None:
    """States that have ended are the ledger's; those that go on have come to an instant between these two."""
    ended_ms = {str(row[0]): int(str(row[1])) for row in rows}
    for (presence,), seconds in shown.items():
        since = [since_ms for state, since_ms in going_on if state == presence]
        lowest, highest = (
            (ended_ms.get(presence, 0) + len(since) * at_s * 1000 - sum(since)) / 1000 for at_s in between_s
        )
        assert lowest - SLACK_S <= seconds <= highest + SLACK_S, presence
