"""A stand-in for the PBX that tells calls as a real Asterisk was recorded telling them, at real pace, for any number of agents.

Theory of operation: the events of one recorded call (`ami_recording.txt`) are templates; each call tells them with its own
channels, instants and target. Wishes are obeyed as the dialplan does: `CC_GO` on a waiting channel connects him. Who asks for its
channels is told those that live, with the variables that the dialplan and the service wrote on them. So the service decides
everything as ever, over a real socket, also after its link was gone, and nobody needs three thousand phones.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from callcenter.asterisk.target import parse_target
from callcenter.bench.memory import ScriptedPbx

RECORDING = Path(__file__).with_name("ami_recording.txt")
HOLDS_AFTER_S, RINGS_AFTER_S, ANSWERS_AFTER_S = 0.05, 0.05, 0.5
NEEDED = {
    "CcArrived": "Did",
    "CcHolding": "Uniqueid",
    "CcConnecting": "Target",
    "CcEnd": "By",
    "DialBegin": "Uniqueid",
    "DialState": "DestUniqueid",
    "BridgeEnter": "BridgeUniqueid",
    "BridgeLeave": "BridgeUniqueid",
    "Hangup": "Cause",
}
"""Event -> a header that the template must have."""

Headers = list[tuple[str, str]]


def templates() -> dict[str, Headers]:
    """Return the first recorded event of each name that is needed."""
    found: dict[str, Headers] = {}
    text = RECORDING.read_text(encoding="utf-8").replace("\r\n", "\n")
    for block in text.split("\n\n"):
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in block.splitlines())]
        values = dict(headers)
        name = values.get("UserEvent") or values.get("Event", "")
        if name in NEEDED and NEEDED[name] in values:
            found.setdefault(name, headers)
    assert set(found) == set(NEEDED), set(NEEDED) - set(found)
    return found


class ReplayedPbx(ScriptedPbx):
    """Tells calls; `arrive` begins one."""

    def __init__(self, talk_s: float, seed: int = 12345) -> None:
        """talk_s: mean length of a talk, seconds."""
        super().__init__()
        self.told = 0
        """Events told."""
        self.ended = 0
        """Calls that were told to their end."""
        self._talk_s = talk_s
        self._dice = random.Random(seed)
        self._templates = templates()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, str] = {}
        """Uniqueid of a caller who waits -> his channel."""
        self._living: dict[str, dict[str, str]] = {}
        """Uniqueid -> headers of the channel, its variables among them."""
        self._tasks: set[asyncio.Task[None]] = set()

    def arrive(self, did: str, line: str, gone_after_s: float | None = None) -> None:
        """A caller dials; he hangs up after so long if nobody was connected to him (None: he waits)."""
        self._do(self._call(did, line, gone_after_s))

    @property
    def open(self) -> int:
        """Calls that go on."""
        return len(self._tasks)

    def _answer(self, action: dict[str, str]) -> str:
        if action.get("Action") == "Setvar" and (known := self._living.get(action.get("Channel", ""))) is not None:
            known[action["Variable"]] = action["Value"]
        if action.get("Action") == "Status":
            asyncio.get_running_loop().call_later(0.3, self.ready.set)
            return self._status(action)
        if action.get("Action") == "Setvar" and action.get("Variable") == "CC_GO" and action.get("Value"):
            channel = self._waiting.pop(action.get("Channel", ""), None)
            if channel is not None:
                self._do(self._connect(action["Channel"], channel, action["Value"]))
        return super()._answer(action)

    def _status(self, action: dict[str, str]) -> str:
        asked = action.get("Channel")
        if asked is not None and asked not in self._living:
            return f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: No such channel\r\n\r\n"
        told = [f"Response: Success\r\nActionID: {action['ActionID']}\r\nEventList: start\r\n\r\n"]
        for uniqueid in [asked] if asked is not None else self._living:
            lines = ["Event: Status", f"ActionID: {action['ActionID']}"]
            for name, value in self._living[uniqueid].items():
                lines.append(f"Variable: {name}={value}" if name.startswith("CC_") else f"{name}: {value}")
            told.append("\r\n".join(lines) + "\r\n\r\n")
        last = f"Event: StatusComplete\r\nActionID: {action['ActionID']}\r\nEventList: Complete\r\nItems: 0\r\n\r\n"
        return "".join([*told, last])

    async def _call(self, did: str, line: str, gone_after_s: float | None) -> None:
        number = next(self._numbers)
        caller = self._caller(f"replayed-1.{number}", f"PJSIP/trunk-{number:08x}")
        digits = f"139{number % 10**8:08d}"
        now = f"{time.time():.6f}"
        more = {"Did": did, "Line": line, "Arrived": now, "SipCallId": f"{number}@replayed", "Menu": "0", "Test": "0"}
        self._tell("CcArrived", caller | more | {"CallerIDNum": digits, "Timestamp": now})
        marks = {"CC_ARRIVED": now, "CC_QUEUED": now, "CC_LINE": line, "CC_DID": did, "CC_SIPID": more["SipCallId"]}
        self._living[caller["Uniqueid"]] = caller | marks | {"CC_PLACE": "hold", "CallerIDNum": digits}
        self._waiting[caller["Uniqueid"]] = caller["Channel"]
        await asyncio.sleep(HOLDS_AFTER_S)
        if caller["Uniqueid"] in self._waiting:
            self._tell("CcHolding", caller)
        if gone_after_s is None:
            return
        await asyncio.sleep(gone_after_s)
        if self._waiting.pop(caller["Uniqueid"], None) is not None:
            self._end(caller, "caller")

    async def _connect(self, uniqueid: str, channel: str, target: str) -> None:
        caller, wanted = self._caller(uniqueid, channel), parse_target(target)
        assert wanted is not None, target
        leg = self._caller(f"{uniqueid}-leg", f"PJSIP/{wanted.digits}-{abs(hash(uniqueid)) % 2**32:08x}")
        dest = {"DestUniqueid": leg["Uniqueid"], "DestChannel": leg["Channel"], "DestLinkedid": uniqueid}
        self._living[uniqueid] |= {"CC_PLACE": "offer", "CC_TARGET": target}
        self._living[leg["Uniqueid"]] = leg | {"CC_OFFER": wanted.offer}
        self._tell("CcConnecting", caller | {"Target": target})
        self._tell("DialBegin", caller | dest)
        await asyncio.sleep(RINGS_AFTER_S)
        self._tell("DialState", caller | dest | {"DialStatus": "RINGING"})
        await asyncio.sleep(ANSWERS_AFTER_S)
        bridge = {"BridgeUniqueid": f"bridge-{uniqueid}"}
        for one in (uniqueid, leg["Uniqueid"]):
            self._living[one]["BridgeID"] = bridge["BridgeUniqueid"]
        self._tell("BridgeEnter", leg | bridge)
        self._tell("BridgeEnter", caller | bridge)
        await asyncio.sleep(self._talk_s * self._dice.uniform(0.5, 1.5))
        self._tell("BridgeLeave", leg | bridge)
        self._tell("BridgeLeave", caller | bridge)
        self._living.pop(leg["Uniqueid"])
        self._tell("Hangup", leg)
        self._end(caller, "agent")

    def _end(self, caller: Mapping[str, str], who: str) -> None:
        self._living.pop(caller["Uniqueid"])
        self._tell("CcEnd", {**caller, "By": caller["Channel"], "Who": who, "Status": "", "Place": "hold"})
        self._tell("Hangup", caller)
        self.ended += 1

    @staticmethod
    def _caller(uniqueid: str, channel: str) -> dict[str, str]:
        return {"Uniqueid": uniqueid, "Linkedid": uniqueid, "Channel": channel}

    def _tell(self, name: str, values: Mapping[str, str]) -> None:
        given = {"Timestamp": f"{time.time():.6f}", **values}
        known = {header for header, _ in self._templates[name]}
        lines = [f"{header}: {given.get(header, value)}" for header, value in self._templates[name]]
        lines += [f"{header}: {value}" for header, value in given.items() if header not in known]
        self.write("\r\n".join(lines) + "\r\n\r\n")
        self.told += 1

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
