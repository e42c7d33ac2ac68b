"""The report's JSON as an interface: the committed page is what the code makes."""

from pathlib import Path

from metrics.report_keys import document

PAGE = Path(__file__).resolve().parents[3] / "docs" / "report.md"


def test_committed_page_of_keys_is_what_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run: python -m metrics.report_keys > docs/report.md"
