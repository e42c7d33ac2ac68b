"""Agents' phones: feature codes, keys in a talk, transfers, dialling out; what the manager users may do; what CEL keeps."""

import asyncio
import contextlib
import csv
import hashlib
import io
import re
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from callcenter.lab.login_keys import AGENT as AGENT_STEP
from callcenter.lab.login_keys import PIN as PIN_STEP
from callcenter.lab.login_keys import until_asked
from callcenter.lab.sip_phone import answers
from tests.integration.dialplan.desk import Call, Desk
from tests.integration.office import until
from tests.integration.raw_ami import RawAmi

pytestmark = pytest.mark.pbx

PIN = "493817"
CODES = {
    "*10": ("test", ""),
    "*12": ("logout", ""),
    "*13": ("ready", ""),
    "*14": ("not_ready", ""),
    "*143": ("not_ready", "3"),
    "*15": ("wrapup_end", ""),
    "*16": ("wrapup_extend", ""),
}


async def test_agent_logs_in_with_a_proof_and_his_pin_is_nowhere(desk: Desk) -> None:
    phone = await desk.agent("8101")
    leg = phone.call("*11")
    await leg.wait_for(200)
    await until_asked(desk.pbx.asterisk.rx, "8101", AGENT_STEP)
    await phone.keys(leg, "1001#")
    await until_asked(desk.pbx.asterisk.rx, "8101", PIN_STEP)
    await phone.keys(leg, PIN)
    said = await desk.events.user("CcFeature")
    inner = hashlib.sha1(f"1001:{PIN}".encode(), usedforsecurity=False).hexdigest()
    proof = hashlib.sha1(f"{said['Uniqueid']}:{inner}".encode(), usedforsecurity=False).hexdigest()
    assert (said["Code"], said["Endpoint"], said["Agent"], said["Proof"]) == ("login", "8101", "1001", proof)
    await desk.actions.ask_all(
        ("Setvar", {"Channel": said["Uniqueid"], "Variable": "CC_REPLY", "Value": "ok"}),
        ("PlayDTMF", {"Channel": said["Uniqueid"], "Digit": "D", "Receive": "true"}),
    )
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    folder = desk.pbx.asterisk.folder
    places = {path.name: path.read_bytes() for path in (folder / "log").rglob("*") if path.is_file()}
    assert b"callcenter-pin" in places["full"]  # the verbose log was on and saw the steps
    assert places["callcenter.csv"]
    typed = b"".join(re.findall(rb"User entered '(\d*)'", places["full"]))
    assert typed.endswith(b"1001")  # the agent's number is no secret; not one digit of the PIN after it
    places["events"] = bytes(desk.events.raw)
    places["actions"] = bytes(desk.actions.raw)
    for name, text in places.items():
        assert PIN.encode() not in text, name
        assert PIN[:5].encode() not in text, name
        assert inner.encode() not in text, name


@pytest.mark.parametrize("keys", ["", "1001#", "1001#4938"])
async def test_agent_stops_in_the_middle_of_a_log_in_and_nothing_is_sent(desk: Desk, keys: str) -> None:
    phone = await desk.agent("8101")
    leg = phone.call("*11")
    await leg.wait_for(200)
    await until_asked(desk.pbx.asterisk.rx, "8101", AGENT_STEP)
    await phone.keys(leg, keys[:5])
    if keys[5:]:
        await until_asked(desk.pbx.asterisk.rx, "8101", PIN_STEP)
        await phone.keys(leg, keys[5:])
    await asyncio.sleep(0.2)
    phone.hang_up(leg)
    assert await desk.quiet("CcFeature", 0.3, 0)


async def test_each_feature_code_is_told_with_the_phone_it_came_from(desk: Desk) -> None:
    phone = await desk.agent("8102")
    for code, (word, reason) in CODES.items():
        since = desk.mark()
        leg = phone.call(code)
        said = await desk.events.user("CcFeature", since=since)
        assert (said["Code"], said["Reason"], said["Endpoint"], said["Proof"]) == (word, reason, "8102", ""), code
        phone.hang_up(leg)


async def test_feature_code_while_the_service_is_away_says_so_and_ends(desk: Desk) -> None:
    phone = await desk.agent("8101")
    leg = phone.call("*13")
    await desk.events.user("CcFeature")
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    assert leg.ended_by == "peer"


