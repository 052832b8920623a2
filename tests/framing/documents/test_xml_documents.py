"""XML documents that follow each other without ends, as KUKA's EKI sends them: XmlDocuments."""

from __future__ import annotations

import re

import pytest

from tcpcomm.errors import EncodeError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing import XmlDocuments
from tests.framing.reading import Fault, read

FRAMING = XmlDocuments(max_frame=120)


@pytest.mark.parametrize(
    "documents",
    [
        [b'<Robot Alive="1"/>', b"<Robot><Status>1</Status></Robot>"],
        [b'<Robot Alive="1"></Robot >', b"<Sensor\n/>", b"<a:b.c-d/>"],
        [b'<?xml version="1.0" encoding="UTF-8"?>\r\n<Robot/>', b"<?xml version='1.0'?><Sensor/>"],
        [b"<!-- </Robot> > -- --><Robot><!--</Robot>--></Robot>", b"<Robot/>"],
        [b"<Robot><![CDATA[</Robot>]]]]></Robot>", b"<Robot><Robot/></Robot>"],
        [b"<Robot a='>' b=\"'/>\" c='\"</Robot>'><p x='/'>1</p></Robot>", b"<Robot/>"],
        [b"<Robot><?pi </Robot> ?></Robot>", "<로봇 이름='가'>나</로봇>".encode()],
    ],
)
@pytest.mark.parametrize("between", [b"", b"\r\n", b" \t\n", b"\xef\xbb\xbf"])
def test_a_document_ends_where_its_root_closes(documents: list[bytes], between: bytes) -> None:
    assert documents == read(FRAMING, b"".join(each + between for each in documents))


def test_an_end_that_is_sent_is_skipped() -> None:
    framing = XmlDocuments(end=b"\r\n")
    assert b"<a/>\r\n<b></b>\r\n" == framing.encode_many([b"<a/>", b"<b></b>"])


def test_flash_ends_its_documents_with_a_zero() -> None:
    framing = XmlDocuments(between=b"\0", end=b"\0")
    assert [b"<a/>", b"<b/>"] == read(framing, b"<a/>\0<b/>\0")


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (
            b"<a/>text<b/>",
            [b"<a/>", Fault(UnexpectedBytes, "a document must begin with <, not with b't'", 4), b"<b/>"],
        ),
        (
            b"</Robot><b/>",
            [Fault(UnexpectedBytes, "a document must begin with <, not with b'<'"), b"<b/>"],
        ),
        (
            b"<?xml version='1.0'?>text<b/>",
            [
                Fault(
                    UnexpectedBytes,
                    "a document has an XML declaration or comments, and then something else than its root "
                    "element",
                ),
                b"<b/>",
            ],
        ),
    ],
)
def test_garbage_between_documents_is_reported_once_and_skipped(
    wire: bytes, expected: list[bytes | Fault]
) -> None:
    assert expected == read(FRAMING, wire)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (
            b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "<c/>">]><a>&b;</a>',
            "a document has a document type definition, whose entities can grow without a limit",
        ),
        (b"<a>1 < 2</a>", "a document holds a '<' that begins no tag: write it as &lt;"),
    ],
)
def test_markup_without_a_sure_end_ends_the_stream(wire: bytes, reason: str) -> None:
    fault = Fault(UnexpectedBytes, reason, 5, recoverable=False)
    assert [b"<ok/>", fault] == read(FRAMING, b"<ok/>" + wire)


def test_a_document_beyond_max_frame_ends_the_stream() -> None:
    fault = Fault(FrameTooLong, "a document exceeds max_frame=120", recoverable=False)
    assert [fault] == read(FRAMING, b"<a>" + b"x" * 114 + b"</a>")
    assert [b"<a>" + b"x" * 113 + b"</a>"] == read(FRAMING, b"<a>" + b"x" * 113 + b"</a>")


@pytest.mark.parametrize("wire", [b"<a>12345<!DOCTYPE", b"<a>123456< ", b"<!-- -->  !", b"<?p ?>    !<a/>"])
def test_what_stands_behind_max_frame_is_not_looked_at(wire: bytes) -> None:
    """In one chunk it was, so the fault depended on the cut, and whether the stream went on."""
    fault = Fault(FrameTooLong, "a document exceeds max_frame=9", recoverable=False)
    assert [fault] == read(XmlDocuments(max_frame=9), wire)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"<a>", "b'<a>' must be one whole document without blanks around it, not 0"),
        (b"<a/><b/>", "b'<a/><b/>' must be one whole document without blanks around it, not 2"),
        (b"<a/>\r\n", "b'<a/>\\r\\n' must be one whole document without blanks around it, not 1"),
        (b"<!DOCTYPE a><a/>", "the peer could not read this: a document must begin with <, not with b'<'"),
    ],
)
def test_a_frame_that_is_not_one_document_is_refused(frame: bytes, reason: str) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        FRAMING.encode(frame)
