"""The two faults that DEMO_FAULT makes, each where a real one would be: in the PBX, and in the database."""

import asyncio
from collections.abc import Callable

from sqlalchemy import select, update

from callcenter.asterisk.errors import AmiError
from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.settings import AmiSettings
from callcenter.lab.errors import LabError
from callcenter.lab.pbx import Asterisk
from callcenter.storage.ledger import Ledger
from callcenter.storage.tables import calls

HOLD = "callcenter-hold"
CONNECT = "callcenter-connect"
LOOK_EVERY_S = 0.15


async def drop_one_waiting(pbx: Asterisk, may_drop: Callable[[str], bool]) -> str:
    """Wait until a caller waits, hang his channel up inside the PBX; return his number.

    `may_drop` is asked with the caller's number. Goes on until cancelled. Raises LabError when AMI fails.
    Where seats are free all along nobody is ever in hold: who hears an agent's phone ring waits, too.
    """
    settings = AmiSettings(pbx.ami_host, pbx.ami_port, "lab", pbx.managers["lab"])
    try:
        async with AmiLink(settings) as link:
            await link.wait_up(5.0)
            while True:
                shown = await link.send_list({"Action": "CoreShowChannels"})
                waits = (one for one in shown.events if _waits(one) and may_drop(one["CallerIDNum"]))
                found = next(waits, None)
                if found is not None:
                    reply = await link.send({"Action": "Hangup", "Channel": found["Uniqueid"], "Cause": "38"})
                    if reply.ok:
                        return found["CallerIDNum"]
                await asyncio.sleep(LOOK_EVERY_S)
    except AmiError as error:
        raise LabError(f"no caller could be dropped: {error}") from error


def _waits(channel: AmiMessage) -> bool:
    """Say whether a channel is a caller's who waits, and for whom nobody picks up in this very instant: the demo's seats let
    it ring for a second at least."""
    has_just_come = channel.get("ChannelStateDesc") == "Ring" and channel.get("Duration") == "00:00:00"
    return channel.get("Context") == HOLD or (channel.get("Context") == CONNECT and has_just_come)


async def change_one_outcome(ledger: Ledger) -> str:
    """Store another outcome for one abandoned call, as a faulty program would; return its Uniqueid. Raises LabError.

    An abandoned call becomes a failed one: the table's own rules allow that, so only the second witness can tell.
    """
    is_abandoned = calls.c.outcome.in_(("abandoned_ivr", "abandoned_queue", "abandoned_ringing"))
    async with ledger.engine.begin() as connection:
        wanted = select(calls.c.uniqueid).where(is_abandoned).order_by(calls.c.arrived_ms).limit(1)
        uniqueid = (await connection.execute(wanted)).scalar_one_or_none()
        if uniqueid is None:
            raise LabError("no abandoned call is there whose outcome could be changed")
        change = update(calls).where(calls.c.uniqueid == uniqueid)
        await connection.execute(change.values(outcome="failed", outcome_reason="demo_fault"))
    return str(uniqueid)
