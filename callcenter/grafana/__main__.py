"""`python -m callcenter.grafana`: write all dashboards into the checkout (`make dashboards`)."""

import sys
from pathlib import Path

from callcenter.grafana.compared import COMPARED
from callcenter.grafana.draw import draw
from callcenter.grafana.enterprise import ENTERPRISE
from callcenter.grafana.floor import FLOOR
from callcenter.grafana.report import REPORT
from callcenter.grafana.service import SERVICE
from callcenter.grafana.shape import Lang

FOLDER = Path(__file__).resolve().parents[2] / "config" / "grafana" / "dashboards"
DASHBOARDS = (FLOOR, COMPARED, REPORT, ENTERPRISE, SERVICE)


def files() -> dict[str, str]:
    """Return path below the folder of dashboards -> text, for every dashboard and language."""
    return {f"{lang}/{one.name}.json": draw(one, lang) for one in DASHBOARDS for lang in Lang}


def main() -> None:
    """Write what has changed and say what it was."""
    for name, text in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
