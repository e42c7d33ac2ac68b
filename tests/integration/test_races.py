"""Moving a caller loses none: the short form of the benchmark `connect_race`, on the real PBX with the shipped dialplan."""

import pytest

from callcenter.bench import connect_race

pytestmark = pytest.mark.pbx


async def test_two_thousand_wishes_at_random_moments_lose_nobody() -> None:
    result = await connect_race.race(2000)
    assert (result["wishes"], result["lost"]) == (2000, 0)


async def test_a_hundred_whole_calls_through_the_service_lose_nobody() -> None:
    assert await connect_race.whole_calls(100) == 0
