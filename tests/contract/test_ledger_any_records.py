"""Whatever comes in whatever order, the ledger takes it: no rule of the tables is broken, nothing is set aside."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.names import CallId
from acd.records import GapTold, Ignored, Noted, PresenceChanged, Record, SupervisorActed
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from tests.contract.calls_told import entries
from tests.unit.storage.records_drawn import records


def of_few_calls(record: Record, number: int) -> Record:
    """The same record about one of three calls and four offers, within 40 ms, so that records meet."""
    known: dict[str, Any] = {"at_ms": number}
    if getattr(record, "call", None) is not None:
        known["call"] = CallId("pbx-1", f"call-{number % 3}")
    if hasattr(record, "offer"):
        known["offer"] = f"1-{number % 4}"
    if hasattr(record, "direction"):
        known["direction"] = ("inbound", "outbound")[number % 2]
    return replace(record, **known)


stories = st.lists(st.builds(of_few_calls, records, st.integers(0, 40)), min_size=1, max_size=30)
NOT_OF_A_ROW = (GapTold, Ignored, Noted, PresenceChanged, SupervisorActed)


def test_any_records_in_any_order_are_taken_and_set_nothing_aside(database_url: str) -> None:
    numbers = itertools.count()
    with asyncio.Runner() as runner:
        engine = open_engine(database_url)
        runner.run(upgrade(engine))
        ledger = Ledger(engine)

        @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(stories)
        def check(story: list[Record]) -> None:
            pbx = f"pbx-{next(numbers)}"
            mine = [replace(r, call=CallId(pbx, r.call.uniqueid)) if r.call else r for r in story if hasattr(r, "call")]
            runner.run(ledger.apply(pbx, entries(mine)))
            assert ledger.quarantined == 0
            rows = [row for row in runner.run(ledger.calls(0, 100)) if row["pbx"] == pbx]
            assert len(rows) == len({record.call for record in mine if not isinstance(record, NOT_OF_A_ROW)})

        try:
            check()
        finally:
            runner.run(engine.dispose())
