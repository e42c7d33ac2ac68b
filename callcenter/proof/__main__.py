"""`python -m callcenter.proof [NAME ...]`: run the named proofs, or all; each ends with one JSON object on a line of its own.

A proof is a module of this package with a function `main() -> int` (0: proved). The long forms of what the tests do in short.
"""

import importlib
import sys

PROOFS = ("kills", "witnesses", "year")


def main(names: list[str]) -> int:
    """Run them one after the other; 0 when all hold, 1 when one does not, 2 when a name is not known."""
    if unknown := [name for name in names if name not in PROOFS]:
        sys.stderr.write(f"no proof {', '.join(unknown)}; there are: {', '.join(PROOFS)}\n")
        return 2
    codes = [int(importlib.import_module(f"callcenter.proof.{name}").main()) for name in names or PROOFS]
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
