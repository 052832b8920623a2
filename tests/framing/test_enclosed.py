"""Frames between a start and an end marker, with a checksum after it: Enclosed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.errors import (
    BadChecksum,
    BadEscape,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing import ETX, STX, Enclosed, checksum
from tests.framing.reading import CountedBytes, Fault, feed, outcome_of, read

XOR = checksum("xor")
PLAIN = Enclosed()
CHECKED = Enclosed(checksum=XOR)
QUOTED = Enclosed(b"'", b"'")


def garbage(found: bytes, offset: int, start: bytes = STX) -> Fault:
    reason = f"a frame must begin with {start!r}; bytes from {found!r} on are ignored"
    return Fault(UnexpectedBytes, reason, offset)


def cut_short(offset: int) -> Fault:
    return Fault(TruncatedFrame, "a new frame begins in the middle of a frame", offset)


def too_long(max_frame: int, offset: int) -> Fault:
    return Fault(FrameTooLong, f"a frame exceeds max_frame={max_frame} and is discarded", offset)


def test_the_bytes_between_the_markers_are_a_frame() -> None:
    assert [b"one", b"", b"two"] == read(PLAIN, b"\x02one\x03\x02\x03\x02two\x03\x02half")


def test_a_frame_is_sent_between_the_markers() -> None:
    assert b"\x02one\x03\x02\x03" == PLAIN.encode_many([b"one", b""])


def test_markers_may_have_several_bytes() -> None:
    framing = Enclosed(b"<<", b">>")
    assert [b"a<b>c", b""] == read(framing, b"<<a<b>c>><<>>")
    assert b"<<a>>" == framing.encode(b"a")


def test_start_and_end_may_be_equal() -> None:
    assert [b"one", b"", b"two"] == read(QUOTED, b"'one''''two''")


@given(st.lists(st.sampled_from([STX, ETX, b"a", b"b"]), max_size=20).map(b"".join))
def test_frames_are_those_that_a_regular_expression_finds(wire: bytes) -> None:
    frames = [each for each in read(PLAIN, wire) if isinstance(each, bytes)]
    assert re.findall(rb"\x02([^\x02\x03]*)\x03", wire) == frames


@pytest.mark.parametrize(
    ("cover_start", "cover_end", "check"),
    [
        (False, True, b"a" + ETX),
        (True, True, STX + b"a" + ETX),
        (True, False, STX + b"a"),
        (False, False, b"a"),
    ],
)
def test_the_checksum_counts_the_chosen_bytes(cover_start: bool, cover_end: bool, check: bytes) -> None:
    framing = Enclosed(checksum=XOR, cover_start=cover_start, cover_end=cover_end)
    wire = b"\x02a\x03" + XOR.encode(check)
    assert ([b"a", b"a"], wire) == (read(framing, wire * 2), framing.encode(b"a"))


def test_a_checksum_may_have_the_value_of_a_marker() -> None:
    assert [b"\x01", b"\x00", b"x"] == read(CHECKED, b"\x02\x01\x03\x02\x02\x00\x03\x03\x02x\x03{")


def test_a_tail_follows_the_checksum() -> None:
    framing = Enclosed(checksum=XOR.written("hex"), tail=b"\r\n")
    assert [b"a", b"a"] == read(framing, b"\x02a\x0362\r\n" * 2)
    assert b"\x02a\x0362\r\n" == framing.encode(b"a")


def test_bytes_between_frames_may_be_ignored() -> None:
    framing = Enclosed(between=b"\r\n ")
    assert [b"a", b"b"] == read(framing, b"\r\n\x02a\x03 \r\r\x02b\x03\n", then="end of stream")


def test_bytes_that_are_ignored_between_frames_are_data_in_them() -> None:
    assert [b"\r\n"] == read(Enclosed(between=b"\r\n"), b"\x02\r\n\x03")


def test_a_wrong_checksum_costs_one_frame() -> None:
    fault = Fault(BadChecksum, "4 bytes came whose xor over bytes 1 to 2 is 61, not 62", 4)
    assert [b"b", fault, b"b"] == read(CHECKED, b"\x02b\x03a\x02a\x03a\x02b\x03a")


def test_a_wrong_tail_costs_one_frame() -> None:
    framing = Enclosed(tail=b"\r\n")
    fault = Fault(UnexpectedBytes, r"a frame must be followed by b'\r\n', not by b'\rx'")
    assert [fault, b"b"] == read(framing, b"\x02a\x03\rx\x02b\x03\r\n")


def test_a_frame_that_begins_where_the_tail_of_another_is_missing_is_not_lost() -> None:
    framing = Enclosed(tail=b"\r\n")
    fault = Fault(UnexpectedBytes, r"a frame must be followed by b'\r\n', not by b'\x02b'")
    assert [fault, b"b"] == read(framing, b"\x02a\x03\x02b\x03\r\n")


def test_garbage_is_reported_once_and_skipped_up_to_the_next_start() -> None:
    assert [garbage(b"n", 0), b"a", garbage(b"\x03", 8), b"b"] == read(
        PLAIN, b"noise\x02a\x03\x03noise\x02b\x03"
    )


def test_half_a_start_marker_may_be_garbage() -> None:
    framing = Enclosed(b"<<", b">>")
    assert [garbage(b"<", 0, b"<<"), b"a"] == read(framing, b"<x<y<<a>>")


def test_a_start_inside_a_frame_shows_that_it_was_cut_short() -> None:
    assert [cut_short(0), cut_short(5), b"two"] == read(PLAIN, b"\x02half\x02\x02two\x03")


@pytest.mark.parametrize("check", [b"", b"?"])
def test_the_end_of_a_frame_without_a_start_is_garbage(check: bytes) -> None:
    framing = Enclosed(checksum=XOR) if check else PLAIN
    assert [garbage(b"a", 0)] == read(framing, b"a\x03" + check, then="end of stream")


def test_a_frame_of_max_frame_bytes_is_delivered() -> None:
    assert [b"12345"] == read(Enclosed(max_frame=5), b"\x0212345\x03")


def test_a_longer_frame_is_reported_once_and_discarded() -> None:
    wire = b"\x02ok\x03\x02123456\x03\x02ok\x03"
    assert [b"ok", too_long(5, 4), b"ok"] == read(Enclosed(max_frame=5), wire)


def test_a_frame_that_begins_inside_a_discarded_one_is_found() -> None:
    assert [too_long(5, 0), b"ok"] == read(Enclosed(max_frame=5), b"\x02123456789\x02ok\x03")


def test_a_peer_that_never_ends_its_frame_needs_no_memory() -> None:
    decoder = Enclosed(b"<<", b">>", max_frame=10).decoder()
    feed(decoder, b"<<")
    faults = 0
    for _ in range(1000):
        faults += len(feed(decoder, b"1234567"))
        assert decoder.buffered <= len(b"<<") + 10 + len(b">")
    assert 1 == faults


def test_a_chunk_full_of_faults_is_not_copied_for_each_of_them() -> None:
    chunk = CountedBytes(b"\x02\x03x" * 1000)
    assert 2000 == len(feed(PLAIN.decoder(), chunk))
    assert chunk.copied <= 3 * len(chunk)


def test_silence_in_mid_frame_drops_it_and_is_reported() -> None:
    decoder = PLAIN.decoder()
    feed(decoder, b"\x02a\x03\x02half")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame", 3)
    assert [fault] == outcome_of(decoder.flush)
    assert [b"b"] == feed(decoder, b"\x02b\x03")


def test_silence_before_a_checksum_drops_the_frame_and_is_reported() -> None:
    decoder = CHECKED.decoder()
    feed(decoder, b"\x02a\x03")
    fault = Fault(TruncatedFrame, "the line fell silent in the middle of a frame")
    assert [fault] == outcome_of(decoder.flush)
    assert [b"a"] == feed(decoder, b"\x02a\x03b")


def test_silence_ends_garbage() -> None:
    decoder = PLAIN.decoder()
    assert [garbage(b"n", 0)] == feed(decoder, b"noise")
    assert [] == outcome_of(decoder.flush)
    assert [garbage(b"m", 5)] == feed(decoder, b"more")


def test_the_end_of_the_stream_in_mid_frame_is_reported() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 3, recoverable=False)
    assert [b"a", fault] == read(PLAIN, b"\x02a\x03\x02half", then="end of stream")
    assert [Fault(TruncatedFrame, fault.reason, 0, recoverable=False)] == read(
        CHECKED, b"\x02a\x03", then="end of stream"
    )


def test_the_bytes_after_the_last_frame_are_trailing() -> None:
    decoder = PLAIN.decoder()
    feed(decoder, b"\x02a\x03\x02rest")
    assert b"\x02rest" == decoder.trailing


@pytest.mark.parametrize(
    ("framing", "frame"),
    [
        (PLAIN, b"a\x02"),
        (PLAIN, b"\x03"),
        (QUOTED, b"it's"),
        (Enclosed(b"<<", b">>"), b"a>>"),
        (Enclosed(b"<<", b">>"), b"a>"),
        (Enclosed(b"<<", b">>"), b"a<<b"),
    ],
)
def test_a_frame_in_which_a_marker_would_be_found_is_refused(framing: Enclosed, frame: bytes) -> None:
    reason = f"the frame holds a marker ({framing.start!r} or {framing.end!r}): the peer would take it"
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        framing.encode(frame)


def test_a_frame_beyond_max_frame_is_refused() -> None:
    with pytest.raises(EncodeError, match="a frame of 6 bytes exceeds max_frame=5"):
        Enclosed(max_frame=5).encode(b"123456")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"start": b""}, "start and end must have at least one byte each"),
        ({"end": b""}, "start and end must have at least one byte each"),
        ({"start": b"<", "end": b"</"}, "start b'<' and end b'</' hold each other"),
        ({"start": b"*>", "end": b">"}, "start b'*>' and end b'>' hold each other"),
        (
            {"start": b"'", "end": b"'", "tail": b"\r"},
            'start and end are both b"\'", so a checksum or tail after the end could look like a '
            "frame: use two different markers",
        ),
        ({"end": (b"\r", b"\r\n")}, r"the end b'\r' stands in another end: (b'\r', b'\r\n')"),
        ({"alone": STX}, r"b'\x02' alone is not distinct from start or end"),
        ({"alone": ETX, "keep_ends": True}, r"b'\x03' alone is not distinct from start or end"),
        ({"alone": b"\r", "between": b"\r"}, r"b'\r' alone is not distinct from between or another"),
        ({"alone": (b"a", b"ab")}, "b'ab' alone is not distinct from between or another"),
        ({"escape": b"ab"}, "escape must be exactly one byte, not b'ab'"),
        (
            {"escape": b"\x10", "start": b"ab"},
            r"with escape b'\x10' a marker is another byte, or the escape byte and one more, unlike b'ab'",
        ),
        (
            {"escape": b"\x10", "codes": {0x10: 0x10}},
            "codes must escape the escape byte and an end marker of one byte",
        ),
        (
            {"escape": b"\x10", "codes": {0x10: 1, 3: 1}},
            "codes map bytes to different bytes, numbers from 0 to 255",
        ),
        (
            {"escape": b"\x10", "end": b"\x10\x03", "codes": {0x10: 0x03}},
            "an escaped byte would look like a marker: give other codes",
        ),
        ({"cover_escapes": True}, "codes and cover_escapes need an escape byte: escape=…"),
        ({"between": b"\r\x02"}, r"between=b'\r\x02' holds the first byte of start b'\x02'"),
        ({"max_frame": 0}, "max_frame must be at least 1 byte, not 0"),
    ],
)
def test_ambiguous_markers_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}$"):
        Enclosed(**options)


ETB = b"\x17"
ASTM = Enclosed(
    STX,
    (ETX, ETB),
    checksum=checksum("sum8").written("hex"),
    tail=b"\r\n",
    keep_ends=True,
    alone=(b"\x04", b"\x05", b"\x06", b"\x15"),
)
DF1 = Enclosed(b"\x10\x02", b"\x10\x03", escape=b"\x10", checksum=checksum("lrc"), alone=b"\x10\x06")
ESCAPED = Enclosed(escape=b"\x1b", max_frame=8)


def test_control_bytes_beside_frames_are_frames_and_the_ends_are_told_apart() -> None:
    frames = [b"\x05", b"1H|one\x17", b"2two\r\x03", b"\x04"]
    wire = b"\x05\x021H|one\x174E\r\n\x022two\r\x039C\r\n\x04"
    assert (frames, wire) == (read(ASTM, wire), ASTM.encode_many(frames))


def test_the_other_end_of_astm_sees_single_acknowledgements() -> None:
    assert [b"\x06", b"\x06", b"\x15", b"\x06"] == read(ASTM, b"\x06\x06\x15\x06")


def test_a_control_byte_is_heard_after_garbage_because_the_peer_waits_for_its_answer() -> None:
    reason = (
        "a frame must begin with b'\\x02' or b'\\x04' or b'\\x05' or b'\\x06' or b'\\x15'; "
        "bytes from b'x' on are ignored"
    )
    assert [Fault(UnexpectedBytes, reason), b"\x05"] == read(ASTM, b"xyz\x05")


def test_a_frame_that_looks_like_a_byte_alone_is_neither_received_nor_sent_between_markers() -> None:
    framing = Enclosed(alone=b"\x06")
    reason = "a frame of b'\\x06' cannot be told from these bytes alone: use keep_ends"
    assert [Fault(UnexpectedBytes, reason), b"\x06", b"a"] == read(framing, b"\x02\x06\x03\x06\x02a\x03")
    assert b"\x06" == framing.encode(b"\x06")


def test_a_kept_frame_must_end_with_one_of_the_ends() -> None:
    reason = r"a kept frame must end with b'\\x03' or b'\\x17', unlike b'1H'"
    with pytest.raises(EncodeError, match=f"^{reason}$"):
        ASTM.encode(b"1H")


def test_any_end_ends_a_frame_and_the_first_is_sent() -> None:
    framing = Enclosed(b"<", (b">", b"]"))
    assert ([b"a", b"b"], b"<a>") == (read(framing, b"<a><b]"), framing.encode(b"a"))


def test_acknowledgements_of_two_bytes_stand_beside_escaped_frames() -> None:
    wire = DF1.encode(b"\x06\x10\x06") + b"\x10\x06" + DF1.encode(b"\x10\x02\x10\x03")
    assert [b"\x06\x10\x06", b"\x10\x06", b"\x10\x02\x10\x03"] == read(DF1, wire)


@given(st.lists(st.lists(st.sampled_from([STX, ETX, b"\x1b", b"a"]), max_size=8).map(b"".join), max_size=3))
def test_escaped_frames_of_any_bytes_arrive(frames: list[bytes]) -> None:
    assert frames == read(ESCAPED, ESCAPED.encode_many(frames))


def test_an_escape_that_means_nothing_costs_one_frame() -> None:
    reason = "b'a' cannot follow the escape byte b'\\x1b'"
    wire = b"\x02\x1ba\x03" + ESCAPED.encode(b"\x1b")
    assert [Fault(BadEscape, reason), b"\x1b"] == read(ESCAPED, wire)


def test_an_escaped_start_in_garbage_begins_no_frame() -> None:
    """Bytes of a frame that is half lost are not a frame, though they hold escaped markers."""
    wire = b"x" + b"\x1b\x02MOVE\x1b\x03" + ETX + ESCAPED.encode(b"ok")
    assert [garbage(b"x", 0), b"ok"] == read(ESCAPED, wire)


def test_an_escaped_frame_is_as_long_as_its_bytes_without_escapes() -> None:
    assert [b"\x1b" * 8] == read(ESCAPED, ESCAPED.encode(b"\x1b" * 8))
    wire = b"\x02" + b"a" * 9 + b"\x03" + b"\x02" + b"\x1b\x02" * 9 + b"\x03" + ESCAPED.encode(b"ok")
    assert [too_long(8, 0), too_long(8, 11), b"ok"] == read(ESCAPED, wire)


def test_nothing_in_an_escaped_frame_that_is_too_long_is_a_frame() -> None:
    wire = Enclosed(escape=b"\x1b").encode(b"a" * 20 + ESCAPED.encode(b"STOP")) + ESCAPED.encode(b"ok")
    assert [too_long(8, 0), b"ok"] == read(ESCAPED, wire)
