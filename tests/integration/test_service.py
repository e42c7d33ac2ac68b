"""The running service on a real PBX: plan changes, log-ins, hostile callers, health, a database or a phone that goes away.

One office for all tests here, one more on PostgreSQL. The last test compares every counter of the whole run with the ledger.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from sqlalchemy import text

from callcenter.http.tokens import Audience, TokenStore, read_local_token
from callcenter.lab.baresip import Baresip
from callcenter.lab.postgres import Postgres
from callcenter.lab.sip_phone import RINGS_ONLY, Phone, header, says
from callcenter.storage.database import open_engine
from callcenter.storage.migrate import upgrade
from metrics.exporter import AGENT_SECONDS
from metrics.series import BOUNDS, SERIES, Kind
from tests.integration.agent_time import compare_time, states_going_on
from tests.integration.early_rest import unanswered_rest
from tests.integration.office import SEATS, Building, Office, Row, at_once, opened, until
from tests.integration.raw_ami import RawAmi

pytestmark = pytest.mark.pbx
REAL_AGENTS = {"2001": "8011", "2002": "8012"}


@pytest.fixture(scope="module")
def server(private_postgres: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL that tests here may crash."""
    own = Postgres()
    own.start_now()
    yield own
    own.stop_now()


@pytest.fixture(scope="module")
def postgres_building(server: Postgres) -> Iterator[Building]:
    """The office on PostgreSQL."""

    async def prepare() -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE DATABASE ledger")
        await connection.close()
        engine = open_engine(server.url("ledger").replace("postgresql://", "postgresql+asyncpg://"))
        await upgrade(engine)
        await engine.dispose()

    at_once(prepare)
    with opened(Building({"CALLCENTER_DATABASE_URL": server.url("ledger")})) as building:
        yield building


@pytest.fixture
async def postgres_office(postgres_building: Building) -> AsyncIterator[Office]:
    office = Office(postgres_building)
    yield office
    await office.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def any_office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """The office on each database."""
    name = "building" if request.param == "sqlite" else "postgres_building"
    office = Office(request.getfixturevalue(name))
    yield office
    await office.close()


async def waiting_on(office: Office, line: str, count: int) -> None:
    """Wait until so many callers wait in a line."""

    async def is_so() -> bool:
        return bool((await office.status())["engine"]["waiting"][line] == count)

    await until(is_so, f"{count} wait in {line}")


# the plan changes while calls run --------------------------------------------------------------------------------------


async def test_plan_reloaded_over_http_an_agent_learns_a_skill_and_takes_the_callers_in_their_order(
    office: Office,
) -> None:
    seats = office.site.seats
    agent_phone = await office.ready("1002")
    first, second = await office.caller("13800000011"), await office.caller("13800000012")
    first_leg = first.call("12348")
    await waiting_on(office, "tax", 1)
    second_leg = second.call("12348")
    await waiting_on(office, "tax", 2)

    async def known() -> dict[str, Row] | None:
        rows = {row["sip_call_id"]: row for row in await office.rows()}
        return rows if {first_leg.call_id, second_leg.call_id} <= set(rows) else None

    before = await until(known, "the ledger knows both callers")
    old = office.site.plan_text
    office.site.write_plan(
        old.replace(seats["8002"].toml(), seats["8002"].toml().replace("general = 1", "general = 1, tax = 1"))
    )

    refused, _ = await office.code_of("/plan/reload", "POST")
    _, token = TokenStore(office.site.state_dir).create(Audience.API, "2026-01-01T00:00:00+00:00")
    status, answer = await office.code_of("/plan/reload", "POST", token)
    ringing = await agent_phone.next_call()
    await _talks(office, "8002")
    agent_phone.hang_up(ringing)
    first_row = await office.row(first_leg)
    ringing_next = await agent_phone.next_call()
    await _talks(office, "8002")
    agent_phone.hang_up(ringing_next)
    second_row = await office.row(second_leg)
    office.site.write_plan(old)
    await office.code_of("/plan/reload", "POST", read_local_token(office.site.state_dir) or "")

    assert refused == 401
    assert status == 200
    assert any("8002" in change for change in json.loads(answer)["changes"])
    for row in (first_row, second_row):
        kept = before[row["sip_call_id"]]
        assert (row["arrived_ms"], row["queued_ms"], row["line_code"]) == (kept["arrived_ms"], kept["queued_ms"], "tax")
        assert (row["outcome"], row["agent"]) == ("agent_answered", "8002")
    assert first_row["answered_ms"] < second_row["answered_ms"]


