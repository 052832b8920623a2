"""Lines with binary blocks in them, as measuring instruments send them: :class:`Definite`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, FramingError
from tcpcomm.framing.base import LONGEST_REFUSED, Buffer, Decoder, Framing, checked_bytes

_TEXT: Final = b""
_INDEFINITE: Final = b"#0"


@frozen
class Definite(Framing):
    r"""
    Each frame is a line, but a terminator inside an IEEE 488.2 block is data: ``#3123…``, as in SCPI.

    A block is ``#``, a digit d, d digits of length, and that many bytes. ``#0`` begins a block without a
    length, which the terminator ends. A block begins at the start of a line or after a space, tab, comma,
    semicolon or colon. Any other ``#`` is text, and so is each ``#`` in a string: ``"Slot #12"``. A string
    begins where a block may begin, with ``"`` or ``'``, and ends with the same byte, which is doubled
    inside. The terminator ends the line in a string too, so a lone quote costs one line at most. The frame
    holds blocks and strings as they were sent.

    Args:
        terminator: the bytes that end a line.
        block_ends: whether a line that begins with a block ends with that block. The terminator may follow
            it or not: some instruments send none there.

    A line beyond ``max_frame`` is discarded up to its terminator, with the blocks that it holds. A block
    that announces more than ``max_frame`` ends the stream.

    Raises:
        ConfigurationError: the terminator is empty, or holds a quote or bytes of a block's header.

    Source: IEEE 488.2-1992, 7.7.5 and 7.7.6, 8.7.8 to 8.7.10.
    """

    terminator: bytes = field(default=b"\n", kw_only=True, converter=checked_bytes)
    block_ends: bool = field(default=False, kw_only=True)
    _tokens: Mapping[bytes, re.Pattern[bytes]] = field(init=False, repr=False, eq=False)
    """The pattern of the next token, by the part of the line that the search is in."""

    @_tokens.default
    def _compile_tokens(self) -> Mapping[bytes, re.Pattern[bytes]]:
        tokens = {_TEXT: b"[#\"']|", b'"': b'"|', b"'": b"'|", _INDEFINITE: b""}
        return {part: re.compile(begin + re.escape(self.terminator)) for part, begin in tokens.items()}

    def __attrs_post_init__(self) -> None:
        if not self.terminator or re.search(rb"[#0-9 \t,;:\"']", self.terminator):
            raise ConfigurationError(
                f"the terminator must be bytes without '#', digits, quotes, space or , ; : "
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

    _part: bytes = field(default=_TEXT, init=False)
    """The part of the line that the search is in: text, a string (its quote), or a #0 block."""

    _text_from: int = field(default=0, init=False)
    """The place where the text began, from the position on: after a block, a string, or the last line."""

    _closed: bytes = field(default=b"", init=False)
    """The quote that ended a string at ``_text_from``. The same quote again goes on with that string."""

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
            if self.refused:
                position = self.skip_refused(buffer, position)
            begin = position + self.searched
            match = framing._tokens[self._part].search(buffer, begin)
            stop = max(begin, size - len(framing.terminator) + 1) if match is None else match.start()
            if not self.discarding and stop - position > framing.max_frame:
                self.discarding = True
                reason = f"a frame exceeds max_frame={framing.max_frame} and is discarded up to its end"
                self.fail(FrameTooLong, reason, at=position, recoverable=True)
                return position
            self.searched = stop - position
            if match is None:
                return self._drop(position)
            token, end = match.group(), match.end()
            if token == framing.terminator:
                self._begin_text()
                if self.discarding:
                    self.discarding = False
                elif not self.deliver(buffer[position:stop], position):
                    return end
                position = end
            elif token == self._part:
                self._begin_text(end - position, closed=token)
            elif token != b"#":
                again = token == self._closed and self.searched == self._text_from
                if again or self._separated(buffer, position, stop):
                    self._part = token
                self.searched = end - position
            else:
                found = self._block(buffer, position, stop)
                if found is None or self._fault is not None:
                    return self._drop(position)
                body, length = found
                if not body:
                    self.searched = end - position
                elif self.discarding:
                    position, self.refused = body, length
                    self._begin_text()
                elif body + length > size:
                    self._need = body + length - position
                    return position
                elif framing.block_ends and stop == position:
                    self._begin_text()
                    self._after_block = True
                    position = body + length
                    if not self.deliver(buffer[stop:position], stop):
                        return position
                else:
                    self._begin_text(body + length - position)

    def _begin_text(self, at: int = 0, *, closed: bytes = b"") -> None:
        self._part, self._closed = _TEXT, closed
        self.searched = self._text_from = at

    def _drop(self, position: int) -> int:
        """Return the position to keep bytes from: of a discarded line, the byte before the next token."""
        if not self.discarding or self._fault is not None:
            return position
        dropped = max(0, self.searched - 1)
        self.searched -= dropped
        self._text_from -= dropped
        return position + dropped

    def _separated(self, buffer: Buffer, position: int, at: int) -> bool:
        """Return True if a block or a string may begin at ``at``."""
        if at == position:
            return not self.discarding
        return at > position + self._text_from and buffer[at - 1] in b" \t,;:"

    def _block(self, buffer: Buffer, position: int, at: int) -> tuple[int, int] | None:
        """
        Return the position and the length of the bytes of the block that begins at ``at``.

        Return two zeros if no block of a known length begins there, and None if more bytes are needed.
        """
        if not self._separated(buffer, position, at):
            return 0, 0
        kind = buffer[at + 1 : at + 2]
        if not kind:
            return None
        if kind == b"0":
            self._part = _INDEFINITE
        if kind not in b"123456789":
            return 0, 0
        body = at + 2 + int(kind)
        digits = buffer[at + 2 : body]
        if digits and not digits.isdigit():
            return 0, 0
        if at + 2 + len(digits) < body:
            return None
        length, max_frame = int(digits), self._framing.max_frame
        if self.discarding and length > LONGEST_REFUSED * max_frame:
            reason = f"a block of {length} bytes in a discarded frame is too long to wait for its end"
            self.fail(FrameTooLong, reason, at=at)
        elif not self.discarding and body + length - position > max_frame:
            reason = f"a block of {length} bytes makes a frame exceed max_frame={max_frame}"
            self.fail(FrameTooLong, reason, at=position)
        return body, length

    def has_half_frame(self) -> bool:
        return not self._after_block and super().has_half_frame()

    def reset(self) -> None:
        super().reset()
        self._begin_text()
        self._after_block = False
