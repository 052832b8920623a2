"""
One template, compiled: :class:`CompiledTemplate`. It reads by one regular expression, and writes by one format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from attrs import field, frozen

from tcpcomm.codec.template.field_type import Plain
from tcpcomm.codec.template.mismatch import Step, diagnosis
from tcpcomm.codec.template.regex_tree import Shape
from tcpcomm.errors import CodecError

__all__ = ["Capture", "CompiledTemplate", "Draw", "Write", "joined"]

Capture = tuple[str, Callable[[str], Any], Callable[[], Any]]
"""A group of the regular expression: its name, how it is read, and its value where it is left out."""

Write = tuple["str | None", Callable[[Any], str], "Plain | None"]
"""How a value is written, by its name; with None it is an optional part, which gets all values."""

Draw = tuple["str | None", Callable[[Random], Any]]
"""How a value is drawn, likewise; an optional part draws a mapping."""


def joined(name: str, path: str) -> str:
    """A path that begins one step further out."""
    return name + path if not path or path.startswith("[") else f"{name}.{path}"


@frozen
class CompiledTemplate:
    """
    A template, or a part of one, made ready by :func:`~tcpcomm.codec.template.compiler.compile_line`.

    Attributes:
        text: the template.
        names: of its values, in order.
        leading: the text with which everything begins that it writes.
        literal: all text that it may write whatever the values are.
        shape: what it reads.
        regex: the same, with a group for each capture.
        format: all that it writes, with ``%s`` for each of the writers.
        counts: the names of captures that hold the number of items in a list, and of these lists.
        steps: its pieces, for telling what is wrong with a text.
        match: the regular expression, compiled.
    """

    text: str
    names: tuple[str, ...]
    leading: str
    literal: str
    shape: Shape
    regex: str
    format: str
    captures: tuple[Capture, ...]
    writers: tuple[Write, ...]
    drawers: tuple[Draw, ...]
    counts: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    match: Callable[[str], re.Match[str] | None] = field(init=False, repr=False, eq=False)

    @match.default
    def _compile(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self.regex, re.DOTALL).fullmatch

    def matches(self, text: str) -> bool:
        """Whether a text has this form."""
        return self.match(text) is not None

    def read(self, text: str) -> dict[str, Any] | None:
        """
        The values in a text, or None if it has not this form.

        Raises:
            CodecError: it has this form, and yet a value in it cannot be read.
        """
        match = self.match(text)
        if match is None:
            return None
        values = {}
        name = ""
        try:
            for (name, read, absent), found in zip(self.captures, match.groups(), strict=False):
                values[name] = absent() if found is None else read(found)
        except CodecError as error:
            raise CodecError(error.reason, joined(name, error.path)) from error.__cause__
        except ValueError:  # int(), with more digits than Python allows
            raise CodecError("the number has too many digits", name) from None
        if self.counts:
            self._check_counts(values)
        return values

    def _check_counts(self, values: dict[str, Any]) -> None:
        for count, of in self.counts:
            said = values.pop(count)
            if said is not None and said != len(values[of]):
                raise CodecError(f"{said} items are announced, and there are {len(values[of])}", of)

    def write(self, values: Mapping[str, Any]) -> str:
        """
        The text for values.

        Raises:
            CodecError: a value is missing, not of its type, or cannot be written so.
        """
        texts = []
        name: str | None = None
        try:
            for name, write, _ in self.writers:
                texts.append(write(values if name is None else values[name]))
        except CodecError as error:
            raise (CodecError(error.reason, joined(name, error.path)) if name else error) from None
        except KeyError as error:
            raise CodecError("the value is missing", name or error.args[0]) from None
        return self.format % tuple(texts)

    def draw(self, random: Random) -> dict[str, Any]:
        """Values that pass the wire unchanged."""
        values: dict[str, Any] = {}
        for name, draw in self.drawers:
            values.update(draw(random) if name is None else {name: draw(random)})
        return values

    def problem(self, text: str) -> CodecError:
        """What is wrong with a text that has not this form."""
        return diagnosis(self.text, self.steps, text)[1]

    def progress(self, text: str) -> int:
        """For how many characters a text that has not this form goes along with it."""
        return diagnosis(self.text, self.steps, text)[0]
