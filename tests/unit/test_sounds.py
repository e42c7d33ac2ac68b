"""Prompts: spoken by the real synthesiser, kept in the cache, put on a shelf where a person's own files always win."""

from pathlib import Path

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.sounds import maker
from callcenter.sounds.errors import NotSpoken
from callcenter.sounds.maker import Sound, check_audible, make, sounds_of
from callcenter.sounds.shelf import Shelf, State
from callcenter.sounds.voice import find_voice
from callcenter.sounds.wav import fault_of, listen
from config.prompts import Prompt, agent_prompts, prompts
from tests.conftest import missing
from tests.integration.spoilt_sounds import WAYS, write_wav

HELLO = Prompt("hello", "您好。", "Hello.", "none")
SOUND = Sound("zh", HELLO)


@pytest.fixture
def made(tmp_path: Path) -> dict[Sound, Path]:
    """A sound as the maker leaves it, without any synthesiser."""
    path = tmp_path / "made.wav"
    write_wav(path)
    return {SOUND: path}


def test_every_prompt_is_spoken_audible_and_kept_and_the_second_time_no_program_is_run() -> None:
    try:
        find_voice()
    except PeerUnavailableError as error:
        missing(error)
    wanted = sounds_of([*prompts(), *agent_prompts(["1001"])])
    said: list[str] = []
    first = make(wanted, said.append)
    assert set(first) == set(wanted), said
    for sound, path in first.items():
        check_audible(path, sound.text)
        assert fault_of(path) == ""
    changed = {path: path.stat().st_mtime_ns for path in first.values()}
    assert make(wanted, said.append) == first
    assert {path: path.stat().st_mtime_ns for path in first.values()} == changed


def test_no_synthesiser_tones_stand_in_and_it_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(report: object) -> None:
        raise PeerUnavailableError("no apt here")

    monkeypatch.setattr(maker, "find_voice", refuse)
    monkeypatch.setattr(maker, "cache_folder", lambda report: tmp_path)
    said: list[str] = []
    assert make([SOUND], said.append) == make([SOUND], said.append) == {}
    assert len(said) == 1
    assert "tones stand in" in said[0]


def test_shelf_takes_what_was_made_and_leaves_a_persons_own_file(made: dict[Sound, Path], tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "sounds")
    assert shelf.standing(SOUND).state is State.MISSING
    assert shelf.fill(made) == [SOUND]
    assert Shelf(tmp_path / "sounds").standing(SOUND).state is State.MADE
    assert Shelf(tmp_path / "sounds").fill(made) == []
    own = shelf.place(SOUND)
    write_wav(own, content=b"\x01\x40" * 4000)
    before = own.read_bytes()
    again = Shelf(tmp_path / "sounds")
    assert again.standing(SOUND).state is State.OWN
    assert again.fill(made) == []
    assert own.read_bytes() == before
    assert again.fill(made, ["hello"]) == [SOUND]
    assert Shelf(tmp_path / "sounds").standing(SOUND).state is State.MADE


def test_shelf_own_file_of_another_format_takes_the_place_of_ours(made: dict[Sound, Path], tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "sounds")
    shelf.fill(made)
    own = shelf.place(SOUND).with_suffix(".alaw")
    own.write_bytes(b"\x55" * 800)
    assert shelf.fill(made) == []
    assert not shelf.place(SOUND).exists()
    assert shelf.standing(SOUND).state is State.OWN


@pytest.mark.parametrize("how", [way for way in WAYS if way != "forbidden"])
def test_file_that_cannot_be_played_is_said_and_never_overwritten(
    how: str, made: dict[Sound, Path], tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "sounds")
    shelf.place(SOUND).parent.mkdir(parents=True)
    WAYS[how](shelf.place(SOUND))
    assert shelf.standing(SOUND).state is State.UNREADABLE
    assert shelf.fill(made) == []


def test_sound_that_is_silent_or_far_too_long_is_no_speech(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_wav(path, content=b"\0\0" * 8000)
    with pytest.raises(NotSpoken, match="cannot be heard"):
        check_audible(path, "您好")
    write_wav(path)
    assert 0.9 < listen(path).length_s < 1.1
    with pytest.raises(NotSpoken, match="takes"):
        check_audible(path, "字" * 100)


def test_agents_digits_are_said_one_by_one() -> None:
    (prompt,) = agent_prompts(["1001"])
    assert prompt.name == "agent-1001"
    assert "1 0 0 1" in prompt.zh
    assert "1 0 0 1" in prompt.en
