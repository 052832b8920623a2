"""The output of ``socat -x``, also with ``-v``: :class:`SocatDump`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Lines, Piece, Unread, is_ignored
from tcpcomm.tools.guess.sources.dumps.times import TIME, Clock
from tcpcomm.tools.guess.sources.source import MOST_SAMPLED

_HEAD: Final = re.compile(
    rf"(?P<mark>[<>]) {TIME}\s+length=(?P<length>[0-9]{{1,18}}) from=(?P<start>[0-9]{{1,18}}) to=[0-9]+\s*$"
)
_DATA: Final = re.compile(r"(?: [0-9a-f]{2})+(?=\s*$|\s\s)")


class SocatDump(Dump):
    """Reads chunks, each with a line about it and its bytes on further lines."""

    kind: ClassVar[str] = "a dump of socat"

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        return any(map(_HEAD.match, head))

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        clock = Clock()
        places: dict[Side, int] = {OPENER: 0, ANSWERER: 0}
        side: Side | None = None
        at: float | None = None
        start = wanted = 0
        data = bytearray()

        def piece() -> Iterator[Piece]:
            if side is not None:
                yield Piece(side, bytes(data), at, after_gap=start != places[side])
                places[side] = start + len(data)

        for number, line in lines:
            match = _HEAD.match(line)
            if match is not None:
                yield from piece()
                side = OPENER if match["mark"] == ">" else ANSWERER
                at, start, wanted = clock.read(match), int(match["start"]), int(match["length"])
                data.clear()
                continue
            shown = _DATA.match(line)
            if shown is not None and len(data) < wanted:
                data += bytes.fromhex(shown[0])[: wanted - len(data)]
                if len(data) > MOST_SAMPLED:
                    yield from piece()
                    start, wanted = start + len(data), wanted - len(data)
                    data.clear()
            elif not is_ignored(line):
                unread.add(number, line)
        yield from piece()
