"""The engines for JSON's text differ only in speed: values, bytes and errors are the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from importlib import import_module
from typing import Any, Final

import pytest
from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.codec.json.engines import ENGINES, engine, using
from tcpcomm.codec.json.text import JsonText
from tcpcomm.errors import CodecError
from tcpcomm.testing import mutations
from tests.codec.json.cases import needs_engine

needs_engine("msgspec")

from tcpcomm.codec.json.msgspec_engine import Msgspec  # noqa: E402 # only if it is installed

ENCODINGS: Final = [("utf-8", False), ("utf-8", True), ("cp949", False), ("shift_jis", False)]


def both(encoding: str = "utf-8", ascii: bool = False) -> tuple[JsonText, JsonText]:
    """Return two codecs that differ in their engine."""
    with using("standard"):
        standard = JsonText(encoding, ascii)
    with using("msgspec"):
        return standard, JsonText(encoding, ascii)


TEXTS: Final = {each: both(*each) for each in ENCODINGS}


def outcome(act: Callable[[Any], Any], given: Any) -> tuple[str, str]:
    """Return the result or error as text, in which 1, 1.0 and True differ, and keys keep their order."""
    try:
        return "done", repr(act(given))
    except CodecError as error:
        return "refused", str(error)


spaces = st.sampled_from(["", "", " ", "\n\t\r ", "\x0c"])
numbers = st.one_of(
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?\Z"),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=True).map(json.dumps),
    st.sampled_from(["-0", "-0.0", "01", "1.", ".5", "+1", "1e999", "-", "0x10", "1_0", "NaN", "9" * 4301]),
)
strings = st.one_of(
    st.sampled_from(['"a"', '"b"', '"\\u0061"', '"a:b"', '":"', '"\\u003a"', '"\\ud800"']),
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.text(max_size=8).map(json.dumps),
    st.text(max_size=4).map(lambda text: f'"{text}"'),
)
leaves = numbers | strings | st.sampled_from(["true", "false", "null", "nul", "True", ""])


@st.composite
def containers(draw: st.DrawFn, inner: SearchStrategy[str]) -> str:
    """A list, or an object that may have a key twice."""
    if draw(st.booleans()):
        parts = draw(st.lists(inner, max_size=4))
    else:
        pairs = draw(st.lists(st.tuples(strings, inner), max_size=4))
        parts = [f"{key}{draw(spaces)}:{draw(spaces)}{value}" for key, value in pairs]
        return "{" + f"{draw(spaces)},{draw(spaces)}".join(parts) + "}"
    return "[" + f"{draw(spaces)},{draw(spaces)}".join(parts) + "]"


def nested(levels: int) -> str:
    return '{"a":[' * (levels // 2) + "[" * (levels % 2) + "]" * (levels % 2) + "]}" * (levels // 2)


texts = st.one_of(
    st.recursive(leaves, containers, max_leaves=12),
    st.integers(0, 12).map(nested),
    st.text(alphabet='{}[]",:\\ 0123456789.eE+-aufl\ud800é', max_size=20),
)


def frames(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@given(frame=texts.map(frames) | texts.map(frames).flatmap(mutations) | st.binary(max_size=30))
@example(frame=b'{"a":1,"a":1}')
@example(frame=b'{"a":1,"a":1,"b":"\\u003a"}')
@example(frame=b'{"a":1,"a":1,"b:":2}')
@example(frame=b'{"a":1,"\\u0061":1}')
@example(frame=b'[{"a":{"b":1,"b":2}}]')
@example(frame=b'\xef\xbb\xbf{"a":1}')
@example(frame=b'"\xed\xa0\x80"')
@example(frame=b"18446744073709551616")
@example(frame=b"[" * 990 + b"]" * 990)
@example(frame=b'{"a":' * 100_000)
def test_all_bytes_are_read_to_the_same_value_or_refused_in_the_same_words(frame: bytes) -> None:
    for standard, fast in TEXTS.values():
        assert outcome(standard.read, frame) == outcome(fast.read, frame)


@pytest.mark.parametrize(
    "depths", [range(20), range(850, 1050)], ids=["shallow", "where Python's stack ends"]
)
def test_nesting_is_read_and_refused_alike_at_every_depth(depths: range) -> None:
    standard, fast = TEXTS["utf-8", False]
    for levels in depths:
        frame = nested(levels).encode()
        assert outcome(standard.read, frame) == outcome(fast.read, frame)


class Number(IntEnum):
    ONE = 1


class Colour(Enum):
    RED = "red"


class Word(StrEnum):
    NO = "no"


@frozen
class Point:
    x: float = 1.0


class Truthful:
    """An object that says it equals any other."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return True


