"""JSON values that follow each other without ends: :class:`JsonValues`."""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field, frozen

from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes
from tcpcomm.framing.documents.document_decoder import DocumentDecoder, check_document, check_end

_OUTSIDE: Final = re.compile(rb'[{}\[\]"]')
_INSIDE: Final = re.compile(rb'["\\]')


@frozen
class JsonValues(Framing):
    """
    Each frame is a JSON object or array, which ends with its last bracket: ``{"a":1}{"b":"}"}[2]``.

    Brackets inside strings do not count. Numbers, strings and other values alone are refused, because a
    number does not show where it ends. A value in mid-stream may be malformed: the codec tells that.

    Blanks may stand between the values. ``between`` may name other bytes, such as ``b"\\x1e\\n"`` for JSON
    text sequences. A value beyond ``max_frame`` ends the stream, because its end cannot be found.

    Source: RFC 8259; RFC 7464 (text sequences).
    """

    end: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    """The bytes that are sent behind each value. The receiver skips them."""

    between: bytes = field(default=b" \t\r\n", kw_only=True, converter=checked_bytes)
    """Bytes that may stand between values, any number of each. They are ignored."""

    def __attrs_post_init__(self) -> None:
        check_end(self.end, self.between)

    def encode(self, frame: bytes) -> bytes:
        check_document(self, frame)
        return frame + self.end

    def decoder(self) -> Decoder:
        return _JsonDecoder(self.max_frame, self.between)


@define(eq=False, repr=False, weakref_slot=False)
class _JsonDecoder(DocumentDecoder):
    _depth: int = field(default=0, init=False)
    _quoted: bool = field(default=False, init=False)
    """True inside a string."""

    start = re.compile(rb"[{\[]")
    whole_start = 1
    starts_with = "{ or ["

    def begin(self) -> None:
        self._depth, self._quoted = 0, False

    def find_end(self, buffer: Buffer, position: int) -> int:
        depth, quoted, at = self._depth, self._quoted, position + self.searched
        limit = position + self._max_frame + 1
        while True:
            match = (_INSIDE if quoted else _OUTSIDE).search(buffer, at)
            if match is None or match.start() >= limit:
                at = len(buffer)
                break
            token, at = match.group(), match.end()
            if token == b'"':
                quoted = not quoted
            elif token == b"\\":
                at += 1  # the escaped character, which may be a quote
                if at > len(buffer):
                    at -= 2
                    break
            elif token in b"{[":
                depth += 1
            else:
                depth -= 1
                if depth == 0:
                    return at
        self._depth, self._quoted, self.searched = depth, quoted, at - position
        return -1
