"""Checks of one value in bytes, for the tests of layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tcpcomm.codec import Binary, Field, MessageSpec
from tcpcomm.codec.base import Dialect, Refusal, Request

__all__ = ["bound", "check", "one", "problem_of", "written"]


def bound(fields: Sequence[Field], result: Any = None, codec: Binary | None = None) -> Dialect:
    """Return a dialect with one command ``f``, whose opcode is 1."""
    spec = MessageSpec("f", "Device.f", 1, parameters=tuple(fields), result=result)
    return (codec or Binary()).bind([spec])


def one(annotation: Any, codec: Binary | None = None) -> Dialect:
    """Return a dialect with one command, which has one parameter ``value``."""
    return bound([Field("value", annotation)], codec=codec)


def written(annotation: Any, value: Any, codec: Binary | None = None) -> str:
    """Return the bytes of a value in hex."""
    return one(annotation, codec).request("f", {"value": value}, 0)[1:].hex(" ").upper()


def check(annotation: Any, value: Any, expected: str, codec: Binary | None = None) -> None:
    """
    Check that a value has these bytes, and that they are read as the value.

    Each beginning of the bytes must be refused, and one byte more must be refused too.
    """
    dialect = one(annotation, codec)
    frame = dialect.request("f", {"value": value}, 0)
    assert bytes.fromhex(expected).hex(" ").upper() == frame[1:].hex(" ").upper()
    assert Request("f", {"value": value}) == dialect.read_at_equipment(frame)
    for size in range(1, len(frame)):
        assert isinstance(dialect.read_at_equipment(frame[:size]), Refusal), frame[:size]
    assert isinstance(dialect.read_at_equipment(frame + b"\0"), Refusal)


def problem_of(annotation: Any, body: str, codec: Binary | None = None) -> str:
    """Return the reason why these bytes are refused."""
    asked = one(annotation, codec).read_at_equipment(b"\x01" + bytes.fromhex(body))
    assert isinstance(asked, Refusal), asked
    return str(asked.problem)
