"""More kinds of sessions for the stage, and units of size."""

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
    """Exchanges frames of any size, with a length field."""

    framing: Framing = LengthPrefixed(4)


class GapSpy(Spy):
    """Ends frames after 50 ms of silence, too."""

    framing: Framing = Lines(max_frame=16)
    gap = 0.05


def replying(reply: bytes, **options: Any) -> Stage:
    """Return a stage on which the session answers each frame with the bytes of ``reply``."""
    stage = staged(BigSpy, **options)
    stage.session.on_frame = lambda frame: stage.session.sendBytes(reply)
    return stage
