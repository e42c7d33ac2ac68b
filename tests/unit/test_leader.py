"""One leader on a PBX: who may claim, who must stop, and that nothing revoked is ever cleared."""

import asyncio
from collections.abc import Callable

import pytest

from callcenter.asterisk import leader
from callcenter.asterisk.errors import AmiError
from callcenter.asterisk.leader import Beat, HeldByAnother, Leadership, parse_beat
from callcenter.asterisk.message import Action, AmiMessage, AmiReply, action_pairs

NOW = 1_700_000_000
yield_once = asyncio.sleep
"""The real one: tests make that of the module take no time."""


class Pbx:
    """The globals of a PBX; `moves` makes another instance's beat go on at each reading."""

    def __init__(self, **values: str) -> None:
        self.globals = dict(values)
        self.now = float(NOW)
        self.moves = False
        self.cut_at: str | None = None
        """Begin of a variable's name: writing it, the link is lost once; the PBX has it already if `has_it`."""
        self.has_it = False
        self.written: list[tuple[str, str]] = []

    async def send(self, action: Action, *, timeout_s: float | None = None) -> AmiReply:
        await asyncio.sleep(0)
        asked = dict(action_pairs(action))
        name = asked["Variable"]
        if asked["Action"] == "Setvar":
            is_cut = self.cut_at is not None and name.startswith(self.cut_at)
            if is_cut:
                self.cut_at = None
            if is_cut and not self.has_it:
                raise AmiError("cut")
            self.globals[name] = asked["Value"]
            if is_cut:
                raise AmiError("cut behind it")
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


@pytest.mark.parametrize("has_it", [False, True])
@pytest.mark.parametrize("cut_at", ["CC_REVOKED_", "CC_BEAT"])
async def test_link_is_lost_within_the_claim_we_do_not_lead_and_the_next_claim_has_a_greater_epoch(
    cut_at: str, has_it: bool
) -> None:
    pbx = Pbx()
    pbx.cut_at, pbx.has_it = cut_at, has_it
    me = lead(pbx, epochs=(NOW - 9,))
    with pytest.raises(AmiError):
        await me.claim()
    assert (me.is_ours, me.is_certain, me.epoch) == (False, False, 0)
    assert await me.claim() == NOW + 1
    assert (me.is_ours, me.is_certain) == (True, True)
    assert pbx.globals["CC_BEAT"].startswith(f"me*{NOW + 1}*")


async def test_claim_is_under_way_nobody_takes_us_for_the_leader_yet() -> None:
    pbx = Pbx()
    me = lead(pbx)
    seen: list[tuple[bool, bool]] = []
    send = pbx.send

    async def watching(action: Action, *, timeout_s: float | None = None) -> AmiReply:
        seen.append((me.is_ours, me.is_certain))
        return await send(action, timeout_s=timeout_s)

    pbx.send = watching  # type: ignore[method-assign]  # replaced on purpose
    await me.claim()
    assert set(seen) == {(False, False)}
    assert me.is_ours


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


class Paired:
    """One of a pair on a PBX where another leads: sleeping is what makes time go on, and `each` is what happens meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pbx: Pbx, epochs: tuple[int, ...] = (), known: int = 0) -> None:
        self.pbx = pbx
        self.each: Callable[[], None] = lambda: None
        self.resigned = 0
        self.looks = 0

        async def sleep(pause_s: float) -> None:
            if pause_s:
                pbx.now += pause_s
                self.looks += 1
                self.each()
            await yield_once(0)

        monkeypatch.setattr(leader.asyncio, "sleep", sleep)
        self.known = known
        self.me = Leadership(pbx, "me", list(epochs), lambda: pbx.now, lambda: pbx.now, partner=self)

    async def known_epoch(self) -> int:
        return self.known

    def has_resigned(self, epoch: int) -> bool:
        return epoch == self.resigned

    def other_beats(self, until_s: float, epoch: int = NOW - 50) -> None:
        """Another beats each second of the PBX's clock until so many seconds from the start on."""
        self.pbx.globals["CC_BEAT"] = f"other*{epoch}*1*{NOW}"

        def beat() -> None:
            second = int(self.pbx.now)
            if second <= NOW + until_s:
                self.pbx.globals["CC_BEAT"] = f"other*{epoch}*{second - NOW + 2}*{second}"

        self.each = beat


async def test_pair_nobody_ever_led_claimed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    paired = Paired(monkeypatch, Pbx())
    assert await paired.me.claim() == NOW
    assert paired.looks == 0


async def test_pair_own_beat_or_a_stale_one_claimed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for beat in (f"me*{NOW - 3}*44*{NOW - 1}", other(NOW - 100, age=14)):
        paired = Paired(monkeypatch, Pbx(CC_BEAT=beat))
        assert await paired.me.claim() == NOW
        assert paired.looks == 0


async def test_pair_other_leads_stands_by_and_writes_nothing_until_the_beat_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paired = Paired(monkeypatch, Pbx())
    paired.other_beats(until_s=100)
    told: list[str | None] = []
    beats = paired.each

    def each() -> None:
        beats()
        if paired.pbx.now < NOW + 100:
            assert paired.pbx.written == []
            told.append(paired.me.watched.instance if paired.me.watched else None)

    paired.each = each
    epoch = await paired.me.claim()
    assert set(told) == {"other"}
    assert paired.me.watched is None
    assert NOW + 100 + leader.PAIR_STALE_S <= paired.pbx.now < NOW + 100 + leader.STALE_S - 1, (
        "before callers fall back"
    )
    assert epoch == int(paired.pbx.now)
    assert paired.pbx.globals[f"CC_REVOKED_{NOW - 50}"] == "1"


