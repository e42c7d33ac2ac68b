"""Hand-made CEL timelines: seconds from the beginning in, rows of the real file's shape out."""

import csv
import io
import json

from callcenter.witness.calls import CelCall, DeviceUse
from callcenter.witness.cel import CelRow, parse_lines
from callcenter.witness.rebuild import rebuild
from callcenter.witness.verdict import Places

BEGAN_S = 1_700_000_000
PHONES = (
    DeviceUse("8101", "1001"),
    DeviceUse("8102", "1002"),
    DeviceUse("8203", "55", kind="specialist"),
)


def ms(at_s: float) -> int:
    """Instant of a timeline as the ledger has it."""
    return BEGAN_S * 1000 + round(at_s * 1000)


def stamp(at_s: float) -> str:
    """Instant of a timeline as the file has it."""
    seconds, microseconds = divmod(round(at_s * 1_000_000), 1_000_000)
    return f"{BEGAN_S + seconds}.{microseconds:06d}"


class Timeline:
    """Lines of a CEL file. Channels are named by their endpoint: `trunk` is the caller `pbx-1`, others are legs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._channels: dict[str, tuple[str, str, str]] = {}

    def line(
        self, at_s: float, kind: str, name: str, context: str = "", userdef: str = "", app: str = "app", **extra: object
    ) -> None:
        """Add a row as it stands in the file."""
        channel, uniqueid, linkedid = self._channels[name]
        out = io.StringIO()
        row = (
            kind,
            stamp(at_s),
            "13800138000",
            "exten",
            context,
            channel,
            app,
            "data",
            uniqueid,
            linkedid,
            "",
            userdef,
        )
        text = json.dumps(extra) if extra else ""
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow([*row, text])
        self.lines.append(out.getvalue())

    def begins(self, at_s: float, name: str, caller: str = "trunk", endpoint: str = "") -> None:
        """A channel appears: the caller's own when `name` is `caller`, else a leg dialled for him."""
        number = len(self._channels) + 1
        uniqueid = f"pbx-{number}"
        linkedid = uniqueid if name == caller else self._channels[caller][1]
        self._channels[name] = (f"PJSIP/{endpoint or name}-{number:08x}", uniqueid, linkedid)
        self.line(at_s, "CHAN_START", name)

    def enters(self, at_s: float, name: str, bridge: str = "b1") -> None:
        """A channel enters a bridge."""
        self.line(at_s, "BRIDGE_ENTER", name, bridge_id=bridge, bridge_technology="simple_bridge")

    def leaves(self, at_s: float, name: str, bridge: str = "b1") -> None:
        """A channel leaves a bridge."""
        self.line(at_s, "BRIDGE_EXIT", name, bridge_id=bridge, bridge_technology="simple_bridge")

    def ends(self, at_s: float, name: str, by: str = "", status: str = "", context: str = "callcenter-hold") -> None:
        """A channel hangs up; `by`: name of the channel whose end it was, `dialplan/builtin`, or empty (nobody)."""
        source = self._channels[by][0] if by in self._channels else by
        self.line(at_s, "HANGUP", name, context, hangupcause=16, hangupsource=source, dialstatus=status)

    def talks(self, began_s: float, ended_s: float, leg: str, bridge: str = "b1", caller: str = "trunk") -> None:
        """Caller and leg in a bridge: the leg enters 0.2 ms before and leaves 0.2 ms after the caller."""
        self.enters(began_s - 0.0002, leg, bridge)
        self.enters(began_s, caller, bridge)
        self.leaves(ended_s, caller, bridge)
        self.leaves(ended_s + 0.0002, leg, bridge)

    def rows(self) -> tuple[CelRow, ...]:
        """The rows as the reader gives them."""
        read = parse_lines(self.lines)
        assert not read.bad
        return read.rows

    def calls(self, places: Places | None = None, devices: tuple[DeviceUse, ...] = PHONES) -> tuple[CelCall, ...]:
        """The calls rebuilt."""
        return rebuild(self.rows(), pbx="pbx", callers=["trunk"], devices=devices, places=places).calls

    def call(self, places: Places | None = None, devices: tuple[DeviceUse, ...] = PHONES) -> CelCall:
        """The only call."""
        (call,) = self.calls(places, devices)
        return call
