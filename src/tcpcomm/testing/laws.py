"""
The laws that every framing obeys, and :func:`check_framing_laws`, which holds a framing to them.

A law is a function of a framing, of the frames that it can send, and of Hypothesis' ``draw``. Its
docstring begins with the law in one sentence, and that is what a failure says first. The laws use
nothing but the public face of :class:`~tcpcomm.framing.Framing` and :class:`~tcpcomm.framing.Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Final

from attrs import evolve, fields, frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import DrawFn, SearchStrategy

from tcpcomm.errors import ConfigurationError, EncodeError, FramingError
from tcpcomm.framing import Framing
from tcpcomm.testing.cost import held_bytes, seconds
from tcpcomm.testing.recorder import Crash, Event, Fault, Recorder, record
from tcpcomm.testing.strategies import chunkings, mutations, payloads_for, sendable, streams
from tcpcomm.testing.violation import Violation, expect

__all__ = ["LAWS", "Law", "check_framing_laws"]

Law = Callable[[Framing, SearchStrategy[bytes], DrawFn], None]


@frozen
class _Sent:
    """Frames, their bytes, and where in these each frame ends."""

    frames: list[bytes]
    wire: bytes
    ends: list[int]

    def end_of(self, count: int) -> int:
        """Where the first ``count`` frames end."""
        return self.ends[count - 1] if count else 0


def _sent(framing: Framing, frames: list[bytes]) -> _Sent:
    pieces = [framing.encode(frame) for frame in frames]
    return _Sent(frames, b"".join(pieces), list(accumulate(map(len, pieces))))
