"""Lines of text, some of which announce raw bytes behind them: CountedBody."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing import CountedBody
from tests.framing.reading import Fault, read

IMAGE = bytes(range(8)) + b"\r\nOK\r\n"
CAMERA = CountedBody(b"IMG {count}", max_frame=100)
SIZED = CountedBody((b"IMG,{w},{h},{count}", b"RAW {count:x}"), end=b"\r", max_frame=100)
MEMCACHED = CountedBody(b"VALUE {key} {flags} {count}", tail=b"\r\n", max_frame=100)


def test_the_ok_inside_a_picture_answers_nobody() -> None:
    wire = b"IMG 14\r\n" + IMAGE + b"OK\r\n"
    assert [b"IMG 14\r\n" + IMAGE, b"OK"] == read(CAMERA, wire)
    assert wire == CAMERA.encode_many([b"IMG 14\r\n" + IMAGE, b"OK"])


def test_other_fields_may_stand_before_the_count() -> None:
    frames = [b"IMG,3,2,6\rabc\rde", b"IMG,0,0,0\r", b"RAW a\r0123456789", b"IMG,3"]
    assert frames == read(SIZED, b"IMG,3,2,6\rabc\rdeIMG,0,0,0\rRAW a\r0123456789IMG,3\r")


def test_a_line_end_may_follow_the_bytes_as_in_memcached() -> None:
    wire = b"VALUE k 0 5\r\na\r\nbc\r\nEND\r\n"
    assert [b"VALUE k 0 5\r\na\r\nbc", b"END"] == read(MEMCACHED, wire)
    assert wire == MEMCACHED.encode_many([b"VALUE k 0 5\r\na\r\nbc", b"END"])


def test_a_large_picture_is_one_frame() -> None:
    camera = CountedBody(b"IMG {count}")
    frame = b"IMG 300000\r\n" + bytes(300_000)
    assert [frame, b"OK"] == read(camera, frame + b"OK\r\n")
    assert (frame,) == camera.encode_large(frame)


@pytest.mark.parametrize(
    "line", [b"IMG", b"IMG x", b"IMG 1 2", b"IMG -1", b" IMG 1", b"IMG 1234567890123456"]
)
def test_a_line_that_does_not_fit_the_head_is_a_plain_line(line: bytes) -> None:
    assert [line, b"OK"] == read(CAMERA, line + b"\r\nOK\r\n")


def test_a_plain_line_beyond_max_frame_is_discarded_and_a_body_ends_the_stream() -> None:
    long = Fault(FrameTooLong, "a frame exceeds max_frame=100 and is discarded up to its end")
    body = Fault(FrameTooLong, "a frame of 101 bytes exceeds max_frame=100", 107, recoverable=False)
    assert [long, b"OK", body] == read(CAMERA, b"x" * 101 + b"\r\nOK\r\nIMG 93\r\n" + bytes(93))


def test_other_bytes_than_the_tail_end_the_stream() -> None:
    reason = "a body must be followed by b'\\r\\n', not by b'EN'"
    fault = Fault(UnexpectedBytes, reason, recoverable=False)
    assert [fault] == read(MEMCACHED, b"VALUE k 0 1\r\naEND\r\n")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"IMG 3", "the line b'IMG 3' announces a body: send both as one frame, with b'\\r\\n' between"),
        (b"IMG 3\r\nab", "the line b'IMG 3' announces 3 bytes, but 2 follow"),
        (b"OK\r\nab", "the frame holds the end of a line, b'\\r\\n', but b'OK' announces no body"),
        (b"x" * 101, "a frame of 101 bytes exceeds max_frame=100"),
    ],
)
def test_a_frame_that_the_peer_would_cut_otherwise_is_refused(frame: bytes, reason: str) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        CAMERA.encode(frame)


def test_a_line_that_ends_with_a_part_of_its_end_is_refused() -> None:
    with pytest.raises(
        EncodeError, match=r"^with b'##' behind it, the line would end before its last byte"
    ):
        CountedBody(b"IMG {count}", end=b"##").encode(b"OK#")


@pytest.mark.parametrize(
    ("heads", "options", "reason"),
    [
        ((), {}, "give a line that announces a body, such as b'IMG {count}'"),
        (b"IMG", {}, "b'IMG' must hold {count} once, for the number of bytes, and {name} for other fields"),
        (b"{count} {count}", {}, "b'{count} {count}' must hold {count} once"),
        (b"{count:d}", {}, "b'{count:d}' must hold {count} once"),
        (b"{w}{count}", {}, "b'{w}{count}' has two fields without a literal text between them"),
        (b"IMG {count}", {"end": b""}, "the end of a line must have at least one byte"),
        (b"A;{count}", {"end": b";"}, "b'A;{count}' holds the end of a line, b';': leave it out"),
        ("IMG {count}", {}, "a framing is made of bytes: write b'IMG {count}', not 'IMG {count}'"),
    ],
)
def test_a_head_that_cannot_be_read_without_doubt_is_refused(
    heads: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(reason)}"):
        CountedBody(heads, **options)
