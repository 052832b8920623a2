"""The contract of every decoder, tested with simple framings: faults, the end, trailing bytes."""

from __future__ import annotations

import tracemalloc

import pytest

from tcpcomm.errors import (
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    FramingError,
    TcpcommError,
    TruncatedFrame,
)
from tcpcomm.framing import (
    Buffer,
    Checked,
    Cobs,
    Decoder,
    Definite,
    Delimited,
    DleStuffed,
    Enclosed,
    FixedSize,
    Fragments,
    Framing,
    HeaderFramed,
    LengthPrefixed,
    Lines,
    Nested,
    Netstring,
    PieceDecoder,
    Stuffed,
    Unframed,
    UnusablePiece,
    checksum,
    decode,
)
from tests.framing.reading import Fault, feed, outcome_of

LINES = Delimited(b"\n", max_frame=3)
PREFIXED = LengthPrefixed(1, max_frame=3)


def too_long(offset: int) -> Fault:
    return Fault(FrameTooLong, "a frame exceeds max_frame=3 and is discarded up to its end", offset)


def test_feeding_nothing_yields_nothing() -> None:
    assert [] == LINES.decoder().feed(b"")


def test_a_fault_carries_the_frames_before_it() -> None:
    with pytest.raises(FrameTooLong) as caught:
        LINES.decoder().feed(b"a\nb\nlong\nc\n")
    assert [b"a", b"b"] == caught.value.frames


def test_feeding_nothing_goes_on_after_a_recoverable_fault() -> None:
    decoder = LINES.decoder()
    with pytest.raises(FrameTooLong):
        decoder.feed(b"long\nb\nlong\nc\n")
    with pytest.raises(FrameTooLong) as caught:
        decoder.feed(b"")
    assert ([b"b"], 7) == (caught.value.frames, caught.value.offset)
    assert [b"c"] == decoder.feed(b"")
    assert [] == decoder.feed(b"")


def test_bytes_that_are_fed_after_a_fault_follow_those_before_it() -> None:
    decoder = LINES.decoder()
    with pytest.raises(FrameTooLong):
        decoder.feed(b"long\nb\nc")
    assert [b"b", b"cd"] == decoder.feed(b"d\n")


def test_the_bytes_after_a_fault_are_buffered_until_the_caller_goes_on() -> None:
    decoder = LINES.decoder()
    with pytest.raises(FrameTooLong):
        decoder.feed(b"a\nlong\nb\nc")
    assert (3, b"b\nc") == (decoder.buffered, decoder.trailing)
    assert [b"b"] == decoder.feed(b"")
    assert (1, b"c") == (decoder.buffered, decoder.trailing)


def test_an_unrecoverable_fault_carries_its_frames_only_once() -> None:
    decoder = PREFIXED.decoder()
    with pytest.raises(FrameTooLong) as first:
        decoder.feed(b"\x01a\x09")
    with pytest.raises(FrameTooLong) as second:
        decoder.feed(b"\x01b")
    assert ([b"a"], []) == (first.value.frames, second.value.frames)
    assert first.value is not second.value


def test_decode_yields_frames_and_faults_in_order() -> None:
    seen = list(decode(LINES.decoder(), b"a\nlong\nb\nc\nlong\n"))
    faults = [each for each in seen if isinstance(each, FramingError)]
    assert [[b"a"], faults[0], [b"b", b"c"], faults[1]] == seen
    assert [2, 11] == [fault.offset for fault in faults]


def test_decode_ends_after_an_unrecoverable_fault() -> None:
    seen = list(decode(PREFIXED.decoder(), b"\x01a\x09\x01b"))
    assert [list, FrameTooLong] == [type(each) for each in seen]


def test_decode_yields_no_empty_lists() -> None:
    assert [] == list(decode(LINES.decoder(), b"ab"))
    assert [FrameTooLong] == [type(each) for each in decode(LINES.decoder(), b"long\n")]


def test_offsets_count_from_the_start_of_the_stream() -> None:
    decoder = LINES.decoder()
    for _ in range(100):
        assert [b"ab"] == feed(decoder, b"ab\n")
    assert [too_long(300)] == feed(decoder, b"long\n")


def test_offsets_count_the_bytes_that_silence_dropped() -> None:
    decoder = PREFIXED.decoder()
    feed(decoder, b"\x02a")
    assert 1 == len(outcome_of(decoder.flush))
    fault = Fault(FrameTooLong, "a frame of 9 bytes exceeds max_frame=3", 2, recoverable=False)
    assert [fault] == feed(decoder, b"\x09")


def test_a_stream_may_end_between_frames() -> None:
    assert [] == PREFIXED.decoder().close()


def test_after_a_truncated_end_every_call_raises_the_same_fault() -> None:
    decoder = PREFIXED.decoder()
    feed(decoder, b"\x02a")
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 0, recoverable=False)
    assert [fault] == outcome_of(decoder.close)
    assert [fault] == feed(decoder, b"b")
    assert [fault] == outcome_of(decoder.flush)


def test_the_bytes_after_the_last_frame_can_be_handed_over() -> None:
    decoder = PREFIXED.decoder()
    feed(decoder, b"\x01a\x03b")
    assert b"\x03b" == decoder.trailing
    feed(decoder, b"c")
    assert b"\x03bc" == decoder.trailing
    assert [b"bcd"] == feed(decoder, b"d")
    assert b"" == decoder.trailing


