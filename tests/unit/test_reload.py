"""The service reads its plan again while no PBX is there: what changes is told and in force, nothing else is touched."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from callcenter.bootstrap import Service
from config.errors import PlanError
from config.settings import Settings
from tests.unit.test_plan import GOOD


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.toml"
    file.write_text(GOOD, encoding="utf-8")
    return file


@pytest.fixture
async def service(plan: Path, tmp_path: Path) -> AsyncIterator[Service]:
    service = Service(Settings(plan=plan, state_dir=tmp_path / "state", ami_secret=SecretStr("none")))
    yield service
    service.outbox.close()
    service.live.close()
    await service.database.dispose()
    service.state.release()


def written(plan: Path, text: str) -> None:
    plan.write_text(text, encoding="utf-8")


async def test_report_alone_changes_it_is_told_and_in_force(service: Service, plan: Path) -> None:
    version, definitions = service.plan().version, service._dictionary
    written(plan, GOOD + "[report]\nshort_s = 10\n")

    assert await service.reload_plan() == ["report: short_s 5 becomes 10"]
    assert service.plan().version != version
    assert service._dictionary.choices.short_s == 10
    assert await service.reload_plan() == []
    assert definitions.choices.short_s == 5


async def test_line_alone_changes_the_figures_begin_nothing_anew(service: Service, plan: Path) -> None:
    definitions = service._dictionary
    written(plan, GOOD.replace('"Wang"', '"Wu"'))

    assert await service.reload_plan() == ["agent 1001: name Wang becomes Wu"]
    assert service._dictionary is definitions


async def test_wrong_plan_changes_nothing(service: Service, plan: Path) -> None:
    in_force = service.plan()
    written(plan, GOOD + "[report]\nlevel_s = 17\n")

    with pytest.raises(PlanError):
        await service.reload_plan()
    assert service.plan() is in_force