@pytest.mark.usefixtures("unanswered")
async def test_agent_hands_over_by_keys_and_the_next_phone_rings_while_the_caller_stays(desk: Desk) -> None:
    seat = await desk.agent("8101", answers(0.02))
    specialist = await desk.agent("8102", answers(0.02))
    call = await desk.arrive()
    target = await desk.offer(call, "8101")
    leg = await seat.next_call()
    await desk.bridged(call)
    await asyncio.sleep(0.1)
    await seat.keys(leg, "*755")
    topic = await desk.events.user("CcTopic")
    assert (topic["Topic"], topic["Mode"], topic["Offer"]) == ("55", "blind", target.split("*")[2])
    since = desk.mark()
    following = desk.target("endpoint", "8102")
    await desk.actions.ask_all(
        ("Setvar", {"Channel": call.uid, "Variable": "CC_AFTER", "Value": "1"}),
        ("Setvar", {"Channel": call.uid, "Variable": "CC_GO", "Value": following}),
        ("Hangup", {"Channel": await desk.leg_uid(call)}),
    )
    await specialist.next_call()
    await desk.bridged(call, since)
    assert seat.legs[leg.call_id].ended_by == "peer"
    assert not call.leg.is_ended.is_set()
    assert desk.story(call) == ["CcArrived", "CcConnecting", "CcOfferEnd", "CcConnecting"]


@pytest.mark.usefixtures("unanswered")
async def test_second_wish_comes_while_the_first_rings_and_the_call_ends_with_the_talk(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.3))
    call = await desk.arrive()
    await desk.offer(call, "8101")
    leg = await agent.next_call()
    await desk.offer(call, "8102")
    await desk.bridged(call)
    agent.hang_up(leg)
    await asyncio.wait_for(call.leg.is_ended.wait(), 10)
    assert call.leg.ended_by == "peer"
    await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert desk.story(call) == ["CcArrived", "CcConnecting", "CcOfferEnd", "CcEnd"]


async def test_caller_presses_the_agents_keys_and_nothing_happens(desk: Desk) -> None:
    seat = await desk.agent("8101", answers(0.02))
    phone = await desk.caller()
    call = await desk.arrive(phone=phone)
    await desk.offer(call, "8101")
    await seat.next_call()
    await desk.bridged(call)
    await phone.keys(call.leg, "*755")
    assert await desk.quiet("CcTopic", 0.5, 0)


async def test_agent_refers_to_a_topic_and_the_caller_is_back_in_hold_with_a_clean_slate(desk: Desk) -> None:
    seat = await desk.agent("8101", answers(0.02))
    call = await desk.arrive()
    target = await desk.offer(call, "8101")
    leg = await seat.next_call()
    await desk.bridged(call)
    since = desk.mark()
    seat.refer(leg, "755")
    told = await desk.events.user("CcTransfer", since=since, Uniqueid=call.uid)
    assert (told["Topic"], told["Offer"]) == ("55", target.split("*")[2])
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    for name in ("DIALSTATUS", "ANSWEREDTIME", "CC_TARGET", "CC_OFFER"):
        assert await desk.actions.get(call.uid, name) == "", name
    await desk.assert_waits(call)


@pytest.mark.parametrize("number", ["02512345678", "912345", "*10", "7555", "75", "s", "h", "12345", "8102", "nobody"])
async def test_agent_refers_elsewhere_and_the_talk_simply_goes_on(desk: Desk, number: str) -> None:
    seat = await desk.agent("8101", answers(0.02))
    call = await desk.arrive()
    await desk.offer(call, "8101")
    leg = await seat.next_call()
    await desk.bridged(call)
    since = desk.mark()
    seat.refer(leg, number)
    await asyncio.sleep(0.25)
    assert [name for name in desk.story(call) if name not in {"CcArrived", "CcConnecting", "CcHolding"}] == []
    assert not any(event["Event"] in {"Newchannel", "BridgeLeave"} for _, event in desk.events.events[since:])
    assert not call.leg.is_ended.is_set()


