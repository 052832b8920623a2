"""JSON values that follow each other without ends: JsonValues."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, TruncatedFrame, UnexpectedBytes
from tcpcomm.framing import JsonValues
from tests.framing.reading import Fault, read, read_chunks

FRAMING = JsonValues(max_frame=60)

VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(st.text(), parts, max_size=3)),
    max_leaves=6,
)
DOCUMENTS = st.one_of(st.lists(VALUES, max_size=3), st.dictionaries(st.text(), VALUES, max_size=3))


@pytest.mark.parametrize(
    ("wire", "frames"),
    [
        (b'{"a":1}{"b":"}"}', [b'{"a":1}', b'{"b":"}"}']),
        (b'{"a":1} \t\r\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'[1,[2]]{}["]"]', [b"[1,[2]]", b"{}", b'["]"]']),
        (rb'{"a":"\""}{"a":"\\"}["\\\"]"]', [rb'{"a":"\""}', rb'{"a":"\\"}', rb'["\\\"]"]']),
        ('{"이름":"부품}"}{"a":[{}]}'.encode(), ['{"이름":"부품}"}'.encode(), b'{"a":[{}]}']),
    ],
)
def test_a_value_ends_with_its_last_bracket(wire: bytes, frames: list[bytes]) -> None:
    assert frames == read(FRAMING, wire)


@settings(max_examples=60)
@given(st.lists(DOCUMENTS, max_size=4), st.booleans(), st.integers(1, 9), st.sampled_from((None, 1)))
def test_any_values_are_cut_as_a_json_parser_reads_them(
    values: list[object], ascii_only: bool, size: int, indent: int | None
) -> None:
    framing = JsonValues(end=b"\n")
    texts = [
        json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
        for value in values
    ]
    wire = framing.encode_many(texts)
    chunks = [wire[start : start + size] for start in range(0, len(wire), size)]
    assert texts == read_chunks(framing, chunks)


def test_other_bytes_may_stand_between_values() -> None:
    assert [b"{}", b"[]"] == read(JsonValues(between=b"\x1e\n,"), b"\x1e{}\n\x1e[]\n")


def test_garbage_between_values_is_reported_once_and_skipped() -> None:
    fault = Fault(UnexpectedBytes, "a document must begin with { or [, not with b'1'", 2)
    assert [b"{}", fault, b"[2]"] == read(FRAMING, b"{}1, true, [2]")


def test_a_value_beyond_max_frame_ends_the_stream() -> None:
    fault = Fault(FrameTooLong, "a document exceeds max_frame=60", 2, recoverable=False)
    assert [b"[]", fault] == read(FRAMING, b'[]["' + b"x" * 57 + b'"]{}')
    assert [b"[" + b" " * 58 + b"]"] == read(FRAMING, b"[" + b" " * 58 + b"]")


def test_a_value_that_does_not_end_is_reported_at_the_end_of_the_stream() -> None:
    fault = Fault(TruncatedFrame, "the stream ended in the middle of a frame", 3, recoverable=False)
    assert [b"{}", fault] == read(FRAMING, b'{} {"a":"}', then="end of stream")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"12", "the peer could not read this: a document must begin with { or [, not with b'1'"),
        (b'{"a":', "b'{\"a\":' must be one whole document without blanks around it, not 0"),
        (b"{}{}", "b'{}{}' must be one whole document without blanks around it, not 2"),
        (b" {}", "b' {}' must be one whole document without blanks around it, not 1"),
        (b"[" + b" " * 60, "a frame of 61 bytes exceeds max_frame=60"),
    ],
)
def test_a_frame_that_is_not_one_value_is_refused(frame: bytes, reason: str) -> None:
    with pytest.raises(EncodeError, match=f"^{re.escape(reason)}"):
        FRAMING.encode(frame)


def test_the_end_that_is_sent_must_be_skipped_by_the_receiver() -> None:
    with pytest.raises(ConfigurationError, match=r"^end=b';' must be made of bytes that may stand between"):
        JsonValues(end=b";")
