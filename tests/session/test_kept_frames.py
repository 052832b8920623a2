"""Frames that are kept while a batch is delivered: nobody sees a difference to frames sent at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost

from tcpcomm import Limits, SessionObserver
from tcpcomm.errors import TcpcommError
from tcpcomm.framing import Framing, LengthPrefixed, Netstring
from tests.session.stage import Spy, recorded_log, staged

SMALL_LIMITS = Limits(unread_pause=66_000, unread_abort=100_000)
FRAMINGS: list[Framing] = [
    LengthPrefixed(2),
    LengthPrefixed(1),
    LengthPrefixed(4, form="little", adjust=-4, max_frame=1500),
    LengthPrefixed(3, form="decimal", offset=2, sync=b"\xaa\x55"),
    LengthPrefixed(2, adjust=1),
    LengthPrefixed(2, offset=1),
    Netstring(max_frame=1500),
]
RECEIVED = LengthPrefixed(2)

Step = Callable[["Kept", list[object]], object]


class Kept(Spy):
    """Encodes the replies to a batch together."""

    framing = RECEIVED


class AtOnce(Kept):
    """Encodes each reply at once."""

    def keep_sent(self) -> None:
        pass


class Watching(SessionObserver):
    """Keeps what is sent, as observers see it."""

    def __init__(self, log: list[object]) -> None:
        self.log = log

    def sent(self, session: Any, data: bytes) -> None:
        self.log.append(("sent", data, session.frames_sent))

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self.log.append(("frame sent", bytes(frame), session.frames_sent))


class WatchingBytes(SessionObserver):
    """Keeps the chunks that are sent."""

    def __init__(self, log: list[object]) -> None:
        self.log = log

    def sent(self, session: Any, data: bytes) -> None:
        self.log.append(("sent", data))


def refused(act: Callable[[], object]) -> object:
    """Return the text of the error that this raises, or None."""
    try:
        act()
    except TcpcommError as error:
        return type(error), str(error)
    return None


def send(size: int) -> Step:
    return lambda session, log: log.append(refused(lambda: session.sendFrame(bytes([size % 251]) * size)))


def send_several(sizes: list[int]) -> Step:
    return lambda session, log: log.append(refused(lambda: session.sendFrames([bytes(n) for n in sizes])))


def send_bytes(size: int) -> Step:
    return lambda session, log: log.append(refused(lambda: session.sendBytes(b"-" * size)))


def send_framed(size: int) -> Step:
    part = b"+" * size
    return lambda session, log: log.append(refused(lambda: session.send_framed([part, part], [part])))


def send_secret(size: int) -> Step:
    return lambda session, log: log.append(refused(lambda: session.send_secret(b"s" * size)))


def send_changing(session: Kept, log: list[object]) -> None:
    """Send a buffer, and change it after that."""
    buffer: Any = bytearray(b"before")
    log.append(refused(lambda: session.sendFrame(buffer)))
    buffer[:] = b"behind"


def look(session: Kept, log: list[object]) -> None:
    log.append((session.unsent, session.frames_sent, session.is_open, session.is_held))


def count(session: Kept, log: list[object]) -> None:
    log.append(session.frames_sent)


def watch(session: Kept, log: list[object]) -> None:
    session.observers.add(Watching(log))


def fail(session: Kept, log: list[object]) -> None:
    raise ValueError("a handler failed")


def change_framing(session: Kept, log: list[object]) -> None:
    session.send_framing = LengthPrefixed(4)


def write_past(session: Kept, log: list[object]) -> None:
    """Write to the transport itself, as some programs do. It may have enough then."""
    transport: Any = session.transport
    if transport.ended is None and not transport.shut:
        transport.write(b"#" * 70_000)


def lose(session: Kept, log: list[object]) -> None:
    transport: Any = session.transport
    if not transport.lost:
        transport.break_off(ConnectionLost())


ODD_SIZES = [255, 256, 998, 1020, 1022, 1024, 1500, 1501, 9000, 70_000]
sizes = st.one_of(st.integers(0, 80), st.sampled_from(ODD_SIZES))
sends = sizes.map(send)
other_sends = st.one_of(
    st.lists(sizes, max_size=3).map(send_several),
    st.sampled_from([0, 1, 500, 40_000, 64_000, 70_000]).map(send_bytes),
    st.sampled_from([0, 5, 40_000]).map(send_framed),
    st.integers(0, 20).map(send_secret),
    st.just(send_changing),
)
looks = st.sampled_from([look, count])
ends = st.sampled_from(
    [
        lambda session, log: session.close("enough"),
        lambda session, log: session.abort("no more"),
        lambda session, log: session.pauseProducing(),
        lambda session, log: session.resumeProducing(),
        fail,
        watch,
        change_framing,
        write_past,
        lose,
    ]
)
steps = st.one_of(sends, other_sends, looks, ends)
usual = st.lists(st.one_of(st.integers(0, 80), st.just(1020)), min_size=1, max_size=3)
"""Sizes of the replies to most frames, in turn."""
unusual = st.dictionaries(st.integers(0, 70), st.lists(steps, min_size=1, max_size=3), max_size=4)
"""What handlers do with the frames at these places of a chunk instead."""


def play(
    kind: type[Kept],
    framing: Framing,
    chunks: list[tuple[int, list[int], dict[int, list[Step]]]],
    limits: Limits,
    *,
    appetite: int | None,
    observed: bool,
) -> object:
    """Receive chunks: each has frames, sizes of usual replies, and handlers. Return all that is seen."""
    log: list[object] = []
    observers = [WatchingBytes(log)] if observed else []
    stage = staged(kind, limits=limits, reply_framing=framing, observers=observers)
    session, transport = stage.session, stage.transport
    transport.appetite = appetite

    def handle(frame: bytes) -> None:
        chunk, place = frame
        _, sizes, handlers = chunks[chunk]
        log.append((chunk, place, len(transport.writes)))
        for step in handlers.get(place, [send(sizes[place % len(sizes)])]):
            step(session, log)

    session.on_frame = handle
    for index, (frames, _, _) in enumerate(chunks):
        stage.receive(RECEIVED.encode_many([bytes([index, place]) for place in range(frames)]))
        log.append(transport.sent())
    transport.appetite = None
    session.resumeProducing()
    stage.settle()
    log.append((session.frames_sent, session.frames_received, session.unsent, session.reason))
    return log, session.seen, transport.sent(), bytes(transport.received), transport.ended, transport.shut


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
@example(chunks=[(60, [80], {5: [write_past]})], limits=SMALL_LIMITS, appetite=0, observed=False)
@example(
    chunks=[(14, [1020], {}), (64, [7], {58: [write_past, send_several([])]})],
    limits=SMALL_LIMITS,
    appetite=None,
    observed=False,
)
@given(
    chunks=st.lists(st.tuples(st.integers(14, 140), usual, unusual), min_size=1, max_size=3),
    limits=st.sampled_from([Limits(), SMALL_LIMITS]),
    appetite=st.sampled_from([None, 0, 1000]),
    observed=st.booleans(),
)
def test_kept_frames_leave_as_if_each_were_sent_at_once(
    framing: Framing,
    chunks: list[tuple[int, list[int], dict[int, list[Step]]]],
    limits: Limits,
    appetite: int | None,
    observed: bool,
) -> None:
    results = []
    for kind in (AtOnce, Kept):
        with recorded_log() as logged:
            seen = play(kind, framing, chunks, limits, appetite=appetite, observed=observed)
            results.append((seen, [each["log_format"] for each in logged.events]))
            logged.events.clear()
    assert results[0] == results[1]
