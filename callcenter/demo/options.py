"""What the user may say to `make demo`: environment variables, read once."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from callcenter.demo.errors import DemoUseError

CALLS_PER_S = 1.05
"""Mean arrivals a second: a little more than ten seats can answer without anybody waiting."""


class Fault(StrEnum):
    """A fault that the demo makes on purpose, to show that its checks can fail."""

    DROP = "drop"
    """One waiting caller is hung up inside the PBX: `lost` must be 1."""
    LEDGER = "ledger"
    """One stored outcome is changed before the comparison: `ledger_mismatches` must be 1."""


@dataclass(frozen=True, slots=True)
class Options:
    """The wishes of one run."""

    seconds: float | None = None
    """Length of the stream, counted from the first call; None: until Ctrl-C."""
    keep: Path | None = None
    """Folder for the three witnesses' files; None: nothing is kept."""
    fault: Fault | None = None
    seed: int = 0
    calls_per_s: float = CALLS_PER_S
    grace_s: float = 30.0
    """How long calls may go on after the last arrival."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Options":
        """Read DEMO_SECONDS, DEMO_KEEP, DEMO_FAULT, DEMO_SEED, DEMO_CALLS_PER_S. Raises DemoUseError."""
        keep = environment.get("DEMO_KEEP", "").strip()
        fault = environment.get("DEMO_FAULT", "").strip()
        if fault and fault not in {known.value for known in Fault}:
            raise DemoUseError(f"DEMO_FAULT={fault!r}: only drop and ledger are known")
        seed = environment.get("DEMO_SEED", "").strip()
        if seed and not seed.isdecimal():
            raise DemoUseError(f"DEMO_SEED={seed!r} is not a whole number")
        return cls(
            seconds=_positive(environment, "DEMO_SECONDS"),
            keep=Path(keep).expanduser().absolute() if keep else None,
            fault=Fault(fault) if fault else None,
            seed=int(seed) if seed else time.time_ns() % 1_000_000,
            calls_per_s=_positive(environment, "DEMO_CALLS_PER_S") or CALLS_PER_S,
        )


def _positive(environment: Mapping[str, str], name: str) -> float | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise DemoUseError(f"{name}={text!r} is not a number") from error
    if not 0 < value < 1e6:
        raise DemoUseError(f"{name}={text!r} must be more than 0")
    return value
