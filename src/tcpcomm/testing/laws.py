"""
The laws that every framing obeys, and :func:`check_framing_laws`, which holds a framing to them.

A law is a function of a framing, of the frames that it can send, and of Hypothesis' ``draw``. Its
docstring begins with the law in one sentence, and that is what a failure says first. The laws use
nothing but the public face of :class:`~tcpcomm.framing.Framing` and :class:`~tcpcomm.framing.Decoder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, Final, Protocol, TypeVar

from attrs import frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import DataObject, SearchStrategy

from tcpcomm.errors import EncodeError, FramingError, TcpcommError
from tcpcomm.framing import Framing
from tcpcomm.testing.cost import held_bytes, seconds
from tcpcomm.testing.recorder import Crash, Event, Fault, Recorder, record
from tcpcomm.testing.sizes import held_limit, resized, smaller
from tcpcomm.testing.strategies import chunkings, mutations, payloads_for, sendable, streams
from tcpcomm.testing.violation import Chunks, Violation, expect

__all__ = ["LAWS", "Law", "check_framing_laws"]

T = TypeVar("T")


class Draw(Protocol):
    """Hypothesis' way to take a value from a strategy: ``data.draw``, or the ``draw`` of a composite."""

    def __call__(self, strategy: SearchStrategy[T]) -> T: ...


Law = Callable[[Framing, SearchStrategy[bytes], Draw], None]


@frozen
class _Sent:
    """Frames, their bytes, and where in these each frame ends."""

    frames: list[bytes]
    wire: bytes
    ends: list[int]

    def end_of(self, count: int) -> int:
        """Where the first ``count`` frames end."""
        return self.ends[count - 1] if count else 0


