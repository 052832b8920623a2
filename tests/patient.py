"""
Run a program with times for a busy machine: ``python -m tests.patient PROGRAM ARGUMENTS``.

The examples have the times of a line: a peer that is silent for 0.3 s is dead, and a command may take one
second. A machine that runs many tests stops any process for longer, and no test of an example proves a
time. Patient are the links with the profile "lan", which is the default, and all declared commands.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from attrs import evolve

import tcpcomm
from tcpcomm.equipment import equipment
from tcpcomm.link.policy import PROFILES

SECONDS: Final = 60.0


def command(*wire: Any, **options: Any) -> Callable[[Any], Any]:
    """Declare a command whose reply may take a minute."""
    return equipment.command(*wire, **{**options, "timeout": SECONDS})


def be_patient() -> None:
    """Let links of this process wait for their peers, and programs declare patient commands."""
    lan = PROFILES["lan"]
    assert lan.heartbeats is not None
    for name, value in {
        "heartbeats": evolve(lan.heartbeats, timeout=SECONDS),
        "handshake_timeout": SECONDS,
    }.items():
        object.__setattr__(lan, name, value)  # the profile is frozen, and each link takes this object
    tcpcomm.command = command


if __name__ == "__main__":
    be_patient()
    program = Path(sys.argv[1])
    sys.argv[:] = sys.argv[1:]
    sys.path[0] = str(program.parent)
    runpy.run_path(str(program), run_name="__main__")
