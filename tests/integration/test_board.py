"""The wallboard in a real browser, beside a real service on a real PBX: what stands on it is what the ledger has.

The pages are looked at by DevTools as a supervisor sees them: numbers are read from the page, not from the stream.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callcenter.board.day import hours_of_day
from callcenter.http.tokens import Audience, TokenStore, read_local_token
from callcenter.lab.browser import Browser
from callcenter.lab.devtools import DevTools, Page, devtools
from callcenter.lab.sip_phone import answers
from callcenter.storage.database import open_engine
from tests.counted import figure_text, totals_between
from tests.integration.office import Building, Office, Row, until
from tests.integration.stalls import least
from tests.integration.supervised_office import ordered

pytestmark = pytest.mark.pbx

QUIET_UNTIL_TRIED_AGAIN_S = 4.0
"""The page tries anew after 5 s without a word."""
ASKED_AGAIN_AFTER_S = 6.0
"""The log-in of a screen that was not judged is tried anew after 5 s."""
FIGURES = """Object.fromEntries([...document.querySelectorAll('.figure')].map(
    tile => [tile.dataset.figure, tile.querySelector('.value')?.textContent]))"""
CONTRASTS = """
    const linear = part => (part /= 255) <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const colour = text => text.match(/[\\d.]+/g).map(Number);
    const grey = ([r, g, b, ...rest]) => [...Array(3).fill(0.2126 * r + 0.7152 * g + 0.0722 * b), ...rest];
    const isGrey = node => node !== null && (getComputedStyle(node).filter === 'grayscale(1)' || isGrey(node.parentElement));
    const seen = (node, text) => isGrey(node) ? grey(colour(text)) : colour(text);
    const ground = node => {
        const own = seen(node, getComputedStyle(node).backgroundColor);
        return own.length < 4 || own[3] === 1 ? own : ground(node.parentElement);
    };
    const contrast = (node, text = getComputedStyle(node).color) => {
        const [one, other] = [light(seen(node, text)), light(ground(node))];
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    };
"""
"""How a colour differs from the ground of a node, through the grey that lies over what is stale."""
HARD_TO_READ = (
    "(() => {"
    + CONTRASTS
    + """
    const texts = () => [...document.querySelectorAll('body *')].filter(node => node.getClientRects().length
        && [...node.childNodes].some(part => part.nodeType === Node.TEXT_NODE && part.data.trim()));
    document.querySelector('#stale').hidden = false;
    document.querySelector('#stale-text').textContent = 'stale';
    let looked = 0;
    const found = new Set();
    for (const live of ['live', 'stale']) for (const theme of ['dark', 'light']) for (const level of ['none', 'ok', 'warn', 'alarm'])
        for (const state of ['ready', 'ringing', 'talking', 'hold', 'acw', 'dialling', 'case_work', 'not_ready', 'unreachable', 'logged_out']) {
            document.body.dataset.live = live;
            document.documentElement.dataset.theme = theme;
            if (isGrey(document.querySelector('main')) !== (live === 'stale')) found.add(`${live}: grey or not`);
            for (const node of document.querySelectorAll('[data-level]')) node.dataset.level = level;
            for (const node of document.querySelectorAll('[data-state]')) node.dataset.state = state;
            for (const node of texts()) {
                looked += 1;
                if (contrast(node) < 4.5) found.add(`${live} ${theme} ${level} ${state} ${node.className} ${node.textContent}`);
            }
        }
    return {looked, found: [...found]};
})()"""
)
CHART_HARD_TO_READ = (
    "(() => {"
    + CONTRASTS
    + """
    const canvas = document.querySelector('#plot canvas');
    const pen = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
    const asRgb = text => {
        pen.fillStyle = text;
        pen.fillRect(0, 0, 1, 1);
        return `rgb(${pen.getImageData(0, 0, 1, 1).data.slice(0, 3).join()})`;
    };
    const {plugins, scales} = Chart.getChart(canvas).options;
    const labels = {legend: plugins.legend.labels.color, x: scales.x.ticks.color, y: scales.y.ticks.color};
    const found = [];
    for (const live of ['live', 'stale']) {
        document.body.dataset.live = live;
        for (const [name, drawn] of Object.entries(labels))
            if (!(contrast(canvas, asRgb(drawn)) >= 4.5)) found.push(`${live} ${name} ${drawn}`);
    }
    document.body.dataset.live = 'live';
    return {looked: Object.values(labels), found};
})()"""
)
"""The chart is a picture: the colours that its labels are drawn with, before the ground that it is drawn on."""
CUT_OFF = """[...document.querySelectorAll('.figure, .panel, .panel table, .panel > ul, .panel > ol, header')]
    .filter(node => node.scrollWidth > node.clientWidth + 1).map(node => node.id || node.dataset.figure || node.tagName)"""
TOO_HIGH = """[...document.querySelectorAll('header, .figure, .panel, .panel > ul, .panel > ol')]
    .filter(node => node.scrollHeight > node.clientHeight + 1).map(node => node.id || node.dataset.figure || node.tagName)"""
OVERLAPS = """(async () => {
    const {WORDS} = await import('/board/static/words.js');
    const words = WORDS[document.documentElement.lang.slice(0, 2)];
    const most = {waiting: '10000', oldest_wait: '9:59:59', connect_rate: '100.0%', service_level: '100.0%', ready: '3115'};
    const around = node => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return range.getBoundingClientRect();
    };
    const meet = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
    const found = [];
    for (const [name, longest] of Object.entries(most)) for (const level of ['ok', 'warn', 'alarm']) {
        const tile = document.querySelector(`[data-figure=${name}]`);
        const [badge, value] = [tile.querySelector('.badge') ?? document.createElement('span'), tile.querySelector('.value')];
        badge.className = 'badge';
        badge.innerHTML = `<svg class="icon"></svg>${words[level]}`;
        tile.append(badge);
        value.textContent = name === 'ready' && level !== 'ok' ? '0' : longest;
        const [sign, title, text] = [badge.getBoundingClientRect(), around(tile.querySelector('h3')), around(value)];
        if (meet(sign, title)) found.push(`${name} ${level}: title`);
        if (meet(sign, text) && sign.top + sign.height / 2 > text.top + text.height * 0.2) found.push(`${name} ${level}: value`);
        if (text.right > tile.getBoundingClientRect().right) found.push(`${name}: out of its tile`);
    }
    return found;
})()"""
DRAWN = """(() => {
    const pen = Object.assign(document.createElement('canvas'), {width: 64, height: 64}).getContext('2d', {willReadFrequently: true});
    pen.font = `48px ${getComputedStyle(document.body).fontFamily}`;
    const looks = text => {
        pen.clearRect(0, 0, 64, 64);
        pen.fillText(text, 4, 52);
        return pen.getImageData(0, 0, 64, 64).data.join();
    };
    const chinese = [...new Set(document.body.innerText.match(/[\\u4e00-\\u9fff]/g))];
    const missing = new Set(['\\ue123', '\\ue124', '\\uf0ab'].map(looks));
    const drawn = new Set(chinese.map(looks));
    return {asked: chinese.length, chinese: [...drawn].filter(look => !missing.has(look)).length, missing: missing.size};
})()"""
CHART_DRAWN = """(() => {
    const chart = Chart.getChart(document.querySelector('#plot canvas'));
    const parts = [0, 1, 2].map(n => [chart.data.datasets[n].data, chart.getDatasetMeta(n).data]);
    return chart.data.labels.map((hour, n) =>
        [hour, ...parts.map(([values]) => values[n]), parts.map(([, bars]) => Math.round(bars[n].height) > 0)]);
})()"""
"""What the chart was given for each hour, and whether it drew a bar of any height for it."""
NOTES_WHEN_STALE = """(() => {
    window.staleAt = 0;
    const look = () => { if (document.body.dataset.live === 'stale') window.staleAt ||= Date.now(); };
    new MutationObserver(look).observe(document.body, {attributes: true});
})()"""
"""The page's own word on when it became stale: how late it was asked does not count."""
IS_LIVE = "document.body?.dataset.live === 'live' && !!document.querySelector('.figure .value')"


