"""The rules for one field of a template: :class:`FieldType`."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

from attrs import evolve, frozen

from tcpcomm.codec.template.regex_tree import TextPattern

_PERCENT_FLOAT: Final = re.compile(r"\.[0-9]+[feE]")


@frozen
class Plain:
    """
    The values that are written by a format specification alone, without further checks.

    Attributes:
        kind: the exact type of these values.
        format: the format specification. Generated source code contains it as it is.
        between: the limits of the values, both excluded; None if there are none.
    """

    kind: type[Any]
    format: str
    between: tuple[float, float] | None = None

    @property
    def percent(self) -> str | None:
        """The same format for the operator ``%``, which also formats bytes; None if it would differ."""
        if self.kind is float and _PERCENT_FLOAT.fullmatch(self.format):
            return f"%{self.format}"
        return "%d" if self.kind is int and self.format in ("", "d") else None


@frozen
class FieldType:
    """
    The rules to write and read the values of one field.

    Attributes:
        description: a description of a value, for messages: ``a whole number``.
        pattern: the texts that may be read. No text has two readings.
        written: the texts that ``write`` returns, if ``pattern`` has more: other usual forms of a number.
        write: returns the text of a value; raises CodecError if the value has the wrong type or range.
        read: returns the value of a text that fits the pattern; raises CodecError if there is none, or
            ValueError, as ``int`` does, for a number of thousands of digits.
        draw: returns a random value that can be sent without change.
        plain: the values that ``write`` only formats; None if there are none.
    """

    description: str
    pattern: TextPattern
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    draw: Callable[[Random], Any]
    plain: Plain | None = None
    written: TextPattern | None = None

    @property
    def exactly(self) -> FieldType:
        """The same rules, but only the texts that are written may be read."""
        return self if self.written is None else evolve(self, pattern=self.written, written=None)
