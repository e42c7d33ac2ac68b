"""The lab's Prometheus: it starts, says what it was told, refuses what is wrong, and leaves nothing behind."""

import pytest

from callcenter.lab import prometheus as prometheus_module
from callcenter.lab.errors import LabError, PeerUnavailableError, StartError
from callcenter.lab.prometheus import Prometheus, find_monitoring
from tests.conftest import missing
from tests.integration.conftest import is_running

pytestmark = pytest.mark.prometheus

CONFIG = "global:\n  scrape_interval: 1s\n"


async def test_prometheus_started_answers_and_stopped_leaves_neither_process_nor_folder() -> None:
    server = Prometheus({"prometheus.yml": CONFIG})
    try:
        await server.start()
    except PeerUnavailableError as error:
        missing(error)
    assert server.process is not None
    pid = server.process.pid
    try:
        assert await server.query("vector(7)") == {(): 7.0}
        assert await server.rules() == []
        with pytest.raises(LabError, match="parse error"):
            await server.query("sum(")
        with pytest.raises(LabError, match="no instant vector but scalar"):
            await server.query("1")
    finally:
        await server.stop()
    assert not is_running(pid)
    assert not server.folder.exists()
    await server.stop()


async def test_prometheus_with_a_wrong_configuration_does_not_start_and_says_why() -> None:
    server = Prometheus({"prometheus.yml": "no_such_key: 1\n"})
    try:
        with pytest.raises(StartError, match="no_such_key"):
            await server.start()
        assert server.process is None
    except PeerUnavailableError as error:
        missing(error)
    finally:
        await server.stop()


def test_machines_own_programs_are_too_old_fetched_ones_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_module.shutil, "which", lambda name: None)
    try:
        found = find_monitoring()
    except PeerUnavailableError as error:
        missing(error)
    assert found.promtool.path.is_file()
    assert found.promtool.prefix