@pytest.fixture
async def tools(browser: Browser) -> AsyncIterator[DevTools]:
    async with devtools(browser) as running:
        yield running


def token_of(building: Building, audience: Audience = Audience.BOARD) -> tuple[TokenStore, str, str]:
    store = TokenStore(building.site.state_dir)
    entry, token = store.create(audience, datetime.now(UTC).isoformat())
    return store, entry.token_id, token


async def open_board(
    building: Building, tools: DevTools, query: str = "lang=zh&kiosk", *, width: int = 1920, height: int = 1080
) -> Page:
    """A screen in a hall: opened with its token behind the #."""
    _, _, token = token_of(building)
    address = f"http://127.0.0.1:{building.site.http_port}/board?{query}#token={token}"
    page = await tools.open(address, width=width, height=height)
    await page.until(IS_LIVE, 30)
    return page


async def ledger_says(building: Building) -> dict[str, str]:
    """The day's figures, straight from the ledger's own query."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    day = hours_of_day(now_ms, ZoneInfo("Asia/Shanghai"))
    engine = open_engine(f"sqlite+aiosqlite:///{building.site.state_dir / 'ledger.sqlite3'}")
    try:
        totals = await totals_between(engine, day[0], day[-1])
    finally:
        await engine.dispose()
    abandoned = sum(totals[f"abandoned_{how}"] or 0 for how in ("ivr", "queue", "ringing"))
    names = ("offered", "agent_answered", "connect_rate", "avg_wait_s")
    said = {name: figure_text(name, totals) for name in names}
    return said | {"abandoned": str(abandoned), "service_level": figure_text("service_level_20_arrival", totals)}


async def agree(building: Building, page: Page) -> dict[str, Any]:
    """Wait until the page shows what the ledger says; return what it shows."""

    async def both() -> dict[str, Any] | None:
        shown, said = await page.evaluate(FIGURES), await ledger_says(building)
        return shown if {name: shown[name] for name in said} == said else None

    return await until(both, "the page shows what the ledger says", 30)


async def floor_agrees(office: Office, page: Page) -> float:
    """Wait until the figures of now are those of the engine; return the seconds that it took."""

    async def same() -> bool:
        shown, engine = await page.evaluate(FIGURES), (await office.status())["engine"]
        talking = engine["agents"]["talking"] + engine["agents"]["hold"]
        said = {"waiting": sum(engine["waiting"].values()), "ready": engine["agents"]["ready"], "talking": talking}
        return {name: shown[name] for name in said} == {name: str(value) for name, value in said.items()}

    began = time.monotonic()
    await until(same, "the page shows the floor as the engine has it", 30)
    return time.monotonic() - began


async def clear_of_midnight() -> None:
    """Begin no test of a day's figures in its last minutes."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    if (now + timedelta(minutes=3)).date() != now.date():
        await asyncio.sleep(181)


