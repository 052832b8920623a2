"""The TCP segment in a packet: :class:`Layers`, which reads the headers of the link, of IP, and of TCP."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Final, NamedTuple, TypeAlias

from attrs import define, field

from tcpcomm.tools.export.pcapng import LINKTYPE_RAW
from tcpcomm.tools.guess.sources.packets.files import Packet

Place: TypeAlias = tuple[bytes, int]
"""An address and a port."""

FIN, SYN, RST, ACK = 1, 2, 4, 16
"""Flags of a segment."""

_TCP: Final = 6
_IPV4, _IPV6 = 0x0800, 0x86DD
_TAGS: Final = {b"\x81\x00", b"\x88\xa8", b"\x91\x00"}
"""The types of Ethernet frames with a VLAN tag, which may stand behind each other."""

_NULL, _ETHERNET, _LOOP, _COOKED, _COOKED_2 = 0, 1, 108, 113, 276
_RAW: Final = {LINKTYPE_RAW, 12, 14, 228, 229}
"""Packets begin with the header of IP. 12 and 14 are what some BSD systems write for 101."""

_SKIPPED: Final = {0, 43, 60, 135}
"""The extension headers of IPv6 that have their length in units of 8 bytes."""

_FRAGMENT, _AUTHENTICATION = 44, 51

_IPV4_HEADER: Final = struct.Struct(">BxHxxHxBxx4s4s")
_TCP_HEADER: Final = struct.Struct(">IIIBB")

_LINKS: Final = {105: "Wi-Fi", 127: "Wi-Fi", 9: "PPP", 189: "USB", 220: "USB", 249: "USB", 195: "802.15.4"}


class Segment(NamedTuple):  # as for a packet
    """A TCP segment. ``missing`` bytes of its end were not captured."""

    source: Place
    target: Place
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    missing: int


def place_text(place: Place) -> str:
    """Return an address and a port, such as ``10.0.0.9:8501`` or ``[::1]:8501``."""
    address = str(ip_address(place[0]))
    return f"[{address}]:{place[1]}" if ":" in address else f"{address}:{place[1]}"


@define(eq=False)
class Layers:
    """Reads packets, and counts those that it cannot read."""

    packets: int = 0
    segments: int = 0
    fragments: int = 0
    cut: int = 0
    links: set[int] = field(factory=set)
    """The types of links that it does not know."""

    def segment(self, packet: Packet) -> Segment | None:
        """Return the TCP segment of a packet, or None if it has none."""
        self.packets += 1
        at = self._network(packet)
        if at is None:
            return None
        data = packet.data
        if len(data) < at + 20:
            return None
        version = data[at] >> 4
        if version == 4:
            return self._ipv4(data, at)
        return self._ipv6(data, at) if version == 6 else None

    def _network(self, packet: Packet) -> int | None:
        """Return the place of the header of IP, or None if the packet has none that is known."""
        data, link = packet.data, packet.link_type
        if link == _ETHERNET:
            if data[12:14] == b"\x08\x00":
                return 14
            at = 12
            while data[at : at + 2] in _TAGS:
                at += 4
        elif link == _COOKED:
            at = 14
            while data[at : at + 2] in _TAGS:
                at += 4
        elif link == _COOKED_2:
            return 20 if int.from_bytes(data[:2], "big") in (_IPV4, _IPV6) else None
        elif link in _RAW:
            return 0
        elif link in (_NULL, _LOOP):
            return 4
        else:
            self.links.add(link)
            return None
        return at + 2 if int.from_bytes(data[at : at + 2], "big") in (_IPV4, _IPV6) else None

    def _ipv4(self, data: bytes, at: int) -> Segment | None:
        first, size, fragment, following, source, target = _IPV4_HEADER.unpack_from(data, at)
        head = (first & 15) * 4
        if following != _TCP or head < 20:
            return None
        if fragment & 0x3FFF:  # more fragments, or not the first one
            self.fragments += 1
            return None
        end = at + size if size else len(data)  # 0: the network card cut what the system sent as one
        return self._tcp(data, at + head, end, source, target)

    def _ipv6(self, data: bytes, at: int) -> Segment | None:
        if len(data) < at + 40:
            return None
        size = int.from_bytes(data[at + 4 : at + 6], "big")
        end = at + 40 + size if size else len(data)
        following, start = data[at + 6], at + 40
        while following != _TCP:
            if following == _FRAGMENT:
                self.fragments += 1
                return None
            if len(data) < start + 8 or following not in (*_SKIPPED, _AUTHENTICATION):
                return None
            units = data[start + 1]
            skipped = (units + 2) * 4 if following == _AUTHENTICATION else (units + 1) * 8
            following, start = data[start], start + skipped
        return self._tcp(data, start, end, data[at + 8 : at + 24], data[at + 24 : at + 40])

    def _tcp(self, data: bytes, at: int, end: int, source: bytes, target: bytes) -> Segment | None:
        """Return the segment with its header at ``at``. Its data would end at ``end``."""
        if len(data) < at + 20:
            return None
        ports, sequence, acknowledged, offset, flags = _TCP_HEADER.unpack_from(data, at)
        start = at + (offset >> 4) * 4
        if not at + 20 <= start <= end:
            return None
        captured = data[start:end]
        missing = end - start - len(captured)
        self.segments += 1
        self.cut += missing > 0
        places = (source, ports >> 16), (target, ports & 0xFFFF)
        return Segment(*places, sequence, acknowledged, flags, captured, missing)

    def notes(self) -> list[str]:
        """Return the losses, each as a sentence."""
        notes = []
        if self.cut:
            packets = _packets(self.cut)
            notes.append(f"{packets} cut, so bytes are missing: capture whole ones, as tcpdump -s 0 does")
        if self.fragments:
            notes.append(f"{_packets(self.fragments)} left out, because IP sent them in fragments")
        for link in sorted(self.links):
            name = f"{link} ({_LINKS[link]})" if link in _LINKS else str(link)
            notes.append(f"packets of link type {name} are not read: capture on Ethernet or the loopback")
        return notes


def _packets(count: int) -> str:
    return f"{count:,} packets are" if count > 1 else "1 packet is"
