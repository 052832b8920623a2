"""The laws of bad streams: what faults, garbage, silence and hostile peers can do, and what they cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.errors import FramingError
from tcpcomm.framing import Framing
from tcpcomm.testing.laws.cost import held_bytes, seconds
from tcpcomm.testing.laws.drawing import Draw, is_plain, pieces, plain_frame, rotated
from tcpcomm.testing.laws.recorder import Crash, Fault, Recorder, record
from tcpcomm.testing.laws.sizes import held_limit, resized, smaller
from tcpcomm.testing.laws.strategies import chunkings, payloads_for, sendable, streams
from tcpcomm.testing.laws.violation import Chunks, Violation, expect

__all__ = [
    "bounded_memory",
    "linear_time",
    "oversize_once",
    "progress",
    "resynchronisation",
    "silence",
    "stickiness",
]


def progress(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    Whatever arrives, a decoder answers with frames and with framing errors, each of them once.

    Each error has its own place in the stream, farther on than the one before. So each one consumes
    bytes or is the last, and to decode is to come to an end.
    """
    stream = draw(streams(framing, payloads))
    chunks = draw(chunkings(stream))
    recorder = Recorder(framing)
    recorder.feed(*chunks)
    if draw(st.booleans()):
        recorder.flush()
    recorder.close()
    facts: dict[str, Any] = {"bytes": stream, "chunks": Chunks(chunks)}
    crashes = [event for event in recorder.events if isinstance(event, Crash)]
    expect([], crashes, **facts)
    places = [fault.offset for fault in recorder.faults]
    if places != sorted(set(places)) or not all(0 <= place <= len(stream) for place in places):
        raise Violation(f"faults at rising places from 0 to {len(stream)}", recorder.events, **facts)


