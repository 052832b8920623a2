"""A reader of pcapng files, and of the TCP streams in them, written from the standards alone."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

from attrs import define, field, frozen

__all__ = ["Packet", "Stream", "packets", "streams"]

SECTION, INTERFACE, NAMES, PACKET = 0x0A0D0D0A, 1, 4, 6
FIN, SYN, RST, ACK = 1, 2, 4, 16


@frozen
class Packet:
    """One packet of a capture."""

    at: int
    interface: str
    source: tuple[str, int]
    destination: tuple[str, int]
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    comments: tuple[str, ...]
    is_inbound: bool


@define
class Stream:
    """The bytes of both directions of a connection, as a receiver puts them together."""

    client: tuple[str, int]
    server: tuple[str, int]
    from_client: bytearray = field(factory=bytearray)
    from_server: bytearray = field(factory=bytearray)
    ended: str = ""


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        assert size % 4 == 0
        assert size >= 12
        assert struct.unpack_from("<I", data, at + size - 4) == (size,)
        yield kind, data[at + 8 : at + size - 4]
        at += size
    assert at == len(data)


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        code, size = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert at + 4 == len(data)
            return
        yield code, data[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
    assert not data


def packets(data: bytes) -> Iterator[Packet]:
    """Yield the packets of a pcapng file. Every length, padding and checksum must be right."""
    interfaces: list[str] = []
    kinds = [kind for kind, _ in _blocks(data)]
    assert kinds[0] == SECTION
    for kind, body in _blocks(data):
        if kind == INTERFACE:
            linktype, _, snap = struct.unpack_from("<HHI", body)
            assert (101, 0) == (linktype, snap)
            options = dict(_options(body[8:]))
            assert options[9] == b"\x06"
            interfaces.append(options[2].decode())
        elif kind == PACKET:
            number, high, low, size, whole = struct.unpack_from("<IIIII", body)
            assert size == whole
            options_at = 20 + size + -size % 4
            comments, is_inbound = [], None
            for code, value in _options(body[options_at:]):
                if code == 1:
                    comments.append(value.decode())
                else:
                    assert code == 2
                    is_inbound = struct.unpack("<I", value) == (1,)
            assert is_inbound is not None
            yield _packet(
                (high << 32) + low, interfaces[number], body[20 : 20 + size], comments, is_inbound
            )
        else:
            assert kind in (SECTION, NAMES)


def _packet(at: int, interface: str, data: bytes, comments: list[str], is_inbound: bool) -> Packet:
    if data[0] >> 4 == 4:
        assert data[0] == 0x45
        assert struct.unpack_from(">H", data, 2) == (len(data),)
        assert 0xFFFF == _ones_sum(data[:20])
        addresses, segment = data[12:20], data[20:]
    else:
        assert struct.unpack_from(">H", data, 4) == (len(data) - 40,)
        addresses, segment = data[8:40], data[40:]
    assert 0xFFFF == _ones_sum(addresses + struct.pack(">II", len(segment), 6) + segment)
    half = len(addresses) // 2
    source, destination = (str(ipaddress.ip_address(each)) for each in (addresses[:half], addresses[half:]))
    ports = struct.unpack_from(">HH", segment)
    sequence, acknowledged, offset, flags = struct.unpack_from(">IIBB", segment, 4)
    return Packet(
        at,
        interface,
        (source, ports[0]),
        (destination, ports[1]),
        sequence,
        acknowledged,
        flags,
        segment[(offset >> 4) * 4 :],
        tuple(comments),
        is_inbound,
    )


def _ones_sum(data: bytes) -> int:
    """Return the sum of 16-bit words in ones' complement: the rest of the number by 65535, but not 0."""
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF or 0xFFFF


def streams(data: bytes) -> list[Stream]:
    """Put the streams of a capture together. Each number must be the next one, as if nothing was lost."""
    found: list[Stream] = []
    current: dict[frozenset[tuple[str, int]], Stream] = {}
    expected: dict[tuple[tuple[str, int], tuple[str, int]], int] = {}
    for packet in packets(data):
        way, back = (packet.source, packet.destination), (packet.destination, packet.source)
        key = frozenset(way)
        if packet.flags & SYN and not packet.flags & ACK:
            current[key] = Stream(packet.source, packet.destination)
            found.append(current[key])
            expected[way] = packet.sequence
        elif packet.flags & SYN:
            expected[way] = packet.sequence
        stream = current[key]
        assert expected[way] == packet.sequence
        if packet.flags & ACK:
            assert expected[back] == packet.acknowledged
        expected[way] = (packet.sequence + len(packet.data) + bool(packet.flags & (SYN | FIN))) % 2**32
        if packet.source == stream.client:
            stream.from_client += packet.data
        else:
            stream.from_server += packet.data
        if packet.flags & (FIN | RST) and not stream.ended:
            side = "client" if packet.source == stream.client else "server"
            stream.ended = f"{'reset' if packet.flags & RST else 'closed'} by the {side}"
    return found
