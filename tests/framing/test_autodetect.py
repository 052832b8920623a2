"""Recognising the framing of a peer by its first bytes, and answering it."""

from __future__ import annotations

from typing import Final, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpcomm.errors import EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import DEFAULT_MAX_FRAME, LengthPrefixed, Lines
from tcpcomm.framing.autodetect import AutoDetect, AutoDetectDecoder, recognise
from tests.framing.reading import End, Fault, read, read_chunks

ENDINGS = [b"\r\n", b"\n", b"\r"]

Order = Literal["big", "little"]

ORDERS: Final[tuple[Order, Order]] = ("big", "little")

orders = st.sampled_from(ORDERS)
texts = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])).map(str.encode)
"""The texts that a peer may write in a line."""

lines = st.builds(bytes.__add__, texts, st.sampled_from(ENDINGS))
payloads = st.binary(max_size=300) | st.integers(0, 5000).map(bytes)
chunk_sizes = st.lists(st.integers(1, 5), max_size=200)


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Return the stream in chunks of these sizes, and the rest as the last chunk."""
    chunks = []
    for size in sizes:
        chunks.append(stream[:size])
        stream = stream[size:]
    return [chunk for chunk in [*chunks, stream] if chunk]


def fed(*chunks: bytes) -> AutoDetectDecoder:
    """Return a decoder that was fed these chunks."""
    decoder = AutoDetect().decoder()
    for chunk in chunks:
        decoder.feed(chunk)
    return decoder


class TestRecognition:
    """The two kinds are lines and a length prefix in one of two byte orders."""

    @given(st.binary(min_size=4, max_size=4), st.integers(1, 2**33))
    @example(b"\0\0\0\0", 1)
    @example(b"\0\x10\0\0", DEFAULT_MAX_FRAME)
    @example(b"\0\x10\0\1", DEFAULT_MAX_FRAME)
    def test_four_bytes_with_a_nul_are_the_smaller_length_if_that_is_allowed(
        self, head: bytes, max_frame: int
    ) -> None:
        big, little = int.from_bytes(head, "big"), int.from_bytes(head, "little")
        length, form = min((big, ORDERS[0]), (little, ORDERS[1]))
        max_frame = min(max_frame, 2**32 - 1)

        recognised = recognise(head, max_frame)

        if b"\0" in head and length <= max_frame:
            assert LengthPrefixed(4, form=form, max_frame=max_frame) == recognised
        else:
            assert Lines(keep_ends=True, max_frame=max_frame) == recognised

    @given(st.binary(max_size=3))
    def test_fewer_bytes_show_nothing(self, head: bytes) -> None:
        assert recognise(head, DEFAULT_MAX_FRAME) is None

    @given(st.lists(lines, min_size=1), texts)
    def test_text_of_any_language_is_lines(self, several: list[bytes], rest: bytes) -> None:
        decoder = fed(b"".join(several) + rest)
        decoder.flush()

        assert isinstance(decoder.recognised, Lines)

    def test_a_length_that_reads_the_same_both_ways_is_taken_for_big_endian(self) -> None:
        assert LengthPrefixed(4, form="big", max_frame=100) == recognise(b"\0\0\0\0", 100)

    def test_a_length_that_looks_like_a_short_line_is_a_length(self) -> None:
        assert LengthPrefixed(4, form="little", max_frame=5000) == recognise(b"A\n\0\0", 5000)


class TestFrames:
    """The frames do not depend on the chunks of the stream."""

    @given(st.binary(max_size=60), chunk_sizes)
    def test_arbitrary_bytes_yield_the_same_however_they_are_cut(
        self, stream: bytes, sizes: list[int]
    ) -> None:
        framing = AutoDetect(max_frame=20)

        ends: tuple[End | None, ...] = (None, "silence", "end of stream")
        for end in ends:
            whole = read_chunks(framing, [stream], end)
            assert whole == read_chunks(framing, cut(stream, sizes), end)

    @given(st.lists(lines, min_size=1), chunk_sizes)
    def test_lines_are_delivered_with_their_endings(self, several: list[bytes], sizes: list[int]) -> None:
        stream = b"".join(several)

        assert stream.splitlines(keepends=True) == read_chunks(AutoDetect(), cut(stream, sizes), "silence")

    @given(orders, payloads.filter(bool), st.lists(payloads), chunk_sizes)
    def test_prefixed_frames_are_delivered_without_their_lengths(
        self, order: Order, first: bytes, others: list[bytes], sizes: list[int]
    ) -> None:
        frames = [first, *others]
        stream = LengthPrefixed(4, form=order).encode_many(frames)

        assert frames == read_chunks(AutoDetect(), cut(stream, sizes))

    def test_a_line_beyond_max_frame_is_reported_and_the_next_one_is_delivered(self) -> None:
        reason = "a frame exceeds max_frame=8 and is discarded up to its end"

        assert [b"one\n", Fault(FrameTooLong, reason, offset=4), b"two\n"] == read(
            AutoDetect(max_frame=8), b"one\n123456789\ntwo\n"
        )

    def test_a_length_beyond_max_frame_ends_the_stream(self) -> None:
        reason = "a frame of 9 bytes exceeds max_frame=8"

        assert [b"one", Fault(FrameTooLong, reason, offset=7, recoverable=False)] == read(
            AutoDetect(max_frame=8), b"\0\0\0\3one\0\0\0\x09123456789"
        )

    def test_undelivered_bytes_are_counted_and_can_be_handed_over(self) -> None:
        for chunks in ([b"a\nb"], [b"a\n", b"bcd"], [b"\0\0\0\1a", b"\0\0"]):
            decoder = fed(*chunks)

            assert decoder.mid_frame
            assert decoder.buffered == len(decoder.trailing)
        assert b"\0\0" == decoder.trailing


class TestSilence:
    """The framing of the peer decides whether silence ends a frame."""

    @given(st.binary(min_size=1, max_size=3))
    def test_fewer_than_four_bytes_are_text_after_silence(self, head: bytes) -> None:
        assert head.splitlines(keepends=True) == read_chunks(AutoDetect(), [head], "silence")

    def test_fewer_than_four_bytes_are_text_at_the_end_of_the_stream(self) -> None:
        reason = "the stream ended in the middle of a frame"

        assert [b"a\n", b"\r"] == read(AutoDetect(), b"a\n\r", "end of stream")
        assert [b"a\n", Fault(TruncatedFrame, reason, offset=2, recoverable=False)] == read(
            AutoDetect(), b"a\nb", "end of stream"
        )

    @pytest.mark.parametrize("text", [b"Hello Server", b"Hello\r", "검사".encode()])
    def test_a_text_without_an_end_mark_is_a_message(self, text: bytes) -> None:
        decoder = fed(text)

        assert decoder.ends_by_silence
        assert [text] == decoder.flush()
        assert not decoder.mid_frame

    def test_after_a_short_text_all_bytes_of_the_peer_are_text(self) -> None:
        decoder = fed(b"Hi")
        decoder.flush()

        assert [b"\0\0\0\2ok\n"] == decoder.feed(b"\0\0\0\2ok\n")

    def test_silence_without_bytes_is_not_a_message(self) -> None:
        decoder = AutoDetect().decoder()

        assert [] == decoder.flush()
        assert decoder.recognised is None

    @pytest.mark.parametrize("stream", [b"\0\0\0\5", b"\5\0\0\0He", b"\0\0\0\1a\0\0\0\5"])
    def test_a_frame_whose_length_is_known_may_pause(self, stream: bytes) -> None:
        decoder = fed(stream)

        assert not decoder.ends_by_silence
        assert decoder.mid_frame

    def test_the_end_of_the_stream_truncates_a_frame_of_known_length(self) -> None:
        reason = "the stream ended in the middle of a frame"

        assert [Fault(TruncatedFrame, reason, recoverable=False)] == read(
            AutoDetect(), b"\0\0\0\5Hel", "end of stream"
        )


class TestAnswers:
    """A peer gets answers in its own framing."""

    @given(texts, st.sampled_from([*ENDINGS, b""]), texts)
    @example(b"", b"\r", b"")
    def test_a_line_is_answered_with_its_own_ending_or_none(
        self, text: bytes, ending: bytes, reply: bytes
    ) -> None:
        decoder = fed(b"first\n")

        assert text == decoder.text(text + ending)
        assert reply + ending == decoder.answer(text + ending, reply)

    @given(orders, payloads, payloads)
    def test_a_prefixed_frame_is_answered_with_a_prefix_of_its_byte_order(
        self, order: Order, frame: bytes, reply: bytes
    ) -> None:
        framing = LengthPrefixed(4, form=order)
        decoder = fed(framing.encode(b"first"))

        assert frame == decoder.text(frame)
        assert framing.encode(reply) == decoder.answer(frame, reply)

    def test_a_prefixed_answer_beyond_max_frame_is_refused(self) -> None:
        decoder = AutoDetect(max_frame=8).decoder()
        decoder.feed(b"\0\0\0\3one")

        with pytest.raises(EncodeError, match="max_frame=8"):
            decoder.answer(b"one", b"123456789")

    def test_the_framing_itself_cannot_encode_a_frame(self) -> None:
        with pytest.raises(EncodeError, match="ask the session's decoder"):
            AutoDetect().encode(b"text")