def encoder_refusal(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    What the encoder lets pass arrives as it was; what could not it refuses with EncodeError.

    Nothing is cut short or altered, and no other exception is raised, whatever the frame holds.
    """
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
    recorder = Recorder(framing)
    recorder.feed(wire)
    recorder.flush()
    expect(frames, recorder.events, frame=frame, bytes=wire)


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
    for name in _rotated(sorted(calls), draw):
        answer: list[object]
        try:
            answer = [*calls[name]()]
        except FramingError as error:
            answer = [Fault.of(error), *error.frames]
        expect([final], answer, bytes=stream, call=name)


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
    checks = {8 * step // step, *range(0, len(stream) // step, 1 + len(stream) // step // 16)}
    for count, start in enumerate(range(0, len(stream), step)):
        recorder.feed(stream[start : start + step])
        if recorder.ended:
            break
        fed = f"{start + step} bytes, {step} at a time"
        facts: dict[str, Any] = {"limit": f"max_frame={small.max_frame}", "bytes": stream, "fed": fed}
        if recorder.decoder.buffered > limit:
            raise Violation(f"buffered <= {limit}", recorder.decoder.buffered, **facts)
        if count in checks:
            grown = held_bytes(recorder.decoder) - before
            allowed = 4 * limit + 4096 + 64 * step
            if grown > allowed:
                raise Violation(f"at most {allowed} bytes of memory more", grown, **facts)


def round_trip(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """The frames that are sent are the frames that arrive, and encode_many sends what encode sends."""
    sent = _draw_sent(framing, payloads, draw)
    facts: dict[str, Any] = {"frames": sent.frames, "bytes": sent.wire}
    expect(sent.wire, framing.encode_many(sent.frames), **facts)
    chunks = draw(chunkings(sent.wire, near=sent.ends))
    expect(sent.frames, record(framing, chunks, close=True), **facts, chunks=Chunks(chunks))


def chunk_invariance(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    However a stream is cut into chunks, the same frames and faults come out, in the same order.

    It holds for any bytes, with silence somewhere in them, and for each fault's class, text, offset and
    recoverability.
    """
    stream = draw(streams(framing, payloads))
    silence = draw(st.one_of(st.just(len(stream)), st.integers(0, len(stream))))
    before, after = stream[:silence], stream[silence:]

    def decoded(*parts: list[bytes]) -> list[Event]:
        recorder = Recorder(framing)
        for chunks in parts[:-1]:
            recorder.feed(*chunks)
            recorder.flush()
        recorder.feed(*parts[-1])
        recorder.close()
        return recorder.events

    if after:
        cut = draw(chunkings(before)), draw(chunkings(after))
        facts = {"bytes": before, "chunks": Chunks(cut[0]), "after silence": after}
        expect(decoded([before], [after]), decoded(*cut), **facts, chunked=Chunks(cut[1]))
    else:
        whole = decoded([stream])
        for chunks in (draw(chunkings(stream)), _pieces(stream, 1 + len(stream) // 2000)):
            expect(whole, decoded(chunks), bytes=stream, chunks=Chunks(chunks))


def prefix_safety(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    What has been delivered stays true: no later byte changes, withdraws or faults it.

    So the start of a stream gives the start of its frames and faults, and a frame comes out only when
    nothing more of it is needed: the next one may follow at once.
    """
    stream = draw(streams(framing, payloads))
    start = stream[: draw(st.integers(0, len(stream)))]
    early = record(framing, [start])
    expect(early, record(framing, [stream])[: len(early)], start=start, bytes=stream)

    sent = _draw_sent(framing, payloads, draw, least=1)
    last = draw(payloads.filter(_is_filled))
    recorder = Recorder(framing)
    for fed, byte in enumerate(sent.wire, 1):
        known = len(recorder.events)
        recorder.feed(bytes([byte]))
        count = len(recorder.events)
        if count > known and fed < sent.end_of(min(count, len(sent.ends))):
            wire = sent.wire[:fed] + framing.encode(last)
            expect([*sent.frames[:count], last], record(framing, [wire]), bytes=wire)


def promptness(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """The feed that supplies the last byte of a frame returns the frame."""
    sent = _draw_sent(framing, payloads, draw, least=1)
    chunks = draw(chunkings(sent.wire, near=sent.ends))
    recorder = Recorder(framing)
    fed = 0
    for chunk in chunks:
        recorder.feed(chunk)
        fed += len(chunk)
        due = sum(end <= fed for end in sent.ends)
        facts = {"frames": sent.frames, "bytes": sent.wire, "chunks": Chunks(chunks), "fed": f"{fed} bytes"}
        expect(sent.frames[:due], recorder.events[:due], **facts)


def truncation(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    The end of the stream in the middle of a frame is a TruncatedFrame where it began, elsewhere nothing.

    Instead of that a decoder may return what the end completes, as it completes a line. It may be silent
    in the middle only about fill bytes that the frames would not miss.
    """
    sent = _draw_sent(framing, payloads, draw)
    for cut in _cuts(sent, draw):
        _check_end(framing, sent, cut)


def _check_end(framing: Framing, sent: _Sent, cut: int) -> None:
    start = sent.wire[:cut]
    recorder = Recorder(framing)
    recorder.feed(start)
    count = len(recorder.events)
    facts = {"frames": sent.frames, "bytes": start}
    expect(sent.frames[:count], recorder.events, **facts)
    begin = sent.end_of(count)
    recorder.close()
    said = recorder.events[count:]
    if cut <= begin:
        expect([], said, **facts)
        return

    def is_fill(end: int) -> bool:
        """Whether the bytes before ``end`` are none that the rest of the frames needs."""
        return end == begin or record(framing, [sent.wire[end:]]) == sent.frames[count:]

    match said:
        case []:
            expected = is_fill(cut)
        case [Fault("TruncatedFrame", _, offset, False)]:
            expected = begin <= offset <= cut and is_fill(offset)
        case _:
            expected = len(said) == 1 and isinstance(said[0], bytes)
    if not expected:
        raise Violation(f"a TruncatedFrame at byte {begin}, final", said, **facts)


def handover(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    ``trailing`` is what came after the last frame: another decoder goes on with it, and misses nothing.

    ``buffered`` counts the same bytes. Fill bytes between frames may be left out. In the middle of a frame
    that comes in fragments a decoder may refuse, with TcpcommError.
    """
    sent = _draw_sent(framing, payloads, draw, least=1)
    for cut in _cuts(sent, draw):
        _check_trailing(framing, sent, cut, draw(st.booleans()))


def _check_trailing(framing: Framing, sent: _Sent, cut: int, in_bytes: bool) -> None:
    start, rest = sent.wire[:cut], sent.wire[cut:]
    recorder = Recorder(framing)
    recorder.feed(*_pieces(start, 1 if in_bytes else len(sent.wire)))
    count = len(recorder.events)
    begin = sent.end_of(count)
    if cut < begin:
        return
    facts = {"frames": sent.frames, "bytes": start}
    try:
        trailing = recorder.decoder.trailing
    except TcpcommError as error:
        if cut > begin:
            return
        raise Violation(b"", f"refused: {error}", **facts) from error
    expect(len(trailing), recorder.decoder.buffered, **facts, trailing=trailing)
    if not start[begin:].endswith(trailing) or record(framing, [trailing + rest]) != sent.frames[count:]:
        raise Violation(start[begin:], trailing, **facts)


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
    frame = _plain_frame(large, large.max_frame, draw)
    if frame is None:
        frame = draw(payloads_for(large).filter(lambda frame: not sendable(small)(frame)))
    if len(frame) <= small.max_frame:
        return
    good = payloads.filter(sendable(small))
    before, after = draw(good), draw(good)
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
            if _is_plain(large, frame):
                obeyed = obeyed and others == ([after] if recoverable else [])
        case _:
            obeyed = False
    if not obeyed:
        expected = [before, f"FrameTooLong at byte {begin}", "and, if it is recoverable,", after]
        raise Violation(expected, events, **facts)


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
    expect((0, b""), (recorder.decoder.buffered, recorder.decoder.trailing), **facts)
    known = len(recorder.events)
    frames = draw(st.lists(payloads, min_size=2, max_size=4))
    recorder.feed(framing.encode_many(frames))
    arrived = recorder.events[known:]
    expect(frames[1:], arrived[-len(frames) + 1 :], **facts, then="silence", frames=frames)


def resynchronisation(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    After garbage the good frames come through again, once enough of them have been sent.

    It is demanded after a recoverable fault that leaves no half frame behind (``close`` would be silent);
    and after any garbage that does not end the stream, if the framing finds its frames when the stream
    begins anywhere in one. Enough is what the longest frame that garbage can announce would swallow.
    """
    small = smaller(framing)
    good = _plain_frame(small, draw(st.integers(1, min(small.max_frame, 9))), draw)
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
    settled = bool(recorder.faults) and len(witness.events) == known and _is_plain(small, good)
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


def linear_time(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    Sixteen times the bytes cost about sixteen times the processor time, not 256 times.

    It is measured for one long frame in small chunks, for many frames in one chunk, and for a chunk full
    of each of some kinds of damage. What takes less than half a millisecond is not judged.
    """
    wire = framing.encode(draw(payloads))
    damaged = (wire[1:], wire[:-1], wire[::-1], bytes(byte ^ 1 for byte in wire))
    for pattern in dict.fromkeys(filter(None, (wire, *damaged, b"\xff", b"\0"))):
        probe = Recorder(framing)
        probe.feed(pattern * 64)
        if not probe.ended:
            pace = seconds(framing, [pattern * (1024 // len(pattern) + 1)])
            count = 1 + int(min(16_384, max(1024, 1024 * 0.004 / pace))) // len(pattern)
            _check_growth(framing, [pattern * count], [pattern * 16 * count])
    long = _long_wire(framing)
    _check_growth(framing, _pieces(long[: len(long) // 16], 32), _pieces(long, 32))


def _long_wire(framing: Framing) -> bytes:
    """The longest frame that can be sent, up to 512 KiB, encoded."""
    size = min(framing.max_frame, 512 * 1024)
    for frame in (b"a" * size, b"a" * (size - 2) + b"\r\n"):
        if sendable(framing)(frame):
            return framing.encode(frame)
    return b""


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _check_growth(framing: Framing, few: list[bytes], many: list[bytes]) -> None:
    least = 0.0005
    for _ in range(3):
        once = max(least, min(seconds(framing, few) for _ in range(3)))
        allowed = 48 * once
        taken = seconds(framing, many, at_most=allowed)
        if taken < allowed:
            return

    def described(chunks: list[bytes]) -> str:
        return f"{sum(map(len, chunks))} bytes in {len(chunks)} chunks of {chunks[0][:16]!r}"

    measured = f"{once:.4f} s for {described(few)}"
    raise Violation(f"less than {allowed:.4f} s for {described(many)}", f"{taken:.4f} s", measured=measured)


def _draw_sent(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw, *, least: int = 0) -> _Sent:
    frames = draw(st.lists(payloads, min_size=least, max_size=5))
    pieces = [framing.encode(frame) for frame in frames]
    return _Sent(frames, b"".join(pieces), list(accumulate(map(len, pieces))))


def _cuts(sent: _Sent, draw: Draw) -> Iterable[int]:
    """Places to cut: all of them where that is cheap, else the ends of frames and one other."""
    size = len(sent.wire)
    return range(size + 1) if size <= 24 else [0, *sent.ends, draw(st.integers(0, size))]


def _is_filled(frame: bytes) -> bool:
    return frame != b""


def _rotated(values: list[T], draw: Draw) -> list[T]:
    start = draw(st.integers(0, len(values) - 1))
    return values[start:] + values[:start]


def _is_plain(framing: Framing, frame: bytes) -> bool:
    """Whether no other frame can begin inside this one: it repeats a byte that encoding does not add."""
    head, found, tail = framing.encode(frame).partition(frame or b"?")
    if not found or len(set(frame)) != 1 or head[:1] in [head[at : at + 1] for at in range(1, len(head))]:
        return False
    return frame[0] not in head + tail


def _plain_frame(framing: Framing, size: int, draw: Draw) -> bytes | None:
    for byte in _rotated([ord("a"), 0x55, 0, 0xFF, 1], draw):
        frame = bytes([byte]) * size
        if sendable(framing)(frame) and _is_plain(framing, frame):
            return frame
    return None


_UNIVERSAL: Final[Sequence[Law]] = (encoder_refusal, progress, stickiness, bounded_memory, linear_time)
"""The laws for framings whose frames do not delimit themselves."""

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


def check_framing_laws(
    framing: Framing,
    *,
    payloads: SearchStrategy[bytes] | None = None,
    laws: Sequence[Law] = LAWS,
    max_examples: int | None = None,
) -> None:
    """
    Hold a framing to the laws: ``check_framing_laws(LengthPrefixed(2))`` is a complete test.

    A framing that is not ``self_delimiting`` is exempt from the laws about the boundaries of frames.

    Args:
        framing: the framing.
        payloads: frames that it can send; by default those of
            :func:`~tcpcomm.testing.payloads_for`.
        laws: the laws to try.
        max_examples: how many examples to try of each law; by default as many as the Hypothesis profile
            in force says.

    Raises:
        AssertionError: the framing breaks a law. The text says which, and shows the smallest example
            that was found: bytes in hex, where they were cut, what was expected, what came.
    """
    frames = payloads_for(framing) if payloads is None else payloads.filter(sendable(framing))
    for law in laws:
        if framing.self_delimiting or law in _UNIVERSAL:
            _hold(law, framing, frames, max_examples or settings().max_examples)


def _hold(law: Law, framing: Framing, payloads: SearchStrategy[bytes], max_examples: int) -> None:
    timed = law is linear_time

    @settings(
        max_examples=1 if timed else max_examples,
        phases=(Phase.generate,) if timed else (Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def hold(data: DataObject) -> None:
        law(framing, payloads, data.draw)

    try:
        hold()
    except Violation as violation:
        sentence = (law.__doc__ or law.__name__).strip().partition("\n")[0]
        text = f"{framing} breaks the law of {law.__name__.replace('_', ' ')}\n  {sentence}\n{violation}"
        raise AssertionError(text) from None
    except Unsatisfiable as error:
        text = f"no frame that {framing} sends was found: pass payloads="
        raise AssertionError(text) from error
