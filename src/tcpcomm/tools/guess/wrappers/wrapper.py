"""The contract of a framing around a whole stream: :class:`Wrapper`, and :func:`without`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from attrs import evolve, frozen

from tcpcomm.framing.base import Framing, decode
from tcpcomm.framing.unframed import Unframed
from tcpcomm.tools.guess.capture import Capture, Side

_ALL: Final = Unframed(max_frame=2**31 - 1)
"""The framing that delivers whatever a wrapper leaves of a chunk."""


@frozen
class Wrapper(ABC):
    """A framing around the stream of one side. It takes bytes out, and another framing cuts the rest."""

    options: ClassVar[tuple[str, ...]]
    """The words of its options in the notation."""

    @abstractmethod
    def around(self, framing: Framing) -> Framing:
        """Return the wrapper with a framing inside."""

    @property
    @abstractmethod
    def bits(self) -> float:
        """The bits that the bytes it takes out explain, without those that it costs."""

    @property
    @abstractmethod
    def evidence(self) -> str:
        """The bytes that it takes out, as a sentence with its figures."""


def without(capture: Capture, side: Side, wrapper: Wrapper) -> Capture:
    """
    Return a capture without the bytes that a wrapper takes out of one side.

    The wrapper's own decoder takes them out, chunk by chunk. So a framing that cuts the rest cuts the whole
    stream with the wrapper around it.
    """
    decoder = wrapper.around(_ALL).decoder()
    chunks, after_gap = [], False
    for chunk in capture.chunks:
        if chunk.side != side:
            chunks.append(chunk)
            continue
        if chunk.after_gap:
            decoder.flush()
        after_gap = after_gap or chunk.after_gap
        left = b"".join(
            frame for found in decode(decoder, chunk.data) if isinstance(found, list) for frame in found
        )
        if left:
            chunks.append(evolve(chunk, data=left, after_gap=after_gap))
            after_gap = False
    return evolve(capture, chunks=tuple(chunks))
