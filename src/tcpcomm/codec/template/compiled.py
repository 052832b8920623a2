"""Compiled templates: one regular expression reads a template, and one format writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import evolve, field, frozen

from tcpcomm.codec.problems import brief_repr, inside, missing
from tcpcomm.codec.template.ambiguity import can_give_way
from tcpcomm.codec.template.byte_widths import gathered, spread
from tcpcomm.codec.template.fields.field_type import FieldType, Plain
from tcpcomm.codec.template.fields.raw_bytes import WithBody
from tcpcomm.codec.template.mismatch import ExpectedText, explain_mismatch
from tcpcomm.codec.template.regex_tree import Except, TextPattern, literal_regex
from tcpcomm.errors import CodecError

Capture = tuple[str, Callable[[str], Any], Callable[[], Any]]
"""A group of the regular expression: its name, its reader, and a function for its value if it is absent."""

ValueWriter = tuple["str | None", Callable[[Any], str], "Plain | None"]
"""The name of a value, its writer, and its plain values. Without a name, an optional part: all values."""

ValueDrawer = tuple["str | None", Callable[[Random], Any]]
"""The name of a value, and a function that draws it. Without a name, an optional part: a dict."""


@frozen
class Count:
    """
    A number in a text that counts items, characters or bytes of the same text.

    Attributes:
        capture: the name of the group that holds the number.
        of: the counted field; empty: all that stands behind the number.
        measure: returns the count of a value, or of a written text if ``in_bytes``.
        unit: the unit, for messages.
        in_bytes: True if it counts the bytes of the written text.
    """

    capture: str
    of: str
    measure: Callable[[Any], int]
    unit: str
    in_bytes: bool = False


@frozen
class Behind:
    """
    A count of the bytes that stand behind it, where a template writes it.

    Attributes:
        index: the index of its writer.
        format: the format of what stands behind it, with ``%s`` for each of the writers there.
    """

    index: int
    format: str
    measure: Callable[[str], int]
    write: Callable[[Any], str]


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
        counts: the numbers that count another part of the text.
        behind: those that count what stands behind them.
        expected: the expected text of each piece, to explain a mismatch.
        charset: Python's name of the encoding, if its widths count bytes; None: widths count characters.
        kinds: the types of its values by their names, also of those in optional parts.
        raw: the name of the field of raw bytes behind the text, or an empty text.
        raw_kind: the type of that field.
        special: the texts that are not read nor written, because they have a meaning of their own.
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
    counts: tuple[Count, ...]
    behind: tuple[Behind, ...]
    expected: tuple[ExpectedText, ...]
    charset: str | None
    kinds: Mapping[str, FieldType] = field(eq=False, repr=False)
    raw: str = ""
    raw_kind: type[bytes] | type[memoryview] = bytes
    special: frozenset[str] = frozenset()
    match: Callable[[str], re.Match[str] | None] = field(init=False, repr=False, eq=False)

    @match.default
    def _compile(self) -> Callable[[str], re.Match[str] | None]:
        return self._matcher(self.regex)

    match_written: Callable[[str], re.Match[str] | None] = field(init=False, repr=False, eq=False)

    @match_written.default
    def _compile_written(self) -> Callable[[str], re.Match[str] | None]:
        return self._matcher(self.written_regex)

    def _matcher(self, regex: str) -> Callable[[str], re.Match[str] | None]:
        find, charset = re.compile(regex, re.DOTALL).fullmatch, self.charset
        return find if charset is None else lambda text: find(spread(text, charset))

    def beside(self, others: Iterable[CompiledTemplate]) -> CompiledTemplate:
        """
        Return this template as it stands beside others that win over it.

        A template without a field wins over one with numbers or choices that reads only what it writes,
        if a field has a special value in that text. All other overlaps are left to the caller.
        """
        found, by_bytes = self, self.charset is not None
        for other in others if self.regex == self.written_regex else ():
            if other.captures or other.raw:
                continue
            text = other.write({})
            match = found.match(text)
            if match is not None and any(match.groups()) and can_give_way(found.pattern, other.pattern):
                ahead = rf"(?!{literal_regex(text, by_bytes)}\Z)"
                found = evolve(
                    found,
                    pattern=Except(found.pattern, other.pattern),
                    regex=ahead + found.regex,
                    written_regex=ahead + found.written_regex,
                    special=found.special | {text},
                )
        return found

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
        for count in self.counts:
            said = values.pop(count.capture)
            if said is None:
                continue
            found = count.measure(self._counted(match, count) if count.in_bytes else values[count.of])
            if said != found:
                raise CodecError(f"the count says {said} {count.unit}, but there are {found}", count.of)
        return values

    def _counted(self, match: re.Match[str], count: Count) -> str:
        """Return the text that a count counts."""
        names = [name for name, _, _ in self.captures]
        if count.of:
            return gathered(match[names.index(count.of) + 1] or "")
        return gathered(match.string[match.end(names.index(count.capture) + 1) :])

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
        for each in reversed(self.behind):
            tail = each.format % tuple(texts[each.index + 1 :])
            try:
                texts[each.index] = each.write(each.measure(tail))
            except CodecError as error:
                raise CodecError(f"its length: {error.reason}") from None
        text = self.format % tuple(texts)
        if text in self.special:
            problem = f"{brief_repr(text)} has another meaning, so no value can be sent as this text"
            raise CodecError(problem, self.names[0] if len(self.names) == 1 else "")
        return WithBody(text, values[self.raw]) if self.raw else text

    def writes_alike(self, name: str, one: Any, other: Any) -> bool:
        """Return True if two values of a field are equal, or a format rounds them to one text."""
        if one is None or other is None:  # which has no text
            return one is other
        write = self.kinds[name].write
        return bool(one == other) or write(one) == write(other)

    def draw(self, random: Random) -> dict[str, Any]:
        """Draw values that can be sent without change."""
        values: dict[str, Any] = {}
        for name, draw in self.drawers:
            values.update(draw(random) if name is None else {name: draw(random)})
        return values

    def explain(self, text: str) -> tuple[int, CodecError]:
        """Return the number of fitting characters of a text, and an error that explains the next one."""
        found = text if self.charset is None else spread(text, self.charset)
        return explain_mismatch(self.text, self.expected, found)


@frozen
class FieldFinder:
    """Finds the value of one field in a text, even if the text does not fit the template behind it."""

    template: CompiledTemplate
    name: str
    _read: Callable[[str], Any] = field(init=False)
    _begin: re.Pattern[str] = field(init=False)
    """The text up to the field, and the field as a group."""

    @_read.default
    def _reader_of_value(self) -> Callable[[str], Any]:
        return next(read for name, read, _ in self.template.captures if name == self.name)

    @_begin.default
    def _pattern_of_begin(self) -> re.Pattern[str]:
        regex = _regex_up_to(self.name, self.template.expected)
        assert regex is not None
        return re.compile(regex, re.DOTALL)

    def value_in(self, text: str) -> Any:
        """Return the value in a text, or None if the text does not fit the template."""
        try:
            values = self.template.read(text)
        except CodecError:
            return None
        return None if values is None else values[self.name]

    def value_at_begin(self, text: str) -> Any:
        """Return the value in a text that fits the template up to the field, or None."""
        found = self._begin.match(text)
        try:
            return None if found is None else self._read(found[1])
        except (CodecError, ValueError):
            return None

    def largest(self, most: int) -> int:
        """Return the largest whole number up to ``most`` that the field can carry."""
        write = self.template.kinds[self.name].write
        carried, refused = 0, most + 1
        while refused - carried > 1:
            middle = (carried + refused) // 2
            try:
                write(middle)
                carried = middle
            except CodecError:
                refused = middle
        return carried


def _regex_up_to(name: str, expected: Sequence[ExpectedText]) -> str | None:
    """Return the regular expression of a text up to a field, a group, or None if the field is not there."""
    regex = ""
    for each in expected:
        is_field = each.name == name and not each.is_count
        found = f"({each.regex})" if is_field else _regex_up_to(name, each.parts)
        if found is not None:
            return regex + found
        regex += f"(?:{each.regex})"
    return None


def found_value(text: str, finders: Sequence[FieldFinder]) -> Any:
    """Return the value of a field in a text, or None if there is none, or if it could be one of several."""
    likely = [each for each in finders if text.startswith(each.template.leading)]
    for find in (FieldFinder.value_in, FieldFinder.value_at_begin):
        values = [value for each in likely if (value := find(each, text)) is not None]
        if values:
            return values[0] if all(each == values[0] for each in values) else None
    return None
