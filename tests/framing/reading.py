"""
Reading a wire in a test: what a decoder makes of bytes, as one list that can be compared.

A list holds the frames and, at their places, the faults as :class:`Fault` values::

    assert [b"one", Fault(FrameTooLong, "…", offset=5), b"two"] == read(framing, wire)

The same bytes are read whole, byte by byte, and cut in two at every place: a test of one wire is thereby
a test of its segmentations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from attrs import frozen

from tcpcomm.errors import FramingError
from tcpcomm.framing import Decoder, Framing, decode

End = Literal["silence", "end of stream"]


@frozen
class Fault:
    """A :class:`~tcpcomm.errors.FramingError` as a value."""

    kind: type[FramingError]
    reason: str
    offset: int = 0
    recoverable: bool = True


Outcome = list[bytes | Fault]


def as_value(error: FramingError) -> Fault:
    """The fault that ``error`` tells of."""
    return Fault(type(error), error.reason, error.offset, error.recoverable)


def outcome_of(call: Callable[[], list[bytes]]) -> Outcome:
    """What one call of a decoder's method yields."""
    try:
        return list(call())
    except FramingError as error:
        return [*error.frames, as_value(error)]


def feed(decoder: Decoder, data: bytes) -> Outcome:
    """What feeding yields, also beyond recoverable faults."""
    seen: Outcome = []
    for each in decode(decoder, data):
        seen += [as_value(each)] if isinstance(each, FramingError) else each
    return seen


def read_chunks(framing: Framing, chunks: Iterable[bytes], then: End | None = None) -> Outcome:
    """What a fresh decoder makes of these chunks, and of what comes after them."""
    decoder = framing.decoder()
    seen: Outcome = []
    for chunk in chunks:
        seen += feed(decoder, chunk)
        if seen and isinstance(seen[-1], Fault) and not seen[-1].recoverable:
            return seen
    if then is not None:
        seen += outcome_of(decoder.flush if then == "silence" else decoder.close)
    return seen


def read(framing: Framing, wire: bytes, then: End | None = None) -> Outcome:
    """What a fresh decoder makes of ``wire``, however it is cut into chunks."""
    whole = read_chunks(framing, [wire], then)
    assert whole == read_chunks(framing, [wire[at : at + 1] for at in range(len(wire))], then)
    if len(wire) <= 256:
        for cut in range(1, len(wire)):
            assert whole == read_chunks(framing, [wire[:cut], wire[cut:]], then)
    return whole


class CountedBytes(bytes):
    """Bytes that count how many of them are copied by slicing: what a decoder makes of one large chunk."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytes):
            self.copied += len(found)
        return found
