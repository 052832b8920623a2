"""XML documents that follow each other without ends: :class:`XmlDocuments`."""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import UnexpectedBytes
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes
from tcpcomm.framing.documents.document_decoder import DocumentDecoder, check_document, check_end

_MARKUP: Final = re.compile(
    rb"<(?:(?P<open>[A-Za-z_:\x80-\xff])|(?P<close>/)|(?P<instruction>\?)|(?P<comment>!--)|(?P<data>!\[CDATA\[))"
)
_LONGEST: Final = len(b"<![CDATA[")
_BEGUN: Final = re.compile(rb"<(?:!(?:-|\[(?:C(?:D(?:A(?:T(?:A)?)?)?)?)?)?)?\Z")
"""Markup of which more must be seen."""

_TAG: Final = re.compile(rb"[>\"']")
_ENDS: Final = {
    "instruction": re.compile(rb"\?>"),
    "comment": re.compile(rb"-->"),
    "data": re.compile(rb"\]\]>"),
    "close": re.compile(rb">"),
    "open": _TAG,
    '"': re.compile(rb'"'),
    "'": re.compile(rb"'"),
    "text": re.compile(rb"<"),
}
"""The bytes that end each kind of part."""

_OVERLAP: Final = 2  # bytes of "-->" that may have arrived


@frozen
class XmlDocuments(Framing):
    """
    Each frame is an XML document, which ends where its root element closes.

    Robots send such documents without a length, as KUKA's EKI does: ``<Robot Alive="1"/>``, or
    ``<Robot> ... </Robot >``, with any root. The frame begins with the XML declaration, or the comments
    before the root. Comments, CDATA sections and quoted attributes may hold anything. The
    codec tells whether the tags fit each other.

    Blanks and byte order marks of UTF-8 may stand between documents. A document type definition ends the
    stream, because the entities in it can grow without a limit. So does a document beyond ``max_frame``,
    because its end cannot be found. The bytes must be of an encoding that keeps ASCII, not UTF-16.

    Source: XML 1.0, fifth edition.
    """

    end: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    """The bytes that are sent behind each document. The receiver skips them."""

    between: bytes = field(default=b" \t\r\n\xef\xbb\xbf", kw_only=True, converter=checked_bytes)
    """Bytes that may stand between documents, any number of each. They are ignored."""

    def __attrs_post_init__(self) -> None:
        check_end(self.end, self.between)

    def encode(self, frame: bytes) -> bytes:
        check_document(self, frame)
        return frame + self.end

    def decoder(self) -> Decoder:
        return _XmlDecoder(self.max_frame, self.between)


@define(eq=False, repr=False, weakref_slot=False)
class _XmlDecoder(DocumentDecoder):
    _depth: int = field(default=0, init=False)
    _part: str = field(default="text", init=False)
    """The kind of part, such as a comment, that has begun before ``searched``. It is a key of ``_ENDS``."""

    start = re.compile(rb"<(?:[A-Za-z_:\x80-\xff?]|!--)")
    whole_start = 4
    starts_with = "<"

    def may_start(self, text: bytes) -> bool:
        return b"<!--".startswith(text)

    def begin(self) -> None:
        self._depth, self._part = 0, "text"

    def find_end(self, buffer: Buffer, position: int) -> int:
        # Bytes behind the limit are not looked at, because they may come in a later chunk.
        at, size = position + self.searched, min(len(buffer), position + self._max_frame + 1)
        while at < size:
            part = self._part
            match = _ENDS[part].search(buffer, at, size)
            if part == "text" and self._depth == 0:
                stop = size if match is None else match.start()
                if bytes(buffer[at:stop]).strip(b" \t\r\n"):
                    return self._garbage(buffer, position, at)
            if match is None:
                overlap = _OVERLAP if part in ("instruction", "comment", "data") else 0
                at = max(at, size - overlap)
                break
            if part == "text":
                markup = _MARKUP.match(buffer, match.start(), size)
                if markup is None:
                    if _BEGUN.match(buffer[match.start() : min(match.start() + _LONGEST, size)]):
                        at = match.start()
                        break
                    return self._refuse(buffer, position, match.start())
                self._part, at = markup.lastgroup or "", markup.end()
                if self._depth == 0 and self._part in ("close", "data"):
                    return self._garbage(buffer, position, match.start())
                continue
            at = match.end()
            if part == "open":
                token = match.group()
                if token != b">":
                    self._part = token.decode()
                    continue
                if buffer[at - 2] != ord("/"):
                    self._depth += 1
            elif part == "close":
                self._depth -= 1
            elif part in ('"', "'"):
                self._part = "open"
                continue
            self._part = "text"
            if self._depth == 0 and part in ("open", "close"):
                return at
        self.searched = at - position
        return -1

    def _garbage(self, buffer: Buffer, position: int, at: int) -> int:
        """Report what stands before the root element. The search for a document goes on behind it."""
        reason = (
            "a document has an XML declaration or comments, and then something else than its root element"
        )
        return ~self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=at + 1)

    def _refuse(self, buffer: Buffer, position: int, at: int) -> int:
        if buffer.startswith(b"<!", at):
            reason = "a document has a document type definition, whose entities can grow without a limit"
        else:
            reason = "a document holds a '<' that begins no tag: write it as &lt;"
        self.fail(UnexpectedBytes, reason, at=position)
        return -1
