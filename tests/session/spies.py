"""More kinds of sessions for the stage, and how many bytes are many."""

from __future__ import annotations

from typing import Any

from tcpcomm.framing import Delimited, Framing, LengthPrefixed, Lines
from tests.session.stage import Spy, Stage, staged

__all__ = ["KIB", "MIB", "BigSpy", "GapSpy", "LargeSpy", "replying"]

KIB = 1024
MIB = 1024 * 1024


class BigSpy(Spy):
    """Exchanges frames of any size."""

    framing: Framing = Delimited(b";")


class LargeSpy(Spy):
    """Frames of any size, with a length."""

    framing: Framing = LengthPrefixed(4)


class GapSpy(Spy):
    """Frames also end after 50 ms of silence."""

    framing: Framing = Lines(max_frame=16)
    gap = 0.05


def replying(reply: bytes, **options: Any) -> Stage:
    """A stage on which each frame is answered with ``reply``, as it is."""
    stage = staged(BigSpy, **options)
    stage.session.on_frame = lambda frame: stage.session.sendBytes(reply)
    return stage
