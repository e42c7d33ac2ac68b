"""A pytest plugin: every Prometheus series must be moved by some test, or the whole suite fails.

A series counts as moved when a test made an exporter, froze it for a scrape, and one sample of it was not zero. Where the
suite runs in several processes, each tells the first one what its tests moved. The rule holds only when the whole suite ran (no path, -k, -m, --lf, -x that stopped early): a subset cannot move them all.
Integration tests that scrape a service in another process do not count here, so each series has a test in this process.
"""

from collections.abc import Iterable
from typing import Any

import pytest

from metrics.exporter import Exporter, Frozen
from metrics.exposition import families
from metrics.series import SERIES

MOVED = "series_moved"


class SeriesWatch:
    """Remembers which series the session's tests moved."""

    def __init__(self, names: Iterable[str] = SERIES) -> None:
        self.names = frozenset(names)
        self.moved: set[str] = set()

    def saw(self, frozen: Frozen) -> None:
        """Note the series with a sample that is not zero."""
        for name, family in zip(SERIES, families(frozen), strict=True):
            if name not in self.moved and any(sample.value for sample in family.samples):
                self.moved.add(name)

    def never_moved(self) -> list[str]:
        """Return the series that no test moved."""
        return sorted(self.names - self.moved)


def is_whole_suite(config: pytest.Config) -> bool:
    """Return whether this session runs everything: no path, no filter."""
    option = config.option
    narrowed = option.keyword or option.markexpr or option.collectonly or option.deselect or option.ignore
    narrowed = narrowed or option.ignore_glob or getattr(option, "lf", False) or getattr(option, "stepwise", False)
    return not narrowed and config.args_source is pytest.Config.ArgsSource.TESTPATHS


class Plugin:
    """Hooks: watch `Exporter.freeze` while the session runs, judge at its end."""

    def __init__(self) -> None:
        self.watch = SeriesWatch()
        self.missing: list[str] = []

    def pytest_sessionstart(self) -> None:
        original = Exporter.freeze
        watch = self.watch

        def freeze(exporter: Exporter) -> Frozen:
            frozen = original(exporter)
            watch.saw(frozen)
            return frozen

        Exporter.freeze = freeze  # type: ignore[method-assign]  # replaced on purpose

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A process of the suite has ended its part."""
        self.watch.moved.update(getattr(node, "workeroutput", {}).get(MOVED, ()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if (told := getattr(session.config, "workeroutput", None)) is not None:
            told[MOVED] = sorted(self.watch.moved)  # a process of several: the first one judges
        elif is_whole_suite(session.config) and not session.shouldstop and not session.shouldfail:
            self.missing = self.watch.never_moved()
            if self.missing and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for name in self.missing:
            terminalreporter.write_line(f"FAILED: no test ever moved the series {name}", red=True)
