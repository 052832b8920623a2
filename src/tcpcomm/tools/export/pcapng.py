"""
The blocks of a pcapng file, without I/O: each function returns the bytes of one block.

Source: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html. All numbers are little-endian, and
times are microseconds.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LINKTYPE_RAW: Final = 101
"""The packets begin with the header of IPv4 or IPv6."""

LONGEST_COMMENT: Final = 4000
"""Characters of a comment in an exported capture. The rest is cut."""

SECTION, INTERFACE, NAMES, PACKET = 0x0A0D0D0A, 1, 4, 6
"""The kinds of blocks."""

BYTE_ORDER: Final = 0x1A2B3C4D
"""The number that begins a section, and shows the order of its bytes."""

TIME_RESOLUTION: Final = 9
"""The option of an interface that gives the unit of its times."""

_END_OF_OPTIONS: Final = b"\0\0\0\0"
_COMMENT, _SECTION_PROGRAM, _INTERFACE_NAME, _INTERFACE_DESCRIPTION = 1, 4, 2, 3
_PACKET_FLAGS: Final = 2
_MICROSECONDS: Final = b"\x06"
_IPV4_NAME, _IPV6_NAME = 1, 2


def section(program: str, comment: str) -> bytes:
    """Return the header of a section, which begins the file."""
    fixed = struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1)
    options = [_text_option(_COMMENT, comment), _text_option(_SECTION_PROGRAM, program)]
    return _block(SECTION, fixed, options)


def interface(name: str, description: str) -> bytes:
    """Return the description of an interface. The first one of a section has the number 0."""
    options = [
        _text_option(_INTERFACE_NAME, name),
        _text_option(_INTERFACE_DESCRIPTION, description),
        _option(TIME_RESOLUTION, _MICROSECONDS),
    ]
    return _block(INTERFACE, struct.pack("<HHI", LINKTYPE_RAW, 0, 0), options)


def names(known: Iterable[tuple[Address, str]]) -> bytes:
    """Return the block with the names of addresses."""
    records = []
    for address, name in known:
        kind = _IPV4_NAME if address.version == 4 else _IPV6_NAME
        records.append(_option(kind, address.packed + name.encode() + b"\0"))
    return _block(NAMES, b"".join(records) + _END_OF_OPTIONS, [])


def packet(
    interface_number: int, at: int, data: bytes, *, is_inbound: bool, comments: Sequence[str] = ()
) -> bytes:
    """
    Return one packet.

    Args:
        interface_number: the number of its interface.
        at: the time in microseconds since 1970.
        data: the bytes, from the header of IP on.
        is_inbound: the direction that Wireshark shows.
        comments: texts that Wireshark shows beside it.
    """
    fixed = struct.pack("<IIIII", interface_number, at >> 32, at & 0xFFFFFFFF, len(data), len(data))
    options = [_text_option(_COMMENT, each) for each in comments]
    options.append(_option(_PACKET_FLAGS, struct.pack("<I", 1 if is_inbound else 2)))
    return _block(PACKET, fixed + _padded(data), options)


def _block(kind: int, body: bytes, options: list[bytes]) -> bytes:
    if options:
        body += b"".join(options) + _END_OF_OPTIONS
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _text_option(code: int, text: str) -> bytes:
    shown = text if len(text) <= LONGEST_COMMENT else f"{text[:LONGEST_COMMENT]} …"
    return _option(code, shown.encode("utf-8", "backslashreplace"))


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
