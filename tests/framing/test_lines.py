"""Frames that are lines, whichever line ending the peer uses: Lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Lines, split_ending
from tests.framing.reading import End, Fault, feed, read

KEPT = Lines(keep_ends=True)

line_soups = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"\x0b\x0c\x1c\x85"]), max_size=12).map(
    b"".join
)


def too_long(max_frame: int, offset: int = 0) -> Fault:
    return Fault(
        FrameTooLong, f"a frame exceeds max_frame={max_frame} and is discarded up to its end", offset
    )


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_each_line_ending_ends_a_frame(ending: bytes) -> None:
    assert [b"one", b"", b"two"] == read(Lines(), b"one" + ending * 2 + b"two" + ending + b"half")


def test_line_endings_may_be_mixed() -> None:
    assert [b"a", b"b", b"c", b"", b"d"] == read(Lines(), b"a\rb\nc\r\n\rd\r")


def test_a_line_ended_by_a_lone_return_is_delivered_at_once() -> None:
    assert [b"TA"] == feed(Lines().decoder(), b"TA\r")


def test_a_line_feed_that_arrives_later_belongs_to_the_return_before_it() -> None:
    decoder = Lines().decoder()
    feed(decoder, b"one\r")
    assert [] == feed(decoder, b"")
    assert [b"two"] == feed(decoder, b"\ntwo\n")


def test_a_line_feed_belongs_to_the_return_before_it_also_after_silence() -> None:
    decoder = Lines().decoder()
    feed(decoder, b"one\r")
    assert [] == decoder.flush()
    assert [] == feed(decoder, b"\n")


def test_only_one_line_feed_belongs_to_a_return() -> None:
    assert [b"one", b"", b""] == read(Lines(), b"one\r\n\n\n")


def test_offsets_count_the_line_feed_that_arrives_later() -> None:
    assert [b"a", too_long(2, offset=3)] == read(Lines(max_frame=2), b"a\r\nlong\r\n")


@given(line_soups)
def test_lines_are_those_of_bytes_splitlines(wire: bytes) -> None:
    unfinished = not wire.endswith((b"\r", b"\n"))
    lines = wire.splitlines()
    assert (lines[:-1] if unfinished else lines) == read(Lines(), wire)


def test_a_line_that_is_too_long_is_reported_once_and_discarded() -> None:
    wire = b"123456\r\nok\r123456\nok\n"
    expected = [too_long(5), b"ok", too_long(5, offset=11), b"ok"]
    assert expected == read(Lines(max_frame=5), wire)


def test_a_peer_that_ends_no_line_needs_no_memory() -> None:
    decoder = Lines(max_frame=10).decoder()
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, b"1234567"))
        assert decoder.buffered <= 10
    assert 1 == faults


def test_silence_ends_the_pending_line() -> None:
    assert [b"one", b"User: "] == read(Lines(), b"one\r\nUser: ", then="silence")


def test_the_end_of_the_stream_within_a_line_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 4, recoverable=False)
    assert [b"one", fault] == read(Lines(), b"one\ntwo", then="end of stream")


@pytest.mark.parametrize(("send", "wire"), [(b"\n", b"a\n"), (b"\r", b"a\r"), (b"\r\n", b"a\r\n")])
def test_the_line_ending_that_is_sent_can_be_chosen(send: bytes, wire: bytes) -> None:
    assert wire == Lines(send=send).encode(b"a")


@pytest.mark.parametrize("frame", [b"a\nb", b"a\r", b"\n", b"\r\n"])
def test_a_line_that_holds_a_line_ending_is_refused(frame: bytes) -> None:
    with pytest.raises(EncodeError, match="a line cannot hold a line ending: send each line as a frame"):
        Lines().encode(frame)


def test_a_line_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        Lines(max_frame=5).encode(b"123456")


def test_only_a_line_ending_can_be_sent() -> None:
    with pytest.raises(ConfigurationError, match=r"a line ends with \\r\\n, \\n or \\r, not with b';'"):
        Lines(send=b";")


def test_a_kept_line_holds_its_ending() -> None:
    assert [b"one\r\n", b"two\n", b"three\r", b"x\n"] == read(KEPT, b"one\r\ntwo\nthree\rx\n")


def test_a_return_ends_a_kept_line_only_when_the_next_byte_shows_that_it_is_alone() -> None:
    decoder = KEPT.decoder()
    assert [] == feed(decoder, b"one\r")
    assert [b"one\r"] == feed(decoder, b"t")
    assert [b"two\r\n"] == feed(decoder, b"wo\r\n")


@pytest.mark.parametrize("end", ["silence", "end of stream"])
def test_a_return_that_nothing_follows_ends_its_kept_line(end: End) -> None:
    assert [b"one\n", b"two\r"] == read(KEPT, b"one\ntwo\r", then=end)


def test_the_end_of_the_stream_within_a_kept_line_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 4, recoverable=False)
    assert [b"one\n", fault] == read(KEPT, b"one\ntwo", then="end of stream")


@given(line_soups)
def test_kept_lines_are_those_of_bytes_splitlines(wire: bytes) -> None:
    assert wire.splitlines(keepends=True) == read(KEPT, wire, then="silence")


def test_the_ending_of_a_kept_line_does_not_count_for_its_limit() -> None:
    kept = Lines(keep_ends=True, max_frame=3)
    assert [b"abc\r\n", b"abc\r", b"abc\n", too_long(3, offset=13), b"x\n"] == read(
        kept, b"abc\r\nabc\rabc\nabcd\r\nx\n"
    )


def test_a_kept_line_of_max_frame_bytes_is_ended_by_silence_after_its_return() -> None:
    assert [b"abc\r"] == read(Lines(keep_ends=True, max_frame=3), b"abc\r", then="silence")


def test_a_kept_line_that_is_too_long_ends_with_the_stream() -> None:
    kept = Lines(keep_ends=True, max_frame=3)
    assert [too_long(3)] == read(kept, b"abcdef\r", then="end of stream")


@pytest.mark.parametrize("frame", [b"a\r\n", b"a\n", b"\n"])
def test_a_kept_line_is_sent_with_its_own_ending(frame: bytes) -> None:
    assert frame == KEPT.encode(frame)


@pytest.mark.parametrize("frame", [b"a", b"", b"a\r"])
def test_a_kept_line_without_a_certain_end_is_refused(frame: bytes) -> None:
    with pytest.raises(EncodeError, match=r"a kept line must end with \\r\\n or \\n, unlike b'a?(\\r)?'"):
        KEPT.encode(frame)


@pytest.mark.parametrize("frame", [b"a\nb\n", b"a\r\r\n"])
def test_a_kept_line_that_holds_another_ending_is_refused(frame: bytes) -> None:
    with pytest.raises(EncodeError, match="a line cannot hold a line ending"):
        KEPT.encode(frame)


def test_kept_lines_are_not_sent_with_a_lone_return() -> None:
    with pytest.raises(ConfigurationError, match=r"with keep_ends no line is sent with \\r alone"):
        Lines(keep_ends=True, send=b"\r")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (b"a\r\n", (b"a", b"\r\n")),
        (b"a\n", (b"a", b"\n")),
        (b"a\r", (b"a", b"\r")),
        (b"a", (b"a", b"")),
        (b"\n\r", (b"\n", b"\r")),
    ],
)
def test_a_kept_line_splits_into_text_and_ending(line: bytes, parts: tuple[bytes, bytes]) -> None:
    assert parts == split_ending(line)
