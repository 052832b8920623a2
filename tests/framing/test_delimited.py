"""Frames that end with a given delimiter: Delimited."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Delimited
from tests.framing.reading import Fault, feed, outcome_of, read

CRLF = Delimited(b"\r\n")


def too_long(max_frame: int, offset: int = 0) -> Fault:
    return Fault(
        FrameTooLong, f"a frame exceeds max_frame={max_frame} and is discarded up to its end", offset
    )


def test_each_delimiter_ends_a_frame_and_is_not_part_of_it() -> None:
    assert [b"one", b"two"] == read(CRLF, b"one\r\ntwo\r\nhalf")


def test_two_delimiters_in_a_row_enclose_an_empty_frame() -> None:
    assert [b"", b"", b"a", b""] == read(CRLF, b"\r\n\r\na\r\n\r\n")


def test_half_a_delimiter_is_data() -> None:
    assert [b"a\rb\nc\r"] == read(CRLF, b"a\rb\nc\r\r\n")


def test_a_delimiter_may_overlap_itself() -> None:
    assert [b"a", b"ab"] == read(Delimited(b"aab"), b"aaababaab")


def test_any_of_several_delimiters_ends_a_frame() -> None:
    assert [b"a", b"b", b"c"] == read(Delimited([b";", b"\r\n"]), b"a;b\r\nc;")


def test_of_delimiters_that_end_together_the_one_that_makes_the_frame_shorter_wins() -> None:
    assert [b"x", b"y"] == read(Delimited([b"\n", b"\r\n"]), b"x\r\ny\n")


def test_of_delimiters_that_overlap_the_one_that_ends_first_wins() -> None:
    assert [b"x", b"cy"] == read(Delimited([b"bc", b"ab"]), b"xabcyab")


def test_the_first_delimiter_is_sent() -> None:
    assert b"a;" == Delimited([b";", b"\r\n"]).encode(b"a")


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n"]), max_size=16).map(b"".join))
def test_frames_are_those_of_bytes_split(wire: bytes) -> None:
    assert wire.split(b"\r\n")[:-1] == read(CRLF, wire)


@pytest.mark.parametrize("delimiter", [b"\r\n", b";", b"aab", b"aa"])
@given(data=st.data())
def test_long_frames_are_those_of_bytes_split_too(delimiter: bytes, data: st.DataObject) -> None:
    pieces = st.sampled_from([b"b" * 200, b"b" * 300 + delimiter, delimiter, b"a", b"b", b"\n", b";"])
    wire = b"".join(data.draw(st.lists(pieces, max_size=16)))
    assert wire.split(delimiter)[:-1] == Delimited(delimiter).decoder().feed(wire)


@given(st.lists(st.sampled_from([b"ab", b"bc", b"a", b"b", b"c", b"d"]), max_size=16).map(b"".join))
def test_with_several_delimiters_the_earliest_end_is_found_at_each_step(wire: bytes) -> None:
    expected, start = [], 0
    for end in range(len(wire) + 1):
        endings = [each for each in (b"ab", b"bc", b"d") if wire[start:end].endswith(each)]
        if endings:
            expected.append(wire[start : end - max(map(len, endings))])
            start = end
    assert expected == read(Delimited([b"ab", b"bc", b"d"]), wire)


def test_a_frame_of_max_frame_bytes_is_delivered() -> None:
    assert [b"12345", b"ab"] == read(Delimited(b"\r\n", max_frame=5), b"12345\r\nab\r\n")


def test_a_longer_frame_is_reported_once_and_discarded_up_to_its_end() -> None:
    wire = b"ok\r\n123456\r\nok\r\n"
    assert [b"ok", too_long(5, offset=4), b"ok"] == read(Delimited(b"\r\n", max_frame=5), wire)


def test_each_frame_that_is_too_long_is_reported_at_its_own_place() -> None:
    wire = b"123456\r\n1234567890\r\n\r\n"
    assert [too_long(5), too_long(5, offset=8), b""] == read(Delimited(b"\r\n", max_frame=5), wire)


def test_a_frame_that_is_too_long_is_reported_before_its_end_arrives() -> None:
    decoder = Delimited(b"\r\n", max_frame=5).decoder()
    assert [] == feed(decoder, b"12345\r")
    assert [too_long(5)] == feed(decoder, b"6")
    assert [b"ok"] == feed(decoder, b"78\r\nok\r\n")


def test_a_delimiter_in_two_chunks_ends_the_discarding() -> None:
    decoder = Delimited(b"\r\n", max_frame=5).decoder()
    assert [too_long(5)] == feed(decoder, b"1234567\r")
    assert [b"ok"] == feed(decoder, b"\nok\r\n")


def test_a_peer_that_sends_no_delimiter_without_end_needs_no_memory() -> None:
    decoder = Delimited(b"\r\n", max_frame=10).decoder()
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, b"1234567"))
        assert decoder.buffered <= 10 + len(b"\r\n")
    assert 1 == faults


def test_silence_ends_the_pending_frame() -> None:
    assert [b"one", b"naive"] == read(CRLF, b"one\r\nnaive", then="silence")


def test_silence_with_nothing_pending_yields_nothing() -> None:
    assert [b"one"] == read(CRLF, b"one\r\n", then="silence")


def test_a_new_frame_begins_after_silence() -> None:
    decoder = CRLF.decoder()
    feed(decoder, b"naive")
    decoder.flush()
    assert [b"next"] == feed(decoder, b"next\r\n")


def test_half_a_delimiter_is_part_of_the_frame_that_silence_ends() -> None:
    assert [b"naive\r"] == read(CRLF, b"naive\r", then="silence")


def test_silence_ends_the_discarding() -> None:
    decoder = Delimited(b"\r\n", max_frame=5).decoder()
    assert [too_long(5)] == feed(decoder, b"1234567890")
    assert [] == outcome_of(decoder.flush)
    assert [b"ok"] == feed(decoder, b"ok\r\n")


def test_half_a_delimiter_counts_for_the_limit_of_a_frame_that_silence_ends() -> None:
    fault = Fault(FrameTooLong, "a frame exceeds max_frame=5")
    assert [fault] == read(Delimited(b"\r\n", max_frame=5), b"12345\r", then="silence")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 5, recoverable=False)
    assert [b"one", fault] == read(CRLF, b"one\r\ntw", then="end of stream")


def test_the_end_of_the_stream_between_frames_is_not_a_fault() -> None:
    assert [b"one"] == read(CRLF, b"one\r\n", then="end of stream")


def test_the_end_of_a_frame_that_is_discarded_is_not_reported_again() -> None:
    wire = b"123456789"
    assert [too_long(5)] == read(Delimited(b"\r\n", max_frame=5), wire, then="end of stream")


def test_the_bytes_after_the_last_frame_are_trailing() -> None:
    decoder = CRLF.decoder()
    feed(decoder, b"one\r\n\x00\x01\r")
    assert (b"\x00\x01\r", 3) == (decoder.trailing, decoder.buffered)


@pytest.mark.parametrize(
    ("delimiter", "frame", "at"),
    [(b"\r\n", b"a\r\nb", 1), (b"\r\n", b"\r\n", 0), (b";", b"ab;", 2), (b"aba", b"ab", 0)],
)
def test_a_frame_in_which_the_delimiter_would_be_found_is_refused(
    delimiter: bytes, frame: bytes, at: int
) -> None:
    with pytest.raises(EncodeError, match=f"the delimiter would be found at byte {at} of the frame"):
        Delimited(delimiter).encode(frame)


def test_a_frame_that_holds_any_of_the_delimiters_is_refused() -> None:
    with pytest.raises(EncodeError, match="found at byte 1 of the frame"):
        Delimited([b"\r\n", b";"]).encode(b"a;b")


def test_a_frame_that_ends_with_the_first_half_of_a_delimiter_is_sent() -> None:
    assert b"a\r\r\n" == CRLF.encode(b"a\r")


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5: split it, or raise"):
        Delimited(b"\n", max_frame=5).encode(b"123456")


def test_several_frames_are_sent_in_one_write() -> None:
    assert b"a\r\n\r\nb\r\n" == CRLF.encode_many([b"a", b"", b"b"])


@pytest.mark.parametrize(
    ("delimiters", "reason"),
    [
        ([], "a delimiter must have at least one byte, not ()"),
        (b"", "a delimiter must have at least one byte, not (b'',)"),
        ([b"\n", b""], "a delimiter must have at least one byte, not (b'\\n', b'')"),
        ([b";", b";"], "a delimiter is given twice: (b';', b';')"),
        (
            [b"\r", b"\r\n"],
            "the delimiter b'\\r\\n' can never match, because b'\\r' ends inside it: "
            "use Lines for any line ending",
        ),
        ([b"<end>", b"en"], "the delimiter b'<end>' can never match, because b'en' ends inside it"),
    ],
)
def test_delimiters_that_cannot_work_are_refused(delimiters: bytes | list[bytes], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}$"):
        Delimited(delimiters)


@pytest.mark.parametrize("max_frame", [0, -1])
def test_a_limit_below_one_byte_is_refused(max_frame: int) -> None:
    with pytest.raises(ConfigurationError, match=f"max_frame must be at least 1 byte, not {max_frame}"):
        Delimited(b"\n", max_frame=max_frame)


def test_a_limit_of_one_byte_is_accepted() -> None:
    assert [b"a", too_long(1, offset=2), b""] == read(Delimited(b"\n", max_frame=1), b"a\nab\n\n")


def test_framings_with_equal_delimiters_are_equal() -> None:
    assert Delimited(b"\n") == Delimited([b"\n"])
    assert Delimited(b"\n") != Delimited(b"\r")


GALIL = Delimited((b":", b"?"), keep_ends=True, max_frame=5)


def test_a_kept_delimiter_tells_which_one_ended_the_frame() -> None:
    assert [b"1.0:", b"?", b":", b"12345?"] == read(GALIL, b"1.0:?:12345?half")
    assert [b"<a/></Robot>", b"</Robot>"] == read(
        Delimited(b"</Robot>", keep_ends=True), b"<a/></Robot></Robot>"
    )


def test_max_frame_does_not_count_a_kept_delimiter() -> None:
    assert [b"12345:", too_long(5, 6), b"ok:"] == read(GALIL, b"12345:123456:ok:")


def test_a_kept_delimiter_is_sent_as_it_is() -> None:
    assert b"1:?" == GALIL.encode_many([b"1:", b"?"])


@pytest.mark.parametrize("frame", [b"", b"1", b"a:b", b"a:b:", b":?"])
def test_a_kept_frame_without_its_only_delimiter_at_its_end_is_refused(frame: bytes) -> None:
    reason = r"a kept frame must end with b':' or b'\?', its only one, unlike "
    with pytest.raises(EncodeError, match=f"^{reason}"):
        GALIL.encode(frame)


def test_a_kept_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        GALIL.encode(b"123456:")
