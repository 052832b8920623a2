"""
Dumps of blocks with an offset on each line, and arrays of C: :class:`OffsetDump`, :class:`ArrayDump`.

::

    0000   54 52 47 2c 33 0d 0a                              TRG,3..       Wireshark, "…as a Hex Dump"
    00000000  54 52 47 2c 33 0d 0a                           TRG,3..       Wireshark, "Follow TCP Stream"
        00000000  4f 4b 0d 0a                                OK..          the other side there
    0x0000:  4500 002f 0000 4000 4006 0000 0a00 0007         E../..@.@...  tcpdump -X
    00000000  54 52 47 2c 33 0d 0a                           |TRG,3..|     hexdump -C
    char peer0_0[] = { /* Packet 4 */                                      Wireshark, "C Arrays"
    0x54, 0x52, 0x47, 0x2c, 0x33, 0x0d, 0x0a };

Blocks without a direction may be whole packets, with the headers of IP and TCP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from attrs import define, field

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Lines, Piece, Unread, is_ignored, share
from tcpcomm.tools.guess.sources.dumps.times import TIME, Clock
from tcpcomm.tools.guess.sources.source import MOST_SAMPLED

_OFFSET: Final = re.compile(
    r"(?P<indent>\s*)(?:0x)?(?P<offset>[0-9A-Fa-f]{4,8})(?::\s{1,2}|\s{1,4})(?=[0-9A-Fa-f]{2})(?P<rest>.*)$"
)
_GROUP: Final = re.compile(r"(\s*)([0-9A-Fa-f]{2}(?:[0-9A-Fa-f]{2})?)(?=\s|$|\|)")
_ROW: Final = 16
_WIDEST_SPACE: Final = 2
"""Spaces between two groups of one line, at most. More of them stand before the text."""

_TIMED: Final = re.compile(rf"\s*{TIME}")
_END_OF_HEXDUMP: Final = re.compile(r"[0-9A-Fa-f]{7,8}\s*$")
_STREAM_HEAD: Final = re.compile(r"(?:Follow: tcp|Filter: tcp|Node [01]: )")


def _row(rest: str) -> bytes:
    """Return the bytes of a line behind its offset, at most 16."""
    found, at = bytearray(), 0
    while len(found) < _ROW:
        match = _GROUP.match(rest, at)
        if match is None or (found and len(match[1]) > _WIDEST_SPACE):
            break
        found += bytes.fromhex(match[2])
        at = match.end()
    return bytes(found[:_ROW])


@define
class _Block:
    side: Side
    at: float | None
    end: int
    is_complete: bool = False
    data: bytearray = field(factory=bytearray)

    def has_ended(self, side: Side, offset: int) -> bool:
        """Return True if a line of this side and offset belongs to another block, or this one is long."""
        follows = self.side == side and self.end == offset
        return self.is_complete or not follows or len(self.data) > MOST_SAMPLED


class OffsetDump(Dump):
    """
    Reads lines with an offset. A block ends at a short line, or if the next offset does not follow.

    A block that is longer than a sample is divided, because no reader needs all of it.
    """

    kind: ClassVar[str] = "a hex dump with offsets"

    def __init__(self, head: Sequence[str]) -> None:
        super().__init__(head)
        indents = {bool(match["indent"]) for match in map(_OFFSET.match, head) if match is not None}
        self._has_sides = indents == {True, False}

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        rows = [match for match in map(_OFFSET.match, head) if match is not None]
        if not rows or share(head, _OFFSET.match) < 0.5:
            return False
        return int(rows[0]["offset"], 16) == 0 or _follow(rows)

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        clock = Clock()
        at: float | None = None
        block: _Block | None = None
        for number, line in lines:
            match = _OFFSET.match(line)
            data = b"" if match is None else _row(match["rest"])
            if match is None or not data:
                timed = _TIMED.match(line)
                if timed is not None:
                    at = clock.read(timed)
                elif not (is_ignored(line) or _END_OF_HEXDUMP.match(line) or _STREAM_HEAD.match(line)):
                    unread.add(number, line)
                if block is not None:
                    block.is_complete = True
                continue
            side: Side = ANSWERER if self._has_sides and match["indent"] else OPENER
            offset = int(match["offset"], 16)
            if block is not None and block.has_ended(side, offset):
                yield self._piece(block)
                block = None
            if block is None:
                block = _Block(side, at, offset)
            block.data += data
            block.end = offset + len(data)
            block.is_complete = len(data) < _ROW
        if block is not None:
            yield self._piece(block)

    def _piece(self, block: _Block) -> Piece:
        return Piece(block.side if self._has_sides else None, bytes(block.data), block.at)


def _follow(rows: Sequence[re.Match[str]]) -> bool:
    """Return True if the offset of a line follows from the one before."""
    first, second = rows[0], rows[min(1, len(rows) - 1)]
    return int(second["offset"], 16) - int(first["offset"], 16) == len(_row(first["rest"]))


_ARRAY: Final = re.compile(r"\b(?P<name>\w+)\s*\[[0-9]*\]\s*=\s*\{")
_PEER: Final = re.compile(r"peer([01])_")
_BYTE: Final = re.compile(r"\b0[xX]([0-9A-Fa-f]{1,2})\b")
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|$)|//.*")


class ArrayDump(Dump):
    """Reads arrays of bytes in C. Each one is a chunk; ``peer0`` and ``peer1`` are the sides."""

    kind: ClassVar[str] = "arrays in C"

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        return any(map(_ARRAY.search, head))

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        data: bytearray | None = None
        side: Side | None = None
        for number, line in lines:
            shown = line
            match = _ARRAY.search(line)
            if match is not None:
                peer = _PEER.match(match["name"])
                side = None if peer is None else (OPENER, ANSWERER)[int(peer[1])]
                data, shown = bytearray(), line[match.end() :]
            elif data is None:
                if not is_ignored(line) and not line.strip().startswith(("/*", "*")):
                    unread.add(number, line)
                continue
            assert data is not None
            content, brace, _ = _COMMENT.sub("", shown).partition("}")
            data += bytes(int(each, 16) for each in _BYTE.findall(content))
            if brace or len(data) > MOST_SAMPLED:
                yield Piece(side, bytes(data))
                data = None if brace else bytearray()
