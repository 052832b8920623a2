"""Lines with binary blocks in them: Definite."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame
from tcpcomm.framing import Definite
from tests.framing.reading import CountedBytes, Fault, feed, outcome_of, read

SCPI = Definite()
BLOCK_ENDS = Definite(terminator=b"\r\n", block_ends=True)


def too_long(max_frame: int, offset: int = 0) -> Fault:
    return Fault(
        FrameTooLong, f"a frame exceeds max_frame={max_frame} and is discarded up to its end", offset
    )


def test_lines_without_blocks_are_frames() -> None:
    assert [b"*IDN?", b"", b"1.5E3"] == read(SCPI, b"*IDN?\n\n1.5E3\nhalf")


def test_a_terminator_in_a_block_is_data() -> None:
    assert [b"#14\n\n\n\n", b"x"] == read(SCPI, b"#14\n\n\n\n\nx\n")


def test_a_block_length_may_have_up_to_nine_digits() -> None:
    assert [b"#9000000003\n\n\n"] == read(SCPI, b"#9000000003\n\n\n\n")


def test_a_block_may_be_empty() -> None:
    assert [b"#10", b"#200", b"x"] == read(SCPI, b"#10\n#200\nx\n")


def test_a_block_may_look_like_a_block() -> None:
    assert [b"#14#19\n"] == read(SCPI, b"#14#19\n\n")


def test_text_and_further_blocks_may_follow_a_block() -> None:
    assert [b"#11\n,#11\n;x", b"y"] == read(SCPI, b"#11\n,#11\n;x\ny\n")


@pytest.mark.parametrize("before", [b"CURV ", b"a\t", b"1,", b"a;", b"DATA:"])
def test_a_block_begins_after_a_separator(before: bytes) -> None:
    assert [before + b"#11\n"] == read(SCPI, before + b"#11\n\n")


@pytest.mark.parametrize("line", [b"a#11", b"##11", b"#", b"#x", b"#HFF", b"#2 1", b"#41a", b"a #", b"# 1"])
def test_any_other_number_sign_is_text(line: bytes) -> None:
    assert [line, b"next"] == read(SCPI, line + b"\nnext\n")


def test_a_block_without_a_length_ends_with_the_line() -> None:
    assert [b"#0ab,#13", b"#0", b"next"] == read(SCPI, b"#0ab,#13\n#0\nnext\n")


@pytest.mark.parametrize(
    "line",
    [
        b'"Slot #3999 empty"',
        b'-113,"Undefined header #12"',
        b'"He said ""#15"" ok"',
        b"DISP:TEXT 'Slot #3999'",
        b"DISP:TEXT 'it''s #15'",
        b'DISP:TEXT "it\'s #15"',
        b'"a #15',
        b'"',
    ],
)
def test_a_number_sign_in_a_string_is_text(line: bytes) -> None:
    assert [line, b"1", line, b"1.25"] == read(SCPI, line + b"\n1\n" + line + b"\n1.25\n")


def test_a_block_may_follow_a_string() -> None:
    assert [b'"CH#1",#12\n\n,"#15"', b"1"] == read(SCPI, b'"CH#1",#12\n\n,"#15"\n1\n')


@pytest.mark.parametrize("text", [b'5" #12\n\n', b"don't #12\n\n", b'a"" #12\n\n'])
def test_a_quote_in_a_word_begins_no_string(text: bytes) -> None:
    assert [text, b"1"] == read(SCPI, text + b"\n1\n")


def test_a_quote_behind_a_string_goes_on_with_it_and_behind_a_block_does_not() -> None:
    assert [b'"a"" #12"', b"1"] == read(SCPI, b'"a"" #12"\n1\n')
    assert [b'#11"" #12\n\n', b"1"] == read(SCPI, b'#11"" #12\n\n\n1\n')


def test_the_bytes_of_a_block_are_no_separators() -> None:
    assert [b"#11,#12", b"1"] == read(SCPI, b"#11,#12\n1\n")


_STRINGS = st.text("ab#1,\"'\n", max_size=8).map(lambda text: '"{}"'.format(text.replace('"', '""')))
_BLOCKS = st.binary(max_size=6).map(lambda body: b"#1%d%b" % (len(body), body))
_ELEMENTS = st.one_of(
    _STRINGS.filter(lambda text: "\n" not in text).map(str.encode),
    _BLOCKS,
    st.just(b"-1.5E3"),
    st.just(b"#H1F"),
)


@given(st.lists(st.lists(_ELEMENTS, min_size=1, max_size=4).map(b",".join), max_size=4))
def test_any_response_of_strings_numbers_and_blocks_arrives(responses: list[bytes]) -> None:
    """
    Strings with number signs and quotes, numbers and blocks, in any order, as IEEE 488.2 joins them.

    A framing that looks for blocks in strings merges such responses or refuses to send them.
    """
    assert responses == read(SCPI, SCPI.encode_many(responses))


def test_a_block_is_not_searched_again_when_a_long_terminator_is_awaited() -> None:
    """The law of chunk invariance finds this with its terminators of four bytes: a cut behind the block."""
    framing = Definite(terminator=b"\r\n\r\n")
    assert [b"#14 #12", b"*OPC?"] == read(framing, b"#14 #12\r\n\r\n*OPC?\r\n\r\n")
    assert [b'"a" #13 "#', b"x"] == read(framing, b'"a" #13 "#\r\n\r\nx\r\n\r\n')


def test_nothing_in_a_block_of_a_line_that_is_too_long_is_a_frame() -> None:
    framing = Definite(max_frame=5)
    assert [too_long(5), b"ok"] == read(framing, b"123456 #15\nBAD\n\nok\n")
    assert [too_long(5), b"ok"] == read(framing, b"123456,'#15\nok\n")


def test_a_block_that_is_too_long_to_be_dropped_ends_the_stream() -> None:
    framing = Definite(max_frame=5)
    line = b"123456 #280" + b"\nBAD\n" * 16
    assert [too_long(5), b"ok"] == read(framing, line + b"\nok\n")
    reason = "a block of 81 bytes in a discarded frame is too long to wait for its end"
    fault = Fault(FrameTooLong, reason, 7, recoverable=False)
    assert [too_long(5), fault] == read(framing, b"123456 #281" + b"\nBAD\n" * 16 + b"\nok\n")


def test_a_terminator_may_have_several_bytes() -> None:
    framing = Definite(terminator=b"\r\n")
    assert [b"a\rb", b"#12\r\n", b"c"] == read(framing, b"a\rb\r\n#12\r\n\r\nc\r\n")


def test_a_block_that_ends_its_frame_needs_no_terminator() -> None:
    assert [b"#11a", b"#11b", b"text"] == read(BLOCK_ENDS, b"#11a#11btext\r\n")


def test_a_terminator_after_such_a_block_is_not_an_empty_frame() -> None:
    assert [b"#11a", b"#11b", b""] == read(BLOCK_ENDS, b"#11a\r\n#11b\r\n\r\n")


def test_a_block_that_ends_its_frame_is_delivered_at_once() -> None:
    assert [b"#11a"] == feed(BLOCK_ENDS.decoder(), b"#11a")


def test_half_a_terminator_after_such_a_block_begins_the_next_frame() -> None:
    assert [b"#11a", b"\rb"] == read(BLOCK_ENDS, b"#11a\rb\r\n")


def test_a_block_after_text_does_not_end_the_frame() -> None:
    assert [b"CURV #12\r\n"] == read(BLOCK_ENDS, b"CURV #12\r\n\r\n")


@pytest.mark.parametrize("end", ["silence", "end of stream"])
@pytest.mark.parametrize("behind", [b"", b"\r", b"\r\n"])
def test_nothing_is_incomplete_after_a_block_that_ends_its_frame(behind: bytes, end: Any) -> None:
    assert [b"#11a"] == read(BLOCK_ENDS, b"#11a" + behind, then=end)


@given(st.lists(st.one_of(st.binary(max_size=20), st.from_regex(rb"\A[a-z*?]{0,8}\Z")), max_size=5))
def test_blocks_of_any_bytes_arrive_as_they_were_sent(bodies: list[bytes]) -> None:
    frames = [b"#%d%d%b" % (len(str(len(body))), len(body), body) for body in bodies]
    assert frames == read(SCPI, SCPI.encode_many(frames))
    assert frames == read(BLOCK_ENDS, BLOCK_ENDS.encode_many(frames))
    assert frames == read(BLOCK_ENDS, b"".join(frames))


def test_a_line_of_max_frame_bytes_is_delivered() -> None:
    assert [b"12345", b"a #10"] == read(Definite(max_frame=5), b"12345\na #10\n")


def test_a_longer_line_is_reported_once_and_discarded() -> None:
    assert [b"ok", too_long(5, 3), b"ok"] == read(Definite(max_frame=5), b"ok\n123456789\nok\n")


def test_a_block_of_max_frame_bytes_with_its_header_is_delivered() -> None:
    assert [b"#1212"] == read(Definite(max_frame=5), b"#1212\n")


def test_a_block_that_announces_more_ends_the_stream_before_its_bytes_arrive() -> None:
    reason = "a block of 3 bytes makes a frame exceed max_frame=5"
    fault = Fault(FrameTooLong, reason, 3, recoverable=False)
    assert [b"ok", fault] == read(Definite(max_frame=5), b"ok\n#13\nok\n")


def test_an_announced_gibibyte_is_not_waited_for() -> None:
    reason = "a block of 999999999 bytes makes a frame exceed max_frame=1048576"
    decoder = SCPI.decoder()
    assert [Fault(FrameTooLong, reason, recoverable=False)] == feed(decoder, b"#9999999999")
    assert 0 == decoder.buffered


@pytest.mark.parametrize("line", [b"#1212xxx", b"#0xxxxxx", b"ab #0xx", b"123456"])
def test_a_line_that_is_too_long_with_its_blocks_is_discarded_up_to_its_end(line: bytes) -> None:
    assert [too_long(5), b"ok", b"#11\n"] == read(Definite(max_frame=5), line + b"\nok\n#11\n\n")


@pytest.mark.parametrize("text", [b"1234567", b"#", b"#0", b" #1"])
def test_a_peer_that_ends_no_line_needs_no_memory(text: bytes) -> None:
    decoder = Definite(max_frame=10).decoder()
    feed(decoder, b"x")
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, text))
        assert decoder.buffered <= 12
    assert 1 == faults


def test_a_chunk_full_of_blocks_is_not_copied_for_each_of_them() -> None:
    chunk = CountedBytes(b"#11x" * 1000)
    assert 1000 == len(feed(BLOCK_ENDS.decoder(), chunk))
    assert chunk.copied <= 3 * len(chunk)


@pytest.mark.parametrize("half", [b"text", b"#", b"#2", b"#21", b"#15ab", b"#0ab"])
def test_silence_in_mid_frame_drops_it_and_is_reported(half: bytes) -> None:
    decoder = SCPI.decoder()
    feed(decoder, b"a\n" + half)
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 2)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"b#", b"c"] == feed(decoder, b"b#\nc\n")


def test_silence_ends_the_discarding() -> None:
    decoder = Definite(max_frame=5).decoder()
    feed(decoder, b"1234567")
    assert decoder.mid_frame
    assert [] == outcome_of(decoder.flush)
    assert [b"ok"] == feed(decoder, b"ok\n")


@pytest.mark.parametrize("half", [b"text", b"#15ab", b"#0ab"])
def test_the_end_of_the_stream_in_mid_frame_is_reported(half: bytes) -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 2, recoverable=False)
    assert [b"a", fault] == read(SCPI, b"a\n" + half, then="end of stream")


@pytest.mark.parametrize("frame", [b"", b"*IDN?", b"#11\n", b"a #11\n;b", b"#0abc", b"#x", b"a#"])
def test_a_line_is_sent_with_its_terminator(frame: bytes) -> None:
    assert frame + b"\n" == SCPI.encode(frame)


def test_a_block_that_ends_its_frame_is_sent_with_a_terminator() -> None:
    assert b"#11a\r\n" == BLOCK_ENDS.encode(b"#11a")


@pytest.mark.parametrize("frame", [b"a\nb", b"\n", b"#15abc", b"#21\n", b"#11ab\n", b"#0a\nb", b"a #13"])
def test_a_line_that_the_peer_would_cut_elsewhere_is_refused(frame: bytes) -> None:
    reason = "the frame holds the terminator outside of a block, or a block that is not complete"
    with pytest.raises(EncodeError, match=f"^{reason}$"):
        SCPI.encode(frame)


def test_text_after_a_block_that_ends_its_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="outside of a block, or a block that is not complete"):
        BLOCK_ENDS.encode(b"#11ab")


def test_a_line_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        Definite(max_frame=5).encode(b"123456")


def test_a_header_that_announces_more_than_max_frame_is_refused() -> None:
    reason = "the peer could not read this: a block of 99 bytes makes a frame exceed max_frame=5"
    with pytest.raises(EncodeError, match=f"^{reason}$"):
        Definite(max_frame=5).encode(b"#299")


@pytest.mark.parametrize(
    "terminator", [b"", b"#", b"\n#", b"1\n", b" ", b"\t\n", b",", b";", b":", b'"', b"'"]
)
def test_a_terminator_that_could_be_part_of_a_header_is_refused(terminator: bytes) -> None:
    reason = (
        f"the terminator must be bytes without '#', digits, quotes, space or , ; : unlike {terminator!r}"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}$"):
        Definite(terminator=terminator)
