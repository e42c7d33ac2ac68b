"""What recording costs is measured on real calls: the short form of the benchmark `recording`, with its own judgement."""

import pytest

from callcenter.bench import recording

pytestmark = pytest.mark.pbx


async def test_one_pair_of_rounds_every_phone_hears_the_other_and_every_file_is_right() -> None:
    result = await recording.measure(1, calls=3, talk_s=6.0)
    assert list(result)[:4] == ["name", "cpu_ms_plain", "cpu_ms_recorded", "ratio"]
    assert result["cpu_ms_plain"] > 0
    assert result["cpu_ms_recorded"] > 0
