"""Compiled templates: one regular expression reads a template, and one format writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from attrs import field, frozen

from tcpcomm.codec.problems import inside, missing
from tcpcomm.codec.template.fields.field_type import Plain
from tcpcomm.codec.template.fields.raw_bytes import WithBody
from tcpcomm.codec.template.mismatch import ExpectedText, explain_mismatch
from tcpcomm.codec.template.regex_tree import TextPattern
from tcpcomm.errors import CodecError

Capture = tuple[str, Callable[[str], Any], Callable[[], Any]]
"""A group of the regular expression: its name, its reader, and a function for its value if it is absent."""

ValueWriter = tuple["str | None", Callable[[Any], str], "Plain | None"]
"""The name of a value, its writer, and its plain values. Without a name, an optional part: all values."""

ValueDrawer = tuple["str | None", Callable[[Random], Any]]
"""The name of a value, and a function that draws it. Without a name, an optional part: a dict."""


@frozen
class CompiledTemplate:
    """
    A template, or a part of one, compiled by :func:`~tcpcomm.codec.template.compiler.compile_template`.

    Attributes:
        text: the template.
        names: the names of its values, in order.
        leading: the literal text that every message begins with.
        literal: all literal text that a message can contain.
        pattern: the texts that it reads.
        regex: the same texts as a regular expression, with a group for each capture.
        written_regex: the texts that it writes, in the same way. A regular expression for fewer texts takes
            less time.
        format: the text that it writes, with ``%s`` for each of the writers.
        counts: pairs of the capture that holds the number of items of a list, and the name of this list.
        expected: the expected text of each piece, to explain a mismatch.
        raw: the name of the field of raw bytes behind the text, or an empty text.
        raw_kind: the type of that field.
        match: the compiled regular expression.
        match_written: the compiled regular expression of the texts that it writes.
    """

    text: str
    names: tuple[str, ...]
    leading: str
    literal: str
    pattern: TextPattern
    regex: str
    written_regex: str
    format: str
    captures: tuple[Capture, ...]
    writers: tuple[ValueWriter, ...]
    drawers: tuple[ValueDrawer, ...]
    counts: tuple[tuple[str, str], ...]
    expected: tuple[ExpectedText, ...]
    raw: str = ""
    raw_kind: type[bytes] | type[memoryview] = bytes
    match: Callable[[str], re.Match[str] | None] = field(init=False, repr=False, eq=False)

    @match.default
    def _compile(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self.regex, re.DOTALL).fullmatch

    match_written: Callable[[str], re.Match[str] | None] = field(init=False, repr=False, eq=False)

    @match_written.default
    def _compile_written(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self.written_regex, re.DOTALL).fullmatch

    def matches(self, text: str) -> bool:
        """Return True if a text fits this template."""
        return self.match(text) is not None

    def read(self, text: str) -> dict[str, Any] | None:
        """Return the values in a text, or None if it does not fit; raise CodecError for a wrong value."""
        match = self.match(text)
        if match is None:
            return None
        values = {}
        name = ""
        try:
            for (name, read, absent), found in zip(self.captures, match.groups(), strict=False):
                values[name] = absent() if found is None else read(found)
        except CodecError as error:
            raise inside(name, error) from error.__cause__
        except ValueError:  # int() refuses more digits than Python allows
            raise CodecError("the number has too many digits", name) from None
        if self.raw and isinstance(text, WithBody):
            values[self.raw] = self.raw_kind(text.body)
        for count_name, list_name in self.counts:
            count = values.pop(count_name)
            if count is not None and count != len(values[list_name]):
                raise CodecError(
                    f"the count says {count} items, but there are {len(values[list_name])}", list_name
                )
        return values

    def write(self, values: Mapping[str, Any]) -> str:
        """Return the text for values; raise CodecError if one is missing or does not fit its format."""
        texts = []
        name: str | None = None
        try:
            for name, write, _ in self.writers:
                texts.append(write(values if name is None else values[name]))
        except CodecError as error:
            raise inside(name or "", error) from None
        except KeyError as error:
            raise missing(name or error.args[0]) from None
        text = self.format % tuple(texts)
        return WithBody(text, values[self.raw]) if self.raw else text

    def draw(self, random: Random) -> dict[str, Any]:
        """Draw values that can be sent without change."""
        values: dict[str, Any] = {}
        for name, draw in self.drawers:
            values.update(draw(random) if name is None else {name: draw(random)})
        return values

    def explain(self, text: str) -> tuple[int, CodecError]:
        """Return the number of fitting characters of a text, and an error that explains the next one."""
        return explain_mismatch(self.text, self.expected, text)
