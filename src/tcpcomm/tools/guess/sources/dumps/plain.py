"""Bytes without offsets and marks: :class:`HexLines`, :class:`EscapedText` and :class:`PlainText`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from tcpcomm.tools.guess.capture import ANSWERER, OPENER
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Lines, Piece, Unread, is_ignored, share
from tcpcomm.tools.guess.sources.dumps.values import ALL_ESCAPES, escapes_in, hex_bytes

_INDENT: Final = re.compile(r"\t| {4}")


class HexLines(Dump):
    """
    Reads lines of hexadecimal digits, each a chunk.

    If some are indented, they come from the other side, as in the form "Raw" of Wireshark's "Follow TCP
    Stream".
    """

    kind: ClassVar[str] = "lines in hexadecimal"

    def __init__(self, head: Sequence[str]) -> None:
        super().__init__(head)
        indented = {bool(_INDENT.match(line)) for line in head if not is_ignored(line)}
        self._has_sides = indented == {True, False}

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        return share(head, lambda line: hex_bytes(line) is not None) >= 0.5

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        for number, line in lines:
            data = hex_bytes(line)
            if data is not None:
                other = self._has_sides and _INDENT.match(line)
                yield Piece((ANSWERER if other else OPENER) if self._has_sides else None, data)
            elif not is_ignored(line) and not line.startswith(("Follow: tcp", "Filter: tcp", "Node ")):
                unread.add(number, line)


class EscapedText(Dump):
    """Reads text with escapes such as ``{0D}{0A}``. Each line of the file is a chunk."""

    kind: ClassVar[str] = "text with escapes"

    def __init__(self, head: Sequence[str]) -> None:
        super().__init__(head)
        found = escapes_in(head)
        self._escapes = ALL_ESCAPES[0] if found is None else found
        self.note = f"the bytes are read as text with escapes such as {self._escapes.name}"

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        found = escapes_in(head)
        return found is not None and share(head, found.count) >= 0.5

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        for _, line in lines:
            yield Piece(None, self._escapes.read(line))
