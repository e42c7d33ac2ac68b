"""A manager port on loopback that answers what the service asks: globals, channels, a clock, in Asterisk's words."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

CALLER = "p-1.1"
"""Uniqueid of the one caller that `Port.caller` puts on the PBX."""


class Session:
    """One client of the port."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.has_events = False
        self.is_cut = False

    def send(self, text: str) -> None:
        self.writer.write(text.encode())

    def cut(self) -> None:
        self.is_cut = True
        self.writer.transport.abort()


class Port:
    """A manager port with globals, channels and a clock; what it is asked is kept in `actions`."""

    def __init__(self) -> None:
        self.port = 0
        self.globals: dict[str, str] = {}
        self.channels: list[dict[str, str]] = []
        self.members: list[dict[str, str]] = []
        self.system_name = "pbx1"
        self.is_welcome = True
        self.refused: set[str] = set()
        """Actions answered with an error that says nothing of a channel."""
        self.before: dict[str, Callable[[Port], None]] = {}
        """Action -> called just before it is answered."""
        self.actions: list[dict[str, str]] = []
        self.sessions: list[Session] = []
        self.shift_s = 0.0
        self._server: asyncio.Server | None = None

    def now(self) -> float:
        return time.time() + self.shift_s

    async def __aenter__(self) -> "Port":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for session in self.sessions:
            session.cut()
        await asyncio.sleep(0)

    @property
    def events(self) -> Session:
        return [one for one in self.sessions if one.has_events][-1]

    @property
    def acting(self) -> Session:
        return [one for one in self.sessions if not one.has_events][-1]

    def event(self, name: str, ago_s: float = 0.0, **headers: str) -> None:
        head = f"Event: {name}" if not name.startswith("Cc") else f"Event: UserEvent\r\nUserEvent: {name}"
        lines = [head, "Privilege: call,all", f"Timestamp: {self.now() - ago_s:.6f}"]
        self.events.send("\r\n".join([*lines, *(f"{k}: {v}" for k, v in headers.items())]) + "\r\n\r\n")

    def asked(self, name: str) -> list[dict[str, str]]:
        return [action for action in self.actions if action["Action"] == name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer)
        self.sessions.append(session)
        session.send("Asterisk Call Manager/11.0.0\r\n")
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
                self.actions.append(action)
                if action["Action"] == "Login":
                    session.has_events = action.get("Events") != "off"
                self.before.pop(action["Action"], lambda port: None)(self)
                if not session.is_cut:
                    session.send(self._answer(action))
        writer.close()

    def _answer(self, action: Mapping[str, str]) -> str:
        name, tail = action["Action"], f"ActionID: {action['ActionID']}\r\n"
        good = f"Response: Success\r\n{tail}"
        if name in self.refused or (name == "Login" and not self.is_welcome):
            return f"Response: Error\r\n{tail}Message: Permission denied\r\n\r\n"
        match name:
            case "Ping":
                return f"{good}Ping: Pong\r\nTimestamp: {self.now():.6f}\r\n\r\n"
            case "CoreSettings":
                return f"{good}SystemName: {self.system_name}\r\n\r\n"
            case "Getvar":
                return f"{good}Variable: x\r\nValue: {self.globals.get(action['Variable'], '')}\r\n\r\n"
            case "Setvar" if "Channel" not in action:
                self.globals[action["Variable"]] = action["Value"]
            case "DeviceStateList":
                return self._list(action, [{"Event": "DeviceStateChange", "Device": "PJSIP/d1", "State": "NOT_INUSE"}])
            case "QueueStatus":
                return self._list(action, self.members)
            case "Status":
                rows = [row for row in self.channels if action.get("Channel") in (None, row["Uniqueid"])]
                if action.get("Channel") is not None and not rows:
                    return f"Response: Error\r\n{tail}Message: No such channel\r\n\r\n"
                return self._list(action, rows)
        return f"{good}Message: done\r\n\r\n"

    @staticmethod
    def _list(action: Mapping[str, str], rows: list[dict[str, str]]) -> str:
        tail = f"ActionID: {action['ActionID']}\r\n"
        text = f"Response: Success\r\n{tail}EventList: start\r\n\r\n"
        for row in rows:
            text += "".join(
                f"Variable: {item}\r\n" if key.startswith("Variable") else f"{key}: {item}\r\n"
                for key, item in row.items()
            )
            text += f"{tail}\r\n"
        return f"{text}Event: {action['Action']}Complete\r\n{tail}EventList: Complete\r\nListItems: {len(rows)}\r\n\r\n"

    def caller(self, place: str = "hold") -> None:
        self.channels.append(
            {
                "Event": "Status",
                "Channel": "PJSIP/trunk-1",
                "Uniqueid": CALLER,
                "Variable1": "CC_ARRIVED=1700000000.5",
                "Variable2": f"CC_PLACE={place}",
                "Variable3": "CC_LINE=general",
            }
        )
