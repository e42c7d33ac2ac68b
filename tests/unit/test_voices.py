"""The sound that scripted phones send, and the ear that looks for a tone in a file."""

import asyncio
import math
import time
import wave
from pathlib import Path

import pytest

from callcenter.lab.voices import Voices, has_tone, media_of, mu_law, samples_of


def tone(hz: int, seconds: float, level: int = 4000) -> list[int]:
    return [int(level * math.sin(2 * math.pi * hz * i / 8000)) for i in range(int(8000 * seconds))]


def test_ear_hears_a_tone_of_a_tenth_of_a_second_between_others_and_not_one_that_is_not_there() -> None:
    sound = tone(500, 1.0) + tone(1700, 0.2) + tone(500, 1.0)
    assert has_tone(sound, 1700)
    assert has_tone(sound, 500)
    assert not has_tone(sound, 900)
    assert not has_tone(tone(1700, 1.0, level=100), 1700)
    assert not has_tone([0] * 8000, 500)


@pytest.mark.parametrize(("sample", "code"), [(0, 0xFF), (-1, 0x7F), (32767, 0x80), (-32768, 0x00), (1000, 0xCE)])
def test_sample_becomes_the_byte_of_the_standard(sample: int, code: int) -> None:
    assert mu_law(sample) == code


def test_address_is_read_from_sdp_and_a_message_without_one_is_refused() -> None:
    assert media_of("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4010 RTP/AVP 0\r\n") == ("127.0.0.1", 4010)
    with pytest.raises(ValueError, match="no SDP"):
        media_of("BYE sip:x SIP/2.0\r\n")


async def test_voice_speaks_fifty_packets_a_second_and_the_other_side_is_counted() -> None:
    one, other = await Voices().open(), await Voices().open()
    try:
        assert one._transport is not None
        assert other._transport is not None
        to = other._transport.get_extra_info("sockname")
        began = time.monotonic()
        one.speak(to, 500)
        async with asyncio.timeout(20):
            while other.heard.total() < 20:  # noqa: ASYNC110 -- a socket sets no event
                await asyncio.sleep(0)
        assert time.monotonic() - began > 0.3
        one.hush(to)
        assert other.heard.total() == other.heard[one._transport.get_extra_info("sockname")]
    finally:
        await one.close()
        await other.close()


def test_samples_of_a_file_are_read_back(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\1\0\xff\xff")
    assert list(samples_of(tmp_path / "a.wav")) == [1, -1]
