r"""Frames that end with ``\r\n``, broken in the ways of line receivers."""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.errors import EncodeError, FrameTooLong
from tcpcomm.framing import Buffer, Decoder, Framing

END = b"\r\n"


class LineDecoder(Decoder):
    """A correct decoder. Errors of line receivers are in the state that they keep between chunks."""

    def __init__(self, max_frame: int) -> None:
        super().__init__()
        self.max_frame = max_frame

    def cut(self, buffer: Buffer, position: int) -> int:
        while (end := buffer.find(END, position + self.searched)) >= 0:
            self.searched = 0
            too_long = end - position > self.max_frame
            if self.discarding:
                self.discarding = False
            elif too_long:
                self.too_long(position)
                return end + 2
            elif not self.deliver(buffer[position:end], position):
                return end + 2
            position = end + 2
        return self.wait(buffer, position)

    def wait(self, buffer: Buffer, position: int) -> int:
        known = max(position, len(buffer) - 1)
        if not self.discarding and known - position > self.max_frame:
            self.discarding = True
            self.too_long(position)
        if self.discarding:
            self.searched = 0
            return known
        self.searched = known - position
        return position

    def too_long(self, position: int) -> None:
        self.fail(FrameTooLong, f"more than {self.max_frame} bytes", at=position, recoverable=True)


@frozen
class WholeLines(Framing):
    """A correct framing, so that the laws reject only the errors below."""

    kind: type[LineDecoder] = field(default=LineDecoder, kw_only=True)

    def decoder(self) -> Decoder:
        return self.kind(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        if (frame + END).find(END) != len(frame):
            raise EncodeError("the frame holds the delimiter")
        return frame + END


class QuadraticDecoder(LineDecoder):
    """``unprocessed + data``: every chunk copies and searches all buffered bytes."""

    def __init__(self, max_frame: int) -> None:
        super().__init__(max_frame)
        self.unprocessed = b""

    def feed(self, data: bytes) -> list[bytes]:
        *frames, self.unprocessed = (self.unprocessed + data).split(END)
        return frames


class SlicingDecoder(LineDecoder):
    """Each frame that is cut off moves all bytes after it."""

    def feed(self, data: bytes) -> list[bytes]:
        data = self.trailing + data
        frames = []
        while (end := data.find(END)) >= 0:
            frames.append(data[:end])
            data = data[end + 2 :]
        self._buffer = data
        return frames


class RejectsSplitMaximumDecoder(LineDecoder):
    r"""A line of max_frame bytes with its ``\n`` in a later chunk than its ``\r`` counts as too long."""

    def wait(self, buffer: Buffer, position: int) -> int:
        if not self.discarding and len(buffer) - position > self.max_frame:
            self.discarding = True
            self.too_long(position)
        return super().wait(buffer, position)


class RepeatsOversizeDecoder(LineDecoder):
    """Each chunk of a line that is too long reports it again."""

    def wait(self, buffer: Buffer, position: int) -> int:
        after = super().wait(buffer, position)
        if self.discarding and self._fault is None and after > position:
            self.too_long(after)
        return after


class NeverResynchronisesDecoder(LineDecoder):
    """After one line that is too long all lines are discarded."""

    def cut(self, buffer: Buffer, position: int) -> int:
        return len(buffer) if self.discarding else super().cut(buffer, position)


class LosesMergedDecoder(LineDecoder):
    """Only the first of the frames in one chunk is delivered."""

    def feed(self, data: bytes) -> list[bytes]:
        return super().feed(data)[:1]


class DecodesFromStartDecoder(LineDecoder):
    """The second of two merged frames is read from the start of the first one."""

    def deliver(self, piece: Buffer, at: int) -> bool:
        self._frames.append(self._frames[0][: len(piece)] if self._frames else bytes(piece))
        return True


class MissesSplitEndDecoder(LineDecoder):
    """The search goes on after all bytes seen, so that a delimiter in two chunks is missed."""

    def wait(self, buffer: Buffer, position: int) -> int:
        position = super().wait(buffer, position)
        self.searched = len(buffer) - position
        return position


class LosesFramesBeforeFaultDecoder(LineDecoder):
    """A fault loses the good frames of its chunk."""

    def too_long(self, position: int) -> None:
        self._frames.clear()
        super().too_long(position)


class RaisesTwiceDecoder(LineDecoder):
    """Each fault is raised by two calls."""

    again = False

    def feed(self, data: bytes) -> list[bytes]:
        if self.again:
            self.again = False
            raise FrameTooLong("more than that", offset=self.offset, recoverable=True)
        return super().feed(data)

    def too_long(self, position: int) -> None:
        super().too_long(position)
        self.again = True


class RaisesForEverDecoder(LineDecoder):
    """A fault consumes nothing, so that the next call raises it again."""

    def too_long(self, position: int) -> None:
        super().too_long(position)
        self.discarding = False

    def cut(self, buffer: Buffer, position: int) -> int:
        after = super().cut(buffer, position)
        return after if self._fault is None else position


class HoldsBackDecoder(LineDecoder):
    """A frame is delivered only after the next byte."""

    def cut(self, buffer: Buffer, position: int) -> int:
        return super().cut(bytes(buffer[:-1]), position)


class DeliversPartsDecoder(LineDecoder):
    """Each part of a chunk is a frame, even without its end."""

    def feed(self, data: bytes) -> list[bytes]:
        return [line for line in data.split(END) if line]


class SilentEndDecoder(LineDecoder):
    """The stream may end anywhere without a fault."""

    def close(self) -> list[bytes]:
        return []


class KeepsThroughSilenceDecoder(LineDecoder):
    """Silence has no effect, so that the next frame is appended to an old half one."""

    def flush(self) -> list[bytes]:
        return []


class ForgetsTrailingDecoder(LineDecoder):
    """The trailing bytes begin one byte too late."""

    @property
    def trailing(self) -> bytes:
        return super().trailing[1:]


class TextOfChunkDecoder(LineDecoder):
    """The text of a fault depends on the chunk."""

    def wait(self, buffer: Buffer, position: int) -> int:
        if not self.discarding and len(buffer) - position > self.max_frame + 1:
            self.discarding = True
            reason = f"{len(buffer)} bytes and no end"
            self.fail(FrameTooLong, reason, at=position, recoverable=True)
        return super().wait(buffer, position)


class HoardsDecoder(LineDecoder):
    """All received bytes stay in memory."""

    def __init__(self, max_frame: int) -> None:
        super().__init__(max_frame)
        self.log: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        self.log.append(data)
        return super().feed(data)


class GivesBuffersDecoder(LineDecoder):
    """A frame is a bytearray."""

    def deliver(self, piece: Buffer, at: int) -> bool:
        self._frames.append(bytearray(piece))  # type: ignore[arg-type]
        return True


@frozen
class TruncatingLines(WholeLines):
    """A frame that is too long is truncated and sent."""

    def encode(self, frame: bytes) -> bytes:
        return super().encode(frame[: self.max_frame])


@frozen
class CarelessLines(WholeLines):
    """A frame may hold the delimiter, so that the peer reads two frames."""

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return frame + END


@frozen
class ForgetfulLines(WholeLines):
    """Frames that are sent together lack the last delimiter."""

    def encode_many(self, frames: object) -> bytes:
        return END.join(frames)  # type: ignore[arg-type]
