"""What the published forms say besides the report itself, in English and Chinese."""

from datetime import datetime

from metrics.words import Words

PUBLIC_PART = Words("Data for publication", "数据公开")
OWN_PART = Words("Operations (not for publication)", "运行数据（不公开）")
ALL_NOTES = Words("Definitions and completeness", "统计口径与说明")
PERIOD = Words("Period", "统计时段")
MADE_AT = Words("Made", "制表时间")
STATE = Words("State", "状态")
FINAL = Words("Final", "定稿")
NOT_FINAL = Words("Not final", "未定稿")
NOTE = Words("Note: ", "注：")
NOTES = Words("Notes: ", "注：")
CHART = Words("Chart: ", "图：")

_ORDINALS = Words("I II", "一 二")
FONTS = Words("Arial", "宋体")
HEADING_FONTS = Words("Arial", "黑体")
LANGUAGE_TAGS = Words("en", "zh-CN")
"""As HTML and spreadsheets name the language."""


def state(*, is_final: bool) -> Words:
    """Return whether the figures may still change."""
    return FINAL if is_final else NOT_FINAL


def instant(at: datetime, lang: str) -> str:
    """Return an instant to the minute with its zone: `2027年1月4日 09:30（Asia/Shanghai）`. `at` has a zone."""
    if lang == "zh":
        return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}（{at.tzinfo}）"
    return f"{at:%Y-%m-%d %H:%M} ({at.tzinfo})"


def ordinal(number: int, lang: str) -> str:
    """Return the number of a part (1 or 2) as its heading begins: `二、`, `II. `."""
    return _ORDINALS.in_(lang).split()[number - 1] + ("、" if lang == "zh" else ". ")


def in_brackets(text: str, lang: str) -> str:
    """Return the text in the brackets of the language, as they follow a title: `（万通）`, ` (10,000 calls)`."""
    return f"（{text}）" if lang == "zh" else f" ({text})"


def numbered(notes: list[str], lang: str) -> list[str]:
    """Return notes as they stand below a table: `注：1. …`, `2. …`; a single one has no number."""
    if len(notes) == 1:
        return [NOTE.in_(lang) + notes[0]]
    listed = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return [NOTES.in_(lang) + listed[0], *listed[1:]] if listed else []


def width(text: str) -> int:
    """Return how many half-width characters the text is wide: full-width ones count two."""
    return sum(2 if ord(char) > 0x2E7F or char in "—…“”‘’" else 1 for char in text)
