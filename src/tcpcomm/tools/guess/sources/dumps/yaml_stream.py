"""The form YAML of Wireshark's "Follow TCP Stream": :class:`YamlDump`."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Lines, Piece, Unread, is_ignored
from tcpcomm.tools.guess.sources.source import MOST_SAMPLED

_BINARY: Final = re.compile(r"\s*data: !!binary \|")
_VALUE: Final = re.compile(r"\s*(?:- )?(?P<key>\w+):\s*(?P<value>.*)$")
_BASE64: Final = re.compile(r"\s+(?P<data>[A-Za-z0-9+/]+={0,2})\s*$")
_GROUP: Final = 4  # letters of Base64 that hold whole bytes
_KEYS: Final = ("peers", "peer", "host", "port", "packets", "packet", "index", "timestamp", "data")


class YamlDump(Dump):
    """Reads packets in YAML, with their times."""

    kind: ClassVar[str] = "a stream of Wireshark in YAML"

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        return any(map(_BINARY.match, head))

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        side: Side = OPENER
        at: float | None = None
        text: list[str] | None = None
        size = 0
        for number, line in lines:
            encoded = _BASE64.match(line) if text is not None else None
            if encoded is not None and text is not None:
                text.append(encoded["data"])
                size += len(encoded["data"])
                if size > 2 * MOST_SAMPLED and size % _GROUP == 0:
                    yield Piece(side, _decoded(text), at)
                    text, size = [], 0
                continue
            if text:
                yield Piece(side, _decoded(text), at)
                text = None
            if _BINARY.match(line):
                text, size = [], 0
                continue
            match = _VALUE.match(line)
            if match is None or match["key"] not in _KEYS:
                if not is_ignored(line):
                    unread.add(number, line)
            elif match["key"] == "peer":
                side = ANSWERER if match["value"].strip() == "1" else OPENER
            elif match["key"] == "timestamp":
                at = _seconds(match["value"])
        if text:
            yield Piece(side, _decoded(text), at)


def _decoded(text: list[str]) -> bytes:
    try:
        return b64decode("".join(text))
    except Error:
        return b""


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