async def test_plan_reloaded_by_sighup_a_new_line_is_reached_and_a_wrong_plan_changes_nothing(office: Office) -> None:
    old = office.site.plan_text
    version = (await office.status())["plan"]
    fresh = '[lines.fresh]\nname = "新"\nname_en = "New"\ndids = ["12349"]\nneed = "general >= 1"\nring_s = 5\nwrapup_s = 0\n'
    process = office.site.process
    assert process is not None

    office.site.write_plan(old.replace("[not_ready_reasons]", fresh + "[not_ready_reasons]"))
    process.send_signal(signal.SIGHUP)

    async def changed() -> str | None:
        now = str((await office.status())["plan"])
        return now if now != version else None

    newer = await until(changed, "the new plan is in force")
    await office.ready("1001")
    caller = await office.caller()
    leg = caller.call("12349")
    await leg.wait_for(200)
    caller.hang_up(leg)
    row = await office.row(leg)
    office.site.write_plan("default_line = 7")
    process.send_signal(signal.SIGHUP)
    await until(lambda: _logged(office, "plan not reloaded"), "the refusal is in the log")
    still = (await office.status())["plan"]
    office.site.write_plan(old)
    process.send_signal(signal.SIGHUP)

    assert row["line_code"] == "fresh"
    assert still == newer


async def _logged(office: Office, words: str) -> bool:
    return words in await asyncio.to_thread(office.site.log_tail, 200)


# who calls, and what ---------------------------------------------------------------------------------------------------


async def test_number_unknown_reaches_a_person_on_the_default_line_and_is_noted(office: Office) -> None:
    phone = await office.ready("1001")
    caller = await office.caller()
    leg = caller.call("99999")
    await phone.next_call()
    await leg.wait_for(200)
    caller.hang_up(leg)
    row = await office.row(leg)
    async with office.site.ledger() as ledger:
        notes = [note for note in await ledger.notes() if note["uniqueid"] == row["uniqueid"]]

    assert (row["line_code"], row["outcome"]) == ("general", "agent_answered")
    assert [note["what"] for note in notes] == ["unknown_did"]
    assert "99999" in notes[0]["detail"]


async def test_agents_phone_rings_it_shows_line_and_caller(office: Office) -> None:
    phone = await office.ready("1001")
    caller = await office.caller("13912345678")
    leg = caller.call("12345")
    ringing = await phone.next_call()
    shown = header(ringing.request, "From").encode("latin-1").decode("utf-8")
    caller.hang_up(leg)

    assert "群众诉求" in shown
    assert "13912345678" in shown
    assert "<sip:12345@" in shown


NAMES: dict[str, tuple[bytes, str]] = {
    "chinese": ('"王小明"'.encode(), "13800000101"),
    "latin1": (b'"Andr\xe9 \xff\xfe"', "13800000102"),
    "gbk": ('"王小明"'.encode("gbk"), "13800000103"),
    "quotes": (b'"a\\"b\\\'c; DROP TABLE calls;--"', "13800000104"),
    "dialplan": (b'"${SHELL(id)} $[1/0] ${CC_GO}"', "13800000105"),
    "commas": (b'"x,CC_GO=endpoint*1001*1-1*1*5,y"', "13800000106"),
    "ami lines": (b'"x%0d%0aAction: Hangup%0d%0aChannel: /.*/"', "13800000107"),
    "empty": (b'""', "13800000108"),
    "no name": (b"", "13800000109"),
    "long": (b'"' + b"A" * 2500 + b'"', "13800000110"),
    "number of signs": (b"", "a'b$c*d(e)f"),
    "number long": (b"", "9" * 900),
    "controls": (b'"a\x01\x07\x1b[31mb\x7f"', "13800000112"),
}


PLAIN_ENOUGH = {"chinese", "quotes", "dialplan", "commas", "empty", "no name", "long"}
"""Those that must reach a line; the others may."""


