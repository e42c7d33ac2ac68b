"""Messages to screens: in order, slow ones get the whole state, and between two groups others have their turn."""

import asyncio

import pytest

from callcenter.board.fanout import GROUP, MOST_BEHIND, Fanout, TooManyScreens, message


def fanout(most: int = 400) -> Fanout:
    return Fanout(lambda: b"whole", most)


async def test_screen_opens_first_gets_the_whole_state_then_what_comes() -> None:
    all_screens = fanout()
    screen = all_screens.join("me")
    all_screens.tell(b"before it looked")  # is in the whole state already
    assert await screen.taken() == b"whole"
    all_screens.tell(b"1")
    all_screens.tell(b"2")
    assert await screen.taken() == b"12"


async def test_screen_takes_nothing_loses_its_queue_and_gets_the_whole_state_when_it_reads_again() -> None:
    all_screens = fanout()
    slow, quick = all_screens.join("slow"), all_screens.join("quick")
    assert (await slow.taken(), await quick.taken()) == (b"whole", b"whole")
    for number in range(MOST_BEHIND * 10):
        all_screens.tell(b"%d," % number)
        assert await quick.taken() == b"%d," % number
    assert slow.resyncs == 1
    assert await slow.taken() == b"whole"
    all_screens.tell(b"next")
    assert await slow.taken() == b"next"


async def test_screen_waits_for_a_message_it_is_woken() -> None:
    all_screens = fanout()
    screen = all_screens.join("me")
    await screen.taken()
    waiting = asyncio.create_task(screen.taken())
    await asyncio.sleep(0)
    all_screens.tell(b"now")
    assert await waiting == b"now"


async def test_hundred_screens_are_told_others_have_their_turn_between_two_groups() -> None:
    all_screens = fanout()
    order: list[str] = []

    async def look(name: str) -> None:
        screen = all_screens.join(name)
        await screen.taken()
        await screen.taken()
        order.append(name)

    lookers = [asyncio.create_task(look(str(n))) for n in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    all_screens.tell(b"x")
    turns = 0
    while len(order) < 100:
        turns += 1
        before = len(order)
        await asyncio.sleep(0)
        assert len(order) - before <= GROUP
    assert turns >= 100 / GROUP
    await asyncio.gather(*lookers)


async def test_token_is_revoked_its_screens_end_and_others_go_on() -> None:
    all_screens = fanout()
    gone, stays = all_screens.join("old"), all_screens.join("new")
    await gone.taken()
    await stays.taken()
    all_screens.keep({"new"}.__contains__)
    assert await gone.taken() == message("end", {"why": "token"})
    assert await gone.taken() is None
    all_screens.tell(b"x")
    assert await stays.taken() == b"x"


async def test_revoked_before_it_looked_the_screen_sees_nothing() -> None:
    all_screens = fanout()
    screen = all_screens.join("old")
    all_screens.keep(lambda owner: False)
    assert await screen.taken() == message("end", {"why": "token"})
    assert await screen.taken() is None


async def test_ten_thousand_boards_open_the_last_are_refused_until_one_leaves() -> None:
    all_screens = fanout(most=3)
    screens = [all_screens.join("me") for _ in range(3)]
    for _ in range(10_000):
        with pytest.raises(TooManyScreens, match="as many boards"):
            all_screens.join("me")
    all_screens.leave(screens[0])
    all_screens.leave(screens[0])
    assert all_screens.join("me")


async def test_service_ends_every_screen_hears_it_and_no_new_one_opens() -> None:
    all_screens = fanout()
    screen = all_screens.join("me")
    await screen.taken()
    all_screens.close()
    assert await screen.taken() == message("end", {"why": "service"})
    with pytest.raises(TooManyScreens):
        all_screens.join("me")


def test_name_has_line_ends_they_cannot_end_the_message() -> None:
    text = message("delta", {"name": "a\n\nevent: end\r\ndata: {}\u2028"}).decode()
    assert text.count("\n") == 3
    assert text.endswith("\n\n")