async def test_calls_are_answered_and_abandoned_each_figure_is_the_ledgers_within_a_second(
    building: Building, office: Office, tools: DevTools
) -> None:
    await clear_of_midnight()
    page = await open_board(building, tools)
    assert "token" not in await page.evaluate("location.href")
    assert await page.evaluate("getComputedStyle(document.querySelector('#controls')).display") == "none", "a kiosk"
    before = await agree(building, page)
    of_floor, of_day = [], []
    caller = await office.caller("13812345678")
    for number in range(3):
        await office.ready("1001", answers(0.05))
        leg = caller.call("12345")
        await leg.wait_for(200)
        await page.until("document.querySelector('[data-figure=talking] .value').textContent === '1'", 30)
        of_floor.append(await floor_agrees(office, page))
        caller.hang_up(leg)
        await office.row(leg)
        began = time.monotonic()
        shown = await agree(building, page)
        of_day.append(time.monotonic() - began)
        assert int(shown["agent_answered"]) == int(before["agent_answered"]) + number + 1
    await office.not_ready("1001")
    leg = caller.call("12345")
    await page.until("document.querySelector('[data-figure=waiting] .value').textContent === '1'", 30)
    of_floor.append(await floor_agrees(office, page))
    ages = await page.evaluate("[...document.querySelectorAll('#ages strong')].map(one => Number(one.textContent))")
    assert (len(ages), sum(ages)) == (6, 1)
    row = await page.evaluate("document.querySelector('#oldest li').innerText")
    assert "138****5678" in row
    assert "12345678" not in await page.evaluate("document.documentElement.outerHTML")
    await page.until("document.querySelector('[data-figure=oldest_wait] .value').textContent >= '0:02'", 30)
    since = await page.evaluate("document.querySelector('[data-figure=oldest_wait] .value').dataset.from")
    assert int(since) == next(row["arrived_ms"] for row in await office.rows() if row["sip_call_id"] == leg.call_id)
    caller.hang_up(leg)
    await office.row(leg)
    began = time.monotonic()
    shown = await agree(building, page)
    of_day.append(time.monotonic() - began)
    for took in (of_floor, of_day):
        assert sorted(took)[-2] <= 1.0, (of_floor, of_day)  # each, but for one stall of the machine
    assert int(shown["abandoned"]) == int(before["abandoned"]) + 1
    assert shown["waiting"] == "0"
    expected = by_hour(await office.rows())

    async def chart() -> list[list[Any]] | None:
        bars: list[list[Any]] = await page.evaluate(CHART_DRAWN)
        return bars if [bar[:4] for bar in bars] == expected else None

    drawn = await until(chart, f"the chart shows {expected}")
    assert [[value > 0 for value in bar[1:4]] for bar in drawn] == [bar[4] for bar in drawn], "a bar is as its number"
    said = await page.evaluate("document.querySelector('#plot canvas').getAttribute('aria-label')")
    assert said == ", ".join(f"{hour}: {sum(parts)}" for hour, *parts in expected)
    assert sum(sum(parts) for _, *parts in expected) == int(shown["offered"])


