"""Frames that lines announce: :class:`ContentLengthCandidate`, :class:`CountedBodyCandidate`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from attrs import frozen

from tcpcomm.framing.base import Framing
from tcpcomm.framing.headers.content_length import ContentLength
from tcpcomm.framing.headers.counted_body import CountedBody
from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.side import Side

_NAMED: Final = re.compile(rb"content-length[ \t]*:", re.IGNORECASE)
_HEADERS: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:[^\n]*\n)+\r?\n")
_VALUE: Final = re.compile(
    rb"^content-length[ \t]*:[ \t]*([0-9]{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_LONGEST_HEADER: Final = 8192
_LINE: Final = re.compile(rb"([ -~]{1,120}?)(\r\n|\n|\r)")
_NUMBER: Final = re.compile(rb"[0-9]{1,9}")
_SEPARATORS: Final = re.compile(rb"([ ,;:=\t]+)")
_TAILS: Final = (b"\r\n", b"\n", b"\r", b"")
_PROBED: Final = 150
_LINES_PROBED: Final = 100


@frozen
class ContentLengthCandidate(Candidate):
    """Frames behind headers. Content-Length counts their bytes."""

    kinds = ("content-length",)

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        if _NAMED.search(side.data):
            yield cls()

    @property
    def framing(self) -> Framing:
        return ContentLength()

    @property
    def prior(self) -> float:
        return 2.0

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        position = start
        while position < stop:
            headers = _HEADERS.match(data, position, stop)
            values = set(_VALUE.findall(headers[0])) if headers else set()
            if headers is None or len(values) != 1:
                half = headers is None and self._may_begin(data, position, stop)
                return Walk(ends, None if half else position)
            end = headers.end() + int(values.pop())
            if end > stop:
                break
            position = end
            ends.append(position)
        return Walk(ends)

    @staticmethod
    def _may_begin(data: bytes, position: int, stop: int) -> bool:
        begun = data[position:stop]
        return len(begun) < _LONGEST_HEADER and b"\n\r\n" not in begun and begun[:1].isalpha()

    def surprise(self, frames: Sequence[bytes]) -> float:
        return self.prior - 20


@frozen
class CountedBodyCandidate(Candidate):
    """Lines of text. Some announce raw bytes behind them."""

    kinds = ("counted-body",)
    finds_starts = True

    heads: tuple[bytes, ...]
    end: bytes
    tail: bytes = b""

    @classmethod
    def propose(cls, side: Side) -> Iterator[Candidate]:
        """Take a line as a head if a number in it counts the bytes up to a turn, or to a new line."""
        found: Counter[tuple[bytes, bytes, bytes]] = Counter()
        for burst in side.bursts[:_PROBED]:
            for line in islice(_LINE.finditer(burst), _LINES_PROBED):
                for head, tail in _heads(line[1], line.end(), burst):
                    found[head, line[2], tail] += 1
        for (head, end, tail), count in found.most_common(6):
            if count >= 2:
                yield cls((head,), end, tail)
        ways = {(end, tail) for (_, end, tail), count in found.items() if count >= 2}
        for end, tail in sorted(ways):
            heads = tuple(
                head
                for (head, its_end, its_tail), count in found.items()
                if (its_end, its_tail) == (end, tail) and count >= 2
            )
            if 2 <= len(heads) <= 4:
                yield cls(heads, end, tail)

    @property
    def framing(self) -> Framing:
        return CountedBody(self.heads, end=self.end, tail=self.tail)

    @property
    def prior(self) -> float:
        return 6.0 + 6 * (len(self.heads) - 1) + 2 * bool(self.tail)

    def walk(self, data: bytes, start: int, stop: int) -> Walk:
        ends: list[int] = []
        framing = _counted_body(self)
        position = start
        while (at := data.find(self.end, position, stop)) >= 0:
            count = framing.count(data[position:at])
            end = at + len(self.end)
            if count is not None:
                end += count + len(self.tail)
                if end > stop:
                    break
                if self.tail and data[end - len(self.tail) : end] != self.tail:
                    return Walk(ends, position)
            position = end
            ends.append(position)
        return Walk(ends)

    def surprise(self, frames: Sequence[bytes]) -> float:
        """Return the prior, less if a line has a body, and more if none has: lines alone cut so, too."""
        has_bodies = any(self.end in frame[: -len(self.end)] for frame in frames)
        return self.prior + (-12 if has_bodies else 12)


@lru_cache(maxsize=64)
def _counted_body(candidate: CountedBodyCandidate) -> CountedBody:
    return CountedBody(candidate.heads, end=candidate.end, tail=candidate.tail)


def _heads(line: bytes, after: int, burst: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the heads that read the size of the body from this line, with the tail behind the body."""
    if b"{" in line or b"}" in line:
        return  # the notation of a head uses them
    parts = _SEPARATORS.split(line)
    for index, part in enumerate(parts):
        if not _NUMBER.fullmatch(part) or not int(part):
            continue
        for tail in _TAILS:
            end = after + int(part)
            if burst.startswith(tail, end) and _may_follow(burst, end + len(tail)):
                written = [
                    b"{count}" if at == index else b"{v%d}" % at if _variable(each, at) else each
                    for at, each in enumerate(parts)
                ]
                head = b"".join(written)
                if head.count(b"{") <= 4 and not head.startswith(b"{v"):
                    yield head, tail
                    break


def _may_follow(burst: bytes, end: int) -> bool:
    """Return True if a body may end here: at the end of a burst, or before a line of text."""
    return end == len(burst) or (end < len(burst) and _LINE.match(burst, end) is not None)


def _variable(part: bytes, at: int) -> bool:
    """Return True if this part of a line probably differs from line to line."""
    return at % 2 == 0 and any(chr(byte).isdigit() for byte in part)
