"""
Dumps with a mark of the direction on each line: :class:`MarkedDump`.

::

    > 54 52 47 2c 33 0d 0a                          07:30:01.250 >> TRG,3<CR><LF>
    < 4f 4b 0d 0a                                   07:30:01.262 << OK<CR><LF>

    07.05.2024 10:14:16.123 [TX] - 02 41 42 03      SEND: 0x0 0x1 0x0 0x0
    07.05.2024 10:14:16.140 [RX] - 06               recv b'OK\\r\\n'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final

from attrs import evolve

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Lines, Piece, Unread, is_ignored, share
from tcpcomm.tools.guess.sources.dumps.times import SECONDS, TIME, Clock
from tcpcomm.tools.guess.sources.dumps.values import escapes_in, hex_bytes, literal_bytes, plain_bytes
from tcpcomm.tools.guess.sources.source import MOST_SAMPLED

_ARROWS: Final[dict[str, Side]] = {
    **dict.fromkeys((">", ">>", ">>>", "→"), OPENER),
    **dict.fromkeys(("<", "<<", "<<<", "←"), ANSWERER),
}
_LOOSE_ARROWS: Final[dict[str, Side]] = {
    **dict.fromkeys(("->", "-->", "=>", "==>"), OPENER),
    **dict.fromkeys(("<-", "<--", "<=", "<=="), ANSWERER),
}
_TO_THE_ANSWERER: Final = "tx send sent sending snd out output write written request client host pc"
_TO_THE_OPENER: Final = (
    "rx recv received receive receiving rcv in input read response reply server equipment device plc"
)
_WORDS: Final[dict[str, Side]] = {
    **dict.fromkeys(_TO_THE_ANSWERER.split(), OPENER),
    **dict.fromkeys(_TO_THE_OPENER.split(), ANSWERER),
}
_SHORT: Final = "tx|rx|send|sent|recv|received|snd|rcv"
"""Words that need no colon or bracket."""

_BEFORE: Final = rf"^\s*+(?:[\[(]?(?:{TIME}|{SECONDS})[\])]?\s*+(?:(?:[,;|:]|-(?!-?>))\s*+)?)?"
"""What may stand before a mark. Its blanks are tried once, so that many of them take no long time."""

_ARROW: Final = re.compile(
    rf"{_BEFORE}(?P<mark>>{{1,3}}|<{{1,3}}(?![A-Za-z0-9]{{2,4}}>)|→|←|-{{1,2}}>|<-{{1,2}}|={{1,2}}>|<={{1,2}})"
    r"(?=\s|$|[\"'{<\[$#\\]|[0-9A-Fa-f]{2}(?:[\s,:;-]|$)):?\s?(?P<data>.*)$"
)
_WORD: Final = re.compile(
    rf"{_BEFORE}(?:[\[(<](?P<bracketed>[A-Za-z]{{2,9}})[\])>]\s*[:-]?|(?P<named>[A-Za-z]{{2,9}})\s*:"
    rf"|(?P<short>(?i:{_SHORT}))(?=\s))\s?-?\s?(?P<data>.*)$"
)


def _parted(line: str) -> tuple[re.Match[str], Side, bool] | None:
    """Return the match of a line, its side, and True if its mark tells who opened the connection."""
    match = _ARROW.match(line)
    if match:
        mark = match["mark"]
        return match, (_ARROWS | _LOOSE_ARROWS)[mark], mark in _ARROWS
    match = _WORD.match(line)
    if match:
        side = _WORDS.get((match["bracketed"] or match["named"] or match["short"]).lower())
        return None if side is None else (match, side, False)
    return None


class MarkedDump(Dump):
    """Reads lines with a direction, the bytes in hexadecimal or as text with escapes."""

    kind: ClassVar[str] = "a dump with directions"

    def __init__(self, head: Sequence[str]) -> None:
        super().__init__(head)
        parted = [found for found in map(_parted, head) if found is not None]
        self.knows_opener = any(known for _, _, known in parted)
        texts = [match["data"] for match, _, _ in parted if match["data"].strip()]
        self._read = self._reader(texts)

    def _reader(self, texts: Sequence[str]) -> Callable[[str], bytes | None]:
        """Return the function that reads the bytes of a line, and note what it cannot know."""
        if texts and all(literal_bytes(each) is not None for each in texts):
            return literal_bytes
        is_hex = [_hex_of(each) is not None for each in texts]
        if sum(is_hex) >= 0.9 * len(texts):
            return _hex_of
        escapes = escapes_in(texts)
        if escapes is not None:
            self.note = f"the bytes are read as text with escapes such as {escapes.name}"
            return escapes.read
        self.note = (
            "the dump shows text without its line ends, which may be what ends a message: write the bytes "
            "in hexadecimal"
        )
        return plain_bytes

    @classmethod
    def fits(cls, head: Sequence[str]) -> bool:
        return share(head, _parted) >= 0.5

    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        clock = Clock()
        last: Piece | None = None
        held = bytearray()
        for number, line in lines:
            found = _parted(line)
            if found is not None:
                match, side, _ = found
                data = self._read(match["data"])
                if last is not None:
                    yield evolve(last, data=bytes(held))
                last = None
                if data is None:
                    unread.add(number, line)
                else:
                    last, held = Piece(side, b"", clock.read(match)), bytearray(data)
                continue
            more = hex_bytes(line) if self._read is _hex_of else None
            if more is not None and last is not None:
                held += more
                if len(held) > MOST_SAMPLED:
                    yield evolve(last, data=bytes(held))
                    held.clear()
            elif not is_ignored(line):
                unread.add(number, line)
        if last is not None:
            yield evolve(last, data=bytes(held))


def _hex_of(text: str) -> bytes | None:
    """Return the bytes that a line shows in hexadecimal, also with their text behind them."""
    found = hex_bytes(text) if text.strip() else b""
    if found is None:
        bare = re.match(r"\s*((?:[0-9A-Fa-f]{2} )+[0-9A-Fa-f]{2})(?:\s{2,}|\s*[|;])", text)
        found = bytes.fromhex(bare[1]) if bare else None
    return found