def by_hour(rows: list[Row]) -> list[list[Any]]:
    """Each hour of today as a clock shows it, with calls answered, abandoned, and others that arrived in it, counted row by row."""
    zone = ZoneInfo("Asia/Shanghai")
    found: dict[int, list[Any]] = {hour: [f"{hour:02}", 0, 0, 0] for hour in range(24)}
    for row in rows:
        arrived = datetime.fromtimestamp(row["arrived_ms"] / 1000, zone)
        if arrived.date() != datetime.now(zone).date() or row["direction"] != "inbound" or row["excluded"]:
            continue
        outcome = row["outcome"]
        part = 1 if outcome == "agent_answered" else 2 if outcome.startswith("abandoned") else 3
        found[arrived.hour][part] += 1
    return list(found.values())


async def test_agents_work_each_state_stands_there_with_sign_and_word_in_both_languages(
    building: Building, office: Office, tools: DevTools
) -> None:
    page = await open_board(building, tools, "lang=zh&theme=dark")
    await office.ready("1001")
    row = "document.querySelector('[data-agent=\"8001\"]')"
    await page.until(f"{row}?.dataset.state === 'ready'", 30)
    assert await page.evaluate(f"{row}.querySelector('use').getAttribute('href')") == "#i-ready"
    assert "就绪" in await page.evaluate(f"{row}.innerText")
    since = await page.evaluate(f"{row}.querySelector('.time').dataset.from")
    assert int(since) == (await office.agent("8001"))["since_ms"], "the time in his state runs from its beginning"
    ready = await page.evaluate("document.querySelector('#states [data-state=ready] strong').textContent")
    assert ready == str((await office.status())["engine"]["agents"]["ready"]) == "1"
    assert "置忙" in await page.evaluate("document.querySelector('[data-agent=\"8002\"]').innerText")
    await page.evaluate("document.querySelector('#lang').click()")
    assert "Ready" in await page.evaluate(f"{row}.innerText")
    assert "Not ready" in await page.evaluate("document.querySelector('[data-agent=\"8002\"]').innerText")
    await page.evaluate("document.querySelector('#theme').click()")
    assert await page.evaluate("document.documentElement.dataset.theme") == "light"
    await page.evaluate("document.querySelector('#lang').click()")
    drawn = await page.evaluate(DRAWN)
    assert drawn["missing"] == 1, "what no font has looks the same, whatever it is"
    assert drawn["chinese"] == drawn["asked"] > 20, (
        "each character looks like none of the others, and not as a missing one does"
    )


async def test_supervisor_reads_every_text_in_every_state_and_theme_contrast_is_enough_and_nothing_is_cut_off(
    building: Building, office: Office, tools: DevTools
) -> None:
    page = await open_board(building, tools, "lang=en")
    caller = await office.caller("13812345678")
    leg = caller.call("12345")
    await page.until("document.querySelectorAll('#oldest .number').length === 1", 30)
    for lang in ("EN", "ZH"):
        assert await page.evaluate("document.documentElement.lang.slice(0, 2).toUpperCase()") == lang
        assert await page.evaluate(CUT_OFF) == [], lang
        assert await page.evaluate(OVERLAPS) == [], lang
        await page.evaluate("document.querySelector('#lang').click()")
    drawn = []
    for _ in range(2):
        chart = await page.evaluate(CHART_HARD_TO_READ)
        assert chart["found"] == []
        drawn += chart["looked"]
        await page.evaluate("document.querySelector('#theme').click()")
    assert (len(drawn), len(set(drawn))) == (6, 2), "each theme has its own ink"
    read = await page.evaluate(HARD_TO_READ)
    assert read["looked"] > 4000
    assert read["found"] == []
    caller.hang_up(leg)
    await office.row(leg)