async def test_callers_are_hostile_each_is_stored_and_nothing_breaks(any_office: Office) -> None:
    office = any_office
    legs = {}
    for what, (name, number) in NAMES.items():
        caller = await office.caller()
        legs[what] = (caller, caller.call("12345", name=name, caller=number))
    taken = {}
    for what, (_, leg) in legs.items():
        try:
            await leg.wait_for(200, 20.0 if what in PLAIN_ENOUGH else 3.0)
        except TimeoutError:
            continue
        taken[what] = leg
    for hostile, leg in legs.values():
        hostile.hang_up(leg)
    rows = {what: await office.row(leg) for what, leg in taken.items()}
    async with office.site.ledger() as ledger:
        quarantine = await ledger.quarantine()
    phone = await office.ready("1001")
    caller = await office.caller()
    plain = caller.call("12345")
    await phone.next_call()
    await plain.wait_for(200)
    caller.hang_up(plain)

    assert set(taken) >= PLAIN_ENOUGH, sorted(taken)
    assert not quarantine
    assert rows["chinese"]["caller_name"] == "王小明"
    assert rows["chinese"]["caller_number"] == "13800000101"
    assert rows["dialplan"]["caller_name"].startswith("${SHELL(id)}")
    assert "CC_GO=endpoint" in rows["commas"]["caller_name"]
    assert rows["no name"]["caller_number"] == "13800000109"
    assert set(rows["long"]["caller_name"]) == {"A"}
    assert all(row["outcome"] == "abandoned_queue" for row in rows.values())
    assert (await office.row(plain))["outcome"] == "agent_answered"
    assert (await office.code_of("/readyz"))[0] == 200


# log-in ----------------------------------------------------------------------------------------------------------------


async def test_pin_wrong_five_times_locks_and_no_pin_is_ever_written(office: Office) -> None:
    pbx, site = office.site.pbx, office.site
    seat = site.seats["8009"]
    wrong = f"{(int(seat.pin) + 1) % 1_000_000:06d}"
    ami = await RawAmi.login(pbx.ami_port, "callcenter-events", pbx.managers["callcenter-events"])
    phones = [await office.phone(number) for number in SEATS]
    before = len(site.log_file.read_text(encoding="utf-8").splitlines())

    await asyncio.gather(*(office.key_in(phone, "8009", wrong) for phone in phones))
    await asyncio.gather(*(office.key_in(phone, "8009", wrong) for phone in phones[:2]))
    await asyncio.gather(office.key_in(phones[0], "8009", seat.pin), office.key_in(phones[1], "8888", "123457"))
    await ami.close()

    said = [line for line in site.log_file.read_text(encoding="utf-8").splitlines()[before:] if "login" in line]
    words = [line.rsplit(": ", 1)[-1] for line in said if "8009" in line]
    assert words == ["wrong"] * 5 + ["locked"]
    assert [line.rsplit(": ", 1)[-1] for line in said if "8888" in line] == ["wrong"]
    assert (await office.agent("8009"))["presence"] == "logged_out"
    places = {str(path): path.read_bytes() for path in _files(office)}
    places["ami events"] = bytes(ami.raw)
    assert any(path.endswith("callcenter.csv") for path in places)
    assert any(path.endswith("service.log") for path in places)
    for pin in (seat.pin, wrong, "123457"):
        assert not [place for place, written in places.items() if _is_pin(written, pin)]


def _files(office: Office) -> list[os.PathLike[str]]:
    roots = (office.site.pbx.folder / "log", office.site.state_dir)
    return [*(path for root in roots for path in root.rglob("*") if path.is_file()), office.site.log_file]


def _is_pin(written: bytes, pin: str) -> bool:
    """Whether the six digits stand alone somewhere: inside a longer number they are chance."""
    return re.search(rb"(?<![0-9a-f.])" + pin.encode() + rb"(?![0-9a-f.])", written) is not None


# phones that go away ---------------------------------------------------------------------------------------------------


