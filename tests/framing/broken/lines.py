r"""Frames that end with ``\r\n``, broken in the ways of line receivers."""

from __future__ import annotations

from attrs import field, frozen

from tcpcomm.errors import EncodeError, FrameTooLong
from tcpcomm.framing import Buffer, Decoder, Framing

END = b"\r\n"


class LineDecoder(Decoder):
    """Whole. The traps are in what a line receiver remembers from one chunk to the next."""

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
    """Nothing is broken here: what the laws reject below is the break alone."""

    kind: type[LineDecoder] = field(default=LineDecoder, kw_only=True)

    def decoder(self) -> Decoder:
        return self.kind(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        if (frame + END).find(END) != len(frame):
            raise EncodeError("the frame holds the delimiter")
        return frame + END


class QuadraticDecoder(LineDecoder):
    """``unprocessed + data``: every chunk copies, and searches, all that waits."""

    def __init__(self, max_frame: int) -> None:
        super().__init__(max_frame)
        self.unprocessed = b""

    def feed(self, data: bytes) -> list[bytes]:
        *frames, self.unprocessed = (self.unprocessed + data).split(END)
        return frames


class SlicingDecoder(LineDecoder):
    """Each frame that is cut off moves all bytes behind it."""

    def feed(self, data: bytes) -> list[bytes]:
        data = self.trailing + data
        frames = []
        while (end := data.find(END)) >= 0:
            frames.append(data[:end])
            data = data[end + 2 :]
        self._buffer = data
        return frames


class RejectsSplitMaximumDecoder(LineDecoder):
    r"""A line of max_frame bytes whose ``\n`` comes later than its ``\r`` is taken for too long."""

    def wait(self, buffer: Buffer, position: int) -> int:
        if not self.discarding and len(buffer) - position > self.max_frame:
            self.discarding = True
            self.too_long(position)
        return super().wait(buffer, position)


class RepeatsOversizeDecoder(LineDecoder):
    """The line that is too long is reported again with each chunk of it."""

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
    """Only the first of the frames that came in one chunk is delivered."""

    def feed(self, data: bytes) -> list[bytes]:
        return super().feed(data)[:1]


class DecodesFromStartDecoder(LineDecoder):
    """The second of two merged frames is read from where the first one began."""

    def deliver(self, piece: Buffer, at: int) -> bool:
        self._frames.append(self._frames[0][: len(piece)] if self._frames else bytes(piece))
        return True


class MissesSplitEndDecoder(LineDecoder):
    """The search goes on behind all bytes that were seen, as if no delimiter could be half there."""

    def wait(self, buffer: Buffer, position: int) -> int:
        position = super().wait(buffer, position)
        self.searched = len(buffer) - position
        return position


class LosesFramesBeforeFaultDecoder(LineDecoder):
    """A fault takes the good frames of its chunk with it."""

    def too_long(self, position: int) -> None:
        self._frames.clear()
        super().too_long(position)


class RaisesTwiceDecoder(LineDecoder):
    """Each fault is raised by two calls."""

    again = False

    def feed(self, data: bytes) -> list[bytes]:
        if self.again:
            self.again = False
            raise FrameTooLong("more than that", offset=self._start, recoverable=True)
        return super().feed(data)

    def too_long(self, position: int) -> None:
        super().too_long(position)
        self.again = True


class RaisesForEverDecoder(LineDecoder):
    """A fault consumes nothing: the next call meets it again."""

    def too_long(self, position: int) -> None:
        super().too_long(position)
        self.discarding = False

    def cut(self, buffer: Buffer, position: int) -> int:
        after = super().cut(buffer, position)
        return after if self._fault is None else position


class HoldsBackDecoder(LineDecoder):
    """A frame is delivered when the next byte shows that it is over."""

    def cut(self, buffer: Buffer, position: int) -> int:
        return super().cut(bytes(buffer[:-1]), position)


class DeliversPartsDecoder(LineDecoder):
    """What a chunk holds is a frame, ended or not."""

    def feed(self, data: bytes) -> list[bytes]:
        return [line for line in data.split(END) if line]


class SilentEndDecoder(LineDecoder):
    """The stream may end anywhere, and nobody is told."""

    def close(self) -> list[bytes]:
        return []


class KeepsThroughSilenceDecoder(LineDecoder):
    """Silence changes nothing: the next frame is glued to an old half one."""

    def flush(self) -> list[bytes]:
        return []


class ForgetsTrailingDecoder(LineDecoder):
    """What is handed over begins one byte too late."""

    @property
    def trailing(self) -> bytes:
        return super().trailing[1:]


class TextOfChunkDecoder(LineDecoder):
    """A fault's text tells of the chunk, not of the stream."""

    def wait(self, buffer: Buffer, position: int) -> int:
        if not self.discarding and len(buffer) - position > self.max_frame + 1:
            self.discarding = True
            reason = f"{len(buffer)} bytes and no end"
            self.fail(FrameTooLong, reason, at=position, recoverable=True)
        return super().wait(buffer, position)


class HoardsDecoder(LineDecoder):
    """All that was ever received stays in memory."""

    def __init__(self, max_frame: int) -> None:
        super().__init__(max_frame)
        self.log: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        self.log.append(data)
        return super().feed(data)


class GivesBuffersDecoder(LineDecoder):
    """A frame is a view of the decoder's own buffer."""

    def deliver(self, piece: Buffer, at: int) -> bool:
        self._frames.append(bytearray(piece))  # type: ignore[arg-type]
        return True


@frozen
class TruncatingLines(WholeLines):
    """A frame that is too long is sent as far as it fits."""

    def encode(self, frame: bytes) -> bytes:
        return super().encode(frame[: self.max_frame])


@frozen
class CarelessLines(WholeLines):
    """A frame may hold the delimiter: the peer reads two."""

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return frame + END


@frozen
class ForgetfulLines(WholeLines):
    """Frames that are sent together lack the last delimiter."""

    def encode_many(self, frames: object) -> bytes:
        return END.join(frames)  # type: ignore[arg-type]
