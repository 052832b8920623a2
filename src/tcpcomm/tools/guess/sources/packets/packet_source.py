"""The streams of a pcap or pcapng file: :class:`PacketSource`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.sources.packets.connections import Connection, Connections
from tcpcomm.tools.guess.sources.packets.files import Note, Packet, packets_of
from tcpcomm.tools.guess.sources.packets.layers import Layers, Segment
from tcpcomm.tools.guess.sources.source import MOST_STREAMS, Sample, Source, StreamInfo, UnreadableCapture


class PacketSource(Source):
    """
    Reads the TCP streams of packets.

    Args:
        packets: returns the packets afresh, and tells a function what could not be read.
    """

    kind = "a packet capture"

    def __init__(self, packets: Callable[[Note], Iterator[Packet]]) -> None:
        super().__init__()
        self._packets = packets

    @classmethod
    def of_file(cls, file: BinaryIO) -> PacketSource:
        """Read a file, which can be read from its beginning again."""

        def packets(note: Note) -> Iterator[Packet]:
            file.seek(0)
            return packets_of(file, note)

        return cls(packets)

    def streams(self) -> list[StreamInfo]:
        layers, connections = Layers(), Connections()
        for _, segment in self._segments(layers, self.note):
            connections.of(segment)
        for text in layers.notes():
            self.note(text)
        if connections.left_out:
            self.note(
                f"only the first {MOST_STREAMS:,} connections are listed; {connections.left_out:,} packets "
                "of others are left out: filter them when you capture, as in 'tcp port 9999'"
            )
        if not connections.found:
            raise UnreadableCapture(_why_nothing(layers, self.notes))
        return [
            StreamInfo(number=each.number, name=each.name, size=each.size, chunks=each.chunks)
            for each in connections.found
        ]

    def captures(self, streams: Sequence[StreamInfo]) -> list[Capture]:
        connections = Connections()
        samples = {each.number: Sample() for each in streams}
        wanted: dict[int, Connection] = {}
        at = None
        for at, segment in self._segments(Layers(), lambda _: None):
            connection = connections.of(segment)
            if connection is None or not (connection.number == 0 or connection.number in samples):
                continue
            sample = Sample()  # it gets its number with its first byte
            if connection.number:
                wanted[connection.number], sample = connection, samples[connection.number]
            for side, data, after_gap in connection.take(segment):
                sample.add(side, data, at, after_gap=after_gap)
            if sample.is_full and all(each.is_full for each in samples.values()):
                break
        for number, connection in wanted.items():
            for side, data, after_gap in connection.rest():
                samples[number].add(side, data, at, after_gap=after_gap)
        return [
            Capture(
                tuple(samples[each.number].chunks),
                name=each.name,
                from_start=each.number in wanted and wanted[each.number].from_start,
                notes=(*samples[each.number].notes(each.size), *self.notes),
            )
            for each in streams
        ]

    def _segments(self, layers: Layers, note: Note) -> Iterator[tuple[float | None, Segment]]:
        for packet in self._packets(note):
            segment = layers.segment(packet)
            if segment is not None:
                yield packet.at, segment


def _why_nothing(layers: Layers, notes: Sequence[str]) -> str:
    if not layers.packets and notes:
        return f"{notes[0]}: copy it again, or capture anew"
    if not layers.packets:
        return "it holds no packets: capture while the two machines speak"
    if layers.links and not layers.segments:
        return layers.notes()[-1]
    if not layers.segments:
        return f"it holds no TCP among its {layers.packets:,} packets: capture the link itself, or its host"
    return (
        f"its {layers.segments:,} packets of TCP carry no bytes: capture while the two machines speak, and "
        "whole packets"
    )
