"""The report as an office publishes it: one self-contained HTML page, one workbook.

Both only lay out a `metrics.document.Document`; neither knows a figure, a database or the clock.
"""

from callcenter.publish.page import html
from callcenter.publish.workbook import xlsx

__all__ = ["html", "xlsx"]