async def test_pair_leader_is_certain_for_less_than_a_take_over_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    paired = Paired(monkeypatch, Pbx())
    await paired.me.claim()
    paired.pbx.now += leader.PAIR_CERTAIN_S
    assert not paired.me.is_certain
    assert leader.PAIR_CERTAIN_S < leader.PAIR_STALE_S < 12


async def test_pair_clock_of_the_pbx_is_put_forward_nobody_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    pbx = Pbx()
    paired = Paired(monkeypatch, pbx)
    paired.other_beats(until_s=30)
    paired.me._now = lambda: pbx.now + 3600  # the leader's beats still carry the old time
    await paired.me._wait_for_turn(Beat("other", NOW - 50, 1, NOW + 3600), paired)
    assert pbx.now >= NOW + 30 + leader.PAIR_STALE_S


async def test_pair_pbx_hangs_its_late_answers_are_no_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    pbx = Pbx(CC_BEAT=other(NOW - 50))
    paired = Paired(monkeypatch, pbx)
    send = pbx.send

    async def slow(action: Action, *, timeout_s: float | None = None) -> AmiReply:
        if pbx.now < NOW + 60:
            pbx.now += 4
        return await send(action, timeout_s=timeout_s)

    pbx.send = slow  # type: ignore[method-assign]  # replaced on purpose
    await paired.me.claim()
    assert pbx.now >= NOW + 60 + leader.PAIR_STALE_S - leader.LOOK_S


async def test_pair_asterisk_is_started_anew_the_leader_has_time_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pbx = Pbx()
    paired = Paired(monkeypatch, pbx)
    paired.other_beats(until_s=1000)
    beats = paired.each

    def gone() -> None:
        beats()
        if pbx.now > NOW + 20:
            raise AmiError("cut")

    paired.each = gone
    with pytest.raises(AmiError):
        await paired.me.claim()
    pbx.globals.clear()
    cleared_at = pbx.now

    def back_later() -> None:
        if pbx.now > cleared_at + 5:
            beats()
        if pbx.now > cleared_at + 50:
            raise AmiError("cut again")

    paired.each = back_later
    with pytest.raises(AmiError, match="again"):
        await paired.me.claim()
    assert pbx.written == []

    pbx.globals.clear()
    paired.each = lambda: None
    since = pbx.now
    await paired.me.claim()
    assert pbx.now - since >= leader.PAIR_STALE_S


async def test_pair_two_claim_at_once_the_one_that_lost_stands_by_and_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pbx = Pbx()
    paired = Paired(monkeypatch, pbx)
    send, was_first = pbx.send, False

    async def with_another_first(action: Action, *, timeout_s: float | None = None) -> AmiReply:
        nonlocal was_first
        asked = dict(action_pairs(action))
        if asked["Variable"] == f"CC_REVOKED_{NOW}" and not was_first:
            was_first = True
            pbx.globals["CC_BEAT"] = f"other*{NOW + 5}*1*{NOW}"
        return await send(action, timeout_s=timeout_s)

    pbx.send = with_another_first  # type: ignore[method-assign]  # replaced on purpose
    epoch = await paired.me.claim()
    assert paired.looks >= leader.PAIR_STALE_S / leader.LOOK_S
    assert epoch > NOW + 5 and pbx.globals[f"CC_REVOKED_{NOW + 5}"] == "1"


async def test_pair_an_epoch_is_known_elsewhere_ours_is_greater(monkeypatch: pytest.MonkeyPatch) -> None:
    paired = Paired(monkeypatch, Pbx(), known=NOW + 1000)
    assert await paired.me.claim() == NOW + 1001
    assert paired.pbx.globals[f"CC_REVOKED_{NOW + 1000}"] == "1"


async def test_pair_leader_has_resigned_nobody_waits_for_his_beat_to_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    paired = Paired(monkeypatch, Pbx())
    paired.other_beats(until_s=20)
    beats = paired.each

    def each() -> None:
        beats()
        if paired.pbx.now > NOW + 21:
            paired.resigned = NOW - 50

    paired.each = each
    await paired.me.claim()
    assert paired.pbx.now < NOW + 21 + leader.PAIR_STALE_S / 2
    assert paired.pbx.globals[f"CC_REVOKED_{NOW - 50}"] == "1"


async def test_pair_a_leader_of_before_had_resigned_the_one_of_now_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paired = Paired(monkeypatch, Pbx())
    paired.other_beats(until_s=20)
    paired.resigned = NOW - 51
    await paired.me.claim()
    assert paired.pbx.now >= NOW + 20 + leader.PAIR_STALE_S


@pytest.mark.parametrize("cut_at", ["CC_REVOKED_", "CC_BEAT"])
async def test_pair_link_is_lost_within_the_take_over_we_stand_by_no_more_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch, cut_at: str
) -> None:
    pbx = Pbx()
    paired = Paired(monkeypatch, pbx)
    paired.other_beats(until_s=20)
    pbx.cut_at, pbx.has_it = cut_at, True
    with pytest.raises(AmiError):
        await paired.me.claim()
    assert not paired.me.is_ours
    since = pbx.now
    await paired.me.claim()
    assert (paired.me.is_ours, paired.me.watched) == (True, None)
    if cut_at == "CC_BEAT":
        assert pbx.now == since, "the beat is our own: nobody is waited for"