FOREIGN: Final = [
    b"x",
    bytearray(b"x"),
    date(2026, 1, 1),
    Decimal("1.5"),
    {1},
    (1, "a"),
    Number.ONE,
    Colour.RED,
    Word.NO,
    Point(),
    Truthful(),
    object(),
    "\ud800",
    float("nan"),
    float("inf"),
    "".join(map(chr, range(0x20))) + '\x7f"\\/\u2028é',
]

keys = st.text(max_size=4) | st.sampled_from([1, 1.5, None, True, b"k", "\ud800"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.floats(1e-7, 1e-3)
    | st.floats(1e14, 1e18)
    | st.text(max_size=8)
    | st.text(alphabet="01e+-.: \x7f\ud800é", max_size=8)
    | st.sampled_from(FOREIGN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


@given(value=values)
@example(value=1e16)
@example(value=-1e-5)
@example(value=[1e-4, -0.0, 5e-324])
@example(value={"a1e5": "0.0000"})
@example(value="\x7f")
@example(value="é")
@example(value=[[[[[[[[[[]]]]]]]]]])
def test_all_values_are_written_to_the_same_bytes_or_refused_in_the_same_words(value: object) -> None:
    for standard, fast in TEXTS.values():
        assert outcome(standard.write, value) == outcome(fast.write, value)


@pytest.mark.parametrize("value", [*FOREIGN, 10**5000, -(10**4299)], ids=lambda value: type(value).__name__)
def test_a_value_that_json_does_not_have_is_written_or_refused_alike_at_every_place(value: object) -> None:
    for standard, fast in TEXTS.values():
        for whole in (value, [value], {"a": value}, {"a": [{"b": value}]}):
            assert outcome(standard.write, whole) == outcome(fast.write, whole)


MESSAGES: Final = [
    '{"jsonrpc":"2.0","method":"locate","params":{"job":3,"speed":1.5},"id":17}',
    '{"result":[{"x":0.37,"y":-1.21,"at":"2026-01-01T12:30:00"},null,true]}',
    '{"cmd":"작업 시작","big":18446744073709551616}',
]


@pytest.mark.parametrize("message", MESSAGES)
def test_usual_messages_never_reach_the_standard_engine(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = json.loads(message)
    _, fast = TEXTS["utf-8", False]
    monkeypatch.delattr(fast, "_decode")
    monkeypatch.delattr(fast, "_encode")
    spaced = json.dumps(expected, ensure_ascii=False, indent=1).encode()
    assert [expected, expected] == [fast.read(message.encode()), fast.read(spaced)]
    assert message.encode() == fast.write(expected)


def test_msgspec_is_the_engine_if_it_is_installed() -> None:
    assert ["standard", "msgspec"] == [*ENGINES]
    assert isinstance(engine(False), Msgspec)
    with using("standard"):
        assert engine(False) is None


class OldDecoder:
    """Reads whole numbers as msgspec does before 0.17."""

    def __init__(self, kind: Any) -> None: ...

    def decode(self, text: str) -> Any:
        return json.loads(text, parse_int=float)


def test_an_msgspec_that_reads_large_whole_numbers_as_floats_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("msgspec.json.Decoder", OldDecoder)
    monkeypatch.delitem(sys.modules, Msgspec.__module__)
    with pytest.raises(ImportError, match="reads large whole numbers as floats"):
        import_module(Msgspec.__module__)
