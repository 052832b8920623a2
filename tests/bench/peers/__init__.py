"""
Echo servers with a 4-byte big-endian length prefix, each written as its users would write it.

Each is a program that prints its port, answers every line on its standard input with the CPU seconds that
it has used so far, and ends with its input. All set ``TCP_NODELAY`` and listen on loopback only.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from tests.bench.interpreter import Interpreter
from tests.bench.native import Toolchain
from tests.bench.processes import ROOT, child_environment

__all__ = ["BASELINE", "LIMIT", "NATIVE", "OURS", "PEERS", "UVLOOP", "Peer"]


@frozen
class Peer:
    """One echo server that can be started."""

    name: str
    program: str
    """A module of this package, or the name of a C source file in its folder."""

    arguments: tuple[str, ...] = ()
    needs: str | None = None
    """A module that may not be installed."""

    folder: Path = ROOT
    """The checkout that it runs from."""

    python: Interpreter | None = None
    """Another Python that runs it; None: the Python of this process."""

    def missing(self, tools: Toolchain | None = None) -> str | None:
        """Return the reason why this peer cannot run here, or None."""
        if self.needs is not None and find_spec(self.needs) is None:
            return f"{self.needs} is not installed"
        if self.needs is not None and self.python is not None and self.needs in self.python.failures:
            return f"{self.python.path} cannot import {self.needs}: {self.python.failures[self.needs]}"
        if self.program.endswith(".c") and (tools is None or tools.compiler is None):
            return "there is no C compiler" if tools is None else tools.missing
        return None

    def command(self, tools: Toolchain | None = None) -> list[str]:
        """Return the command that starts the peer. Without tools it must be a program in Python."""
        if tools is not None and self.program.endswith(".c"):
            return [str(tools.build(Path(__file__).with_name(self.program)))]
        python = sys.executable if self.python is None else self.python.path
        return [python, "-m", f"{__name__}.{self.program}", *self.arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment that the peer runs in."""
        return child_environment(self.folder, None if self.python is None else self.python.packages)


OURS = "tcpcomm, frame by frame"
NATIVE = "tcpcomm, frame by frame, native on uvloop"
BASELINE = "Twisted Int32StringReceiver"
UVLOOP = "asyncio.Protocol on uvloop"
LIMIT = "epoll in C, no framing"

PEERS = (
    Peer(OURS, "tcpcomm_frames", ("--at-once",)),
    Peer("tcpcomm, in batches", "tcpcomm_batches", ("--at-once",)),
    Peer(NATIVE, "tcpcomm_frames", ("--native",), needs="uvloop"),
    Peer("tcpcomm, in batches, native on uvloop", "tcpcomm_batches", ("--native",), needs="uvloop"),
    Peer("tcpcomm, frame by frame, Twisted's transport", "tcpcomm_frames"),
    Peer(BASELINE, "twisted_stock"),
    Peer(f"{BASELINE}, at once", "twisted_stock", ("--at-once",)),
    Peer(f"{BASELINE}, native on uvloop", "twisted_stock", ("--native",), needs="uvloop"),
    Peer("asyncio streams", "asyncio_streams"),
    Peer("asyncio.Protocol", "asyncio_protocol"),
    Peer("asyncio streams on uvloop", "asyncio_streams", ("--uvloop",), needs="uvloop"),
    Peer(UVLOOP, "asyncio_protocol", ("--uvloop",), needs="uvloop"),
    Peer("a thread for each connection", "threads"),
    Peer(LIMIT, "epoll_echo.c"),
)
