"""A published page read back with the standard library's parser: what a browser would find in it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "link", "br", "hr", "input", "wbr"}


@dataclass
class PageRead(HTMLParser):
    """Tables, headings, paragraphs, and every tag with its attributes."""

    tables: list[list[list[str]]] = field(default_factory=list)
    """Tables of rows of texts, heads included."""
    texts: dict[str, list[str]] = field(default_factory=dict)
    """Tag -> the texts of its elements."""
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    style: str = ""
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, page: str) -> "PageRead":
        """Return a page read whole; an element that is not closed is a failure."""
        read = cls()
        read.feed(page)
        read.close()
        assert read._open == []
        return read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        tag = self._open[-1]
        self.texts[tag][-1] += data
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data
        if tag == "style":
            self.style += data
