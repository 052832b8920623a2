"""What a template needs to know of one field: :class:`FieldType`."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import iscoroutine, isgenerator
from random import Random
from reprlib import Repr
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec.template.regex_tree import Shape
from tcpcomm.errors import CodecError

__all__ = ["FieldType", "Plain", "refused", "shown"]


_PERCENT_FLOAT: Final = re.compile(r"\.[0-9]+[feE]")


@frozen
class Plain:
    """
    Which values are written by their format specification alone, as most are.

    Attributes:
        kind: they are of exactly this type,
        between: and, if that is given, between these two.
        format: the specification, which stands in the source of a generated function as it is.
    """

    kind: type[Any]
    format: str
    between: tuple[float, float] | None = None

    @property
    def percent(self) -> str | None:
        """The same for the operator ``%``, which formats right into bytes; None where it is another."""
        if self.kind is float and _PERCENT_FLOAT.fullmatch(self.format):
            return f"%{self.format}"
        return "%d" if self.kind is int and self.format in ("", "d") else None


@frozen
class FieldType:
    """
    How the values of one field are written and read.

    Attributes:
        says: what a value is, for messages: ``a whole number``.
        shape: what may be read. It must be unambiguous in itself.
        write: from a value to its text; raises CodecError for a value that is no such thing, or too large.
        read: from a text of that shape to the value; raises CodecError where the shape alone does not say
            enough, or ValueError, as ``int`` does, for a number of thousands of digits.
        draw: a value that passes the wire unchanged.
        plain: for which values ``write`` does nothing but format them.
    """

    says: str
    shape: Shape
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    draw: Callable[[Random], Any]
    plain: Plain | None = None


_REPR: Final = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    try:
        return _REPR.repr(value)
    except ValueError:  # an int of more digits than Python writes
        return f"a huge {type(value).__name__}"


def refused(value: Any, says: str) -> CodecError:
    """The error for a value that is not what the field says."""
    if iscoroutine(value):
        return CodecError(f"{shown(value)} is not {says}: an await is missing")
    if isgenerator(value):
        return CodecError(f"{shown(value)} is not {says}: write return, not yield")
    return CodecError(f"{shown(value)} is not {says}")
