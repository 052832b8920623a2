"""The laws of bad streams: the effects of faults, garbage, silence and hostile peers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.errors import FramingError
from tcpcomm.framing import Framing
from tcpcomm.testing.laws.cost import held_bytes, seconds
from tcpcomm.testing.laws.examples import Draw, chunked, is_plain, plain_frame, rotated
from tcpcomm.testing.laws.recorder import Crash, Fault, Recorder, record
from tcpcomm.testing.laws.sizes import held_limit, resized, smaller
from tcpcomm.testing.laws.strategies import chunkings, payloads_for, sendable, streams
from tcpcomm.testing.laws.violation import Violation, chunks_text, expect


def progress(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    For any bytes a decoder returns frames and raises framing errors, each of them once.

    The offset of each error is greater than the one before. So each error consumes bytes or is the last,
    and decoding always comes to an end.
    """
    stream = draw(streams(framing, payloads))
    chunks = draw(chunkings(stream))
    recorder = record(framing, chunks)
    if draw(st.booleans()):
        recorder.flush()
    recorder.close()
    facts: dict[str, Any] = {"bytes": stream, "chunks": chunks_text(chunks)}
    expect([], [event for event in recorder.events if isinstance(event, Crash)], **facts)
    offsets = [fault.offset for fault in recorder.faults]
    if offsets != sorted(set(offsets)) or not all(0 <= offset <= len(stream) for offset in offsets):
        raise Violation(f"faults at rising offsets from 0 to {len(stream)}", recorder.events, **facts)


