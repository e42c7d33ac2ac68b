"""What holds for all tests: every Prometheus series is moved by one of them."""

import pytest

from tests.series_watch import Plugin


def pytest_configure(config: pytest.Config) -> None:
    """Watch the exporter for the whole session."""
    config.pluginmanager.register(Plugin(), "series-watch")
