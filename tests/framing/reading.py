"""
The results of decoding in a test, as one list that can be compared.

The list holds the frames and, between them, the faults as :class:`Fault` values::

    assert [b"one", Fault(FrameTooLong, "…", offset=5), b"two"] == read(framing, wire)

:func:`read` decodes the same bytes whole, byte by byte, and cut in two at every position. So each test of a
wire also tests its chunks.
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
    """Return ``error`` as a value."""
    return Fault(type(error), error.reason, error.offset, error.recoverable)


def outcome_of(call: Callable[[], list[bytes]]) -> Outcome:
    """Return the results of one call of a decoder's method."""
    try:
        return list(call())
    except FramingError as error:
        return [*error.frames, as_value(error)]


def feed(decoder: Decoder, data: bytes) -> Outcome:
    """Feed a decoder, and go on after recoverable faults. Return the results."""
    seen: Outcome = []
    for each in decode(decoder, data):
        seen += [as_value(each)] if isinstance(each, FramingError) else each
    return seen


def read_chunks(framing: Framing, chunks: Iterable[bytes], then: End | None = None) -> Outcome:
    """Return the results of a new decoder for these chunks and for silence or the end after them."""
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
    """Return the results of a new decoder for ``wire``, which must be the same in any chunks."""
    whole = read_chunks(framing, [wire], then)
    assert whole == read_chunks(framing, [wire[at : at + 1] for at in range(len(wire))], then)
    if len(wire) <= 256:
        for cut in range(1, len(wire)):
            assert whole == read_chunks(framing, [wire[:cut], wire[cut:]], then)
    return whole


class CountedBytes(bytes):
    """Bytes that count how many of them a decoder copies by slicing."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytes):
            self.copied += len(found)
        return found
