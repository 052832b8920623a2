"""The laws of good streams: frames arrive completely, promptly, in any chunks, and nothing else does."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.errors import EncodeError, TcpcommError
from tcpcomm.framing import Framing
from tcpcomm.testing.laws.examples import Draw, Sent, chunked, cut_positions, draw_sent
from tcpcomm.testing.laws.recorder import Event, Fault, Recorder, record
from tcpcomm.testing.laws.strategies import chunkings, mutations, streams
from tcpcomm.testing.laws.violation import Violation, chunks_text, expect


def round_trip(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """Frames arrive as they were sent, and encode_many gives the same bytes as encode."""
    sent = draw_sent(framing, payloads, draw)
    facts: dict[str, Any] = {"frames": sent.frames, "bytes": sent.wire}
    expect(sent.wire, framing.encode_many(sent.frames), **facts)
    chunks = draw(chunkings(sent.wire, near=sent.ends))
    expect(sent.frames, record(framing, chunks, close=True).events, **facts, chunks=chunks_text(chunks))


def encoder_refusal(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    A frame that the encoder accepts arrives unchanged, and it refuses any other with EncodeError.

    It never truncates or alters a frame, and never raises another exception.
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
    recorder = record(framing, [wire])
    recorder.flush()
    expect(frames, recorder.events, frame=frame, bytes=wire)


def chunk_invariance(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    The frames and faults of a stream, and their order, do not depend on its chunks.

    This holds for any bytes, with silence at any position. A fault keeps its class, text, offset and
    recoverability.
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

    if after:
        cut = draw(chunkings(before)), draw(chunkings(after))
        facts = {"bytes": before, "chunks": chunks_text(cut[0]), "after silence": after}
        expect(decoded([before], [after]), decoded(*cut), **facts, chunked=chunks_text(cut[1]))
    else:
        whole = decoded([stream])
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

    def is_fill(end: int) -> bool:
        """Return True if the remaining frames can be decoded without the bytes before ``end``."""
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
        _check_trailing(framing, sent, cut, draw(st.booleans()))


def _check_trailing(framing: Framing, sent: Sent, cut: int, byte_by_byte: bool) -> None:
    start, rest = sent.wire[:cut], sent.wire[cut:]
    recorder = record(framing, chunked(start, 1 if byte_by_byte else len(sent.wire)))
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
    buffered = f"buffered={recorder.decoder.buffered}"
    expect(f"buffered={len(trailing)}", buffered, **facts, trailing=trailing)
    further = record(framing, [trailing + rest]).events
    if not start[begin:].endswith(trailing) or further != sent.frames[count:]:
        raise Violation(start[begin:], trailing, **facts)
