"""`python -m callcenter.bench [NAME ...]`: run the named benchmarks, or all, and print one JSON object a
line.

Each module of this package with a function `run() -> dict` is a benchmark of that name. It returns its
keys, `name` among them, and raises BenchWrong when what it measured was not right: speed of wrong results
is worth nothing.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

import callcenter.bench
from callcenter.bench.errors import BenchWrong

Bench = Callable[[], dict[str, Any]]


def benches() -> dict[str, str]:
    """The module of each benchmark by its name (`import_` is `import`, a word of Python)."""
    skipped = {"__main__", "errors"}
    found = pkgutil.iter_modules(callcenter.bench.__path__)
    return {item.name.rstrip("_"): f"callcenter.bench.{item.name}" for item in found if item.name not in skipped}


def bench_named(module: str) -> Bench | None:
    """The module's benchmark; None when it is only a helper of others."""
    run: Bench | None = getattr(importlib.import_module(module), "run", None)
    return run


def main(names: list[str]) -> int:
    """Run them one after the other; 0 when all were right, 1 when one was wrong, 2 when a name is not
    known.
    """
    known = benches()
    runs = {name: bench_named(module) for name, module in known.items() if not names or name in names}
    if unknown := [name for name in names if runs.get(name) is None]:
        there = ", ".join(sorted(name for name, module in known.items() if bench_named(module) is not None))
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are: {there}\n")
        return 2
    code = 0
    for name, run in sorted(runs.items()):
        if run is None:
            continue
        try:
            line = json.dumps(run())
        except BenchWrong as error:
            line = json.dumps({"name": name, "wrong": str(error)})
            code = 1
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
