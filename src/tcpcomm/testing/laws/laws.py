"""
The laws that every framing obeys, and :func:`check_framing_laws`, which tests a framing with them.

A law is a function of a framing, a strategy of frames that it can send, and Hypothesis' ``draw``. The first
sentence of its docstring is the law, which a failure shows. The laws use only public methods of
:class:`~tcpcomm.framing.Framing` and :class:`~tcpcomm.framing.Decoder`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from tcpcomm.errors import EncodeError, FramingError, TcpcommError
from tcpcomm.framing import LONGEST_REFUSED, Framing
from tcpcomm.testing.laws.examples import (
    Draw,
    Sent,
    chunked,
    cut_positions,
    draw_sent,
    is_plain,
    plain_frame,
    rotated,
    try_examples,
)
from tcpcomm.testing.laws.limits import held_bytes, held_limit, resized, seconds, smaller
from tcpcomm.testing.laws.recorder import Crash, Event, Fault, Recorder, record
from tcpcomm.testing.laws.strategies import chunkings, mutations, payloads_for, sendable, streams
from tcpcomm.testing.laws.violation import Violation, chunks_text, expect

Law = Callable[[Framing, SearchStrategy[bytes], Draw], None]
"""A property of a framing. It raises an ``AssertionError`` for an example that breaks it."""


_SHORT: Final = 48
"""The bytes of a stream that is cut in two at each byte."""


def round_trip(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """Frames arrive as they were sent, and encode_many gives the same bytes as encode."""
    sent = draw_sent(framing, payloads, draw)
    facts: dict[str, Any] = {"frames": sent.frames, "bytes": sent.wire}
    expect(sent.wire, framing.encode_many(sent.frames), **facts)
    chunks = draw(chunkings(sent.wire, near=sent.ends))
    expect(sent.frames, record(framing, chunks, close=True).events, **facts, chunks=chunks_text(chunks))


def encoder_refusal(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """A frame that the encoder accepts arrives unchanged, and it refuses any other with EncodeError."""
    good = draw(payloads)
    wire = framing.encode(good)
    limit = min(framing.max_frame, 1024 * 1024)
    match draw(st.sampled_from(("any", "with an ending", "damaged", "encoded", "long"))):
        case "any":
            frame = draw(st.binary(max_size=24))
        case "with an ending":
            frame = draw(payloads) + wire[draw(st.integers(0, len(wire))) :]
        case "damaged":
            frame = draw(mutations(good))
        case "encoded":
            frame = draw(mutations(wire))
        case _:
            frame = b"a" * (limit + draw(st.integers(0, 9)))
    try:
        wire = framing.encode(frame)
    except EncodeError:
        return
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
        raise Violation("bytes, or EncodeError", raised, frame=frame) from error
    if framing.self_delimiting:
        frames, wire = [good, frame, good], framing.encode(good) + wire + framing.encode(good)
    else:
        frames = [frame]
    recorder = record(framing, [wire])
    recorder.flush()
    expect(frames, recorder.events, frame=frame, bytes=wire)


def chunk_invariance(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    The frames and faults of a stream, and their order, do not depend on its chunks.

    This holds with silence at any position. A fault keeps its class, text, offset and recoverability.
    """
    stream = draw(streams(framing, payloads))
    pause = draw(st.one_of(st.just(len(stream)), st.integers(0, len(stream))))
    before, after = stream[:pause], stream[pause:]

    def decoded(*parts: list[bytes]) -> list[Event]:
        recorder = Recorder(framing)
        for chunks in parts[:-1]:
            recorder.feed(*chunks)
            recorder.flush()
        recorder.feed(*parts[-1])
        recorder.close()
        return recorder.events

    whole = decoded([stream])
    for at in range(1, len(stream) if len(stream) <= _SHORT else 0):
        halves = [stream[:at], stream[at:]]
        expect(whole, decoded(halves), bytes=stream, chunks=chunks_text(halves))
    if after:
        cut = draw(chunkings(before)), draw(chunkings(after))
        facts = {"bytes": before, "chunks": chunks_text(cut[0]), "after silence": after}
        expect(decoded([before], [after]), decoded(*cut), **facts, chunked=chunks_text(cut[1]))
    else:
        for chunks in (draw(chunkings(stream)), chunked(stream, 1 + len(stream) // 2000)):
            expect(whole, decoded(chunks), bytes=stream, chunks=chunks_text(chunks))


def prefix_safety(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A delivered frame is final: no later byte changes it, withdraws it or reports a fault in it.

    So the start of a stream gives the first of its frames and faults. A frame is delivered only when it
    needs no further bytes: the next frame may follow at once.
    """
    stream = draw(streams(framing, payloads))
    start = stream[: draw(st.integers(0, len(stream)))]
    early = record(framing, [start]).events
    expect(early, record(framing, [stream]).events[: len(early)], start=start, bytes=stream)

    sent = draw_sent(framing, payloads, draw, least=1)
    last = draw(payloads.filter(lambda frame: frame != b""))
    recorder = Recorder(framing)
    for fed, byte in enumerate(sent.wire, 1):
        known = len(recorder.events)
        recorder.feed(bytes([byte]))
        count = len(recorder.events)
        if count > known and fed < sent.end_of(min(count, len(sent.ends))):
            wire = sent.wire[:fed] + framing.encode(last)
            expect([*sent.frames[:count], last], record(framing, [wire]).events, bytes=wire)


def promptness(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """The feed that supplies the last byte of a frame returns the frame."""
    sent = draw_sent(framing, payloads, draw, least=1)
    chunks = draw(chunkings(sent.wire, near=sent.ends))
    facts: dict[str, Any] = {"frames": sent.frames, "bytes": sent.wire, "chunks": chunks_text(chunks)}
    recorder = Recorder(framing)
    fed = 0
    for chunk in chunks:
        recorder.feed(chunk)
        fed += len(chunk)
        due = sum(end <= fed for end in sent.ends)
        expect(sent.frames[:due], recorder.events[:due], **facts, fed=f"{fed} bytes")


def truncation(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A stream that ends in the middle of a frame raises a TruncatedFrame at the start of that frame.

    A stream that ends between frames raises nothing. A decoder may also return the bytes since the last
    frame, as the last line. It may ignore only fill bytes that the frames do not need.
    """
    sent = draw_sent(framing, payloads, draw)
    for cut in cut_positions(sent, draw):
        _check_end(framing, sent, cut)


def _check_end(framing: Framing, sent: Sent, cut: int) -> None:
    start = sent.wire[:cut]
    recorder = record(framing, [start])
    count = len(recorder.events)
    facts = {"frames": sent.frames, "bytes": start}
    expect(sent.frames[:count], recorder.events, **facts)
    begin = sent.end_of(count)
    recorder.close()
    results = recorder.events[count:]
    if cut <= begin:
        expect([], results, **facts)
        return

    def is_fill(end: int) -> bool:  # the remaining frames do not need the bytes before end
        return end == begin or record(framing, [sent.wire[end:]]).events == sent.frames[count:]

    match results:
        case []:
            allowed = is_fill(cut)
        case [Fault("TruncatedFrame", _, offset, False)]:
            allowed = begin <= offset <= cut and is_fill(offset)
        case _:
            allowed = results == [start[begin:]]
    if not allowed:
        raise Violation(f"a TruncatedFrame at byte {begin}, final", results, **facts)


def handover(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    ``trailing`` holds all bytes after the last frame, so that another decoder can go on with them.

    ``buffered`` counts the same bytes. Fill bytes between frames may be left out. A decoder may refuse with
    TcpcommError in the middle of a frame that arrives in fragments.
    """
    sent = draw_sent(framing, payloads, draw, least=1)
    for cut in cut_positions(sent, draw):
        start, rest = sent.wire[:cut], sent.wire[cut:]
        recorder = record(framing, chunked(start, 1 if draw(st.booleans()) else len(sent.wire)))
        count = len(recorder.events)
        begin = sent.end_of(count)
        if cut < begin:
            continue
        facts = {"frames": sent.frames, "bytes": start}
        try:
            trailing = recorder.decoder.trailing
        except TcpcommError as error:
            if cut > begin:
                continue
            raise Violation(b"", f"refused: {error}", **facts) from error
        buffered = f"buffered={recorder.decoder.buffered}"
        expect(f"buffered={len(trailing)}", buffered, **facts, trailing=trailing)
        further = record(framing, [trailing + rest]).events
        if not start[begin:].endswith(trailing) or further != sent.frames[count:]:
            raise Violation(start[begin:], trailing, **facts)


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

    The frames before it are delivered first, and no part of it is, even if it holds the bytes of good
    frames. After a recoverable fault, the next good frame is delivered.
    """
    small = smaller(framing)
    excess = draw(st.sampled_from((1, 2, 1 + small.max_frame // 2, 3 * small.max_frame)))
    large = resized(small, small.max_frame + excess)
    if large is None:
        return
    good = payloads.filter(sendable(small))
    before, after = draw(good), draw(good)
    repeated = before * (1 + small.max_frame // max(1, len(before)))
    smuggled = _smuggled(large, payloads_for(large), small.encode(after), draw)
    frame = smuggled or plain_frame(large, large.max_frame, draw) or repeated
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
            if smuggled or is_plain(large, frame):
                correct = correct and others == ([after] if recoverable else [])
        case _:
            correct = False
    if not correct:
        expected = [before, f"FrameTooLong at byte {begin}", "and, if it is recoverable,", after]
        raise Violation(expected, events, **facts)


def _smuggled(large: Framing, hosts: SearchStrategy[bytes], hidden: bytes, draw: Draw) -> bytes | None:
    """Return a long frame that holds the bytes of a good frame, or None if no such frame was found."""
    for host in (b"a" * large.max_frame, draw(hosts)):
        at = draw(st.integers(0, max(0, len(host) - len(hidden))))
        frame = host[:at] + hidden + host[at + len(hidden) :]
        if len(frame) == len(host) and sendable(large)(frame):
            return frame
    return None


def resynchronisation(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    After garbage, good frames are delivered again as soon as enough of them were sent.

    This holds after a recoverable fault that leaves no half frame, so that ``close`` would raise nothing.
    It also holds after any garbage that does not end the stream, if the framing can begin to decode in the
    middle of a frame. Enough frames are those that fill the longest frame that garbage can announce. That
    frame may be one whose bytes are dropped. A frame that is too long for that ends the stream. Frames that
    stand alone, without marks around them, do not count as good ones after a fault.
    """
    small = smaller(framing)
    size = draw(st.integers(1, min(small.max_frame, 9)))
    good = plain_frame(small, size, draw) or draw(payloads.filter(sendable(small)))
    wire = small.encode(good)
    stream = draw(streams(small, payloads.filter(sendable(small))))
    recorder = record(small, draw(chunkings(stream)))
    if recorder.ended:
        return
    witness = record(small, [stream])
    known = len(witness.events)
    witness.close()
    is_marked = good not in getattr(small, "alone", ())  # a lone ACK ends no frame that garbage began
    settled = bool(recorder.faults) and len(witness.events) == known and is_plain(small, good) and is_marked
    findable = 1 < len(wire) <= 60 and all(
        _finds(small, good, wire[start:] + wire + wire) for start in range(1, len(wire))
    )
    enough = held_limit(small), LONGEST_REFUSED * small.max_frame  # most bytes are seldom dropped
    for longest in enough if settled or findable else ():
        if recorder.events[-1:] != [good] or longest == enough[0]:
            recorder.feed(wire * (3 + longest // len(wire)))
    announced = recorder.ended and recorder.faults[-1].kind == "FrameTooLong"
    if (settled and not announced) or (findable and not recorder.ended):
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
    random_filler = st.binary(min_size=1, max_size=3)
    filler = draw(st.sampled_from((b"\xff", b"\0", b"a", b"9", b""))) or draw(random_filler)
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

_PATIENCE: Final = 0.5
"""
The processor seconds that are measured, in three tries or more, before a time counts as too long.

The first two times, the process gets new memory for the many bytes, which costs more than to decode them.
A busy machine makes others long. A decoder whose time grows with the square fails all of them.
"""


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
    tries, spent = 0, 0.0
    while tries < 3 or spent < _PATIENCE:
        once = max(_LEAST, min(seconds(framing, few) for _ in range(3)))
        allowed = 48 * once
        taken = seconds(framing, many, at_most=allowed)
        if taken < allowed:
            return
        tries, spent = tries + 1, spent + taken

    def summary(chunks: list[bytes]) -> str:
        return f"{sum(map(len, chunks))} bytes in {len(chunks)} chunks of {chunks[0][:16]!r}"

    measured = f"{once:.4f} s for {summary(few)}"
    raise Violation(f"less than {allowed:.4f} s for {summary(many)}", f"{taken:.4f} s", measured=measured)


LAWS: Final[Sequence[Law]] = (
    encoder_refusal,
    progress,
    round_trip,
    chunk_invariance,
    prefix_safety,
    promptness,
    truncation,
    handover,
    stickiness,
    oversize_once,
    resynchronisation,
    silence,
    bounded_memory,
    linear_time,
)
"""All laws, in the order in which they are tried."""

_UNIVERSAL: Final[Sequence[Law]] = (encoder_refusal, progress, stickiness, bounded_memory, linear_time)
"""The laws that hold for framings that are not ``self_delimiting`` too."""


def check_framing_laws(
    framing: Framing,
    *,
    payloads: SearchStrategy[bytes] | None = None,
    laws: Sequence[Law] = LAWS,
    max_examples: int | None = None,
) -> None:
    """
    Test a framing with the laws: ``check_framing_laws(LengthPrefixed(2))`` is a complete test.

    The laws about the boundaries of frames do not apply to a framing that is not ``self_delimiting``.

    Args:
        framing: the framing to test.
        payloads: frames that it can send. The default is :func:`~tcpcomm.testing.payloads_for`.
        laws: the laws to test.
        max_examples: the number of examples for each law. The default is set by the active Hypothesis
            profile.

    Raises:
        AssertionError: the framing breaks a law. The text names the law and shows the smallest example
            found: its bytes in hex, the sizes of its chunks, the expected and the actual result.
    """
    __tracebackhide__ = True
    frames = (payloads_for(framing) if payloads is None else payloads).filter(sendable(framing))
    for law in laws:
        if framing.self_delimiting or law in _UNIVERSAL:
            _hold(law, framing, frames, max_examples)


def _hold(law: Law, framing: Framing, payloads: SearchStrategy[bytes], max_examples: int | None) -> None:
    __tracebackhide__ = True
    timed = law is linear_time
    try:
        try_examples(partial(law, framing, payloads), 1 if timed else max_examples, shrink=not timed)
    except Violation as violation:
        sentence = (law.__doc__ or law.__name__).strip().partition("\n")[0]
        text = f"{framing} breaks the law of {law.__name__.replace('_', ' ')}\n  {sentence}\n{violation}"
        raise AssertionError(text) from None
    except Unsatisfiable as error:
        text = f"no frame was found that {framing} can send: pass a strategy as payloads="
        raise AssertionError(text) from error
