"""The link on a real Asterisk with the shipped manager users: lists, refusals, long lines, a freeze, a crash."""

import asyncio
import socket

import pytest

from callcenter.asterisk.errors import AmiDisconnected, AmiRefused
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import MAX_LINE_BYTES
from callcenter.asterisk.settings import AmiSettings, Pong
from callcenter.lab.pbx import Asterisk
from tests.integration.office import until

pytestmark = pytest.mark.pbx
VALUE_HEADER = "Value: "


def settings_for(asterisk: Asterisk, **changes: object) -> AmiSettings:
    """As the actions user of the shipped manager configuration."""
    env = asterisk.settings()
    values: dict[str, object] = {
        "host": asterisk.ami_host,
        "port": asterisk.ami_port,
        "username": env["CALLCENTER_AMI_USERNAME"],
        "secret": env["CALLCENTER_AMI_SECRET"],
        "backoff_first_s": 0.05,
        "backoff_max_s": 0.2,
    }
    return AmiSettings(**{**values, **changes})  # type: ignore[arg-type]  # each value is of its field's kind


async def test_actions_and_lists_are_answered_with_the_shipped_privileges(asterisk: Asterisk) -> None:
    async with AmiLink(settings_for(asterisk)) as link:
        await link.wait_up(20.0)
        plan = await link.send_list({"Action": "ShowDialPlan", "Context": "callcenter-hold"})
        assert plan.ok
        assert {item["Event"] for item in plan.events} == {"ListDialplan"}
        states = await link.send_list({"Action": "DeviceStateList"})
        assert states.ok
        assert any(item["Device"] == "PJSIP/1001" for item in states.events)
        assert (await link.send_list({"Action": "Status"})).ok
        refused = await link.send({"Action": "DBPut", "Family": "x", "Key": "y", "Val": "z"})
        assert (refused.ok, refused.text) == (False, "Permission denied")
        added = await link.send({"Action": "QueueAdd", "Queue": "no-such-queue", "Interface": "PJSIP/1001"})
        assert not added.ok


async def test_longest_line_that_the_link_allows_reaches_asterisk_whole(asterisk: Asterisk) -> None:
    value = "市" * ((MAX_LINE_BYTES - len(VALUE_HEADER)) // 3)
    async with AmiLink(settings_for(asterisk)) as link:
        await link.wait_up(20.0)
        assert (await link.send({"Action": "Setvar", "Variable": "CC_LONG", "Value": value})).ok
        assert (await link.send({"Action": "Getvar", "Variable": "CC_LONG"})).message["Value"] == value


async def test_pong_of_asterisk_gives_its_clock(asterisk: Asterisk) -> None:
    pongs: list[Pong] = []

    async def five() -> bool:
        return len(pongs) >= 5

    async with AmiLink(settings_for(asterisk, ping_interval_s=0.1), on_pong=pongs.append) as link:
        await until(five, "five pongs")
        assert link.last_pong is pongs[-1]
    assert all(pong.pbx_at_us is not None and pong.pbx_at_us > 1_600_000_000_000_000 for pong in pongs)
    assert min(pong.round_trip_s for pong in pongs) < 1.0


async def test_wrong_secret_is_refused_by_asterisk_and_not_tried_again(asterisk: Asterisk) -> None:
    link = AmiLink(settings_for(asterisk, secret="wrong"))
    with pytest.raises(AmiRefused):
        await asyncio.wait_for(link.run(), 10.0)
    assert link.counters.connects == 0


async def test_frozen_and_killed_asterisk_cost_the_link_and_it_comes_back(asterisk: Asterisk) -> None:
    own = Asterisk()  # the one of the whole run must not be frozen
    await own.start()
    try:
        told: list[str] = []
        lost = asyncio.Event()
        link = AmiLink(
            settings_for(own, pong_timeout_s=4.0, login_timeout_s=10.0),
            on_connected=lambda _: told.append("up"),
            on_disconnected=lambda _: (told.append("down"), lost.set()),
        )
        async with link:
            await link.wait_up(20.0)
            own.freeze()
            await asyncio.sleep(0.2)  # a thread on another core may go on for a moment and still answer
            pending = link.send_many([{"Action": "CoreStatus"}], timeout_s=60.0)[0]
            with pytest.raises(AmiDisconnected):
                await asyncio.wait_for(pending, 30.0)
            own.thaw()
            await link.wait_up(30.0)
            lost.clear()
            await own.kill()
            await asyncio.wait_for(lost.wait(), 20)
            with socket.socket() as probe:
                assert probe.connect_ex((own.ami_host, own.ami_port)) != 0
            await own.resume()
            await link.wait_up(30.0)
            assert (await link.send({"Action": "CoreStatus"})).ok
            assert told == ["up", "down", "up", "down", "up"]
    finally:
        await own.stop()
