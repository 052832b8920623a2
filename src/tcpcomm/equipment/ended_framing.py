"""A framing for frames that bring an end or a framing of their own: :class:`EndedFraming`."""

from __future__ import annotations

from attrs import frozen

from tcpcomm.codec.base import EndedFrame
from tcpcomm.errors import EncodeError, FramingError
from tcpcomm.framing import Framing
from tcpcomm.framing.base import Decoder
from tcpcomm.framing.framing_around import FramingAround


class FramedFrame(bytes):
    """A frame with a framing of its own. It is sent with this framing."""

    framing: Framing

    def __new__(cls, frame: bytes, framing: Framing) -> FramedFrame:
        self = super().__new__(cls, frame)
        self.framing = framing
        return self


@frozen
class EndedFraming(FramingAround):
    """
    A framing that sends each :class:`~tcpcomm.codec.base.EndedFrame` with its own end, and each
    :class:`FramedFrame` with its own framing.

    Args:
        framing: sends all other frames, and reads all frames, also those with another end.
    """

    def decoder(self) -> Decoder:
        return self.framing.decoder()

    def encode(self, frame: bytes) -> bytes:
        if isinstance(frame, FramedFrame):
            return self.framing.in_stream(frame.framing.encode(bytes(frame)))
        if not isinstance(frame, EndedFrame):
            return self.framing.encode(frame)
        self.check_size(frame)
        wire, decoder = self.framing.in_stream(frame + frame.end), self.framing.decoder()
        if self.opening:
            decoder.feed(self.opening)
        try:
            found = decoder.feed(wire)
        except FramingError as error:
            raise EncodeError(f"{wire!r} is not a frame of the framing: {error}") from None
        if found != [frame]:
            raise EncodeError(
                f"the framing does not read {wire!r} as one frame: give a framing that takes this end, "
                "such as Lines()"
            )
        return wire
