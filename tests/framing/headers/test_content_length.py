"""Frames behind header lines such as Content-Length, as LSP has them: ContentLength."""

from __future__ import annotations

import pytest

from tcpcomm.errors import BadLength, EncodeError, FrameTooLong
from tcpcomm.framing import ContentLength
from tests.framing.reading import Fault, read

FRAMING = ContentLength(max_frame=100, max_header=120)
VSCODE = b'Content-Length: 8\r\n\r\n{"id":1}'
STREAM_JSON_RPC = (
    b'Content-Length: 8\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{"id":2}'
)


def test_messages_of_vscode_jsonrpc_and_of_stream_json_rpc_are_frames() -> None:
    assert [b'{"id":1}', b'{"id":2}', b'{"id":1}'] == read(FRAMING, VSCODE + STREAM_JSON_RPC + VSCODE)


@pytest.mark.parametrize(
    "header",
    [
        b"content-length:8\r\n\r\n",
        b"CONTENT-LENGTH  :\t8  \r\n\r\n",
        b"X-Trace: a: b\r\nContent-Length: 8\r\nX-Empty:\r\n\r\n",
        b"Content-Length: 0008\n\n",
        b"Content-Length: 8\r\nContent-Length: 8\r\n\r\n",
    ],
)
def test_headers_are_read_leniently(header: bytes) -> None:
    assert [b'{"id":1}', b'{"id":2}'] == read(FRAMING, header + b'{"id":1}' + header + b'{"id":2}')


def test_a_frame_is_sent_with_the_one_header_that_every_peer_reads() -> None:
    assert VSCODE == FRAMING.encode(b'{"id":1}')
    assert b"Content-Length: 0\r\n\r\n" == b"".join(FRAMING.encode_large(b""))


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\r\n", "the header b'\\r\\n' is not valid: Content-Length says no length in digits"),
        (b"Content-Type: x\n\n", "Content-Length says no length in digits"),
        (b"Content-Length: -5\r\n\r\n", "Content-Length says no length in digits"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "Content-Length says 2 different lengths"),
        (b'{"id":1}\r\n\r\n', "is not a header line such as b'Content-Length: 5'"),
        (b"x" * 120, f"a header that begins with b'{'x' * 40}' goes on beyond max_header=120"),
    ],
)
def test_headers_that_do_not_say_one_length_end_the_stream(wire: bytes, reason: str) -> None:
    frame, fault = read(FRAMING, VSCODE + wire)
    assert b'{"id":1}' == frame
    assert isinstance(fault, Fault)
    assert (BadLength, len(VSCODE), False) == (fault.kind, fault.offset, fault.recoverable)
    assert reason in fault.reason


def test_a_length_beyond_max_frame_ends_the_stream_before_its_bytes_arrive() -> None:
    fault = Fault(FrameTooLong, "a frame of 101 bytes exceeds max_frame=100", recoverable=False)
    assert [fault] == read(FRAMING, b"Content-Length: 101\r\n\r\n")
    with pytest.raises(EncodeError, match=r"^a frame of 101 bytes exceeds max_frame=100"):
        FRAMING.encode(bytes(101))
