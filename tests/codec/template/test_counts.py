"""Counts in templates: of items, of characters, of bytes, and of all that follows."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.codec import CountedLines, Field, MessageSpec, Template
from tcpcomm.codec.base import Request
from tcpcomm.codec.encoding import Encoding, using
from tcpcomm.errors import CodecError, ConfigurationError
from tests.codec.template.templates import Point, bound, compiled_template, replied, results_of

ROWS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("{#values:04X}{values*:04X}", {"values": list[int]}, {"values": [1, 3333]}, "000200010D05"),
    ("{#name:02d}{name}", {"name": str}, {"name": "부품 7"}, "04부품 7"),
    ("{##name:02d}{name}", {"name": str}, {"name": "부품 7"}, "06부품 7"),
    ("{#data:X}:{data}", {"data": bytes}, {"data": b"\x01\xaf"}, "2:01AF"),
    ("{##data:X}:{data}", {"data": bytes}, {"data": b"\x01\xaf"}, "4:01AF"),
    ("{##x:d} {x:8.2f}", {"x": float}, {"x": 1.5}, "8     1.50"),
    ("{name} {#name}", {"name": str}, {"name": "ab"}, "ab 2"),
    ("{##:04d}{name},{n}", {"name": str, "n": int}, {"name": "가", "n": 12}, "0005가,12"),
    ("A{##:03d}B{##:02d}C{n}", {"n": int}, {"n": 7}, "A005B02C7"),
    ("{##:02d}[,{n}]", {"n": int | None}, {"n": None}, "00"),
    ("{##:02d}[,{n}]", {"n": int | None}, {"n": 345}, "04,345"),
    ("{#a}{##:03d}[;{a*;:{x:.1f},{y:.1f}}]", {"a": list[Point]}, {"a": [Point(1.0, 2.0)]}, "1008;1.0,2.0"),
    ("A[,{##n:d}={n}]", {"n": int | None}, {"n": 345}, "A,3=345"),
    ("A[,{##n:d}={n}]", {"n": int | None}, {"n": None}, "A"),
    ("{rows*;:{##:d}/{row*,}}", {"rows": list[list[int]]}, {"rows": [[1, 2], [345]]}, "4/1,2;4/345"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "kinds", "values", "text"), ROWS, ids=[row[0] for row in ROWS])
def test_a_count_is_computed_and_checked(
    template: str, kinds: dict[str, Any], values: dict[str, Any], text: str
) -> None:
    with using(Encoding("cp949")):
        compiled = compiled_template(template, **kinds)
        assert text == compiled.write(values)
        assert values == compiled.read(text)
        drawn = compiled.draw(Random(1))
        assert drawn == compiled.read(compiled.write(drawn))


@pytest.mark.parametrize(
    ("template", "text", "message"),
    [
        ("{#name:02d}{name}", "03가나", "name: the count says 3 characters, but there are 2"),
        ("{##name:02d}{name}", "02가나", "name: the count says 2 bytes, but there are 4"),
        ("{##:02d},{name}", "02,가나", "the count says 2 bytes, but there are 5"),
    ],
)
def test_a_wrong_count_is_refused(template: str, text: str, message: str) -> None:
    with using(Encoding("cp949")):
        compiled = compiled_template(template, name=str)
        with pytest.raises(CodecError) as caught:
            compiled.read(text)
        assert message == str(caught.value)


def test_a_length_that_does_not_fit_into_its_digits_is_refused() -> None:
    dialect = bound("W{##:02d}{name}", "OK", name=str)
    assert b"W03abc" == dialect.request("do", {"name": "abc"}, 0)
    with pytest.raises(CodecError, match="its length: 100 does not fit into 2 characters"):
        dialect.request("do", {"name": "x" * 100}, 0)


def test_a_value_whose_bytes_cannot_be_counted_is_refused_with_its_name() -> None:
    dialect = bound("W{##name:02d}{name}", "OK", name=str)
    for name, reason in ((5, "must be a text, not 5"), ("x" * 100, "100 does not fit into 2 characters")):
        with pytest.raises(CodecError, match=f"^name: {reason}"):
            dialect.request("do", {"name": name}, 0)


@frozen
class Picture:
    name: str
    rows: list[str]


def test_the_head_of_a_counted_reply_has_a_length_too() -> None:
    dialect = bound("PIC", CountedLines("{##:03d},{name},{#}", "{row}"), Picture)
    picture = Picture("a.bmp", ["x", "y"])
    frames = replied(dialect, picture)
    assert [b"008,a.bmp,2", b"x", b"y"] == frames
    assert picture == results_of(dialect, *frames)[-1]


@pytest.mark.parametrize(("text", "frame"), [("ab", b"A0"), ("abc", b"A3,abc"), ("", b"A0,")])
def test_a_part_that_is_left_out_for_its_default_has_no_bytes(text: str, frame: bytes) -> None:
    spec = MessageSpec("put", "Camera.put", "A{##text}[,{text}]", "OK", (Field("text", str, "ab"),))
    dialect = Template().bind([spec])
    assert frame == dialect.request("put", {"text": text}, 1)
    request = dialect.read_at_equipment(frame)
    assert isinstance(request, Request)
    assert {"text": text} == request.values


@pytest.mark.parametrize(
    ("template", "kinds", "message"),
    [
        ("{##other}{name}", {"name": str}, "{##other} must name a field, or nothing"),
        ("{#n}{n}", {"n": int}, "{#n} must name a list, a text or bytes; the lists: none"),
        (
            "A[{##}{n}]",
            {"n": int | None},
            "{##} counts what stands behind it; move it before",
        ),
        (
            "{##:+d}{name}",
            {"name": str},
            "the count {##}: '+d': hexadecimal numbers and counts have no sign",
        ),
        ("{##}\r\n{data:raw}", {"data": bytes}, "count raw bytes with {#data}"),
        ("{#name}{#name}{name}", {"name": str}, "has the count {#name} twice"),
    ],
)
def test_a_count_of_something_else_is_refused(template: str, kinds: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compiled_template(template, **kinds)
    assert message in str(caught.value)


@given(
    name=st.text(st.sampled_from("ab가나,뷁"), max_size=9), values=st.lists(st.integers(0, 255), max_size=9)
)
def test_the_length_is_that_of_the_frame_behind_it(name: str, values: list[int]) -> None:
    dialect = bound(
        "W{##:04d}{##name:02X}{name:<12};{#values:02d}{values*:02X}",
        "OK",
        codec=Template("cp949"),
        name=str,
        values=list[int],
    )
    sent = {"name": name, "values": values}
    frame = dialect.request("do", sent, 0)
    assert len(frame) - 5 == int(frame[1:5])
    assert Request("do", sent) == dialect.read_at_equipment(frame)
