"""Lines that may hold binary blocks, as measuring instruments send them: :class:`Definite`."""

from __future__ import annotations

import re

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, FramingError
from tcpcomm.framing.base import Buffer, Decoder, Framing, octets

__all__ = ["Definite"]


@frozen
class Definite(Framing):
    r"""
    Each frame is a line, but a terminator inside an IEEE 488.2 block is data: ``#3123…``, SCPI's waveforms.

    ``#`` and a digit d, d digits of length, then so many bytes. ``#0`` begins a block without a length,
    which the terminator ends. A block begins at the start of a line or after a space, tab, comma,
    semicolon or colon; any other ``#`` is text. The frame holds the block as it was sent, header
    included.

    Args:
        terminator: what ends a line.
        block_ends: a line that begins with a block ends with it, whether a terminator follows or not,
            as with instruments that send none there.

    A line beyond ``max_frame`` is discarded up to its terminator. A block that announces more than
    ``max_frame`` ends the stream.

    Raises:
        ConfigurationError: the terminator is empty or could be part of a block's header.

    Source: IEEE 488.2-1992, 7.7.6 and 8.7.9 to 8.7.10.
    """

    terminator: bytes = field(default=b"\n", kw_only=True, converter=octets)
    block_ends: bool = field(default=False, kw_only=True)
    _end: re.Pattern[bytes] = field(init=False, repr=False, eq=False)
    _tokens: re.Pattern[bytes] = field(init=False, repr=False, eq=False)

    @_end.default
    def _compile_end(self) -> re.Pattern[bytes]:
        return re.compile(re.escape(self.terminator))

    @_tokens.default
    def _compile_tokens(self) -> re.Pattern[bytes]:
        return re.compile(b"#|" + re.escape(self.terminator))

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


class _DefiniteDecoder(Decoder):
    __slots__ = ("_after_block", "_discarding", "_framing", "_indefinite", "_searched")

    def __init__(self, framing: Definite) -> None:
        super().__init__()
        self._framing = framing
        self._searched = 0  # bytes of the unfinished line that are dealt with
        self._indefinite = False  # inside a #0 block: only the terminator counts
        self._discarding = False  # inside a line that was reported as too long
        self._after_block = False  # a block ended the last frame: its terminator may follow

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
            only_end = self._indefinite or self._discarding
            pattern = framing._end if only_end else framing._tokens
            match = pattern.search(buffer, position + self._searched)
            stop = max(position, size - len(framing.terminator) + 1) if match is None else match.start()
            if self._discarding:
                self._searched = 0
                if match is None:
                    return stop
                self._discarding = False
                position = match.end()
            elif stop - position > framing.max_frame:
                self._discarding = True
                self._indefinite = False
                self._searched = 0
                reason = f"a frame exceeds max_frame={framing.max_frame} and is discarded up to its end"
                self.fail(FrameTooLong, reason, at=position, recoverable=True)
                return position + framing.max_frame
            elif match is None:
                self._searched = stop - position
                return position
            elif match.group() == b"#":
                block = self._block_end(buffer, position, match.start())
                if block is None:
                    return position
                if block and framing.block_ends and match.start() == position:
                    self._searched = 0
                    self._after_block = True
                    if not self.deliver(buffer[position:block], position):
                        return block
                    position = block
                else:
                    self._searched = (block or match.end()) - position
            else:
                self._searched = 0
                self._indefinite = False
                if not self.deliver(buffer[position:stop], position):
                    return match.end()
                position = match.end()

    def _block_end(self, buffer: Buffer, position: int, at: int) -> int | None:
        """Where the block that begins at ``at`` ends; 0 if none does, None if more bytes must tell."""
        framing, size = self._framing, len(buffer)
        self._searched = at - position
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

    @property
    def mid_frame(self) -> bool:
        return self._discarding or super().mid_frame

    def _incomplete(self) -> bool:
        return not (self._discarding or self._after_block) and super()._incomplete()

    def _forget(self) -> None:
        super()._forget()
        self._searched = 0
        self._indefinite = self._discarding = self._after_block = False
