"""Lines with binary blocks in them, as measuring instruments send them: :class:`Definite`."""

from __future__ import annotations

import re

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, FramingError
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes


@frozen
class Definite(Framing):
    r"""
    Each frame is a line, but a terminator inside an IEEE 488.2 block is data: ``#3123…``, as in SCPI.

    A block is ``#``, a digit d, d digits of length, and that many bytes. ``#0`` begins a block without a
    length, which the terminator ends. A block begins at the start of a line or after a space, tab, comma,
    semicolon or colon. Any other ``#`` is text. The frame holds the block as it was sent, header included.

    Args:
        terminator: the bytes that end a line.
        block_ends: whether a line that begins with a block ends with that block. The terminator may follow
            it or not: some instruments send none there.

    A line beyond ``max_frame`` is discarded up to its terminator. A block that announces more than
    ``max_frame`` ends the stream.

    Raises:
        ConfigurationError: the terminator is empty, or holds bytes of a block's header.

    Source: IEEE 488.2-1992, 7.7.6 and 8.7.9 to 8.7.10.
    """

    terminator: bytes = field(default=b"\n", kw_only=True, converter=checked_bytes)
    block_ends: bool = field(default=False, kw_only=True)
    _tokens: re.Pattern[bytes] = field(init=False, repr=False, eq=False)
    _end: re.Pattern[bytes] = field(init=False, repr=False, eq=False)

    @_tokens.default
    def _compile_tokens(self) -> re.Pattern[bytes]:
        return re.compile(b"#|" + re.escape(self.terminator))

    @_end.default
    def _compile_end(self) -> re.Pattern[bytes]:
        return re.compile(re.escape(self.terminator))

    def __attrs_post_init__(self) -> None:
        if not self.terminator or re.search(rb"[#0-9 \t,;:]", self.terminator):
            raise ConfigurationError(
                f"the terminator must be bytes without '#', digits, space or , ; : "
                f"unlike {self.terminator!r}"
            )

    def decoder(self) -> Decoder:
        return _DefiniteDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        wire = frame + self.terminator
        try:
            read = self.decoder().feed(wire + self.terminator)
        except FramingError as fault:
            raise EncodeError(f"the peer could not read this: {fault.reason}") from fault
        if read != [frame, b""]:
            raise EncodeError(
                "the frame holds the terminator outside of a block, or a block that is not complete"
            )
        return wire


@define(eq=False, repr=False, weakref_slot=False)
class _DefiniteDecoder(Decoder):
    _framing: Definite

    _indefinite: bool = field(default=False, init=False)
    """True inside a #0 block, where only the terminator counts."""

    _after_block: bool = field(default=False, init=False)
    """True if a block ended the last frame: its terminator may follow."""

    def cut(self, buffer: Buffer, position: int) -> int:
        framing, size = self._framing, len(buffer)
        while True:
            if self._after_block:
                following = position + len(framing.terminator)
                if buffer.startswith(framing.terminator, position):
                    position = following
                elif framing.terminator.startswith(buffer[position:following]):
                    return position
                self._after_block = False
            pattern = framing._end if self._indefinite or self.discarding else framing._tokens
            match = pattern.search(buffer, position + self.searched)
            stop = max(position, size - len(framing.terminator) + 1) if match is None else match.start()
            if self.discarding:
                self.searched = 0
                if match is None:
                    return stop
                self.discarding = False
                position = match.end()
            elif stop - position > framing.max_frame:
                self.discarding = True
                self._indefinite = False
                self.searched = 0
                reason = f"a frame exceeds max_frame={framing.max_frame} and is discarded up to its end"
                self.fail(FrameTooLong, reason, at=position, recoverable=True)
                return position + framing.max_frame
            elif match is None:
                self.searched = stop - position
                return position
            elif match.group() == b"#":
                block = self._block_end(buffer, position, match.start())
                if block is None:
                    return position
                if block and framing.block_ends and match.start() == position:
                    self.searched = 0
                    self._after_block = True
                    if not self.deliver(buffer[position:block], position):
                        return block
                    position = block
                else:
                    self.searched = (block or match.end()) - position
            else:
                self.searched = 0
                self._indefinite = False
                if not self.deliver(buffer[position:stop], position):
                    return match.end()
                position = match.end()

    def _block_end(self, buffer: Buffer, position: int, at: int) -> int | None:
        """
        Return the position after the block that begins at ``at``, or 0 if none begins there.

        Return None if more bytes are needed.
        """
        framing, size = self._framing, len(buffer)
        self.searched = at - position
        if at > position and buffer[at - 1] not in b" \t,;:":
            return 0
        kind = buffer[at + 1 : at + 2]
        if not kind:
            return None
        if not kind.isdigit():
            return 0
        if kind == b"0":
            self._indefinite = True
            return 0
        count = int(kind)
        digits = buffer[at + 2 : at + 2 + count]
        if digits and not digits.isdigit():
            return 0
        if len(digits) < count:
            return None
        end = at + 2 + count + int(digits)
        if end - position > framing.max_frame:
            reason = f"a block of {int(digits)} bytes makes a frame exceed max_frame={framing.max_frame}"
            self.fail(FrameTooLong, reason, at=position)
            return None
        if end > size:
            self._need = end - position
            return None
        return end

    def has_half_frame(self) -> bool:
        return not self._after_block and super().has_half_frame()

    def reset(self) -> None:
        super().reset()
        self._indefinite = self._after_block = False