async def test_phones_refuse_are_busy_or_ring_out_the_next_agent_gets_the_caller_and_only_a_miss_counts(
    office: Office,
) -> None:
    results = {}
    # the one who was busy rests 5 s: in the second round he is the one who answers, a little later
    for status, result, turns_down, takes in ((486, "busy", "1001", "1002"), (603, "refused", "1002", "1001")):
        await office.ready(turns_down, says(status))
        await office.ready(takes)
        caller = await office.caller()
        leg = caller.call("12345")
        await _talks(office, SEATS[takes])
        caller.hang_up(leg)
        row = await office.row(leg)
        results[result] = [(offer["agent"], offer["result"]) for offer in await office.offers(row)]
        assert (await office.agent(SEATS[turns_down]))["misses"] == 0
        await office.not_ready(turns_down)
        await office.not_ready(takes)
    third = await office.ready("1003", RINGS_ONLY)
    caller = await office.caller()
    leg = caller.call("12346")
    await third.next_call()
    await waiting_on(office, "special", 1)
    misses = await until(lambda: _misses(office, "8003"), "the ring time is over")
    caller.hang_up(leg)
    rung_out = await office.offers(await office.row(leg))

    assert results == {
        "busy": [("8001", "busy"), ("8002", "accepted")],
        "refused": [("8002", "refused"), ("8001", "accepted")],
    }
    assert misses == 1
    assert (rung_out[0]["agent"], rung_out[0]["result"]) == ("8003", "not_answered")


async def _talks(office: Office, agent: str) -> None:
    await office.until_presence(agent, "talking")


async def _misses(office: Office, agent: str) -> int:
    return int((await office.agent(agent))["misses"])


async def test_line_full_the_next_caller_is_refused_and_those_before_keep_waiting(office: Office) -> None:
    first, second = await office.caller(), await office.caller()
    waits = first.call("12346")
    await waiting_on(office, "special", 1)
    async with unanswered_rest(office.site.pbx):
        refused = second.call("12346")
        await asyncio.wait_for(refused.is_ended.wait(), 20)
    still = (await office.status())["engine"]["waiting"]["special"]
    first.hang_up(waits)
    rows = [await office.row(refused), await office.row(waits)]

    assert still == 1
    assert [status for status in refused.statuses() if status >= 200] == [486]
    assert [(row["outcome"], row["outcome_reason"]) for row in rows] == [("rejected", "full"), ("abandoned_queue", "")]


async def test_phone_registered_but_dead_is_unreachable_after_3_s_and_the_next_agent_answers(office: Office) -> None:
    phones = {number: await Baresip(office.site.pbx, number).start() for number in REAL_AGENTS}
    try:
        for number, agent in REAL_AGENTS.items():  # one after the other: who is ready first gets the call
            await phones[number].log_in(agent, office.site.seats[agent].pin)
            await office.until_presence(agent, "ready")
        dead, alive = phones["2001"], phones["2002"]
        alive.answer_after_s = 0.1
        assert dead.process is not None
        dead.process.send_signal(signal.SIGSTOP)
        caller = await office.caller()
        leg = caller.call("12347")
        await office.until_presence("8012", "talking")
        dead.process.send_signal(signal.SIGCONT)
        caller.hang_up(leg)
        row = await office.row(leg)
        offers = await office.offers(row)
        agent = await office.agent("8011")
    finally:
        for phone in phones.values():
            if phone.process is not None:
                phone.process.send_signal(signal.SIGCONT)
            await phone.stop()

    assert [(offer["agent"], offer["result"]) for offer in offers] == [("8011", "unreachable"), ("8012", "accepted")]
    assert 2_900 <= offers[0]["ended_ms"] - offers[0]["made_ms"] <= 4_000
    assert agent["misses"] == 0


async def test_phone_killed_is_unreachable_within_20_s_and_reachable_when_it_is_back(office: Office) -> None:
    phone = await Baresip(office.site.pbx, "2001").start()
    try:
        if (await office.agent("8011"))["presence"] == "logged_out":
            await phone.log_in("8011", office.site.seats["8011"].pin)
        await until(lambda: _reachable(office, "8011", True), "the phone is reachable", 10)
        phone.kill()
        await until(lambda: _reachable(office, "8011", False), "the killed phone is unreachable", 20)
        await phone.stop()
        phone = await Baresip(office.site.pbx, "2001").start()
        await until(lambda: _reachable(office, "8011", True), "the phone is reachable again", 10)
    finally:
        await phone.stop()


