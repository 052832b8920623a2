"""
Frames between a start and an end marker, with a checksum after it: :class:`Enclosed`.

Old serial formats are still used over TCP: ``STX data ETX BCC``, ``SOH … ETX BCC CR``, ``$data*HH CR LF``,
``DLE STX data DLE ETX CRC``. Bytes outside of the markers are garbage: they are reported once and skipped
up to the next start marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import (
    BadChecksum,
    BadEscape,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    FramingError,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes, checked_several
from tcpcomm.framing.checksums import Checksum

STX: Final = b"\x02"
"""The byte 02, start of text."""
ETX: Final = b"\x03"
"""The byte 03, end of text."""
_NOTHING: Final = re.compile(rb"(?!)")


def _one_or_several(value: bytes | Iterable[bytes]) -> bytes | tuple[bytes, ...]:
    values = checked_several(value)
    return values[0] if len(values) == 1 else values


def _codes(value: Mapping[int, int] | None) -> Mapping[int, int] | None:
    return None if value is None else MappingProxyType(dict(value))


def _any_of(values: Iterable[bytes]) -> bytes:
    """Return a pattern for one of these values, the longest first."""
    return b"|".join(re.escape(each) for each in sorted(dict.fromkeys(values), key=len, reverse=True))


def _class_of(values: Iterable[int]) -> bytes:
    """Return these bytes for a class of a pattern."""
    return b"".join(b"\\x%02x" % each for each in sorted({*values}))


@frozen
class Enclosed(Framing):
    r"""
    Each frame stands between a start and an end marker; a checksum and constant bytes may follow::

        between | start | frame | end | checksum | tail

    A start marker inside a frame shows that the frame was cut short. That is reported, and the new frame
    begins.

    With ``escape`` a frame can hold any byte. A marker is then one byte, or the escape byte and another
    one. DF1 is ``Enclosed(b"\x10\x02", b"\x10\x03", escape=b"\x10")``.

    Args:
        start: the start marker.
        end: the end marker, or several. Each of them ends a frame, and the first is sent.
        checksum: the checksum that follows the end marker. It is not escaped.
        cover_start: whether the checksum counts the start marker too.
        cover_end: whether the checksum counts the end marker too.
        cover_escapes: whether the checksum counts the escape bytes too, those of the markers included.
        tail: constant bytes that must follow the checksum.
        between: bytes that may stand between frames, any number of each. They are ignored.
        keep_ends: whether a frame keeps its end marker, to tell which one it was.
        alone: bytes, such as ACK, that are frames by themselves where no frame has begun.
        escape: the byte that is put in front of bytes that are not meant as markers.
        codes: the byte that follows the escape byte, for each byte that is escaped. None: the byte itself,
            for the escape byte, and for the markers unless the end marker begins with the escape byte.

    Raises:
        ConfigurationError: a marker cannot be distinguished from another one or from the bytes after it.
    """

    start: bytes = field(default=STX, converter=checked_bytes)
    end: bytes | tuple[bytes, ...] = field(default=ETX, converter=_one_or_several)
    checksum: Checksum | None = field(default=None, kw_only=True)
    cover_start: bool = field(default=False, kw_only=True)
    cover_end: bool = field(default=True, kw_only=True)
    cover_escapes: bool = field(default=False, kw_only=True)
    tail: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    between: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    keep_ends: bool = field(default=False, kw_only=True)
    alone: tuple[bytes, ...] = field(default=(), kw_only=True, converter=checked_several)
    escape: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    codes: Mapping[int, int] | None = field(default=None, kw_only=True, converter=_codes, hash=False)
    _marks: _Marks = field(init=False, repr=False, eq=False)
    _whole: re.Pattern[bytes] | None = field(init=False, repr=False, eq=False)
    """The pattern of one frame, if nothing but its markers, checksum and tail must be known."""

    def __attrs_post_init__(self) -> None:
        ends = self.ends
        if not self.start or not ends or not all(ends):
            raise ConfigurationError("start and end must have at least one byte each")
        for end in ends:
            if self.start != end and (self.start in end or end in self.start):
                raise ConfigurationError(f"start {self.start!r} and end {end!r} hold each other")
            if self.start == end and (self.trailer or self.alone or len(ends) > 1):
                raise ConfigurationError(
                    f"start and end are both {self.start!r}, so a checksum or tail after the end could "
                    "look like a frame: use two different markers"
                )
            if any(end != other and end in other for other in ends):
                raise ConfigurationError(f"the end {end!r} stands in another end: {ends!r}")
        if self.start[0] in self.between:
            raise ConfigurationError(
                f"between={self.between!r} holds the first byte of start {self.start!r}"
            )
        for each in self.alone:
            if (
                each.startswith(self.start)
                or self.start.startswith(each)
                or (self.keep_ends and each in ends)
            ):
                raise ConfigurationError(f"{each!r} alone is not distinct from start or end")
            others = tuple(other for other in self.alone if other != each)
            if self.alone.count(each) > 1 or not each or each[0] in self.between or each.startswith(others):
                raise ConfigurationError(f"{each!r} alone is not distinct from between or another")
        if self.escape:
            self._check_escapes()
        elif self.codes is not None or self.cover_escapes:
            raise ConfigurationError("codes and cover_escapes need an escape byte: escape=…")
        marks = _Marks(self)
        object.__setattr__(self, "_marks", marks)
        object.__setattr__(self, "_whole", marks.whole)

    def _check_escapes(self) -> None:
        escape, codes, marks = self.escape, self.escaped, (self.start, *self.ends)
        if len(escape) != 1:
            raise ConfigurationError(f"escape must be exactly one byte, not {escape!r}")
        for mark in marks:
            if mark == escape or (len(mark) > 1 and (len(mark) > 2 or mark[:1] != escape)):
                raise ConfigurationError(
                    f"with escape {escape!r} a marker is another byte, or the escape byte and one more, "
                    f"unlike {mark!r}"
                )
        lone = {mark[0] for mark in self.ends if len(mark) == 1}
        if not {escape[0], *lone} <= {*codes}:
            raise ConfigurationError("codes must escape the escape byte and an end marker of one byte")
        if len({*codes.values()}) < len(codes) or not {*codes, *codes.values()} <= {*range(256)}:
            raise ConfigurationError("codes map bytes to different bytes, numbers from 0 to 255")
        if {escape + bytes([code]) for code in codes.values()} & {*marks, *self.alone}:
            raise ConfigurationError("an escaped byte would look like a marker: give other codes")

    @property
    def ends(self) -> tuple[bytes, ...]:
        """The end markers."""
        return (self.end,) if isinstance(self.end, bytes) else self.end

    @property
    def escaped(self) -> Mapping[int, int]:
        """The byte that follows the escape byte, for each byte that is escaped."""
        if self.codes is not None:
            return self.codes
        marks = () if any(end[:1] == self.escape for end in self.ends) else (self.start, *self.ends)
        return {each[0]: each[0] for each in (self.escape, *marks) if len(each) == 1}

    @property
    def trailer(self) -> int:
        """The bytes that follow the end marker."""
        return (self.checksum.size if self.checksum else 0) + len(self.tail)

    def covered(self, frame: bytes, end: bytes = b"", body: bytes | None = None) -> bytes:
        """
        Return the bytes that the checksum counts.

        Args:
            frame: the frame, without its end marker.
            end: its end marker. The default is the first one.
            body: the frame as it is sent, if it is known.
        """
        start = self.start
        if not end:
            end = self.end if isinstance(self.end, bytes) else self.end[0]
        if self.cover_escapes:
            frame = self._escaped(frame) if body is None else body
        elif self.escape:
            start, end = start[-1:], end[-1:]
        return (start if self.cover_start else b"") + frame + (end if self.cover_end else b"")

    def _escaped(self, frame: bytes) -> bytes:
        codes, escape = self.escaped, self.escape
        return self._marks.special.sub(lambda match: escape + bytes([codes[match[0][0]]]), frame)

    def decoder(self) -> Decoder:
        return _EnclosedDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        if self.alone and frame in self.alone:
            return frame
        end = self.end if isinstance(self.end, bytes) else self.end[0]
        if self.keep_ends:
            end = next((each for each in self.ends if frame.endswith(each)), b"")
            if not end:
                raise EncodeError(f"a kept frame must end with {_listed(self.ends)}, unlike {frame[-8:]!r}")
            frame = frame[: -len(end)]
        self.check_size(frame)
        body = self._escaped(frame) if self.escape else frame
        wire = body + end
        if not self.escape:
            match = self._marks.any.search(wire)
            if match is None or match.start() != len(frame):
                raise EncodeError(
                    f"the frame holds a marker ({self.start!r} or {_listed(self.ends)}): the peer would "
                    "take it for the start or end of a frame; use DleStuffed, or escape=, if the equipment "
                    "uses it"
                )
        check = self.checksum.encode(self.covered(frame, end, body)) if self.checksum else b""
        return self.start + wire + check + self.tail


def _listed(values: Iterable[bytes]) -> str:
    return " or ".join(map(repr, values))


class _Marks:
    """The patterns of a framing, which all its decoders share."""

    def __init__(self, framing: Enclosed) -> None:
        start, ends, escape = framing.start, framing.ends, framing.escape
        # The bytes around a frame that the checksum counts, too, where a frame has one end and no escapes.
        self.before = start if framing.cover_start else b""
        self.behind = ends[0] if framing.cover_end else b""
        self.any = re.compile(_any_of((start, *ends)))
        self.alone = re.compile(_any_of(framing.alone)) if framing.alone else _NOTHING
        # Among garbage an escape byte alone could also be the first half of an escaped byte.
        self.outside = re.compile(_any_of((start, *(each for each in framing.alone if each != escape))))
        self.begins = (start, *framing.alone)
        self.longest = max(map(len, (start, *ends, *framing.alone)), default=1)
        self.special = self.pairs = self.inside = self.between = _NOTHING
        self.literals: dict[bytes, bytes] = {}
        if escape:
            codes = framing.escaped
            self.literals = {bytes([code]): bytes([byte]) for byte, code in codes.items()}
            self.special = re.compile(b"[%b]" % _class_of(codes))
            self.pairs = re.compile(re.escape(escape) + b"(.)", re.DOTALL)
            lone = {mark[0] for mark in (start, *ends) if len(mark) == 1 and mark[0] in codes}
            self.inside = self._plain(escape, lone, codes.values())
            singles = {mark[0] for mark in (start, *framing.alone) if len(mark) == 1 and mark != escape}
            self.between = self._plain(escape, singles | lone, codes.values())
        is_plain = not (escape or framing.keep_ends or framing.alone) and len(ends) == 1
        self.whole = self._whole_chunk(framing) if is_plain else None

    @staticmethod
    def _plain(escape: bytes, lone: Iterable[int], codes: Iterable[int]) -> re.Pattern[bytes]:
        """Return the pattern of the bytes between markers: plain bytes, and escaped ones."""
        plain = b"[^%b]*+" % _class_of({*escape, *lone})
        parts = plain, re.escape(escape), _class_of(codes), plain
        return re.compile(b"%b(?:%b[%b]%b)*+" % parts, re.DOTALL)

    def _whole_chunk(self, framing: Enclosed) -> re.Pattern[bytes] | None:
        """Return the pattern of one frame, or None if a marker has several bytes."""
        if len(framing.start) != 1 or len(framing.ends[0]) != 1:
            return None
        start, end, tail = map(re.escape, (framing.start, framing.ends[0], framing.tail))
        check = framing.checksum.size if framing.checksum else 0
        return re.compile(b"%b([^%b%b]*+)%b(.{%d})%b" % (start, start, end, end, check, tail), re.DOTALL)


@define(eq=False, repr=False, weakref_slot=False)
class _EnclosedDecoder(Decoder):
    _framing: Enclosed
    _doubtful: bool = field(default=False, init=False)
    """True if the start that was found may be an end, because both are equal."""

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        framing = self._framing
        if framing._whole is None or self._doubtful:
            return None
        match = framing._whole.fullmatch(data)
        if match is not None:
            frame, check = match.groups()
            checksum, marks = framing.checksum, framing._marks
            good = checksum is None or checksum.matches(marks.before + frame + marks.behind, check)
            if good and len(frame) <= framing.max_frame:
                return [frame]
        return None

    def _cut_quickly(self, buffer: Buffer, position: int) -> int:
        """Deliver good frames that follow each other. Return the position of the rest."""
        framing, frames = self._framing, self._frames
        whole, checksum, most = framing._whole, framing.checksum, framing.max_frame
        before, behind = framing._marks.before, framing._marks.behind
        assert whole is not None
        while (match := whole.match(buffer, position)) is not None:
            frame, check = match.groups()
            good = checksum is None or checksum.matches(before + frame + behind, check)
            if not good or len(frame) > most:
                break
            frames.append(frame)
            position = match.end()
        return position

    def _literal(self, body: bytes) -> bytes:
        """Return the frame that was sent as these bytes."""
        marks = self._framing._marks
        if self._framing.escape not in body:
            return body
        return marks.pairs.sub(lambda match: marks.literals[match[1]], body)

    def _find(self, buffer: Buffer, position: int, *, inside: bool) -> tuple[int, bytes]:
        """
        Return the position of the next marker, and the marker.

        Without one, return the position from which a later search must go on, and no bytes. With escapes
        the marker may be an escape byte with a byte that means nothing.
        """
        framing, size = self._framing, len(buffer)
        marks = framing._marks
        if not framing.escape:
            match = (marks.any if inside else marks.outside).search(buffer, position)
            if match is None:
                return max(position, size - marks.longest + 1), b""
            return match.start(), match.group()
        match = (marks.inside if inside else marks.between).match(buffer, position)
        assert match is not None  # the pattern matches no bytes too
        at = match.end()
        length = 2 if buffer.startswith(framing.escape, at) else 1
        return at, bytes(buffer[at : at + length]) if at + length <= size else b""

    def cut(self, buffer: Buffer, position: int) -> int:
        framing, size = self._framing, len(buffer)
        start, most = framing.start, framing.max_frame * (2 if framing.escape else 1)
        if framing._whole is not None and not (
            self.searched or self.scanning or self.discarding or self._doubtful or self._piece_decoders
        ):
            buffer = bytes(buffer)
            position = self._cut_quickly(buffer, position)
        while True:
            if self.discarding:
                position = self._discard(buffer, position)
                if self.discarding:
                    return position
            position = self._find_start(buffer, position)
            if self.scanning or self._fault is not None or size - position < len(start):
                return position
            if not buffer.startswith(start, position):
                return position  # the first bytes of something that stands alone
            body = position + len(start)
            stop, mark = self._find(buffer, body + self.searched, inside=True)
            if stop - body > most:
                self.discarding = True
                self.searched = 0
                return self._too_long(position, resume=stop if framing.escape else body)
            if not mark:
                self.searched = stop - body
                return position
            if mark == start and mark not in framing.ends:
                reason = "a new frame begins in the middle of a frame"
                return self._fail_and_scan(TruncatedFrame, reason, at=position, resume=stop)
            if mark not in framing.ends:
                reason = f"{mark[1:]!r} cannot follow the escape byte {framing.escape!r}"
                return self._fail_and_scan(BadEscape, reason, at=position, resume=stop + 2)
            if self._doubtful and not buffer[body:stop].strip(framing.between):
                self.searched = 0
                position = stop  # it was an end, because a start follows
                continue
            self._doubtful = False
            after = stop + len(mark)
            following = after + framing.trailer
            if size < following:
                self.searched = stop - body
                self._need = following - position
                return position
            self.searched = 0
            found = self._checked(buffer, position, body, stop, mark)
            if isinstance(found, tuple):
                kind, reason, position_after = found
                return self._fail_and_scan(kind, reason, at=position, resume=position_after)
            if found is None:
                return self._too_long(position, resume=following)
            if not self.deliver(found, position):
                return following
            position = following

    def _checked(
        self, buffer: Buffer, position: int, body: int, stop: int, end: bytes
    ) -> bytes | tuple[type[FramingError], str, int] | None:
        """Return the frame, the fault in it and where the stream goes on, or None if it is too long."""
        framing = self._framing
        after = stop + len(end)
        following = after + framing.trailer
        tail = following - len(framing.tail)
        if not buffer.startswith(framing.tail, tail):
            behind = bytes(buffer[tail:following])
            reason = f"a frame must be followed by {framing.tail!r}, not by {behind!r}"
            return UnexpectedBytes, reason, after
        sent = bytes(buffer[body:stop])
        frame = self._literal(sent) if framing.escape else sent
        checksum = framing.checksum
        if checksum is not None:
            covered = framing.covered(frame, end, sent)
            check = bytes(buffer[after:tail])
            if not checksum.matches(covered, check):
                expected = checksum.encode(covered)
                first = 0 if framing.cover_start else body - position
                is_plain = framing.cover_escapes or not framing.escape
                counted = range(first, first + len(covered) if is_plain else first)
                reason = checksum.mismatch(following - position, check, expected, counted)
                return BadChecksum, reason, following
        if len(frame) > framing.max_frame:
            return None
        if framing.keep_ends:
            return frame + end
        if frame in framing.alone:
            reason = f"a frame of {frame!r} cannot be told from these bytes alone: use keep_ends"
            return UnexpectedBytes, reason, following
        return frame

    def _too_long(self, position: int, *, resume: int) -> int:
        reason = f"a frame exceeds max_frame={self._framing.max_frame} and is discarded"
        self.fail(FrameTooLong, reason, at=position, recoverable=True)
        return resume

    def _find_start(self, buffer: Buffer, position: int) -> int:
        """
        Return the position where the next frame begins or may begin.

        Deliver what stands alone before it. Report garbage before it once.
        """
        framing = self._framing
        marks, size = framing._marks, len(buffer)
        while True:
            if not self.scanning:
                while position < size and buffer[position] in framing.between:
                    position += 1
                match = marks.alone.match(buffer, position)
                if match is not None:
                    if not self.deliver(match.group(), position):
                        return match.end()
                    position = match.end()
                    continue
                for begin in marks.begins:  # or the first bytes of one, at the end
                    if begin.startswith(buffer[position : position + len(begin)]):
                        return position
                found = bytes(buffer[position : position + 1])
                listed = _listed(marks.begins)
                reason = f"a frame must begin with {listed}; bytes from {found!r} on are ignored"
                return self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=position)
            at, mark = self._find(buffer, position, inside=False)
            if marks.outside.match(buffer, at):
                self.scanning = False
                self._doubtful = framing.start in framing.ends
                position = at
            elif not mark:
                return at
            else:
                position = at + len(mark)

    def _discard(self, buffer: Buffer, position: int) -> int:
        """Return the position after the frame that is too long, or the first byte that may be its end."""
        framing, size = self._framing, len(buffer)
        while True:
            at, mark = self._find(buffer, position, inside=True)
            if mark in framing.ends or mark == framing.start or not mark:
                break
            position = at + len(mark)
        if not mark:
            return at
        if mark not in framing.ends:
            self.discarding = False
            return at
        following = at + len(mark) + framing.trailer
        if size < following:
            return at
        self.discarding = False
        if buffer.startswith(framing.tail, following - len(framing.tail)):
            return following
        self.scanning = True
        return at + len(mark)

    @property
    def unfinished(self) -> str:
        end = _listed(self._framing.ends)
        if self._framing.trailer:
            end += f" with the {self._framing.trailer} bytes behind it"
        return f"sent {self._received_text()}, and then no {end}: does it end its messages as we do?"

    def reset(self) -> None:
        super().reset()
        self._doubtful = False
