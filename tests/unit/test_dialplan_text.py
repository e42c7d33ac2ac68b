"""What the shipped Asterisk files must never hold, and what they must agree on; read as text."""

import re
from pathlib import Path

import pytest

import config
from acd.names import RejectReason
from config.dialplan import render_queues, render_voicemail

FOLDER = Path(config.__file__).parent / "asterisk"
DIALPLAN = (FOLDER / "extensions_callcenter.conf").read_text(encoding="utf-8")
RESTING = (
    "callcenter-early",
    "callcenter-hold",
    "callcenter-feature",
    "callcenter-rating",
    "callcenter-dialout",
    "callcenter-asking",
)


def contexts() -> dict[str, str]:
    """Return name -> text of each context of the dialplan, comments left out."""
    text = "\n".join(line for line in DIALPLAN.splitlines() if not line.startswith(";"))
    parts = re.split(r"^\[([^\]]+)\]$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def extensions(context: str) -> list[str]:
    """Return the extension names and patterns of a context."""
    return re.findall(r"^exten => ([^,]+),", contexts()[context], flags=re.MULTILINE)


def test_every_context_is_prefixed_and_every_global_too() -> None:
    for name, text in contexts().items():
        if name == "globals":
            assert all(key.startswith("CC_") for key in re.findall(r"^(\w+)=", text, flags=re.MULTILINE))
        else:
            assert name.startswith("callcenter-"), name


@pytest.mark.parametrize("context", RESTING)
def test_resting_context_has_no_extension_that_waits_for_more_digits(context: str) -> None:
    for exten in extensions(context):
        assert exten in {"s", "t", "i", "D"} or re.fullmatch(r"_\[[^\]]+\]", exten), exten
    assert {"D", "t", "i"} <= set(extensions(context))


def test_every_goto_and_gosub_names_a_context_that_exists() -> None:
    named = set(re.findall(r"(?:Goto|Gosub|\?|:|push\)=|\^?b\(|U\()\(?(callcenter-[a-z0-9-]+)", DIALPLAN))
    assert "callcenter-hold" in named
    assert named <= set(contexts()), named - set(contexts())


def test_dialplan_never_touches_what_a_caller_is_called() -> None:
    assert "CALLERID(name)" not in DIALPLAN
    assert "CALLERID(all)" not in DIALPLAN
    assert "${CALLERID(num)}" not in DIALPLAN


def test_dialplan_never_redirects_and_never_runs_a_program() -> None:
    for word in ("System(", "TrySystem(", "AGI(", "SHELL(", "ChannelRedirect(", "EVAL(", "CURL("):
        assert word not in DIALPLAN


def test_pin_is_never_an_argument_of_anything_but_the_proof() -> None:
    lines = [line for line in DIALPLAN.splitlines() if "WAITDIGITRESULT" in line and not line.startswith(";")]
    for line in lines:
        assert "LEN(" in line or "LOCAL(WAITDIGITRESULT)=)" in line or "SHA1(${UNIQUEID}:" in line, line


def test_every_prompt_that_the_dialplan_plays_is_listed_once() -> None:
    text = (FOLDER / "sounds.txt").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]
    names = [row[0] for row in rows]
    assert len(names) == len(set(names))
    assert all(len(row) == 4 and all(row) for row in rows)
    said = set(re.findall(r"callcenter-say,([a-z0-9_-]+),1", DIALPLAN))
    said |= set(re.findall(r"(?:Playback\(|Read\(\w+,)callcenter/([a-z0-9_-]+)[,)]", DIALPLAN))
    assert {"press-1", "exit-thanks"} <= said
    assert said <= set(names), said - set(names)
    assert {f"reject-{reason.value}" for reason in RejectReason} <= set(names)
    codes = set(re.findall(r"CC_CODE=([a-z_]+)", DIALPLAN))
    assert {"ok-" + code.replace("_", "") for code in codes} <= set(names)