def stickiness(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """After a fault that is not recoverable, every call raises the same fault, without frames."""
    stream = draw(streams(framing, payloads))
    recorder = record(framing, draw(chunkings(stream)), close=True)
    final = recorder.events[-1] if recorder.events else None
    if not isinstance(final, Fault) or final.recoverable:
        return
    decoder = recorder.decoder
    good = framing.encode(draw(payloads))
    calls: dict[str, Callable[[], list[bytes]]] = {
        "feed(b'')": lambda: decoder.feed(b""),
        "feed(a good frame)": lambda: decoder.feed(good),
        "flush()": decoder.flush,
        "close()": decoder.close,
    }
    for name in rotated(sorted(calls), draw):
        results: list[object]
        try:
            results = [*calls[name]()]
        except FramingError as error:
            results = [Fault.of(error), *error.frames]
        expect([final], results, bytes=stream, call=name)


def oversize_once(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A frame that exceeds max_frame is reported once, at its beginning, in any number of chunks.

    The encoder refuses such a frame, and would send it with a larger ``max_frame``. The frames before it
    are delivered first, and no part of it is. After a recoverable fault, the next good frame is delivered.
    """
    small = smaller(framing)
    excess = draw(st.sampled_from((1, 2, 1 + small.max_frame // 2, 3 * small.max_frame)))
    large = resized(small, small.max_frame + excess)
    if large is None:
        return
    good = payloads.filter(sendable(small))
    before, after = draw(good), draw(good)
    repeated = before * (1 + small.max_frame // max(1, len(before)))
    frame = plain_frame(large, large.max_frame, draw) or repeated
    if not sendable(large)(frame):
        frame = draw(st.one_of(payloads_for(large), st.just(before)))
    if len(frame) <= small.max_frame or sendable(small)(frame):
        return
    begin = len(small.encode(before))
    oversized = large.encode(frame)
    wire = small.encode(before) + oversized + small.encode(after)
    chunks = draw(chunkings(wire, near=(begin, begin + small.max_frame, begin + len(oversized))))
    events = record(small, chunks).events
    facts = {"limit": f"max_frame={small.max_frame}", "bytes": wire, "chunks": chunks_text(chunks)}
    match events:
        case [bytes() as first, Fault("FrameTooLong", _, offset, recoverable), *others]:
            correct = first == before and begin <= offset < begin + len(oversized)
            correct = correct and record(large, [oversized[offset - begin :]]).events == [frame]
            if is_plain(large, frame):
                correct = correct and others == ([after] if recoverable else [])
        case _:
            correct = False
    if not correct:
        expected = [before, f"FrameTooLong at byte {begin}", "and, if it is recoverable,", after]
        raise Violation(expected, events, **facts)


def resynchronisation(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    After garbage, good frames are delivered again as soon as enough of them were sent.

    This holds after a recoverable fault that leaves no half frame, so that ``close`` would raise nothing.
    It also holds after any garbage that does not end the stream, if the framing can begin to decode in the
    middle of a frame. Enough frames are those that fill the longest frame that garbage can announce.
    """
    small = smaller(framing)
    good = plain_frame(small, draw(st.integers(1, min(small.max_frame, 9))), draw)
    if good is None:
        good = draw(payloads.filter(sendable(small)))
    wire = small.encode(good)
    stream = draw(streams(small, payloads.filter(sendable(small))))
    recorder = record(small, draw(chunkings(stream)))
    if recorder.ended:
        return
    witness = record(small, [stream])
    known = len(witness.events)
    witness.close()
    settled = bool(recorder.faults) and len(witness.events) == known and is_plain(small, good)
    findable = 1 < len(wire) <= 60 and all(
        _finds(small, good, wire[start:] + wire + wire) for start in range(1, len(wire))
    )
    recorder.feed(wire * (3 + held_limit(small) // len(wire)) if settled or findable else b"")
    if settled or (findable and not recorder.ended):
        facts = {"limit": f"max_frame={small.max_frame}", "garbage": stream, "good bytes, repeated": wire}
        expect([good], recorder.events[-1:], **facts)


def _finds(framing: Framing, good: bytes, stream: bytes) -> bool:
    recorder = record(framing, [stream])
    return recorder.events[-1:] == [good] and not recorder.decoder.buffered


def silence(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    Silence ends a half frame: the decoder then holds nothing and begins again.

    After any bytes that did not end the stream, all good frames arrive, except perhaps the first one. Its
    first byte may complete something older, as a line feed completes a carriage return.
    """
    stream = draw(streams(framing, payloads))
    recorder = record(framing, [stream])
    if recorder.ended:
        return
    recorder.flush()
    facts = {"bytes": stream}
    if recorder.ended:
        raise Violation("frames or a recoverable fault", recorder.events[-1], **facts)
    expect("buffered=0", f"buffered={recorder.decoder.buffered}", **facts)
    known = len(recorder.events)
    frames = draw(st.lists(payloads, min_size=2, max_size=4))
    recorder.feed(framing.encode_many(frames))
    arrived = recorder.events[known:]
    expect(frames[1:], arrived[-len(frames) + 1 :], **facts, then="silence", frames=frames)


def bounded_memory(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A decoder never holds more memory than its longest frame needs.

    ``buffered`` stays below twice ``max_frame``, because escaping doubles, and some bytes for headers. The
    memory of all objects that the decoder holds grows only as buffers of that size need.
    """
    small = smaller(framing)
    limit = held_limit(small)
    stream = draw(st.binary(max_size=8))
    if draw(st.booleans()):
        wire = small.encode(draw(payloads.filter(sendable(small))))
        stream = wire[: draw(st.integers(0, len(wire)))]
    filler = draw(st.sampled_from((b"\xff", b"\0", b"a", b"9", b""))) or draw(
        st.binary(min_size=1, max_size=3)
    )
    stream += filler * min(1 + 3 * limit // len(filler), 1024 * 1024)
    step = draw(st.sampled_from((1 + len(stream) // 3000, 7 + len(stream) // 3000, 61, len(stream))))
    recorder = Recorder(small)
    before = held_bytes(recorder.decoder)
    interval = 1 + len(stream) // step // 16
    for count, start in enumerate(range(0, len(stream), step)):
        recorder.feed(stream[start : start + step])
        if recorder.ended:
            break
        fed = f"{start + step} bytes, {step} at a time"
        facts: dict[str, Any] = {"limit": f"max_frame={small.max_frame}", "bytes": stream, "fed": fed}
        if recorder.decoder.buffered > limit:
            raise Violation(f"buffered <= {limit}", recorder.decoder.buffered, **facts)
        if count % interval == 0:
            grown = held_bytes(recorder.decoder) - before
            allowed = 4 * limit + 4096 + 64 * step
            if grown > allowed:
                raise Violation(f"at most {allowed} bytes of memory more", grown, **facts)


_LEAST: Final = 0.05 if sys.platform == "win32" else 0.0005
"""The shortest time, in seconds, that is measured reliably. Windows counts in steps of 0.016 s."""


def linear_time(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    Sixteen times the bytes cost about sixteen times the processor time, not 256 times.

    Measured are one long frame in small chunks, many frames in one chunk, and chunks full of damaged
    frames. Times of a few milliseconds are ignored.
    """
    frame = draw(payloads)
    wire = framing.encode(frame)
    damaged = (wire[1:], wire[:-1], wire[::-1], bytes(byte ^ 1 for byte in wire))
    for pattern in dict.fromkeys(filter(None, (wire, *damaged, b"\xff", b"\0"))):
        if not record(framing, [pattern * 64]).ended:
            pace = seconds(framing, [pattern * (1024 // len(pattern) + 1)])
            count = 1 + int(min(16_384, max(1024, 1024 * 0.004 / max(pace, 1e-6)))) // len(pattern)
            _check_growth(framing, [pattern * count], [pattern * 16 * count])
    long = _long_wire(framing, frame)
    _check_growth(framing, chunked(long[: len(long) // 16], 32), chunked(long, 32))


def _long_wire(framing: Framing, good: bytes) -> bytes:
    """Return the wire of a long frame of up to 512 KiB, or no bytes if no such frame can be sent."""
    size = min(framing.max_frame, 512 * 1024)
    for frame in (b"a" * size, b"a" * (size - 2) + b"\r\n", good * (size // max(1, len(good)))):
        if sendable(framing)(frame):
            return framing.encode(frame)
    return b""


def _check_growth(framing: Framing, few: list[bytes], many: list[bytes]) -> None:
    for _ in range(3):
        once = max(_LEAST, min(seconds(framing, few) for _ in range(3)))
        allowed = 48 * once
        taken = seconds(framing, many, at_most=allowed)
        if taken < allowed:
            return

    def summary(chunks: list[bytes]) -> str:
        return f"{sum(map(len, chunks))} bytes in {len(chunks)} chunks of {chunks[0][:16]!r}"

    measured = f"{once:.4f} s for {summary(few)}"
    raise Violation(f"less than {allowed:.4f} s for {summary(many)}", f"{taken:.4f} s", measured=measured)
