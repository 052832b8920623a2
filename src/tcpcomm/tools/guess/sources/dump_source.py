"""
The streams of a dump, in any form: :class:`DumpSource`, and :func:`dump_of`, which finds the form.

A form without directions gives the bytes of one side. Blocks that are whole packets are read as such.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, Final

from attrs import define

from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, Side
from tcpcomm.tools.guess.sources.dumps.blocks import ArrayDump, OffsetDump
from tcpcomm.tools.guess.sources.dumps.dump import Dump, Piece, Unread
from tcpcomm.tools.guess.sources.dumps.frame_log import FrameLogDump
from tcpcomm.tools.guess.sources.dumps.marked import MarkedDump
from tcpcomm.tools.guess.sources.dumps.plain import EscapedText, HexLines
from tcpcomm.tools.guess.sources.dumps.socat import SocatDump
from tcpcomm.tools.guess.sources.dumps.yaml_stream import YamlDump
from tcpcomm.tools.guess.sources.packets.files import Note, Packet
from tcpcomm.tools.guess.sources.packets.layers import Layers
from tcpcomm.tools.guess.sources.packets.packet_source import PacketSource
from tcpcomm.tools.guess.sources.source import (
    MOST_SAMPLED,
    MOST_STREAMS,
    Sample,
    Source,
    StreamInfo,
    UnreadableCapture,
)

FORMS: Final[tuple[type[Dump], ...]] = (
    FrameLogDump,
    SocatDump,
    YamlDump,
    ArrayDump,
    MarkedDump,
    OffsetDump,
    HexLines,
    EscapedText,
)
"""The forms, in the order in which they are tried."""

_HEAD: Final = 200
"""Lines that show the form."""

_BLOCKS: Final = 50
"""Blocks that show whether a dump has whole packets."""

_LINKS: Final = (1, 101, 113, 276)
"""The types of links that blocks may have, if they are packets."""

_LONGEST_LINE: Final = 1024 * 1024
_NO_SIDES: Final = "it shows no directions, so all bytes are taken for those of one side"


class _Text:
    """The lines of a file. They can be read several times."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        mark = file.read(4)
        self.encoding = "utf-8-sig"
        if mark.startswith((b"\xff\xfe", b"\xfe\xff")):  # as PowerShell writes the output of a program
            self.encoding = "utf-16"

    def head(self) -> list[str]:
        """Return the first lines, fewer if they are long."""
        head: list[str] = []
        size = 0
        for _, line in islice(self.lines(), _HEAD):
            head.append(line)
            size += len(line)
            if size > _LONGEST_LINE:
                break
        return head

    def lines(self) -> Iterator[tuple[int, str]]:
        self._file.seek(0)
        errors = "replace" if self.encoding == "utf-16" else "surrogateescape"
        text = io.TextIOWrapper(_Kept(self._file), self.encoding, errors)  # type: ignore[type-var]
        number = 0
        while line := text.readline(_LONGEST_LINE):
            number += 1
            yield number, line.rstrip("\r\n")