@pytest.mark.parametrize(
    ("wire", "expected"), [(b"", False), (b"a", True), (b"a\n", False), (b"long", True), (b"long\n", False)]
)
def test_mid_frame_is_true_while_a_frame_has_begun(wire: bytes, expected: bool) -> None:
    decoder = LINES.decoder()
    feed(decoder, wire)
    assert expected == decoder.mid_frame


def test_decoders_of_one_framing_share_nothing() -> None:
    one, other = LINES.decoder(), LINES.decoder()
    feed(one, b"a")
    assert [b"b"] == feed(other, b"b\n")
    assert [b"a"] == feed(one, b"\n")


def test_a_chunk_is_not_changed_by_its_decoder() -> None:
    chunk = b"a\nb"
    decoder = LINES.decoder()
    feed(decoder, chunk)
    feed(decoder, b"c\n")
    assert b"a\nb" == chunk


def test_frames_are_bytes_however_the_wire_was_cut() -> None:
    decoder = PREFIXED.decoder()
    frames = feed(decoder, b"\x02a") + feed(decoder, b"b\x01c\x01") + feed(decoder, b"d")
    assert [(bytes, b"ab"), (bytes, b"c"), (bytes, b"d")] == [(type(frame), frame) for frame in frames]


@pytest.mark.parametrize(
    "framing",
    [
        LINES,
        PREFIXED,
        Checked(PREFIXED, checksum("xor")),
        Cobs(),
        Definite(),
        Delimited([b";", b"\n"]),
        DleStuffed(),
        Enclosed(),
        FixedSize(4),
        HeaderFramed(2, total=lambda header: header[1]),
        Lines(),
        Lines(keep_ends=True),
        Nested(PREFIXED, Fragments(header=1, flag=0, last=1)),
        Netstring(),
        Stuffed(),
        Unframed(),
    ],
    ids=lambda framing: type(framing).__name__,
)
def test_a_connection_that_is_idle_takes_little_memory(framing: Framing) -> None:
    framing.decoder()  # makes the objects that all decoders share
    tracemalloc.start()
    try:
        decoders = [framing.decoder() for _ in range(100)]
        each = tracemalloc.get_traced_memory()[0] / len(decoders)
    finally:
        tracemalloc.stop()
    assert each < 400


class Reversed(PieceDecoder):
    """A piece decoder that reverses frames, and refuses those with a question mark."""

    def decode(self, piece: bytes) -> bytes | None:
        if b"?" in piece:
            raise UnusablePiece(FramingError, "no questions here")
        return None if piece == b"skip" else piece[::-1]


def test_a_piece_decoder_changes_drops_and_refuses_frames() -> None:
    decoder = Delimited(b"\n").decoder()
    decoder.piece_decoders.append(Reversed())
    fault = Fault(FramingError, "no questions here", 9)
    assert [b"cba", fault, b"d"] == feed(decoder, b"abc\nskip\n?\nd\n")


def test_piece_decoders_work_one_after_the_other() -> None:
    decoder = Delimited(b"\n").decoder()
    decoder.piece_decoders += [Reversed(), Reversed()]
    assert [b"abc"] == feed(decoder, b"abc\n")


def test_a_piece_decoder_must_override_decode() -> None:
    with pytest.raises(NotImplementedError):
        PieceDecoder().decode(b"")


def test_a_piece_decoder_buffers_nothing_by_default() -> None:
    step = PieceDecoder()
    step.reset()
    step.piece_lost()
    assert (False, 0) == (step.pending, step.buffered)


class Doubled(Framing):
    """A framing with only the required methods: two equal bytes are a frame of one byte."""

    def decoder(self) -> Decoder:
        return _DoubledDecoder()

    def encode(self, frame: bytes) -> bytes:
        return frame * 2


class _DoubledDecoder(Decoder):
    def cut(self, buffer: Buffer, position: int) -> int:
        while len(buffer) - position >= 2:
            if buffer[position] != buffer[position + 1]:
                self.fail(FramingError, "the bytes differ", at=position, recoverable=True)
                return position + 2
            self.deliver(buffer[position : position + 1], position)
            position += 2
        return position


def test_a_framing_of_a_user_needs_only_cut_and_encode() -> None:
    framing = Doubled()
    assert b"aabb" == framing.encode_many([b"a", b"b"])
    decoder = framing.decoder()
    assert [b"a", Fault(FramingError, "the bytes differ", 2), b"b"] == feed(decoder, b"aaxybbc")
    assert [b"c"] == feed(decoder, b"c")


def test_every_error_can_be_caught_as_one() -> None:
    assert issubclass(FramingError, TcpcommError)
    with pytest.raises(TcpcommError):
        LINES.encode(b"a\nb")
    with pytest.raises(TcpcommError):
        checksum("none")


@pytest.mark.parametrize("error", [ConfigurationError, EncodeError])
def test_errors_of_the_caller_are_value_errors_too(error: type[Exception]) -> None:
    assert issubclass(error, ValueError)


def test_the_text_of_a_fault_holds_its_offset() -> None:
    fault = TruncatedFrame("half a frame", offset=7, recoverable=True, frames=(b"a",))
    assert "half a frame (frame at byte 7 of the stream)" == str(fault)
    assert ("half a frame", 7, True) == (fault.reason, fault.offset, fault.recoverable)
    assert [b"a"] == fault.frames
