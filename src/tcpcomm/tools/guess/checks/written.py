"""
Write checksums that were found into the notation of a framing: :func:`checked_notation`.

The notation counts in the frame that the inner framing delivers, and a search counts in the bytes on the
wire. The difference is known by decoding. Each notation that is returned has decoded all its frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import Final, Literal, TypeAlias

from attrs import evolve, frozen

from tcpcomm.errors import ConfigurationError, FramingError
from tcpcomm.framing import decode, format_framing, parse_framing
from tcpcomm.framing.base import Framing
from tcpcomm.framing.enclosed import Enclosed
from tcpcomm.framing.headers.header_framed import HeaderFramed
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.framing.wrappers import Checked, HexText
from tcpcomm.tools.guess.checks.found import FoundChecksum, holds
from tcpcomm.tools.guess.checks.search import find_checksums

Reading: TypeAlias = Literal["wire", "content", "hex digits"]
"""The bytes that a checksum counts: those on the wire, those without escapes, or those that digits mean."""

_MOST_VARIANTS: Final = 6
"""Checksums of one place that are tried, which differ in the range."""

_HEX_DIGITS: Final = b"0123456789ABCDEFabcdef"


@frozen(kw_only=True)
class CheckedNotation:
    """
    A framing with the checksums of its frames.

    Args:
        notation: the framing in the notation. It has decoded all frames that carry the checksums.
        found: the checksums that it verifies.
        reading: the bytes in which the places of the checksums count.
    """

    notation: str
    found: tuple[FoundChecksum, ...]
    reading: Reading = "wire"

    @property
    def bits(self) -> float:
        """The bits by which the checksums explain the frames."""
        return sum(each.bits for each in self.found)

    @property
    def wrong(self) -> int:
        """The distinct frames in which a checksum is wrong."""
        return max(each.wrong for each in self.found)


def checked_notation(
    notation: str, frames: Sequence[bytes], found: Sequence[FoundChecksum] | None = None
) -> CheckedNotation | None:
    """
    Find the checksums of frames, and write them into the notation of their framing.

    Args:
        notation: the framing without a checksum. For ``stx-etx`` and ``enclosed`` the frames may have check
            bytes behind the end marker, which the notation does not tell yet.
        frames: the whole frames on the wire, in the order in which they came.
        found: the checksums of these frames, if :func:`find_checksums` or :func:`holds` has found them.

    Returns:
        The notation with its checksums, or None if nothing is found, or if the notation cannot say it.
    """
    framing = parse_framing(notation)
    for view in _views(framing, _marked(framing, frames)):
        given = found if view.reading == "wire" and len(view.frames) == len(frames) else None
        checksums = find_checksums(view.frames) if given is None else given
        written = _first_decoding(view, checksums, frames)
        if written is not None:
            return written
    return None


def checked_like(proven: CheckedNotation, notation: str, frames: Sequence[bytes]) -> CheckedNotation | None:
    """
    Try the checksums that the frames of one side have proven on those of the other side.

    Args:
        proven: the checksums of one side.
        notation: the framing of the other side, without a checksum.
        frames: the whole frames of the other side.

    Returns:
        The notation with these checksums, or None if a frame does not carry them.
    """
    framing = parse_framing(notation)
    for view in _views(framing, _marked(framing, frames)):
        if view.reading == proven.reading:
            held = [kept for each in proven.found if (kept := holds(each, view.frames)) is not None]
            if len(held) == len(proven.found):
                return _first_decoding(view, held, frames)
    return None


def _marked(framing: Framing, frames: Sequence[bytes]) -> list[bytes]:
    """Return the frames without control bytes that stand alone, which carry no checksum."""
    alone = framing.alone if isinstance(framing, Enclosed) else ()
    return [frame for frame in frames if frame not in alone]


@frozen
class _View:
    """The bytes of frames in one reading, and the framing around them."""

    reading: Reading
    framing: Framing
    frames: Sequence[bytes]
    margins: _Margins | None


def _views(framing: Framing, frames: Sequence[bytes]) -> Iterator[_View]:
    """Yield the readings of these frames, the plainest first."""
    if isinstance(framing, Enclosed) and framing.escape:
        unescaped = _unescaped(framing, frames)
        if unescaped is not None:
            yield _View("content", framing, unescaped, None)
    contents = _contents(framing, frames)
    margins = _margins(frames, contents) if contents else None
    yield _View("wire", framing, frames, margins)
    if contents is None:
        return
    if margins is None:
        yield _View("content", framing, contents, _Margins(0, 0))
    if not any(len(each) % 2 or each.strip(_HEX_DIGITS) for each in contents):
        read = [bytes.fromhex(each.decode()) for each in contents]
        lower = any(each != each.upper() for each in contents)
        with suppress(ConfigurationError):
            yield _View("hex digits", HexText(framing, lower=lower), read, _Margins(0, 0))


def _unescaped(framing: Enclosed, frames: Iterable[bytes]) -> list[bytes] | None:
    """Return frames between marks of one byte each, without escapes; what follows the end mark stays."""
    codes = {code: byte for byte, code in framing.escaped.items()}
    escape, unescaped = framing.escape[0], []
    for frame in frames:
        at, content = len(framing.start), bytearray(framing.start[-1:])
        while True:
            end = next((each for each in framing.ends if frame.startswith(each, at)), b"")
            if end or at >= len(frame):
                break
            if frame[at] == escape:
                at += 1
                if at >= len(frame) or frame[at] not in codes:
                    return None
                content.append(codes[frame[at]])
            else:
                content.append(frame[at])
            at += 1
        unescaped.append(bytes(content) + end[-1:] + frame[at + len(end) :])
    return unescaped


@frozen
class _Margins:
    """The bytes that a framing takes off each frame: at its front, and at its end."""

    front: int
    end: int


def _contents(framing: Framing, frames: Iterable[bytes]) -> list[bytes] | None:
    """Return what a framing delivers of each whole frame, or None if it refuses one."""
    decoder, delivered = framing.decoder(), []
    for frame in frames:
        try:
            got = decoder.feed(frame)
        except FramingError:
            return None
        if len(got) != 1:
            return None
        delivered += got
    return delivered


def _margins(frames: Sequence[bytes], contents: Sequence[bytes]) -> _Margins | None:
    """Return the bytes that a framing takes off each frame, or None if frames differ in that."""
    taken = {len(frame) - len(content) for frame, content in zip(frames, contents, strict=True)}
    if len(taken) > 1:
        return None
    [size] = taken
    for front in range(size + 1):
        if all(frame.startswith(each, front) for frame, each in zip(frames, contents, strict=True)):
            return _Margins(front, size - front)
    return None


_Proposal: TypeAlias = tuple[Framing, tuple[FoundChecksum, ...]]


def _framings(view: _View, found: Sequence[FoundChecksum]) -> Iterator[_Proposal]:
    """Yield the framings that say these checksums: one at the end, one in a header, or both."""
    ends = [each for each in found if each.at < 0]
    heads = [each for each in found if each.at >= 0]
    ends = [each for each in ends if each.at == ends[0].at][:_MOST_VARIANTS]
    heads = [each for each in heads if each.at == heads[0].at][:_MOST_VARIANTS]
    for head, end in product((*heads, None), (*ends, None)):
        with suppress(ConfigurationError):
            made = _with_checksums(view, head, end)
            if made is not None:
                yield made, tuple(each for each in (end, head) if each is not None)


def _first_decoding(
    view: _View, found: Sequence[FoundChecksum], frames: Sequence[bytes]
) -> CheckedNotation | None:
    """Return the best framing that decodes all frames: with both checksums first, then the plainest."""
    written = []
    for framing, checksums in _framings(view, found):
        with suppress(ConfigurationError):
            text = format_framing(framing)
            written.append(CheckedNotation(notation=text, found=checksums, reading=view.reading))
    written.sort(key=lambda each: (-len(each.found), len(each.notation)))
    return next((each for each in written if _decodes(each.notation, _right(view, each, frames))), None)


def _right(view: _View, written: CheckedNotation, frames: Sequence[bytes]) -> Sequence[bytes]:
    """Return the frames without those of which a checksum is wrong."""
    if not written.wrong:
        return frames
    marked = _marked(view.framing, frames)
    pairs = zip(marked, view.frames, strict=True)
    return [frame for frame, seen in pairs if all(each.matches(seen) for each in written.found)]


def _decodes(notation: str, frames: Sequence[bytes]) -> bool:
    """Return True if a framing cuts the joined frames as they are, without a fault."""
    decoder, count = parse_framing(notation).decoder(), 0
    for got in decode(decoder, b"".join(frames)):
        if not isinstance(got, list):
            return False
        count += len(got)
    return count == len(frames) and not decoder.buffered


def _with_checksums(view: _View, head: FoundChecksum | None, end: FoundChecksum | None) -> Framing | None:
    """Return the framing with these checksums, or None if there are none, or if no option says them."""
    framing, margins = view.framing, view.margins
    if end is not None and head is None and isinstance(framing, Enclosed):
        behind = _behind_end(framing, end, view)
        if behind is not None:
            return behind
    if margins is None or (head is None and end is None):
        return None
    made: Framing | None = framing
    if head is not None:
        if head.at < margins.front or head.cover_from < margins.front or end is not None:
            made, margins = _keeping_header(framing, margins)
        made = None if made is None else _with_head_check(made, head, margins)
    if end is not None and made is not None:
        made = _with_end_check(made, end, view.frames[0], margins)
    return made


def _behind_end(framing: Enclosed, found: FoundChecksum, view: _View) -> Framing | None:
    """Return a framing with a checksum behind its end marker, or None if there is none."""
    is_wire = view.reading == "wire"
    start, marks = framing.start, framing.ends
    if not is_wire:
        start, marks = start[-1:], tuple(each[-1:] for each in marks)
    ends = {len(each) for each in marks for frame in view.frames if frame[: found.at].endswith(each)}
    if len(ends) != 1:
        return None
    [end] = ends
    if found.cover_from not in (0, len(start)) or found.between not in (0, end):
        return None
    frame = view.frames[0]
    return evolve(
        framing,
        checksum=found.checksum,
        cover_start=found.cover_from == 0,
        cover_end=not found.between,
        cover_escapes=is_wire and bool(framing.escape),
        tail=frame[len(frame) - found.trailer :],
    )


def _keeping_header(framing: Framing, margins: _Margins) -> tuple[Framing | None, _Margins]:
    """Return the framing that leaves the header in its frames, or None if it cannot."""
    if not margins.front:
        return framing, margins
    if not isinstance(framing, LengthPrefixed):
        return None, margins
    return evolve(framing, strip=0, max_frame=framing.max_frame + framing.strip), _Margins(0, margins.end)


def _with_head_check(framing: Framing, found: FoundChecksum, margins: _Margins) -> Framing | None:
    front, stop = margins.front, found.cover_to
    if stop is None or stop < 0:
        if -(stop or 0) != margins.end:
            return None
        cover_to = framing.max_frame
    elif stop == found.at:
        cover_to = None
    else:
        cover_to = stop - front
    return Checked(
        framing, found.checksum, at=found.at - front, cover_from=found.cover_from - front, cover_to=cover_to
    )


def _with_end_check(
    framing: Framing, found: FoundChecksum, frame: bytes, margins: _Margins
) -> Framing | None:
    if found.between or found.trailer < margins.end:
        return None
    size = len(frame)
    tail = frame[size - found.trailer : size - margins.end]
    start = found.cover_from - margins.front
    if start >= 0:
        return Checked(framing, found.checksum, cover_from=start, tail=tail)
    if not isinstance(framing, LengthPrefixed | HeaderFramed):
        return None
    return Checked(framing, found.checksum, cover_from=found.cover_from, cover_header=True, tail=tail)