class _Kept(io.BufferedIOBase):
    """A file that stays open when the text around it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._file.read(size if size > 0 else io.DEFAULT_BUFFER_SIZE)


def dump_of(file: BinaryIO) -> Source | None:
    """Return the reader of a dump, or None if a text has none of the forms."""
    text = _Text(file)
    head = text.head()
    form = next((each for each in FORMS if each.fits(head)), None)
    if form is None:
        return None
    source = DumpSource(text, form, head)
    return source.as_packets() or source


@define
class _Found:
    info: StreamInfo
    first: Side | None = None
    begins: bool = False


class DumpSource(Source):
    """Reads the streams of a dump."""

    def __init__(self, text: _Text, form: type[Dump], head: Sequence[str]) -> None:
        super().__init__()
        self._text = text
        self._form = form
        self._head = head
        self.kind = form.kind
        self._found: dict[int, _Found] = {}

    def as_packets(self) -> PacketSource | None:
        """Return a reader of packets, if the blocks of the dump are whole packets of TCP."""
        blocks: list[Piece] = []
        size = 0
        for each in self._pieces(Unread()):
            if each.data:
                blocks.append(each)
                size += len(each.data)
            if len(blocks) >= _BLOCKS or size > MOST_SAMPLED:
                break
        if not blocks or any(each.side is not None for each in blocks):
            return None
        for link in _LINKS:
            layers = Layers()
            for each in blocks:
                layers.segment(_packet(link, each))
            if layers.segments - layers.cut >= 0.5 * len(blocks):
                return PacketSource(lambda note, link=link: self._packets(link, note))  # type: ignore[misc]
        return None

    def _packets(self, link: int, note: Note) -> Iterator[Packet]:
        unread = Unread()
        for each in self._pieces(unread):
            yield _packet(link, each)
        for text in unread.notes():
            note(text)

    def streams(self) -> list[StreamInfo]:
        unread, left_out = Unread(), 0
        self._found.clear()
        has_sides = False
        for number, piece in _numbered(self._pieces(unread)):
            if number > MOST_STREAMS:
                left_out += 1
                continue
            found = self._found.get(number)
            if found is None:
                found = self._found[number] = _Found(StreamInfo(number=number, name=piece.stream))
            found.begins |= piece.begins
            if piece.data:
                has_sides |= piece.side is not None
                if found.first is None:
                    found.first = piece.side
                size, chunks = found.info.size + len(piece.data), found.info.chunks + 1
                found.info = StreamInfo(number=number, name=piece.stream, size=size, chunks=chunks)
                if (
                    not piece.stream and size > MOST_SAMPLED
                ):  # it is the only stream, and the sample is full
                    break
        streams = [each.info for each in self._found.values() if each.info.chunks]
        if not streams:
            raise UnreadableCapture("it holds no bytes: capture while the two machines speak")
        if not has_sides:
            self.note(_NO_SIDES)
        if left_out:
            self.note(f"only the first {MOST_STREAMS:,} streams are listed")
        for text in unread.notes():
            self.note(text)
        return streams

    def captures(self, streams: Sequence[StreamInfo]) -> list[Capture]:
        samples = {each.number: Sample() for each in streams}
        dump = self._form(self._head)
        for number, piece in _numbered(dump.pieces(self._text.lines(), Unread())):
            sample = samples.get(number)
            if sample is None:
                continue
            swaps = not dump.knows_opener and self._found[number].first == ANSWERER
            side: Side = OPENER if piece.side is None else piece.side
            sample.add(
                ANSWERER if swaps and side == OPENER else OPENER if swaps else side,
                piece.data,
                piece.at,
                after_gap=piece.after_gap,
            )
            if sample.is_full and all(each.is_full for each in samples.values()):
                break
        about = (dump.note,) if dump.note else ()
        return [
            Capture(
                tuple(samples[each.number].chunks),
                name=each.name,
                from_start=self._found[each.number].begins,
                notes=(
                    *samples[each.number].notes(each.size if each.name else None),
                    *about,
                    *self.notes,
                ),
                is_bare=each.chunks == 1 and self._found[each.number].first is None,
            )
            for each in streams
        ]

    def _pieces(self, unread: Unread) -> Iterator[Piece]:
        return self._form(self._head).pieces(self._text.lines(), unread)


def _packet(link: int, piece: Piece) -> Packet:
    return Packet(link, piece.at, piece.data, len(piece.data))


def _numbered(pieces: Iterator[Piece]) -> Iterator[tuple[int, Piece]]:
    """Yield each piece with the number of its stream. A stream that begins again is another one."""
    numbers: dict[str, int] = {}
    has_data: set[str] = set()
    count = 0
    for piece in pieces:
        if piece.stream not in numbers or (piece.begins and piece.stream in has_data):
            count += 1
            numbers[piece.stream] = count
            has_data.discard(piece.stream)
        if piece.data:
            has_data.add(piece.stream)
        yield numbers[piece.stream], piece
