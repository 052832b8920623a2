"""
A TCP connection that is made up around recorded bytes, without I/O: :class:`MadeUpConnection`.

A recording has the bytes of a stream, no packets. So that Wireshark follows the stream, the packets have
headers as if nothing was ever lost: a handshake, numbers that fit, and an end. The checksums are right.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from attrs import define

from tcpcomm.tools.export.addresses import Place

LARGEST_SEGMENT: Final = 65_000
"""Bytes of a packet in an exported capture. A larger chunk becomes several packets."""

_UNANSWERED: Final = 256 * 1024 * 1024
"""Bytes in one direction after which the other side confirms them, though it sends nothing."""

_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_WINDOW: Final = 65535
_SCALE: Final = 14  # the window is 1 GiB, so it is never full
_SYN_OPTIONS: Final = struct.pack(">BBHBBBB", 2, 4, LARGEST_SEGMENT, 1, 3, 3, _SCALE)
_TCP: Final = 6


@define
class _Side:
    place: Place
    sequence: int
    unconfirmed: int = 0
    has_ended: bool = False


class MadeUpConnection:
    """
    The packets of one connection. Each method yields packets, which begin with the header of IP.

    Args:
        peer: the other side.
        target: this side.
        peer_is_client: True if the peer connected to this side.
        number: of the session, from which the first sequence numbers are made.
    """

    def __init__(self, peer: Place, target: Place, *, peer_is_client: bool, number: int) -> None:
        self._peer = _Side(peer, number * 1000 % 2**32)
        self._target = _Side(target, (number * 1000 + 500) % 2**32)
        self._client, self._server = self._peer, self._target
        if not peer_is_client:
            self._client, self._server = self._server, self._client
        self.is_open = False
        """True between the handshake and the end."""

    def open(self) -> Iterator[tuple[bool, bytes]]:
        """Yield the handshake: each packet with True if this side sent it."""
        self.is_open = True
        yield self._packet(self._client, _SYN, options=_SYN_OPTIONS)
        self._client.sequence = _next(self._client.sequence, 1)
        yield self._packet(self._server, _SYN | _ACK, options=_SYN_OPTIONS)
        self._server.sequence = _next(self._server.sequence, 1)
        yield self._packet(self._client, _ACK)

    def data(self, data: bytes, *, sent: bool) -> Iterator[tuple[bool, bytes]]:
        """Yield the packets of a chunk, with True if this side sent it."""
        side, other = (self._target, self._peer) if sent else (self._peer, self._target)
        for start in range(0, len(data), LARGEST_SEGMENT):
            part = data[start : start + LARGEST_SEGMENT]
            is_last = start + LARGEST_SEGMENT >= len(data)
            yield self._packet(side, _ACK | (_PSH if is_last else 0), part)
            side.sequence = _next(side.sequence, len(part))
            side.unconfirmed += len(part)
            other.unconfirmed = 0
            if side.unconfirmed > _UNANSWERED:
                side.unconfirmed = 0
                yield self._packet(other, _ACK)

    def close(self, *, sent: bool, is_reset: bool) -> Iterator[tuple[bool, bytes]]:
        """Yield the end, which this side began if ``sent`` is True."""
        side, other = (self._target, self._peer) if sent else (self._peer, self._target)
        self.is_open = False
        if is_reset:
            yield self._packet(side, _RST | _ACK)
            return
        for each in (side, other):
            yield self._packet(each, _FIN | _ACK)
            each.sequence = _next(each.sequence, 1)
        yield self._packet(side, _ACK)

    def _packet(
        self, side: _Side, flags: int, data: bytes = b"", options: bytes = b""
    ) -> tuple[bool, bytes]:
        other = self._peer if side is self._target else self._target
        confirmed = other.sequence if flags & _ACK else 0
        header = struct.pack(
            ">HHIIBBHHH",
            side.place.port,
            other.place.port,
            side.sequence,
            confirmed,
            (20 + len(options)) // 4 << 4,
            flags,
            _WINDOW,
            0,
            0,
        )
        segment = header + options + data
        source, destination = side.place.address.packed, other.place.address.packed
        pseudo = source + destination + struct.pack(">II", len(segment), _TCP)
        segment = segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]
        return side is self._target, _ip_header(source, destination, len(segment)) + segment


def _ip_header(source: bytes, destination: bytes, size: int) -> bytes:
    if len(source) == 16:
        return struct.pack(">IHBB", 6 << 28, size, _TCP, 64) + source + destination
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 64, _TCP, 0) + source + destination
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:]


def checksum(data: bytes) -> int:
    """Return the checksum of the Internet protocols (RFC 1071), of data in which it is 0."""
    if len(data) % 2:
        data += b"\0"
    # A sum of 16-bit words in ones' complement is the rest of the whole number by 65535.
    return 0xFFFF - (int.from_bytes(data, "big") % 0xFFFF)


def _next(sequence: int, size: int) -> int:
    return (sequence + size) % 2**32
