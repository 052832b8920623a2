"""
The packets of a capture file, pcap or pcapng: :func:`packets_of`. It reads block by block.

Sources: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html, and for pcapng
https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

from attrs import frozen

from tcpcomm.tools.export.pcapng import BYTE_ORDER, INTERFACE, PACKET, SECTION, TIME_RESOLUTION

Note = Callable[[str], object]
"""A function that gets a sentence about what could not be read."""

_PCAP: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1e6, 16),
    b"\xd4\xc3\xb2\xa1": ("<", 1e6, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1e9, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1e9, 16),
    b"\xa1\xb2\xcd\x34": (">", 1e6, 24),  # of a patched libpcap of 2000: some of its files are still around
    b"\x34\xcd\xb2\xa1": ("<", 1e6, 24),
}
"""By the first bytes: the byte order, the parts of a second, and the bytes of a packet's header."""

_PCAPNG: Final = SECTION.to_bytes(4, "big")  # it reads the same in both byte orders
_OBSOLETE_PACKET, _SIMPLE_PACKET = 2, 3
_TIME_OFFSET: Final = 14
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a packet or a block. A larger one is the sign of a damaged file."""


class Packet(NamedTuple):  # a capture has many: a tuple is made in a third of the time of a class of attrs
    """A packet: the type of its link, its time in seconds, the captured bytes, and its full size."""

    link_type: int
    at: float | None
    data: bytes
    size: int


def is_packet_file(head: bytes) -> bool:
    """Return True if a file with these first bytes is a pcap or pcapng file."""
    return head[:4] in _PCAP or head[:4] == _PCAPNG


def packets_of(file: BinaryIO, note: Note) -> Iterator[Packet]:
    """
    Yield the packets of a file, as far as it can be read.

    Args:
        file: stands at its beginning. :func:`is_packet_file` has found the kind of the file.
        note: gets a sentence if the file ends within a packet, or is damaged.
    """
    head = file.read(4)
    blocks = _pcapng(file) if head == _PCAPNG else _pcap(file, *_PCAP[head])
    count = 0
    try:
        for packet in blocks:
            count += 1
            yield packet
    except EOFError:
        note(f"the file is cut {_place(count)}")
    except (struct.error, ValueError):
        note(f"the file is damaged {_place(count)}")


def _place(count: int) -> str:
    return (
        f"behind packet {count:,}; the packets up to there are read" if count else "before its first packet"
    )


def _read(file: BinaryIO, size: int) -> bytes:
    if size > _LARGEST:
        raise ValueError(size)
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _pcap(file: BinaryIO, order: str, parts: float, header: int) -> Iterator[Packet]:
    (link_type,) = struct.unpack(order + "16xI", _read(file, 20))
    link_type &= 0xFFFF  # the upper bits tell about checksums of the link
    numbers = struct.Struct(order + "IIII")
    while head := file.read(header):
        if len(head) < header:
            raise EOFError
        seconds, fraction, size, whole = numbers.unpack_from(head)
        yield Packet(link_type, seconds + fraction / parts, _read(file, size), whole)


@frozen
class _Interface:
    link_type: int
    parts: float
    offset: int
    snap: int


def _pcapng(file: BinaryIO) -> Iterator[Packet]:
    order, interfaces = _section(file), list[_Interface]()
    while head := file.read(8):
        if head[:4] == _PCAPNG:
            file.seek(-4, 1)
            order, interfaces = _section(file), []
            continue
        if len(head) < 8:
            raise EOFError
        kind, size = struct.unpack(order + "II", head)
        if size < 12:
            raise ValueError(size)
        body = _read(file, size + -size % 4 - 8)
        if kind == INTERFACE:
            interfaces.append(_interface(body, order))
        elif kind in (PACKET, _OBSOLETE_PACKET):
            numbers = "IIIII" if kind == PACKET else "HxxIIII"
            number, high, low, captured, whole = struct.unpack_from(order + numbers, body)
            link = _item(interfaces, number)
            at = ((high << 32) + low) / link.parts + link.offset
            yield Packet(link.link_type, at, _part(body, 20, captured), whole)
        elif kind == _SIMPLE_PACKET:
            (whole,) = struct.unpack_from(order + "I", body)
            link = _item(interfaces, 0)
            captured = min(whole, link.snap or whole, len(body) - 8)
            yield Packet(link.link_type, None, _part(body, 4, captured), whole)


def _section(file: BinaryIO) -> str:
    """Read the header of a section behind its kind. Return the byte order."""
    head = _read(file, 8)
    order = "<" if struct.unpack_from("<I", head, 4) == (BYTE_ORDER,) else ">"
    size, magic = struct.unpack(order + "II", head)
    if magic != BYTE_ORDER or size < 28:
        raise ValueError(magic)
    _read(file, size - 12)
    return order


def _interface(body: bytes, order: str) -> _Interface:
    link_type, snap = struct.unpack_from(order + "HxxI", body)
    parts, offset, at = 1e6, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == TIME_RESOLUTION and value:
            parts = 2.0 ** (value[0] & 0x7F) if value[0] & 0x80 else 10.0 ** value[0]
        elif code == _TIME_OFFSET and size == 8:
            (offset,) = struct.unpack(order + "q", value)
        at += 4 + size + -size % 4
    return _Interface(link_type, parts, offset, snap)


def _item(interfaces: list[_Interface], number: int) -> _Interface:
    if number >= len(interfaces):
        raise ValueError(number)
    return interfaces[number]


def _part(body: bytes, start: int, size: int) -> bytes:
    if start + size > len(body):
        raise ValueError(size)
    return body[start : start + size]
