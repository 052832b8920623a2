"""A byte order mark before a text, as a StreamWriter of C# with Encoding.UTF8 writes it."""

from __future__ import annotations

import pytest

from tcpcomm.codec import Template
from tcpcomm.codec.base import Answer, Refusal, Request
from tcpcomm.errors import CodecError
from tests.codec.template.templates import bound

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_command_behind_a_byte_order_mark_is_read(encoding: str) -> None:
    dialect = bound("TRG,{job}", "OK", job=int, codec=Template(encoding))
    assert Request("do", {"job": 3}, None, True) == dialect.read_at_equipment(BOM + b"TRG,3")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_reply_behind_a_byte_order_mark_is_read(encoding: str) -> None:
    dialect = bound("GET", "OK,{x}", float, codec=Template(encoding))
    (answer,) = dialect.read_at_host(BOM + b"OK,1.5")
    assert isinstance(answer, Answer)
    reader = dialect.reply_reader("do")
    assert reader is not None
    assert 1.5 == reader.take(answer.body)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize("frame", [BOM + b"WHO", BOM, BOM * 100_000, BOM + b"\xff"])
def test_a_byte_order_mark_alone_makes_no_command(encoding: str, frame: bytes) -> None:
    dialect = bound("GET", "OK", codec=Template(encoding))
    assert isinstance(dialect.read_at_equipment(frame), Refusal)


def test_several_marks_are_not_a_reply() -> None:
    dialect = bound("GET", "OK", codec=Template("utf-8"))
    reader = dialect.reply_reader("do")
    assert reader is not None
    with pytest.raises(CodecError):
        reader.take("\ufeff" * 100_000)