async def _reachable(office: Office, agent: str, wanted: bool) -> bool:
    return bool((await office.agent(agent))["reachable"] is wanted)


# dialling out ----------------------------------------------------------------------------------------------------------


async def test_agent_dials_out_the_ledger_has_his_outbound_call(office: Office) -> None:
    outside = await Phone.open("outside", ("127.0.0.3", office.site.pbx.outside_port), office.sip, RINGS_ONLY)
    phone = await office.ready("1001")
    leg = phone.call("913900000001")
    called = await outside.next_call()
    await office.until_presence("8001", "dialling")
    outside.reply(called, 200)
    await _talks(office, "8001")
    phone.hang_up(leg)
    row: Row = await until(lambda: _outbound(office), "the ledger has the outbound call")
    await office.until_presence("8001", "ready")
    await outside.close()

    assert "13900000001" in called.request.split("\r\n", 1)[0]
    assert row["answered_ms"] is not None
    assert row["arrived_ms"] <= row["answered_ms"] <= row["ended_ms"]


async def _outbound(office: Office) -> Row | None:
    rows = await office.rows()
    return next((row for row in rows if row["direction"] == "outbound" and row["ended_ms"] is not None), None)


# beside the service ----------------------------------------------------------------------------------------------------


async def test_check_beside_the_running_service_finds_it_and_disturbs_nothing(office: Office) -> None:
    caller = await office.caller()
    leg = caller.call("12346")
    await waiting_on(office, "special", 1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
    before = await office.status()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "callcenter", "check"],
        env=environment | office.site.settings(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    after = await office.status()
    ready = (await office.code_of("/readyz"))[0]
    caller.hang_up(leg)
    row = await office.row(leg)

    lines = {line[5:19].strip(): line for line in done.stdout.splitlines()}
    assert done.returncode == 0, done.stdout
    assert lines["state"].startswith("ok") and "in use by" in lines["state"]
    assert "the service of this state folder" in lines["leader"]
    assert ready == 200
    for key in ("epoch", "leader", "links", "refused_actions", "instance"):
        assert before[key] == after[key], key
    assert after["engine"]["waiting"]["special"] == 1
    assert row["outcome"] == "abandoned_queue"


# health ----------------------------------------------------------------------------------------------------------------


async def test_database_hangs_and_crashes_calls_go_on_and_the_ledger_is_complete_afterwards(
    postgres_office: Office, server: Postgres
) -> None:
    office = postgres_office
    phone = await office.ready("1001")

    async def call() -> str:
        caller = await office.caller()
        leg = caller.call("12345")
        ringing = await phone.next_call()
        await _talks(office, "8001")
        caller.hang_up(leg)
        await asyncio.wait_for(ringing.is_ended.wait(), 5)
        await office.until_presence("8001", "ready")
        return leg.call_id

    ids = [await call()]
    server.freeze()
    ids += [await call(), await call()]
    server.thaw()
    ids.append(await call())
    await asyncio.to_thread(server.kill_now)
    ids += [await call(), await call()]
    away = await until(lambda: _ledger_word(office), "readyz says that the ledger is away", 12)
    ready_without, _ = await office.code_of("/readyz")
    database_up = (await office.samples())["callcenter_database_up"][()]
    await asyncio.to_thread(server.resume_now)
    ids.append(await call())

    async def complete() -> list[Row] | None:
        rows = [row for row in await office.rows() if row["sip_call_id"] in ids and row["ended_ms"] is not None]
        return rows if len(rows) == len(ids) else None

    rows = await until(complete, "the ledger has all calls", 20)
    assert ready_without == 200
    assert away != "ok"
    assert database_up == 0
    assert [row["sip_call_id"] for row in rows] == ids
    assert {(row["outcome"], row["agent"]) for row in rows} == {("agent_answered", "8001")}


async def _ledger_word(office: Office) -> str | None:
    word = str(json.loads((await office.code_of("/readyz"))[1])["ledger"])
    return word if word != "ok" else None


async def test_asterisk_is_away_readyz_says_what_is_missing_and_all_is_well_when_it_is_back(office: Office) -> None:
    pbx = office.site.pbx
    before = await office.code_of("/readyz")
    await pbx.kill()

    async def not_ready() -> Row | None:
        status, body = await office.code_of("/readyz")
        parts: Row = json.loads(body)
        return parts if status == 503 and not parts["ami_actions"] and not parts["ami_events"] else None

    missing_parts = await until(not_ready, "readyz answers 503, and both links are known to be gone")
    alive = await office.code_of("/healthz")
    link_up = (await office.samples())["callcenter_ami_link_up"]
    await pbx.resume()
    await office.site.wait_ready()
    await office.ready("1001")
    caller = await office.caller()
    leg = caller.call("12345")
    await _talks(office, "8001")
    caller.hang_up(leg)

    assert before[0] == 200
    assert {name for name, word in missing_parts.items() if word is False} >= {
        "ready",
        "ami_actions",
        "ami_events",
        "snapshot",
    }
    assert alive == (200, '{"alive":true}')
    assert set(link_up.values()) == {0}
    assert (await office.row(leg))["outcome"] == "agent_answered"


# figures: last, over everything that happened above --------------------------------------------------------------------


async def test_run_is_over_every_counter_equals_its_query_on_the_ledger(office: Office) -> None:
    async def drained() -> bool:
        return (await office.samples())["callcenter_outbox_records"][()] == 0

    await until(drained, "the ledger has every record")
    before_s = time.time()
    samples = await office.samples()
    compared: dict[str, int] = {}
    async with office.site.ledger() as ledger, ledger.engine.connect() as connection:
        for name, series in SERIES.items():
            if series.ledger is None:
                continue
            rows = [tuple(row) for row in await connection.execute(text(series.ledger))]
            if name == AGENT_SECONDS:
                compare_time(rows, samples[name], await states_going_on(connection), (before_s, time.time()))
            elif series.kind is Kind.COUNTER:
                moved = {labels: value for labels, value in samples.get(name, {}).items() if value}
                assert moved == {row[:-1]: row[-1] for row in rows if row[-1]}, name
            else:
                _compare_histogram(name, rows, samples)
            compared[name] = len(rows)

    assert set(compared) == {name for name, series in SERIES.items() if series.ledger is not None}
    elsewhere = {"callcenter_handovers_total", "callcenter_calls_blocked_total"}  # other files' calls move these
    assert {name for name, rows in compared.items() if not rows} == elsewhere, compared
    assert not any(samples["callcenter_fallback_entries_total"].values())  # the service lived all the time
    offers = samples["callcenter_offers_total"]
    assert {("accepted",), ("not_answered",), ("busy",), ("refused",), ("unreachable",)} <= set(offers)
    ended = {labels[1] for labels in samples["callcenter_calls_ended_total"]}
    assert {"agent_answered", "abandoned_queue", "rejected"} <= ended
    assert samples["callcenter_wish_seconds_count"][()] >= sum(offers.values()) - offers.get(("failed",), 0)
    assert min(samples["callcenter_ami_link_seconds"].values()) > 0
    assert 0 < samples["callcenter_phone_occupancy_ratio"][()] < 1
    assert samples["callcenter_estimated_wait_error_seconds_count"][("general",)] > 0
    assert samples["callcenter_wish_seconds_sum"][()] / samples["callcenter_wish_seconds_count"][()] < 0.5


def _compare_histogram(
    name: str, rows: list[tuple[object, ...]], samples: dict[str, dict[tuple[str, ...], float]]
) -> None:
    bounds, unit = BOUNDS[name]
    values: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        assert isinstance(row[-1], int)
        values.setdefault(row[:-1], []).append(row[-1])
    moved = {labels: count for labels, count in samples[f"{name}_count"].items() if count}
    assert {labels: len(seen) for labels, seen in values.items()} == moved
    for labels, seen in values.items():
        assert samples[f"{name}_sum"][labels] == pytest.approx(sum(seen) / unit)  # type: ignore[index]  # its labels are there
        for bound in bounds:
            inside = sum(value <= bound for value in seen)
            shown = {float(at[-1]): count for at, count in samples[f"{name}_bucket"].items() if at[:-1] == labels}
            assert shown[bound / unit] == inside, (name, labels, bound)
