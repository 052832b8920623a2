"""Values of numpy: they are sent like Python values, and checked as strictly."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import pytest

from tcpcomm import Equipment, command
from tcpcomm.codec import Binary, CountedLines, Json, Template
from tcpcomm.codec.base import Request
from tcpcomm.codec.binary.types import F32, I16, U8, Counted, Fixed
from tcpcomm.codec.json.parameters import ValueTypes
from tcpcomm.codec.json.value_types import ValueType
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import CodecError
from tcpcomm.framing import Delimited, LengthPrefixed
from tests.conftest import needs_module

needs_module("numpy", "pip install numpy")
import numpy as np  # noqa: E402


class Words(Equipment):
    """Templates."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("FOUND", reply="{result:YES|NO}")
    def found(self) -> bool:
        """A bool."""
        raise NotImplementedError

    @command("EDGES", reply="{#edges},{edges*,:.1f}")
    def edges(self) -> list[float]:
        """A counted list."""
        raise NotImplementedError

    @command("LINES", reply=CountedLines("{#}", "{line:d}"))
    def lines(self) -> list[int]:
        """A line for each item."""
        raise NotImplementedError


class Bytes(Equipment):
    """Layouts."""

    framing = LengthPrefixed(2)
    codec = Binary()

    @command(1)
    def found(self) -> Annotated[bool, U8]:
        """A bool."""
        raise NotImplementedError

    @command(2)
    def edges(self) -> Annotated[list[F32], Counted(U8)]:
        """A counted list."""
        raise NotImplementedError

    @command(3)
    def corner(self) -> Annotated[list[I16], Fixed(2)]:
        """A list of a fixed size."""
        raise NotImplementedError


class Objects(Equipment):
    """JSON."""

    framing = Delimited(b"\n")
    codec = Json()

    @command()
    def found(self) -> bool:
        """A bool."""
        raise NotImplementedError

    @command()
    def edges(self) -> list[float]:
        """A list."""
        raise NotImplementedError


VALUES: list[tuple[type[Equipment], str, Any, Any]] = [
    (Words, "found", np.bool_(True), True),
    (Words, "edges", np.array([1.5, 2.5]), [1.5, 2.5]),
    (Words, "lines", np.array([1, 2], dtype=np.uint8), [1, 2]),
    (Bytes, "found", np.bool_(False), False),
    (Bytes, "edges", np.array([1.5, 2.5], dtype=np.float32), [1.5, 2.5]),
    (Bytes, "corner", np.array([1, 2]), [1, 2]),
    (Objects, "found", np.bool_(True), True),
    (Objects, "edges", np.array([1.5, 2.5]), [1.5, 2.5]),
]


@pytest.mark.parametrize(("kind", "name", "value", "own"), VALUES)
def test_numpy_values_are_sent_like_python_values(
    kind: type[Equipment], name: str, value: Any, own: Any
) -> None:
    dialect = declaration_of(kind).dialect
    assert dialect.reply(Request(name, {}), own) == dialect.reply(Request(name, {}), value)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Words, "found", np.int64(1)),
        (Words, "edges", np.array(1.5)),
        (Words, "lines", np.array([1.5, 2.0])),
        (Bytes, "found", np.int64(1)),
        (Bytes, "edges", np.array([[1.5], [2.5]])),
        (Bytes, "corner", np.array([1, 2, 3])),
        (Objects, "found", np.float64(1.0)),
        (Objects, "edges", np.array(["a"])),
        (Objects, "edges", np.array([np.nan])),
    ],
)
def test_numpy_values_that_do_not_fit_are_refused(kind: type[Equipment], name: str, value: Any) -> None:
    with pytest.raises(CodecError):
        declaration_of(kind).dialect.reply(Request(name, {}), value)


def shape(annotation: Any) -> ValueType:
    return ValueTypes().of(annotation)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (tuple[float, float], np.array([1.0, 2.0]), [1.0, 2.0]),
        (tuple[int, ...], np.array([1, 2]), [1, 2]),
        (list[list[int]], np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (list[bool], np.array([1.0, 2.0]) > 1.5, [False, True]),
        (float | None, np.float32(1.5), 1.5),
        (int | str, np.int16(3), 3),
        (bool | None, np.bool_(False), False),
        (list[int] | None, np.array([1]), [1]),
        (Literal[1, 2], np.int64(2), 2),
    ],
    ids=str,
)
def test_json_writes_numpy_values_in_place_of_python_values(
    annotation: Any, value: Any, expected: Any
) -> None:
    written = shape(annotation).write(value)
    assert (repr(expected)) == repr(written)


@pytest.mark.parametrize("annotation", [tuple[int, int], tuple[int, ...]])
def test_a_list_is_not_accepted_as_a_tuple(annotation: Any) -> None:
    with pytest.raises(CodecError):
        shape(annotation).write(cast("Any", [1, 2]))
