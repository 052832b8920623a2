"""The TCP connections of a capture, one after the other and side by side: :class:`Connections`."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from tcpcomm.tools.export.capture import FIRST_CLIENT_PORT
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Side
from tcpcomm.tools.guess.sources.packets.layers import ACK, RST, SYN, Place, Segment, place_text
from tcpcomm.tools.guess.sources.packets.reassembly import Direction
from tcpcomm.tools.guess.sources.source import MOST_STREAMS


@define(eq=False)
class Connection:
    """
    A TCP connection.

    Attributes:
        number: its number among the connections of the capture that carry bytes; 0 before its first byte.
        opener: the side that opened it. If the capture has no SYN, it is the side with the
            port of a client, or the one that spoke first.
        from_start: True if the capture has its first packet.
    """

    places: tuple[Place, Place]
    opener: Place
    from_start: bool
    is_opener_known: bool
    syn: int | None = None
    number: int = 0
    size: int = 0
    chunks: int = 0
    has_moved: bool = False
    _directions: dict[Place, Direction] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._directions = {place: Direction() for place in self.places}

    @property
    def name(self) -> str:
        """The stream for people, the opener first."""
        first, second = self.places if self.places[0] == self.opener else self.places[::-1]
        return f"{place_text(first)} > {place_text(second)}"

    def count(self, segment: Segment) -> None:
        """Count the bytes of a segment."""
        if segment.data or segment.missing:
            if not self.is_opener_known:
                self.opener, self.is_opener_known = segment.source, True
            self.size += len(segment.data)
            self.chunks += 1
        self.has_moved = self.has_moved or not segment.flags & SYN

    def take(self, segment: Segment) -> Iterator[tuple[Side, bytes, bool]]:
        """Yield the bytes that a segment lets read, with their side, and True if others are missing."""
        way, back = self._directions[segment.source], self._directions[segment.target]
        if segment.flags & ACK:
            back.confirm(segment.acknowledged)
        number = segment.sequence
        if segment.flags & SYN:
            way.begin(number)
            number += 1
        if not (segment.data or segment.missing) or segment.flags & RST:
            return
        side = self.side_of(segment.source)
        for data, after_gap in way.take(number, segment.data, segment.missing):
            yield side, data, after_gap

    def rest(self) -> Iterator[tuple[Side, bytes, bool]]:
        """Yield what waits for bytes that never came."""
        for place, direction in self._directions.items():
            for data, after_gap in direction.rest():
                yield self.side_of(place), data, after_gap

    def side_of(self, place: Place) -> Side:
        """Return the side of a place."""
        return OPENER if place == self.opener else ANSWERER


class Connections:
    """Finds the connection of each segment. The same ports may serve several connections, in turn."""

    def __init__(self) -> None:
        self.found: list[Connection] = []
        """Those that carry bytes, in the order of their first byte."""
        self.left_out = 0
        """Segments of further connections, beyond the most that are kept."""
        self._current: dict[tuple[Place, Place], Connection] = {}

    def of(self, segment: Segment) -> Connection | None:
        """Return the connection of a segment, or None if there are too many connections."""
        source, target = segment.source, segment.target
        key = (source, target) if source <= target else (target, source)
        connection = self._current.get(key)
        opens = segment.flags & (SYN | ACK) == SYN
        if connection is None or (opens and connection.has_moved and connection.syn != segment.sequence):
            if len(self.found) >= MOST_STREAMS or len(self._current) >= 4 * MOST_STREAMS:
                self.left_out += 1
                return None
            connection = self._current[key] = _connection(key, segment)
        connection.count(segment)
        if connection.size and not connection.number:
            self.found.append(connection)
            connection.number = len(self.found)
        return connection


def _connection(key: tuple[Place, Place], segment: Segment) -> Connection:
    source, target = segment.source, segment.target
    if segment.flags & SYN:
        opens = not segment.flags & ACK
        opener = source if opens else target
        return Connection(key, opener, True, True, segment.sequence if opens else None)
    is_client = [place[1] >= FIRST_CLIENT_PORT for place in (source, target)]
    if is_client == [False, True]:
        return Connection(key, target, False, True)
    return Connection(key, source, False, is_client == [True, False])
