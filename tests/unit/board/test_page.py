"""The page: colours that can be read, sizes for five metres, words for every state, a library as it was published."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.names import LineState
from agents.presence import Presence
from callcenter.board.alarms import Level, of_wait
from callcenter.board.today import SHOWN, Today
from callcenter.board.view import CLOSED
from callcenter.board.watch import AGES_S
from callcenter.http.board import FOLDER
from metrics.dictionary import FIGURES

ROOT = Path(__file__).resolve().parents[3]
LIBRARY_SHA256 = "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
"""Of dist/chart.umd.min.js in the package chart.js 4.6.1, as the registry has it."""
CSS = (FOLDER / "board.css").read_text(encoding="utf-8")
PAGE = (FOLDER / "board.html").read_text(encoding="utf-8")
SCRIPTS = {
    path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js") if path.name != "chart.umd.min.js"
}
WORDS = SCRIPTS["words.js"]
TEXT_ON_GROUND = [
    ("ink", "ground"),
    ("ink", "card"),
    ("soft", "ground"),
    ("soft", "card"),
    ("ok", "card"),
    ("ready", "card"),
    ("busy", "card"),
    ("away", "card"),
    ("warn-ink", "warn-ground"),
    ("alarm-ink", "alarm-ground"),
]
SIGNS_ON_GROUND = [("answered", "card"), ("abandoned", "card"), ("other", "card")]


def colours(theme: str) -> dict[str, str]:
    block = re.search(rf'\[data-theme="{theme}"\] \{{(.*?)\}}', CSS, re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_ON_GROUND)
def test_supervisor_reads_any_text_contrast_is_enough(theme: str, ink: str, ground: str) -> None:
    found = colours(theme)
    assert contrast(found[ink], found[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("sign", "ground"), SIGNS_ON_GROUND)
def test_supervisor_sees_bars_of_the_chart_contrast_is_enough(theme: str, sign: str, ground: str) -> None:
    found = colours(theme)
    assert contrast(found[sign], found[ground]) >= 3.0


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colour_blind_supervisor_tells_levels_by_brightness_too(theme: str) -> None:
    found = colours(theme)
    grounds = [found["card"], found["warn-ground"], found["alarm-ground"]]
    pairs = [(one, other) for n, one in enumerate(grounds) for other in grounds[n + 1 :]]
    assert all(contrast(one, other) >= 1.4 for one, other in pairs)


def test_only_colours_that_are_named_are_used() -> None:
    rules = re.sub(r'\[data-theme="\w+"\] \{.*?\}', "", CSS, flags=re.DOTALL)
    assert re.findall(r"(?<!&)#[0-9a-fA-F]{3,8}\b(?=[;\s])", rules) == []
    assert not re.search(r"opacity|rgba?\(|hsla?\(", rules)


def _sizes(css: str) -> Iterator[tuple[str, float]]:
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        for size in re.findall(r"font-size: ([\d.]+)rem", body):
            yield selector.strip(), float(size)


def test_supervisor_stands_five_metres_away_nothing_is_smaller_than_he_can_read() -> None:
    sizes = list(_sizes(CSS))
    assert len(sizes) > 15
    assert [one for one in sizes if one[1] < 1.6] == []
    assert dict(sizes)[".big .figure .value"] >= 6


def said(lang: str) -> dict[str, str]:
    block = re.search(rf"  {lang}: \{{\n(.*?)\n  \}},\n", WORDS, re.DOTALL)
    assert block is not None
    return dict(re.findall(r'(\w+): "([^"]*)"', block[1]))


def test_both_languages_say_the_same_things() -> None:
    own = {"break", "missed", "training", "supervisor", "meal", "meeting", "write_up"}
    """English reasons are the plan's own words."""
    assert set(said("zh")) - own == set(said("en"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_state_and_level_has_its_word_and_its_sign(lang: str) -> None:
    words = said(lang)
    states = [presence.value for presence in Presence] + ["unreachable"]
    levels = [level.value for level in Level if level is not Level.NONE]
    assert {*states, *levels, *(state.value for state in LineState), CLOSED} <= set(words)
    signs = set(re.findall(r'<symbol id="i-(\w+)"', PAGE))
    assert {*states, *levels} <= signs
    assert all(f'"{state}"' in SCRIPTS["board.js"] for state in states)


def test_every_reason_of_the_service_and_of_the_shipped_plan_has_its_chinese_word() -> None:
    words = re.search(r"    reason: \{\n(.*?)\n    \}", WORDS, re.DOTALL)
    assert words is not None
    shipped = tomllib.loads((ROOT / "config" / "plan.example.toml").read_text(encoding="utf-8"))
    reasons = {"missed", "unreachable", "supervisor", *shipped["not_ready_reasons"].values()}
    assert set(re.findall(r'(\w+): "[\u4e00-\u9fff]+"', words[1])) == reasons


def test_ages_of_waiting_callers_are_coloured_as_a_wait_is_judged() -> None:
    given = re.search(r"const AGES = (\[.*?\]);", SCRIPTS["board.js"])
    assert given is not None
    assert json.loads(given[1]) == [of_wait(edge + 0.1) for edge in AGES_S]


def test_figures_of_the_dictionary_have_its_names() -> None:
    words = said("zh")
    shown = [name for name in SHOWN if f'data-figure="{name}"' in PAGE]
    assert len(shown) >= 4
    assert {name: words[name] for name in shown} == {name: FIGURES[name].title.zh for name in shown}
    level = FIGURES[Today().level].title.zh
    assert level.startswith(words["service_level"].format(Today().level_s))


def test_library_is_as_it_was_published_with_its_licence() -> None:
    assert hashlib.sha256((FOLDER / "chart.umd.min.js").read_bytes()).hexdigest() == LIBRARY_SHA256
    licence = (FOLDER / "chart.LICENSE.md").read_text(encoding="utf-8")
    assert licence.startswith("The MIT License (MIT)")
    assert "Chart.js v4.6.1" in (FOLDER / "chart.umd.min.js").read_text(encoding="utf-8")[:60]


def test_library_was_changed_by_a_byte_the_hash_tells() -> None:
    changed = (FOLDER / "chart.umd.min.js").read_bytes() + b" "
    assert hashlib.sha256(changed).hexdigest() != LIBRARY_SHA256


def ours() -> Iterator[Path]:
    yield from (
        path
        for path in FOLDER.iterdir()
        if path.suffix in {".html", ".js", ".css", ".svg"} and "chart" not in path.name
    )


def test_nothing_of_ours_names_an_address_outside_or_makes_markup_of_text() -> None:
    for path in ours():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]", text.replace("// ", "")), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|style=|\son\w+=", text), (
            path.name
        )
