"""The private tree of a lab's Asterisk: what is written before it starts.

Base files come from `callcenter/lab/etc` (`@name@` is filled in). What an operator includes, the files of
`config/asterisk`, is copied beside them unchanged and included by the rule of its name: `queues_callcenter.conf` at the
end of `queues.conf`. So the tests run exactly what is shipped.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.lab.errors import LabError
from callcenter.lab.installation import Installation
from callcenter.lab.tones import HOLD_NOTES_HZ, write_tune
from config.dialplan import render_voicemail

BASE = Path(__file__).resolve().parent / "etc"
SHIPPED = Path(__file__).resolve().parents[2] / "config" / "asterisk"
_SUFFIX = "_callcenter"
_PLACE = re.compile(r"@(\w+)@")
_FOLDERS = (
    "etc",
    "lib/keys",
    "data/moh",
    "data/sounds/en",
    "data/sounds/zh",
    "data/agi-bin",
    "spool/outgoing",
    "spool/monitor",
    "run",
    "cache",
)
_PHONE = """\
[{number}](phone)
aors = {number}
auth = {number}
callerid = {number} <{number}>
[{number}](phone-aor)
[{number}](phone-auth)
username = {number}
password = {secret}
"""


@dataclass(frozen=True, slots=True)
class PbxPlan:
    """What one private Asterisk is made of."""

    folder: Path
    installation: Installation
    systemname: str
    sip_port: int
    ami_port: int
    outside_port: int
    rtp_first: int
    rtp_last: int
    inbound_context: str
    phone_context: str
    phones: Mapping[str, str]
    """Number (endpoint name) -> secret."""
    managers: Mapping[str, str]
    """AMI user -> secret; `lab` is the tests' own."""
    lines: Sequence[str] = ("default",)
    """Line codes: each has a fallback queue."""
    mailboxes: Mapping[str, str] = field(default_factory=dict)
    """Voicemail box -> PIN."""
    dialplan: str = ""
    """More dialplan, appended to extensions.conf."""
    shipped: Path = SHIPPED
    extra: Mapping[str, str] = field(default_factory=dict)
    """File name -> text appended to it."""


def write_tree(plan: PbxPlan) -> None:
    """Write the whole tree below `plan.folder`."""
    for name in _FOLDERS:
        (plan.folder / name).mkdir(parents=True, exist_ok=True)
    # Rows of cel_custom are lost without a word when its folder is missing.
    for name in ("cel-custom", "cdr-custom", "cdr-csv"):
        (plan.folder / "log" / name).mkdir(parents=True, exist_ok=True)
    documentation = plan.folder / "data" / "documentation"
    if not documentation.is_symlink():
        documentation.symlink_to(plan.installation.documentation)
    write_tune(plan.folder / "data" / "moh" / "hold.wav", HOLD_NOTES_HZ)
    shipped = sorted(plan.shipped.glob(f"*{_SUFFIX}.conf"))
    for path in shipped:
        shutil.copyfile(path, plan.folder / "etc" / path.name)
    included = {path.name for path in shipped}
    values = _values(plan)
    for path in sorted(BASE.glob("*.conf")):
        text = _filled(path, values)
        (plan.folder / "etc" / path.name).write_text(text + _ending(plan, path.name, included), encoding="utf-8")
    wanted = {*plan.extra, *(name.replace(_SUFFIX, "") for name in included)}
    for name in sorted(wanted - {path.name for path in BASE.glob("*.conf")}):
        (plan.folder / "etc" / name).write_text(_ending(plan, name, included), encoding="utf-8")


def _ending(plan: PbxPlan, name: str, included: set[str]) -> str:
    """Return what follows the base file: the shipped file, what an operator would add to it, and the test's own."""
    shipped = name.replace(".conf", f"{_SUFFIX}.conf")
    text = f'\n#include "{shipped}"\n' if shipped in included else ""
    if name == "manager.conf":
        users = (user for user in plan.managers if user != "lab")
        text += "".join(f"\n[{user}](+)\nsecret = {plan.managers[user]}\n" for user in users)
    if name == "queues.conf":
        text += "".join(f"\n[callcenter-{line}](callcenter-queue)\n" for line in plan.lines if line != "default")
    if name == "voicemail.conf":
        text += "\n" + render_voicemail(plan.mailboxes)
    if name == "extensions.conf":
        text += f"\n{plan.dialplan}\n"
    return text + plan.extra.get(name, "")


def _values(plan: PbxPlan) -> dict[str, str]:
    return {
        "folder": str(plan.folder),
        "modules": str(plan.installation.modules),
        "systemname": plan.systemname,
        "sip_port": str(plan.sip_port),
        "ami_port": str(plan.ami_port),
        "outside_port": str(plan.outside_port),
        "rtp_first": str(plan.rtp_first),
        "rtp_last": str(plan.rtp_last),
        "inbound_context": plan.inbound_context,
        "phone_context": plan.phone_context,
        "phones": "\n".join(_PHONE.format(number=number, secret=secret) for number, secret in plan.phones.items()),
        "secret_lab": plan.managers["lab"],
    }


def _filled(path: Path, values: Mapping[str, str]) -> str:
    def value(place: re.Match[str]) -> str:
        if place[1] not in values:
            raise LabError(f"{path}: nothing is known to fill in for {place[0]}")
        return values[place[1]]

    return _PLACE.sub(value, path.read_text(encoding="utf-8"))
