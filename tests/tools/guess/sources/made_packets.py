"""Packets, and capture files in all their forms, made for a test."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final, Literal

from attrs import define, field, frozen

__all__ = ["ACK", "FIN", "LINKS", "PSH", "RST", "SYN", "Sent", "Talk", "pcap", "pcapng", "tcp"]

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

Order = Literal["<", ">"]


def tcp(
    source: str,
    target: str,
    sequence: int,
    data: bytes = b"",
    *,
    flags: int = ACK | PSH,
    acknowledged: int = 0,
    padding: int = 0,
    options: bytes = b"",
    extension: bytes = b"",
) -> bytes:
    """
    Return a packet, from the header of IP on.

    Args:
        source, target: an address and a port, such as ``10.0.0.7:50432`` or ``::1:8501``.
        padding: bytes behind the packet, as Ethernet adds to short ones.
        options: of TCP.
        extension: a header of IPv6 between its own and that of TCP, whose first byte is 6.
    """
    (from_host, _, from_port), (to_host, _, to_port) = (each.rpartition(":") for each in (source, target))
    head = (int(from_port), int(to_port), sequence % 2**32, acknowledged % 2**32)
    offset = (20 + len(options)) // 4 << 4
    segment = struct.pack(">HHIIBBHHH", *head, offset, flags, 65535, 0, 0) + options + data
    first, second = ip_address(from_host), ip_address(to_host)
    addresses = first.packed + second.packed
    if first.version == 4:
        size = 20 + len(segment)
        header = struct.pack(">BBHHHBBH", 0x45, 0, size, 0, 0x4000, 64, 6, 0)
    else:
        following = 0 if extension else 6
        header = struct.pack(">IHBB", 0x60000000, len(extension + segment), following, 64)
    return header + addresses + extension + segment + bytes(padding)


def _ether_type(packet: bytes) -> bytes:
    return b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"


def _family(packet: bytes) -> int:
    return 2 if packet[0] >> 4 == 4 else 30


LINKS: Final[dict[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "ethernet": (1, lambda ip: bytes(12) + _ether_type(ip) + ip),
    "vlan": (1, lambda ip: bytes(12) + b"\x81\x00\x00\x07" + _ether_type(ip) + ip),
    "two vlans": (1, lambda ip: bytes(12) + b"\x88\xa8\x00\x07\x81\x00\x00\x08" + _ether_type(ip) + ip),
    "cooked": (113, lambda ip: bytes(14) + _ether_type(ip) + ip),
    "cooked 2": (276, lambda ip: _ether_type(ip) + bytes(18) + ip),
    "raw": (101, lambda ip: ip),
    "null": (0, lambda ip: struct.pack("<I", _family(ip)) + ip),
    "loop": (108, lambda ip: struct.pack(">I", _family(ip)) + ip),
}
"""The types of links by their names, with the function that puts their header before a packet of IP."""


@frozen
class Sent:
    """A packet with its time in seconds, and its size before it was cut."""

    at: float
    data: bytes
    size: int | None = None

    @property
    def whole(self) -> int:
        return len(self.data) if self.size is None else self.size


@define
class Talk:
    """
    A connection, whose packets are collected.

    Args:
        client, server: their addresses.
        numbers: the first sequence numbers.
    """

    client: str = "10.0.0.7:50432"
    server: str = "10.0.0.9:8501"
    numbers: Sequence[int] = (1000, 5000)
    packets: list[Sent] = field(factory=list)
    seconds: float = 1.0
    _next: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._next = [*self.numbers]

    def packet(self, side: int, data: bytes = b"", *, flags: int = ACK | PSH, at: int = 0) -> bytes:
        """Return a packet with bytes, ``at`` bytes behind the next one. Nothing is remembered."""
        ends = (self.client, self.server) if side == 0 else (self.server, self.client)
        number, other = self._next[side] + at, self._next[1 - side]
        return tcp(*ends, number, data, flags=flags, acknowledged=other)

    def add(self, packet: bytes, size: int | None = None) -> Talk:
        """Add a packet a millisecond behind the one before."""
        self.seconds += 0.001
        self.packets.append(Sent(self.seconds, packet, size))
        return self

    def open(self) -> Talk:
        """Add the handshake."""
        self.add(self.packet(0, flags=SYN))
        self._next[0] += 1
        self.add(self.packet(1, flags=SYN | ACK))
        self._next[1] += 1
        return self.add(self.packet(0, flags=ACK))

    def say(self, side: int, data: bytes, *, is_seen: bool = True) -> Talk:
        """Add a packet with bytes, or lose it."""
        packet = self.packet(side, data)
        self._next[side] += len(data)
        return self.add(packet) if is_seen else self

    def confirm(self, side: int) -> Talk:
        """Add a packet that confirms all that the other side has said."""
        return self.add(self.packet(side, flags=ACK))

    def close(self, side: int = 0) -> Talk:
        """Add the end of one side."""
        self.add(self.packet(side, flags=FIN | ACK))
        self._next[side] += 1
        return self


def _framed(packets: Iterable[Sent], link: str) -> tuple[int, list[Sent]]:
    link_type, frame = LINKS[link]
    made = []
    for each in packets:
        data = frame(each.data)
        made.append(Sent(each.at, data, len(data) + each.whole - len(each.data)))
    return link_type, made


def pcap(
    packets: Iterable[Sent], link: str = "ethernet", *, order: Order = "<", nanoseconds: bool = False
) -> bytes:
    """Return a pcap file."""
    magic, parts = (0xA1B23C4D, 10**9) if nanoseconds else (0xA1B2C3D4, 10**6)
    link_type, framed = _framed(packets, link)
    made = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)
    for each in framed:
        seconds, rest = divmod(round(each.at * parts), parts)
        made += struct.pack(order + "IIII", seconds, rest, len(each.data), each.whole) + each.data
    return made


def pcapng(
    packets: Iterable[Sent], link: str = "ethernet", *, order: Order = "<", resolution: int = 6
) -> bytes:
    """
    Return a pcapng file.

    Args:
        resolution: the byte of the option ``if_tsresol``; from 128 on, it is a power of two.
    """
    parts = 2 ** (resolution & 127) if resolution & 128 else 10**resolution
    link_type, framed = _framed(packets, link)

    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + size + body + size

    made = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    options = struct.pack(order + "HHBxxxHH", 9, 1, resolution, 0, 0)
    made += block(1, struct.pack(order + "HHI", link_type, 0, 0) + options)
    made += block(0xBAD, b"a block of a kind that nobody knows.")
    for each in framed:
        at = round(each.at * parts)
        head = struct.pack(order + "IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(each.data), each.whole)
        made += block(6, head + each.data + bytes(-len(each.data) % 4))
    return made
