"""One leader on a PBX: who may claim, who must stop, and that nothing revoked is ever cleared."""

import asyncio

import pytest

from callcenter.asterisk import leader
from callcenter.asterisk.leader import Beat, HeldByAnother, Leadership, parse_beat
from callcenter.asterisk.message import Action, AmiMessage, AmiReply, action_pairs

NOW = 1_700_000_000


class Pbx:
    """The globals of a PBX; `moves` makes another instance's beat go on at each reading."""

    def __init__(self, **values: str) -> None:
        self.globals = dict(values)
        self.now = float(NOW)
        self.moves = False
        self.written: list[tuple[str, str]] = []

    async def send(self, action: Action, *, timeout_s: float | None = None) -> AmiReply:
        await asyncio.sleep(0)
        asked = dict(action_pairs(action))
        name = asked["Variable"]
        if asked["Action"] == "Setvar":
            self.globals[name] = asked["Value"]
            self.written.append((name, asked["Value"]))
            return AmiReply(AmiMessage({"Response": "Success"}))
        value = self.globals.get(name, "")
        if name == "CC_BEAT" and self.moves and (beat := parse_beat(value)) is not None:
            self.globals[name] = str(Beat(beat.instance, beat.epoch, beat.counter + 1, int(self.now)))
        return AmiReply(AmiMessage({"Response": "Success", "Value": value}))


def lead(pbx: Pbx, name: str = "me", epochs: tuple[int, ...] = ()) -> Leadership:
    return Leadership(pbx, name, list(epochs), lambda: pbx.now, monotonic=lambda: pbx.now)


def other(epoch: int = 50, age: int = 1) -> str:
    return f"other*{epoch}*7*{NOW - age}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watching takes no time here: two looks."""
    monkeypatch.setattr(leader, "WATCH_S", 0.02)
    sleep = asyncio.sleep
    monkeypatch.setattr(leader.asyncio, "sleep", lambda _: sleep(0.005))


async def test_nobody_leads_claimed_at_once_with_a_beat_on_the_pbx_clock() -> None:
    pbx = Pbx()
    me = lead(pbx)
    assert (me.is_ours, me.is_certain) == (False, False)
    assert await me.claim() == NOW
    assert pbx.globals == {"CC_BEAT": f"me*{NOW}*1*{NOW}"}
    assert (me.is_ours, me.is_certain) == (True, True)


async def test_own_beat_of_before_a_crash_claimed_at_once_and_its_epoch_revoked() -> None:
    pbx = Pbx(CC_BEAT=f"me*{NOW - 3}*44*{NOW - 1}")
    assert await lead(pbx, epochs=(NOW - 9,)).claim() == NOW
    assert pbx.globals[f"CC_REVOKED_{NOW - 3}"] == "1"
    assert pbx.globals[f"CC_REVOKED_{NOW - 9}"] == "1"


async def test_restart_within_one_second_epoch_still_grows() -> None:
    assert await lead(Pbx(CC_BEAT=f"me*{NOW}*1*{NOW}")).claim() == NOW + 1


async def test_other_is_stale_claimed_and_fenced() -> None:
    pbx = Pbx(CC_BEAT=other(NOW - 100, age=14))
    await lead(pbx).claim()
    assert pbx.globals[f"CC_REVOKED_{NOW - 100}"] == "1"


async def test_other_is_fresh_but_stands_still_claimed_after_the_watch() -> None:
    pbx = Pbx(CC_BEAT=other(NOW - 100))
    assert await lead(pbx).claim() == NOW
    assert pbx.globals["CC_BEAT"].startswith("me*")


async def test_other_moves_held_and_named_and_nothing_was_written() -> None:
    pbx = Pbx(CC_BEAT=other())
    pbx.moves = True
    me = lead(pbx)
    with pytest.raises(HeldByAnother, match="other") as held:
        await me.claim()
    assert (held.value.holder, held.value.epoch) == ("other", 50)
    assert (pbx.written, me.is_ours) == ([], False)


async def test_unreadable_beat_is_nobodys() -> None:
    for text in ("x", "a*1*2", "a*²*1*1", "a*-1*1*1", "*" * 40):
        assert parse_beat(text) is None
        await lead(Pbx(CC_BEAT=text)).claim()


async def test_revoked_leader_stops_at_its_next_beat_and_writes_nothing() -> None:
    pbx = Pbx()
    old = lead(pbx)
    await old.claim()
    pbx.now += 20
    new = lead(pbx, "new")
    await new.claim()
    before = dict(pbx.globals)
    assert not await old.beat()
    assert not old.is_ours
    assert pbx.globals == before
    assert (await old.holder()).holder == "new"
    assert await new.beat()


async def test_two_claim_in_one_second_one_of_them_stops() -> None:
    pbx = Pbx()
    one, two = lead(pbx, "a"), lead(pbx, "b")
    await asyncio.gather(one.claim(), two.claim(), return_exceptions=True)
    await one.beat() if one.is_ours else None
    await two.beat() if two.is_ours else None
    await one.beat() if one.is_ours else None
    assert [one.is_ours, two.is_ours] == [False, True]


async def test_asterisk_restarted_all_globals_are_written_again() -> None:
    pbx = Pbx()
    me = lead(pbx, epochs=(NOW - 9,))
    await me.claim()
    pbx.globals.clear()
    assert await me.renew()
    assert pbx.globals == {f"CC_REVOKED_{NOW - 9}": "1", "CC_BEAT": f"me*{NOW}*2*{NOW}"}


async def test_another_took_over_while_we_were_cut_off_renewal_says_so_and_writes_nothing() -> None:
    pbx = Pbx()
    me = lead(pbx)
    await me.claim()
    pbx.globals = {"CC_BEAT": f"new*{NOW + 30}*1*{NOW + 30}"}
    pbx.written.clear()
    assert not await me.renew()
    assert (pbx.written, me.is_ours) == ([], False)


async def test_own_new_epoch_is_revoked_already_a_greater_one_is_taken() -> None:
    pbx = Pbx(**{f"CC_REVOKED_{NOW}": "1", f"CC_REVOKED_{NOW + 1}": "1"})
    assert await lead(pbx).claim() == NOW + 2


async def test_revocations_are_only_ever_added() -> None:
    pbx = Pbx()
    for _ in range(5):
        await lead(pbx).claim()
        pbx.now += 1
    revoked = [(name, value) for name, value in pbx.written if name.startswith("CC_REVOKED_")]
    assert {value for _, value in revoked} == {"1"}
    assert len({name for name, _ in revoked}) == 4


async def test_process_was_frozen_it_is_not_certain_until_a_beat_went_well() -> None:
    pbx = Pbx()
    me = lead(pbx)
    await me.claim()
    pbx.now += leader.CERTAIN_S
    assert (me.is_ours, me.is_certain) == (True, False)
    assert await me.beat()
    assert me.is_certain