@pytest.mark.parametrize(("width", "height"), [(1280, 1024), (1080, 1920), (390, 844)])
async def test_screen_is_narrow_or_stands_upright_all_agents_and_callers_are_on_it_and_nothing_is_cut_off(
    building: Building, office: Office, tools: DevTools, width: int, height: int
) -> None:
    page = await open_board(building, tools, "lang=en", width=width, height=height)
    caller = await office.caller("13812345678")
    legs = [caller.call("12345") for _ in range(3)]
    await page.until("document.querySelector('[data-figure=waiting] .value').textContent === '3'", 30)
    await page.until("document.querySelectorAll('#oldest .number').length === 3", 30)
    agents = (await office.status())["engine"]["agents"]
    here = sum(number for state, number in agents.items() if state != "logged_out")
    shown = await page.evaluate("document.querySelectorAll('#people [data-agent]').length")
    assert here > 1
    assert (shown, await page.evaluate("document.querySelector('#page').textContent")) == (here, "")
    for lang in ("EN", "ZH"):
        assert await page.evaluate("document.documentElement.lang.slice(0, 2).toUpperCase()") == lang
        assert await page.evaluate(CUT_OFF) == [], lang
        assert await page.evaluate(TOO_HIGH) == [], lang
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), lang
        await page.evaluate("document.querySelector('#lang').click()")
    for leg in legs:
        caller.hang_up(leg)
        await office.row(leg)


async def test_hotline_has_ten_lines_each_is_shown_in_its_turn_and_what_a_supervisor_said_of_it_is_read_whole(
    building: Building, office: Office, tools: DevTools
) -> None:
    old = building.site.plan_text
    more = "".join(
        f'[lines.district{n}]\nname = "第{n}区分中心"\nname_en = "District {n}"\ndids = ["1240{n}"]\nneed = "general >= 1"\n'
        for n in range(6)
    )
    await in_force(office, old.replace("[not_ready_reasons]", more + "[not_ready_reasons]"))
    await ordered(office, "line", line="general", order="emergency", to="special", why="a test")
    try:
        page = await open_board(building, tools)
        first, second = await turned_to(page, "1 . 2"), await turned_to(page, "2 . 2")
        assert first["mark"] == ["应急转移 → special", True]
        assert first["hasRoomForCallers"]
        assert first["cutOff"] == second["cutOff"] == []
        assert len(first["lines"]) >= 4 and not set(first["lines"]) & set(second["lines"])
        assert first["lines"] + second["lines"] == [
            "general",
            "special",
            "real",
            "tax",
            *(f"district{n}" for n in range(6)),
        ]
    finally:
        await ordered(office, "line", line="general", order="open", why="over")
        await in_force(office, old)


async def in_force(office: Office, plan: str) -> None:
    office.site.write_plan(plan)
    code, text = await office.code_of("/plan/reload", "POST", read_local_token(office.site.state_dir) or "")
    assert code == 200, text


async def turned_to(page: Page, number: str) -> dict[str, Any]:
    """What the lines' table shows when it is turned to that page, seen in one look, for it is turned by itself."""
    look = f"""(() => {{
        if (!/{number}/.test(document.querySelector('#lines-page').textContent)) return null;
        const mark = document.querySelector('#lines .mark');
        const lowest = document.querySelector('#lines').getBoundingClientRect().bottom;
        const rows = [...document.querySelectorAll('#lines tr[data-line]')];
        return {{
            lines: rows.filter(row => row.getBoundingClientRect().bottom <= lowest).map(row => row.dataset.line),
            mark: mark && [mark.innerText, mark.scrollWidth <= mark.clientWidth && mark.getClientRects().length === 1],
            hasRoomForCallers: document.querySelector('#oldest').clientHeight > 0,
            cutOff: {CUT_OFF},
        }};
    }})()"""
    found: dict[str, Any] = await page.until(look, 30)
    return found


