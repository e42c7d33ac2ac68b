"""The tests' own time zones begin their day when they should."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from callcenter.days import midnight_ms
from tests.made_zone import make_zone


def test_zone_is_made_its_day_begins_at_that_second(tmp_path: Path) -> None:
    draw = random.Random(1)
    for midnight_s in (1_900_000_000, 1_899_936_000, *(draw.randrange(10**9, 2 * 10**9) for _ in range(100))):
        day = make_zone(tmp_path, "Lab", midnight_s)
        with (tmp_path / "Lab").open("rb") as file:
            zone = ZoneInfo.from_file(file, "Lab")
        assert midnight_ms(day, zone) == midnight_s * 1000
        assert midnight_ms(day - timedelta(days=1), zone) == (midnight_s - 86_400) * 1000
        assert abs(
            datetime.fromtimestamp(midnight_s, UTC).replace(tzinfo=zone).utcoffset() or timedelta()
        ) <= timedelta(hours=12)
