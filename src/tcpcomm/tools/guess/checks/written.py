"""
Write checksums that were found into the notation of a framing: :func:`checked_notation`.

The notation counts in the frame that the inner framing delivers, and a search counts in the bytes on the
wire. The difference is known by decoding. Each notation that is returned has decoded all its frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from tcpcomm.tools.guess.checks.found import FoundChecksum
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
        notation: the framing in the notation. It has decoded all the frames without a fault.
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
    on_wire = find_checksums(frames) if found is None else found
    margins = _margins(framing, frames)
    written = _first_decoding(_framings(framing, on_wire, frames, margins), frames)
    if written is not None:
        return written
    contents = _contents(framing, frames)
    if contents is None:
        return None
    if margins is None:
        written = _inside(framing, contents, frames, "content")
        if written is not None:
            return written
    if any(len(each) % 2 or each.strip(_HEX_DIGITS) for each in contents):
        return None
    read = [bytes.fromhex(each.decode()) for each in contents]
    lower = any(each != each.upper() for each in contents)
    with suppress(ConfigurationError):
        return _inside(HexText(framing, lower=lower), read, frames, "hex digits")
    return None


def _inside(
    framing: Framing, contents: Sequence[bytes], frames: Sequence[bytes], reading: Reading
) -> CheckedNotation | None:
    """Return a framing with the checksums of the frames that it delivers."""
    found = find_checksums(contents)
    return _first_decoding(_framings(framing, found, contents, _Margins(0, 0)), frames, reading)


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


def _margins(framing: Framing, frames: Sequence[bytes]) -> _Margins | None:
    """Return the bytes that a framing takes off each frame, or None if frames differ in that."""
    contents = _contents(framing, frames)
    if not contents:
        return None
    taken = {len(frame) - len(content) for frame, content in zip(frames, contents, strict=True)}
    if len(taken) > 1:
        return None
    [size] = taken
    for front in range(size + 1):
        if all(frame.startswith(each, front) for frame, each in zip(frames, contents, strict=True)):
            return _Margins(front, size - front)
    return None


_Proposal: TypeAlias = tuple[Framing, tuple[FoundChecksum, ...]]


def _framings(
    framing: Framing, found: Sequence[FoundChecksum], frames: Sequence[bytes], margins: _Margins | None
) -> list[_Proposal]:
    """Return the framings that say these checksums: those with both checksums first, then the plainest."""
    ends = [each for each in found if each.at < 0]
    heads = [each for each in found if each.at >= 0]
    ends = [each for each in ends if each.at == ends[0].at][:_MOST_VARIANTS]
    heads = [each for each in heads if each.at == heads[0].at][:_MOST_VARIANTS]
    proposals: list[_Proposal] = []
    for head, end in product((*heads, None), (*ends, None)):
        if head is None and end is None:
            continue
        with suppress(ConfigurationError):
            made = _with_both(framing, head, end, frames, margins)
            if made is not None:
                proposals.append((made, tuple(each for each in (end, head) if each is not None)))
    return proposals


def _first_decoding(
    proposals: Iterable[_Proposal], frames: Sequence[bytes], reading: Reading = "wire"
) -> CheckedNotation | None:
    """Return the best framing that decodes all frames, in the notation."""
    written = []
    for framing, found in proposals:
        with suppress(ConfigurationError):
            written.append(CheckedNotation(notation=format_framing(framing), found=found, reading=reading))
    written.sort(key=lambda each: (-len(each.found), len(each.notation)))
    return next((each for each in written if _decodes(each.notation, frames)), None)


def _decodes(notation: str, frames: Sequence[bytes]) -> bool:
    """Return True if a framing cuts the joined frames as they are, without a fault."""
    decoder, count = parse_framing(notation).decoder(), 0
    for got in decode(decoder, b"".join(frames)):
        if not isinstance(got, list):
            return False
        count += len(got)
    return count == len(frames) and not decoder.buffered


def _with_both(
    framing: Framing,
    head: FoundChecksum | None,
    end: FoundChecksum | None,
    frames: Sequence[bytes],
    margins: _Margins | None,
) -> Framing | None:
    made: Framing | None = framing
    if end is not None and head is None and isinstance(framing, Enclosed):
        behind = _behind_end(framing, end, frames)
        if behind is not None:
            return behind
    if margins is None:
        return None
    if head is not None:
        if head.at < margins.front or head.cover_from < margins.front or end is not None:
            made, margins = _keeping_header(framing, margins)
        made = None if made is None else _with_head_check(made, head, margins)
    if end is not None and made is not None:
        made = _with_end_check(made, end, frames[0], margins)
    return made


def _behind_end(framing: Enclosed, found: FoundChecksum, frames: Sequence[bytes]) -> Framing | None:
    """Return a framing whose checksum follows its end marker, or None if it does not."""
    ends = {len(end) for end in framing.ends for frame in frames if frame[: found.at].endswith(end)}
    if len(ends) != 1 or framing.escape:
        return None
    [end] = ends
    if found.cover_from not in (0, len(framing.start)) or found.between not in (0, end):
        return None
    return evolve(
        framing,
        checksum=found.checksum,
        cover_start=found.cover_from == 0,
        cover_end=not found.between,
        tail=frames[0][len(frames[0]) - found.trailer :],
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
