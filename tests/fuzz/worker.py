"""One process of atheris: ``python -m tests.fuzz.worker TARGET [libFuzzer's arguments]``."""

from __future__ import annotations

import sys

import atheris
from twisted.logger import globalLogBeginner

with atheris.instrument_imports(include=["tcpcomm"], exclude=["tcpcomm.testing"]):
    from tests.fuzz.targets import TARGETS


def main(name: str, *arguments: str) -> None:
    """Fuzz one target until a limit in the arguments ends it, or an input fails."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
