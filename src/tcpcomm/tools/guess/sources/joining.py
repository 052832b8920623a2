"""
The connections of a host that connects anew for each command: :func:`siblings`, :func:`read`.

One such connection holds a request and its reply, too little for a guess. All those to one listening
address are read as one capture, in the order in which they began.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.collector import ENOUGH_CHUNKS, joined
from tcpcomm.tools.guess.sources.source import MOST_SAMPLED, MOST_SAMPLED_CHUNKS, Source, StreamInfo

MOST_JOINED: Final = 1_000
"""
Connections to one address that are read as one capture, because each is short. The later ones are left
out.
"""


def siblings(streams: Sequence[StreamInfo], stream: StreamInfo) -> list[StreamInfo]:
    """
    Return the streams that a guess about this one needs.

    It is this one alone if that has :data:`~tcpcomm.tools.guess.collector.ENOUGH_CHUNKS` chunks.
    Otherwise it is each stream to the same listening address, up to the limits of a sample.
    """
    if stream.chunks >= ENOUGH_CHUNKS:
        return [stream]
    found: list[StreamInfo] = []
    size = chunks = 0
    for each in streams:
        if listener(each) != listener(stream):
            continue
        found.append(each)
        size, chunks = size + each.size, chunks + each.chunks
        if size >= MOST_SAMPLED or chunks >= MOST_SAMPLED_CHUNKS or len(found) == MOST_JOINED:
            break
    return found


def listener(stream: StreamInfo) -> str:
    """Return the address that a stream connects to; empty if it is not known."""
    return stream.name.partition(" > ")[2]


def together(streams: Sequence[StreamInfo]) -> StreamInfo:
    """Return several streams as one, with the number 0."""
    if len(streams) == 1:
        return streams[0]
    return StreamInfo(
        number=0,
        name=f"{len(streams):,} connections > {listener(streams[0])}".removesuffix(" > "),
        size=sum(each.size for each in streams),
        chunks=sum(each.chunks for each in streams),
    )


def read(source: Source, streams: Sequence[StreamInfo]) -> Capture:
    """Return these streams as one capture, with a note if they are several."""
    captures = source.captures(streams)
    if len(captures) == 1:
        return captures[0]
    found = joined(captures)
    name = together(streams).name.replace(" > ", " to ")
    note = f"{name} are read one after the other as one capture"
    return evolve(found, name=name, notes=(note, *found.notes))