async def test_manager_users_have_what_they_need_and_no_more(desk: Desk) -> None:
    call = await desk.arrive_in_hold()
    answer = await desk.actions.ask("Status", Channel=call.uid, Variables="CC_LINE,CC_PLACE")
    assert answer["Response"] == "Success"
    listed = await desk.actions.until(lambda e: e["Event"] == "Status")
    assert listed["Uniqueid"] == call.uid
    for action in ("DeviceStateList", "CoreShowChannels", "CoreStatus", "Ping"):
        assert (await desk.actions.ask(action))["Response"] == "Success", action
    await desk.actions.until(lambda e: e["Event"] == "DeviceStateListComplete")
    refused = [
        ("Originate", {"Channel": "PJSIP/8101", "Application": "Wait", "Data": "1"}),
        ("Command", {"Command": "core show version"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("DBPut", {"Family": "a", "Key": "b", "Val": "c"}),
    ]
    for action, headers in refused:
        for session in (desk.actions, desk.events):
            answer = await session.ask(action, **headers)
            assert answer["Response"] == "Error", action
    assert (await desk.events.ask("Setvar", Variable="CC_BEAT", Value="x"))["Response"] == "Error"
    assert (await desk.events.ask("Ping"))["Response"] == "Success"
    port = desk.pbx.asterisk.ami_port
    for user, secret in (("callcenter", ""), ("callcenter-link", ""), ("callcenter-events", "wrong")):
        with pytest.raises(PermissionError):
            await RawAmi.login(port, user, secret)


async def test_events_of_a_whole_call_are_few(desk: Desk) -> None:
    seat = await desk.agent("8101", answers(0.02))
    since = desk.mark()
    call = await desk.arrive()
    await desk.offer(call, "8101")
    leg = await seat.next_call()
    await desk.bridged(call)
    seat.hang_up(leg)
    await desk.events.until(lambda e: e["Event"] == "Hangup" and e["Uniqueid"] == call.uid, since=since)
    names = [event["Event"] for _, event in desk.events.events[since:]]
    assert len(names) <= 30, names
    assert set(names) <= {
        *("Newchannel", "Newstate", "DialBegin", "DialState", "BridgeEnter", "BridgeLeave", "Hangup"),
        *("UserEvent", "DeviceStateChange"),
    }
    assert all("Timestamp" in event for _, event in desk.events.events)


async def whole_cel(desk: Desk, call: Call) -> list[list[str]]:
    """A call's rows of CEL, once the last of them is written."""

    async def rows() -> list[list[str]] | None:
        text = desk.pbx.asterisk.cel_file.read_text(encoding="utf-8")
        found = [row for row in csv.reader(io.StringIO(text)) if len(row) > 9 and row[9] == call.uid]
        return found if any(row[0] == "LINKEDID_END" for row in found) else None

    return await until(rows, "CEL tells the whole call")


async def is_stored(path: Path, uniqueid: str) -> bool:
    """Whether the last row of a call is in the store."""
    with contextlib.closing(sqlite3.connect(path)) as store:
        query = "SELECT count(*) FROM cel WHERE linkedid = ? AND eventtype = 'LINKEDID_END'"
        return bool(store.execute(query, (uniqueid,)).fetchone()[0])


async def test_cel_keeps_the_call_in_thirteen_columns_by_epoch_seconds(desk: Desk) -> None:
    seat = await desk.agent("8101", answers(0.02))
    call = await desk.arrive()
    target = await desk.offer(call, "8101")
    leg = await seat.next_call()
    await desk.bridged(call)
    seat.hang_up(leg)
    await desk.events.until(lambda e: e["Event"] == "Hangup" and e["Uniqueid"] == call.uid)
    rows = await whole_cel(desk, call)
    assert all(len(row) == 13 for row in rows)
    assert {"CHAN_START", "ANSWER", "BRIDGE_ENTER", "BRIDGE_EXIT", "HANGUP", "CHAN_END", "LINKEDID_END"} <= {
        row[0] for row in rows
    }
    assert not any("DTMF" in row[0] for row in rows)
    started = next(row for row in rows if row[0] == "CHAN_START" and row[8] == call.uid)
    assert abs(float(started[1]) - float(call.arrived["Arrived"])) < 0.5
    ours = {row[11]: row[12] for row in rows if row[11]}
    assert call.arrived["Arrived"] in ours["CcArrived"]
    assert target in ours["CcOffer"]
    agent_rows = [row for row in rows if row[0] == "ANSWER" and row[5].startswith("PJSIP/8101-")]
    assert len(agent_rows) == 1
    assert agent_rows[0][2] == "12345"  # the leg's number is the dialled one, never a value of the service


async def test_cel_as_sqlite_is_the_same_row_by_row(desk: Desk) -> None:
    asterisk = desk.pbx.asterisk
    await asyncio.to_thread(asterisk.rx, "module load cel_sqlite3_custom.so")
    try:
        call = await desk.arrive_in_hold()
        await desk.actions.ask("Hangup", Channel=call.uid)
        await desk.events.until(lambda e: e["Event"] == "Hangup" and e["Uniqueid"] == call.uid)
        rows = await whole_cel(desk, call)
        await until(partial(is_stored, asterisk.folder / "log" / "callcenter.db", call.uid), "SQLite has it too")
    finally:
        await asyncio.to_thread(asterisk.rx, "module unload cel_sqlite3_custom.so")
    with contextlib.closing(sqlite3.connect(asterisk.folder / "log" / "callcenter.db")) as store:
        stored = store.execute(
            "SELECT eventtype, eventtime, cidnum, exten, context, channame, appname, appdata, uniqueid, linkedid, peer, "
            "userdeftype, eventextra FROM cel WHERE linkedid = ?",
            (call.uid,),
        ).fetchall()
    assert len(rows) >= 6
    assert sorted(map(list, stored)) == sorted(rows)
