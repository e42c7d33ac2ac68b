"""The plan's loader: what is refused and in which words, what is built, what a change says."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.plan import BlockedNumber, Exit, Step
from agents.skills import parse_need
from config.errors import PlanError
from config.hours import parse_hours
from config.plan import load_plan, parse_plan, read_plan
from config.plan_diff import plan_diff

ZONE = ZoneInfo("Asia/Shanghai")
EXAMPLE = Path(__file__).parents[2] / "config" / "plan.example.toml"

GOOD = """\
default_line = "general"
[topics]
01 = "Tax"
[not_ready_reasons]
1 = "break"
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
[lines.enterprise]
name = "一企来"
name_en = "Enterprise"
dids = ["12346"]
need = "enterprise >= 2"
[[lines.enterprise.steps]]
after_s = 20
need = "enterprise >= 1"
[[lines.enterprise.steps]]
after_s = 40
line = "general"
[agents.1001]
name = "Wang"
skills = { general = 1, enterprise = 2 }
pin_sha1 = "00112233445566778899aabbccddeeff00112233"
[[specialists]]
number = "801"
name = "Sun"
topics = ["01"]
"""


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "p")
    return caught.value.problems


def test_author_writes_good_plan_it_is_built_without_warnings() -> None:
    loaded = parse_plan(GOOD)

    plan = loaded.plan
    assert loaded.warnings == ()
    assert list(plan.lines) == ["general", "enterprise"]
    assert plan.lines["enterprise"].steps == (
        Step(20.0, need=parse_need("enterprise >= 1")),
        Step(40.0, line="general"),
    )
    assert plan.lines["general"].on_max_wait == Exit(reject=True)
    assert plan.line_of("12346") is plan.lines["enterprise"]
    assert plan.agents["1001"].skills == {"general": 1, "enterprise": 2}
    assert plan.specialists[0].topics == ("01",)
    assert len(plan.version) == 12


def test_author_copies_the_example_it_loads_and_nobody_can_log_in_yet() -> None:
    loaded = read_plan(EXAMPLE)

    assert {"general", "enterprise"} == set(loaded.plan.lines)
    assert [warning for warning in loaded.warnings if "without a PIN" not in warning] == []
    assert {agent.pin_sha1 for agent in loaded.plan.agents.values()} == {""}


def test_same_text_has_same_version_another_text_another() -> None:
    assert parse_plan(GOOD).plan == parse_plan(GOOD).plan
    assert parse_plan(GOOD).plan.version != parse_plan(GOOD + "# x\n").plan.version


# (what is replaced, by what, the one line that must come)
MISTAKES = [
    ('default_line = "general"', 'default_line = "genral"', "p:1: default_line: there is no line 'genral': did you mean 'general'?"),
    ('default_line = "general"', "", "p: default_line: is missing"),
    ('default_line = "general"', 'default_line = "general"\nmax_mises = 3', "p:2: max_mises: there is no such key: did you mean 'max_misses'?"),
    ('default_line = "general"', 'default_line = "general"\nzone = "Mars/Base"', "p:2: zone: is no time zone of this machine, such as Asia/Shanghai (it is 'Mars/Base')"),
    ('default_line = "general"', 'default_line = "general"\nhandover_exit = { line = "x" }', "p:2: handover_exit.line: there is no line 'x'"),
    ('01 = "Tax"', '1 = "Tax"\n01 = "Tax"', "p:3: topics.1: a topic's code is two digits (dialled after *7) (it is '1')"),
    ('1 = "break"', '12 = "break"', "p:5: not_ready_reasons.12: a reason's key is one digit (dialled after *14) (it is '12')"),
    ('1 = "break"', '1 = "missed"', "p:5: not_ready_reasons.1: 'missed' is set by the service itself: choose another word (it is 'missed')"),
    ('name = "群众诉求"', 'name = "a\\nb"', "p:7: lines.general.name: must not hold control characters (it is 'a\\nb')"),
    ('dids = ["12346"]', 'dids = ["12345"]', "p:14: lines.enterprise.dids: number 12345 belongs to line 'general' already"),
    ('dids = ["12346"]', 'dids = ["1 2"]', "p:14: lines.enterprise.dids[0]: a dialled number is 1 to 32 of 0-9 * # + (it is '1 2')"),
    ('dids = ["12346"]', "priority_s = 601", "p:14: lines.enterprise.priority_s: must be less than or equal to 600 (it is 601)"),
    ('dids = ["12346"]', "priority_s = nan", "p:14: lines.enterprise.priority_s: must be a finite number (it is nan)"),
    ('dids = ["12346"]', 'ring_s = "20"', "p:14: lines.enterprise.ring_s: must be a valid integer (it is '20')"),
    ('dids = ["12346"]', 'strategy = "longest_idel"', "p:14: lines.enterprise.strategy: there is no strategy 'longest_idel'"),
    ('dids = ["12346"]', "wrapup_max_s = 5", "p:14: lines.enterprise.wrapup_max_s: is less than wrapup_s"),
    ('dids = ["12346"]', 'on_full = { line = "nowhere" }', "p:14: lines.enterprise.on_full.line: there is no line 'nowhere'"),
    ('dids = ["12346"]', 'on_full = { line = "enterprise" }', "p:14: lines.enterprise.on_full.line: line 'enterprise' names itself"),
    ('dids = ["12346"]', 'on_full = { line = "general", reject = true }', "p:14: lines.enterprise.on_full: name exactly one of line, number, voicemail, reject = true"),
    ('dids = ["12346"]', 'greeting = "hi,${X}"', "p:14: lines.enterprise.greeting: a sound is a file of at most 80 letters, digits, _ -, with single . / between them, without its suffix (it is 'hi,${X}')"),
    ('dids = ["12346"]', 'on_closed = { reject = true, prompt = "../secret" }', "p:14: lines.enterprise.on_closed.prompt: a sound is a file of at most 80 letters, digits, _ -, with single . / between them, without its suffix (it is '../secret')"),
    ('dids = ["12346"]', 'on_max_wait = { line = "general", prompt = "/etc/x" }', "p:14: lines.enterprise.on_max_wait.prompt: a sound is a file of at most 80 letters, digits, _ -, with single . / between them, without its suffix (it is '/etc/x')"),
    ('dids = ["12346"]', 'on_no_agent = { voicemail = "10a" }', "p:14: lines.enterprise.on_no_agent.voicemail: a mailbox is 1 to 10 digits (it is '10a')"),
    ('dids = ["12346"]', 'on_full = { voicemail = "" }', "p:14: lines.enterprise.on_full.voicemail: a mailbox is 1 to 10 digits (it is '')"),
    ('dids = ["12346"]', 'on_closed = { prompt = "a" }', "p:14: lines.enterprise.on_closed: name exactly one of line, number, voicemail, reject = true"),
    ('dids = ["12346"]', 'hours = "Mon-Fri 9-17"', "p:14: lines.enterprise.hours: 'Mon-Fri 9-17' is not of the form 'Mon-Fri 09:00-17:00' (it is 'Mon-Fri 9-17')"),
    ("[[specialists]]", '[[exceptions]]\ndate = 2026-10-01\nlines = ["x"]\n[[specialists]]', "p:28: exceptions[0].lines: there is no line 'x'"),
    ("[[specialists]]", '[[exceptions]]\ndate = 2026-10-01\nhours = "9-12"\n[[specialists]]', "p:28: exceptions[0].hours: 'Mon-Sun 9-12' is not of the form 'Mon-Fri 09:00-17:00' (it is '9-12')"),
    ("[[specialists]]", '[[exceptions]]\ndate = "1 May"\n[[specialists]]', "p:27: exceptions[0].date: "),
    ("[[specialists]]", '[[exceptions]]\ndate = 2026-10-01\nlines = ["general"]\n[[exceptions]]\ndate = 2026-10-01\nlines = ["enterprise", "general"]\n[[specialists]]', "p:30: exceptions[1].date: 2026-10-01 has an exception for line 'general' already"),
    ('need = "enterprise >= 2"', 'need = "enterprise >="', "p:15: lines.enterprise.need: need 'enterprise >='"),
    ('need = "enterprise >= 2"', "need = 3", "p:15: lines.enterprise.need: must be text, such as 'general >= 1' (it is 3)"),
    ('need = "general >= 1"', 'need = "judo >= 1"', "p:10: lines.general.need: no agent of the plan could ever take a call of this line, not even by its steps"),
    ("after_s = 40", "after_s = 20", "p:20: lines.enterprise.steps[1].after_s: must be later than the step before it"),
    ('after_s = 40\nline = "general"', 'after_s = 40\nline = "x"', "p:21: lines.enterprise.steps[1].line: there is no line 'x'"),
    ('after_s = 40\nline = "general"', "after_s = 40", "p:19: lines.enterprise.steps[1]: changes nothing: give it a need, a line or a priority_s"),
    ("[lines.enterprise]", "[lines.all]", "p:11: lines.all: 'all' stands for all lines together where figures are shown: choose another code (it is 'all')"),
    ("[lines.enterprise]", "[lines.Enterprise]", "p:11: lines.Enterprise: a line's code is 1 to 24 of a-z 0-9 _ - (it is 'Enterprise')"),
    ("[agents.1001]", "[agents.1001x]", "p:22: agents.1001x: an agent's number is 1 to 10 digits (it is '1001x')"),
    ("enterprise = 2 }", "enterprise = 0 }", "p:24: agents.1001.skills.enterprise: must be greater than or equal to 1 (it is 0)"),
    ("enterprise = 2 }", "and = 2, enterprise = 2 }", "p:24: agents.1001.skills.and: a skill is a word such as tax or policy.tax, at most 40 letters (it is 'and')"),
    ('number = "801"', 'number = "sip:801"', "p:27: specialists[0].number: an outside number is 2 to 20 digits (it is 'sip:801')"),
    ('topics = ["01"]', 'topics = ["01", "07"]', "p:29: specialists[0].topics: topic 07 is not in [topics]"),
    ('topics = ["01"]', 'topics = ["01"]\ndepartment = "a\\u0085b"', "p:30: specialists[0].department: must not hold control characters"),
    ('topics = ["01"]', 'topics = ["01"]\ntarget = "sip"', "p:30: specialists[0].target: must be 'endpoint' or 'trunk' (it is 'sip')"),
    ('topics = ["01"]', 'topics = ["01"]\nhours = "9-5"', "p:30: specialists[0].hours: '9-5' is not of the form 'Mon-Fri 09:00-17:00' (it is '9-5')"),
    ("[[specialists]]", "[specialists]", "p:26: specialists: must be a list: begin each with [[specialists]]"),
    ("[[specialists]]", '[[specialists]]\nnumber = "801"\nname = "a"\ntopics = ["01"]\n[[specialists]]', "p:31: specialists[1].number: 801 is listed twice: give one entry all topics"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line"), MISTAKES, ids=[line.split(": ")[1] for _, _, line in MISTAKES])
def test_author_makes_one_mistake_its_line_key_and_reason_are_named(old: str, new: str, line: str) -> None:
    assert GOOD.count(old) >= 1

    told = problems(GOOD.replace(old, new, 1))

    assert [one for one in told if one.startswith(line)], told


def test_author_makes_many_mistakes_all_are_told_at_once_in_order_of_the_file() -> None:
    text = GOOD.replace("12345", "x").replace("after_s = 40", "after_s = 2").replace('["01"]', '["99"]')

    assert [problem.split(": ")[0] for problem in problems(text)] == ["p:9", "p:20", "p:29"]


@pytest.mark.parametrize(
    ("text", "where"),
    [("a = 1\nb = \n", "p:2: "), ("[lines.x]\n[lines.y]\n[lines.x]\n", "p:3: "), ('x = "\n', "p:1: ")],
)
def test_author_breaks_the_syntax_the_line_is_named(text: str, where: str) -> None:
    assert problems(text)[0].startswith(where)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "9" * 5000,
        "x = " + "[" * 3000,
        GOOD.replace("general >= 1", "(" * 390),
        GOOD.replace("general >= 1", "(" * 4000),
        GOOD.replace('need = "general >= 1"', "need = 0x" + "f" * 5000),
        GOOD.replace('name = "Wang"', "name = 1979-05-27"),
    ],
    ids=["digits", "brackets", "nested need", "long need", "huge number", "date"],
)
def test_author_writes_the_absurd_it_is_a_problem_not_a_crash(text: str) -> None:
    assert problems(text)


VALUES = [
    "1",
    "-1",
    '""',
    '"x"',
    "true",
    "1.5",
    "inf",
    "[]",
    '["x"]',
    "{}",
    "{ x = 1 }",
    "[[]]",
    "1979-05-27",
    '"a\\u0000"',
]


@given(line=st.integers(0, GOOD.count("\n") - 1), value=st.sampled_from(VALUES), drop=st.booleans())
def test_author_spoils_any_line_the_plan_loads_or_says_why(line: int, value: str, drop: bool) -> None:
    lines = GOOD.splitlines()
    key, sign, _ = lines[line].partition(" = ")
    lines[line] = f"{key} = {value}" if sign and not drop else ""

    try:
        parse_plan("\n".join(lines), "p")
    except PlanError as error:
        assert all(problem.startswith("p:") for problem in error.problems)
        assert error.problems


def test_author_builds_a_circle_of_exits_it_is_shown() -> None:
    text = GOOD.replace('dids = ["12345"]', 'on_full = { line = "enterprise" }').replace(
        'dids = ["12346"]', 'on_max_wait = { line = "general" }'
    )

    assert problems(text) == ("p:6: lines.general: exits run in a circle: general -> enterprise -> general",)


@pytest.mark.parametrize("key", ["on_closed", "on_no_agent", "on_full", "on_max_wait"])
def test_author_leads_closed_lines_in_a_circle_it_is_shown_whatever_the_exit(key: str) -> None:
    text = GOOD.replace('dids = ["12345"]', 'on_closed = { line = "enterprise", prompt = "a" }').replace(
        'dids = ["12346"]', f'{key} = {{ line = "general" }}'
    )

    assert problems(text) == ("p:6: lines.general: exits run in a circle: general -> enterprise -> general",)


def test_author_ends_every_way_in_voicemail_there_is_no_circle() -> None:
    text = GOOD.replace('dids = ["12345"]', 'on_closed = { line = "enterprise" }').replace(
        'dids = ["12346"]', 'on_closed = { voicemail = "100" }\non_full = { voicemail = "100", prompt = "own/full" }'
    )

    plan = parse_plan(text, "p").plan

    assert plan.lines["enterprise"].on_full == Exit(voicemail="100", prompt="own/full")
    assert [one.voicemail for one in plan.exits() if one.voicemail] == ["100", "100"]


def test_author_mistypes_a_pin_it_is_not_shown() -> None:
    told = problems(GOOD.replace("00112233445566778899aabbccddeeff00112233", "482913"))

    assert told[0].startswith("p:25: agents.1001.pin_sha1: must be 40 hex digits")
    assert "482913" not in told[0]


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("enterprise >= 1", "enterprize >= 1", "p:18: lines.enterprise.steps[0].need: no agent has the skill 'enterprize': did you mean 'enterprise'?"),
        ('01 = "Tax"', '01 = "Tax"\n02 = "Labour"', "p:4: topics.02: no specialist has this topic: asking for it finds nobody"),
        ('dids = ["12346"]', "max_wait_s = 30", "p:20: lines.enterprise.steps[1].after_s: is never reached: callers leave after max_wait_s = 30"),
        ('dids = ["12346"]', "", "p:11: lines.enterprise: no number, step or exit leads to this line"),
        ('number = "801"', 'number = "1001"', "p:27: specialists[0].number: 1001 is an agent's number too: figures may be mixed up"),
        ('pin_sha1 = "00112233445566778899aabbccddeeff00112233"', "", "p:22: agents.1001: without a PIN nobody can log in: 1001. 'callcenter plan pin 1001' makes the line"),
    ],
)  # fmt: skip
def test_author_writes_something_doubtful_is_warned_and_it_loads(old: str, new: str, warning: str) -> None:
    assert warning in parse_plan(GOOD.replace(old, new, 1), "p").warnings


def test_operator_names_missing_file_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"nix\.toml: there is no such file: copy config/plan\.example\.toml"):
        load_plan(tmp_path / "nix.toml")


def test_operator_saves_plan_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(GOOD.encode("gb18030"))

    with pytest.raises(PlanError, match="is not UTF-8 text"):
        load_plan(tmp_path / "p.toml")


def test_supervisor_compares_same_plans_nothing_is_said() -> None:
    assert plan_diff(parse_plan(GOOD), parse_plan(GOOD + "# comment\n")) == []


def test_supervisor_compares_plans_every_change_is_said_in_words() -> None:
    text = (
        GOOD.replace("after_s = 40", "after_s = 60")
        .replace('01 = "Tax"', '01 = "Tax"\n02 = "Labour"')
        .replace('1 = "break"', '1 = "meal"')
        .replace("general = 1,", "general = 3,")
        .replace("00112233445566778899aabbccddeeff00112233", "f" * 40)
        .replace('["12345"]', '["12345", "96345"]')
        .replace('number = "801"', 'number = "802"')
        + 'hours = "Mon-Fri 09:00-17:00"\n[agents.1002]\nname = "Li"\nskills = { general = 1 }\n'
    )

    assert plan_diff(parse_plan(GOOD), parse_plan(text)) == [
        "reason 1: break becomes meal",
        "topic 02 is added: Labour",
        "line general: dids (12345) becomes (12345; 96345)",
        (
            "line enterprise: steps (after 20 s 'enterprise >= 1'; after 40 s line general)"
            " becomes (after 20 s 'enterprise >= 1'; after 60 s line general)"
        ),
        "agent 1001: skills general 1, enterprise 2 becomes general 3, enterprise 2",
        "agent 1001: PIN is changed",
        "agent 1002 (Li) is added",
        "specialist 801 (Sun) is removed",
        "specialist 802 (Sun) is added",
    ]


def test_supervisor_changes_plan_wide_keys_they_are_said() -> None:
    old = parse_plan(GOOD)
    new = replace(
        old, plan=replace(old.plan, max_misses=5, handover_exit=Exit(number="96345"), default_line="enterprise")
    )

    assert plan_diff(old, new) == [
        "plan: default_line general becomes enterprise",
        "plan: max_misses 3 becomes 5",
        "plan: handover_exit none becomes to number 96345",
    ]


@pytest.mark.parametrize(
    ("text", "local", "is_open"),
    [
        ("", datetime(2026, 1, 4, 3, 0, tzinfo=ZONE), True),
        ("Mon-Fri 09:00-17:00", datetime(2026, 1, 5, 9, 0, tzinfo=ZONE), True),
        ("Mon-Fri 09:00-17:00", datetime(2026, 1, 5, 17, 0, tzinfo=ZONE), False),
        ("Mon-Fri 09:00-17:00", datetime(2026, 1, 4, 12, 0, tzinfo=ZONE), False),
        ("Sat-Mon 00:00-24:00", datetime(2026, 1, 4, 23, 59, tzinfo=ZONE), True),
        ("Mon 08:00-09:00; Tue 08:00-09:00", datetime(2026, 1, 6, 8, 30, tzinfo=ZONE), True),
    ],
)
def test_seat_asks_specialist_his_hours_decide(text: str, local: datetime, is_open: bool) -> None:
    assert parse_hours(text).is_open(local) is is_open


def test_reader_changes_hours_exceptions_and_exits_each_is_a_sentence() -> None:
    text = GOOD.replace(
        'dids = ["12346"]',
        'dids = ["12346"]\nhours = "Mon-Fri 09:00-17:00"\non_closed = { voicemail = "100", prompt = "own/closed" }',
    ).replace("[[specialists]]", '[[exceptions]]\ndate = 2026-10-01\nlines = ["enterprise"]\n[[specialists]]')

    assert plan_diff(parse_plan(GOOD), parse_plan(text)) == [
        "plan: exceptions () becomes (2026-10-01 closed for enterprise)",
        "line enterprise: hours none becomes Mon-Fri 09:00-17:00",
        "line enterprise: on_closed refuse becomes to voicemail 100 with prompt own/closed",
    ]


def test_author_makes_an_exception_for_lines_without_hours_is_warned() -> None:
    text = GOOD.replace("[[specialists]]", "[[exceptions]]\ndate = 2026-10-01\n[[specialists]]")

    assert (
        "p:26: exceptions[0].lines: holds for no line: none has hours, and it names none"
        in parse_plan(text, "p").warnings
    )


@pytest.mark.parametrize(
    ("top", "own", "warnings"),
    [
        ("", '"025123"', ()),
        ("", '""', ("line 'general' has no outbound_number: called parties see the trunk's own",)),
        ('outbound_deny = ["0"]', '"025123"', ()),
        ("outbound_deny = []", '"025123"', ("nothing that begins with 00 is denied: agents may dial abroad",)),
        ('outbound_deny = ["0086"]', '"025123"', ("nothing that begins with 00 is denied: agents may dial abroad",)),
        ('outbound_deny = ["00", "001"]', '"025123"', ("'001' is denied already by '00'",)),
        ('outbound_deny = ["00", "00"]', '"025123"', ("'00' is denied already by '00'",)),
        (
            'outbound_deny = ["00", "12"]',
            '"025123"',
            ("'12' does not deny 110, 119, 120, 122: every phone may dial them",),
        ),
    ],
)
def test_author_lets_agents_dial_out_and_is_warned_of_what_is_hardly_meant(
    top: str, own: str, warnings: tuple[str, ...]
) -> None:
    text = GOOD.replace('name = "Wang"', 'name = "Wang"\noutbound = "general"')
    text = text.replace('need = "general >= 1"\n[lines', f'need = "general >= 1"\noutbound_number = {own}\n[lines')
    found = parse_plan(f"{top}\n{text}", "p")
    assert tuple(warning.split(": ", 2)[2] for warning in found.warnings) == warnings
    assert (found.plan.agents["1001"].outbound, found.plan.country_code) == ("general", "86")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name = "Wang"', 'name = "Wang"\noutbound = "genral"', "there is no line 'genral': did you mean 'general'?"),
        (
            'need = "general >= 1"\n',
            'need = "general >= 1"\noutbound_number = "12 34"\n',
            "an own number is 2 to 20 digits",
        ),
        (
            'need = "general >= 1"\n',
            'need = "general >= 1"\noutbound_number = "+"\n',
            "an own number is 2 to 20 digits",
        ),
        ("[topics]", 'outbound_deny = ["0a"]\n[topics]', "the beginning of a number is 1 to 20 of"),
        ("[topics]", 'country_code = "+86"\n[topics]', "a country's code is 1 to 4 digits"),
    ],
)
def test_author_mistypes_what_belongs_to_dialling_out_and_it_is_named(old: str, new: str, reason: str) -> None:
    (problem,) = problems(GOOD.replace(old, new, 1))
    assert reason in problem


BLOCKED = """
[[blocked]]
number = "13900001234"
why = "harassment"
[[blocked]]
prefix = "+9900"
why = "fraud"
prompt = "own/no"
"""


def test_author_blocks_numbers_they_are_in_the_plan_in_the_files_order() -> None:
    found = parse_plan(GOOD + BLOCKED, "p")

    assert found.warnings == ()
    assert found.plan.blocked == (
        BlockedNumber("13900001234", "harassment"),
        BlockedNumber("+9900", "fraud", is_beginning=True, prompt="own/no"),
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('number = "13900001234"', "p:30: blocked[0].why: is missing"),
        ('why = "x"', "p:30: blocked[0]: name exactly one of number (a whole number) and prefix (the beginning of some)"),
        ('number = "139000"\nprefix = "139"\nwhy = "x"', "p:30: blocked[0]: name exactly one of number (a whole number) and prefix"),
        ('number = ""\nwhy = "x"', "p:31: blocked[0].number: must be 3 to 20 digits, with a + before them or without (it is '')"),
        ('number = "anonymous"\nwhy = "x"', "p:31: blocked[0].number: must be 3 to 20 digits, with a + before them or without (it is 'anonymous')"),
        ('prefix = "0*"\nwhy = "x"', "p:31: blocked[0].prefix: must be 3 to 20 digits, with a + before them or without (it is '0*')"),
        ('prefix = "13"\nwhy = "x"', "p:31: blocked[0].prefix: must be 3 to 20 digits, with a + before them or without (it is '13')"),
        ('prefix = "+8613"\nwhy = "x"', "p:31: blocked[0].prefix: has fewer than 3 digits without the country's own code 86"),
        ('prefix = "0086"\nwhy = "x"', "p:31: blocked[0].prefix: has fewer than 3 digits without the country's own code 86"),
        ('number = "13900001234"\nwhy = " "', "p:32: blocked[0].why: must not be blank (it is ' ')"),
        ('number = "13900001234"\nwhy = "x"\nline = "general"', "p:33: blocked[0].line: there is no such key"),
        ('number = "13900001234"\nwhy = "x"\nprompt = "../x"', "p:33: blocked[0].prompt: a sound is a file of at most 80 letters"),
        ('number = "13900001234"\nwhy = "x"\n[[blocked]]\nnumber = "+8613900001234"\nwhy = "y"', "p:34: blocked[1].number: +8613900001234 is blocked already"),
    ],
)  # fmt: skip
def test_author_mistypes_a_blocked_number_and_it_is_named(entry: str, problem: str) -> None:
    (told,) = problems(f"{GOOD}[[blocked]]\n{entry}\n")
    assert told.startswith(problem)


def test_author_begins_the_list_as_a_table_is_told_how_it_is_written() -> None:
    assert problems(GOOD + '[blocked]\nnumber = "13900001234"\n') == (
        "p:30: blocked: must be a list: begin each with [[blocked]]",
    )


@pytest.mark.parametrize(
    ("entry", "key"), [('number = "1390000"', "number"), ('prefix = "139"', "prefix"), ('prefix = "0086139"', "")]
)
def test_author_blocks_what_a_wider_beginning_blocks_already_is_warned(entry: str, key: str) -> None:
    text = f'{GOOD}[[blocked]]\nprefix = "138"\nwhy = "a"\n[[blocked]]\n{entry}\nwhy = "b"\n'
    wider = '[[blocked]]\nprefix = "1390"\nwhy = "c"\n'
    told = {
        "number": ("p:34: blocked[1].number: is blocked already by the prefix 1390",),
        "prefix": ("p:37: blocked[2].prefix: is blocked already by the prefix 139",),
        "": ("p:37: blocked[2].prefix: is blocked already by the prefix 139",),
    }
    assert parse_plan(text + wider, "p").warnings == told[key]


def test_supervisor_compares_lists_of_blocked_numbers_each_entry_is_named_with_its_why() -> None:
    changed = BLOCKED.replace("13900001234", "13900009999").replace("fraud", "fraud, police file 17")

    assert plan_diff(parse_plan(GOOD + BLOCKED), parse_plan(GOOD + changed)) == [
        "blocked 13900001234 (harassment) is removed",
        "blocked +9900*: why fraud becomes fraud, police file 17",
        "blocked 13900009999 (harassment) is added",
    ]


def test_author_marks_a_reason_as_case_work_and_a_word_that_is_none_is_named() -> None:
    text = GOOD.replace('1 = "break"', '1 = "break"\n5 = "write_up"')

    plan = parse_plan('case_work_reasons = ["write_up"]\n' + text, "p")
    assert plan.plan.case_work_reasons == ("write_up",)
    assert plan_diff(parse_plan(text), plan) == ["plan: case_work_reasons () becomes (write_up)"]
    assert problems('case_work_reasons = ["writeup"]\n' + text) == (
        "p:1: case_work_reasons: there is no reason 'writeup' in [not_ready_reasons]: did you mean 'write_up'?",
    )
    assert problems('case_work_reasons = "write_up"\n' + text)[0].startswith(
        "p:1: case_work_reasons: must be a valid list"
    )