def test_shipped_files_hold_no_secret_and_no_foreign_address() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            if not line.startswith((";", "#")) and path.suffix == ".conf":
                assert not re.match(r"\s*(secret|password)\s*=", line), (path.name, line)
        for address in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text):
            assert address.startswith(("127.", "0.0.0.0", "255.")), (path.name, address)


def test_manager_users_may_neither_originate_nor_run_commands() -> None:
    text = (FOLDER / "manager_callcenter.conf").read_text(encoding="utf-8")
    granted = ",".join(re.findall(r"^(?:read|write) = (.*)$", text, flags=re.MULTILINE)).split(",")
    assert set(granted) == {"call", "agent", "user", "reporting"}


def test_cel_keeps_dateformat_unset_and_no_keys() -> None:
    text = (FOLDER / "cel_callcenter.conf").read_text(encoding="utf-8")
    assert not re.search(r"^\s*dateformat", text, flags=re.MULTILINE)
    (events,) = re.findall(r"^events = (.*)$", text, flags=re.MULTILINE)
    assert len(events.split(",")) == 13
    assert "ALL" not in events.split(",")
    assert "DTMF" not in events


def test_cel_stores_have_the_same_columns_in_the_same_order() -> None:
    csv = (FOLDER / "cel_custom_callcenter.conf").read_text(encoding="utf-8")
    sqlite = (FOLDER / "cel_sqlite3_custom_callcenter.conf").read_text(encoding="utf-8")
    listed = re.findall(r"^;   (\w+(?:,\w+)+)$", csv, flags=re.MULTILINE)[0].split(",")
    (columns,) = re.findall(r"^columns = (.*)$", sqlite, flags=re.MULTILINE)
    assert columns.split(", ") == listed
    assert csv.count("CSV_QUOTE(") == len(listed) == sqlite.split("values =")[1].count("${")


def test_plan_lines_become_queues_once_each_and_the_default_is_not_repeated() -> None:
    assert render_queues(["general", "enterprise", "general", "default"]) == (
        "[callcenter-general](callcenter-queue)\n[callcenter-enterprise](callcenter-queue)\n"
    )


@pytest.mark.parametrize("code", ["", "A", "a b", "a]\n[x", "x" * 33, "税务"])
def test_plan_line_code_that_could_break_the_file_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="line code"):
        render_queues([code])


def test_sound_named_on_the_channel_is_filtered_wherever_it_is_used() -> None:
    for line in DIALPLAN.splitlines():
        if "CC_PROMPT" in line and not line.startswith(";"):
            filtered = "${FILTER(A-Za-z0-9_./\\x2D,${CC_PROMPT}):0:80}"
            assert filtered in line or "Set(CC_PROMPT=" not in line, line
    for name in ("callcenter-reject", "callcenter-out", "callcenter-voicemail"):
        text = contexts()[name]
        assert text.index("Set(CC_PROMPT=${FILTER(") < text.index("Playback("), name


def test_voicemail_has_no_key_that_leads_elsewhere() -> None:
    assert set(extensions("callcenter-voicemail")) == {"s", "h"}
    assert "VoiceMailMain" not in DIALPLAN


def test_mailboxes_are_rendered_with_their_pins() -> None:
    text = render_voicemail({"100": "48213", "200": "90817263"})
    assert text.startswith("[callcenter](+)\n100 => 48213,")
    assert "\n200 => 90817263," in text


@pytest.mark.parametrize(
    ("box", "pin"),
    [
        ("100", ""),
        ("100", "123"),
        ("100", "1111"),
        ("1234", "1234"),
        ("100", "12a4"),
        ("100", "12345,x"),
        ("x", "48213"),
    ],
)
def test_mailbox_without_a_pin_of_its_own_is_refused(box: str, pin: str) -> None:
    with pytest.raises(ValueError, match="mailbox"):
        render_voicemail({box: pin})