def stickiness(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """After a fault that is not recoverable, every call raises that same fault, without frames."""
    stream = draw(streams(framing, payloads))
    recorder = Recorder(framing)
    recorder.feed(*draw(chunkings(stream)))
    recorder.close()
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
        answer: list[object]
        try:
            answer = [*calls[name]()]
        except FramingError as error:
            answer = [Fault.of(error), *error.frames]
        expect([final], answer, bytes=stream, call=name)


def oversize_once(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A frame that exceeds max_frame is reported once, where it begins, in however many chunks it comes.

    It is one that the encoder refuses, and that it would send if ``max_frame`` were larger. The frames
    before it are delivered first and nothing of it is. If it is recoverable, the next good frame is
    delivered.
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
    events = record(small, chunks)
    facts = {"limit": f"max_frame={small.max_frame}", "bytes": wire, "chunks": Chunks(chunks)}
    match events:
        case [bytes() as first, Fault("FrameTooLong", _, offset, recoverable), *others]:
            obeyed = first == before and begin <= offset < begin + len(oversized)
            obeyed = obeyed and record(large, [oversized[offset - begin :]]) == [frame]
            if is_plain(large, frame):
                obeyed = obeyed and others == ([after] if recoverable else [])
        case _:
            obeyed = False
    if not obeyed:
        expected = [before, f"FrameTooLong at byte {begin}", "and, if it is recoverable,", after]
        raise Violation(expected, events, **facts)


def resynchronisation(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    After garbage the good frames come through again, once enough of them have been sent.

    It is demanded after a recoverable fault that leaves no half frame behind (``close`` would be silent);
    and after any garbage that does not end the stream, if the framing finds its frames when the stream
    begins anywhere in one. Enough is what the longest frame that garbage can announce would swallow.
    """
    small = smaller(framing)
    good = plain_frame(small, draw(st.integers(1, min(small.max_frame, 9))), draw)
    if good is None:
        good = draw(payloads.filter(sendable(small)))
    wire = small.encode(good)
    stream = draw(streams(small, payloads.filter(sendable(small))))
    recorder, witness = Recorder(small), Recorder(small)
    recorder.feed(*draw(chunkings(stream)))
    if recorder.ended:
        return
    witness.feed(stream)
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
    recorder = Recorder(framing)
    recorder.feed(stream)
    return recorder.events[-1:] == [good] and not recorder.decoder.buffered


def silence(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    Silence ends whatever is half there: the decoder holds nothing and begins afresh.

    After any bytes that left it alive, all good frames arrive but perhaps the first, whose beginning may
    be taken for the rest of something older, as a line feed for that of a carriage return.
    """
    stream = draw(streams(framing, payloads))
    recorder = Recorder(framing)
    recorder.feed(stream)
    if recorder.ended:
        return
    recorder.flush()
    facts = {"bytes": stream}
    if recorder.ended:
        raise Violation("frames or a recoverable fault", recorder.events[-1], **facts)
    if recorder.decoder.buffered:
        raise Violation("buffered=0", f"buffered={recorder.decoder.buffered}", **facts)
    known = len(recorder.events)
    frames = draw(st.lists(payloads, min_size=2, max_size=4))
    recorder.feed(framing.encode_many(frames))
    arrived = recorder.events[known:]
    expect(frames[1:], arrived[-len(frames) + 1 :], **facts, then="silence", frames=frames)


def bounded_memory(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A decoder holds no more than its longest frame needs, whatever a peer sends.

    ``buffered`` stays below twice ``max_frame`` (escaping doubles) and some bytes for headers, and the
    memory that hangs on the decoder grows no further than buffers of that size need.
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
    now_and_then = 1 + len(stream) // step // 16
    for count, start in enumerate(range(0, len(stream), step)):
        recorder.feed(stream[start : start + step])
        if recorder.ended:
            break
        fed = f"{start + step} bytes, {step} at a time"
        facts: dict[str, Any] = {"limit": f"max_frame={small.max_frame}", "bytes": stream, "fed": fed}
        if recorder.decoder.buffered > limit:
            raise Violation(f"buffered <= {limit}", recorder.decoder.buffered, **facts)
        if count % now_and_then == 0:
            grown = held_bytes(recorder.decoder) - before
            allowed = 4 * limit + 4096 + 64 * step
            if grown > allowed:
                raise Violation(f"at most {allowed} bytes of memory more", grown, **facts)


_LEAST: Final = 0.05 if sys.platform == "win32" else 0.0005
"""Seconds that are measured reliably; the processor clock of Windows ticks at 0.016 s."""


def linear_time(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    Sixteen times the bytes cost about sixteen times the processor time, not 256 times.

    It is measured for one long frame in small chunks, for many frames in one chunk, and for a chunk full
    of each of some kinds of damage. What takes a few milliseconds is not judged.
    """
    frame = draw(payloads)
    wire = framing.encode(frame)
    damaged = (wire[1:], wire[:-1], wire[::-1], bytes(byte ^ 1 for byte in wire))
    for pattern in dict.fromkeys(filter(None, (wire, *damaged, b"\xff", b"\0"))):
        probe = Recorder(framing)
        probe.feed(pattern * 64)
        if not probe.ended:
            pace = seconds(framing, [pattern * (1024 // len(pattern) + 1)])
            count = 1 + int(min(16_384, max(1024, 1024 * 0.004 / max(pace, 1e-6)))) // len(pattern)
            _check_growth(framing, [pattern * count], [pattern * 16 * count])
    long = _long_wire(framing, frame)
    _check_growth(framing, pieces(long[: len(long) // 16], 32), pieces(long, 32))


def _long_wire(framing: Framing, good: bytes) -> bytes:
    """A long frame that can be sent, of up to 512 KiB, encoded."""
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

    def described(chunks: list[bytes]) -> str:
        return f"{sum(map(len, chunks))} bytes in {len(chunks)} chunks of {chunks[0][:16]!r}"

    measured = f"{once:.4f} s for {described(few)}"
    raise Violation(f"less than {allowed:.4f} s for {described(many)}", f"{taken:.4f} s", measured=measured)
