"""The log of frames that ``tcpcomm tap``, ``listen``, ``send`` and others print: :class:`FrameLogDump`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from tcpcomm.session.frame_log import LONGEST_LINE
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Lines, Piece, Unread, is_ignored, share
from tcpcomm.tools.guess.sources.dumps.times import TIME, Clock
from tcpcomm.tools.guess.sources.source import UnreadableCapture

_MARKS: Final[dict[str, Side]] = {
    "host -> equipment": OPENER,
    "host <- equipment": ANSWERER,
    "->": OPENER,
    "<-": ANSWERER,
}
_LONGEST_PEER: Final = 300
_LINE: Final = re.compile(
    rf"(?:^|\s){TIME}  (?P<peer>\S.{{0,{_LONGEST_PEER}}}?)(?<=\S)\s++"
    r"(?P<mark>host (?:->|<-) equipment|->|<-|--|!!|~~)"
    r"(?:\s+(?P<text>.*))?$"
)
_LONGEST: Final = 2 * LONGEST_LINE
"""Characters of a line that may be one of a log."""

_FRAME: Final = re.compile(r"(?P<hex>(?:[0-9a-f]{2}(?: |$)?)*)\s*\|.*\|(?P<rest> … [0-9,]+ bytes in all)?$")
_DECODED: Final = re.compile(r"[a-z]+ .*  (?:[0-9a-f]{2} )*[0-9a-f]{2}\s+\|.*\|")
_BEGINS: Final = ("opened", "connection ", "ready")


def _matched(line: str) -> re.Match[str] | None:
    return _LINE.search(line) if len(line) <= _LONGEST else None


class FrameLogDump(Dump):
    """Reads a log of frames. Each peer is a stream."""

    kind: ClassVar[str] = "a frame log of tcpcomm"
    knows_opener = False
    note: str = (
        "if the log was made with --framing or --gap, its frames lack what divides them: make it without, "
        "or make a recording with --record"
    )

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        return share(head, _matched) >= 0.5

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        clock = Clock()
        cut: dict[tuple[str, Side], bool] = {}
        for number, line in lines:
            match = _matched(line)
            if match is None:
                if not is_ignored(line):
                    unread.add(number, line)
                continue
            at, peer, text = clock.read(match), match["peer"], match["text"] or ""
            side = _MARKS.get(match["mark"])
            frame = _FRAME.match(text) if side is not None else None
            if frame is not None and side is not None:
                data = bytes.fromhex(frame["hex"])
                yield Piece(side, data, at, stream=peer, after_gap=cut.pop((peer, side), False))
                if frame["rest"]:
                    cut[peer, side] = True
            elif side is None:
                if match["mark"] == "--" and text.startswith(_BEGINS):
                    yield Piece(None, b"", at, stream=peer, begins=not text.startswith("ready"))
            elif _DECODED.match(text):
                raise UnreadableCapture(
                    f"line {number:,} shows a decoded message, without what divides messages: make the log "
                    "without --as, or make a recording with --record"
                )
            elif not text.startswith(("connection ", "listening", "half a frame", "~~", "!!", "closed")):
                unread.add(number, line)