async def test_page_lives_on_what_the_service_sends_alone_and_breaks_none_of_its_own_rules(
    building: Building, office: Office, tools: DevTools
) -> None:
    page = await open_board(building, tools)
    await page.until("document.querySelectorAll('[data-figure] .value').length === 10")
    home = f"http://127.0.0.1:{building.site.http_port}/"
    assert len(page.requests) >= 6
    assert [one for one in page.requests if not one.startswith(home)] == []
    refused = [one for one in page.complaints if "401" not in one]
    assert refused == []
    assert await page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && document.body.scrollHeight <= innerHeight"
    )


async def test_service_stops_the_page_says_stale_within_three_seconds_and_lives_again_when_it_is_back(
    building: Building, tools: DevTools
) -> None:
    page = await open_board(building, tools, "lang=en")

    async def stale_s() -> float:
        await page.evaluate(NOTES_WHEN_STALE)
        began = time.time()
        building.site.kill_service()
        at_ms = await page.until("window.staleAt", 20)
        said = await page.evaluate("document.querySelector('#stale').innerText")
        assert said.startswith("Stale since ")
        assert await page.evaluate("getComputedStyle(document.querySelector('#stale')).display") != "none"
        await building.site.start_service()
        await page.until("document.body.dataset.live === 'live' && document.querySelector('#stale').hidden", 30)
        await agree(building, page)
        return float(at_ms / 1000 - began)

    assert await least(stale_s, 3) < 3


async def test_service_hangs_without_a_word_the_page_says_stale_within_three_seconds(
    building: Building, tools: DevTools
) -> None:
    page = await open_board(building, tools, "lang=zh")

    async def stale_s() -> float:
        assert building.site.process is not None
        await page.evaluate(NOTES_WHEN_STALE)
        began = time.time()
        os.kill(building.site.process.pid, signal.SIGSTOP)
        try:
            at_ms = await page.until("window.staleAt", 20)
            assert "数据停滞" in await page.evaluate("document.querySelector('#stale').innerText")
            await asyncio.sleep(QUIET_UNTIL_TRIED_AGAIN_S)
        finally:
            os.kill(building.site.process.pid, signal.SIGCONT)
        await page.until("document.body.dataset.live === 'live'", 30)
        return float(at_ms / 1000 - began)

    assert await least(stale_s, 3) < 3


async def test_token_is_revoked_the_open_board_goes_back_to_the_log_in(building: Building, tools: DevTools) -> None:
    store, token_id, token = token_of(building)
    page = await tools.open(f"http://127.0.0.1:{building.site.http_port}/board")
    await page.until("!!document.querySelector('#token')")
    await page.evaluate(f"document.querySelector('#token').value = {json.dumps(token)}")
    await page.evaluate("void setTimeout(() => document.querySelector('form').submit())")
    await page.until(IS_LIVE, 30)
    assert store.revoke(token_id)
    await page.until("!!document.querySelector('#token')", 30)


async def test_service_cannot_judge_tokens_when_a_screen_logs_in_it_asks_again_until_it_can(
    building: Building, tools: DevTools
) -> None:
    async def was_not_judged() -> bool:
        return "POST /board/login refused" in building.site.log_file.read_text(encoding="utf-8")

    _, _, token = token_of(building)
    file = building.site.state_dir / "tokens.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text("[", encoding="utf-8")
    try:
        page = await tools.open(f"http://127.0.0.1:{building.site.http_port}/board?kiosk#token={token}")
        await until(was_not_judged, "the log-in was not judged", 20)
    finally:
        file.write_text(whole, encoding="utf-8")
    await page.until(IS_LIVE, 30)
    assert await page.evaluate("document.body.classList.contains('kiosk')")


async def test_screen_has_a_token_that_is_refused_the_page_says_so_and_asks_once(
    building: Building, tools: DevTools
) -> None:
    page = await tools.open(f"http://127.0.0.1:{building.site.http_port}/board?kiosk#token=wrong")
    await page.until("document.querySelector('#refused')?.getClientRects().length === 1")
    await asyncio.sleep(ASKED_AGAIN_AFTER_S)
    assert len([one for one in page.requests if one.endswith("/board/login")]) == 1


def test_token_of_a_screen_is_in_no_log_of_the_service(building: Building) -> None:
    log = building.site.log_file.read_text(encoding="utf-8")
    assert "cc_" not in log.replace("cc_local", "")
    assert Path(building.site.state_dir / "tokens.json").stat().st_mode & 0o077 == 0
