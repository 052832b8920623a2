"""The laws of good streams: what is sent arrives, however it is cut, at once, and nothing but it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.errors import EncodeError, TcpcommError
from tcpcomm.framing import Framing
from tcpcomm.testing.laws.drawing import Draw, Sent, draw_sent, pieces, places_to_cut
from tcpcomm.testing.laws.recorder import Event, Fault, Recorder, record
from tcpcomm.testing.laws.strategies import chunkings, mutations, streams
from tcpcomm.testing.laws.violation import Chunks, Violation, expect

__all__ = [
    "chunk_invariance",
    "encoder_refusal",
    "handover",
    "prefix_safety",
    "promptness",
    "round_trip",
    "truncation",
]


def round_trip(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """The frames that are sent are the frames that arrive, and encode_many sends what encode sends."""
    sent = draw_sent(framing, payloads, draw)
    facts: dict[str, Any] = {"frames": sent.frames, "bytes": sent.wire}
    expect(sent.wire, framing.encode_many(sent.frames), **facts)
    chunks = draw(chunkings(sent.wire, near=sent.ends))
    expect(sent.frames, record(framing, chunks, close=True), **facts, chunks=Chunks(chunks))


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


def chunk_invariance(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    However a stream is cut into chunks, the same frames and faults come out, in the same order.

    It holds for any bytes, with silence somewhere in them, and for each fault's class, text, offset and
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
        facts = {"bytes": before, "chunks": Chunks(cut[0]), "after silence": after}
        expect(decoded([before], [after]), decoded(*cut), **facts, chunked=Chunks(cut[1]))
    else:
        whole = decoded([stream])
        for chunks in (draw(chunkings(stream)), pieces(stream, 1 + len(stream) // 2000)):
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

    sent = draw_sent(framing, payloads, draw, least=1)
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
    sent = draw_sent(framing, payloads, draw, least=1)
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

    Instead of that a decoder may return the bytes since the last frame, as the last line. It may be silent
    in the middle only about fill bytes that the frames would not miss.
    """
    sent = draw_sent(framing, payloads, draw)
    for cut in places_to_cut(sent, draw):
        _check_end(framing, sent, cut)


def _check_end(framing: Framing, sent: Sent, cut: int) -> None:
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
            expected = said == [start[begin:]]
    if not expected:
        raise Violation(f"a TruncatedFrame at byte {begin}, final", said, **facts)


def handover(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw) -> None:
    """
    ``trailing`` is what came after the last frame: another decoder goes on with it, and misses nothing.

    ``buffered`` counts the same bytes. Fill bytes between frames may be left out. In the middle of a frame
    that comes in fragments a decoder may refuse, with TcpcommError.
    """
    sent = draw_sent(framing, payloads, draw, least=1)
    for cut in places_to_cut(sent, draw):
        _check_trailing(framing, sent, cut, draw(st.booleans()))


def _check_trailing(framing: Framing, sent: Sent, cut: int, in_bytes: bool) -> None:
    start, rest = sent.wire[:cut], sent.wire[cut:]
    recorder = Recorder(framing)
    recorder.feed(*pieces(start, 1 if in_bytes else len(sent.wire)))
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
    held = recorder.decoder.buffered
    if held != len(trailing):
        raise Violation(f"buffered={len(trailing)}", f"buffered={held}", **facts, trailing=trailing)
    if not start[begin:].endswith(trailing) or record(framing, [trailing + rest]) != sent.frames[count:]:
        raise Violation(start[begin:], trailing, **facts)


def _is_filled(frame: bytes) -> bool:
    return frame != b""
